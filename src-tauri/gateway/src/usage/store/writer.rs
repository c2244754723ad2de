//! The thread that writes: takes what the sinks left, batch by batch, and keeps it.
//!
//! Whatever the disk does, the gateway does not notice: a database that is locked, full or damaged is waited for, tried
//! again or put aside, and meanwhile the queue drops what it cannot hold. How rows look is the tables' business.

use std::{
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{Command, Limits};
use crate::usage::{
    Record,
    database::{Database, Error, Place, move_aside},
    sink::Queue,
};

/// How long the first record of a batch waits for company: what is shown may be this old, and it is the most that a
/// crash costs. A batch costs as much as some fifty rows, so at a thousand requests a second most of that is saved.
const WINDOW: Duration = Duration::from_millis(100);
/// The most rows of one transaction, and of one deletion.
pub(super) const BATCH: usize = 500;
/// How often old rows are looked for.
const PRUNE: Duration = Duration::from_secs(60 * 60);
/// Between two deletions of a long series, so that writing goes on.
const PRUNE_PAUSE: Duration = Duration::from_millis(20);
/// The first and the longest pause after a failure.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How often lost records are told in the log.
const TELL: Duration = Duration::from_secs(60);

/// The thread's own state.
pub(super) struct Writer {
    place: Place,
    limits: Limits,
    queue: Arc<Queue>,
    records: Receiver<Box<Record>>,
    commands: Receiver<Command>,
    /// None until it is open, and after a failure.
    database: Option<Database>,
    /// Taken from the queue and not yet written.
    #[expect(clippy::vec_box, reason = "they come boxed, and unpacking them would copy each")]
    batch: Vec<Box<Record>>,
    /// How many records the last round wrote.
    last: usize,
    written_since_prune: u64,
    prune_at: Instant,
    /// The last deletion found something, so there may be more.
    pruning: bool,
    /// After a failure: when to try again, and the pause that led there.
    retry: Option<(Instant, Duration)>,
    told: (Option<Instant>, u64),
}

impl Writer {
    pub(super) fn new(
        place: Place,
        limits: Limits,
        queue: Arc<Queue>,
        records: Receiver<Box<Record>>,
        commands: Receiver<Command>,
    ) -> Writer {
        Writer {
            place,
            limits,
            queue,
            records,
            commands,
            database: None,
            batch: Vec::new(),
            last: 0,
            written_since_prune: 0,
            prune_at: Instant::now(),
            pruning: false,
            retry: None,
            told: (None, 0),
        }
    }

    pub(super) fn run(mut self) {
        loop {
            // Taken down before the commands are read: one that comes later raises it again.
            self.queue.commanded.swap(false, Ordering::AcqRel);
            let commands: Vec<Command> = self.commands.try_iter().collect();
            let stored = self.round(!commands.is_empty());
            if let Err(Error::Newer { .. }) = stored {
                return;
            }
            self.tell_dropped();
            let mut close = None;
            for command in commands {
                match command {
                    // Nobody may be left to hear it.
                    Command::Flush(reply) => _ = reply.send(stored.is_ok()),
                    Command::Forget(reply) => _ = reply.send(stored.is_ok() && self.forget_bodies()),
                    Command::Close(reply) => close = Some(reply),
                }
            }
            if let Some(reply) = close {
                self.end();
                _ = reply.send(stored.is_ok());
                return;
            }
            self.wait();
        }
    }

    /// Parks until there is something to do: a batch, old rows, a command, or another try.
    fn wait(&mut self) {
        if let Some((at, _)) = self.retry {
            self.park(at, |_| true);
            return;
        }
        // After a batch of several the next record is near: one timed nap instead of two wake-ups.
        if self.last < 2 && !self.wait_for_first() {
            return;
        }
        let window = Instant::now() + WINDOW;
        self.park(window, |queue| !queue.is_half_full());
    }

    /// Whether there is a record, rather than something else to do.
    fn wait_for_first(&mut self) -> bool {
        self.queue.declare_idle();
        match self.records.try_recv() {
            Ok(record) => {
                self.queue.taken(1);
                self.batch.push(record);
            }
            Err(_) => self.park(self.prune_at, Queue::is_idle),
        }
        let first = !self.batch.is_empty() || !self.queue.is_idle();
        self.queue.declare_awake();
        first
    }

    fn park(&self, until: Instant, on: impl Fn(&Queue) -> bool) {
        while on(&self.queue) && !self.queue.commanded.load(Ordering::Acquire) {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return;
            };
            thread::park_timeout(left);
        }
    }

    /// Works, and sees to what comes of it.
    fn round(&mut self, urgent: bool) -> Result<(), Error> {
        let mut result = self.work(urgent);
        if result.as_ref().is_err_and(Error::is_corrupt) {
            // Looked at again before it is judged: another gateway may have put the file aside already.
            self.database = None;
            result = self.work(urgent);
        }
        if let (Err(error), Place::File(path)) = (&result, &self.place)
            && error.is_corrupt()
        {
            self.database = None;
            result = match move_aside(path, SystemTime::now()) {
                Ok(aside) => {
                    let aside = aside.display();
                    tracing::error!(%error, %aside, "the usage database is damaged: moved aside, starting anew");
                    self.work(urgent)
                }
                Err(fault) => Err(fault),
            };
        }
        match &result {
            Ok(()) => {
                if self.retry.take().is_some() {
                    tracing::info!("usage is recorded again");
                    self.queue.set_fault(None);
                }
            }
            Err(error @ Error::Newer { .. }) => {
                tracing::warn!(%error, "usage is not recorded");
                self.queue.set_fault(Some(error.to_string()));
            }
            Err(error) => self.back_off(error),
        }
        result
    }

    /// Writes what is there and prunes if it is time; `urgent` if somebody waits for it.
    fn work(&mut self, urgent: bool) -> Result<(), Error> {
        self.write_all()?;
        self.prune(urgent)
    }

    fn write_all(&mut self) -> Result<(), Error> {
        self.last = 0;
        // All that was queued when the round began; what comes meanwhile waits for the next, or a flush might not end.
        let most = self.limits.queue + 1;
        while self.last < most {
            let had = self.batch.len();
            self.batch.extend(self.records.try_iter().take(BATCH.saturating_sub(had)));
            let count = self.batch.len();
            self.queue.taken(count - had);
            // Opened even for nothing, so that a reader finds its tables.
            let database = database(&mut self.database, &self.place, self.limits.patience)?;
            if count == 0 {
                break;
            }
            match database.write(&self.batch) {
                Ok(()) => {
                    self.queue.written.fetch_add(count as u64, Ordering::Relaxed);
                    self.written_since_prune += count as u64;
                }
                Err(error) if error.blames_rows() => {
                    tracing::error!(%error, count, "usage records that the table does not take are dropped");
                    self.queue.dropped.fetch_add(count as u64, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
            self.batch.clear();
            self.last += count;
            if count < BATCH {
                break;
            }
        }
        Ok(())
    }

    fn prune(&mut self, urgent: bool) -> Result<(), Error> {
        let many = self.written_since_prune > u64::from(self.limits.rows / 10);
        let due = many || Instant::now() >= self.prune_at || (urgent && self.pruning);
        if !due {
            return Ok(());
        }
        loop {
            let cutoff = SystemTime::now().checked_sub(self.limits.retention).unwrap_or(SystemTime::UNIX_EPOCH);
            let database = database(&mut self.database, &self.place, self.limits.patience)?;
            database.prune_bodies(SystemTime::now())?;
            self.pruning = database.prune(cutoff, self.limits.rows, BATCH as u32)? > 0;
            self.written_since_prune = 0;
            self.prune_at = Instant::now() + if self.pruning { PRUNE_PAUSE } else { PRUNE };
            if !(urgent && self.pruning) {
                return Ok(());
            }
        }
    }

    fn forget_bodies(&self) -> bool {
        let forgotten = self.database.as_ref().map(Database::forget_bodies);
        if let Some(Err(error)) = &forgotten {
            tracing::warn!(%error, "what was kept of requests could not be deleted");
        }
        forgotten.is_some_and(|forgotten| forgotten.is_ok())
    }

    fn back_off(&mut self, error: &Error) {
        // Closed, because what is wrong may be the connection: a file replaced behind its back, a disk unmounted.
        self.database = None;
        let [first, longest] = BACK_OFF;
        let pause = self.retry.map_or(first, |(_, pause)| (pause * 2).min(longest));
        self.retry = Some((Instant::now() + pause, pause));
        tracing::warn!(%error, "usage is not recorded; trying again in {} s", pause.as_secs());
        self.queue.set_fault(Some(error.to_string()));
    }

    fn tell_dropped(&mut self) {
        let dropped = self.queue.dropped.load(Ordering::Relaxed);
        let (at, told) = self.told;
        if dropped > told && at.is_none_or(|at| at.elapsed() >= TELL) {
            tracing::warn!(
                dropped = dropped - told,
                "usage records were lost, for they came faster than the disk took them"
            );
            self.told = (Some(Instant::now()), dropped);
        }
    }

    fn end(&mut self) {
        // Closing writes the log back into the file and removes it.
        self.database = None;
        let lost = self.batch.len() + self.records.try_iter().count();
        if lost > 0 {
            tracing::warn!(lost, "usage records were not written before the end");
            self.queue.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }
}

/// The open database, opened if need be. A function of the field alone, so that the batch can be lent beside it.
fn database<'a>(open: &'a mut Option<Database>, place: &Place, patience: Duration) -> Result<&'a mut Database, Error> {
    Ok(match open {
        Some(database) => database,
        None => open.insert(Database::open(place, patience)?),
    })
}
