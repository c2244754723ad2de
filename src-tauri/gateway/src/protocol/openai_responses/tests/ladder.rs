//! The events that a client gets, rung by rung, and the response that ends them.

use serde_json::{Value, json};

use super::*;
use crate::protocol::codec::testing;

/// The events of a stream.
fn events(request: &CompletionRequest, deltas: Vec<Delta>) -> Vec<Value> {
    let bytes = testing::write(OpenAiResponses.encoder(Operation::Chat, request), deltas);
    parsed(bytes)
}

fn parsed(bytes: Vec<u8>) -> Vec<Value> {
    let text = String::from_utf8(bytes).unwrap();
    text.split_terminator("\n\n")
        .enumerate()
        .map(|(number, event)| {
            let (name, data) = event.split_once("\ndata: ").unwrap();
            let value: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name.strip_prefix("event: "), value["type"].as_str());
            assert_eq!(value["sequence_number"], number, "events are numbered without a gap");
            value
        })
        .collect()
}

fn completion(parts: Vec<Part>, finish: Finish) -> Completion {
    Completion {
        id: "resp_1".into(),
        model: "m".into(),
        created: Some(7),
        choices: vec![Choice { parts, finish: Some(finish), logprobs: None }],
        usage: Some(Usage { input: 3, output: 2, ..Usage::default() }),
        service_tier: None,
    }
}

/// The names of a stream's events, without `response.` and what every stream has.
fn check(request: &CompletionRequest, parts: Vec<Part>, expected: &[&str]) -> Vec<Value> {
    let completion = completion(parts, Finish::Stop);
    let seen = events(request, testing::pieces(&completion));
    let mut names: Vec<&str> =
        seen.iter().filter_map(|event| event["type"].as_str()?.strip_prefix("response.")).collect();
    names.dedup();
    assert_eq!(names[..2], ["created", "in_progress"]);
    assert_eq!(names[names.len() - 1], "completed");
    assert_eq!(&names[2..names.len() - 1], expected);
    let whole = OpenAiResponses.encode_completion(Operation::Chat, request, &completion);
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(seen[seen.len() - 1]["response"], whole, "the last event holds the whole response");
    let done: Vec<&Value> =
        seen.iter().filter(|event| event["type"] == "response.output_item.done").map(|event| &event["item"]).collect();
    assert_eq!(json!(done), whole["output"], "each item is told whole when it is done");
    seen
}

#[test]
fn rungs() {
    let shown =
        CompletionRequest { reasoning: Some(Reasoning { include: Some(true), ..Reasoning::default() }), ..asked() };
    let thought = || vec![Part::Thought(Thought { text: "hm".into(), state: None })];
    check(&asked(), vec![], &[]);
    check(
        &asked(),
        vec![Part::text("a"), Part::text("b")],
        &[
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
        ],
    );
    check(
        &shown,
        thought(),
        &[
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
        ],
    );
    check(
        &asked(),
        thought(),
        &[
            "output_item.added",
            "content_part.added",
            "reasoning_text.delta",
            "reasoning_text.done",
            "content_part.done",
            "output_item.done",
        ],
    );
    check(
        &asked(),
        vec![Part::Refusal("no".into())],
        &[
            "output_item.added",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
        ],
    );
    check(
        &asked(),
        vec![call("c", "now", "", ToolKind::Function)],
        &["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"],
    );
    let custom =
        &["output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"];
    check(&asked(), vec![call("c", "f", "text", ToolKind::Custom)], custom);
}

#[test]
fn calls_come_back_under_the_clients_names() {
    let parts = vec![
        call("c1", "mcp__files__read", "{\"path\":\"a\"}", ToolKind::Function),
        call("c2", "apply_patch", "{\"input\":\"*** Begin\"}", ToolKind::Function),
    ];
    let seen = check(
        &codex(),
        parts,
        &[
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
        ],
    );
    let output = &seen[seen.len() - 1]["response"]["output"];
    assert_eq!(
        *output,
        json!([
            {"id": "fc_1_0", "type": "function_call", "status": "completed", "call_id": "c1", "name": "read",
                "arguments": "{\"path\":\"a\"}", "namespace": "mcp__files"},
            {"id": "fc_1_1", "type": "custom_tool_call", "status": "completed", "call_id": "c2",
                "name": "apply_patch", "input": "*** Begin"},
        ])
    );
}

#[test]
fn a_response_holds_what_clients_need() {
    let response = |request: &CompletionRequest, finish| {
        let body = OpenAiResponses.encode_completion(Operation::Chat, request, &completion(vec![], finish));
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let whole = response(&codex(), Finish::Stop);
    let sent: Value = serde_json::from_slice(CODEX).unwrap();
    for field in ["tools", "tool_choice", "parallel_tool_calls", "reasoning", "store", "prompt_cache_key", "text"] {
        assert_eq!(whole[field], sent[field], "{field}");
    }
    assert_eq!((&whole["id"], &whole["created_at"], &whole["model"]), (&json!("resp_1"), &json!(7), &json!("m")));
    assert_eq!(
        whole["usage"],
        json!({"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5})
    );
    let plain = response(&asked(), Finish::Length);
    assert_eq!((&plain["tools"], &plain["tool_choice"]), (&json!([]), &json!("auto")));
    assert_eq!(plain["status"], "incomplete");
    assert_eq!(plain["incomplete_details"], json!({"reason": "max_output_tokens"}));
    let filtered = response(&asked(), Finish::Filtered);
    assert_eq!(filtered["incomplete_details"], json!({"reason": "content_filter"}));
}

#[test]
fn a_stream_that_breaks_says_so() {
    let mut bytes = Vec::new();
    let mut encoder = OpenAiResponses.encoder(Operation::Chat, &asked());
    encoder.encode(Delta::Start { id: "resp_1".into(), model: "m".into(), created: None }, &mut bytes);
    encoder.encode(Delta::Failed { message: "lost".into(), code: Some("rate_limit_exceeded".into()) }, &mut bytes);
    let seen = parsed(bytes);
    assert_eq!(seen[2]["type"], "response.failed");
    assert_eq!(seen[2]["response"]["status"], "failed");
    assert_eq!(seen[2]["response"]["error"], json!({"code": "rate_limit_exceeded", "message": "lost"}));
}

#[test]
fn log_probabilities_go_with_their_text() {
    let token = json!({"token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": []});
    let mut completion = completion(vec![Part::text("a")], Finish::Stop);
    completion.choices[0].logprobs = Some(json!({"content": [token]}));
    let mut deltas = testing::pieces(&completion);
    let told = deltas.iter().position(|delta| matches!(delta, Delta::Logprobs { .. })).unwrap();
    let told = deltas.remove(told);
    deltas.insert(2, told);
    let bytes = testing::write(OpenAiResponses.encoder(Operation::Chat, &asked()), deltas);
    let folded: Completion = testing::read(OpenAiResponses.decoder(), &[&bytes]).into_iter().collect();
    assert_eq!(folded.choices, completion.choices);
    let whole = testing::whole(&OpenAiResponses, &OpenAiResponses, &asked(), &completion).unwrap();
    assert_eq!(whole.choices, completion.choices);
}
