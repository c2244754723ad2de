//! Finds what runs: watches this machine, asks what answers, and tells the catalog.
//!
//! Sources say which addresses are worth asking (`ports`, `processes`, `files`, the settings), `candidates` joins them,
//! `probe` asks an address what it is and `listing` what it offers. Nothing asked here loads a model, makes a token or
//! changes anything, and no credential goes to a discovered address. It opens no connection for inference: that is
//! `upstream`'s business.

mod candidates;
pub(crate) mod client;
pub mod configured;
mod files;
mod hosts;
mod installed;
mod listing;
mod owner;
mod paths;
mod places;
mod pointer;
mod ports;
mod probe;
mod processes;
pub(crate) mod reach;
pub(crate) mod text;
mod watcher;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::catalog::Event;
use crate::environment::{Environment, Folders};
use crate::provider::RuntimeSpec;
use crate::secrets::{CredentialRef, Secret};
use crate::settings::Settings;

pub use installed::installed_at;
pub use owner::owner;

/// Fetches a credential from where it is kept; `None` where it cannot be had.
pub type Credentials = Arc<dyn Fn(CredentialRef) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send>> + Send + Sync>;

/// All that discovery knows of the world without looking.
#[derive(Clone)]
pub struct World {
    /// The table of runtimes.
    pub runtimes: Arc<[RuntimeSpec]>,
    /// Environment variables, which may name ports.
    pub environment: Environment,
    /// Where runtimes keep their files.
    pub folders: Folders,
    /// This run's id: what answers with it is ourselves.
    pub instance: Arc<str>,
    /// Our own process, whose children are not discovered; `None` in a test whose runtimes are its own children.
    pub process: Option<u32>,
    /// Processes below ours that were started for the user: discovered all the same.
    pub started: watch::Receiver<BTreeSet<u32>>,
    /// Ports that we listen on ourselves, the built-in runtime's too: never asked.
    pub own_ports: watch::Receiver<Vec<u16>>,
    /// Fetches the credentials of endpoints from the settings.
    pub credentials: Credentials,
    /// Proves who asks where a credential does not.
    pub authority: Authority,
    /// How often things are asked.
    pub pace: Pace,
}

/// How often things are looked at and asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at the listening sockets, and two questions to a server that starts.
    pub tick: Duration,
    /// Between two looks at the processes.
    pub processes: Duration,
    /// Between two listings of an endpoint's models.
    pub refresh: Duration,
    /// Between two questions to something that is not likely to change: it wants a key, it is no runtime.
    pub settled: Duration,
    /// Between two questions to a known runtime whether it is still the same.
    pub identity: Duration,
    /// Between two listings of an endpoint on another machine.
    pub elsewhere: Duration,
    /// Between two looks for installed runtimes and new folders.
    pub installed: Duration,
    /// How long an address of this machine may take to answer.
    pub patience: Duration,
    /// How long an address elsewhere may take to answer.
    pub patience_elsewhere: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            tick: Duration::from_millis(500),
            processes: Duration::from_secs(4),
            refresh: Duration::from_secs(8),
            settled: Duration::from_secs(10),
            identity: Duration::from_secs(30),
            elsewhere: Duration::from_secs(60),
            installed: Duration::from_secs(60),
            patience: Duration::from_millis(500),
            patience_elsewhere: Duration::from_secs(5),
        }
    }
}

/// Looks until `stop` is cancelled. A change of the settings takes effect at once; `rescan` asks everything again now.
pub async fn run(
    world: World,
    settings: watch::Receiver<Arc<Settings>>,
    events: mpsc::Sender<Event>,
    rescan: Arc<Notify>,
    stop: CancellationToken,
) {
    let (again, rescanned) = watch::channel(0u64);
    let on_this_machine =
        watcher::watch(world.clone(), settings.clone(), events.clone(), rescanned.clone(), stop.clone());
    let from_settings = configured::watch(world, settings, events, rescanned, stop.clone());
    let ask_again = async {
        loop {
            rescan.notified().await;
            again.send_modify(|generation| *generation += 1);
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(Box::pin(on_this_machine), Box::pin(from_settings)) } => {}
        () = ask_again => {}
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
