//! The server and the models that were found, looked for again when a folder changes and every minute.
//!
//! It looks only while it is wanted: beside a running Ollama nobody reads gigabytes of folders. What a model file is and
//! where others keep theirs is [`crate::disk`]'s business. Looking waits for the disk, so it is done on threads that may.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::program::{self, Program};
use super::{Pace, World, first};
use crate::catalog::Refusal;
use crate::disk::{self, DiskModel, Headers, Os, Places};
use crate::settings::{BuiltIn, Settings};

/// Folders watched for changes; those beyond are seen by the look of every minute. Systems lend few watches.
const MOST_WATCHED: usize = 256;
/// Refusals told; a folder of half a thousand broken files needs no longer list.
const MOST_REFUSALS: usize = 50;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Library {
    /// Whether anybody has looked.
    pub(super) looked: bool,
    /// The server, or why there is none.
    pub(super) program: Result<Program, Arc<str>>,
    /// The models that it can serve.
    pub(super) models: Vec<Arc<DiskModel>>,
    /// What cannot be used, and why.
    pub(super) refusals: Vec<Refusal>,
}

impl Default for Library {
    /// Before the first look.
    fn default() -> Library {
        Library {
            looked: false,
            program: Err("nobody has looked for a llama-server yet".into()),
            models: Vec::new(),
            refusals: Vec::new(),
        }
    }
}

impl Library {
    /// A model by its id.
    pub(super) fn model(&self, id: &str) -> Option<&Arc<DiskModel>> {
        self.models.iter().find(|model| model.id == id)
    }
}

/// Keeps `publish` up to date while `wanted`, until `stop`.
pub(super) async fn run(
    world: World,
    mut settings: watch::Receiver<Arc<Settings>>,
    mut wanted: watch::Receiver<bool>,
    publish: watch::Sender<Arc<Library>>,
    pace: Pace,
    stop: CancellationToken,
) {
    let changed = Arc::new(Notify::new());
    let mut eyes = Eyes { headers: Headers::default(), watcher: None, watched: BTreeSet::new() };
    let mut again = false;
    loop {
        if !*wanted.borrow_and_update() {
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
            continue;
        }
        let builtin = settings.borrow_and_update().builtin.clone();
        let (world, notify) = (world.clone(), Arc::clone(&changed));
        let looked = tokio::task::spawn_blocking(move || {
            let library = eyes.look(&builtin, &world, &notify);
            (eyes, library)
        });
        // A panic in there would be ours; the next look starts afresh.
        let library;
        (eyes, library) = match looked.await {
            Ok((eyes, library)) => (eyes, library),
            Err(error) => {
                tracing::error!(%error, "looking for models failed");
                return;
            }
        };
        publish.send_if_modified(|known| {
            let differs = **known != library;
            if differs {
                *known = Arc::new(library);
            }
            differs
        });
        let next = if again { pace.look_again } else { pace.look_every };
        again = tokio::select! {
            () = changed.notified() => true,
            () = sleep(next) => false,
            changed = settings.changed() => if changed.is_err() { return } else { false },
            changed = wanted.changed() => if changed.is_err() { return } else { false },
            () = stop.cancelled() => return,
        };
        // A file that is copied is many events; it is read once they have ended, or have gone on for long.
        let quiet = async { while timeout(pace.quiet, changed.notified()).await.is_ok() {} };
        if again && timeout(pace.quiet * 10, quiet).await.is_err() {
            tracing::debug!("a folder of models does not come to rest");
        }
    }
}

/// What one look leaves for the next.
struct Eyes {
    headers: Headers,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Eyes {
    fn look(&mut self, builtin: &BuiltIn, world: &World, changed: &Arc<Notify>) -> Library {
        let places = places(builtin, world);
        // First watch, then look: a change before is seen now, a change after is an event.
        self.watch(roots(&places), changed);
        let found = disk::find(&places, &mut self.headers);
        let folders = found.models.iter().filter_map(|model| Some(model.path.parent()?.to_path_buf()));
        self.watch(roots(&places).into_iter().chain(folders).collect(), changed);

        let refusals = found.refusals.into_iter().take(MOST_REFUSALS).map(|refusal| Refusal {
            place: refusal.path.display().to_string(),
            looked_like: Some("a model".to_owned()),
            reason: refusal.reason,
        });
        let is_servable =
            |model: &DiskModel| model.header.is_chat() || model.header.is_embedding() || model.header.is_rerank();
        Library {
            looked: true,
            program: program::find(&builtin.server, world).map_err(Arc::from),
            refusals: refusals.collect(),
            models: found.models.into_iter().filter(is_servable).map(Arc::new).collect(),
        }
    }

    /// Watches these folders, each without those below it, and no others.
    fn watch(&mut self, folders: BTreeSet<PathBuf>, changed: &Arc<Notify>) {
        if self.watcher.is_none() {
            let changed = Arc::clone(changed);
            let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.is_ok_and(|event| matters(event.kind)) {
                    changed.notify_one();
                }
            });
            self.watcher =
                watcher.inspect_err(|error| tracing::debug!(%error, "folders of models are not watched")).ok();
        }
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.watched.difference(&folders) {
            let _ = watcher.unwatch(gone);
        }
        self.watched.retain(|folder| folders.contains(folder) && folder.is_dir());
        for folder in folders {
            if self.watched.len() < MOST_WATCHED
                && !self.watched.contains(&folder)
                && folder.is_dir()
                && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder);
            }
        }
    }
}

/// Reading is an event as well, and a download writes for hours.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => true,
        EventKind::Modify(kind) => matches!(kind, ModifyKind::Name(_) | ModifyKind::Any),
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
    }
}

fn places(builtin: &BuiltIn, world: &World) -> Places {
    let environment = |name: &str| world.environment.get(name).map(str::to_owned);
    let mut places = Places::of(&world.folders.home, &environment, Os::HERE);
    places.own = first::own_folders(builtin, &world.environment, &world.folders).collect();
    places
}

fn roots(places: &Places) -> BTreeSet<PathBuf> {
    let Places { own, lm_studio, ollama, hugging_face, llama_cpp, jan, gpt4all } = places;
    let ollama_blobs = ollama.iter().map(|root| root.join("blobs"));
    [own, lm_studio, ollama, hugging_face, llama_cpp, jan, gpt4all]
        .into_iter()
        .flatten()
        .cloned()
        .chain(ollama_blobs)
        .collect()
}
