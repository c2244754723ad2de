//! Answers: what Ollama sends, and what its clients get.

use super::*;

/// Reads every case of a fixture; a single line that is done is a whole answer too, and comes to the same.
fn check(fixture: &str) {
    for case in parsed(fixture.as_bytes()).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let expected: Vec<&str> = case["says"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let lines: Vec<String> = case["lines"].as_array().unwrap().iter().map(Value::to_string).collect();
        let stream = lines.join("\n");
        let deltas = testing::read(Ollama.decoder(), &[stream.as_bytes()]);
        assert_eq!(testing::words(&deltas), expected, "{name}");
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(testing::read(Ollama.decoder(), &bytes), deltas, "{name} byte by byte");
        if let [line] = lines.as_slice() {
            match Ollama.decode_completion(line.as_bytes()) {
                Ok(whole) => assert_eq!(whole, deltas.into_iter().collect(), "{name} as a whole"),
                // A whole that fails is an error and no text; a stream has said its text already.
                Err(error) => assert_eq!(Some(&*format!("failed {error} -")), expected.last().copied(), "{name}"),
            }
        }
    }
}

#[test]
fn what_ollama_sends() {
    check(include_str!("lines.json"));
}

#[test]
fn arguments_keep_their_text() {
    let line = br#"{"model":"m","message":{"tool_calls":[{"function":{"name":"f","arguments":{ "zebra" : 1.50, "big":12345678901234567890123 }}}]},"done":true}"#;
    let whole = Ollama.decode_completion(line).unwrap();
    let [Part::ToolCall(call)] = whole.choices[0].parts.as_slice() else { panic!("{whole:?}") };
    assert_eq!(call.arguments, r#"{ "zebra" : 1.50, "big":12345678901234567890123 }"#);
}

#[test]
fn ids_are_an_answers_own() {
    let id = |created_at: &str| {
        let line = json!({"model": "m", "created_at": created_at, "message": {"content": "a"}, "done": true});
        Ollama.decode_completion(line.to_string().as_bytes()).unwrap().id
    };
    assert_eq!(id("2026-11-22T02:12:47.1Z"), id("2026-11-22T02:12:47.1Z"));
    assert_ne!(id("2026-11-22T02:12:47.1Z"), id("2026-11-22T02:12:47.2Z"), "clients tell answers apart by their ids");
}

fn pieces() -> Vec<Delta> {
    let call = |part, id: &str, kind| Delta::ToolCall { choice: 0, part, id: id.into(), name: "f".into(), kind };
    vec![
        Delta::Start { id: "x".into(), model: "m".into(), created: Some(7) },
        Delta::Thought { choice: 0, part: 0, text: "hm".into() },
        Delta::Text { choice: 0, part: 1, text: "I ".into() },
        Delta::Text { choice: 0, part: 1, text: "look".into() },
        call(2, "a", ToolKind::Function),
        call(3, "b", ToolKind::Custom),
        Delta::Arguments { choice: 0, part: 2, json: "{\n\"b\":".into() },
        Delta::Arguments { choice: 0, part: 3, json: "raw".into() },
        Delta::Arguments { choice: 0, part: 2, json: "1.50}".into() },
        Delta::Finish { choice: 0, finish: Finish::ToolCalls },
        Delta::Usage(crate::completion::Usage { input: 3, output: 2, ..Default::default() }),
    ]
}

const END: &str = r#""total_duration":0,"load_duration":0,"prompt_eval_count":3,"prompt_eval_duration":0,"eval_count":2,"eval_duration":0}"#;

#[test]
fn clients_get_lines() {
    let request = CompletionRequest { model: "asked".into(), ..Default::default() };
    let stream = testing::write(Ollama.encoder(Operation::Chat, &request), pieces());
    let head = r#"{"model":"m","created_at":"1970-01-01T00:00:07Z","message":{"role":"assistant","#;
    let calls = r#"[{"id":"a","function":{"index":0,"name":"f","arguments":{ "b":1.50}}},{"id":"b","function":{"index":1,"name":"f","arguments":{"input":"raw"}}}]"#;
    let expected = [
        format!(r#"{head}"content":"","thinking":"hm"}},"done":false}}"#),
        format!(r#"{head}"content":"I "}},"done":false}}"#),
        format!(r#"{head}"content":"look"}},"done":false}}"#),
        format!(r#"{head}"content":"","tool_calls":{calls}}},"done":false}}"#),
        format!(r#"{head}"content":""}},"done":true,"done_reason":"stop",{END}"#),
    ];
    assert_eq!(String::from_utf8(stream).unwrap().lines().collect::<Vec<_>>(), expected);
    let whole = Ollama.encode_completion(Operation::Chat, &request, &pieces().into_iter().collect());
    let expected = format!(
        r#"{head}"content":"I look","thinking":"hm","tool_calls":{calls}}},"done":true,"done_reason":"stop",{END}"#
    );
    assert_eq!(String::from_utf8(whole.to_vec()).unwrap(), expected);
}

#[test]
fn clients_of_generate_get_theirs() {
    let request = CompletionRequest { model: "asked".into(), ..Default::default() };
    let stream = testing::write(Ollama.encoder(Operation::Completion, &request), pieces());
    let lines: Vec<Value> = String::from_utf8(stream).unwrap().lines().map(|line| parsed(line.as_bytes())).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line["response"].as_str().unwrap()).collect();
    assert_eq!(texts, ["", "I ", "look", "", ""]);
    assert_eq!(lines[0]["thinking"], "hm");
    let whole = parsed(&Ollama.encode_completion(Operation::Completion, &request, &pieces().into_iter().collect()));
    assert_eq!(
        (&whole["response"], &whole["done"], &whole["done_reason"]),
        (&json!("I look"), &json!(true), &json!("stop"))
    );
}

#[test]
fn failures_are_a_line() {
    let mut bytes = Vec::new();
    let failed = Delta::Failed { message: "no\nroom".into(), code: None };
    Ollama.encoder(Operation::Chat, &CompletionRequest::default()).encode(failed, &mut bytes);
    assert_eq!(String::from_utf8(bytes).unwrap(), "{\"error\":\"no\\nroom\"}\n");
}

#[test]
fn a_request_without_turns_loads() {
    let check = |operation, body: &str, reason: Option<&str>| {
        let request = Ollama.decode_request(operation, "", body.as_bytes()).unwrap();
        let answer = Ollama::answer_to_load(operation, &request, 7).map(|bytes| parsed(&bytes));
        assert_eq!(answer.as_ref().map(|answer| answer["done_reason"].as_str().unwrap()), reason, "{body}");
    };
    check(Operation::Chat, r#"{"model":"m","messages":[]}"#, Some("load"));
    check(Operation::Chat, r#"{"model":"m"}"#, Some("load"));
    check(Operation::Completion, r#"{"model":"m","system":"s","prompt":""}"#, Some("load"));
    check(Operation::Completion, r#"{"model":"m","keep_alive":0}"#, Some("unload"));
    check(Operation::Completion, r#"{"model":"m","prompt":"a"}"#, None);
}
