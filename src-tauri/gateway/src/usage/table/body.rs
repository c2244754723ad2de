//! Table `body`: what was asked and said in a request, where the user wanted that kept.
//!
//! One row for each such request, gone with it and at the latest after a day. Which bodies come here is `bodies`' business.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::timestamp::milliseconds;
use crate::usage::bodies::Bodies;

pub(super) const CREATE: &str = "
    CREATE TABLE body (
        request     INTEGER PRIMARY KEY,
        kept_ms     INTEGER NOT NULL,
        asked       BLOB NOT NULL,
        asked_bytes INTEGER NOT NULL,
        said        BLOB NOT NULL,
        said_bytes  INTEGER NOT NULL
    ) STRICT";

/// How long one is kept: with the hour between two looks it is a day at most.
const KEPT: Duration = Duration::from_secs(23 * 60 * 60);
/// The most that are kept: 128 MB, should a tool ask in a loop meanwhile.
const MOST: u32 = 1000;

/// What was asked and said, as far as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Texts {
    /// The beginning of what the tool sent.
    pub asked: String,
    /// How many bytes it had in all.
    pub asked_bytes: i64,
    /// The beginning of what the tool got.
    pub said: String,
    /// How many bytes it had in all.
    pub said_bytes: i64,
}

/// Keeps the bodies of a request, and lets go of the oldest where there are too many.
pub(in crate::usage) fn insert(connection: &Connection, request: i64, bodies: &Bodies) -> rusqlite::Result<()> {
    let (asked, said) = bodies.clean();
    connection
        .prepare_cached(
            "INSERT INTO body (request, kept_ms, asked, asked_bytes, said, said_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            request,
            milliseconds(SystemTime::now()),
            asked,
            bodies.asked_bytes,
            said,
            bodies.said_bytes
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM body WHERE request IN (SELECT request FROM body ORDER BY request DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([MOST])?;
    Ok(())
}

/// Those of one request, if they were kept.
pub(in crate::usage) fn of(connection: &Connection, request: i64) -> rusqlite::Result<Option<Texts>> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    connection
        .query_row("SELECT asked, asked_bytes, said, said_bytes FROM body WHERE request = ?1", [request], |row| {
            Ok(Texts {
                asked: text(row.get(0)?),
                asked_bytes: row.get(1)?,
                said: text(row.get(2)?),
                said_bytes: row.get(3)?,
            })
        })
        .optional()
}

/// Deletes those whose time is over, and those whose request is gone.
pub(in crate::usage) fn prune(connection: &Connection, now: SystemTime) -> rusqlite::Result<usize> {
    let cutoff = now.checked_sub(KEPT).unwrap_or(SystemTime::UNIX_EPOCH);
    // A clock that was set back must not keep one for longer: what comes from the future goes as well.
    connection
        .prepare_cached(
            "DELETE FROM body
             WHERE kept_ms < ?1 OR kept_ms > ?2 OR request NOT IN (SELECT id FROM request)",
        )?
        .execute([milliseconds(cutoff), milliseconds(now + KEPT)])
}

/// Deletes all of them.
pub(in crate::usage) fn clear(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM body", [])
}
