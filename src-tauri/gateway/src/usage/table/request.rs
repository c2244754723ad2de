//! Table `request`: one row per request, newest last.
//!
//! It has no index but its key: rows arrive in order, reads want the newest, and each index would cost every request.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::{
    Connection, Row, Statement, ToSql, named_params, params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Deserialize, Serialize};

use crate::timestamp::milliseconds;
use crate::usage::live::Seen;
use crate::usage::story::Story;
use crate::usage::{Outcome, Record, clip};

pub(super) const CREATE: &str = "
    CREATE TABLE request (
        id               INTEGER PRIMARY KEY,
        started_ms       INTEGER NOT NULL,
        client           TEXT,
        tool             TEXT,
        surface          TEXT NOT NULL,
        operation        TEXT NOT NULL,
        asked            TEXT NOT NULL,
        endpoint         TEXT,
        model            TEXT,
        local            INTEGER NOT NULL,
        stream           INTEGER NOT NULL,
        input_tokens     INTEGER,
        output_tokens    INTEGER,
        cached_tokens    INTEGER,
        reasoning_tokens INTEGER,
        first_byte_us    INTEGER,
        total_us         INTEGER NOT NULL,
        status           INTEGER NOT NULL,
        outcome          TEXT NOT NULL,
        attempts         INTEGER NOT NULL,
        error            TEXT,
        chunks           INTEGER NOT NULL
    ) STRICT";

/// What happened before the answer, as JSON; null for most.
pub(super) const STORY: &str = "ALTER TABLE request ADD COLUMN story TEXT";

/// What is paid for where it is no tokens; null for most.
pub(super) const UNITS: &str = "ALTER TABLE request ADD COLUMN units INTEGER";

/// The most characters kept of a name, whoever made it up: a model name comes from the client, unread.
pub(super) const NAME: usize = 200;
/// The most characters kept of an error.
const ERROR: usize = 500;
/// The most rows that are looked at to see who asked when: who did before those is long gone.
const LOOKED_AT: u32 = 100_000;
/// The most rows given at once.
const PAGE: u32 = 1000;

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Request {
    /// Ascending in the order of the requests' ends; the cursor for the next page.
    pub id: i64,
    /// Arrival, milliseconds since 1970 UTC.
    pub started_ms: i64,
    /// The client key's name.
    pub client: Option<String>,
    /// What the tool calls itself.
    pub tool: Option<String>,
    /// The protocol that the client spoke.
    pub surface: String,
    /// What was asked for.
    pub operation: String,
    /// The model name that was asked for.
    pub asked: String,
    /// The endpoint that answered, or that failed last.
    pub endpoint: Option<String>,
    /// The model at that endpoint.
    pub model: Option<String>,
    /// Whether the endpoint is on this machine.
    pub local: bool,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Tokens of the prompt.
    pub input_tokens: Option<u32>,
    /// Tokens of the answer.
    pub output_tokens: Option<u32>,
    /// Prompt tokens read from a cache.
    pub cached_tokens: Option<u32>,
    /// Answer tokens that were reasoning.
    pub reasoning_tokens: Option<u32>,
    /// Searches, pictures or seconds of sound, where the answer told them.
    pub units: Option<u32>,
    /// From arrival to the first byte, microseconds.
    pub first_byte_us: Option<i64>,
    /// From arrival to the end, microseconds.
    pub total_us: i64,
    /// The HTTP status that the client got.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// How many targets were tried.
    pub attempts: u8,
    /// What went wrong.
    pub error: Option<String>,
    /// How many frames went to the client.
    pub chunks: u32,
    /// What happened before the answer, where there is something to tell.
    pub story: Option<Story>,
    /// Whether what was asked and said was kept.
    pub texts: bool,
}

/// Which rows to read; an empty filter means all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Of this client key.
    pub client: Option<String>,
    /// Of this tool.
    pub tool: Option<String>,
    /// From this endpoint.
    pub endpoint: Option<String>,
    /// Answered by this model, or asked for under this name.
    pub model: Option<String>,
    /// Only what went wrong.
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub errors: bool,
}

pub(in crate::usage) fn insertion(connection: &Connection) -> rusqlite::Result<rusqlite::CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO request (started_ms, client, tool, surface, operation, asked, endpoint, model, local, stream,
             input_tokens, output_tokens, cached_tokens, reasoning_tokens, first_byte_us, total_us, status, outcome,
             attempts, error, chunks, story, units)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23)",
    )
}

