//! The way in: a bounded queue whose near end never waits.
//!
//! It says neither when records are written nor whether: that is the thread's business, in `store`.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
    mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
};
use std::thread::Thread;

use super::{Record, Stats, store::Command};

/// Where the request path leaves its records. Clones share one queue.
#[derive(Clone, Debug)]
pub struct Sink {
    queue: Option<Arc<Queue>>,
}

impl Sink {
    pub(super) fn new(queue: Arc<Queue>) -> Sink {
        Sink { queue: Some(queue) }
    }

    /// A sink that keeps nothing, for a gateway that shall leave no trace.
    pub fn none() -> Sink {
        Sink { queue: None }
    }

    /// Leaves a record, and never waits: if the queue is full or the store is gone, the record is dropped and counted.
    pub fn send(&self, record: Record) {
        if let Some(queue) = &self.queue {
            queue.push(record);
        }
    }

    /// Deletes what was kept of bodies, and says whether that went well, once it is asked. There is nobody to ask where
    /// nothing is kept.
    pub fn forget_bodies(&self) -> Option<Receiver<bool>> {
        let queue = self.queue.as_ref()?;
        let (reply, answer) = channel();
        queue.command(Command::Forget(reply));
        Some(answer)
    }

    /// What became of the records so far.
    pub fn stats(&self) -> Stats {
        self.queue.as_ref().map(|queue| queue.stats()).unwrap_or_default()
    }
}

/// What the sinks, the store and its thread share.
#[derive(Debug)]
pub(super) struct Queue {
    // Boxed, for the channel's slots are allocated at once: 8,192 of them are then 128 KiB instead of 2 MiB.
    sender: SyncSender<Box<Record>>,
    thread: OnceLock<Thread>,
    /// The thread waits for a first record. Whoever takes the flag down wakes it, so a burst costs one wake-up.
    idle: AtomicBool,
    /// How many records wait, counted before they do. At half the queue the thread is woken, whatever its window.
    waiting: AtomicUsize,
    half: usize,
    commands: Sender<Command>,
    /// Somebody left a command for the thread.
    pub(super) commanded: AtomicBool,
    pub(super) written: AtomicU64,
    pub(super) dropped: AtomicU64,
    fault: Mutex<Option<String>>,
}

impl Queue {
    pub(super) fn bounded(length: usize, commands: Sender<Command>) -> (Arc<Queue>, Receiver<Box<Record>>) {
        let (sender, receiver) = sync_channel(length);
        let queue = Queue {
            sender,
            thread: OnceLock::new(),
            idle: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            half: (length / 2).max(1),
            commands,
            commanded: AtomicBool::new(false),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            fault: Mutex::new(None),
        };
        (Arc::new(queue), receiver)
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            fault: self.fault(),
        }
    }

    fn push(&self, record: Record) {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        if self.sender.try_send(Box::new(record)).is_err() {
            self.taken(1);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Pairs with the fence in `declare_idle`: either this load sees the flag, or the thread, which looks into the
        // queue once more after raising it, sees the record. So no record waits for the next one.
        fence(Ordering::SeqCst);
        let first = self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::AcqRel);
        if first || waiting == self.half {
            self.wake();
        }
    }

    /// So many have left the queue.
    pub(super) fn taken(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.half
    }

    pub(super) fn declare_idle(&self) {
        self.idle.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    pub(super) fn declare_awake(&self) {
        self.idle.store(false, Ordering::Release);
    }

    pub(super) fn command(&self, command: Command) {
        // A thread that has ended drops the reply unsent, which the caller notices.
        let _ = self.commands.send(command);
        self.commanded.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn woken_by(&self, thread: Thread) {
        // Set once, by the store, before any sink exists.
        let _ = self.thread.set(thread);
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_fault(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}
