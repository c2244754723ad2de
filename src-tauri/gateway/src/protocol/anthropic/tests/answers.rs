//! Answers, whole and as streams, both ways.

use serde_json::{Value, json};

use super::*;
use crate::protocol::codec::testing;

fn answer() -> Completion {
    Anthropic.decode_completion(WHOLE).unwrap()
}

#[test]
fn reads_a_whole_answer() {
    let state = OpaqueState { kind: StateKind::AnthropicSignature, id: None, value: "c2ln".into() };
    let parts = vec![
        Part::Thought(Thought { text: "Need weather.".into(), state: Some(state) }),
        Part::text("Let me look."),
        call("toolu_1", "get_weather", "{\"city\": \"Oslo\"}"),
        call("toolu_2", "now", "{}"),
    ];
    let usage = Usage { input: 100, output: 42, cache_read: Some(90), cache_write: Some(0), reasoning: Some(7) };
    assert_eq!(
        answer(),
        Completion {
            id: "msg_1".into(),
            model: "claude-x".into(),
            created: None,
            choices: vec![Choice { parts, finish: Some(Finish::ToolCalls), logprobs: None }],
            usage: Some(usage),
            service_tier: None,
        }
    );
}

#[test]
fn reads_a_stream() {
    let folded: Completion = testing::read(Anthropic.decoder(), &[STREAM]).into_iter().collect();
    assert_eq!(folded, answer(), "a whole answer is the fold of its stream");
}

#[test]
fn reads_ends() {
    let check = |reason: &str, expected: Finish| {
        let body = json!({"content": [], "stop_reason": reason, "stop_sequence": "END"}).to_string();
        let whole = Anthropic.decode_completion(body.as_bytes()).unwrap();
        assert_eq!(whole.choices[0].finish, Some(expected.clone()), "{reason}");
        let (word, text) = answer::stop(Some(&expected), false);
        assert_eq!(finish_again(word, text), expected);
    };
    fn finish_again(word: &str, text: Option<String>) -> Finish {
        answer::finish(word, text)
    }
    check("end_turn", Finish::Stop);
    check("pause_turn", Finish::Stop);
    check("something new", Finish::Stop);
    check("tool_use", Finish::ToolCalls);
    check("max_tokens", Finish::Length);
    check("model_context_window_exceeded", Finish::Length);
    check("refusal", Finish::Filtered);
    check("stop_sequence", Finish::StopSequence(Some("END".into())));
}

#[test]
fn reads_failures() {
    let failed = |stream: &str| match testing::read(Anthropic.decoder(), &[stream.as_bytes()]).pop() {
        Some(Delta::Failed { message, code }) => (message, code),
        other => panic!("{other:?}"),
    };
    let (message, code) = failed(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
    );
    assert_eq!((message.as_str(), code.as_deref()), ("busy", Some("overloaded_error")));
    assert!(failed("data: {\"type\":\"message_start\",\"message\":{}}\n\n").0.contains("broke off"));
    assert!(failed("").0.contains("sent no answer"));
    assert!(failed("data: nonsense\n\n").0.contains("cannot be read"));
    assert_eq!(failed("data: {\"error\":\"out of memory\"}\n\n").0, "out of memory");
    let error = Anthropic.decode_completion(br#"{"error":{"message":"no slot"}}"#).unwrap_err();
    assert_eq!(error.to_string(), "no slot");
    assert!(Anthropic.decode_error(br#"{"error":{"message":"prompt is too long: 9 > 8"}}"#).context_exceeded);
    let refused = json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "no"}}});
    let completion: Completion =
        testing::read(Anthropic.decoder(), &[format!("data: {refused}\n\n").as_bytes()]).into_iter().collect();
    assert_eq!(completion.choices[0].parts, [Part::Refusal("no".into())]);
    assert_eq!(completion.choices[0].finish, Some(Finish::Filtered), "a reason to end is an end");
}

