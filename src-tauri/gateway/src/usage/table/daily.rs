//! Table `daily`: what each day came to, by model, endpoint and client.
//!
//! Written in the transaction that writes the requests, so the two agree, and never pruned: a year is some hundred rows.
//! It names the model that answered, not the one asked for, because any client can make up names without end.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::request::{NAME, microseconds};
use crate::timestamp::milliseconds;
use crate::usage::{Record, clip};

// A key column without a value is '': NULL would be unequal to itself, and each upsert would make a row of its own.
pub(super) const CREATE: &str = "
    CREATE TABLE daily (
        day              INTEGER NOT NULL,
        model            TEXT NOT NULL,
        endpoint         TEXT NOT NULL,
        client           TEXT NOT NULL,
        local            INTEGER NOT NULL,
        requests         INTEGER NOT NULL,
        errors           INTEGER NOT NULL,
        input_tokens     INTEGER NOT NULL,
        output_tokens    INTEGER NOT NULL,
        cached_tokens    INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        first_bytes      INTEGER NOT NULL,
        first_byte_us    INTEGER NOT NULL,
        total_us         INTEGER NOT NULL,
        PRIMARY KEY (day, model, endpoint, client, local)
    ) STRICT, WITHOUT ROWID";

/// What is paid for where it is no tokens.
pub(super) const UNITS: &str = "ALTER TABLE daily ADD COLUMN units INTEGER NOT NULL DEFAULT 0";

/// One row: a day's sums for one model at one endpoint and one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Daily {
    /// The day in the user's own time zone, `2026-07-31`.
    pub day: String,
    /// The model that answered; none if nothing did.
    pub model: Option<String>,
    /// The endpoint that answered, or that failed last.
    pub endpoint: Option<String>,
    /// The client key's name.
    pub client: Option<String>,
    /// Whether the endpoint is on this machine.
    pub local: bool,
    /// The sums.
    #[serde(flatten)]
    pub sums: Sums,
}

/// What can be added up. The durations are sums too: divide `first_byte_us` by `first_bytes`, `total_us` by `requests`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many requests.
    pub requests: i64,
    /// How many of them went wrong.
    pub errors: i64,
    /// Tokens of the prompts.
    pub input_tokens: i64,
    /// Tokens of the answers.
    pub output_tokens: i64,
    /// Prompt tokens read from a cache.
    pub cached_tokens: i64,
    /// Answer tokens that were reasoning.
    pub reasoning_tokens: i64,
    /// Searches, pictures or seconds of sound.
    pub units: i64,
    /// How many requests had a first byte.
    pub first_bytes: i64,
    /// Their times to it, added up, in microseconds.
    pub first_byte_us: i64,
    /// All times from arrival to end, added up, in microseconds.
    pub total_us: i64,
}

impl Sums {
    fn add(&mut self, record: &Record) {
        let tokens = |count: Option<u32>| i64::from(count.unwrap_or(0));
        self.requests += 1;
        self.errors += i64::from(record.outcome.is_error());
        self.input_tokens += tokens(record.input_tokens);
        self.output_tokens += tokens(record.output_tokens);
        self.cached_tokens += tokens(record.cached_tokens);
        self.reasoning_tokens += tokens(record.reasoning_tokens);
        self.units += tokens(record.units);
        self.first_bytes += i64::from(record.first_byte.is_some());
        self.first_byte_us = self.first_byte_us.saturating_add(record.first_byte.map_or(0, microseconds));
        self.total_us = self.total_us.saturating_add(microseconds(record.total));
    }
}

/// A batch's sums. Most batches know few models and clients, so a batch costs a few upserts, whatever its length.
#[derive(Default)]
pub(in crate::usage) struct Tally<'a> {
    sums: BTreeMap<(i64, &'a str, &'a str, &'a str, bool), Sums>,
}

