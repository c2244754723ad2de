//! The tables, one file each: its migration, its row, its writes and its reads.
//!
//! A migration that has been released is never edited: a change is a new step at the end of `STEPS`.

pub mod body;
pub mod daily;
pub mod request;

use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[
    M::up(request::CREATE),
    M::up(daily::CREATE),
    M::up(body::CREATE),
    M::up(request::STORY),
    M::up(request::UNITS),
    M::up(daily::UNITS),
];

/// Every step from an empty file to what this version reads and writes.
pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The number of the newest schema that this version knows.
pub(super) const VERSION: i64 = STEPS.len() as i64;

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn every_step_is_valid_sql() {
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn every_earlier_version_reaches_the_latest() {
        for version in 0..STEPS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            if version > 0 {
                MIGRATIONS.to_version(&mut connection, version).unwrap();
            }
            MIGRATIONS.to_latest(&mut connection).unwrap();
            let reached: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
            assert_eq!(reached, VERSION, "from version {version}");
        }
    }

    #[test]
    fn a_request_of_the_first_version_survives_the_later_steps() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS.to_version(&mut connection, 1).unwrap();
        // As the first version wrote it: frozen here, so that a later step which loses rows is caught.
        connection
            .execute(
                "INSERT INTO request (started_ms, surface, operation, asked, local, stream, total_us, status, outcome,
                     attempts, chunks)
                 VALUES (1700000000000, 'openai_chat', 'chat', 'qwen3', 1, 0, 1500, 200, 'complete', 1, 1)",
                [],
            )
            .unwrap();
        MIGRATIONS.to_latest(&mut connection).unwrap();
        let rows = request::recent(&connection, 10, None, &request::Filter::default()).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].asked, "qwen3");
    }
}
