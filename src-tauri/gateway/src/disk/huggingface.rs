//! Models in a Hugging Face cache: `models--<organisation>--<repository>/snapshots/<commit>/<file>`.
//!
//! The files in a snapshot are links to blobs, or copies where the system has no links. Only GGUF files are listed: a
//! folder of safetensors says too little about what could load it.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folders::{self, Placed};
use super::{DiskModel, Scan, Source, places, walk};

/// The models in the cache at `root`.
pub(super) fn find(root: &Path, scan: &mut Scan<'_>) -> Vec<DiskModel> {
    let mut left = walk::budget();
    let repositories = walk::entries(root, &mut left, scan).unwrap_or_default();
    let mut files = Vec::new();
    for repository in repositories {
        let name = repository.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(name) = name.strip_prefix("models--") {
            in_repository(&repository, name, &mut files, scan);
        }
    }
    folders::models(files, Source::HuggingFace, scan)
}

fn in_repository(folder: &Path, name: &str, files: &mut Vec<Placed>, scan: &mut Scan<'_>) {
    let (publisher, repository) = match name.split_once("--") {
        Some((publisher, repository)) => (Some(publisher.to_owned()), repository.to_owned()),
        None => (None, name.to_owned()),
    };
    let main = places::small_file(&folder.join("refs/main")).unwrap_or_default();
    let mut left = walk::budget();
    let mut snapshots: Vec<(bool, SystemTime, PathBuf)> = Vec::new();
    for snapshot in walk::entries(&folder.join("snapshots"), &mut left, scan).unwrap_or_default() {
        let Some(metadata) = walk::metadata(&snapshot, scan) else {
            continue;
        };
        let is_main = snapshot.file_name().is_some_and(|commit| commit.to_string_lossy() == main.trim());
        snapshots.push((is_main, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), snapshot));
    }
    snapshots.sort();

    // An older snapshot only adds what newer ones no longer have.
    let mut seen = HashSet::new();
    for (_, _, snapshot) in snapshots.into_iter().rev() {
        for file in walk::files(&snapshot, walk::DEEPEST, scan) {
            if seen.insert(file.below.clone()) {
                files.push(Placed {
                    stem: file.stem(),
                    publisher: publisher.clone(),
                    repository: Some(repository.clone()),
                    neighbours: folder.to_owned(),
                    file,
                });
            }
        }
    }
}