/// The events of a stream, each as its type and what it says.
fn events(request: &CompletionRequest, deltas: Vec<Delta>) -> Vec<Value> {
    let bytes = testing::write(Anthropic.encoder(Operation::Chat, request), deltas);
    let text = String::from_utf8(bytes).unwrap();
    text.split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once("\ndata: ").unwrap();
            let value: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name.strip_prefix("event: "), value["type"].as_str());
            value
        })
        .collect()
}

#[test]
fn writes_a_stream() {
    let seen = events(&asked(), testing::interleaved(&answer()));
    let line: Vec<String> = seen
        .iter()
        .map(|event| match event["type"].as_str().unwrap() {
            "content_block_start" => {
                format!("+{} {}", event["index"], event["content_block"]["type"].as_str().unwrap())
            }
            "content_block_delta" => format!("{}", event["index"]),
            "content_block_stop" => format!("-{}", event["index"]),
            name => name.to_owned(),
        })
        .collect();
    let mut line = line;
    line.dedup();
    assert_eq!(
        line,
        [
            "message_start",
            "+0 thinking",
            "0",
            "-0",
            "+1 text",
            "1",
            "-1",
            "+2 tool_use",
            "2",
            "-2",
            "+3 tool_use",
            "3",
            "-3",
            "message_delta",
            "message_stop"
        ]
    );
    let end = &seen[seen.len() - 2];
    assert_eq!(end["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!(
        end["usage"],
        json!({"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 90,
            "output_tokens": 42, "output_tokens_details": {"thinking_tokens": 7}})
    );
}

#[test]
fn a_stream_starts_with_what_is_known() {
    let start = Delta::Start { id: "x".into(), model: "m".into(), created: None };
    let counted = Delta::Usage(Usage { input: 5, ..Usage::default() });
    let text = Delta::Text { choice: 0, part: 0, text: "a".into() };
    let seen = events(&asked(), vec![start.clone(), counted, text]);
    assert_eq!(seen[0]["message"]["usage"]["input_tokens"], 5);
    let seen = events(&asked(), vec![start.clone()]);
    let names: Vec<&str> = seen.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"], "an empty answer is an answer");
    let failed = Delta::Failed { message: "lost".into(), code: Some("overloaded_error".into()) };
    let mut bytes = Vec::new();
    Anthropic.encoder(Operation::Chat, &asked()).encode(failed, &mut bytes);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"lost\"}}\n\n"
    );
}

#[test]
fn thoughts_can_be_hidden() {
    let request =
        CompletionRequest { reasoning: Some(Reasoning { include: Some(false), ..Reasoning::default() }), ..asked() };
    let mut completion = answer();
    let whole = |completion: &Completion| {
        let body = Anthropic.encode_completion(Operation::Chat, &request, completion);
        serde_json::from_slice::<Value>(&body).unwrap()["content"][0].take()
    };
    let signed = json!({"type": "thinking", "thinking": "", "signature": "c2ln"});
    assert_eq!(whole(&completion), signed);
    assert_eq!(
        testing::folded(&Anthropic, &Anthropic, &request, testing::pieces(&completion)).choices[0].parts.len(),
        4
    );
    completion.choices[0].parts[0] = Part::Thought(Thought { text: "unsigned".into(), state: None });
    assert_eq!(whole(&completion)["type"], "text", "nothing is left of it");
    assert_eq!(
        testing::folded(&Anthropic, &Anthropic, &request, testing::pieces(&completion)).choices[0].parts.len(),
        3
    );
}

#[test]
fn a_custom_tool_is_called_as_a_function() {
    let custom = ToolCall {
        id: "c".into(),
        name: "apply_patch".into(),
        arguments: "*** Begin\n\"x\"".into(),
        kind: ToolKind::Custom,
        state: None,
    };
    let mut completion = answer();
    completion.choices[0].parts = vec![Part::ToolCall(custom)];
    let expected = vec![call("c", "apply_patch", "{\"input\":\"*** Begin\\n\\\"x\\\"\"}")];
    let whole = testing::whole(&Anthropic, &Anthropic, &asked(), &completion).unwrap();
    assert_eq!(whole.choices[0].parts, expected);
    assert_eq!(testing::folded(&Anthropic, &Anthropic, &asked(), testing::interleaved(&completion)), whole);
}
