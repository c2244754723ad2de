use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

const KEY: &str = "sk-or/v1+abc=DEF_~9";

fn check(text: &str, expected: &str) {
    let redactor = Redactor::new([KEY]);
    assert_eq!(String::from_utf8_lossy(&redactor.redact(text.as_bytes())), expected);
    assert_eq!(String::from_utf8_lossy(&in_pieces(&redactor, text.as_bytes(), &[1])), expected, "byte by byte");
}

/// The text as it leaves a stream that came in pieces of these lengths, over and over.
fn in_pieces(redactor: &Redactor, text: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut streaming = redactor.clone().streaming();
    let mut clean = Vec::new();
    let mut rest = text;
    for length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        clean.extend_from_slice(&streaming.push(Bytes::copy_from_slice(piece)));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    clean.extend_from_slice(&streaming.finish());
    clean
}

#[test]
fn takes_the_key_out_however_it_is_written() {
    check("wrong key sk-or/v1+abc=DEF_~9.", "wrong key [redacted].");
    check("sk-or/v1+abc=DEF_~9sk-or/v1+abc=DEF_~9", "[redacted][redacted]");
    check("?key=sk-or%2Fv1%2Babc%3DDEF_~9&", "?key=[redacted]&");
    check("?key=sk-or%2fv1%2babc%3dDEF_%7e9&", "?key=[redacted]&");
    check("%73%6B%2D%6F%72%2F%76%31%2B%61%62%63%3D%44%45%46%5F%7E%39", "[redacted]");
    check(r#"{"key":"sk-or\/v1\u002Babc\u003dDEF_~9"}"#, r#"{"key":"[redacted]"}"#);
    let whole = BASE64_STANDARD.encode(KEY);
    assert!(!String::from_utf8_lossy(&Redactor::new([KEY]).redact(whole.as_bytes())).contains(&whole[4..12]));
}

#[test]
fn finds_base64_wherever_in_it_the_key_stands() {
    for before in ["", "u", "u:", "usr", "user", "user:"] {
        for after in ["", ".", "..", "..."] {
            for engine in [&BASE64_STANDARD, &base64::prelude::BASE64_URL_SAFE] {
                let text = engine.encode(format!("{before}{KEY}{after}"));
                let clean = Redactor::new([KEY]).redact(text.as_bytes()).into_owned();
                let clean = String::from_utf8(clean).unwrap();
                let (left, right) =
                    clean.split_once(REDACTED).unwrap_or_else(|| panic!("{text} is {before}KEY{after}"));
                let neighbours = before.len().div_ceil(3) * 4 + after.len().div_ceil(3) * 4 + 4;
                assert!(left.len() + right.len() <= neighbours, "{clean}");
            }
        }
    }
}

#[test]
fn leaves_the_rest_alone() {
    for text in ["", "s", "sk-or/v1+abc=DEF_~8", "sk-or/v1", "%", "\\", "%73%6B", "SK-OR/V1+ABC=DEF_~9", "\u{1f600}"] {
        check(text, text);
    }
    let redactor = Redactor::new(["short", "", "1234567"]);
    assert!(matches!(redactor.redact(b"short 1234567"), Cow::Borrowed(_)), "too short to be told from words");
    assert_eq!(format!("{:?}", Redactor::new([KEY])), "<secrets>");
}

#[test]
fn the_longest_of_several_is_taken() {
    let redactor = Redactor::new(["key-12345678", "key-123456789abc", "other-key"]);
    let text = b"key-123456789abc key-12345678 key-123456789ab other-key";
    let expected = b"[redacted] [redacted] [redacted]9ab [redacted]";
    assert_eq!(&*redactor.redact(text), expected);
    for length in 1..20 {
        assert_eq!(in_pieces(&redactor, text, &[length]), expected);
    }
}

#[test]
fn what_looks_escaped_may_be_the_key_itself() {
    for key in ["pass%25word", "back\\slash", "back\\u0041", "ends-in-%", "ends-in-\\"] {
        let redactor = Redactor::new([key]);
        assert_eq!(&*redactor.redact(key.as_bytes()), REDACTED.as_bytes(), "{key}");
        assert_eq!(in_pieces(&redactor, key.as_bytes(), &[1]), REDACTED.as_bytes(), "{key}");
    }
}

#[test]
fn holds_back_only_what_may_be_a_key() {
    let mut streaming = Redactor::new([KEY]).streaming();
    let piece = Bytes::from_static(b"data: {\"text\":\"sk-nothing\"}\n\n");
    let passed = streaming.push(piece.clone());
    assert_eq!(passed.as_ptr(), piece.as_ptr(), "the same bytes, not a copy");
    assert_eq!(passed.len(), piece.len());
    assert_eq!(streaming.push("data: sk-or/v".into()), "data: ");
    assert_eq!(streaming.push("2".into()), "sk-or/v2");
    assert_eq!(streaming.push("sk-or/v1+abc=DEF_~".into()), "");
    assert_eq!(streaming.push("9!".into()), "[redacted]!");
    assert_eq!(streaming.push("a sk".into()), "a ");
    assert_eq!(streaming.finish(), "sk");
    assert_eq!(streaming.finish(), "");
}

/// Pieces of text of the kind that goes wrong: keys, their beginnings, and both escaped.
fn texts(keys: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    let part = (0..keys.len(), 0..6_u8, 0..40_usize, "[ -~]{0,6}").prop_map(move |(key, way, cut, filler)| {
        let key = &keys[key];
        let escaped: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        match way {
            0 => key.clone(),
            1 => key[..cut.min(key.len())].to_owned(),
            2 => escaped,
            3 => escaped[..cut.min(escaped.len())].to_owned(),
            4 => BASE64_STANDARD.encode(format!("{filler}{key}{filler}")),
            _ => filler,
        }
    });
    proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat().into_bytes())
}

