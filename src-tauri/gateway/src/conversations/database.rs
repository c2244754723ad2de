//! The tables, and all that is asked of them.
//!
//! Messages are a tree: each names the one that it follows. Images stand apart, for they are large. What is searched is
//! an index of its own, with a conversation's title under the negative of its number.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::words::{indexed, readable, searched, title};
use super::{Error, LARGEST_CONVERSATION, MOST_ROWS};
use crate::control::{Conversation, ConversationRow, Message, NewMessage};
use crate::private::sqlite;

// A number is never given twice (AUTOINCREMENT), or a window that still shows a deleted conversation could go on in
// another one. The index deletes at once and not some day (secure-delete).
const STEPS: &[M<'static>] = &[M::up(
    "CREATE TABLE conversation (
         id         INTEGER PRIMARY KEY AUTOINCREMENT,
         title      TEXT NOT NULL,
         updated_ms INTEGER NOT NULL,
         messages   INTEGER NOT NULL,
         bytes      INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX conversation_by_time ON conversation (updated_ms, id);
     CREATE TABLE message (
         id           INTEGER PRIMARY KEY AUTOINCREMENT,
         conversation INTEGER NOT NULL,
         parent       INTEGER,
         created_ms   INTEGER NOT NULL,
         role         TEXT NOT NULL,
         text         TEXT NOT NULL,
         reasoning    TEXT,
         facts        TEXT NOT NULL
     ) STRICT;
     CREATE INDEX message_by_conversation ON message (conversation, id);
     CREATE TABLE image (
         id      INTEGER PRIMARY KEY,
         message INTEGER NOT NULL,
         url     TEXT NOT NULL
     ) STRICT;
     CREATE INDEX image_by_message ON image (message, id);
     CREATE VIRTUAL TABLE word USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
     INSERT INTO word (word, rank) VALUES ('secure-delete', 1)",
)];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);
const VERSION: i64 = STEPS.len() as i64;

/// The conversation of a row of the index.
const OF_ROW: &str = "CASE WHEN word.rowid < 0 THEN -word.rowid
                      ELSE (SELECT conversation FROM message WHERE id = word.rowid) END";

/// The one connection.
#[derive(Debug)]
pub(super) struct Database(Connection);

impl Database {
    pub(super) fn open(path: &Path) -> Result<Database, sqlite::Error> {
        sqlite::open(path, &MIGRATIONS, VERSION).map(Database)
    }

    pub(super) fn list(&self) -> Result<Vec<ConversationRow>, Error> {
        let mut query = self.0.prepare_cached(
            "SELECT id, title, updated_ms, messages FROM conversation ORDER BY updated_ms DESC, id DESC LIMIT ?1",
        )?;
        Ok(query.query_map([MOST_ROWS], conversation_row)?.collect::<Result<_, _>>()?)
    }

    pub(super) fn search(&self, search: &str) -> Result<Vec<ConversationRow>, Error> {
        let words = searched(search);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        // The words may stand in different messages.
        let all: Vec<String> =
            (1..=words.len()).map(|at| format!("SELECT {OF_ROW} FROM word WHERE word MATCH ?{at}")).collect();
        let mut query = self.0.prepare(&format!(
            "SELECT id, title, updated_ms, messages FROM conversation WHERE id IN ({})
             ORDER BY updated_ms DESC, id DESC LIMIT {MOST_ROWS}",
            all.join(" INTERSECT ")
        ))?;
        let rows = query.query_map(rusqlite::params_from_iter(&words), conversation_row)?;
        let mut rows: Vec<ConversationRow> = rows.collect::<Result<_, _>>()?;
        let any = words.join(" OR ");
        let mut excerpt = self.0.prepare_cached(
            "SELECT snippet(word, 0, '', '', '…', 16) FROM word
             WHERE word MATCH ?1 AND rowid IN (SELECT id FROM message WHERE conversation = ?2) ORDER BY rank LIMIT 1",
        )?;
        for row in &mut rows {
            let found: Option<String> = excerpt.query_row(params![any, row.id], |row| row.get(0)).optional()?;
            row.excerpt = found.map(|found| readable(&found));
        }
        Ok(rows)
    }

