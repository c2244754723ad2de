//! The way in: what the request path holds, and the store as its owner sees it.
//!
//! Keeping never waits. Reading waits for all that was to be kept before it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::worker::Worker;
use super::{Items, Kept, Link, Lost, Owner, Past};
use crate::settings::Settings;

/// The most bytes that wait to be written; what comes beyond is not kept.
const MOST_WAITING: usize = 128 << 20;

/// What the thread is told.
pub(super) enum Order {
    Keep(Box<Kept>),
    /// A conversation of at most so many bytes.
    Past(Owner, String, usize, oneshot::Sender<Result<Past, Lost>>),
    /// One answer.
    One(Owner, String, oneshot::Sender<Result<Link, Lost>>),
    /// The items of these ids that there are, of at most so many bytes.
    Items(Owner, Vec<String>, usize, oneshot::Sender<Result<Items, Lost>>),
    /// Deletes an answer; says whether it was there.
    Forget(Owner, String, oneshot::Sender<Result<(), Lost>>),
    /// The settings have changed.
    Settle,
    Close,
}

/// Where answers are kept. Clones share one.
#[derive(Clone)]
pub struct Shelf {
    orders: Sender<Order>,
    waiting: Arc<AtomicUsize>,
}

/// The running thread.
pub struct Store {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

impl Store {
    /// Starts the thread on a file, which is made when the first answer is kept.
    pub fn start(path: PathBuf, settings: watch::Receiver<Arc<Settings>>) -> std::io::Result<(Shelf, Store)> {
        let (orders, inbox) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let worker = Worker::new(path, settings, inbox, Arc::clone(&waiting));
        let thread = thread::Builder::new().name("recall".into()).spawn(|| worker.run())?;
        Ok((Shelf { orders: orders.clone(), waiting }, Store { orders, thread }))
    }

    /// Writes what is left and ends the thread.
    pub fn close(self) {
        let _ = self.orders.send(Order::Close);
        if self.thread.join().is_err() {
            tracing::error!("the thread that keeps responses met a fault");
        }
    }
}

impl Shelf {
    /// Keeps an answer, and never waits.
    pub fn keep(&self, kept: Kept) {
        let size = kept.size();
        if self.waiting.fetch_add(size, Ordering::Relaxed) > MOST_WAITING {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            tracing::warn!("a response is not kept: they come faster than the disk takes them");
            return;
        }
        // A thread that has ended keeps nothing; it said why.
        let _ = self.orders.send(Order::Keep(Box::new(kept)));
    }

    /// The conversation up to an answer, of at most `most` bytes.
    pub async fn past(&self, owner: &Owner, id: &str, most: usize) -> Result<Past, Lost> {
        self.ask(|reply| Order::Past(Arc::clone(owner), id.to_owned(), most, reply)).await
    }

    /// One answer.
    pub async fn one(&self, owner: &Owner, id: &str) -> Result<Link, Lost> {
        self.ask(|reply| Order::One(Arc::clone(owner), id.to_owned(), reply)).await
    }

    /// Those items of these ids that there are, of at most `most` bytes together.
    pub async fn items(&self, owner: &Owner, ids: Vec<String>, most: usize) -> Result<Items, Lost> {
        self.ask(|reply| Order::Items(Arc::clone(owner), ids, most, reply)).await
    }

    /// Deletes an answer for good.
    pub async fn forget(&self, owner: &Owner, id: &str) -> Result<(), Lost> {
        self.ask(|reply| Order::Forget(Arc::clone(owner), id.to_owned(), reply)).await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T, Lost>>) -> Order) -> Result<T, Lost> {
        let (reply, answer) = oneshot::channel();
        let _ = self.orders.send(order(reply));
        answer.await.unwrap_or(Err(Lost::Unreadable))
    }

    /// Tells the thread of each change of the settings, until `stop`.
    pub async fn follow(self, mut settings: watch::Receiver<Arc<Settings>>, stop: CancellationToken) {
        let mut known = settings.borrow_and_update().responses;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = settings.changed() => if changed.is_err() { return },
            }
            let now = settings.borrow_and_update().responses;
            if std::mem::replace(&mut known, now) != now {
                let _ = self.orders.send(Order::Settle);
            }
        }
    }
}
