//! How long rows stay, who can read them, and how it ends.

use super::*;

#[cfg(unix)]
#[test]
fn only_the_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let folder = place.file().parent().unwrap().to_owned();
    let check = |when: &str| {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{when}");
        for name in ["usage.db", "usage.db-wal", "usage.db-shm"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}, {when}");
        }
    };
    let (sink, store) = place.open();
    sink.send(record());
    assert!(store.flush());
    check("a new file");
    assert!(store.close());
    let reader = Reader::open(&place.file()).unwrap();
    assert_eq!(reader.recent(9, None, &Filter::default()).unwrap().len(), 1);
    check("files that a reader made, with no gateway running");
    drop(reader);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let (sink, store) = place.open();
    sink.send(record());
    assert!(store.flush());
    check("a file that others could read");
}

#[test]
fn old_rows_go_and_their_sums_stay() {
    let place = Place::new();
    let now = SystemTime::now();
    let (sink, store) = place.open();
    for _ in 0..2 * BATCH + 100 {
        sink.send(Record { started: now - 40 * DAY, ..record() });
    }
    sink.send(record());
    assert!(store.close());
    assert_eq!(place.count(), 2 * BATCH as u64 + 101);

    let (sink, store) = place.open_with(|limits| limits.retention = 30 * DAY);
    sink.send(record());
    assert!(store.flush());
    assert_eq!(place.count(), 2);
    assert_eq!(summed(&Connection::open(place.file()).unwrap()), 2 * BATCH as u64 + 102);
}

#[test]
fn a_row_from_the_future_does_not_keep_the_others() {
    let place = Place::new();
    let now = SystemTime::now();
    let (sink, store) = place.open();
    sink.send(Record { started: now + YEAR, ..record() });
    (0..BATCH + 10).for_each(|_| sink.send(Record { started: now - 40 * DAY, ..record() }));
    assert!(store.close());
    let (_, store) = place.open_with(|limits| limits.retention = 30 * DAY);
    assert!(store.flush());
    assert_eq!(place.count(), 1);
}

#[test]
fn a_tool_that_asks_all_night_does_not_fill_the_disk() {
    let place = Place::new();
    let (sink, store) = place.open_with(|limits| limits.rows = 1000);
    for _ in 0..5 {
        (0..1000).for_each(|_| sink.send(record()));
        assert!(store.flush());
        assert_eq!(place.count(), 1000);
    }
    assert_eq!(summed(&Connection::open(place.file()).unwrap()), 5000);
}

#[test]
fn closing_writes_what_is_left() {
    let place = Place::new();
    let (sink, store) = place.open();
    (0..3000).for_each(|_| sink.send(record()));
    let late = sink.clone();
    assert!(store.close());
    assert_eq!(place.count(), 3000);
    assert_eq!(place.beside(), ["usage.db"], "the log is written back and gone");
    late.send(record());
    assert_eq!(place.count(), 3000, "a request that outlives the store is not recorded, and not hurt");
}

#[test]
fn a_dropped_store_ends_its_thread() {
    let place = Place::new();
    let (sink, mut store) = place.open();
    sink.send(record());
    let thread = store.thread.take().unwrap();
    drop(store);
    thread.join().unwrap();
    assert_eq!(place.count(), 1);
}
