//! Where the control socket is, and that only its owner reaches it and only one gateway serves it. The tray listens in the
//! same way for a second start of itself, by another name.
//!
//! On Unix a socket file with mode 0600 in a folder with mode 0700. On Windows a named pipe with a random name, written
//! into the owner's folder: nobody can put up a pipe of that name beforehand and be taken for Pointsman, and Windows
//! lets only the owner and the system's own accounts write to it. What is said over it is `socket`'s business.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::{ListenerOptions, Name};

use crate::environment::Folders;

/// Why the control socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another gateway of the same user serves it.
    #[error("Pointsman is already running{}", .process.map(|id| format!(" as process {id}")).unwrap_or_default())]
    AlreadyRunning {
        /// Its process, where it can be told.
        process: Option<u32>,
    },
    /// Someone else could put a socket of his own there.
    #[error("the folder {} belongs to another user; remove it or set XDG_RUNTIME_DIR to a folder of your own", .folder.display())]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("the control socket {} cannot be made: {source}", .place.display())]
    Refused {
        /// The file or folder.
        place: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The one place where commands come in.
#[derive(Debug)]
pub struct Listener {
    // Fields are dropped in this order: the socket's name goes while the lock still keeps others away.
    listener: interprocess::local_socket::tokio::Listener,
    #[cfg(unix)]
    owner: u32,
    _lock: File,
}

/// The control socket's name among those of the run folder.
pub(super) const CONTROL: &str = "control";

fn place(folders: &Folders, name: &str) -> PathBuf {
    folders.run.join(format!("{name}.sock"))
}

/// Connects to whoever listens by this name.
pub async fn connect(folders: &Folders, name: &str) -> io::Result<Stream> {
    Stream::connect(self::name(&place(folders, name))?).await
}

impl Listener {
    /// Takes the control socket over, replacing what a dead process left. Must be called inside a Tokio runtime.
    pub fn bind(folders: &Folders) -> Result<Listener, BindError> {
        Listener::bind_as(folders, CONTROL)
    }

    /// Takes another socket over in the same way.
    pub fn bind_as(folders: &Folders, name: &str) -> Result<Listener, BindError> {
        let place = place(folders, name);
        let refused = |source| BindError::Refused { place: place.clone(), source };
        private_folder(&folders.run).map_err(refused)?;
        let lock = lock(folders, name)?;
        // The system drops a dead process's lock, so whoever holds it may clear away what was left.
        match std::fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
            Ok(()) | Err(_) => {}
        }
        let pipe = new_name(&place).map_err(refused)?;
        let listener = ListenerOptions::new().name(pipe).create_tokio().map_err(refused)?;
        Ok(Listener {
            #[cfg(unix)]
            owner: owned(&folders.run, &place)?,
            listener,
            _lock: lock,
        })
    }

    /// The next connection of the same user; others are turned away.
    pub async fn accept(&self) -> io::Result<Stream> {
        loop {
            let stream = self.listener.accept().await?;
            if self.admits(&stream) {
                return Ok(stream);
            }
            tracing::warn!(target: "control", "another user's connection was turned away");
        }
    }

    #[cfg(unix)]
    fn admits(&self, stream: &Stream) -> bool {
        stream.peer_creds().is_ok_and(|peer| peer.euid().is_none_or(|user| user == self.owner))
    }

    #[cfg(not(unix))]
    // The pipe's access list has done it.
    fn admits(&self, _stream: &Stream) -> bool {
        true
    }
}

/// The name to connect to.
#[cfg(unix)]
pub(super) fn name(place: &Path) -> io::Result<Name<'_>> {
    place.to_fs_name::<interprocess::local_socket::GenericFilePath>()
}

/// The name to connect to.
#[cfg(not(unix))]
pub(super) fn name(place: &Path) -> io::Result<Name<'_>> {
    std::fs::read_to_string(place)?.to_ns_name::<interprocess::local_socket::GenericNamespaced>().map(Name::into_owned)
}

#[cfg(unix)]
fn new_name(place: &Path) -> io::Result<Name<'_>> {
    name(place)
}

#[cfg(not(unix))]
fn new_name(place: &Path) -> io::Result<Name<'_>> {
    std::fs::write(place, format!("pointsman-{}-{}", std::process::id(), uuid::Uuid::new_v4()))?;
    name(place)
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // It may have been there before, with a wider mode.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Narrows the new socket's mode and tells whose it is: ours. The folder has to be the same user's.
#[cfg(unix)]
fn owned(folder: &Path, place: &Path) -> Result<u32, BindError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let refused = |source| BindError::Refused { place: place.to_path_buf(), source };
    // The mode is set by name rather than before binding, which not every Unix can do; the folder keeps others out.
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
    let owner = std::fs::symlink_metadata(place).map_err(refused)?.uid();
    let folder_owner = std::fs::metadata(folder).map_err(refused)?.uid();
    if folder_owner != owner {
        return Err(BindError::ForeignFolder { folder: folder.to_path_buf() });
    }
    Ok(owner)
}

fn lock(folders: &Folders, name: &str) -> Result<File, BindError> {
    let path = folders.run.join(format!("{name}.lock"));
    let refused = |source| BindError::Refused { place: path.clone(), source };
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(BindError::AlreadyRunning { process: holder(&place(folders, name), &mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(refused(error)),
    }
    file.set_len(0).map_err(refused)?;
    io::Write::write_all(&mut file, std::process::id().to_string().as_bytes()).map_err(refused)?;
    Ok(file)
}

#[cfg(unix)]
fn holder(_place: &Path, lock: &mut File) -> Option<u32> {
    io::read_to_string(lock).ok()?.parse().ok()
}

/// Windows lets nobody read a locked file, but the pipe's name begins with the process.
#[cfg(not(unix))]
fn holder(place: &Path, _lock: &mut File) -> Option<u32> {
    std::fs::read_to_string(place).ok()?.strip_prefix("pointsman-")?.split('-').next()?.parse().ok()
}
