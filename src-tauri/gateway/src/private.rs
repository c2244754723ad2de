//! Files that only their owner can read: databases with the logs that SQLite keeps beside them, and what programs say.
//!
//! Shared by all databases; what stands in them is their own business.

pub(crate) mod sqlite;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What SQLite puts behind the file's name for its logs.
pub(crate) const LOGS: [&str; 2] = ["-wal", "-shm"];

/// A path with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    [path.as_os_str(), OsStr::new(suffix)].into_iter().collect::<std::ffi::OsString>().into()
}

/// Makes the folder and the file, readable by their owner only. SQLite gives its logs the file's mode. A fault comes with
/// the path that it is about.
pub(crate) fn make(path: &Path) -> Result<(), (PathBuf, io::Error)> {
    let fault = |path: &Path, source| (path.to_owned(), source);
    if let Some(folder) = path.parent() {
        folder_of_ours(folder).map_err(|source| fault(folder, source))?;
    }
    // Only ever made here, never opened: closing a file takes away all locks that this process has on it, and with them
    // those of SQLite.
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => return Err(fault(path, source)),
        Ok(_) | Err(_) => {}
    }
    // A file from a backup, or from a careless copy, may come with wider modes.
    #[cfg(unix)]
    for path in [path.to_owned(), with_suffix(path, LOGS[0]), with_suffix(path, LOGS[1])] {
        use std::os::unix::fs::PermissionsExt;
        match fs::set_permissions(&path, fs::Permissions::from_mode(0o600)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(fault(&path, source)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// An empty file for what a program says, in place of what it said before.
pub(crate) fn log(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        folder_of_ours(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder that only its owner can open.
fn folder_of_ours(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes the file and its logs. What is not there is no fault.
pub(crate) fn remove(path: &Path) -> Result<(), io::Error> {
    for path in [path.to_owned(), with_suffix(path, LOGS[0]), with_suffix(path, LOGS[1])] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(source),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Moves a damaged file aside with its logs, for whoever wants to repair it, and says where to. A fault comes with the
/// path that it is about.
pub(crate) fn move_aside(path: &Path, now: SystemTime) -> Result<PathBuf, (PathBuf, io::Error)> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // Twice in one second: the next free name, for a rename replaces what is there.
    let aside = (seconds..).map(|number| with_suffix(path, &format!(".corrupt-{number}"))).find(|path| !path.exists());
    let Some(aside) = aside else {
        return Err((path.to_owned(), io::ErrorKind::NotFound.into()));
    };
    fs::rename(path, &aside).map_err(|source| (path.to_owned(), source))?;
    for log in LOGS {
        let from = with_suffix(path, log);
        match fs::rename(&from, with_suffix(&aside, log)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err((from, source)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}
