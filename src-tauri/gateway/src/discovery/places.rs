//! One discovered address from its first answer to its last.
//!
//! A task each: it asks what the address is, tells the catalog, and lists its models again and again. It ends only when
//! told to, because the socket is gone; the endpoint that it leaves open is then its owner's to close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Pace;
use super::candidates::Candidate;
use super::client::{Fault, Loopback, Site};
use super::listing::{self, Memory, Question, Unlisted};
use super::probe::{Finding, Identity, probe};
use crate::catalog::{Endpoint, EndpointId, EndpointState, Event, Health, Origin, Refusal};
use crate::provider::{Meaning, RuntimeId, RuntimeSpec};

/// What every place needs.
#[derive(Clone)]
pub(super) struct Surroundings {
    /// The table.
    pub table: Arc<[RuntimeSpec]>,
    /// Rows that are not looked for.
    pub ignored: Arc<std::collections::BTreeSet<usize>>,
    /// Our run's id.
    pub instance: Arc<str>,
    /// The client for this machine.
    pub client: Arc<Loopback>,
    /// To the catalog.
    pub events: mpsc::Sender<Event>,
    /// To the owner.
    pub reports: mpsc::Sender<Report>,
    /// Grows when everything is to be asked again now.
    pub rescan: watch::Receiver<u64>,
    /// How often things are asked.
    pub pace: Pace,
}

/// What a place tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// Which place.
    pub address: SocketAddr,
    /// What it is, if a runtime.
    pub runtime: Option<RuntimeId>,
    /// Why it is not used, if that is worth a note.
    pub refusal: Option<Refusal>,
    /// The note counts only while this runtime is not found elsewhere.
    pub unless: Option<RuntimeId>,
}

/// A place that is being attended.
pub(super) struct Place {
    /// What led to it.
    pub candidate: Candidate,
    stop: CancellationToken,
    task: JoinHandle<Option<Endpoint>>,
}

impl Place {
    /// Starts to attend an address; `open` is the endpoint that another place leaves at it.
    pub(super) fn attend(
        address: SocketAddr,
        candidate: Candidate,
        open: Option<Endpoint>,
        surroundings: Surroundings,
    ) -> Place {
        let stop = CancellationToken::new();
        let mut attendant = Attendant { address, candidate: candidate.clone(), open, surroundings, reported: None };
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            // Whatever was being asked is dropped; what was told stays until the owner takes it back.
            stopped.run_until_cancelled(attendant.attend()).await;
            attendant.open
        });
        Place { candidate, stop, task }
    }

    /// Ends it. Returns the endpoint that is still in the catalog.
    pub(super) async fn leave(self) -> Option<Endpoint> {
        self.stop.cancel();
        self.task.await.ok().flatten()
    }
}

struct Attendant {
    address: SocketAddr,
    candidate: Candidate,
    open: Option<Endpoint>,
    surroundings: Surroundings,
    reported: Option<Report>,
}

