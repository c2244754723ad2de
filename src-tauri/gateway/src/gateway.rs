//! Builds the gateway's stages in order, and takes them down again.
//!
//! Every task of the gateway is started here and joined at the end. What each stage does is its own module's business;
//! this file is the contents page.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::Authority;
use crate::builtin;
use crate::catalog::{self, Catalog};
use crate::control::socket::Listener;
use crate::control::{self, Handle, Parts, socket};
use crate::conversations::Conversations;
use crate::discovery;
use crate::dispatch::Dispatch;
use crate::dispatch::allowance::Allowances;
use crate::dispatch::key_ring::KeyRing;
use crate::environment::{Environment, Folders};
use crate::machine;
use crate::provider::RuntimeSpec;
use crate::recall;
use crate::secrets::{CredentialRef, KeychainMode, Secret, Vault};
use crate::server::guard::Guard;
use crate::server::{self, Door, Listeners, Shared, ollama_port};
use crate::settings::watch::Loaded;
use crate::settings::{ClientKey, ConfiguredEndpoint, Settings, client_key};
use crate::timestamp;
use crate::upkeep::{self, Pulls, Upkeep, Yard};
use crate::upstream::Upstream;
use crate::usage::{self, bodies::Keeping, live::Live};

/// Events on their way to the catalog; more than this many wait, but for those of the request path, which are dropped.
const EVENTS: usize = 1024;

/// The name under which the shells' own requests are counted.
pub(crate) const OWN_KEY: &str = "Pointsman";

