//! Reads the settings again whenever their file changes, and hands them to whoever waits.
//!
//! The folder is watched rather than the file: editors save by renaming over it. A file that cannot be read leaves the
//! last good settings in force and says what is wrong. Nothing here writes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::read::{Problem, Read, load};
use crate::replace::resolve;

/// A save is several events; the file is read once they have ended.
const QUIET: Duration = Duration::from_millis(50);

/// A file that never comes to rest is read all the same.
const LATEST: Duration = Duration::from_millis(500);

/// Where the system gives no events (no watches left, an odd file system), the file is looked at so often.
const WITHOUT_EVENTS: Duration = Duration::from_secs(5);

/// The settings in force, and what there is to say about their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The last good ones.
    pub settings: Arc<Settings>,
    /// Why the file as it stands is not in force.
    pub problem: Option<String>,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// The settings at start. If they cannot be read there are no last good ones, so the defaults stand in, and nothing
    /// leaves the machine until the file is mended: it may have said so.
    pub fn first(path: &Path) -> Loaded {
        let cautious = Loaded {
            settings: Arc::new(Settings { local_only: true, ..Settings::default() }),
            problem: None,
            warnings: Vec::new(),
        };
        let instead = "the defaults stand in and nothing leaves this machine until it is mended";
        cautious.followed_by(load(path), path, instead)
    }

    fn followed_by(&self, read: Result<Read, Problem>, path: &Path, instead: &str) -> Loaded {
        match read {
            Ok(read) => Loaded { settings: Arc::new(read.settings), problem: None, warnings: read.warnings },
            Err(problem) => Loaded {
                settings: Arc::clone(&self.settings),
                problem: Some(format!("{}: {problem} ({instead})", path.display())),
                warnings: Vec::new(),
            },
        }
    }
}

/// Follows the settings file until `stop`. The sender holds what [`Loaded::first`] read; it is changed only when what
/// the file says has changed.
pub async fn run(path: PathBuf, publish: watch::Sender<Arc<Loaded>>, stop: CancellationToken) {
    let changed = Arc::new(Notify::new());
    let places = Arc::new(Mutex::new(Vec::new()));
    let mut folders = Vec::new();
    let mut watcher = watcher(Arc::clone(&changed), Arc::clone(&places));
    loop {
        // First watch, then read: a change before is seen now, a change after is an event.
        let events = watcher.as_mut().is_some_and(|watcher| follow(watcher, &path, &mut folders, &places));
        let file = path.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || load(&file)).await else {
            return;
        };
        publish.send_if_modified(|loaded| {
            let next = loaded.followed_by(read, &path, "the last good settings stay in force");
            let differs = **loaded != next;
            if differs {
                *loaded = Arc::new(next);
            }
            differs
        });
        tokio::select! {
            () = changed.notified() => {}
            () = sleep(WITHOUT_EVENTS), if !events => {}
            () = stop.cancelled() => return,
        }
        let latest = Instant::now() + LATEST;
        loop {
            tokio::select! {
                () = changed.notified() => {}
                () = sleep(QUIET) => break,
                () = sleep_until(latest) => break,
                () = stop.cancelled() => return,
            }
        }
    }
}

/// `changed` is told of each event at one of `places`.
fn watcher(changed: Arc<Notify>, places: Arc<Mutex<Vec<PathBuf>>>) -> Option<RecommendedWatcher> {
    let concerns = move |event: &notify::Event| {
        let places = places.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a folder on the way, too: it may be moved, or made at last.
        event.need_rescan()
            || event.paths.iter().any(|changed| places.iter().any(|place: &PathBuf| place.starts_with(changed)))
    };
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        // Reading is an event as well, and this module reads.
        Ok(event) if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) => {}
        Ok(event) if !concerns(&event) => {}
        Ok(_) | Err(_) => changed.notify_one(),
    });
    watcher.inspect_err(|error| tracing::warn!(%error, "settings are looked at every few seconds: no file events")).ok()
}

/// Watches the folder of the file and, where it is a symbolic link, of what it leads to; `folders` are those watched so
/// far. Set anew each time, for a folder that was removed and made again is another one under the old name. Whether
/// events will come is returned.
fn follow(
    watcher: &mut RecommendedWatcher,
    path: &Path,
    folders: &mut Vec<PathBuf>,
    places: &Mutex<Vec<PathBuf>>,
) -> bool {
    for folder in folders.drain(..) {
        // One that is gone was dropped by the watcher itself.
        let _ = watcher.unwatch(&folder);
    }
    let mut found = Vec::new();
    let mut events = true;
    for (folder, place) in [path.to_path_buf(), resolve(path)].iter().filter_map(|file| nearest_folder(file)) {
        found.push(place);
        if folders.contains(&folder) {
            continue;
        }
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => folders.push(folder),
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "settings are looked at every few seconds");
                events = false;
            }
        }
    }
    *places.lock().unwrap_or_else(PoisonError::into_inner) = found;
    events && !folders.is_empty()
}

/// The nearest folder above a file that exists, and the file's path as events in that folder will name it.
fn nearest_folder(file: &Path) -> Option<(PathBuf, PathBuf)> {
    file.ancestors().skip(1).find_map(|ancestor| {
        // Events name the real folder on some systems and the given one on others; so the real one is given.
        let folder = ancestor.canonicalize().ok().filter(|folder| folder.is_dir())?;
        let place = folder.join(file.strip_prefix(ancestor).ok()?);
        Some((folder, place))
    })
}

#[cfg(test)]
mod tests;
