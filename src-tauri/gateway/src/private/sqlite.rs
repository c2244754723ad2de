//! An SQLite file for what people said: opened so that only its owner can read it, and brought up to date.
//!
//! What is deleted in it is overwritten. It knows no table: each database brings its own steps.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::Migrations;

/// How long to wait for another program that holds the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why nothing can be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file belongs to a later version of Pointsman.
    #[error("{} was written by a newer Pointsman (schema {found}, this one knows {known})", path.display())]
    Newer {
        /// Which one.
        path: PathBuf,
        /// The schema's number in the file.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// The folder or the file cannot be made or kept private.
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
    /// The schema cannot be brought up to date.
    #[error(transparent)]
    Migration(#[from] rusqlite_migration::Error),
}

impl Error {
    /// Whether the file is damaged, or no database at all.
    pub(crate) fn is_corrupt(&self) -> bool {
        let error = match self {
            Error::Sqlite(error) | Error::Migration(rusqlite_migration::Error::RusqliteError { err: error, .. }) => {
                error
            }
            Error::Newer { .. } | Error::File { .. } | Error::Migration(_) => return false,
        };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// Opens the file, and makes it where it is missing. `known` is the number of the last step.
pub(crate) fn open(path: &Path, steps: &Migrations<'_>, known: i64) -> Result<Connection, Error> {
    super::make(path).map_err(|(path, source)| Error::File { path, source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "secure_delete", true)?;
    let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // A power cut may cost what was said last, never the file; and nothing waits for the disk.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -512)?;
    let newer = |found| Error::Newer { path: path.to_owned(), found, known };
    let found = schema(&connection)?;
    if found > known {
        return Err(newer(found));
    }
    if let Err(error) = steps.to_latest(&mut connection) {
        match schema(&connection)? {
            // Another gateway, started at the same time, was faster.
            found if found == known => {}
            found if found > known => return Err(newer(found)),
            _ => return Err(error.into()),
        }
    }
    Ok(connection)
}

/// Empties the log, in which what was deleted still stands.
pub(crate) fn wipe(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn schema(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}
