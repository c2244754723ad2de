//! The SQLite file: opening it so that only its owner can read it, bringing its schema up to date, writing to it.
//!
//! It neither retries nor forgives: what a failure means is said by [`Error`], what follows from it is decided in
//! `store`.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{
    Record,
    table::{
        MIGRATIONS, VERSION, body,
        daily::{Calendar, Tally},
        request,
    },
};
use crate::private;

/// Why usage can be neither kept nor read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file belongs to a later version of Pointsman.
    #[error("usage was recorded by a newer Pointsman (schema {found}, this one knows {VERSION}); update to read it")]
    Newer {
        /// The schema's number in the file.
        found: i64,
    },
    /// The file has not been brought up to date yet; the gateway does so when it starts.
    #[error("usage was recorded by an older Pointsman (schema {found} of {VERSION}); start the gateway once")]
    Older {
        /// The schema's number in the file.
        found: i64,
    },
    /// There is no file.
    #[error("no usage has been recorded at {}", .0.display())]
    Missing(PathBuf),
    /// The folder or the file cannot be made, moved or kept private.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite said no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The migration itself is at fault.
    #[error(transparent)]
    Migration(rusqlite_migration::Error),
    /// The system gives us no thread.
    #[error("cannot start the usage thread: {0}")]
    Thread(io::Error),
}

impl Error {
    /// Whether the file is damaged, or no database at all.
    pub(super) fn is_corrupt(&self) -> bool {
        let Error::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Whether the rows are at fault and not the file: the same rows would fail for ever.
    pub(super) fn blames_rows(&self) -> bool {
        let Error::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
        )
    }
}

impl From<rusqlite_migration::Error> for Error {
    fn from(error: rusqlite_migration::Error) -> Error {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => Error::Sqlite(err),
            other => Error::Migration(other),
        }
    }
}

/// Where the tables are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A file that outlives the process.
    File(PathBuf),
    /// A name for memory that connections of this process share.
    Memory(String),
}

impl Place {
    /// A place in memory that nobody else has.
    pub(super) fn memory() -> Place {
        Place::Memory(format!("file:/{}?vfs=memdb", uuid::Uuid::new_v4()))
    }

    fn connect(&self, access: OpenFlags) -> Result<Connection, Error> {
        // A connection stays with one thread at a time, so SQLite need not lock it.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(match self {
            Place::File(path) => Connection::open_with_flags(path, flags)?,
            Place::Memory(name) => Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?,
        })
    }

    /// A connection that can only read, to a schema that this version knows.
    pub(super) fn read_only(&self) -> Result<Connection, Error> {
        if let Place::File(path) = self
            && !path.exists()
        {
            return Err(Error::Missing(path.clone()));
        }
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match schema(&connection)? {
            VERSION => Ok(connection),
            found if found > VERSION => Err(Error::Newer { found }),
            found => Err(Error::Older { found }),
        }
    }
}

/// The one connection that writes.
pub(super) struct Database {
    connection: Connection,
    calendar: Calendar,
}

impl Database {
    /// Opens, and makes what is missing. `patience` is how long to wait for another process that holds the file.
    pub(super) fn open(place: &Place, patience: Duration) -> Result<Database, Error> {
        if let Place::File(path) = place {
            private::make(path).map_err(|(path, source)| Error::File { path, source })?;
        }
        let mut connection = place.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.busy_timeout(patience)?;
        // In memory there is no write-ahead log, and SQLite answers `memory`: nothing to check.
        let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // NORMAL: a power cut may cost the last requests, never the file; and no transaction waits for the disk.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What was said in a request must not be found in the file once it is deleted.
        connection.pragma_update(None, "secure_delete", true)?;
        // Rows go to the end of one table, so a small cache misses nothing, and the gateway is meant to be light.
        connection.pragma_update(None, "cache_size", -512)?;
        let found = schema(&connection)?;
        if found > VERSION {
            return Err(Error::Newer { found });
        }
        if let Err(error) = MIGRATIONS.to_latest(&mut connection) {
            match schema(&connection)? {
                // Another gateway, started at the same time, was faster.
                VERSION => {}
                found if found > VERSION => return Err(Error::Newer { found }),
                _ => return Err(error.into()),
            }
        }
        Ok(Database { connection, calendar: Calendar::default() })
    }

    /// Writes the rows and their daily sums, all or none.
    pub(super) fn write(&mut self, records: &[Box<Record>]) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut tally = Tally::default();
        let mut insertion = request::insertion(&transaction)?;
        for record in records {
            let row = request::insert(&mut insertion, record)?;
            if let Some(bodies) = &record.bodies {
                body::insert(&transaction, row, bodies)?;
            }
            tally.add(self.calendar.day(&transaction, record.started)?, record);
        }
        drop(insertion);
        tally.upsert(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Deletes the bodies whose time is over, see [`body::prune`].
    pub(super) fn prune_bodies(&self, now: SystemTime) -> Result<(), Error> {
        if body::prune(&self.connection, now)? > 0 {
            self.shorten()?;
        }
        Ok(())
    }

    /// Deletes every body.
    pub(super) fn forget_bodies(&self) -> Result<(), Error> {
        body::clear(&self.connection)?;
        self.shorten()
    }

    /// Writes the log back into the file and empties it: what was deleted from the one still stands in the other. Somebody
    /// who reads at this moment keeps the log; then the next one does it.
    fn shorten(&self) -> Result<(), Error> {
        let _: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(())
    }

    /// Deletes up to `most` of the oldest rows, see [`request::prune`]; their daily sums stay.
    pub(super) fn prune(&self, cutoff: SystemTime, keep: u32, most: u32) -> Result<usize, Error> {
        Ok(request::prune(&self.connection, cutoff, keep, most)?)
    }
}

/// Moves a damaged database aside, see [`private::move_aside`].
pub(super) fn move_aside(path: &Path, now: SystemTime) -> Result<PathBuf, Error> {
    private::move_aside(path, now).map_err(|(path, source)| Error::File { path, source })
}

fn schema(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
