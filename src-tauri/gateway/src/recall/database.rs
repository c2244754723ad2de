//! The SQLite file: answers by number, what was said apart from them.
//!
//! What is deleted is overwritten (`secure_delete`), in the log too. Rows that say when an answer was last gone on from
//! are small and change often; texts are large and never change, so they stand in a table of their own.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::{Item, Items, Kept, Link, Lost, Past};
use crate::private::sqlite::{self, Error};
use crate::protocol::openai_responses::kept::items;

// A number is never given twice (AUTOINCREMENT), or a conversation could go on from another one's answer after its own
// was deleted.
const STEPS: &[M<'static>] = &[
    M::up(
        "CREATE TABLE response (
         number   INTEGER PRIMARY KEY AUTOINCREMENT,
         owner    TEXT NOT NULL,
         id       TEXT NOT NULL,
         previous INTEGER,
         endpoint TEXT NOT NULL,
         made_ms  INTEGER NOT NULL,
         used_ms  INTEGER NOT NULL,
         bytes    INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX response_by_id ON response (owner, id);
     CREATE INDEX response_by_use ON response (used_ms, number);
     CREATE TABLE said (
         number   INTEGER PRIMARY KEY,
         input    BLOB NOT NULL,
         response BLOB NOT NULL
     ) STRICT",
    ),
    M::up(
        // Answers that an older version kept are not in it.
        "CREATE TABLE item (
         id     TEXT NOT NULL,
         number INTEGER NOT NULL,
         PRIMARY KEY (id, number)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX item_by_number ON item (number)",
    ),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);
const VERSION: i64 = STEPS.len() as i64;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Nothing that was last gone on from before.
    pub(super) since: SystemTime,
    /// How many answers.
    pub(super) count: i64,
    /// How many bytes of them.
    pub(super) bytes: i64,
}

