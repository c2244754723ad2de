//! What is available now: an immutable snapshot of endpoints and their models.
//!
//! One task ([`run`]) owns the catalog and publishes a new snapshot for each change; all others hold a
//! `watch::Receiver` and read one snapshot from start to end. It opens no connection: discovery tells it what it saw,
//! the request path tells it what failed. Which model answers a name is `routing`'s business.

mod base_url;
mod endpoint;
pub mod health;
mod index;
mod model;
mod terms;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use base_url::{Address, BadAddress, BaseUrl};
pub use endpoint::{Endpoint, EndpointId, EndpointState, Installed, Origin, Refusal};
pub use health::{Failure, Health};
pub use index::Index;
pub(crate) use index::fold;
pub use model::{Capabilities, Context, Model, ModelState};
pub use terms::Terms;

/// The most models that one endpoint may list. A runtime that claims more is broken or hostile; the rest is dropped and
/// told as a note.
pub const MOST_MODELS: usize = 5_000;

/// Something seen in the world.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "events are few and moved once; a box would cost every reader a line")]
pub enum Event {
    /// An endpoint appeared or what is known of it changed. Its models and health stay as they are.
    Found(Endpoint),
    /// All the models that an endpoint offers now.
    Listed(EndpointId, Vec<Model>),
    /// An endpoint is gone.
    Lost(EndpointId),
    /// An attempt failed before its first byte.
    Failed(EndpointId, Failure),
    /// An attempt succeeded after failures.
    Recovered(EndpointId),
    /// All the runtimes that are installed but do not run.
    Installed(Vec<Installed>),
    /// All that one source (`ports`, `disk`, ...) saw and does not use.
    Refused(&'static str, Vec<Refusal>),
    /// Discovery has looked everywhere once: from now on an empty catalog means that nothing runs.
    Settled,
}

/// An immutable snapshot. Cheap to clone: everything large is shared.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    revision: u64,
    endpoints: BTreeMap<EndpointId, Arc<Endpoint>>,
    models: BTreeMap<EndpointId, Arc<[Arc<Model>]>>,
    index: Arc<Index>,
    installed: Arc<[Installed]>,
    refused: BTreeMap<&'static str, Arc<[Refusal]>>,
    settled: bool,
}

impl Catalog {
    /// Grows by one with each change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Every endpoint, by id.
    pub fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.values()
    }

    /// One endpoint.
    pub fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(id)
    }

    /// Every model, by endpoint and then in the endpoint's own order.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values().flat_map(|models| models.iter())
    }

    /// The models of one endpoint.
    pub fn models_of(&self, endpoint: &str) -> &[Arc<Model>] {
        self.models.get(endpoint).map_or(&[], |models| models)
    }

    /// Finds models by name.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Runtimes that are installed but do not run.
    pub fn installed(&self) -> &[Installed] {
        &self.installed
    }

    /// What was seen and is not used.
    pub fn refused(&self) -> impl Iterator<Item = &Refusal> {
        self.refused.values().flat_map(|refusals| refusals.iter())
    }

    /// Whether discovery has looked everywhere once.
    pub fn settled(&self) -> bool {
        self.settled
    }

    /// The catalog after an event, or `None` if the event changes nothing. `now` starts cool-downs, and the time since when a
    /// model is seen loaded.
    #[must_use]
    pub fn apply(&self, event: Event, now: Instant) -> Option<Catalog> {
        let mut next = self.clone();
        let changed = match event {
            Event::Found(endpoint) => next.found(endpoint),
            Event::Listed(id, models) => next.listed(&id, models, now),
            Event::Lost(id) => next.endpoints.remove(&id).is_some() | next.models.remove(&id).is_some(),
            Event::Failed(id, failure) => next.health(&id, |health| health.failed(&failure, now)),
            Event::Recovered(id) => next.health(&id, Health::succeeded),
            Event::Installed(installed) => {
                let changed = *next.installed != *installed;
                next.installed = installed.into();
                changed
            }
            Event::Refused(source, refusals) => {
                let changed = next.refused.get(source).map_or(!refusals.is_empty(), |known| **known != *refusals);
                next.refused.insert(source, refusals.into());
                changed
            }
            Event::Settled => !std::mem::replace(&mut next.settled, true),
        };
        if !changed {
            return None;
        }
        next.revision += 1;
        if !same_models(&self.models, &next.models) {
            next.index = Arc::new(Index::build(next.models()));
        }
        Some(next)
    }

    fn found(&mut self, mut endpoint: Endpoint) -> bool {
        if let Some(known) = self.endpoints.get(&endpoint.id) {
            // A changed address is another server: what failed there says nothing of this one.
            if known.base_url == endpoint.base_url {
                endpoint.health = known.health.clone();
            }
            if **known == endpoint {
                return false;
            }
        }
        self.endpoints.insert(Arc::clone(&endpoint.id), Arc::new(endpoint));
        true
    }

    fn listed(&mut self, id: &str, mut models: Vec<Model>, now: Instant) -> bool {
        // A listing that arrives after its endpoint was lost belongs to nothing.
        let Some((id, _)) = self.endpoints.get_key_value(id) else { return false };
        models.truncate(MOST_MODELS);
        let known = self.models.get(id).map_or(&[][..], |known| known);
        for model in models.iter_mut().filter(|model| model.is_loaded()) {
            let before = known.iter().find(|known| known.id == model.id).and_then(|known| known.loaded_since);
            model.loaded_since = before.or(Some(now));
        }
        let same = self
            .models
            .get(id)
            .is_some_and(|known| known.len() == models.len() && known.iter().zip(&models).all(|(a, b)| **a == *b));
        if same {
            return false;
        }
        self.models.insert(Arc::clone(id), models.into_iter().map(Arc::new).collect());
        true
    }

    fn health(&mut self, id: &str, change: impl FnOnce(&Health) -> Health) -> bool {
        let Some(endpoint) = self.endpoints.get_mut(id) else { return false };
        let health = change(&endpoint.health);
        if health == endpoint.health {
            return false;
        }
        Arc::make_mut(endpoint).health = health;
        true
    }
}

type Listings = BTreeMap<EndpointId, Arc<[Arc<Model>]>>;

fn same_models(a: &Listings, b: &Listings) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(a.1, b.1))
}

/// The one writer: applies events as they come and publishes each changed snapshot. Ends when `stop` is cancelled or
/// every sender of events is gone.
pub async fn run(mut events: mpsc::Receiver<Event>, publish: watch::Sender<Arc<Catalog>>, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        batch.clear();
        let received = tokio::select! {
            () = stop.cancelled() => break,
            received = events.recv_many(&mut batch, 64) => received,
        };
        if received == 0 {
            break;
        }
        let before = Arc::clone(&publish.borrow());
        let now = Instant::now();
        let mut catalog: Option<Catalog> = None;
        for event in batch.drain(..) {
            tracing::debug!(target: "catalog", ?event);
            if let Some(next) = catalog.as_ref().unwrap_or(&before).apply(event, now) {
                catalog = Some(next);
            }
        }
        if let Some(catalog) = catalog {
            publish.send_replace(Arc::new(catalog));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
