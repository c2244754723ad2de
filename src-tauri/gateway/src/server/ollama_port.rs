//! The second port: for tools that can be told no other address than Ollama's.
//!
//! Opened and closed as the settings say, and never while an Ollama is on this machine whose port it is: its app ends
//! whatever else it finds there. What is answered on it is `answer`'s business.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::guard::Guard;
use super::{BindError, Door, Listeners, Shared};
use crate::catalog::Catalog;
use crate::discovery;
use crate::environment::{Environment, Folders};
use crate::provider::RuntimeSpec;
use crate::settings::Settings;

/// The runtime whose port it is.
const OLLAMA: &str = "ollama";
/// A port that is taken is asked for again after this time.
const AGAIN: Duration = Duration::from_secs(5);

/// Whether it is open; nothing of either where it is not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(rename = "OllamaPort"))]
pub struct State {
    /// Addresses that are listened on: `127.0.0.1:11434`.
    pub addresses: Vec<String>,
    /// Why it is not open although it is wanted, and the way out.
    pub problem: Option<String>,
}

/// What it is opened with.
pub struct World {
    /// What every request reads.
    pub shared: Arc<Shared>,
    /// What the user decided.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What is available: whether an Ollama runs.
    pub catalog: watch::Receiver<Arc<Catalog>>,
    /// The table of runtimes.
    pub runtimes: Arc<[RuntimeSpec]>,
    /// Environment variables: where programs are.
    pub environment: Environment,
    /// Where programs are.
    pub folders: Folders,
    /// The port of the gateway itself.
    pub own_port: u16,
    /// Told to discovery, which asks none of them.
    pub own_ports: watch::Sender<Vec<u16>>,
    /// Told to shells.
    pub state: watch::Sender<State>,
}

/// What the settings want.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    addresses: Vec<IpAddr>,
    port: u16,
}

/// The port while it is open.
struct Open {
    wanted: Wanted,
    port: u16,
    guard: watch::Sender<Arc<Guard>>,
    settings: watch::Sender<Arc<Settings>>,
    stop: CancellationToken,
    server: JoinHandle<usize>,
}

/// Keeps it as wanted until `stop` is cancelled.
pub async fn run(mut world: World, stop: CancellationToken) {
    let mut open: Option<Open> = None;
    loop {
        let settings = Arc::clone(&world.settings.borrow_and_update());
        let catalog = Arc::clone(&world.catalog.borrow_and_update());
        let wanted = wanted(&settings);
        let problem = match &wanted {
            Some(wanted) => in_the_way(&world, &catalog, wanted.port).await,
            None => None,
        };
        let keep = wanted.as_ref().filter(|_| problem.is_none());
        if let Some(open) = open.take_if(|open| Some(&open.wanted) != keep) {
            world.tell(State::default(), None);
            open.close().await;
        }
        let mut taken = false;
        match (&open, keep) {
            (Some(open), _) => open.follow(&settings),
            (None, Some(wanted)) => match Open::bind(&world, wanted, &settings, &stop).await {
                Ok((opened, state)) => {
                    tracing::info!(addresses = ?state.addresses, "Ollama's port is open");
                    world.tell(state, Some(opened.port));
                    open = Some(opened);
                }
                Err(problem) => {
                    taken = true;
                    world.refuse(problem);
                }
            },
            (None, None) => match problem {
                Some(problem) => world.refuse(problem),
                None => world.tell(State::default(), None),
            },
        }
        let changed = tokio::select! {
            () = stop.cancelled() => break,
            changed = world.settings.changed() => changed.is_ok(),
            changed = world.catalog.changed() => changed.is_ok(),
            () = tokio::time::sleep(AGAIN), if taken => true,
        };
        if !changed {
            break;
        }
    }
    if let Some(open) = open {
        open.close().await;
    }
}

