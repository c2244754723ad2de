//! What is being answered now: a slot a request, taken when its recorder is made and left when that is dropped.
//!
//! The request path writes into its own slot and never waits: no lock here is held for longer than a few words are
//! copied. Whoever watches reads; whoever cancels leaves a mark in the slot, and the answer looks at it as it goes on.
//! Who asked last stands here too, since nobody else hears of each request. Nothing of this is kept on disk.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use super::Record;
use crate::timestamp::milliseconds;

/// The most names that are remembered of each kind: any program can call itself anything.
const MOST_NAMES: usize = 1_000;

/// Every request that is being answered. Clones share one table.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    next: AtomicU64,
    slots: Mutex<BTreeMap<u64, Arc<Slot>>>,
    seen: Mutex<Seen>,
    /// Told when there is a first request and when there is none left.
    stirred: Notify,
}

/// Who asked when, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By the client key's name.
    pub clients: HashMap<Arc<str>, i64>,
    /// By what the tool calls itself.
    pub tools: HashMap<Arc<str>, i64>,
}

impl Seen {
    /// A client and a tool asked.
    pub(super) fn note(&mut self, client: Option<&Arc<str>>, tool: Option<&Arc<str>>, when: i64) {
        for (names, name) in [(&mut self.clients, client), (&mut self.tools, tool)] {
            if let Some(name) = name {
                Seen::keep(names, name, when);
            }
        }
    }

    fn keep(names: &mut HashMap<Arc<str>, i64>, name: &Arc<str>, when: i64) {
        if let Some(last) = names.get_mut(&**name) {
            *last = when.max(*last);
        } else if names.len() < MOST_NAMES {
            names.insert(Arc::clone(name), when);
        }
    }
}

/// One request's place.
#[derive(Debug)]
pub(super) struct Slot {
    id: u64,
    record: Mutex<Record>,
    /// Beside the record: it grows with each piece of an answer.
    chunks: AtomicU32,
    cancelled: AtomicBool,
    waiting: AtomicWaker,
}

/// A request as it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Good for [`Live::cancel`].
    pub id: u64,
    /// What is known of it so far.
    pub record: Record,
}

impl Live {
    /// How many there are.
    pub fn count(&self) -> u32 {
        self.slots().len().try_into().unwrap_or(u32::MAX)
    }

    /// Waits until there may be a first one, or none left. Several changes meanwhile are told as one.
    pub async fn stirred(&self) {
        self.0.stirred.notified().await;
    }

    /// All of them, oldest first.
    pub fn rows(&self) -> Vec<Row> {
        // What takes long is done after the table is free again.
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        let row = |slot: &Arc<Slot>| Row { id: slot.id, record: slot.as_it_stands() };
        slots.iter().map(row).collect()
    }

    /// Gives one up. Whether it was still being answered is returned.
    pub fn cancel(&self, id: u64) -> bool {
        let Some(slot) = self.slots().get(&id).cloned() else { return false };
        slot.cancelled.store(true, Ordering::Release);
        slot.waiting.wake();
        true
    }

