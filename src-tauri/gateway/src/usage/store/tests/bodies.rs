//! What was asked and said: kept where it was wanted, gone when it is over or no longer wanted.

use bytes::Bytes;

use super::*;
use crate::secrets::redact::Redactor;
use crate::usage::bodies::{Bodies, Keeping};
use crate::usage::table::body;

fn keeping() -> Keeping {
    let keeping = Keeping::new(Box::new(|| Redactor::new([])));
    keeping.keep_for(DAY);
    keeping
}

fn bodies(keeping: &Keeping, asked: &'static str, said: &str) -> Option<Arc<Bodies>> {
    let mut capture = keeping.begin(&Bytes::from_static(asked.as_bytes())).unwrap();
    capture.said(said.as_bytes());
    capture.end()
}

impl Place {
    /// Whether a word stands in any of the database's files.
    fn holds(&self, word: &str) -> bool {
        let folder = fs::read_dir(self.file().parent().unwrap()).unwrap();
        let mut files = folder.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        files.any(|file| memchr::memmem::find(&file, word.as_bytes()).is_some())
    }
}

#[test]
fn they_are_read_with_their_row() {
    let place = Place::new();
    let (sink, store) = place.open();
    sink.send(record());
    sink.send(Record { bodies: bodies(&keeping(), "what?", "that"), ..record() });
    assert!(store.flush());
    let rows = place.rows();
    assert_eq!(rows.iter().map(|row| row.texts).collect::<Vec<_>>(), [true, false]);
    let reader = store.reader().unwrap();
    let texts = reader.texts(rows[0].id).unwrap().unwrap();
    assert_eq!((texts.asked.as_str(), texts.asked_bytes), ("what?", 5));
    assert_eq!((texts.said.as_str(), texts.said_bytes), ("that", 4));
    assert_eq!(reader.texts(rows[1].id).unwrap(), None);
}

#[test]
fn what_is_deleted_is_in_no_file_any_more() {
    let place = Place::new();
    let (sink, store) = place.open();
    // One that is large enough for pages of its own, beside one that is not.
    let long = "needle ".repeat(8_000);
    sink.send(Record { bodies: bodies(&keeping(), "a needle", &long), ..record() });
    sink.send(Record { bodies: bodies(&keeping(), "another needle", "short"), ..record() });
    assert!(store.flush());
    assert!(place.holds("needle"));
    // What was sent before is deleted with the rest, written or not.
    sink.send(Record { bodies: bodies(&keeping(), "the last needle", ""), ..record() });
    assert!(sink.forget_bodies().unwrap().recv().unwrap());
    assert!(!place.holds("needle"), "it is overwritten, in the log too");
    assert_eq!(place.count(), 3, "the requests stay");
    assert!(place.rows().iter().all(|row| !row.texts));
}

#[test]
fn after_a_day_they_are_gone() {
    let place = Place::new();
    let (sink, store) = place.open();
    for _ in 0..3 {
        sink.send(Record { bodies: bodies(&keeping(), "a needle", ""), ..record() });
    }
    assert!(store.close());
    let connection = Connection::open(place.file()).unwrap();
    connection.pragma_update(None, "secure_delete", true).unwrap();
    let kept = |now: SystemTime| {
        body::prune(&connection, now).unwrap();
        connection.query_row("SELECT count(*) FROM body", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let now = SystemTime::now();
    assert_eq!(kept(now), 3);
    connection.execute("DELETE FROM request WHERE id = 1", []).unwrap();
    assert_eq!(kept(now), 2, "one goes with its request");
    assert_eq!(
        kept(now + DAY - Duration::from_secs(3600) + Duration::from_secs(1)),
        0,
        "an hour is left until somebody looks"
    );
    drop(connection);
    let (_sink, store) = place.open();
    assert!(store.flush());
    assert!(store.close());
    assert!(!place.holds("needle"));
}

#[test]
fn the_newest_are_kept_where_there_are_too_many() {
    let place = Place::new();
    let (sink, store) = place.open();
    let keeping = keeping();
    for _ in 0..1_100 {
        sink.send(Record { bodies: bodies(&keeping, "x", "y"), ..record() });
    }
    assert!(store.flush());
    let rows = place.rows();
    assert!(rows.iter().all(|row| row.texts), "the newest thousand");
    let older = store.reader().unwrap().recent(1000, rows.last().map(|row| row.id), &Filter::default()).unwrap();
    assert_eq!((older.len(), older.iter().filter(|row| row.texts).count()), (100, 0));
}