impl Attendant {
    async fn attend(&mut self) {
        if let Some(row) = self.candidate.starting {
            let identity = Identity { row, fingerprint: 0, meaning: Meaning::Starting, version: None, at_least: None };
            self.found(&identity, self.address).await;
            return std::future::pending().await;
        }
        let Surroundings { table, instance, client, pace, .. } = self.surroundings.clone();
        let mut expected = self.candidate.expected.clone();
        let mut memory = Memory::default();
        let mut address = self.address;
        let began = Instant::now();
        loop {
            let site = Site::local(&client, address, &self.candidate.prefix, pace.patience);
            let finding = probe(&site, &table, &expected, &instance).await;
            let pause = match finding {
                Finding::Runtime(identity) if self.is_wanted(&identity) => {
                    if expected.last.is_none_or(|last| last.0 != identity.row) {
                        memory = Memory::default();
                    }
                    expected.last = Some((identity.row, identity.fingerprint));
                    let endpoint = self.found(&identity, address).await;
                    match (identity.meaning, endpoint) {
                        (Meaning::Ready, Some(endpoint)) => {
                            self.serve(&site, &identity, &endpoint, &mut memory).await;
                            continue;
                        }
                        (Meaning::Starting, _) => pace.tick,
                        (Meaning::Ready | Meaning::NeedsKey | Meaning::ServerOff, _) => pace.settled,
                    }
                }
                // A hung server stays what it was: its socket is there, and requests find out for themselves.
                Finding::Silent(Fault::TimedOut) if self.open.is_some() => pace.refresh,
                Finding::Silent(Fault::Refused(_)) if self.candidate.instead.is_some() => {
                    address = self.candidate.instead.take().unwrap_or(address);
                    continue;
                }
                Finding::Silent(fault) => {
                    expected.last = None;
                    self.refuse(None, &format!("something listens here, but {fault}"), None).await;
                    patience(began.elapsed(), pace.tick, pace.settled)
                }
                Finding::Other { looked_like, reason } => {
                    expected.last = None;
                    self.refuse(looked_like, &reason, None).await;
                    patience(began.elapsed(), pace.settled, pace.settled * 30)
                }
                Finding::Runtime(identity) => {
                    let (reason, unless) = self.unwanted(&identity);
                    self.refuse(Some(table[identity.row].name.clone()), reason, unless).await;
                    pace.settled
                }
                Finding::Pointsman => {
                    self.candidate.noted = true;
                    self.refuse(Some("Pointsman".to_owned()), "another Pointsman answers here", None).await;
                    pace.settled
                }
                Finding::Own => {
                    self.candidate.noted = false;
                    self.refuse(None, "", None).await;
                    pace.settled
                }
            };
            self.wait(pause).await;
        }
    }

    /// Why a runtime is not used, and which one, found elsewhere, makes that not worth a note.
    fn unwanted(&self, identity: &Identity) -> (&'static str, Option<RuntimeId>) {
        let runtime = Arc::clone(&self.surroundings.table[identity.row].id);
        if identity.meaning == Meaning::ServerOff {
            ("its app runs, but its server is off: turn it on in the app, or by the command shown", Some(runtime))
        } else if self.surroundings.ignored.contains(&identity.row) {
            ("the settings say that it is not looked for (`discovery.ignore`)", None)
        } else {
            ("it is another app's own", Some(runtime))
        }
    }

    fn is_wanted(&self, identity: &Identity) -> bool {
        identity.meaning != Meaning::ServerOff
            && !self.surroundings.ignored.contains(&identity.row)
            && self.candidate.must_be.is_none_or(|row| row == identity.row)
    }

    /// Lists the models until it is time to ask again what the address is.
    async fn serve(&mut self, site: &Site, identity: &Identity, endpoint: &EndpointId, memory: &mut Memory) {
        let Surroundings { table, pace, .. } = self.surroundings.clone();
        let spec = &table[identity.row];
        let question = Question {
            endpoint: EndpointId::clone(endpoint),
            local: true,
            listing: spec.listing,
            speaks: spec.speaks(identity.at_least.as_deref()),
            lists_loaded: spec.lists_loaded,
            embeddings: self.candidate.embeddings,
            rerank: self.candidate.rerank,
        };
        let until = Instant::now() + pace.identity;
        let mut last = None;
        while Instant::now() < until {
            let listed = listing::list(site, &question, memory).await;
            let pause = match listed {
                Ok(listed) => {
                    if last.as_ref() != Some(&listed.models) {
                        self.tell(Event::Listed(EndpointId::clone(endpoint), listed.models.clone())).await;
                        last = Some(listed.models);
                    }
                    if listed.unfinished { pace.tick } else { pace.refresh }
                }
                Err(Unlisted::Silent(Fault::TimedOut)) => pace.refresh,
                // Something has changed: it is asked again what it is, at once.
                Err(Unlisted::Silent(_) | Unlisted::Unreadable { .. }) if last.is_some() => return,
                Err(error) => {
                    // Recognised and yet unreadable: told as it is, and not asked again in a hurry.
                    tracing::debug!(endpoint = %endpoint, ?error, "no list of models");
                    self.wait(pace.refresh).await;
                    return;
                }
            };
            self.wait(pause).await;
        }
    }

