//! A route's submenu: the models that can answer it, and which one does.
//!
//! Recent choices first, then by endpoint, those on this machine before all others. The order is the catalog's and holds
//! still while models are loaded and unloaded. A menu of hundreds is of no use: the rest is in the window.

use pointsman_gateway::catalog::{Model, ModelState};
use pointsman_gateway::control::{EndpointView, Machine, RouteView, Snapshot};

use super::words::{self, heading, leaves, named, short};
use crate::memory::Recent;
use crate::tray::item::{Action, Item};

/// The most entries, headings included.
const ROWS: usize = 25;

/// The entries.
pub(super) fn models(snapshot: &Snapshot, route: &RouteView, recent: &Recent) -> Vec<Item> {
    let fits = kind(snapshot, route);
    let mut items = Vec::new();
    items.extend(route.problem.as_ref().map(|problem| Item::Note(format!("▲ {}", short(problem)))));

    let entry = |model: &Model, text: String| {
        let current = route.answers.first().is_some_and(|answer| is_answer(model, answer));
        let action =
            Action::Choose { route: route.name.clone(), target: target(snapshot, model), name: model.id.to_string() };
        Item::Check { text, action, on: current }
    };
    let before = items.len();
    for chosen in recent.of(&route.name) {
        let model = snapshot.models.iter().find(|model| fits.takes(model) && target(snapshot, model) == chosen);
        items.extend(model.map(|model| {
            let at = snapshot.endpoints.iter().find(|endpoint| *endpoint.id == *model.endpoint);
            entry(model, format!("{}{}", named(model, at), state(model, &snapshot.machine)))
        }));
    }
    if items.len() > before {
        items.push(Item::Line);
    }

    let groups = groups(snapshot, fits);
    let shown = share(&groups, ROWS.saturating_sub(items.len()));
    let mut left_out = false;
    for ((endpoint, models), most) in groups.iter().zip(shown) {
        left_out |= models.len() > most;
        if most == 0 {
            continue;
        }
        items.push(Item::Note(heading(snapshot, endpoint)));
        items.extend(top(models, most, route).map(|model| {
            let sign = if model.local == endpoint.local { "" } else { leaves(model.local) };
            entry(model, format!("{}{sign}{}", model.id, state(model, &snapshot.machine)))
        }));
    }
    if groups.is_empty() {
        items.push(Item::Note("No model can answer yet".to_owned()));
    }
    if left_out || groups.is_empty() {
        items.push(Item::Line);
        items.push(Item::Click {
            text: "More models...".to_owned(),
            action: Action::Pick { route: route.name.clone() },
        });
    }
    items
}

/// What a route is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chat,
    Vectors,
}

impl Kind {
    fn takes(self, model: &Model) -> bool {
        match self {
            Kind::Chat => model.chats(),
            Kind::Vectors => model.capabilities.embeddings,
        }
    }
}

/// A route whose targets make vectors is given others that do; any other is for chats.
fn kind(snapshot: &Snapshot, route: &RouteView) -> Kind {
    let set = |model: &&Model| route.targets.iter().any(|wanted| names(snapshot, model, wanted));
    let mut targets = snapshot.models.iter().filter(set).peekable();
    if targets.peek().is_some() && targets.all(|model| !model.chats() && model.capabilities.embeddings) {
        Kind::Vectors
    } else {
        Kind::Chat
    }
}

/// Whether the settings mean this model by that name: roughly, for the routing itself is the gateway's.
fn names(snapshot: &Snapshot, model: &Model, wanted: &str) -> bool {
    let prefixes = snapshot.endpoints.iter().filter(|endpoint| *endpoint.id == *model.endpoint);
    let mut prefixes = prefixes.flat_map(|endpoint| [Some(&endpoint.id), endpoint.runtime.as_ref()]).flatten();
    let below = |prefix: &String| wanted.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix([':', '/']));
    *model.id == *wanted || prefixes.any(|prefix| below(prefix) == Some(&*model.id))
}

