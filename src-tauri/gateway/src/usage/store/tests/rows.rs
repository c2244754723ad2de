//! What is sent is what is read.

use super::*;

#[test]
fn a_record_comes_back_as_it_was_sent() {
    let place = Place::new();
    let (sink, store) = place.open();
    let started = UNIX_EPOCH + Duration::from_millis(1_785_000_000_123);
    sink.send(Record { started, error: Some("upstream said 529".into()), ..record() });
    sink.send(Record {
        client: None,
        tool: None,
        endpoint: None,
        model: None,
        local: false,
        input_tokens: None,
        first_byte: None,
        total: Duration::MAX,
        outcome: Outcome::Refused,
        status: 404,
        ..record()
    });
    assert!(store.flush());
    let rows = store.reader().unwrap().recent(10, None, &Filter::default()).unwrap();
    let first = Request {
        id: 1,
        started_ms: 1_785_000_000_123,
        client: Some("editor".into()),
        tool: Some("claude-cli/1.0".into()),
        surface: "anthropic".into(),
        operation: "chat".into(),
        asked: "default".into(),
        endpoint: Some("ollama".into()),
        model: Some("qwen3:8b".into()),
        local: true,
        stream: true,
        input_tokens: Some(1000),
        output_tokens: Some(200),
        cached_tokens: Some(900),
        reasoning_tokens: Some(50),
        units: Some(2),
        first_byte_us: Some(1500),
        total_us: 2_500_000,
        status: 200,
        outcome: Outcome::Complete,
        attempts: 1,
        error: Some("upstream said 529".into()),
        chunks: 42,
        story: None,
        texts: false,
    };
    assert_eq!(rows[1], first);
    assert_eq!((rows[0].client.as_ref(), rows[0].model.as_ref(), rows[0].first_byte_us), (None, None, None));
    assert_eq!((rows[0].outcome, rows[0].status, rows[0].total_us), (Outcome::Refused, 404, i64::MAX));
}

#[test]
fn any_text_is_only_text() {
    fn check(text: &str) {
        let place = Place::new();
        let (sink, store) = place.open();
        let some = || Some(text.into());
        sink.send(Record {
            client: some(),
            tool: some(),
            asked: text.into(),
            endpoint: some(),
            model: some(),
            error: some(),
            ..record()
        });
        sink.send(record());
        assert!(store.flush());
        let reader = store.reader().unwrap();
        for filter in [
            Filter { client: Some(text.into()), ..Filter::default() },
            Filter { tool: Some(text.into()), ..Filter::default() },
            Filter { endpoint: Some(text.into()), ..Filter::default() },
            Filter { model: Some(text.into()), ..Filter::default() },
        ] {
            let rows = reader.recent(10, None, &filter).unwrap();
            assert_eq!(rows.len(), 1, "{filter:?} finds the one row that has it");
            let row = &rows[0];
            let fields = [&row.client, &row.tool, &row.endpoint, &row.model, &row.error];
            assert!(fields.into_iter().all(|field| field.as_deref() == Some(text)), "{text:?} became {row:?}");
            assert_eq!(row.asked, text);
        }
        let days = reader.totals(1, SystemTime::now()).unwrap();
        assert!(days.iter().any(|day| day.model.as_deref() == Some(text)), "{text:?} in the daily sums");
        assert!(store.close());
        assert_eq!(place.count(), 2, "{text:?} does nothing else");
    }
    check("' OR 1=1 --");
    check("'; DROP TABLE request; --");
    check("nul\0inside");
    check("line\r\nX-Forged: yes");
    check("\u{1b}[31mred\u{202e}");
    check("ключ 鍵 🔑");
    check("%_?1:name@name$name");
}

#[test]
fn what_is_too_long_is_cut() {
    let place = Place::new();
    let (sink, store) = place.open();
    let long: Arc<str> = "ü".repeat(100_000).into();
    sink.send(Record { asked: Arc::clone(&long), model: Some(Arc::clone(&long)), error: Some(long), ..record() });
    assert!(store.close());
    let rows = place.rows();
    assert_eq!(rows[0].asked.chars().count(), 200);
    assert_eq!(rows[0].error.as_ref().unwrap().chars().count(), 500);
    assert!(fs::metadata(place.file()).unwrap().len() < 100_000);
}