    async fn found(&mut self, identity: &Identity, address: SocketAddr) -> Option<EndpointId> {
        let table = Arc::clone(&self.surroundings.table);
        let spec = &table[identity.row];
        let endpoint = self.endpoint(spec, identity, address)?;
        let id = EndpointId::clone(&endpoint.id);
        if self.open.as_ref().is_some_and(|open| open.id != id) {
            self.lost().await;
        }
        if self.open.as_ref() != Some(&endpoint) {
            let state = endpoint.state;
            self.open = Some(endpoint.clone());
            self.tell(Event::Found(endpoint)).await;
            if state != EndpointState::Ready {
                self.tell(Event::Listed(EndpointId::clone(&id), Vec::new())).await;
            }
        }
        self.report(Some(Arc::clone(&spec.id)), None, None).await;
        Some(id)
    }

    fn endpoint(&self, spec: &RuntimeSpec, identity: &Identity, address: SocketAddr) -> Option<Endpoint> {
        let base = format!("http://{address}{}", self.candidate.prefix);
        let mut notes = Vec::new();
        if self.candidate.exposed {
            notes.push("listens on all interfaces: others in the network can reach it".to_owned());
        }
        if identity.meaning == Meaning::NeedsKey {
            notes.push("wants a key: add its address and key to the settings, as `[[endpoints]]`".to_owned());
        }
        Some(Endpoint {
            id: Endpoint::id_at(&spec.id, address),
            name: spec.name.clone(),
            origin: Origin::Discovered { runtime: Arc::clone(&spec.id) },
            provider: None,
            base_url: base.parse().ok()?,
            speaks: spec.speaks(identity.at_least.as_deref()),
            credential: None,
            spares: Vec::new(),
            allow_private: false,
            local: true,
            state: state(identity.meaning),
            version: identity.version.clone(),
            process: self.candidate.process,
            notes,
            health: Health::default(),
        })
    }

    /// Tells that the address is not used.
    async fn refuse(&mut self, looked_like: Option<String>, reason: &str, unless: Option<RuntimeId>) {
        self.lost().await;
        let place = self.address.to_string();
        let refusal = Refusal { place, looked_like, reason: reason.to_owned() };
        let noted = self.candidate.noted || self.candidate.expected.control;
        self.report(None, noted.then_some(refusal), unless).await;
    }

    async fn lost(&mut self) {
        if let Some(open) = &self.open {
            // Taken only when it is told: a place that is left in between gives it to its owner.
            self.tell(Event::Lost(EndpointId::clone(&open.id))).await;
            self.open = None;
        }
    }

    async fn tell(&self, event: Event) {
        // The catalog is gone only when everything stops.
        let _ = self.surroundings.events.send(event).await;
    }

    async fn report(&mut self, runtime: Option<RuntimeId>, refusal: Option<Refusal>, unless: Option<RuntimeId>) {
        let report = Report { address: self.address, runtime, refusal, unless };
        if self.reported.as_ref() != Some(&report) {
            self.reported = Some(report.clone());
            let _ = self.surroundings.reports.send(report).await;
        }
    }

    /// Waits so long, or until everything is to be asked again.
    async fn wait(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            Ok(()) = self.surroundings.rescan.changed() => {}
        }
    }
}

fn state(meaning: Meaning) -> EndpointState {
    match meaning {
        Meaning::Ready => EndpointState::Ready,
        Meaning::Starting => EndpointState::Starting,
        Meaning::NeedsKey => EndpointState::NeedsKey,
        Meaning::ServerOff => EndpointState::Unreachable,
    }
}

/// How long to wait before asking again: the longer it has been in vain, the longer.
fn patience(vain: Duration, least: Duration, most: Duration) -> Duration {
    (vain / 8).clamp(least, most)
}
