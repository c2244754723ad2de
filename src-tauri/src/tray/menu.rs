//! The tray's menu as a pure function of what is known: the same input gives the same entries.
//!
//! How they are drawn is `render`'s business, what a click does is `click`'s.

mod picker;
mod words;

use pointsman_gateway::catalog::{Model, ModelState};
use pointsman_gateway::control::{EndpointView, RouteView, Snapshot};

use super::item::{Action, Item};
use crate::memory::Recent;
pub(crate) use picker::target;
use words::{count, named, short};

/// The menu while a gateway serves.
pub(crate) fn menu(snapshot: &Snapshot, recent: &Recent, at_login: bool) -> Vec<Item> {
    let mut items = status(snapshot);
    items.push(Item::Line);
    items.extend(snapshot.routes.iter().map(|route| Item::Menu {
        key: format!("route {}", route.name),
        text: answering(snapshot, route),
        items: picker::models(snapshot, route, recent),
    }));
    items.push(Item::Line);
    items.push(loaded(snapshot));
    if !snapshot.installed.is_empty() {
        items.push(start(snapshot));
    }
    items.push(Item::Check { text: "Local only".to_owned(), action: Action::LocalOnly, on: snapshot.local_only });
    let copy = vec![click("Base URL", Action::CopyBaseUrl), click("Key for a new tool", Action::CopyNewKey)];
    items.push(Item::Menu { key: "copy".to_owned(), text: "Copy".to_owned(), items: copy });
    items.push(Item::Line);
    items.push(click("Open Pointsman", Action::Open));
    items.push(click("New chat", Action::NewChat));
    items.push(Item::Line);
    items.push(Item::Check { text: "Pause serving".to_owned(), action: Action::Pause, on: snapshot.paused });
    items.extend(program(at_login));
    items
}

/// The menu while none does.
pub(crate) fn without_gateway(trouble: Option<&str>, at_login: bool) -> Vec<Item> {
    let mut items = match trouble {
        None => vec![Item::Note("Starting".to_owned())],
        Some(trouble) => vec![Item::Note("▲ Not serving".to_owned()), Item::Note(short(trouble))],
    };
    items.push(Item::Line);
    items.push(click("Open Pointsman", Action::Open));
    items.push(click("Open the settings file", Action::OpenSettings));
    items.push(Item::Line);
    items.extend(program(at_login));
    items
}

fn program(at_login: bool) -> [Item; 2] {
    [
        Item::Check { text: "Start at login".to_owned(), action: Action::StartAtLogin, on: at_login },
        click("Quit", Action::Quit),
    ]
}

fn click(text: &str, action: Action) -> Item {
    Item::Click { text: text.to_owned(), action }
}

/// What is served where, what is there, and what is wrong.
fn status(snapshot: &Snapshot) -> Vec<Item> {
    let address = snapshot.addresses.first().map_or("no address", String::as_str);
    let serving =
        if snapshot.paused { format!("Ⅱ Paused on {address}") } else { format!("● Serving on {address}") };
    let mut items = vec![Item::Note(serving), Item::Note(models(snapshot))];
    let settings = snapshot.settings_problem.as_ref().map(|problem| format!("▲ Settings: {}", short(problem)));
    items.extend(settings.map(|text| Item::Click { text, action: Action::OpenSettings }));
    items.extend(snapshot.keychain_problem.as_ref().map(|problem| Item::Note(format!("▲ {}", short(problem)))));
    items
}

/// `14 models, 2 loaded (6.1 of 16 GB)`.
fn models(snapshot: &Snapshot) -> String {
    if !snapshot.settled && snapshot.models.is_empty() {
        return "Looking for models".to_owned();
    }
    let loaded: Vec<&Model> = in_memory(snapshot).collect();
    let all = count(snapshot.models.len(), "model");
    if loaded.is_empty() {
        return all;
    }
    let held: u64 = loaded.iter().filter_map(|model| model.memory.or(model.size)).sum();
    let memory = match (held, snapshot.machine.memory_total) {
        (0, _) => String::new(),
        (held, 0) => format!(" ({})", words::memory(held)),
        (held, total) => format!(" ({} of {})", words::memory(held), words::memory(total)),
    };
    format!("{all}, {} loaded{memory}", loaded.len())
}

/// `default  →  qwen3:8b · Ollama`.
fn answering(snapshot: &Snapshot, route: &RouteView) -> String {
    let answer = route.answers.first().and_then(|answer| {
        let model = snapshot.models.iter().find(|model| picker::is_answer(model, answer))?;
        Some(named(model, endpoint(snapshot, &model.endpoint)))
    });
    // A hosted model that no list has.
    let answer = answer.or_else(|| route.answers.first().cloned()).unwrap_or_else(|| "nothing answers".to_owned());
    format!("{}  →  {answer}", route.name)
}

fn endpoint<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a EndpointView> {
    snapshot.endpoints.iter().find(|endpoint| endpoint.id == id)
}

fn in_memory(snapshot: &Snapshot) -> impl Iterator<Item = &Model> {
    snapshot.models.iter().filter(|model| model.local && model.state == ModelState::Loaded)
}

/// What is in memory; a click takes it out where the runtime can be told to.
fn loaded(snapshot: &Snapshot) -> Item {
    let mut items: Vec<Item> = in_memory(snapshot)
        .map(|model| {
            let at = endpoint(snapshot, &model.endpoint);
            let held = model.memory.or(model.size).map(words::memory);
            let memory = held.map(|held| format!("  {held}")).unwrap_or_default();
            let name = named(model, at);
            if at.is_some_and(|at| at.actions.unload) {
                let action = Action::Unload { endpoint: model.endpoint.to_string(), model: model.id.to_string() };
                Item::Click { text: format!("Unload {name}{memory}"), action }
            } else {
                Item::Note(format!("{name}{memory}"))
            }
        })
        .collect();
    if items.is_empty() {
        items.push(Item::Note("Nothing is loaded".to_owned()));
    }
    Item::Menu { key: "loaded".to_owned(), text: "Loaded".to_owned(), items }
}

fn start(snapshot: &Snapshot) -> Item {
    let items = snapshot.installed.iter().map(|installed| {
        let (runtime, name) = (installed.runtime.to_string(), installed.name.clone());
        Item::Click { text: installed.name.clone(), action: Action::Start { runtime, name } }
    });
    Item::Menu { key: "start".to_owned(), text: "Start".to_owned(), items: items.collect() }
}

#[cfg(test)]
mod tests;
