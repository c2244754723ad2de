//! What the catalog is told of the built-in runtime: one endpoint, its models, or why there are none.
//!
//! Values only, made from what the keeper knows.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;

use super::child::Running;
use super::library::Library;
use super::{Pace, World};
use crate::catalog::{
    Capabilities, Catalog, Context, Endpoint, EndpointId, EndpointState, Event, Health, Model, ModelState, Origin,
    Refusal,
};
use crate::disk::DiskModel;
use crate::protocol::shape::Beside;
use crate::protocol::{Operation, Protocol, Speaks};
use crate::settings::{BuiltInMode, Settings};

/// The endpoint's id.
const ID: &str = "builtin";

/// Whether the models are wanted, as far as settings and the world say. `None`: it is too early to tell.
fn is_wanted(settings: &Settings, catalog: &Catalog) -> Option<bool> {
    match settings.builtin.enabled {
        BuiltInMode::On => Some(true),
        BuiltInMode::Off => Some(false),
        BuiltInMode::Auto if another_answers(catalog) => Some(false),
        // Nobody looks when discovery is off, so nobody says that it has ended.
        BuiltInMode::Auto => (catalog.settled() || !settings.discovery.enabled).then_some(true),
    }
}

fn another_answers(catalog: &Catalog) -> bool {
    let answers = |endpoint: &Endpoint| {
        // A runtime without a model answers nobody: a fresh Ollama must not take the first chat away.
        let has_models = !catalog.models_of(&endpoint.id).is_empty();
        endpoint.local && endpoint.origin != Origin::BuiltIn && endpoint.state == EndpointState::Ready && has_models
    };
    catalog.endpoints().any(|endpoint| answers(endpoint))
}

/// Whether the models are offered now, and when that is to change. A runtime that restarts should not make them come and
/// go.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// Now.
    pub(super) now: bool,
    /// The world has been seen once; before that nothing can flicker.
    seen: bool,
    change: Option<Instant>,
}

impl Offered {
    /// Looks at the world again. `busy` says that a child runs: its model is not taken away from those who use it.
    pub(super) fn reconsider(&mut self, settings: &Settings, catalog: &Catalog, busy: bool, now: Instant, pace: &Pace) {
        let Some(wanted) = is_wanted(settings, catalog) else { return };
        let first = !std::mem::replace(&mut self.seen, true);
        if wanted == self.now {
            self.change = None;
            return;
        }
        let is_auto = settings.builtin.enabled == BuiltInMode::Auto;
        let wait = match wanted {
            _ if first || !is_auto => Duration::ZERO,
            true => pace.offer_after,
            false => pace.withdraw_after,
        };
        let due = *self.change.get_or_insert(now + wait) <= now;
        let held = busy && is_auto && !wanted;
        if (due || wait.is_zero()) && !held {
            self.now = wanted;
            self.change = None;
        }
    }

    /// When to look again, if nothing happens before.
    pub(super) fn changes(&self, now: Instant) -> Option<Instant> {
        // One that is overdue is held up by a child, whose end will be an event.
        self.change.filter(|change| *change > now)
    }
}

/// What runs now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Present<'a> {
    /// Nothing.
    Nothing,
    /// This model is being loaded.
    Loading(&'a str),
    /// This model answers, and holds so much memory.
    Loaded(&'a str, &'a Running, Option<u64>),
}

/// All that the catalog is told.
#[derive(Debug, Default)]
pub(super) struct Offer {
    endpoint: Option<Endpoint>,
    models: Vec<Model>,
    refusals: Vec<Refusal>,
}

impl Offer {
    /// Nothing at all unless it is `wanted` and somebody has looked. `note` is what a person should know of a crash.
    pub(super) fn of(
        wanted: bool,
        library: &Library,
        present: Present<'_>,
        note: Option<&str>,
        world: &World,
    ) -> Offer {
        if !wanted || !library.looked {
            return Offer::default();
        }
        let refusals = refusals(library, world);
        if library.program.is_err() || library.models.is_empty() {
            return Offer { refusals, ..Offer::default() };
        }
        Offer { endpoint: endpoint(library, present, note), models: models(library, present), refusals }
    }

