//! Sees to it that a gateway serves: one in this process, or the one of this user that runs already.
//!
//! Where neither can be, because the port is someone else's, it says why and tries again. What the gateway does is the
//! gateway's business.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use pointsman_gateway::control::client::Client;
use pointsman_gateway::control::socket::{BindError, Handler};
use pointsman_gateway::control::{Command, Handle, Reply, Snapshot};
use pointsman_gateway::environment::Folders;
use pointsman_gateway::gateway::{self, Running, Start, StartError};
use pointsman_gateway::secrets::KeychainMode;
use pointsman_shared::world::World;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The pause before another try.
const PAUSE: Duration = Duration::from_secs(5);
/// Changes come in bursts: a runtime appears, then its models, then what it has loaded.
const BURST: Duration = Duration::from_millis(100);

/// The way to the gateway.
#[derive(Clone)]
pub(crate) enum Link {
    /// It is in this process.
    Here(Handle),
    /// It is in another one.
    There(Folders),
}

impl Link {
    /// Has something done. What could not be is told in words for a person.
    pub(crate) async fn ask(&self, command: Command) -> Result<Reply, String> {
        let reply = match self {
            Link::Here(handle) => handle.call(command).await,
            Link::There(folders) => {
                let mut client = Client::connect(folders).await.map_err(|error| error.to_string())?;
                client.call(&command).await.map_err(|error| error.to_string())?
            }
        };
        match reply {
            Reply::Failed { message } => Err(message),
            reply => Ok(reply),
        }
    }
}

/// What is known of the gateway.
#[derive(Clone, Default)]
pub(crate) enum Sight {
    /// Nothing yet.
    #[default]
    Starting,
    /// It cannot start, and why.
    Trouble(Arc<str>),
    /// It serves.
    Serving {
        /// What it shows.
        snapshot: Arc<Snapshot>,
        /// How to ask it.
        link: Link,
    },
}

/// What a gateway of this user starts from.
pub(crate) fn start(world: &World) -> Start {
    Start {
        environment: world.environment.clone(),
        folders: world.folders.clone(),
        settings_file: None,
        port: None,
        keychain: KeychainMode::System,
    }
}

/// Keeps a gateway until `stop` is cancelled, or until somebody has the one in this process stop.
pub(crate) async fn run(world: World, sight: watch::Sender<Sight>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match gateway::start(start(&world)).await {
            Ok(running) => return serve(running, &sight, &stop).await,
            Err(StartError::Control(BindError::AlreadyRunning { process })) => {
                tracing::info!(target: "desktop", ?process, "a gateway runs already: showing that one");
                attach(&world.folders, &sight, &stop).await;
            }
            Err(error) => {
                tracing::warn!(target: "desktop", %error, "the gateway cannot start");
                sight.send_replace(Sight::Trouble(error.to_string().into()));
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn serve(running: Running, sight: &watch::Sender<Sight>, stop: &CancellationToken) {
    let handle = running.handle.clone();
    let mut changes = handle.changes();
    let mut stopped = pin!(running.stopped());
    loop {
        changes.borrow_and_update();
        let snapshot = Arc::new(handle.snapshot());
        sight.send_replace(Sight::Serving { snapshot, link: Link::Here(handle.clone()) });
        let burst = async {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(BURST).await;
        };
        tokio::select! {
            cut = &mut stopped => {
                tracing::info!(target: "desktop", cut, "the gateway stopped");
                return;
            }
            () = stop.cancelled() => break,
            () = burst => {}
        }
    }
    handle.call(Command::Stop).await;
    let cut = stopped.await;
    tracing::info!(target: "desktop", cut, "the gateway stopped");
}

async fn attach(folders: &Folders, sight: &watch::Sender<Sight>, stop: &CancellationToken) {
    let watch = async { Client::connect(folders).await?.watch().await };
    let mut snapshots = match watch.await {
        Ok(snapshots) => snapshots,
        Err(error) => {
            sight.send_replace(Sight::Trouble(error.to_string().into()));
            return;
        }
    };
    loop {
        let mut snapshot = tokio::select! {
            () = stop.cancelled() => return,
            snapshot = snapshots.next() => match snapshot {
                Some(snapshot) => snapshot,
                None => return,
            },
        };
        tokio::time::sleep(BURST).await;
        while let Some(Some(newer)) = snapshots.next().now_or_never() {
            snapshot = newer;
        }
        sight.send_replace(Sight::Serving { snapshot: Arc::new(snapshot), link: Link::There(folders.clone()) });
    }
}