fn wanted(settings: &Settings) -> Option<Wanted> {
    if !settings.ollama_port.enabled {
        return None;
    }
    // Whatever else is bound: a port that needs no key is for this machine alone.
    let mut addresses: Vec<IpAddr> = settings.bind.iter().copied().filter(IpAddr::is_loopback).collect();
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    Some(Wanted { addresses, port: settings.ollama_port.port })
}

/// An Ollama on this machine, if the port is its own.
async fn in_the_way(world: &World, catalog: &Catalog, port: u16) -> Option<String> {
    let spec = world.runtimes.iter().find(|spec| &*spec.id == OLLAMA)?;
    if !spec.ports.contains(&port) {
        return None;
    }
    let what = match catalog.endpoints().find(|endpoint| endpoint.is_found(OLLAMA)) {
        Some(endpoint) => format!("Ollama runs ({})", endpoint.id),
        None => {
            let (runtimes, environment) = (Arc::clone(&world.runtimes), world.environment.clone());
            let folders = world.folders.clone();
            let look = move || discovery::installed_at(&runtimes, OLLAMA, &environment, &folders);
            format!("Ollama is installed ({})", tokio::task::spawn_blocking(look).await.ok().flatten()?)
        }
    };
    Some(format!(
        "port {port} is Ollama's own and {what}, which would end Pointsman there; tools reach Ollama itself on it, or set \
         another `ollama_port.port` in the settings"
    ))
}

impl World {
    fn tell(&self, state: State, port: Option<u16>) {
        self.own_ports.send_if_modified(|ports| {
            let now: Vec<u16> = std::iter::once(self.own_port).chain(port).collect();
            let changed = *ports != now;
            *ports = now;
            changed
        });
        self.state.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
    }

    fn refuse(&self, problem: String) {
        let state = State { addresses: Vec::new(), problem: Some(problem) };
        if *self.state.borrow() != state {
            tracing::warn!(problem = state.problem, "Ollama's port is not opened");
        }
        self.tell(state, None);
    }
}

impl Open {
    async fn bind(
        world: &World,
        wanted: &Wanted,
        settings: &Settings,
        stop: &CancellationToken,
    ) -> Result<(Open, State), String> {
        let listeners = match Listeners::bind(&wanted.addresses, wanted.port).await {
            Ok(listeners) => listeners,
            Err(BindError::Taken { port }) => {
                let owner = tokio::task::spawn_blocking(move || discovery::owner(port)).await.unwrap_or_default();
                let owner = owner.map(|owner| format!(" by {owner}")).unwrap_or_default();
                return Err(format!(
                    "port {port} is taken{owner}; stop that program, or set another `ollama_port.port` in the settings"
                ));
            }
            Err(error @ BindError::Other { .. }) => return Err(error.to_string()),
        };
        let port = listeners.port;
        let state = State { addresses: listeners.addresses().iter().map(ToString::to_string).collect(), problem: None };
        let (guard, guard_seen) = watch::channel(Arc::new(Guard::new(settings, port)));
        let (settings, settings_seen) = watch::channel(here(settings));
        let door = Arc::new(Door { guard: guard_seen, settings: settings_seen, ollama_only: true });
        let stop = stop.child_token();
        let drain = Duration::from_secs(settings.borrow().limits.drain_seconds);
        let server = tokio::spawn(super::serve(listeners, Arc::clone(&world.shared), door, stop.clone(), drain));
        Ok((Open { wanted: wanted.clone(), port, guard, settings, stop, server }, state))
    }

    /// Takes changed settings over.
    fn follow(&self, settings: &Settings) {
        let here = here(settings);
        if **self.settings.borrow() != *here {
            self.guard.send_replace(Arc::new(Guard::new(settings, self.port)));
            self.settings.send_replace(here);
        }
    }

    async fn close(self) {
        self.stop.cancel();
        let _ = self.server.await;
    }
}

/// The settings as they hold on this port: tools that can send no key must spend nothing.
fn here(settings: &Settings) -> Arc<Settings> {
    Arc::new(Settings { local_only: true, ..settings.clone() })
}
