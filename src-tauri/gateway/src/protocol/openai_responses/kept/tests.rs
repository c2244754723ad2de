//! Turns said again, pages of items, ends of streams.

use bytes::Bytes;
use serde_json::{Value, json};

use super::ending::{Ending, whole};
use super::page::Page;
use super::*;

fn check_joined(before: &[(&str, &str, Again)], own: Option<&str>, expected: &str) {
    let turns = before.iter().map(|(input, response, again)| Turn {
        input: input.as_bytes(),
        response: response.as_bytes(),
        again: *again,
    });
    let joined = joined(turns, own.map(str::as_bytes)).expect("what was kept can be read");
    assert_eq!(String::from_utf8(joined).unwrap(), expected, "{before:?}, {own:?}");
}

#[test]
fn turns_come_in_order_and_stay_as_they_were() {
    use Again::{AsItWas, ToAnother};
    let user = r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"a\nb"}]}"#;
    check_joined(&[], None, "[]");
    check_joined(&[], Some(r#""a\nb""#), &format!("[{user}]"));
    check_joined(&[(r#""a\nb""#, r#"{"output":[]}"#, AsItWas)], None, &format!("[{user}]"));
    check_joined(
        &[
            (r#"[ {"n": 1.50} ]"#, r#"{"id":"r","output":[{"type":"reasoning","id":"rs"},{ "n":2 }],"x":1}"#, AsItWas),
            (r#"[{"n":3}]"#, r#"{"output":[{"n":4}]}"#, AsItWas),
        ],
        Some(r#"[{"n":5}]"#),
        r#"[{"n": 1.50},{"type":"reasoning","id":"rs"},{ "n":2 },{"n":3},{"n":4},{"n":5}]"#,
    );
    check_joined(
        &[(
            r#"[{"role":"user","content":"x"}]"#,
            r#"{"output":[{"type":"reasoning","id":"rs","encrypted_content":"e"},
                {"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{}"}]}"#,
            ToAnother,
        )],
        Some(r#"[{"type":"function_call_output","id":"kept","call_id":"c","output":"1"}]"#),
        concat!(
            r#"[{"role":"user","content":"x"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},"#,
            r#"{"type":"function_call_output","id":"kept","call_id":"c","output":"1"}]"#
        ),
    );
}

#[test]
fn what_is_no_input_is_not_made_one() {
    for (input, response) in [("7", "{}"), ("{", "{}"), ("[]", "7"), ("[]", r#"{"output":7}"#)] {
        let turn = Turn { input: input.as_bytes(), response: response.as_bytes(), again: Again::AsItWas };
        assert_eq!(joined([turn], None), None, "{input} {response}");
    }
}

/// A page's texts and whether there is more.
fn check_page(query: &str, expected: Result<(&str, bool), &str>) {
    let input =
        json!(["a", "b", "c"].map(|text| json!({"role": "user", "content": text, "id": format!("msg_{text}")})));
    let page = Page::of(query).and_then(|page| page.encode("resp_1", input.to_string().as_bytes()).unwrap());
    let told = page.map(|bytes| {
        let page: Value = serde_json::from_slice(&bytes).unwrap();
        let data = page["data"].as_array().unwrap();
        let texts: String = data.iter().map(|item| item["content"][0]["text"].as_str().unwrap()).collect();
        let ends = (data.first().map(|item| &item["id"]), data.last().map(|item| &item["id"]));
        assert_eq!(ends.0.unwrap_or(&Value::Null), &page["first_id"], "{page}");
        assert_eq!(ends.1.unwrap_or(&Value::Null), &page["last_id"], "{page}");
        (texts, page["has_more"] == true)
    });
    assert_eq!(told, expected.map(|(texts, more)| (texts.to_owned(), more)).map_err(str::to_owned), "{query}");
}

#[test]
fn pages() {
    check_page("", Ok(("cba", false)));
    check_page("order=asc", Ok(("abc", false)));
    check_page("order=asc&limit=2", Ok(("ab", true)));
    check_page("order=asc&limit=2&after=msg_b", Ok(("c", false)));
    check_page("limit=1&after=msg_b&include%5B%5D=x", Ok(("a", false)));
    check_page("after=msg_a", Ok(("", false)));
    check_page("after=nope", Err("there is no item `nope` to list after"));
    check_page("limit=0", Err("`limit` is a number from 1 to 100"));
    check_page("limit=101", Err("`limit` is a number from 1 to 100"));
    check_page("order=up", Err("`order` is asc or desc"));
}

#[test]
fn items_get_what_a_list_needs() {
    #[track_caller]
    fn check(input: &Value, expected: &Value) {
        let page = Page::of("order=asc").unwrap();
        let bytes = page.encode("resp_1", input.to_string().as_bytes()).unwrap().unwrap();
        let mut page: Value = serde_json::from_slice(&bytes).unwrap();
        let mut items = page["data"].take();
        for item in items.as_array_mut().unwrap() {
            let id = item.as_object_mut().unwrap().shift_remove("id").unwrap();
            let prefix = id.as_str().unwrap().split('_').next().unwrap();
            item["prefix"] = prefix.into();
        }
        assert_eq!(&items, expected, "{input}");
    }
    let said = |role: &str, part: Value| json!([{"type": "message", "role": role, "content": [part], "status": "completed", "prefix": "msg"}]);
    check(&json!("hi"), &said("user", json!({"type": "input_text", "text": "hi"})));
    check(
        &json!([{"role": "assistant", "content": "hi"}]),
        &json!([{"role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}],
            "type": "message", "status": "completed", "prefix": "msg"}]),
    );
    check(
        &json!([{"type": "function_call_output", "call_id": "c", "output": "1"}]),
        &json!([{"type": "function_call_output", "call_id": "c", "output": "1", "prefix": "fc"}]),
    );
}

const STREAM: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\"}}\n\n",
    ": a comment\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"\\\"response.completed\\\"\"}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"previous_response_id\":null,\"output\":[ 1 ]}}\n\n",
);

#[test]
fn a_stream_ends_with_its_response_however_it_is_split() {
    for at in 0..STREAM.len() {
        let (first, second) = STREAM.split_at(at);
        let (mut ending, mut passed) = (Ending::new(None), Vec::new());
        for piece in [first, second] {
            passed.extend_from_slice(&ending.push(Bytes::copy_from_slice(piece.as_bytes())).unwrap());
        }
        assert!(passed == STREAM.as_bytes() && ending.finish().is_empty(), "no byte is changed");
        let ended = ending.ended().expect("it says its response");
        assert_eq!(ended.id, "r");
        assert_eq!(
            &*ended.response, br#"{"id":"r","status":"completed","previous_response_id":null,"output":[ 1 ]}"#,
            "kept as it was written, split at {at}"
        );
        let (mut ending, mut passed) = (Ending::new(Some("p".into())), Vec::new());
        for piece in [first, second] {
            passed.extend_from_slice(&ending.push(Bytes::copy_from_slice(piece.as_bytes())).unwrap());
        }
        passed.extend_from_slice(&ending.finish());
        let text = String::from_utf8(passed).unwrap();
        assert_eq!(text.matches("\"previous_response_id\":\"p\"").count(), 2, "each response names it: {text}");
        assert!(text.contains("\"delta\":\"\\\"response.completed\\\"\"}\n\n"), "the rest is as it was: {text}");
        let ended = ending.ended().expect("it says its response");
        assert!(
            ended.response.starts_with(br#"{"id":"r""#) && text.contains(std::str::from_utf8(&ended.response).unwrap())
        );
    }
}

#[test]
fn what_one_can_go_on_from() {
    for (response, kept) in [
        (r#"{"id":"r","status":"completed"}"#, true),
        (r#"{"id":"r","status":"incomplete"}"#, true),
        (r#"{"id":"r","status":"failed"}"#, false),
        (r#"{"id":"r","status":"in_progress"}"#, false),
        (r#"{"id":"","status":"completed"}"#, false),
        (r#"{"status":"completed"}"#, false),
        (r#"{"error":{}}"#, false),
        ("", false),
    ] {
        assert_eq!(whole(Bytes::from_static(response.as_bytes())).is_some(), kept, "{response}");
    }
}
