//! The thread: takes orders one after another, and opens the file when the first one needs it.
//!
//! A file that is damaged is removed and not moved aside, since what stands in it is private and was to be deleted some
//! day. One that a newer version wrote is left alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::database::{Bounds, Database};
use super::shelf::Order;
use super::{Kept, Lost};
use crate::private;
use crate::private::sqlite::Error;
use crate::settings::{Responses, Settings};

/// How often it is looked for what is past its time.
const PRUNE: Duration = Duration::from_secs(3_600);

pub(super) struct Worker {
    path: PathBuf,
    settings: watch::Receiver<Arc<Settings>>,
    inbox: Receiver<Order>,
    waiting: Arc<AtomicUsize>,
    database: Option<Database>,
}

impl Worker {
    pub(super) fn new(
        path: PathBuf,
        settings: watch::Receiver<Arc<Settings>>,
        inbox: Receiver<Order>,
        waiting: Arc<AtomicUsize>,
    ) -> Worker {
        Worker { path, settings, inbox, waiting, database: None }
    }

    pub(super) fn run(mut self) {
        self.settle();
        loop {
            match self.inbox.recv_timeout(PRUNE) {
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Order::Keep(kept)) => {
                    self.waiting.fetch_sub(kept.size(), Ordering::Relaxed);
                    if let Err(error) = self.keep(&kept) {
                        tracing::warn!(%error, "a response is not kept");
                    }
                }
                // A reply that nobody waits for any more belongs to a client that left.
                Ok(Order::Past(owner, id, most, reply)) => {
                    let _ = reply.send(self.read(|database| database.past(&owner, &id, most)));
                }
                Ok(Order::One(owner, id, reply)) => {
                    let _ = reply.send(self.read(|database| database.one(&owner, &id)));
                }
                Ok(Order::Items(owner, ids, most, reply)) => {
                    let _ = reply.send(self.read(|database| database.items(&owner, ids, most)));
                }
                Ok(Order::Forget(owner, id, reply)) => {
                    let _ = reply.send(self.read(|database| database.forget(&owner, &id)));
                }
                Ok(Order::Settle) | Err(RecvTimeoutError::Timeout) => self.settle(),
            }
        }
    }

    fn wanted(&self) -> Responses {
        self.settings.borrow().responses
    }

    /// What the settings say is in force: nothing is kept that should not be.
    fn settle(&mut self) {
        if !self.path.exists() {
            return;
        }
        let wanted = self.wanted();
        let settled = self.open().and_then(|database| {
            let nothing = Bounds { since: SystemTime::now(), count: 0, bytes: 0 };
            database.prune(&if wanted.store { bounds(&wanted) } else { nothing })
        });
        match settled {
            Ok(()) if !wanted.store => self.remove(),
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "responses that are past their time are not deleted"),
        }
    }

    fn keep(&mut self, kept: &Kept) -> Result<(), Error> {
        let wanted = self.wanted();
        if !wanted.store {
            return Ok(());
        }
        let bounds = bounds(&wanted);
        self.open()?.keep(kept, &bounds)
    }

    fn read<T>(&mut self, read: impl FnOnce(&mut Database) -> Result<Result<T, Lost>, Error>) -> Result<T, Lost> {
        // Nothing is made only to find nothing in it.
        if !self.wanted().store || !self.path.exists() {
            return Err(Lost::Unknown);
        }
        self.open().and_then(read).unwrap_or_else(|error| {
            tracing::warn!(%error, "kept responses cannot be read");
            Err(Lost::Unreadable)
        })
    }

    fn open(&mut self) -> Result<&mut Database, Error> {
        // Whoever deletes the file by hand wants it gone, and the open one would go on in it unseen.
        if self.database.is_some() && !self.path.exists() {
            self.database = None;
        }
        let database = match self.database.take() {
            Some(database) => database,
            None => match Database::open(&self.path) {
                Err(error) if error.is_corrupt() => {
                    tracing::error!(%error, "the file of kept responses is damaged: removed, starting anew");
                    self.remove();
                    Database::open(&self.path)?
                }
                opened => opened?,
            },
        };
        Ok(self.database.insert(database))
    }

    fn remove(&mut self) {
        self.database = None;
        if let Err(error) = private::remove(&self.path) {
            tracing::warn!(%error, "the file of kept responses cannot be removed");
        }
    }
}

fn bounds(wanted: &Responses) -> Bounds {
    let age = Duration::from_secs(u64::from(wanted.days) * 86_400);
    Bounds {
        since: SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH),
        count: i64::from(wanted.count),
        bytes: i64::from(wanted.megabytes) << 20,
    }
}
