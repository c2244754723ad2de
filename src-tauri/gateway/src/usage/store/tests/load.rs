//! Many at once: nobody waits, and nothing is lost uncounted.

use super::*;

#[test]
fn a_flood_from_eight_threads_loses_nothing_that_fits() {
    flood(200_000, |stats| {
        assert_eq!(stats.dropped, 0);
        assert_eq!(stats.written, 100_000);
    });
}

#[test]
fn a_flood_beyond_the_queue_is_dropped_and_counted() {
    flood(64, |stats| assert!(stats.written >= 64, "the queue is written at least once"));
}

fn flood(queue: usize, check: impl FnOnce(&Stats)) {
    let place = Place::new();
    let (sink, store) = place.open_with(|limits| limits.queue = queue);
    let model = record();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..12_500).for_each(|_| sink.send(model.clone())));
        }
    });
    assert!(store.flush());
    let stats = store.stats();
    check(&stats);
    assert!(store.close());
    assert_eq!(stats.written + stats.dropped, 100_000, "each record is written or counted: {stats:?}");
    let connection = Connection::open(place.file()).unwrap();
    assert_eq!(count(&connection), stats.written);
    assert_eq!(summed(&connection), stats.written);
}

#[test]
fn a_record_is_written_without_being_asked_for() {
    let place = Place::new();
    let (sink, store) = place.open();
    assert!(store.flush(), "the thread is idle");
    for number in 1..=4 {
        sink.send(record());
        let patience = Instant::now();
        while store.stats().written < number {
            assert!(patience.elapsed() < Duration::from_secs(30), "record {number} was not written: a lost wake-up");
            thread::yield_now();
        }
    }
}

#[test]
fn reading_goes_on_while_it_writes() {
    let place = Place::new();
    let (sink, store) = place.open_with(|limits| limits.queue = 50_000);
    assert!(store.flush());
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let reader = Reader::open(&place.file()).unwrap();
            let mut seen = 0;
            while writing.load(Ordering::Relaxed) {
                let newest = reader.recent(1, None, &Filter::default()).unwrap().first().map_or(0, |row| row.id);
                let summed: i64 =
                    reader.totals(1, SystemTime::now()).unwrap().iter().map(|day| day.sums.requests).sum();
                assert!(newest >= seen && summed >= newest, "rows and sums come together: {seen} {newest} {summed}");
                seen = newest;
            }
        });
        let model = record();
        (0..20_000).for_each(|_| sink.send(model.clone()));
        assert!(store.flush(), "the reader does not hold up the writer");
        writing.store(false, Ordering::Relaxed);
    });
    assert_eq!(store.stats(), Stats { written: 20_000, dropped: 0, fault: None });
}

#[test]
fn two_gateways_share_a_file() {
    let place = Place::new();
    let (one, first) = place.open();
    let (two, second) = place.open();
    for _ in 0..1000 {
        one.send(record());
        two.send(record());
    }
    assert!(first.flush(), "{:?}", first.stats());
    assert!(second.flush(), "{:?}", second.stats());
    assert_eq!(place.count(), 2000);
}
