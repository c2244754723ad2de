//! Answers, whole and as streams, both ways.

use serde_json::{Value, json};

use super::*;
use crate::protocol::codec::testing;

fn answer() -> Completion {
    OpenAiResponses.decode_completion(WHOLE).unwrap()
}

#[test]
fn reads_a_whole_answer() {
    let state = OpaqueState { kind: StateKind::OpenAi, id: Some("rs_1".into()), value: "Z0FB".into() };
    let parts = vec![
        Part::Thought(Thought { text: "Need weather.\n\nIn Oslo.".into(), state: Some(state) }),
        Part::text("Let me look."),
        Part::Refusal("Not that.".into()),
        call("call_1", "get_weather", "{\"city\": \"Oslo\"}", ToolKind::Function),
        call("call_2", "apply_patch", "*** Begin", ToolKind::Custom),
    ];
    let token = json!({"token": "Let", "bytes": [76, 101, 116], "logprob": -0.5, "top_logprobs": []});
    let usage = Usage { input: 100, output: 42, cache_read: Some(90), cache_write: Some(0), reasoning: Some(7) };
    let logprobs = Some(json!({"content": [token]}));
    assert_eq!(
        answer(),
        Completion {
            id: "resp_1".into(),
            model: "gpt-x".into(),
            created: Some(1_795_313_568),
            choices: vec![Choice { parts, finish: Some(Finish::ToolCalls), logprobs }],
            usage: Some(usage),
            service_tier: None,
        }
    );
}

#[test]
fn reads_a_stream() {
    let folded: Completion = testing::read(OpenAiResponses.decoder(), &[STREAM]).into_iter().collect();
    assert_eq!(folded, answer(), "a whole answer is the fold of its stream");
}

/// Hosts differ in how much of the ladder they climb: what is told only once is read there.
#[test]
fn reads_lazy_streams() {
    let events: Vec<&str> = std::str::from_utf8(STREAM).unwrap().split_inclusive("\n\n").collect();
    let without = |left_out: fn(&str) -> bool| {
        let bytes: String = events.iter().filter(|event| !left_out(event)).copied().collect();
        testing::read(OpenAiResponses.decoder(), &[bytes.as_bytes()]).into_iter().collect::<Completion>()
    };
    assert_eq!(without(|event| event.contains(".delta\n")).choices, answer().choices, "done events only");
    assert_eq!(without(|event| event.contains("output_item.added")).choices[0].parts.len(), 5, "nothing is announced");
    let last = without(|event| !event.contains("response.completed"));
    assert_eq!(last.choices, answer().choices, "the last response only");
    let items = without(|event| !event.contains("output_item.done") && !event.contains("response.completed"));
    assert_eq!(items.choices, answer().choices, "whole items only");
}

#[test]
fn reads_ends() {
    let check = |fields: Value, expected: Finish| {
        let mut body = json!({"id": "r", "model": "m", "output": []});
        let (Value::Object(whole), Value::Object(fields)) = (&mut body, fields) else { unreachable!() };
        whole.extend(fields);
        let whole = OpenAiResponses.decode_completion(body.to_string().as_bytes()).unwrap();
        assert_eq!(whole.choices[0].finish, Some(expected), "{body}");
    };
    let call = json!([{"type": "function_call", "name": "f", "arguments": null}]);
    check(json!({"status": "completed"}), Finish::Stop);
    check(json!({"status": "completed", "output": call}), Finish::ToolCalls);
    check(json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}), Finish::Length);
    check(json!({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}), Finish::Filtered);
}

#[test]
fn reads_failures() {
    let failed = |stream: &str| match testing::read(OpenAiResponses.decoder(), &[stream.as_bytes()]).pop() {
        Some(Delta::Failed { message, code }) => (message, code.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let told = |message: &str, code: &str| (message.to_owned(), code.to_owned());
    assert_eq!(
        failed("data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"busy\",\"param\":null}\n\n"),
        told("busy", "server_error")
    );
    assert_eq!(
        failed(
            "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"}}}\n\n"
        ),
        told("slow down", "rate_limit_exceeded")
    );
    assert_eq!(failed("data: {\"error\":\"out of memory\"}\n\n"), told("out of memory", ""));
    assert!(failed("").0.contains("sent no answer"));
    assert!(failed("data: nonsense\n\n").0.contains("cannot be read"));
    let whole = |body: &str| OpenAiResponses.decode_completion(body.as_bytes()).unwrap_err().to_string();
    assert_eq!(whole(r#"{"status":"failed","error":{"code":"server_error","message":"broke"}}"#), "broke");
    assert_eq!(whole(r#"{"status":"completed"}"#), "the answer has no `output`");
}
