//! Endpoints that the settings name: asked too, and kept while they do not answer.
//!
//! A task each. Unlike a discovered address, one of these may be on another machine and receives the credential that the
//! settings give it; its address is checked first. In local-only mode nothing is asked that leaves this machine.

mod entry;
pub mod key_check;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::entry::{base, fault, listing_of, reach, speaks};
use super::client::{Fault, Reach, Signer, Site};
use super::listing::{self, Memory, Question, Unlisted};
use super::probe::{Expected, Finding, Identity, probe};
use super::{Credentials, World, text};
use crate::address;
use crate::authority::{Authority, AuthorityError};
use crate::catalog::{Endpoint, EndpointId, EndpointState, Event, Health, Model, ModelState, Origin, Refusal};
use crate::provider::Meaning;
use crate::provider::hosted::Account;
use crate::provider::known;
use crate::settings::{ConfiguredEndpoint, Settings};

/// The source's name in the catalog.
const SOURCE: &str = "settings";

/// Attends every endpoint of the settings until `stop` is cancelled.
pub(super) async fn watch(
    world: World,
    mut settings: watch::Receiver<Arc<Settings>>,
    events: mpsc::Sender<Event>,
    rescan: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let mut places: Vec<Place> = Vec::new();
    let mut told = Vec::new();
    loop {
        let entries = settings.borrow_and_update().endpoints.clone();
        let (good, refused) = checked(entries);
        if told != refused {
            told.clone_from(&refused);
            let _ = events.send(Event::Refused(SOURCE, refused)).await;
        }
        for place in std::mem::take(&mut places) {
            if good.contains(&place.entry) {
                places.push(place);
            } else {
                let id = EndpointId::from(&*place.entry.name);
                place.leave().await;
                let _ = events.send(Event::Lost(id)).await;
            }
        }
        for entry in good {
            if !places.iter().any(|place| place.entry == entry) {
                places.push(Place::attend(entry, &world, &settings, &events, &rescan));
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Ok(()) = settings.changed() => {}
        }
    }
    for place in places {
        place.leave().await;
    }
}

/// The entries that may be asked, and why the others may not.
fn checked(entries: Vec<ConfiguredEndpoint>) -> (Vec<ConfiguredEndpoint>, Vec<Refusal>) {
    let mut good: Vec<ConfiguredEndpoint> = Vec::new();
    let mut refused = Vec::new();
    for entry in entries {
        let double = good.iter().any(|other| other.name == entry.name);
        match if double { Some("two endpoints have this name") } else { fault(&entry) } {
            None => good.push(entry),
            Some(reason) => {
                let place = format!("endpoint `{}`", text::printable(&entry.name, 100));
                refused.push(Refusal { place, looked_like: None, reason: reason.to_owned() });
            }
        }
    }
    (good, refused)
}

/// Why an entry would never be asked, if so.
pub fn refusal(entry: &ConfiguredEndpoint) -> Option<&'static str> {
    fault(entry)
}

/// The way to an entry's endpoint, with its credential.
pub(super) async fn site(
    entry: &ConfiguredEndpoint,
    credentials: &Credentials,
    authority: &Authority,
    patience: Duration,
) -> Result<Site, String> {
    if let Some(reason) = fault(entry) {
        return Err(reason.to_owned());
    }
    let reach = reach(entry).map_err(|fault| fault.to_string())?;
    let (headers, signer) = proof(entry, credentials, authority).await?;
    Ok(Site { base: base(entry), headers, signer, patience, reach })
}

/// What is sent with each question, and who signs it; else why it cannot be asked.
async fn proof(
    entry: &ConfiguredEndpoint,
    credentials: &Credentials,
    authority: &Authority,
) -> Result<(HeaderMap, Option<Signer>), String> {
    let Some(reference) = &entry.key else {
        return entry::proof(entry, None, authority).ok_or_else(|| "it has no key".to_owned());
    };
    let secret = credentials(reference.clone()).await;
    let proof = secret.and_then(|secret| entry::proof(entry, Some(secret), authority));
    proof.ok_or_else(|| format!("its key cannot be read from {reference}"))
}

/// An entry that is being attended.
struct Place {
    entry: ConfiguredEndpoint,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Place {
    fn attend(
        entry: ConfiguredEndpoint,
        world: &World,
        settings: &watch::Receiver<Arc<Settings>>,
        events: &mpsc::Sender<Event>,
        rescan: &watch::Receiver<u64>,
    ) -> Place {
        let stop = CancellationToken::new();
        let attendant = Attendant {
            local: address::is_loopback(&entry.base_url),
            reach: reach(&entry),
            entry: entry.clone(),
            world: world.clone(),
            settings: settings.clone(),
            events: events.clone(),
            rescan: rescan.clone(),
            told: None,
        };
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            stopped.run_until_cancelled(attendant.attend()).await;
        });
        Place { entry, stop, task }
    }

    async fn leave(self) {
        self.stop.cancel();
        // A task that failed has nothing left to do either.
        let _ = self.task.await;
    }
}