/// Returns the row's id.
pub(in crate::usage) fn insert(insertion: &mut Statement<'_>, record: &Record) -> rusqlite::Result<i64> {
    insertion.insert(params![
        milliseconds(record.started),
        record.client.as_deref().map(|text| clip(text, NAME)),
        record.tool.as_deref().map(|text| clip(text, NAME)),
        record.surface,
        record.operation,
        clip(&record.asked, NAME),
        record.endpoint.as_deref().map(|text| clip(text, NAME)),
        record.model.as_deref().map(|text| clip(text, NAME)),
        record.local,
        record.stream,
        record.input_tokens,
        record.output_tokens,
        record.cached_tokens,
        record.reasoning_tokens,
        record.first_byte.map(microseconds),
        microseconds(record.total),
        record.status,
        record.outcome,
        record.attempts,
        record.error.as_deref().map(|text| clip(text, ERROR)),
        record.chunks,
        Story::of(&record.missed, &record.dropped),
        record.units,
    ])
}

/// The newest rows first; `before` is the last id of the page before.
pub(in crate::usage) fn recent(
    connection: &Connection,
    limit: u32,
    before: Option<i64>,
    filter: &Filter,
) -> rusqlite::Result<Vec<Request>> {
    let mut query = connection.prepare_cached(
        "SELECT *, EXISTS (SELECT 1 FROM body WHERE body.request = request.id) AS texts FROM request
         WHERE id < :before
             AND (:client IS NULL OR client = :client)
             AND (:tool IS NULL OR tool = :tool)
             AND (:endpoint IS NULL OR endpoint = :endpoint)
             AND (:model IS NULL OR model = :model OR asked = :model)
             AND (NOT :errors OR outcome IN ('upstream_died', 'refused', 'failed'))
         ORDER BY id DESC
         LIMIT :limit",
    )?;
    let rows = query.query_map(
        named_params! {
            ":before": before.unwrap_or(i64::MAX),
            ":client": filter.client,
            ":tool": filter.tool,
            ":endpoint": filter.endpoint,
            ":model": filter.model,
            ":errors": filter.errors,
            ":limit": limit.min(PAGE),
        },
        read,
    )?;
    rows.collect()
}

/// When each client and each tool asked last.
pub(in crate::usage) fn seen(connection: &Connection) -> rusqlite::Result<Seen> {
    let mut query = connection.prepare(
        "SELECT client, tool, max(started_ms) FROM (SELECT * FROM request ORDER BY id DESC LIMIT ?1)
         GROUP BY client, tool",
    )?;
    let mut rows = query.query([LOOKED_AT])?;
    let mut seen = Seen::default();
    while let Some(row) = rows.next()? {
        let when = row.get(2)?;
        seen.note(row.get::<_, Option<Arc<str>>>(0)?.as_ref(), row.get::<_, Option<Arc<str>>>(1)?.as_ref(), when);
    }
    Ok(seen)
}

/// Deletes, among the oldest `most` rows, those that started before `cutoff` and those beyond the newest `keep`.
///
/// It looks at the oldest ids only. A row whose clock was wrong may so stay a while longer, and no scan is needed.
pub(in crate::usage) fn prune(
    connection: &Connection,
    cutoff: SystemTime,
    keep: u32,
    most: u32,
) -> rusqlite::Result<usize> {
    let mut deletion = connection.prepare_cached(
        "DELETE FROM request
         WHERE id IN (SELECT id FROM request ORDER BY id LIMIT :most)
             AND (started_ms < :cutoff OR id <= (SELECT max(id) FROM request) - :keep)",
    )?;
    deletion.execute(named_params! { ":most": most, ":cutoff": milliseconds(cutoff), ":keep": keep })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Request> {
    Ok(Request {
        id: row.get("id")?,
        started_ms: row.get("started_ms")?,
        client: row.get("client")?,
        tool: row.get("tool")?,
        surface: row.get("surface")?,
        operation: row.get("operation")?,
        asked: row.get("asked")?,
        endpoint: row.get("endpoint")?,
        model: row.get("model")?,
        local: row.get("local")?,
        stream: row.get("stream")?,
        input_tokens: row.get("input_tokens")?,
        output_tokens: row.get("output_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        reasoning_tokens: row.get("reasoning_tokens")?,
        units: row.get("units")?,
        first_byte_us: row.get("first_byte_us")?,
        total_us: row.get("total_us")?,
        status: row.get("status")?,
        outcome: row.get("outcome")?,
        attempts: row.get("attempts")?,
        error: row.get("error")?,
        chunks: row.get("chunks")?,
        story: row.get("story")?,
        texts: row.get("texts")?,
    })
}

pub(super) fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl ToSql for Outcome {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl ToSql for Story {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text =
            serde_json::to_string(self).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl FromSql for Story {
    /// One that cannot be read tells nothing: the row is still worth showing.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Story> {
        Ok(serde_json::from_str(value.as_str()?).unwrap_or_default())
    }
}

impl FromSql for Outcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Outcome> {
        let name = value.as_str()?;
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name).ok_or(FromSqlError::InvalidType)
    }
}
