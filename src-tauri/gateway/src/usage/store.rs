//! The store as its owner sees it: started, asked how it fares, flushed, closed.
//!
//! Nothing here touches the database, and nothing but [`Store::flush`] and [`Store::close`] waits.

mod writer;

#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use self::writer::Writer;
use super::{
    database::{Error, Place},
    reader::Reader,
    sink::{Queue, Sink},
};

/// The most that a flush or a close waits for the thread: twice a database locked by another process.
const ANSWER: Duration = Duration::from_secs(5);

/// What the store allows itself.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long a row is kept.
    retention: Duration,
    /// How many rows are kept: about 100 MB, should a tool ask in a loop all night.
    rows: u32,
    /// How many records wait; beyond, they are dropped. Some seconds of a busy machine, 2 MiB.
    queue: usize,
    /// How long to wait for another process that holds the database.
    patience: Duration,
}

impl Limits {
    fn new(retention: Duration) -> Limits {
        Limits { retention, rows: 500_000, queue: 8192, patience: Duration::from_secs(2) }
    }
}

/// What became of the records so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Records in the database.
    pub written: u64,
    /// Records lost: the queue was full, or the database never came back.
    pub dropped: u64,
    /// Why nothing is written at the moment.
    pub fault: Option<String>,
}

/// The running thread. Dropping it ends the thread without waiting; [`Store::close`] waits.
#[derive(Debug)]
pub struct Store {
    place: Place,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

pub(super) enum Command {
    /// Write all that was sent before, and say whether that went well.
    Flush(Sender<bool>),
    /// Write all that was sent before, then delete every body.
    Forget(Sender<bool>),
    /// The same as a flush, and end.
    Close(Sender<bool>),
}

impl Store {
    /// Starts the thread on a file, which it makes where it is missing. Rows are kept for `retention`, their daily sums
    /// for ever.
    ///
    /// A file that cannot be opened is no error: it is tried again, and [`Stats::fault`] says so.
    pub fn open(path: &Path, retention: Duration) -> Result<(Sink, Store), Error> {
        Store::start(Place::File(path.to_owned()), Limits::new(retention))
    }

    /// The same, kept in memory until the store is closed.
    pub fn in_memory(retention: Duration) -> Result<(Sink, Store), Error> {
        Store::start(Place::memory(), Limits::new(retention))
    }

    fn start(place: Place, limits: Limits) -> Result<(Sink, Store), Error> {
        let (commands, orders) = mpsc::channel();
        let (queue, records) = Queue::bounded(limits.queue, commands);
        let writer = Writer::new(place.clone(), limits, Arc::clone(&queue), records, orders);
        let thread = thread::Builder::new().name("usage".into()).spawn(|| writer.run()).map_err(Error::Thread)?;
        queue.woken_by(thread.thread().clone());
        let store = Store { place, queue: Arc::clone(&queue), thread: Some(thread) };
        Ok((Sink::new(queue), store))
    }

    /// Opens a second connection, to read.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::at(&self.place)
    }

    /// What became of the records so far.
    pub fn stats(&self) -> Stats {
        self.queue.stats()
    }

    /// Waits until all that was sent before is written and what is past its time is deleted; false if that failed.
    pub fn flush(&self) -> bool {
        let (reply, answer) = mpsc::channel();
        self.queue.command(Command::Flush(reply));
        answer.recv_timeout(ANSWER).unwrap_or(false)
    }

    /// Writes what is left and ends the thread; false if that failed. Waits for some seconds at most.
    pub fn close(mut self) -> bool {
        let (reply, answer) = mpsc::channel();
        self.queue.command(Command::Close(reply));
        match answer.recv_timeout(ANSWER) {
            Ok(stored) => {
                // It answers as its last act, with the file closed.
                let ended = self.thread.take().is_none_or(|thread| thread.join().is_ok());
                stored && ended
            }
            Err(_) => {
                tracing::warn!("usage: the last records may be lost, the database did not answer in time");
                false
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let (reply, _) = mpsc::channel();
        self.queue.command(Command::Close(reply));
    }
}
