//! Models that are being fetched, or could not be: what is shown of them, a few times a second at most.
//!
//! A list of values behind a lock that is held for a moment; who fetches what is the runtimes' own business.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::control::{Pull, PullState};

/// Between two changes that are told.
const PACE: Duration = Duration::from_millis(250);
/// The most that run at once.
const MOST_RUNNING: usize = 16;
/// The most that are shown as failed; then the oldest is forgotten.
const MOST_FAILED: usize = 50;

/// All of them. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Pulls(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    list: Mutex<List>,
    news: Notify,
}

#[derive(Debug, Default)]
struct List {
    /// Numbers tickets, so that one that was given up says nothing of the next one of its name.
    last: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    pull: Pull,
    given_up: CancellationToken,
}

/// One that is under way, as whoever attends it holds it.
pub(super) struct Ticket {
    pulls: Pulls,
    number: u64,
    given_up: CancellationToken,
}

impl Pulls {
    /// None yet.
    pub fn new() -> Pulls {
        Pulls::default()
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Pull> {
        self.list().entries.iter().map(|entry| entry.pull.clone()).collect()
    }

    /// Counts changes into this number, a few times a second at most, until `stop`.
    pub async fn publish(self, changes: watch::Sender<u64>, stop: CancellationToken) {
        let told = async {
            loop {
                self.0.news.notified().await;
                changes.send_modify(|count| *count += 1);
                tokio::time::sleep(PACE).await;
            }
        };
        stop.run_until_cancelled(told).await;
    }

    /// Begins one; `None` where it is under way already.
    pub(super) fn begin(&self, endpoint: &str, name: &str) -> Result<Option<Ticket>, String> {
        let mut list = self.list();
        let running = |entry: &&Entry| matches!(entry.pull.state, PullState::Running { .. });
        if list.entries.iter().filter(running).any(|entry| entry.is(endpoint, name)) {
            return Ok(None);
        }
        if list.entries.iter().filter(running).count() >= MOST_RUNNING {
            return Err(format!("{MOST_RUNNING} models are being fetched already; wait for one of them"));
        }
        list.entries.retain(|entry| !entry.is(endpoint, name));
        list.last += 1;
        let number = list.last;
        let state = PullState::Running { says: String::new(), done: 0, total: None };
        let pull = Pull { endpoint: endpoint.to_owned(), name: name.to_owned(), state };
        let given_up = CancellationToken::new();
        list.entries.push(Entry { number, pull, given_up: given_up.clone() });
        drop(list);
        self.0.news.notify_one();
        Ok(Some(Ticket { pulls: self.clone(), number, given_up }))
    }

    /// Gives one up, or forgets one that failed; says whether it was under way.
    pub(super) fn cancel(&self, endpoint: &str, name: &str) -> Result<bool, String> {
        let mut list = self.list();
        let at = list.entries.iter().position(|entry| entry.is(endpoint, name));
        let at = at.ok_or_else(|| format!("{endpoint} fetches no `{name}`"))?;
        let entry = list.entries.remove(at);
        drop(list);
        entry.given_up.cancel();
        self.0.news.notify_one();
        Ok(matches!(entry.pull.state, PullState::Running { .. }))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut List)) {
        change(&mut self.list());
        self.0.news.notify_one();
    }
}

impl Entry {
    fn is(&self, endpoint: &str, name: &str) -> bool {
        self.pull.endpoint == endpoint && self.pull.name == name
    }
}

impl Ticket {
    /// Cancelled when nobody wants it any more.
    pub(super) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// How far it is.
    pub(super) fn tell(&self, says: &str, done: u64, total: Option<u64>) {
        self.set(PullState::Running { says: says.to_owned(), done, total });
    }

    /// It is whole.
    pub(super) fn done(self) {
        self.pulls.change(|list| list.entries.retain(|entry| entry.number != self.number));
    }

    /// It could not be done.
    pub(super) fn failed(self, message: String) {
        self.set(PullState::Failed { message });
        let mut list = self.pulls.list();
        let failed = |entry: &Entry| matches!(entry.pull.state, PullState::Failed { .. });
        if list.entries.iter().filter(|entry| failed(entry)).count() > MOST_FAILED
            && let Some(oldest) = list.entries.iter().position(failed)
        {
            list.entries.remove(oldest);
        }
    }

    fn set(&self, state: PullState) {
        self.pulls.change(|list| {
            if let Some(entry) = list.entries.iter_mut().find(|entry| entry.number == self.number) {
                entry.pull.state = state;
            }
        });
    }
}