/// How the settings name a model: by its runtime, which stays when the port changes, where that is one endpoint alone.
pub(crate) fn target(snapshot: &Snapshot, model: &Model) -> String {
    let at = snapshot.endpoints.iter().find(|endpoint| *endpoint.id == *model.endpoint);
    let runtime = at.filter(|at| at.local).and_then(|at| at.runtime.as_deref()).filter(|runtime| {
        snapshot.endpoints.iter().filter(|other| other.runtime.as_deref() == Some(runtime)).count() == 1
    });
    format!("{}:{}", runtime.unwrap_or(&model.endpoint), model.id)
}

/// Whether a route's answer, `endpoint/model`, is this model.
pub(super) fn is_answer(model: &Model, answer: &str) -> bool {
    answer.strip_prefix(&*model.endpoint).and_then(|rest| rest.strip_prefix('/')) == Some(&*model.id)
}

type Group<'a> = (&'a EndpointView, Vec<&'a Model>);

/// The endpoints that have something for this route, those on this machine first.
fn groups(snapshot: &Snapshot, fits: Kind) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = snapshot
        .endpoints
        .iter()
        .map(|endpoint| {
            // In local-only mode nothing hosted can answer.
            let can = |model: &&Model| fits.takes(model) && (model.local || !snapshot.local_only);
            let its = snapshot.models.iter().filter(|model| *model.endpoint == *endpoint.id).filter(can);
            (endpoint, its.collect::<Vec<_>>())
        })
        .filter(|(_, models)| !models.is_empty())
        .collect();
    groups.sort_by_key(|(endpoint, _)| !endpoint.local);
    groups
}

/// How many of each group are shown: one each in turn, so that no endpoint hides the others. A heading is a row too.
fn share(groups: &[Group<'_>], rows: usize) -> Vec<usize> {
    let mut shown = vec![0; groups.len()];
    let mut left = rows;
    loop {
        let mut given = false;
        for ((_, models), shown) in groups.iter().zip(&mut shown) {
            let cost = if *shown == 0 { 2 } else { 1 };
            if *shown < models.len() && left >= cost {
                *shown += 1;
                left -= cost;
                given = true;
            }
        }
        if !given {
            return shown;
        }
    }
}

/// The most telling of a group, in the group's own order: what answers now, what is loaded, then the first.
fn top<'a>(models: &[&'a Model], most: usize, route: &RouteView) -> impl Iterator<Item = &'a Model> {
    let mut ranked: Vec<(usize, &'a Model)> = models.iter().copied().enumerate().collect();
    let current = |model: &Model| route.answers.first().is_some_and(|answer| is_answer(model, answer));
    ranked.sort_by_key(|(_, model)| (!current(model), !model.is_loaded()));
    ranked.truncate(most);
    ranked.sort_by_key(|(place, _)| *place);
    ranked.into_iter().map(|(_, model)| model)
}

/// `  loaded`, `  40 GB, will not fit`.
fn state(model: &Model, machine: &Machine) -> String {
    let size = model.size.map(words::size);
    match model.state {
        ModelState::Loaded => "  loaded".to_owned(),
        ModelState::Loading => "  loading".to_owned(),
        ModelState::Cold | ModelState::Unknown if model.local && will_not_fit(model, machine) => {
            format!("  {}, will not fit", size.unwrap_or_default())
        }
        ModelState::Cold => format!("  {}", size.unwrap_or_else(|| "on disk".to_owned())),
        ModelState::Unknown => size.map(|size| format!("  {size}")).unwrap_or_default(),
        ModelState::Hosted => String::new(),
    }
}

/// Whether the weights alone are more than all the memory that there is.
fn will_not_fit(model: &Model, machine: &Machine) -> bool {
    let all = machine.gpus.iter().map(|gpu| gpu.memory_total).sum::<u64>() + machine.memory_total;
    machine.memory_total > 0 && model.size.is_some_and(|size| size > all)
}