fn keys_and_text() -> impl Strategy<Value = (Vec<String>, Vec<u8>)> {
    // Few letters, so that keys overlap themselves and each other.
    proptest::collection::vec("[ab%\\\\/]{8,12}|[!-~]{8,30}", 1..4)
        .prop_flat_map(|keys| texts(keys.clone()).prop_map(move |text| (keys.clone(), text)))
}

proptest! {
    #[test]
    fn pieces_make_no_difference((keys, text) in keys_and_text(), lengths in proptest::collection::vec(1..12_usize, 1..5)) {
        let redactor = Redactor::new(keys.iter().map(String::as_str));
        let whole = redactor.redact(&text);
        let pieces = in_pieces(&redactor, &text, &lengths);
        prop_assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole));
    }

    #[test]
    fn no_key_is_left((keys, text) in keys_and_text()) {
        let redactor = Redactor::new(keys.iter().map(String::as_str));
        let clean = String::from_utf8(redactor.redact(&text).into_owned()).unwrap();
        // Between two marks, that is: what a mark's own letters make with their neighbours was never the key.
        for part in clean.split(REDACTED) {
            for key in &keys {
                prop_assert!(!part.contains(key), "{} holds {}", part, key);
            }
        }
    }

    #[test]
    fn never_holds_more_than_a_key((keys, text) in keys_and_text(), length in 1..9_usize) {
        let longest = keys.iter().map(|key| key.len().max(key.len().div_ceil(3) * 4)).max().unwrap_or_default() * 6;
        let mut streaming = Redactor::new(keys.iter().map(String::as_str)).streaming();
        for piece in text.chunks(length) {
            streaming.push(Bytes::copy_from_slice(piece));
            prop_assert!(streaming.held.len() < longest);
            prop_assert!(streaming.held.is_empty() || streaming.redactor.next(&streaming.held, 0, false) == Some((0, Found::Cut)));
        }
    }
}

/// `cargo test --release --lib -- --ignored --nocapture redacting_takes`
#[test]
#[ignore = "a measurement"]
fn redacting_takes() {
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(Redactor::new(std::hint::black_box(["sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"])));
    }
    println!("made in {} ns", start.elapsed().as_nanos() / 10_000);
    let event = Bytes::from(format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "some text, ".repeat(8)
    ));
    let mut streaming = Redactor::new(["sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"]).streaming();
    let start = std::time::Instant::now();
    for _ in 0..100_000 {
        std::hint::black_box(streaming.push(event.clone()));
    }
    let each = start.elapsed().as_nanos() / 100_000;
    println!("{} bytes in {each} ns: {} MB/s", event.len(), event.len() as u128 * 1000 / each);
}