    pub(super) fn one(&self, id: i64) -> Result<Conversation, Error> {
        // One transaction, so that all is of one moment.
        let transaction = self.0.unchecked_transaction()?;
        let title = transaction
            .prepare_cached("SELECT title FROM conversation WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let Some(title) = title else { return Err(Error::Unknown(id)) };
        let mut query = transaction.prepare_cached(
            "SELECT id, parent, created_ms, role, text, reasoning, facts FROM message WHERE conversation = ?1 ORDER BY id",
        )?;
        let mut messages: Vec<Message> = query.query_map([id], message)?.collect::<Result<_, _>>()?;
        let mut images = transaction.prepare_cached("SELECT url FROM image WHERE message = ?1 ORDER BY id")?;
        for message in &mut messages {
            message.images = images.query_map([message.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        }
        Ok(Conversation { id, title, messages })
    }

    /// Keeps a message, and says the ids of its conversation and of itself.
    pub(super) fn save(
        &mut self,
        conversation: Option<i64>,
        new: &NewMessage,
        now: SystemTime,
    ) -> Result<(i64, i64), Error> {
        let size = i64::try_from(new.size()).unwrap_or(i64::MAX);
        let now = i64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (id, known, bytes) = match conversation {
            Some(id) => {
                let known = transaction
                    .prepare_cached("SELECT title, bytes FROM conversation WHERE id = ?1")?
                    .query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                    .optional()?;
                let (title, bytes) = known.ok_or(Error::Unknown(id))?;
                (id, title, bytes)
            }
            None => {
                transaction.execute(
                    "INSERT INTO conversation (title, updated_ms, messages, bytes) VALUES ('', ?1, 0, 0)",
                    [now],
                )?;
                (transaction.last_insert_rowid(), String::new(), 0)
            }
        };
        if bytes.saturating_add(size) > LARGEST_CONVERSATION {
            return Err(Error::ConversationTooLarge);
        }
        if let Some(parent) = new.parent {
            let there = transaction
                .prepare_cached("SELECT 1 FROM message WHERE id = ?1 AND conversation = ?2")?
                .exists([parent, id])?;
            if !there {
                return Err(Error::UnknownParent { conversation: id, parent });
            }
        }
        let message = insert(&transaction, id, new, now)?;
        transaction
            .prepare_cached(
                "UPDATE conversation SET updated_ms = ?2, messages = messages + 1, bytes = bytes + ?3 WHERE id = ?1",
            )?
            .execute(params![id, now, size])?;
        if known.is_empty() && new.role == "user" {
            entitle(&transaction, id, &title(&new.text))?;
        }
        transaction.commit()?;
        Ok((id, message))
    }

    pub(super) fn rename(&mut self, id: i64, name: &str) -> Result<(), Error> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !entitle(&transaction, id, &title(name))? {
            return Err(Error::Unknown(id));
        }
        transaction.commit()?;
        // The old title may be what somebody wants gone.
        Ok(sqlite::wipe(&self.0)?)
    }

    pub(super) fn delete(&mut self, id: i64) -> Result<(), Error> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if transaction.execute("DELETE FROM conversation WHERE id = ?1", [id])? == 0 {
            return Err(Error::Unknown(id));
        }
        let its = "SELECT id FROM message WHERE conversation = ?1";
        transaction.execute(&format!("DELETE FROM word WHERE rowid = -?1 OR rowid IN ({its})"), [id])?;
        transaction.execute(&format!("DELETE FROM image WHERE message IN ({its})"), [id])?;
        transaction.execute("DELETE FROM message WHERE conversation = ?1", [id])?;
        transaction.commit()?;
        Ok(sqlite::wipe(&self.0)?)
    }
}

fn insert(transaction: &Transaction<'_>, conversation: i64, new: &NewMessage, now: i64) -> Result<i64, Error> {
    transaction
        .prepare_cached(
            "INSERT INTO message (conversation, parent, created_ms, role, text, reasoning, facts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![conversation, new.parent, now, new.role, new.text, new.reasoning, new.facts.to_string()])?;
    let message = transaction.last_insert_rowid();
    for url in &new.images {
        transaction
            .prepare_cached("INSERT INTO image (message, url) VALUES (?1, ?2)")?
            .execute(params![message, url])?;
    }
    transaction
        .prepare_cached("INSERT INTO word (rowid, text) VALUES (?1, ?2)")?
        .execute(params![message, indexed(&new.text)])?;
    Ok(message)
}

/// Gives a conversation a title; false where there is no such conversation.
fn entitle(transaction: &Transaction<'_>, id: i64, title: &str) -> Result<bool, Error> {
    if transaction.execute("UPDATE conversation SET title = ?2 WHERE id = ?1", params![id, title])? == 0 {
        return Ok(false);
    }
    transaction.execute("DELETE FROM word WHERE rowid = -?1", [id])?;
    transaction.execute("INSERT INTO word (rowid, text) VALUES (-?1, ?2)", params![id, indexed(title)])?;
    Ok(true)
}

fn conversation_row(row: &Row<'_>) -> rusqlite::Result<ConversationRow> {
    Ok(ConversationRow {
        id: row.get(0)?,
        title: row.get(1)?,
        updated_ms: row.get(2)?,
        messages: row.get(3)?,
        excerpt: None,
    })
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let facts: String = row.get(6)?;
    Ok(Message {
        id: row.get(0)?,
        parent: row.get(1)?,
        created_ms: row.get(2)?,
        role: row.get(3)?,
        text: row.get(4)?,
        reasoning: row.get(5)?,
        images: Vec::new(),
        // Written by us; a window that finds none shows none.
        facts: serde_json::from_str(&facts).unwrap_or_default(),
    })
}
