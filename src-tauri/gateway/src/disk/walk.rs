//! Walks a folder and lists the model files in it.
//!
//! Bounded in depth and in the number of entries, and it enters each folder once, whatever links say. It opens no file.

use std::collections::{HashSet, VecDeque};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{MOST_MODELS, Scan};

/// How far below its root a model may lie.
pub(super) const DEEPEST: usize = 6;
/// A root with more entries than this is no folder of models.
const MOST_ENTRIES: usize = 50_000;

/// A finished GGUF file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Its path below the root.
    pub(super) below: PathBuf,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

impl File {
    /// The file's name without its ending.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Names a file by what the disk knows of it, so that links do not count twice.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    #[cfg(not(unix))]
    Path(PathBuf),
}

pub(super) fn identity(path: &Path) -> Option<Identity> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Identity::Inode(metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    std::fs::canonicalize(path).ok().map(Identity::Path)
}

/// The finished GGUF files below `root`, nearest first, each folder in alphabetical order.
pub(super) fn files(root: &Path, deepest: usize, scan: &mut Scan<'_>) -> Vec<File> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    let mut left = MOST_ENTRIES;
    let mut waiting = VecDeque::from([(root.to_owned(), 1)]);
    while let Some((folder, depth)) = waiting.pop_front() {
        if !identity(&folder).is_none_or(|identity| entered.insert(identity)) {
            continue;
        }
        let Some(entries) = entries(&folder, &mut left, scan) else {
            continue;
        };
        for path in entries {
            let Some(metadata) = metadata(&path, scan) else {
                continue;
            };
            if metadata.is_dir() {
                let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if depth < deepest && !is_hidden {
                    waiting.push_back((path, depth + 1));
                }
            } else if metadata.is_file() && is_finished_gguf(&path) {
                let below = path.strip_prefix(root).unwrap_or(&path).to_owned();
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push(File { path, below, size: metadata.len(), modified });
            }
        }
        if left == 0 || found.len() > MOST_MODELS {
            scan.refuse(root, "holds more than a folder of models would: the rest is left out");
            break;
        }
    }
    found
}

/// The entries of a folder, sorted; a folder that does not exist has none. Takes them from what is `left` to look at.
pub(super) fn entries(folder: &Path, left: &mut usize, scan: &mut Scan<'_>) -> Option<Vec<PathBuf>> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) => {
            // A stray file among folders, such as `.DS_Store`, is no news either.
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                scan.refuse(folder, format!("cannot be read: {error}"));
            }
            return None;
        }
    };
    let mut paths: Vec<PathBuf> = listing.take(*left).filter_map(|entry| Some(entry.ok()?.path())).collect();
    *left -= paths.len().min(*left);
    paths.sort();
    Some(paths)
}

/// Entries for a finder that walks a layout of its own.
pub(super) fn budget() -> usize {
    MOST_ENTRIES
}

/// What the disk says of an entry, links followed. A link into nowhere is no news: a download may have been removed.
pub(super) fn metadata(path: &Path, scan: &mut Scan<'_>) -> Option<Metadata> {
    match std::fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            scan.refuse(path, format!("cannot be read: {error}"));
            None
        }
    }
}

/// Unfinished downloads have their mark behind the ending (`.part`, `-partial`, `.downloadInProgress`), where the
/// ending then does not match; GPT4All's has it in front.
fn is_finished_gguf(path: &Path) -> bool {
    let is_gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    is_gguf && !name.starts_with("incomplete-") && !name.starts_with('.')
}