struct Attendant {
    entry: ConfiguredEndpoint,
    local: bool,
    reach: Result<Reach, Fault>,
    world: World,
    settings: watch::Receiver<Arc<Settings>>,
    events: mpsc::Sender<Event>,
    rescan: watch::Receiver<u64>,
    told: Option<Endpoint>,
}

/// What one round of questions told.
struct Round {
    state: EndpointState,
    identity: Option<Identity>,
    models: Vec<Model>,
    note: Option<String>,
}

impl Round {
    fn without_models(state: EndpointState, note: impl Into<Option<String>>) -> Round {
        Round { state, identity: None, models: Vec::new(), note: note.into() }
    }
}

impl Attendant {
    async fn attend(mut self) {
        let mut memory = Memory::default();
        let mut known: Option<Identity> = None;
        let mut vain = 0u32;
        loop {
            if !self.local && self.settings.borrow_and_update().local_only {
                if self.told.is_none() {
                    let note = "local-only mode is on: it is not asked".to_owned();
                    self.tell(Round::without_models(EndpointState::Unreachable, note), None).await;
                }
                // Whatever changes, local-only mode is looked at again first.
                if self.settings.changed().await.is_err() {
                    return std::future::pending().await;
                }
                continue;
            }
            let round = self.ask(&mut memory, known.as_ref(), vain).await;
            let pause = match round.state {
                EndpointState::Ready if self.local => self.world.pace.refresh,
                EndpointState::Ready => self.world.pace.elsewhere,
                EndpointState::Starting => self.world.pace.tick,
                EndpointState::NeedsKey => self.world.pace.settled,
                EndpointState::Unreachable if self.local => self.world.pace.tick,
                EndpointState::Unreachable => self.world.pace.refresh * 2u32.pow(vain.min(4)),
            };
            vain = if round.state == EndpointState::Unreachable { vain.saturating_add(1) } else { 0 };
            known = round.identity.clone();
            let first_failure = vain == 1 && self.told.is_some() && !self.local;
            // One lost answer of a far machine is no reason to take its models away; it is asked again first.
            if !first_failure {
                self.tell(round, known.as_ref()).await;
            }
            self.wait(pause).await;
        }
    }

    /// One round: what it is, where that is not known, and what it offers.
    async fn ask(&self, memory: &mut Memory, known: Option<&Identity>, vain: u32) -> Round {
        let site = match self.site().await {
            Ok(site) => site,
            Err(round) => return *round,
        };
        let table = &self.world.runtimes;
        let mut identity = known.cloned();
        let unsure = vain > 0 || known.is_none_or(|known| known.meaning != Meaning::Ready);
        if self.entry.provider.is_none() && unsure {
            let port = self.entry.base_url.port_or_known_default();
            let hinted = (0..table.len()).filter(|row| port.is_some_and(|port| table[*row].ports.contains(&port)));
            let last = known.map(|known| (known.row, known.fingerprint));
            let expected = Expected { last, hinted: hinted.collect(), ..Expected::default() };
            identity = match probe(&site, table, &expected, &self.world.instance).await {
                Finding::Runtime(identity) => Some(identity),
                Finding::Silent(fault) => {
                    let state = EndpointState::Unreachable;
                    return Round::without_models(state, format!("it does not answer: {fault}"));
                }
                Finding::Own => {
                    let note = "its address leads back to this Pointsman".to_owned();
                    return Round::without_models(EndpointState::Unreachable, note);
                }
                Finding::Pointsman | Finding::Other { .. } => None,
            };
        }
        let state = identity.as_ref().map_or(EndpointState::Ready, |identity| match identity.meaning {
            Meaning::Ready => EndpointState::Ready,
            Meaning::Starting => EndpointState::Starting,
            Meaning::NeedsKey => EndpointState::NeedsKey,
            Meaning::ServerOff => EndpointState::Unreachable,
        });
        if state != EndpointState::Ready {
            return Round { identity, ..Round::without_models(state, None) };
        }
        let unlisted = self.entry.provider.as_ref().is_some_and(|row| row.listing.is_none());
        if !self.entry.models.is_empty() || unlisted {
            return Round { identity, ..Round::without_models(state, None) };
        }
        let spec = identity.as_ref().map(|identity| &table[identity.row]);
        let speaks = speaks(&self.entry, spec, identity.as_ref());
        let question = Question {
            endpoint: self.entry.name.as_str().into(),
            local: self.local,
            listing: match (spec, self.entry.provider.as_ref().and_then(|row| row.listing)) {
                (Some(spec), _) => spec.listing,
                (None, Some(listing)) => listing,
                (None, None) => listing_of(&speaks),
            },
            speaks,
            lists_loaded: spec.is_some_and(|spec| spec.lists_loaded),
            embeddings: false,
            rerank: false,
        };
        match listing::list(&site, &question, memory).await {
            Ok(listed) => Round { state, identity, models: listed.models, note: None },
            Err(Unlisted::Silent(Fault::Unproved(
                error @ (AuthorityError::Unusable(_) | AuthorityError::Refused { .. }),
            ))) => Round::without_models(EndpointState::NeedsKey, error.to_string()),
            Err(Unlisted::Silent(fault)) => {
                Round::without_models(EndpointState::Unreachable, format!("it does not answer: {fault}"))
            }
            Err(Unlisted::Unreadable { status: 401 | 403 }) => Round::without_models(EndpointState::NeedsKey, None),
            Err(Unlisted::Unreadable { status: 503 }) => Round::without_models(EndpointState::Starting, None),
            Err(Unlisted::Unreadable { status }) => {
                let note =
                    format!("it answers, but not with a list of models ({status}): name them as `models = [...]`");
                Round::without_models(EndpointState::Ready, note)
            }
        }
    }

