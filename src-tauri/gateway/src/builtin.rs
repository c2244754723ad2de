//! Pointsman's own llama.cpp, for the models that lie on this disk where no other runtime serves them.
//!
//! It finds a `llama-server` and the GGUF files, offers them as cold models of one endpoint, starts the server when the
//! first request comes, and stops it when none has come for a while. The server is a child process: one at a time, on a
//! private port, behind a key of its own, and never on all cores. Its crash is told and costs the gateway nothing.
//!
//! It downloads nothing (a first model is fetched by `upkeep`, when a person says so) and contains no inference code.
//! Which files are models is [`crate::disk`]'s business, who may ask for them is `routing`'s.

/// Short questions to our own child.
mod ask;
/// The child process, from its start to its end.
mod child;
/// What the child is started with: arguments, environment, context, threads.
mod command;
/// The model that can be fetched where there is none.
pub mod first;
/// The one task that decides: who waits, what runs, when it ends.
mod keeper;
/// A child that outlived a gateway that was killed.
mod leftover;
/// The server and the models that were found.
mod library;
/// What the catalog is told.
mod offer;
/// Pauses between starts that fail.
mod pause;
/// Where a `llama-server` may be.
mod program;
/// The last lines that the child wrote.
mod tail;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{Catalog, Event};
use crate::environment::{Environment, Folders};
use crate::settings::Settings;
use keeper::{Keeper, Message};
use library::Library;

/// The longest time from a broken connection to the end of the process that broke it.
const DEATH: Duration = Duration::from_secs(1);

/// What the built-in runtime sees of the world.
#[derive(Debug, Clone)]
pub struct World {
    /// Environment variables: where models and servers may be, and what the child gets to see.
    pub environment: Environment,
    /// Where things are kept.
    pub folders: Folders,
    /// This program's own file: a server may have been installed beside it.
    pub program: Option<PathBuf>,
}

/// Why a model could not be brought up. Cheap to clone: all who wait for it are told the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It is turned off.
    #[error("it is turned off; `[builtin] enabled` in the settings turns it on")]
    Off,
    /// There is no such model, or no longer.
    #[error("its file is not there any more")]
    Unknown,
    /// There is no server to run.
    #[error("{0}")]
    NoServer(Arc<str>),
    /// The server ended before it answered, or could not be started.
    #[error("{0}")]
    Failed(Arc<str>),
    /// It failed several times in a row and is left alone for a while.
    #[error("{reason} ({failures} times in a row); it is tried again in {seconds} seconds")]
    Paused {
        /// What it said at the last failure.
        reason: Arc<str>,
        /// How often it failed in a row.
        failures: u32,
        /// When to ask again.
        seconds: u64,
    },
    /// It is asked to go while it answers.
    #[error("it is in use; try again when it has answered")]
    Busy,
    /// Pointsman is stopping.
    #[error("Pointsman is stopping")]
    Stopping,
}

/// The built-in runtime, as the request path holds it.
#[derive(Debug, Clone)]
pub struct Engine {
    messages: mpsc::UnboundedSender<Message>,
    up: watch::Receiver<Option<Arc<str>>>,
}

impl Engine {
    /// Waits until the model answers, and keeps it so while the lease lives. Requests for one model share one start;
    /// a request for another one waits until nobody uses the present one.
    pub async fn ready(&self, model: &str) -> Result<Lease, EngineError> {
        let (reply, answer) = oneshot::channel();
        let wanted = Message::Wanted { model: model.into(), reply };
        self.messages.send(wanted).map_err(|_| EngineError::Stopping)?;
        let mut patience = Patience { messages: &self.messages, waits: true };
        let answer = answer.await;
        patience.waits = false;
        answer.map_err(|_| EngineError::Stopping)?
    }

    /// Takes the model out of memory, unless it is in use.
    pub async fn unload(&self, model: &str) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        let unwanted = Message::Unwanted { model: model.into(), reply };
        self.messages.send(unwanted).map_err(|_| EngineError::Stopping)?;
        answer.await.map_err(|_| EngineError::Stopping)?
    }

    /// Whether the model answers without a wait for its load.
    pub fn is_up(&self, model: &str) -> bool {
        self.up.borrow().as_deref() == Some(model)
    }
}

/// Tells the keeper when someone stops waiting, so that those behind move up.
struct Patience<'a> {
    messages: &'a mpsc::UnboundedSender<Message>,
    waits: bool,
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if self.waits {
            let _ = self.messages.send(Message::Left);
        }
    }
}

/// A model that answers, and will until this is dropped.
pub struct Lease {
    address: SocketAddr,
    key: Arc<str>,
    child: u64,
    gone: CancellationToken,
    messages: mpsc::UnboundedSender<Message>,
}

impl Lease {
    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it must be asked with: without it, any page in a browser could ask the child.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the child has ended, asked after it did not answer. A process that dies closes its connections a moment
    /// before its end can be seen, so that this may wait for that moment.
    pub async fn is_lost(&self) -> bool {
        tokio::time::timeout(DEATH, self.gone.cancelled()).await.is_ok()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("address", &self.address).field("child", &self.child).finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Returned(self.child));
    }
}

/// How long things may take. A test has less time.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Between two looks whether the child is up.
    poll: Duration,
    /// After the second failure in a row; doubled with each further one.
    first_pause: Duration,
    /// The longest pause after failures.
    longest_pause: Duration,
    /// From asking the child to end to killing it.
    grace: Duration,
    /// How long all other runtimes must have been gone before the models are offered again.
    offer_after: Duration,
    /// How long another runtime must have answered before the models are withdrawn.
    withdraw_after: Duration,
    /// Between two looks at the folders.
    look_every: Duration,
    /// A second look after a change: a download puts its parts in place one after the other.
    look_again: Duration,
    /// How long a folder must be quiet before it is looked at.
    quiet: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            poll: Duration::from_millis(50),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            offer_after: Duration::from_secs(5),
            withdraw_after: Duration::from_secs(2),
            look_every: Duration::from_secs(60),
            look_again: Duration::from_secs(5),
            quiet: Duration::from_millis(500),
        }
    }
}

/// Starts the built-in runtime. Nothing is looked for before it is wanted, and no child runs before a request asks.
pub fn start(
    world: World,
    settings: watch::Receiver<Arc<Settings>>,
    catalog: watch::Receiver<Arc<Catalog>>,
    events: mpsc::Sender<Event>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Engine {
    start_at(Pace::default(), world, settings, catalog, events, tasks, stop)
}

fn start_at(
    pace: Pace,
    world: World,
    settings: watch::Receiver<Arc<Settings>>,
    catalog: watch::Receiver<Arc<Catalog>>,
    events: mpsc::Sender<Event>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Engine {
    let (messages, inbox) = mpsc::unbounded_channel();
    let (up_tx, up) = watch::channel(None);
    let (wanted_tx, wanted) = watch::channel(false);
    let (library_tx, library) = watch::channel(Arc::new(Library::default()));
    tasks.spawn(library::run(world.clone(), settings.clone(), wanted, library_tx, pace, stop.clone()));
    let keeper = Keeper::new(keeper::Parts {
        world,
        pace,
        settings,
        catalog,
        library,
        wanted: wanted_tx,
        events,
        messages: messages.clone(),
        up: up_tx,
        tasks: tasks.clone(),
    });
    tasks.spawn(keeper.run(inbox, stop));
    Engine { messages, up }
}
