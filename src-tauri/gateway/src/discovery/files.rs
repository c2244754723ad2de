//! Ports that runtimes' own files name, and when these files change.
//!
//! A file is a hint and no proof: LM Studio's remembers the last port whether or not its server runs.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::{hosts, paths};
use crate::environment::{Environment, Folders};
use crate::provider::{PortFileForm, RuntimeSpec};

/// The largest part of a file that is read.
const LARGEST: u64 = 64 * 1024;

/// The files of the table on this machine.
pub(super) struct Files {
    files: Vec<(PathBuf, PortFileForm, usize)>,
    watched: Vec<PathBuf>,
    watcher: Option<notify::RecommendedWatcher>,
    changed: Arc<Notify>,
}

impl Files {
    /// Finds the files and watches the folders that are there.
    pub(super) fn watch(table: &[RuntimeSpec], environment: &Environment, folders: &Folders) -> Files {
        let files: Vec<(PathBuf, PortFileForm, usize)> = table
            .iter()
            .enumerate()
            .flat_map(|(row, spec)| spec.files.iter().map(move |file| (row, file)))
            .filter_map(|(row, file)| Some((paths::expand(&file.path, environment, folders)?, file.form, row)))
            .collect();
        let changed = Arc::new(Notify::new());
        let wake = Arc::clone(&changed);
        let ours: Vec<PathBuf> = files.iter().map(|(path, ..)| path.clone()).collect();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !event.kind.is_access() && event.paths.iter().any(|path| ours.contains(path)) {
                wake.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::debug!(%error, "files are not watched")).ok();
        let mut files = Files { files, watched: Vec::new(), watcher, changed };
        files.follow();
        files
    }

    /// Watches folders that have come since.
    pub(super) fn follow(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for (file, ..) in &self.files {
            let Some(folder) = file.parent() else { continue };
            // The folder, not the file: editors and apps save by renaming over it.
            if !self.watched.iter().any(|it| it == folder)
                && folder.is_dir()
                && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.push(folder.to_path_buf());
            }
        }
    }

    /// The ports that the files name now, with their rows.
    pub(super) fn ports(&self) -> Vec<(u16, usize)> {
        let port = |(path, form, row): &(PathBuf, PortFileForm, usize)| {
            Some((hosts::port_in_file(&read(path)?, *form)?, *row))
        };
        self.files.iter().filter_map(port).collect()
    }

    /// Waits until one of the files changes.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn read(path: &Path) -> Option<String> {
    // A pipe in the file's place would hang whoever opens it.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_changed_file_is_told() {
        let root = tempfile::tempdir().unwrap();
        // Some systems tell a file's real path where the folder is a link.
        let folders = Folders::below(&root.path().canonicalize().unwrap());
        let internal = folders.home.join(".lmstudio/.internal");
        std::fs::create_dir_all(&internal).unwrap();
        let table = RuntimeSpec::table().unwrap();
        let row = table.iter().position(|spec| &*spec.id == "lmstudio").unwrap();
        let files = Files::watch(&table, &Environment::default(), &folders);
        let ours = |files: &Files| files.ports().into_iter().filter(|(_, it)| *it == row).collect::<Vec<_>>();
        assert_eq!(ours(&files), [], "no file, no port");
        std::fs::write(internal.join("new"), r#"{"port":1250}"#).unwrap();
        std::fs::rename(internal.join("new"), internal.join("http-server-config.json")).unwrap();
        tokio::time::timeout(Duration::from_secs(10), files.changed()).await.expect("the change is told");
        assert_eq!(ours(&files), [(1250, row)]);
    }
}
