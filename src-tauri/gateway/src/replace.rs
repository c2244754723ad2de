//! Replaces a file's text in one step, for the files that Pointsman shares with an editor.
//!
//! A reader sees the old text or the new one, never half of one. A change that somebody else made in the meantime is
//! not lost: the edit is done again on the newer text. What the text means is its owner's business.

pub(crate) mod lines;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// No settings file that a person wrote is larger; what is, was put there by mistake.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Times that an edit is done again because the file changed under it.
const ATTEMPTS: usize = 8;

/// Why a file cannot be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A folder, a pipe or a device stands there.
    #[error("{} is not a plain file; move it away", .0.display())]
    NotAFile(PathBuf),
    /// Its owner wants it to stay as it is.
    #[error("{} is read-only; make it writable first", .0.display())]
    ReadOnly(PathBuf),
    /// Larger than any such file.
    #[error("{} is larger than {LARGEST} bytes and is not read", .0.display())]
    TooLarge(PathBuf),
    /// Bytes that are no text.
    #[error("{} is not UTF-8 text; save it as UTF-8", .0.display())]
    NotText(PathBuf),
    /// Somebody writes it all the time.
    #[error("{} kept changing while it was edited; try again", .0.display())]
    Contended(PathBuf),
    /// The system refused.
    #[error("{} cannot be {what}: {source}", .path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `read`, `written`.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// A file's text, with what is needed to put another in its place.
struct Found {
    text: String,
    permissions: fs::Permissions,
}

/// A file's text; `None` where there is no file.
pub(crate) fn text(path: &Path) -> Result<Option<String>, Fault> {
    Ok(find(path)?.map(|found| found.text))
}

/// Changes the text of a file, or makes the file (mode 0600). `edit` gets the text there is, if any, and says the new
/// one, or `None` to leave it; it is asked again if the file changed meanwhile. Whether anything was written is
/// returned.
///
/// A symbolic link is followed: its target gets the new text. The folder is locked against other Pointsmans for the
/// moment that this takes.
pub(crate) fn edit<E: From<Fault>>(
    path: &Path,
    mut edit: impl FnMut(Option<&str>) -> Result<Option<String>, E>,
) -> Result<bool, E> {
    let target = resolve(path);
    let folder = target.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let _lock = lock(folder);
    for _ in 0..ATTEMPTS {
        let found = find(&target)?;
        let old = found.as_ref().map(|found| found.text.as_str());
        let Some(new) = edit(old)?.filter(|new| Some(new.as_str()) != old) else {
            return Ok(false);
        };
        if found.as_ref().is_some_and(|found| found.permissions.readonly()) {
            return Err(Fault::ReadOnly(target).into());
        }
        let draft = Draft::write(&target, &new, found.as_ref().map(|found| &found.permissions))?;
        // As late as can be: whatever an editor saved up to here is seen.
        if text(&target)?.as_deref() == old {
            draft.replace(&target)?;
            sync_folder(folder);
            return Ok(true);
        }
    }
    Err(Fault::Contended(target).into())
}

/// Where a path leads through symbolic links, though the last of them may lead to nothing yet.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    // As many as Linux follows.
    const LINKS: usize = 40;
    let mut target = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(link) = fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new(".")).join(link);
    }
    target
}

fn find(path: &Path) -> Result<Option<Found>, Fault> {
    let refused = |source| Fault::System { path: path.to_path_buf(), what: "read", source };
    // Asked before it is opened: opening a pipe would wait for its other end.
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    if !metadata.is_file() {
        return Err(Fault::NotAFile(path.to_path_buf()));
    }
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
        Ok(read) if read as u64 > LARGEST => return Err(Fault::TooLarge(path.to_path_buf())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::NotText(path.to_path_buf()))?;
    Ok(Some(Found { text, permissions: metadata.permissions() }))
}

/// A new text beside the file that it will replace; removed again unless it does.
struct Draft(Option<PathBuf>);

impl Draft {
    fn write(target: &Path, text: &str, permissions: Option<&fs::Permissions>) -> Result<Draft, Fault> {
        let refused = |source| Fault::System { path: target.to_path_buf(), what: "written", source };
        let number = getrandom::u64().map_err(|error| refused(io::Error::other(error)))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{number:016x}"));
        let mut file = create(&path).map_err(refused)?;
        let draft = Draft(Some(path));
        permissions
            .map_or(Ok(()), |permissions| file.set_permissions(permissions.clone()))
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(refused)?;
        Ok(draft)
    }

    fn replace(mut self, target: &Path) -> Result<(), Fault> {
        let Some(path) = self.0.take() else { return Ok(()) };
        fs::rename(&path, target).map_err(|source| {
            self.0 = Some(path);
            Fault::System { path: target.to_path_buf(), what: "written", source }
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(folder: &Path) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| Fault::System { path: folder.to_path_buf(), what: "made", source })
}

/// Held until the file is dropped. The folder rather than the file: the file becomes another one. Where a folder cannot
/// be locked (Windows, some network drives), reading the file again before it is replaced still finds most meetings.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// So that the new name, too, outlives a power cut. A system that cannot sync a folder does it by itself.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests;