/// What a gateway starts from.
#[derive(Debug, Clone)]
pub struct Start {
    /// Environment variables.
    pub environment: Environment,
    /// Where things are kept.
    pub folders: Folders,
    /// Another settings file than the one in the config folder.
    pub settings_file: Option<PathBuf>,
    /// Another port than the settings'.
    pub port: Option<u16>,
    /// Whether the system's keychain is used.
    pub keychain: KeychainMode,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be read, and there are no earlier ones to go on with.
    #[error("{file}: {problem}")]
    Settings {
        /// The file.
        file: String,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// The port is someone else's.
    #[error("port {port} is taken{}; stop that program, or choose another port with `--port N` or `port = N` in the settings", .owner.as_deref().map(|owner| format!(" by {owner}")).unwrap_or_default())]
    PortTaken {
        /// The port.
        port: u16,
        /// Whose it is: `ollama (process 4711)`.
        owner: Option<String>,
    },
    /// Another Pointsman of the same user runs.
    #[error(transparent)]
    Control(#[from] socket::BindError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(server::BindError),
    /// The outbound client cannot be made: the system's root certificates cannot be read, most likely.
    #[error("the client for endpoints elsewhere cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The system gives us no randomness for keys.
    #[error("no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
    /// The system gives us no thread.
    #[error("cannot start the thread that keeps responses: {0}")]
    Thread(std::io::Error),
    /// The table of runtimes in this program is broken.
    #[error("the table of runtimes is broken: {0}")]
    Table(#[from] toml::de::Error),
}

/// A gateway that serves.
pub struct Running {
    /// What shells hold.
    pub handle: Handle,
    /// What it listens on.
    pub addresses: Vec<SocketAddr>,
    server: tokio::task::JoinHandle<usize>,
    tasks: TaskTracker,
    stop: CancellationToken,
    store: Option<usage::Store>,
    recall: recall::Store,
}

/// Starts a gateway. It listens when this returns; runtimes are found in the background.
pub async fn start(start: Start) -> Result<Running, StartError> {
    let settings_file = start.settings_file.clone().unwrap_or_else(|| start.folders.settings());
    let loaded = Arc::new(Loaded::first(&settings_file));
    if let Some(problem) = &loaded.problem {
        return Err(StartError::Settings { file: settings_file.display().to_string(), problem: problem.clone() });
    }
    let settings = Arc::clone(&loaded.settings);
    let control = Listener::bind(&start.folders)?;
    let port = start.port.unwrap_or(settings.port);
    let listeners = match Listeners::bind(&settings.bind, port).await {
        Ok(listeners) => listeners,
        Err(server::BindError::Taken { port }) => {
            let owner = tokio::task::spawn_blocking(move || discovery::owner(port)).await.unwrap_or_default();
            return Err(StartError::PortTaken { port, owner });
        }
        Err(error) => return Err(StartError::Bind(error)),
    };
    let port = listeners.port;
    let addresses = listeners.addresses();
    let runtimes = RuntimeSpec::table()?;
    let instance = uuid::Uuid::new_v4().to_string();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();

    let (loaded_tx, loaded_rx) = watch::channel(Arc::clone(&loaded));
    let (in_force_tx, in_force) = watch::channel(loaded);
    let (settings_tx, settings_rx) = watch::channel(Arc::clone(&settings));
    let (own_plain, own_key) = client_key::mint(OWN_KEY, &timestamp::day(SystemTime::now()))?;
    let (guard_tx, guard_rx) = watch::channel(Arc::new(Guard::new(&settings, port).also(&own_key)));
    tasks.spawn(crate::settings::watch::run(settings_file.clone(), loaded_tx, stop.clone()));

    let (events, events_rx) = mpsc::channel(EVENTS);
    let (catalog_tx, catalog) = watch::channel(Arc::new(Catalog::default()));
    tasks.spawn(catalog::run(events_rx, catalog_tx, stop.clone()));

    let vault = Arc::new(Vault::new(start.folders.clone(), start.environment.clone(), start.keychain));
    let derived = Derived {
        settings: settings_tx,
        guard: guard_tx,
        vault: Arc::clone(&vault),
        in_force: in_force_tx,
        port,
        own_key,
    };
    tasks.spawn(derive(loaded_rx, derived, stop.clone()));
    let rescan = Arc::new(Notify::new());
    let engine = builtin::start(
        builtin::World {
            environment: start.environment.clone(),
            folders: start.folders.clone(),
            program: std::env::current_exe().ok(),
        },
        settings_rx.clone(),
        catalog.clone(),
        events.clone(),
        &tasks,
        stop.clone(),
    );
    let (own_ports_tx, own_ports) = watch::channel(vec![port]);
    let (started, started_rx) = watch::channel(BTreeSet::new());
    let yard = Yard {
        environment: start.environment.clone(),
        folders: start.folders.clone(),
        events: events.clone(),
        started,
    };
    let upstream = Upstream::new(&settings.limits, settings_rx.clone())?;
    let authority = Authority::new(upstream.clone(), start.environment.clone(), start.folders.clone());
    let world = discovery::World {
        runtimes: Arc::clone(&runtimes),
        environment: start.environment.clone(),
        folders: start.folders.clone(),
        instance: instance.as_str().into(),
        process: Some(std::process::id()),
        started: started_rx,
        own_ports,
        credentials: credentials(&vault),
        authority: authority.clone(),
        pace: discovery::Pace::default(),
    };
    tasks.spawn(discovery::run(world, settings_rx.clone(), events.clone(), Arc::clone(&rescan), stop.clone()));

    let (sink, store) = keep_usage(&start.folders, &settings);
    let (shelf, recall) =
        recall::Store::start(start.folders.responses(), settings_rx.clone()).map_err(StartError::Thread)?;
    tasks.spawn(shelf.clone().follow(settings_rx.clone(), stop.clone()));
    let live = Live::default();
    if store.is_some() {
        tasks.spawn(remember(start.folders.usage(), live.clone()));
    }
    let (known_to, referred) = (Arc::clone(&vault), settings_rx.clone());
    let bodies = Keeping::new(Box::new(move || {
        let settings = Arc::clone(&referred.borrow());
        known_to.redactor(settings.endpoints.iter().filter_map(|known| known.key.as_ref()))
    }));
    tasks.spawn(bodies.clone().run(stop.clone()));
    let (paused_tx, paused) = watch::channel(false);
    let instance_header = HeaderValue::from_str(&instance).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    let shared = Arc::new(Shared {
        catalog: catalog.clone(),
        dispatch: Dispatch {
            upstream,
            events,
            vault: Arc::clone(&vault),
            authority: authority.clone(),
            engine: engine.clone(),
            runtimes: Arc::clone(&runtimes),
            instance: instance_header.clone(),
            allowances: Allowances::default(),
            keys: KeyRing::default(),
            settings: settings_rx.clone(),
        },
        shelf,
        usage: sink,
        live,
        bodies: bodies.clone(),
        paused: paused.clone(),
        instance: instance_header,
        requests: AtomicU64::new(1),
    });
    let drain = Duration::from_secs(settings.limits.drain_seconds);
    let door = Arc::new(Door { guard: guard_rx, settings: settings_rx.clone(), ollama_only: false });
    let server = tokio::spawn(server::serve(listeners, Arc::clone(&shared), door, stop.clone(), drain));
    let (second_tx, second) = watch::channel(ollama_port::State::default());
    let second_world = ollama_port::World {
        shared: Arc::clone(&shared),
        settings: settings_rx.clone(),
        catalog: catalog.clone(),
        runtimes: Arc::clone(&runtimes),
        environment: start.environment.clone(),
        folders: start.folders.clone(),
        own_port: port,
        own_ports: own_ports_tx,
        state: second_tx,
    };
    tasks.spawn(ollama_port::run(second_world, stop.clone()));
    let (keychain_tx, keychain) = watch::channel(None);
    let keychain_check = Arc::new(Notify::new());
    let asked = Arc::clone(&keychain_check);
    tasks.spawn(watch_keychain(Arc::clone(&vault), settings_rx.clone(), keychain_tx, asked, stop.clone()));
    let (changes_tx, changes) = watch::channel(0);
    let watched = control::Watched {
        catalog: catalog.clone(),
        loaded: in_force.clone(),
        ollama_port: second.clone(),
        paused,
        keychain: keychain.clone(),
        bodies: bodies.follow(),
    };
    let (machine, reader) = machine::gauge();
    tasks.spawn(reader.run(changes_tx.clone(), stop.clone()));
    let pulls = Pulls::new();
    tasks.spawn(pulls.clone().publish(changes_tx.clone(), stop.clone()));
    let upkeep = Upkeep::new(
        upkeep::Parts {
            runtimes,
            catalog: catalog.clone(),
            settings: settings_rx.clone(),
            credentials: credentials(&vault),
            authority: authority.clone(),
            engine,
            rescan: Arc::clone(&rescan),
            pulls,
            environment: start.environment.clone(),
            folders: start.folders.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        },
        yard,
    );
    tasks.spawn(control::count_stirs(shared.live.clone(), changes_tx.clone(), stop.clone()));
    tasks.spawn(control::count_changes(watched, changes_tx, stop.clone()));
    let handle = Handle::new(Parts {
        instance,
        addresses: addresses.clone(),
        settings_file,
        usage_file: store.is_some().then(|| start.folders.usage()),
        shared: Arc::clone(&shared),
        paused: paused_tx,
        own_key: Secret::new(own_plain),
        loaded: in_force,
        settings: settings_rx,
        catalog,
        ollama_port: second,
        changes,
        vault,
        authority,
        keychain,
        keychain_check,
        environment: start.environment,
        rescan,
        upkeep,
        machine,
        conversations: Conversations::at(start.folders.conversations()),
        stop: stop.clone(),
    });
    tasks.spawn(socket::serve(control, handle.clone(), stop.clone()));
    Ok(Running { handle, addresses, server, tasks, stop, store, recall })
}

impl Running {
    /// Asks the gateway to stop; [`Running::stopped`] says when it has.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the gateway was asked to stop, its open requests ended or their time ran out, and all is written.
    /// Returns how many requests were cut off.
    pub async fn stopped(self) -> usize {
        let cut = self.server.await.unwrap_or_default();
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        if let Some(store) = self.store {
            let _ = tokio::task::spawn_blocking(move || store.close()).await;
        }
        let recall = self.recall;
        let _ = tokio::task::spawn_blocking(move || recall.close()).await;
        cut
    }
}

/// Fetches credentials for the endpoints of the settings, and for no other.
fn credentials(vault: &Arc<Vault>) -> discovery::Credentials {
    let vault = Arc::clone(vault);
    Arc::new(move |reference| {
        let vault = Arc::clone(&vault);
        Box::pin(async move { vault.lookup(&reference).await.ok().flatten() })
    })
}

/// What follows the settings.
struct Derived {
    settings: watch::Sender<Arc<Settings>>,
    guard: watch::Sender<Arc<Guard>>,
    vault: Arc<Vault>,
    /// The file as read, told to shells only when all that follows from it is in force: who waits for a change and then
    /// asks must meet it.
    in_force: watch::Sender<Arc<Loaded>>,
    port: u16,
    own_key: ClientKey,
}

/// Publishes settings, and what is made of them, from each file that was read well.
async fn derive(mut loaded: watch::Receiver<Arc<Loaded>>, derived: Derived, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = loaded.changed() => if changed.is_err() { return },
        }
        let read = Arc::clone(&loaded.borrow_and_update());
        let next = Arc::clone(&read.settings);
        if **derived.settings.borrow() != *next {
            // A reference may point elsewhere now, or its file may have been edited with it.
            derived.vault.forget();
            derived.guard.send_replace(Arc::new(Guard::new(&next, derived.port).also(&derived.own_key)));
            derived.settings.send_replace(next);
        }
        derived.in_force.send_replace(read);
    }
}

/// Tells from the rows of earlier runs who asked when.
async fn remember(file: PathBuf, live: Live) {
    let seen = tokio::task::spawn_blocking(move || usage::Reader::open(&file).and_then(|reader| reader.seen())).await;
    // A database that is only being made knows nothing yet.
    if let Ok(Ok(seen)) = seen {
        live.remember(&seen);
    }
}

/// Finds out whether the keychain can be used: at the start, and again when somebody asks. A locked one makes whoever
/// keeps something there wait for a person, so that this is tried only where the settings need it anyway.
async fn watch_keychain(
    vault: Arc<Vault>,
    settings: watch::Receiver<Arc<Settings>>,
    problem: watch::Sender<Option<String>>,
    asked: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        let kept = |known: &ConfiguredEndpoint| matches!(known.key, Some(CredentialRef::Keychain(_)));
        let needed = settings.borrow().endpoints.iter().any(kept);
        let found = tokio::select! {
            () = stop.cancelled() => return,
            found = vault.keychain_problem(needed) => found.map(|error| error.to_string()),
        };
        problem.send_if_modified(|problem| std::mem::replace(problem, found.clone()) != found);
        tokio::select! {
            () = stop.cancelled() => return,
            () = asked.notified() => {}
        }
    }
}

fn keep_usage(folders: &Folders, settings: &Settings) -> (usage::Sink, Option<usage::Store>) {
    if settings.usage.retention_days == 0 {
        return (usage::Sink::none(), None);
    }
    let retention = Duration::from_secs(u64::from(settings.usage.retention_days) * 86_400);
    match usage::Store::open(&folders.usage(), retention) {
        Ok((sink, store)) => (sink, Some(store)),
        Err(error) => {
            tracing::warn!(%error, "requests are not counted");
            (usage::Sink::none(), None)
        }
    }
}
