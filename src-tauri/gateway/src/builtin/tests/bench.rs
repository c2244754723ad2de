//! A built-in runtime in a world of its own: folders, settings, a catalog, and the scripted server.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::builtin::{Engine, EngineError, Lease, Pace, World, start_at};
use crate::catalog::{self, Catalog, Event, ModelState};
use crate::disk::gguf::fixture::Gguf;
use crate::environment::{Environment, Folders};
use crate::settings::{BuiltInMode, Settings};

/// Nothing here takes so long; a test that waits for it has failed.
const LONG: Duration = Duration::from_secs(60);

pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) catalog: watch::Receiver<Arc<Catalog>>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) settings: watch::Sender<Arc<Settings>>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) root: TempDir,
}

/// What the scripted server noted of a start.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Start {
    pub(super) alias: String,
    pub(super) process: u32,
    pub(super) environment: std::collections::BTreeMap<String, String>,
}

pub(super) fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(10),
        first_pause: Duration::from_secs(600),
        longest_pause: Duration::from_secs(600),
        offer_after: Duration::from_millis(20),
        withdraw_after: Duration::from_millis(20),
        quiet: Duration::from_millis(20),
        ..Pace::default()
    }
}

/// The built-in runtime is on, and a child lives for ever unless a test says otherwise.
pub(super) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.builtin.enabled = BuiltInMode::On;
    settings.builtin.idle_seconds = 1_000_000;
    settings
}

impl Bench {
    /// With models `a` and `b`.
    pub(super) fn new() -> Bench {
        Bench::with(pace(), settings())
    }

    pub(super) fn with(pace: Pace, mut settings: Settings) -> Bench {
        let root = tempfile::tempdir().unwrap();
        let path = |below: &str| root.path().join(below);
        std::fs::create_dir_all(path("data/models")).unwrap();
        for id in ["a", "b"] {
            std::fs::write(path(&format!("data/models/{id}.gguf")), Gguf::chat().bytes()).unwrap();
        }
        std::fs::write(path("server"), include_str!("fake.py")).unwrap();
        std::fs::set_permissions(path("server"), std::fs::Permissions::from_mode(0o755)).unwrap();
        if settings.builtin.server.as_os_str().is_empty() {
            settings.builtin.server = path("server");
        }
        Bench::start(pace, settings, root)
    }

    pub(super) fn start(pace: Pace, settings: Settings, root: TempDir) -> Bench {
        let process = Environment::of_process();
        let passed =
            ["PATH", "HOME", "LD_LIBRARY_PATH"].into_iter().filter_map(|name| Some((name, process.get(name)?)));
        let environment: Environment = passed
            .chain([("OPENAI_API_KEY", "canary"), ("HF_TOKEN", "canary"), ("CUDA_VISIBLE_DEVICES", "0")])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (events, inbox) = mpsc::channel(64);
        let (publish, catalog) = watch::channel(Arc::new(Catalog::default()));
        let (settings, settings_rx) = watch::channel(Arc::new(settings));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(catalog::run(inbox, publish, stop.clone()));
        let world = World { environment, folders: Folders::below(root.path()), program: None };
        let engine = start_at(pace, world, settings_rx, catalog.clone(), events.clone(), &tasks, stop.clone());
        Bench { engine, catalog, events, settings, tasks, stop, root }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// How the scripted server behaves from now on.
    pub(super) fn put(&self, name: &str) {
        std::fs::write(self.path(name), "").unwrap();
    }

    pub(super) fn take_away(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Waits until the catalog is as said.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Catalog) -> bool) -> Arc<Catalog> {
        let mut catalog = self.catalog.clone();
        let found = tokio::time::timeout(LONG, catalog.wait_for(|catalog| is_so(catalog))).await;
        found.unwrap_or_else(|_| panic!("{what}")).unwrap().clone()
    }

    pub(super) async fn until_state(&self, model: &str, state: ModelState) -> Arc<Catalog> {
        let is_so = |catalog: &Catalog| state_of(catalog, model) == Some(state);
        self.until(&format!("{model} never became {state:?}"), is_so).await
    }

    /// Waits until this model, or none, is to be had without a wait.
    pub(super) async fn until_up(&self, model: Option<&str>) {
        let mut up = self.engine.up.clone();
        let found = tokio::time::timeout(LONG, up.wait_for(|up| up.as_deref() == model)).await;
        found.unwrap_or_else(|_| panic!("{model:?} is not up")).unwrap();
    }

    /// Asks once the models are listed.
    pub(super) async fn ready(&self, model: &str) -> Result<Lease, EngineError> {
        self.until("no models", |catalog| catalog.models().next().is_some()).await;
        soon(self.engine.ready(model)).await
    }

    /// Asks in a task of its own.
    pub(super) fn ask(&self, model: &'static str) -> tokio::task::JoinHandle<Result<Lease, EngineError>> {
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.ready(model).await })
    }

    pub(super) fn starts(&self) -> Vec<Start> {
        let lines = std::fs::read_to_string(self.path("starts")).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The models that were started, in order.
    pub(super) fn started(&self) -> String {
        self.starts().into_iter().map(|start| start.alias).collect::<Vec<_>>().join(" ")
    }

    /// Stops all and waits for it.
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        soon(self.tasks.wait()).await;
    }
}

pub(super) fn state_of(catalog: &Catalog, model: &str) -> Option<ModelState> {
    catalog.models_of("builtin").iter().find(|known| *known.id == *model).map(|model| model.state)
}

pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it takes far too long")
}

/// Asks a child for a path, with the lease's key. `None`: it broke off.
pub(super) async fn get(lease: &Lease, path: &str) -> Option<String> {
    let mut stream = tokio::net::TcpStream::connect(lease.address()).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {}\r\n\r\n", lease.key());
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}

/// Whether a process is there.
pub(super) fn is_alive(process: u32) -> bool {
    std::process::Command::new("kill")
        .args(["-0", &process.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}