    /// What is news to someone who knows `before`.
    pub(super) fn since(&self, before: &Offer) -> Vec<Event> {
        let mut events = Vec::new();
        if self.endpoint != before.endpoint {
            events.push(self.endpoint.clone().map_or_else(|| Event::Lost(ID.into()), Event::Found));
        }
        if self.endpoint.is_some() && self.models != before.models {
            events.push(Event::Listed(ID.into(), self.models.clone()));
        }
        if self.refusals != before.refusals {
            events.push(Event::Refused(ID, self.refusals.clone()));
        }
        events
    }
}

fn endpoint(library: &Library, present: Present<'_>, note: Option<&str>) -> Option<Endpoint> {
    let running = match present {
        Present::Loaded(_, running, _) => Some(running),
        Present::Nothing | Present::Loading(_) => None,
    };
    let speaks = |protocol: Protocol, operations: &[Operation]| Speaks {
        protocol,
        prefix: protocol.default_prefix().to_owned(),
        operations: operations.to_vec(),
        holds: Vec::new(),
        shape: None,
        beside: Beside::default(),
    };
    let mut of_openai = vec![Operation::Chat, Operation::Completion];
    if library.models.iter().any(|model| model.header.is_embedding()) {
        of_openai.push(Operation::Embeddings);
    }
    if library.models.iter().any(|model| model.header.is_rerank()) {
        of_openai.push(Operation::Rerank);
    }
    Some(Endpoint {
        id: ID.into(),
        name: "Built in".to_owned(),
        origin: Origin::BuiltIn,
        // Nobody asks there: a request gets its address with its lease, as each child has a port of its own.
        provider: None,
        base_url: "http://127.0.0.1:1".parse().ok()?,
        // What llama.cpp's row says, for its reasons.
        speaks: vec![speaks(Protocol::OpenAiChat, &of_openai), speaks(Protocol::Anthropic, &[Operation::CountTokens])],
        credential: None,
        spares: Vec::new(),
        allow_private: false,
        local: true,
        state: EndpointState::Ready,
        version: running.and_then(|running| running.version.clone()),
        process: running.map(|running| running.process),
        notes: note.map(str::to_owned).into_iter().collect(),
        health: Health::default(),
    })
}

/// Its models, in the library's order.
fn models(library: &Library, present: Present<'_>) -> Vec<Model> {
    let id: EndpointId = ID.into();
    library.models.iter().map(|disk| model(disk, &id, present)).collect()
}

fn model(disk: &DiskModel, endpoint: &EndpointId, present: Present<'_>) -> Model {
    let header = &disk.header;
    let (state, effective, memory) = match present {
        Present::Loading(id) if id == disk.id => (ModelState::Loading, None, None),
        Present::Loaded(id, running, memory) if id == disk.id => (ModelState::Loaded, running.context, memory),
        Present::Nothing | Present::Loading(_) | Present::Loaded(..) => (ModelState::Cold, None, None),
    };
    let chat = header.is_chat();
    Model {
        aliases: disk.aliases.iter().map(|alias| alias.as_str().into()).collect(),
        size: Some(disk.size),
        parameters: header.size_label.clone(),
        quantisation: header.quantisation.clone(),
        family: Some(header.architecture.clone()).filter(|architecture| !architecture.is_empty()),
        format: Some("gguf".to_owned()),
        context: Context { trained: header.trained_context, effective, configured: None },
        capabilities: Capabilities {
            chat,
            tools: chat.then_some(header.chat_template.tools),
            vision: chat.then_some(disk.projector.is_some()),
            reasoning: chat.then_some(header.chat_template.reasoning),
            // A projector may be one for sounds, which only the running server tells.
            audio: None,
            embeddings: header.is_embedding(),
            rerank: header.is_rerank(),
        },
        state,
        memory,
        terms: None,
        created: disk.modified.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()),
        ..Model::named(disk.id.as_str(), Arc::clone(endpoint), true)
    }
}

/// Why there is nothing to offer, or not everything: what a person who misses a model should read.
fn refusals(library: &Library, world: &World) -> Vec<Refusal> {
    let mut refusals = library.refusals.clone();
    if let Err(reason) = &library.program {
        refusals
            .insert(0, Refusal { place: "built-in runtime".to_owned(), looked_like: None, reason: reason.to_string() });
    } else if library.models.is_empty() {
        let put = super::first::folder(&world.folders);
        let reason = format!(
            "no model was found on this disk; `pointsman models fetch` fetches a small one. Or put a GGUF file into {}, \
             or name a folder under [builtin] in the settings",
            put.display()
        );
        refusals.insert(0, Refusal { place: "built-in runtime".to_owned(), looked_like: None, reason });
    }
    refusals
}