impl<'a> Tally<'a> {
    pub(in crate::usage) fn add(&mut self, day: i64, record: &'a Record) {
        let name = |name: &'a Option<Arc<str>>| clip(name.as_deref().unwrap_or_default(), NAME);
        let key = (day, name(&record.model), name(&record.endpoint), name(&record.client), record.local);
        self.sums.entry(key).or_default().add(record);
    }

    pub(in crate::usage) fn upsert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO daily VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO UPDATE SET
                 requests = requests + excluded.requests,
                 errors = errors + excluded.errors,
                 input_tokens = input_tokens + excluded.input_tokens,
                 output_tokens = output_tokens + excluded.output_tokens,
                 cached_tokens = cached_tokens + excluded.cached_tokens,
                 reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
                 first_bytes = first_bytes + excluded.first_bytes,
                 first_byte_us = first_byte_us + excluded.first_byte_us,
                 total_us = total_us + excluded.total_us,
                 units = units + excluded.units",
        )?;
        for ((day, model, endpoint, client, local), sums) in &self.sums {
            upsert.execute(params![
                day,
                model,
                endpoint,
                client,
                local,
                sums.requests,
                sums.errors,
                sums.input_tokens,
                sums.output_tokens,
                sums.cached_tokens,
                sums.reasoning_tokens,
                sums.first_bytes,
                sums.first_byte_us,
                sums.total_us,
                sums.units,
            ])?;
        }
        Ok(())
    }
}

/// Turns times into days of the user's own time zone, numbered from 1970-01-01.
#[derive(Debug, Default)]
pub(in crate::usage) struct Calendar {
    /// The quarter of an hour that was asked about last, and its offset from UTC in seconds. Time zones change their
    /// offset at such marks only, so SQLite need not be asked for each request.
    known: Option<(i64, i64)>,
}

impl Calendar {
    pub(in crate::usage) fn day(&mut self, connection: &Connection, time: SystemTime) -> rusqlite::Result<i64> {
        let seconds = milliseconds(time).div_euclid(1000);
        let quarter = seconds.div_euclid(15 * 60);
        let offset = match self.known {
            Some((known, offset)) if known == quarter => offset,
            Some(_) | None => {
                let mut query = connection.prepare_cached("SELECT unixepoch(?1, 'unixepoch', 'localtime') - ?1")?;
                // NULL: a time that SQLite's calendar does not reach.
                let offset: Option<i64> = query.query_row([seconds], |row| row.get(0))?;
                let offset = offset.unwrap_or(0);
                self.known = Some((quarter, offset));
                offset
            }
        };
        Ok((seconds + offset).div_euclid(24 * 60 * 60))
    }
}

/// The last `days` days up to `now`, newest first.
pub(in crate::usage) fn totals(connection: &Connection, days: u32, now: SystemTime) -> rusqlite::Result<Vec<Daily>> {
    let today = Calendar::default().day(connection, now)?;
    let mut query = connection.prepare_cached(
        "SELECT *, date(day * 86400, 'unixepoch') AS name FROM daily WHERE day > ?1
         ORDER BY day DESC, requests DESC, model, endpoint, client, local",
    )?;
    let rows = query.query_map([today - i64::from(days)], read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Daily> {
    let named = |column: &str| row.get(column).map(|name: String| (!name.is_empty()).then_some(name));
    Ok(Daily {
        day: row.get::<_, Option<String>>("name")?.unwrap_or_default(),
        model: named("model")?,
        endpoint: named("endpoint")?,
        client: named("client")?,
        local: row.get("local")?,
        sums: Sums {
            requests: row.get("requests")?,
            errors: row.get("errors")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cached_tokens: row.get("cached_tokens")?,
            reasoning_tokens: row.get("reasoning_tokens")?,
            units: row.get("units")?,
            first_bytes: row.get("first_bytes")?,
            first_byte_us: row.get("first_byte_us")?,
            total_us: row.get("total_us")?,
        },
    })
}
