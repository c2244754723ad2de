//! Reads what was recorded, for the window and the command line.
//!
//! A connection of its own that cannot write: it works beside a running gateway and without one, and makes neither wait.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rusqlite::Connection;

use super::{
    database::{Error, Place},
    live::Seen,
    table::{
        body::{self, Texts},
        daily::{self, Daily},
        request::{self, Filter, Request},
    },
};

/// How long to wait for a database that is just being opened or closed; readers and the writer do not lock each other.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open database. Each call is one short read of disk: not for the request path, nor for an async task.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the file that a [`Store`](super::Store) writes.
    pub fn open(path: &Path) -> Result<Reader, Error> {
        Reader::at(&Place::File(path.to_owned()))
    }

    pub(super) fn at(place: &Place) -> Result<Reader, Error> {
        let connection = place.read_only()?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Reader { connection })
    }

    /// The newest requests first, at most 1000; `before` is the last id of the page before.
    pub fn recent(&self, limit: u32, before: Option<i64>, filter: &Filter) -> Result<Vec<Request>, Error> {
        Ok(request::recent(&self.connection, limit, before, filter)?)
    }

    /// What was asked and said in a request, if that was kept.
    pub fn texts(&self, request: i64) -> Result<Option<Texts>, Error> {
        Ok(body::of(&self.connection, request)?)
    }

    /// When each client and each tool asked last, as far as the newest rows tell.
    pub fn seen(&self) -> Result<Seen, Error> {
        Ok(request::seen(&self.connection)?)
    }

    /// What each of the last `days` days came to, `now` being in the last of them.
    pub fn totals(&self, days: u32, now: SystemTime) -> Result<Vec<Daily>, Error> {
        Ok(daily::totals(&self.connection, days, now)?)
    }
}