    /// Who asked when.
    pub fn seen(&self) -> Seen {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What earlier runs know of who asked when.
    pub fn remember(&self, earlier: &Seen) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, when) in &earlier.clients {
            Seen::keep(&mut seen.clients, name, *when);
        }
        for (name, when) in &earlier.tools {
            Seen::keep(&mut seen.tools, name, *when);
        }
    }

    pub(super) fn enter(&self, record: Record) -> Arc<Slot> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Slot {
            id,
            record: Mutex::new(record),
            chunks: AtomicU32::new(0),
            cancelled: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
        });
        let mut slots = self.slots();
        slots.insert(id, Arc::clone(&slot));
        if slots.len() == 1 {
            self.0.stirred.notify_one();
        }
        drop(slots);
        slot
    }

    pub(super) fn leave(&self, slot: &Slot) {
        let mut slots = self.slots();
        slots.remove(&slot.id);
        if slots.is_empty() {
            self.0.stirred.notify_one();
        }
    }

    pub(super) fn note(&self, record: &Record) {
        let when = milliseconds(record.started);
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.note(record.client.as_ref(), record.tool.as_ref(), when);
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Slot>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// What is known of the request.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as it is told.
    pub(super) fn as_it_stands(&self) -> Record {
        Record { chunks: self.chunks.load(Ordering::Relaxed), ..self.record().clone() }
    }

    /// So many pieces of the answer passed.
    pub(super) fn passed(&self, chunks: u32) {
        self.chunks.store(chunks, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ready once it is given up; else whoever polls is woken when it is.
    pub(super) fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.is_cancelled() {
            self.waiting.register(cx.waker());
        }
        // Once more: the mark may have been left before the waker was.
        if self.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Ends when a request is given up.
#[derive(Debug)]
pub struct Cancelled(pub(super) Arc<Slot>);

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_cancelled(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;
    use crate::protocol::{Operation, Protocol};
    use crate::usage::recorder::Recorder;
    use crate::usage::{Outcome, Sink};

    fn recorder(live: &Live, asked: &str) -> Recorder {
        Recorder::new(Sink::none(), live.clone(), Protocol::OpenAiChat, Operation::Chat, asked.into())
    }

    fn asked(live: &Live) -> Vec<String> {
        live.rows().iter().map(|row| row.record.asked.to_string()).collect()
    }

    #[test]
    fn a_request_stands_there_until_its_recorder_is_dropped() {
        let live = Live::default();
        let (one, two) = (recorder(&live, "one"), recorder(&live, "two"));
        assert_eq!((asked(&live), live.count()), (vec!["one".to_owned(), "two".to_owned()], 2), "oldest first");
        drop(one);
        let three = recorder(&live, "three");
        assert_eq!(asked(&live), ["two", "three"]);
        drop((two, three));
        assert_eq!((live.rows().len(), live.count()), (0, 0));
    }

    #[tokio::test]
    async fn who_waits_is_woken_and_who_asks_later_knows() {
        let live = Live::default();
        let (one, two) = (recorder(&live, "one"), recorder(&live, "two"));
        let id = live.rows()[0].id;
        let waiting = tokio::spawn(one.cancelled());
        tokio::task::yield_now().await;
        assert!(live.cancel(id));
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("woken").unwrap();
        one.cancelled().await;
        assert!(one.is_cancelled() && !two.is_cancelled(), "only the one that was named");
        drop(one);
        assert!(!live.cancel(id), "it has ended");
    }

    #[test]
    fn names_are_remembered_with_their_latest_time_and_not_without_end() {
        let live = Live::default();
        let seen = |names: &[(&str, i64)]| Seen {
            clients: names.iter().map(|(name, when)| (Arc::from(*name), *when)).collect(),
            tools: HashMap::new(),
        };
        live.remember(&seen(&[("editor", 5), ("shell", 7)]));
        live.remember(&seen(&[("editor", 3), ("shell", 9)]));
        assert_eq!(live.seen(), seen(&[("editor", 5), ("shell", 9)]), "an earlier run knows nothing newer");
        for number in 0..2 * MOST_NAMES {
            recorder(&live, "m").client(Some("editor".into()), Some(&format!("tool-{number}/1")));
        }
        let now = milliseconds(SystemTime::now());
        let seen = live.seen();
        assert_eq!(seen.tools.len(), MOST_NAMES);
        assert!(seen.clients["editor"] > now - 60_000, "what is known stays up to date");
    }

    /// `cargo test --release --lib -- --ignored --nocapture a_slot_takes`
    #[test]
    #[ignore = "a measurement"]
    fn a_slot_takes() {
        const TIMES: u32 = 1_000_000;
        let live = Live::default();
        let others: Vec<Recorder> = (0..500).map(|_| recorder(&live, "other")).collect();
        let record = live.rows()[0].record.clone();
        let timed = |what: &str, each: &dyn Fn()| {
            let start = Instant::now();
            (0..TIMES).for_each(|_| each());
            println!("{what}: {} ns", start.elapsed().as_nanos() / u128::from(TIMES));
        };
        timed("a record alone", &|| drop(std::hint::black_box(record.clone())));
        timed("entering and leaving beside 500 others", &|| live.leave(&live.enter(record.clone())));
        timed("noting who asks", &|| live.note(std::hint::black_box(&record)));
        timed("a whole row", &|| {
            let mut row = recorder(&live, "m");
            row.client(Some("editor".into()), Some("editor/1.2"));
            row.ended(Outcome::Complete, Some(200), None);
        });
        drop(others);
    }
}
