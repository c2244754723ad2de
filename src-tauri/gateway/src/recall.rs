//! Answers of the Responses API that were kept with their question, so that a later request can go on from them.
//!
//! The one place where prompts and answers of tools reach the disk, and only those of requests that want it. One thread of its own
//! holds the SQLite file and does what it is told in order: a question that names an answer just given waits for that
//! answer to be written, and nothing else on the request path waits. It reads no JSON but through
//! `protocol::openai_responses::kept`, and decides nothing: who goes on from what is `dispatch`'s business.

mod database;
mod shelf;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

pub use crate::private::sqlite::Error;
pub use shelf::{Shelf, Store};

/// Whose an answer is: the client key's name, or empty for callers without one. Another's answers are as if they were
/// not there.
pub type Owner = Arc<str>;

/// An answer to be kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Whose it is.
    pub owner: Owner,
    /// Its id, as its client knows it.
    pub id: String,
    /// The answer that it went on from, by [`Past::number`].
    pub previous: Option<i64>,
    /// The endpoint that gave it.
    pub endpoint: Arc<str>,
    /// What was asked: the value of `input` as it was written.
    pub input: Bytes,
    /// The whole response, as its client saw it.
    pub response: Bytes,
    /// When it was given.
    pub at: SystemTime,
}

impl Kept {
    fn size(&self) -> usize {
        self.input.len() + self.response.len()
    }
}

/// One answer of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The endpoint that gave it.
    pub endpoint: String,
    /// What was asked.
    pub input: Bytes,
    /// The response.
    pub response: Bytes,
}

/// An item of an answer or of its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The endpoint that it was said to or by.
    pub endpoint: String,
    /// As it was written.
    pub json: String,
}

/// Items by their ids.
pub type Items = HashMap<String, Item>;

/// A conversation up to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The number of its last answer. An id is a name that an endpoint made up and may make up again; a number is given
    /// once.
    pub number: i64,
    /// Its answers, the first one first.
    pub links: Vec<Link>,
}

/// Why a conversation cannot be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// There is no such answer.
    Unknown,
    /// An answer before it was deleted.
    Broken,
    /// It is longer than a request may be.
    TooLong,
    /// The file cannot be read now.
    Unreadable,
}

#[cfg(test)]
mod tests;
