//! Locks, damage, crashes, other versions: what the disk and other processes can do to it.

use super::*;
use crate::private::with_suffix;

#[test]
fn a_locked_database_holds_up_nobody_and_is_tried_again() {
    let place = Place::new();
    let (sink, store) = place.open_with(|limits| limits.queue = 100);
    assert!(store.flush());
    let other = Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..1000 {
        sink.send(record());
    }
    assert!(!store.flush(), "nothing can be written");
    let stats = store.stats();
    assert_eq!(stats.written, 0);
    assert!(stats.dropped > 0, "the queue is bounded");
    assert!(stats.fault.unwrap().contains("locked"));
    other.execute_batch("COMMIT").unwrap();
    assert!(store.flush());
    let stats = store.stats();
    assert_eq!(stats.fault, None);
    assert_eq!(stats.written + stats.dropped, 1000);
    assert!(stats.written >= 100, "what was queued is written");
    assert_eq!(place.count(), stats.written);
}

#[test]
fn a_folder_that_cannot_be_made_is_tried_again() {
    let place = Place::new();
    let in_the_way = place.folder.path().join("pointsman");
    fs::write(&in_the_way, "a file").unwrap();
    let (sink, store) = place.open_with(|_| {});
    sink.send(record());
    assert!(!store.flush());
    assert!(store.stats().fault.unwrap().contains("pointsman"), "the fault names the folder");
    fs::remove_file(&in_the_way).unwrap();
    assert!(store.flush());
    assert_eq!(place.count(), 1);
}

#[test]
fn rows_that_the_table_refuses_do_not_block_the_next() {
    let place = Place::new();
    let (sink, store) = place.open();
    assert!(store.flush());
    let other = Connection::open(place.file()).unwrap();
    other.execute_batch("CREATE TRIGGER no BEFORE INSERT ON request BEGIN SELECT raise(ABORT, 'no'); END").unwrap();
    sink.send(record());
    assert!(store.flush());
    other.execute_batch("DROP TRIGGER no").unwrap();
    sink.send(record());
    assert!(store.flush());
    assert_eq!(store.stats(), Stats { written: 1, dropped: 1, fault: None });
}

#[test]
fn a_damaged_file_is_moved_aside() {
    #[track_caller]
    fn check(damage: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let place = Place::new();
        let (sink, store) = place.open();
        (0..1000).for_each(|_| sink.send(record()));
        assert!(store.close());
        let damaged = damage(fs::read(place.file()).unwrap());
        fs::write(place.file(), &damaged).unwrap();

        let (sink, store) = place.open();
        sink.send(record());
        assert!(store.flush());
        assert_eq!(store.stats(), Stats { written: 1, dropped: 0, fault: None });
        assert!(store.close());
        assert_eq!(place.count(), 1, "a new database");
        let beside = place.beside();
        let aside = beside.iter().find(|name| name.starts_with("usage.db.corrupt-")).unwrap();
        assert_eq!(fs::read(place.file().with_file_name(aside)).unwrap(), damaged, "kept as it was");
    }
    check(|_| b"This is not a database, but it is longer than the header of one. ".repeat(100));
    check(|bytes| bytes.iter().enumerate().map(|(at, byte)| if at < 4096 { *byte } else { 0xa5 }).collect());
    check(|bytes| bytes[..4096].to_vec());
}

#[test]
fn a_second_damaged_file_does_not_replace_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let now = UNIX_EPOCH + Duration::from_secs(1_785_000_000);
    for content in ["first", "second"] {
        fs::write(&path, content).unwrap();
        fs::write(with_suffix(&path, "-wal"), content).unwrap();
        let aside = move_aside(&path, now).unwrap();
        assert!(aside.ends_with(format!("usage.db.corrupt-178500000{}", u32::from(content == "second"))));
        assert_eq!(fs::read_to_string(&aside).unwrap(), content);
        assert_eq!(fs::read_to_string(with_suffix(&aside, "-wal")).unwrap(), content);
    }
}

#[test]
fn a_newer_schema_is_left_alone() {
    let place = Place::new();
    let (_, store) = place.open();
    assert!(store.close());
    let newer = VERSION + 1;
    Connection::open(place.file()).unwrap().pragma_update(None, "user_version", newer).unwrap();

    let (sink, store) = place.open();
    sink.send(record());
    assert!(!store.flush());
    assert!(store.stats().fault.unwrap().contains("newer"));
    assert!(matches!(store.reader(), Err(Error::Newer { found }) if found == newer));
    sink.send(record());
    assert!(!store.close());
    assert!(!place.beside().iter().any(|name| name.contains("corrupt")), "it is not damaged, only newer");
    assert_eq!(place.count(), 0);
}

#[test]
fn a_reader_says_what_is_missing() {
    let place = Place::new();
    assert!(matches!(Reader::open(&place.file()), Err(Error::Missing(_))));
    fs::create_dir(place.file().parent().unwrap()).unwrap();
    fs::write(place.file(), "").unwrap();
    assert!(matches!(Reader::open(&place.file()), Err(Error::Older { found: 0 })));
}

#[test]
fn a_crash_loses_no_committed_row_and_leaves_no_half_batch() {
    let place = Place::new();
    let (sink, store) = place.open();
    for _ in 0..20 {
        (0..100).for_each(|_| sink.send(record()));
        assert!(store.flush());
    }
    // What a crash leaves: the file and its log as they are on disk, with nobody to close them.
    let log = fs::read(with_suffix(&place.file(), "-wal")).unwrap();
    let check = |kept: usize| {
        let after = Place::new();
        fs::create_dir(after.file().parent().unwrap()).unwrap();
        fs::copy(place.file(), after.file()).unwrap();
        fs::write(with_suffix(&after.file(), "-wal"), &log[..kept]).unwrap();
        let (_, store) = after.open();
        assert!(store.close());
        let connection = Connection::open(after.file()).unwrap();
        assert_eq!(count(&connection) % 100, 0, "whole batches, with {kept} bytes of the log");
        assert_eq!(count(&connection), summed(&connection));
        count(&connection)
    };
    assert_eq!(check(log.len()), 2000);
    assert!(check(log.len() - 1) < 2000);
    for part in 1..8 {
        check(log.len() * part / 8);
    }
}