#[test]
fn pages_and_filters() {
    let place = Place::new();
    let (sink, store) = place.open();
    for number in 0..10u32 {
        let outcome = Outcome::ALL[number as usize % Outcome::ALL.len()];
        let client = if number % 2 == 0 { Some("even".into()) } else { None };
        sink.send(Record { outcome, client, chunks: number, ..record() });
    }
    assert!(store.flush());
    let reader = store.reader().unwrap();
    let check = |limit: u32, before: Option<i64>, filter: Filter, expected: &[u32]| {
        let rows = reader.recent(limit, before, &filter).unwrap();
        let chunks: Vec<u32> = rows.iter().map(|row| row.chunks).collect();
        assert_eq!(chunks, expected, "limit {limit}, before {before:?}, {filter:?}");
    };
    let all = Filter::default;
    check(3, None, all(), &[9, 8, 7]);
    check(3, Some(8), all(), &[6, 5, 4]);
    check(3, Some(1), all(), &[]);
    check(0, None, all(), &[]);
    check(u32::MAX, Some(3), all(), &[1, 0]);
    check(3, None, Filter { client: Some("even".into()), ..all() }, &[8, 6, 4]);
    check(9, None, Filter { errors: true, ..all() }, &[9, 8, 4, 3, 2]);
    check(9, Some(9), Filter { errors: true, client: Some("even".into()), ..all() }, &[4, 2]);
    check(1, None, Filter { model: Some("qwen3:8b".into()), ..all() }, &[9]);
    check(1, None, Filter { model: Some("default".into()), ..all() }, &[9]);
    check(1, None, Filter { tool: Some("claude-cli/1.0".into()), endpoint: Some("ollama".into()), ..all() }, &[9]);
    check(9, None, Filter { endpoint: Some("nobody".into()), ..all() }, &[]);
}

#[test]
fn a_day_is_summed_by_model_endpoint_and_client() {
    let place = Place::new();
    let (sink, store) = place.open();
    let now = SystemTime::now();
    sink.send(record());
    assert!(store.flush(), "one batch inserts the row, the next adds to it");
    sink.send(Record { outcome: Outcome::UpstreamDied, ..record() });
    sink.send(Record { client: None, input_tokens: None, first_byte: None, ..record() });
    sink.send(Record { client: None, outcome: Outcome::ClientGone, ..record() });
    sink.send(Record { started: now - 40 * DAY, ..record() });
    assert!(store.flush());
    let reader = store.reader().unwrap();
    let days = reader.totals(30, now + Duration::from_secs(1)).unwrap();
    assert_eq!(days.len(), 2, "no client is one client; 40 days ago is another month: {days:?}");
    let of = |client: Option<&str>| days.iter().find(|day| day.client.as_deref() == client).unwrap().sums;
    assert_eq!(
        of(Some("editor")),
        Sums {
            requests: 2,
            errors: 1,
            input_tokens: 2000,
            output_tokens: 400,
            cached_tokens: 1800,
            reasoning_tokens: 100,
            units: 4,
            first_bytes: 2,
            first_byte_us: 3000,
            total_us: 5_000_000,
        }
    );
    assert_eq!((of(None).requests, of(None).errors, of(None).input_tokens, of(None).first_bytes), (2, 0, 1000, 1));
    assert_eq!(reader.totals(60, now).unwrap().len(), 3);
}

#[test]
fn a_day_is_the_users_own() {
    let place = Place::new();
    let (sink, store) = place.open();
    // Every hour of three days, a change of clocks among them in much of the world.
    let start = UNIX_EPOCH + Duration::from_secs(1_774_656_000);
    for hour in 0..72 {
        sink.send(Record { started: start + Duration::from_secs(hour * 3600), ..record() });
    }
    assert!(store.close());
    let connection = Connection::open(place.file()).unwrap();
    let expected: Vec<(String, i64)> = connection
        .prepare("SELECT date(started_ms / 1000, 'unixepoch', 'localtime') AS day, count(*) FROM request GROUP BY day")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut days = Reader::open(&place.file()).unwrap().totals(5, start + 3 * DAY).unwrap();
    days.reverse();
    let days: Vec<(String, i64)> = days.into_iter().map(|day| (day.day, day.sums.requests)).collect();
    assert_eq!(days, expected);
}

#[test]
fn a_store_in_memory_is_read_like_a_file() {
    let (sink, store) = Store::in_memory(YEAR).unwrap();
    let (_, other) = Store::in_memory(YEAR).unwrap();
    (0..2000).for_each(|_| sink.send(record()));
    assert!(store.flush() && other.flush());
    let all = |store: &Store| store.reader().unwrap().recent(1000, None, &Filter::default()).unwrap().len();
    assert_eq!(all(&store), 1000);
    assert_eq!(all(&other), 0, "each has its own");
}

#[test]
fn no_sink_keeps_nothing() {
    Sink::none().send(record());
}
