//! What is seen, what is refused, and that nothing but the name changes.

use proptest::prelude::*;

use super::*;

type Seen = Result<(Option<&'static str>, Option<bool>), PeekError>;

#[expect(clippy::needless_pass_by_value, reason = "one line a case reads better without a borrow in each")]
fn check(body: &str, expected: Seen) {
    let seen = json(body.as_bytes());
    let seen = seen.as_ref().map(|peek| (peek.model.as_deref(), peek.stream)).map_err(Clone::clone);
    assert_eq!(seen, expected, "{body}");
}

#[test]
fn sees_model_and_stream() {
    check("{}", Ok((None, None)));
    check(r#" { "model" : "m" , "stream" : true } "#, Ok((Some("m"), Some(true))));
    check(r#"{"stream":false,"x":[1,{"model":"no"}],"model":"m"}"#, Ok((Some("m"), Some(false))));
    check(r#"{"model":"a\"b\\"}"#, Ok((Some("a\"b\\"), None)));
    check(r#"{"model":"\u0071wen"}"#, Ok((Some("qwen"), None)));
    check(r#"{"mod\u0065l":"m"}"#, Ok((Some("m"), None)));
    check(r#"{"model":null,"stream":null}"#, Ok((None, None)));
    check(r#"{"model":""}"#, Ok((None, None)));
    check(r#"{"temperature":1e-5,"n":-1,"model":"m"}"#, Ok((Some("m"), None)));
}

#[test]
fn the_name_to_show() {
    let check = |body: &str, expected: Result<&str, PeekError>| {
        assert_eq!(shown(body.as_bytes()), expected.map(str::to_owned), "{body}");
    };
    check(r#"{"model":"m","verbose":true}"#, Ok("m"));
    check(r#"{"name":"m"}"#, Ok("m"));
    check(r#"{"model":"m","name":"n"}"#, Ok("m"));
    check("{}", Ok(""));
    check(r#"{"name":1}"#, Err(PeekError::WrongType("name", "a string")));
    check("[]", Err(PeekError::NotAnObject));
}

#[test]
fn refuses_what_two_readers_may_read_differently() {
    check(r#"{"model":"a","model":"b"}"#, Err(PeekError::Repeated("model")));
    check(r#"{"model":"a","Model":"b"}"#, Err(PeekError::Repeated("model")));
    check(r#"{"model":"a","mod\u0065l":"b"}"#, Err(PeekError::Repeated("model")));
    check(r#"{"stream":true,"stream":false}"#, Err(PeekError::Repeated("stream")));
    check(r#"{"ſtream":true}"#, Err(PeekError::Repeated("stream")));
    check(r#"{"model":7}"#, Err(PeekError::WrongType("model", "a string")));
    check(r#"{"stream":"yes"}"#, Err(PeekError::WrongType("stream", "true or false")));
    check(r#"{"model":"a\u0000b"}"#, Err(PeekError::BadName));
    check(r#"{"model":"a\r\nb"}"#, Err(PeekError::BadName));
    check(r#"{"model":"\ud800"}"#, Err(PeekError::BadName));
    check(&format!(r#"{{"model":"{}"}}"#, "m".repeat(513)), Err(PeekError::BadName));
}

#[test]
fn refuses_what_is_no_object() {
    check("", Err(PeekError::NotAnObject));
    check("[]", Err(PeekError::NotAnObject));
    check("{", Err(PeekError::Broken(1)));
    check(r#"{"a":1}x"#, Err(PeekError::Broken(7)));
    check(r#"{"a":1,}"#, Err(PeekError::Broken(7)));
    check(r#"{"a" 1}"#, Err(PeekError::Broken(5)));
    check(r#"{"a":"unended}"#, Err(PeekError::Broken(14)));
    check(&format!(r#"{{"a":{}"#, "[".repeat(10_000)), Err(PeekError::TooDeep));
}

#[test]
fn only_the_name_changes() {
    let renamed = |body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let peek = json(&body).unwrap();
        String::from_utf8(peek.renamed(&body, "n\"ew").concat()).unwrap()
    };
    assert_eq!(renamed(r#"{ "x":1, "model" : "old" ,"y":{}}"#), r#"{ "x":1, "model" : "n\"ew" ,"y":{}}"#);
    assert_eq!(renamed(r#"{"model":null}"#), r#"{"model":"n\"ew"}"#);
    assert_eq!(renamed("{}"), r#"{"model":"n\"ew"}"#);
    assert_eq!(renamed(r#"{"a":1}"#), r#"{"model":"n\"ew","a":1}"#);
}

#[test]
fn forms() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\0\r\n--b\r\n\
                Content-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--b--\r\n";
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let peek = form(&bytes, "b").unwrap();
    assert_eq!(peek.model.as_deref(), Some("whisper"));
    assert_eq!(peek.renamed(&bytes, "big").concat(), body.replace("whisper", "big").into_bytes());
    assert_eq!(form(b"", "b"), Err(PeekError::BrokenForm));
    assert_eq!(form(b"--b--", "b"), Err(PeekError::NoModelPart));
    let twice = body.replace("name=\"file\"; filename=\"a.wav\"", "name=\"model\"");
    assert_eq!(form(twice.as_bytes(), "b"), Err(PeekError::Repeated("model")));
}

#[test]
fn the_path_says_it_all() {
    let call = |path: &str| gemini::path::call(path).unwrap();
    let body = Bytes::from_static(b" {\"model\":\"models/a\", \"stream\":7, \"contents\":[]} ");
    let peek = path(&body, call("/v1beta/models/a:streamGenerateContent?alt=sse")).unwrap();
    assert_eq!((peek.model.as_deref(), peek.stream), (Some("a"), Some(true)));
    assert_eq!(peek.renamed(&body, "a").concat(), body, "the same name, the same bytes");
    assert_eq!(peek.renamed(&body, "b").concat(), br#"{"model":"models/b","stream":7,"contents":[]}"#);
    let refused = |body: &str| path(body.as_bytes(), call("/v1/models/m:countTokens")).unwrap_err();
    assert_eq!(refused("[]"), PeekError::NotAnObject);
    assert_eq!(refused("{}x"), PeekError::Broken(2));
    assert_eq!(refused(&format!(r#"{{"a":{}"#, "[".repeat(10_000))), PeekError::TooDeep);
    let name = format!("/v1beta/models/{}:countTokens", "m".repeat(513));
    assert_eq!(path(b"{}", call(&name)), Err(PeekError::BadName));
    assert_eq!(path(b"{}", call("/v1beta/models/a%0Ab:countTokens")), Err(PeekError::BadName));
}

proptest! {
    #[test]
    fn agrees_with_a_whole_parser(value in object(), model in "[a-z:/. é\"\\\\]{1,20}") {
        let mut object = value;
        object.insert("model".into(), model.clone().into());
        let body = Bytes::from(serde_json::Value::Object(object.clone()).to_string());
        let peek = json(&body).unwrap();
        prop_assert_eq!(peek.model.as_deref(), Some(&*model));
        let renamed = peek.renamed(&body, "other").concat();
        object.insert("model".into(), "other".into());
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&renamed).unwrap(), serde_json::Value::Object(object));
    }

    #[test]
    fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = json(&body);
        let _ = form(&body, "b");
    }

    #[test]
    fn never_panics_near_json(body in r#"[{}\[\]",:\\a-e0-9 \n]{0,80}"#) {
        let _ = json(body.as_bytes());
    }
}

fn object() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i32>().prop_map(|n| (f64::from(n) / 8.0).into()),
        ".{0,12}".prop_map(|text: String| text.into()),
    ];
    let value = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            proptest::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    });
    proptest::collection::vec(("[a-d]{1,3}", value), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #[test]
    fn a_string_ends_at_its_first_quote_that_is_not_escaped(text in "[a-z\"\\\\é\u{80}]{0,40}[a-z]{0,90}[a-z\"\\\\]{0,20}") {
        let body = format!("\"{text}");
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        prop_assert_eq!(string(body.as_bytes(), 0), end.map(|at| 0..at + 2).ok_or(PeekError::Broken(body.len())));
    }
}