/// The one connection.
pub(super) struct Database {
    connection: Connection,
    /// Answers and their bytes, so that no bound costs a scan.
    count: i64,
    bytes: i64,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Database, Error> {
        let connection = sqlite::open(path, &MIGRATIONS, VERSION)?;
        let sums = "SELECT count(*), coalesce(sum(bytes), 0) FROM response";
        let (count, bytes) = connection.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Database { connection, count, bytes })
    }

    /// Keeps an answer, marks its conversation as used, and deletes what is beyond the bounds.
    pub(super) fn keep(&mut self, kept: &Kept, bounds: &Bounds) -> Result<(), Error> {
        let size = i64::try_from(kept.size()).unwrap_or(i64::MAX);
        if size > bounds.bytes {
            tracing::warn!(size, "a response is larger than all that may be kept (`responses.megabytes`)");
            return Ok(());
        }
        let at = milliseconds(kept.at);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached(
                "INSERT INTO response (owner, id, previous, endpoint, made_ms, used_ms, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            )?
            .execute(params![&*kept.owner, kept.id, kept.previous, &*kept.endpoint, at, size])?;
        let number = transaction.last_insert_rowid();
        transaction
            .prepare_cached("INSERT INTO said (number, input, response) VALUES (?1, ?2, ?3)")?
            .execute(params![number, &*kept.input, &*kept.response])?;
        for id in items::own(&kept.input, &kept.response) {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO item (id, number) VALUES (?1, ?2)")?
                .execute(params![id, number])?;
        }
        transaction
            .prepare_cached(
                "WITH RECURSIVE chain (number) AS (
                     SELECT ?1 UNION ALL
                     SELECT previous FROM response JOIN chain USING (number) WHERE previous IS NOT NULL)
                 UPDATE response SET used_ms = ?2 WHERE number IN chain",
            )?
            .execute(params![number, at])?;
        transaction.commit()?;
        (self.count, self.bytes) = (self.count + 1, self.bytes + size);
        self.prune(bounds)
    }

    /// The conversation up to an answer, read by one query.
    pub(super) fn past(&mut self, owner: &str, id: &str, most: usize) -> Result<Result<Past, Lost>, Error> {
        let mut query = self.connection.prepare_cached(
            "WITH RECURSIVE chain (number) AS (
                 SELECT max(number) FROM response WHERE owner = ?1 AND id = ?2 UNION ALL
                 SELECT previous FROM response JOIN chain USING (number) WHERE previous IS NOT NULL)
             SELECT endpoint, input, response, previous, number
             FROM chain JOIN response USING (number) JOIN said USING (number) ORDER BY number",
        )?;
        let mut rows = query.query(params![owner, id])?;
        let (mut links, mut number, mut size) = (Vec::new(), None, 0);
        while let Some(row) = rows.next()? {
            let previous: Option<i64> = row.get(3)?;
            // The first answer goes on from none, or what it went on from is gone.
            if links.is_empty() && previous.is_some() {
                return Ok(Err(Lost::Broken));
            }
            let link = link(row)?;
            size += link.input.len() + link.response.len();
            if size > most {
                return Ok(Err(Lost::TooLong));
            }
            links.push(link);
            number = Some(row.get(4)?);
        }
        Ok(number.map(|number| Past { number, links }).ok_or(Lost::Unknown))
    }

    /// One answer: the last one of this name.
    pub(super) fn one(&mut self, owner: &str, id: &str) -> Result<Result<Link, Lost>, Error> {
        let mut query = self.connection.prepare_cached(
            "SELECT endpoint, input, response FROM response JOIN said USING (number)
             WHERE owner = ?1 AND id = ?2 ORDER BY number DESC LIMIT 1",
        )?;
        Ok(query.query_row(params![owner, id], link).optional()?.ok_or(Lost::Unknown))
    }

    /// Items by their ids, each the last one of its name.
    pub(super) fn items(&mut self, owner: &str, ids: Vec<String>, most: usize) -> Result<Result<Items, Lost>, Error> {
        let mut which = self.connection.prepare_cached(
            "SELECT max(number) FROM item JOIN response USING (number) WHERE item.id = ?2 AND owner = ?1",
        )?;
        let mut what = self.connection.prepare_cached(
            "SELECT endpoint, input, response FROM response JOIN said USING (number) WHERE number = ?1",
        )?;
        let (mut found, mut size) = (Items::new(), 0);
        // Items of one answer mostly stand together.
        let mut last: Option<(i64, Link)> = None;
        for id in ids {
            let number: Option<i64> = which.query_row(params![owner, id], |row| row.get(0))?;
            let Some(number) = number else { continue };
            let (_, link) = match last.take().filter(|(known, _)| *known == number) {
                Some(known) => last.insert(known),
                None => last.insert((number, what.query_row(params![number], link)?)),
            };
            let Some(json) = items::find(&link.input, &link.response, &id) else { continue };
            size += json.len();
            if size > most {
                return Ok(Err(Lost::TooLong));
            }
            found.insert(id, Item { endpoint: link.endpoint.clone(), json });
        }
        Ok(Ok(found))
    }

    /// Deletes every answer of this name, so that nothing of it is left.
    pub(super) fn forget(&mut self, owner: &str, id: &str) -> Result<Result<(), Lost>, Error> {
        let deleted = self.delete("owner = ?1 AND id = ?2", params![owner, id])?;
        if deleted == 0 {
            return Ok(Err(Lost::Unknown));
        }
        sqlite::wipe(&self.connection)?;
        Ok(Ok(()))
    }

    /// Deletes what is beyond the bounds: first what is past its time, then the conversations that rested longest.
    pub(super) fn prune(&mut self, bounds: &Bounds) -> Result<(), Error> {
        let mut deleted = self.delete("used_ms < ?1", params![milliseconds(bounds.since)])?;
        let full = self.count > bounds.count || self.bytes > bounds.bytes;
        // A little more than needed, so that a full file is not emptied answer by answer.
        let (count, bytes) = (bounds.count - bounds.count / 20, bounds.bytes - bounds.bytes / 20);
        while full && (self.count > count || self.bytes > bytes) {
            let oldest = "number = (SELECT number FROM response ORDER BY used_ms, number LIMIT 1)";
            match self.delete(oldest, params![])? {
                0 => break,
                more => deleted += more,
            }
        }
        if deleted > 0 {
            sqlite::wipe(&self.connection)?;
        }
        Ok(())
    }

    fn delete(&mut self, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for table in ["said", "item"] {
            let of = format!("DELETE FROM {table} WHERE number IN (SELECT number FROM response WHERE {which})");
            transaction.prepare_cached(&of)?.execute(values)?;
        }
        let mut deletion =
            transaction.prepare_cached(&format!("DELETE FROM response WHERE {which} RETURNING bytes"))?;
        let sizes: Vec<i64> = deletion.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        drop(deletion);
        transaction.commit()?;
        self.count = self.count.saturating_sub(sizes.len() as i64);
        self.bytes = self.bytes.saturating_sub(sizes.iter().sum::<i64>());
        Ok(sizes.len())
    }
}

fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    let bytes = |column| row.get::<_, Vec<u8>>(column).map(Bytes::from);
    Ok(Link { endpoint: row.get(0)?, input: bytes(1)?, response: bytes(2)? })
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