    /// Where and how it is asked, with its credential.
    async fn site(&self) -> Result<Site, Box<Round>> {
        let pace = self.world.pace;
        let without = |state, note| Box::new(Round::without_models(state, note));
        let reach = self.reach.clone().map_err(|fault| without(EndpointState::Unreachable, fault.to_string()))?;
        let patience = if self.local { pace.patience } else { pace.patience_elsewhere };
        let proof = proof(&self.entry, &self.world.credentials, &self.world.authority).await;
        let (headers, signer) = proof.map_err(|note| without(EndpointState::NeedsKey, note))?;
        Ok(Site { base: base(&self.entry), headers, signer, patience, reach })
    }

    async fn tell(&mut self, round: Round, identity: Option<&Identity>) {
        let Some(endpoint) = self.endpoint(&round, identity) else {
            return;
        };
        let id = EndpointId::clone(&endpoint.id);
        if self.told.as_ref() != Some(&endpoint) {
            self.told = Some(endpoint.clone());
            let _ = self.events.send(Event::Found(endpoint)).await;
        }
        let mut models = match &self.entry.provider {
            Some(row) => self.completed(row, round),
            None if self.entry.models.is_empty() => round.models,
            None => self.named(),
        };
        for model in &mut models {
            if let Some(price) = self.entry.prices.of(&model.id) {
                model.costs(&price);
            }
        }
        let _ = self.events.send(Event::Listed(id, models)).await;
    }

    /// A provider's models, with what the committed table knows of them.
    fn completed(&self, row: &Account, round: Round) -> Vec<Model> {
        let mut models = match (&self.entry.models[..], row.listing) {
            ([], Some(_)) => round.models,
            ([], None) => {
                let known = known::all(&row.id)
                    .filter(|known| row.is_offered(known.model))
                    .map(|known| Model::known(&known, self.entry.name.as_str().into()));
                return known.filter(|model| model.capabilities.is_of_use()).collect();
            }
            (_, _) => self.named(),
        };
        models.iter_mut().for_each(|model| model.complete_from_table(&row.id));
        models
    }

    /// The models that the settings name.
    fn named(&self) -> Vec<Model> {
        let state = if self.local { ModelState::Unknown } else { ModelState::Hosted };
        let names = self.entry.models.iter().filter_map(|name| text::name(name));
        names.map(|name| Model { state, ..Model::named(name, self.entry.name.as_str().into(), self.local) }).collect()
    }

    fn endpoint(&self, round: &Round, identity: Option<&Identity>) -> Option<Endpoint> {
        let spec = identity.map(|identity| &self.world.runtimes[identity.row]);
        let mut notes: Vec<String> = round.note.iter().cloned().collect();
        if self.entry.key.is_some() && !self.local && self.entry.base_url.scheme() == "http" {
            notes.push("its key and all prompts travel unencrypted: use https".to_owned());
        }
        Some(Endpoint {
            id: self.entry.name.as_str().into(),
            name: self.entry.name.clone(),
            origin: Origin::Configured { runtime: spec.map(|spec| Arc::clone(&spec.id)) },
            provider: self.entry.provider.clone(),
            base_url: base(&self.entry).parse().ok()?,
            speaks: speaks(&self.entry, spec, identity),
            credential: self.entry.key.clone(),
            spares: self.entry.spare_keys.clone(),
            local: self.local,
            allow_private: self.entry.allow_private,
            state: round.state,
            version: identity.and_then(|identity| identity.version.clone()),
            process: None,
            notes,
            health: Health::default(),
        })
    }

    /// Waits so long, or until everything is to be asked again.
    async fn wait(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            Ok(()) = self.rescan.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests;
