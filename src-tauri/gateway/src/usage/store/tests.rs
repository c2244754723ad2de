//! Real files in temporary folders. What must have happened is waited for with `flush`, never with time.

mod bodies;
mod keeping;
mod load;
mod rows;
mod trouble;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{writer::BATCH, *};
use crate::usage::{
    Outcome, Record,
    database::move_aside,
    table::{VERSION, daily::Sums, request::Filter, request::Request},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A folder for one database, deleted at the end.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("pointsman").join("usage.db")
    }

    fn open(&self) -> (Sink, Store) {
        Store::open(&self.file(), YEAR).unwrap()
    }

    fn open_with(&self, change: impl Fn(&mut Limits)) -> (Sink, Store) {
        let mut limits = Limits { patience: Duration::from_millis(10), ..Limits::new(YEAR) };
        change(&mut limits);
        Store::start(super::Place::File(self.file()), limits).unwrap()
    }

    fn rows(&self) -> Vec<Request> {
        Reader::open(&self.file()).unwrap().recent(1000, None, &Filter::default()).unwrap()
    }

    fn count(&self) -> u64 {
        count(&Connection::open(self.file()).unwrap())
    }

    fn beside(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.file().parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn count(connection: &Connection) -> u64 {
    connection.query_row("SELECT count(*) FROM request", [], |row| row.get(0).map(i64::unsigned_abs)).unwrap()
}

fn summed(connection: &Connection) -> u64 {
    connection
        .query_row("SELECT coalesce(sum(requests), 0) FROM daily", [], |row| row.get(0).map(i64::unsigned_abs))
        .unwrap()
}

fn record() -> Record {
    Record {
        started: SystemTime::now(),
        client: Some("editor".into()),
        tool: Some("claude-cli/1.0".into()),
        surface: "anthropic",
        operation: "chat",
        asked: "default".into(),
        endpoint: Some("ollama".into()),
        model: Some("qwen3:8b".into()),
        local: true,
        stream: true,
        input_tokens: Some(1000),
        output_tokens: Some(200),
        cached_tokens: Some(900),
        reasoning_tokens: Some(50),
        units: Some(2),
        first_byte: Some(Duration::from_micros(1500)),
        total: Duration::from_micros(2_500_000),
        status: 200,
        outcome: Outcome::Complete,
        attempts: 1,
        error: None,
        chunks: 42,
        missed: Vec::new(),
        dropped: Vec::new(),
        bodies: None,
    }
}
