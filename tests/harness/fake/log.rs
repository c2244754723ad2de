//! What a scripted upstream saw.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use crate::harness::within;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Its method.
    pub(crate) method: String,
    /// Its path and query, as sent.
    pub(crate) target: String,
    /// Its headers, in order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body, without chunk marks.
    pub(crate) body: Bytes,
}

impl Recorded {
    /// Its path without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether it has a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// Its body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Everything as text, to search in.
    pub(crate) fn text(&self) -> String {
        format!("{} {}\n{:?}\n{}", self.method, self.target, self.headers, String::from_utf8_lossy(&self.body))
    }
}

/// What happened so far.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) requests: Vec<Recorded>,
    pub(super) left: Vec<Instant>,
    pub(super) stalled: Option<u64>,
    pub(super) connections: usize,
}

/// What happened so far, and those who wait for more.
#[derive(Default)]
pub(crate) struct Log {
    entries: watch::Sender<Entries>,
    pub(super) sent: AtomicU64,
}

impl Log {
    pub(super) fn read<T>(&self, read: impl FnOnce(&Entries) -> T) -> T {
        read(&self.entries.borrow())
    }

    pub(super) async fn wait<T>(&self, what: &str, wanted: impl Fn(&Entries) -> Option<T>) -> T {
        let mut entries = self.entries.subscribe();
        let found = within(what, entries.wait_for(|entries| wanted(entries).is_some())).await.expect("the log");
        wanted(&found).expect("what was found")
    }

    pub(super) fn connected(&self) {
        self.entries.send_modify(|entries| entries.connections += 1);
    }

    pub(super) fn requested(&self, request: Recorded) {
        self.entries.send_modify(|entries| entries.requests.push(request));
    }

    pub(super) fn left(&self) {
        self.entries.send_modify(|entries| entries.left.push(Instant::now()));
    }

    pub(super) fn stalled(&self, sent: u64) {
        self.entries.send_modify(|entries| entries.stalled = Some(sent));
    }
}
