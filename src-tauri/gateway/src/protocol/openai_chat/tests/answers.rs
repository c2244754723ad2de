//! Answers: what servers send, and what clients get.

use super::*;

/// Reads every case of a fixture as a stream; those that say so also whole.
fn check(fixture: &str) {
    for case in parsed(fixture.as_bytes()).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let expected: Vec<&str> = case["says"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        if let Some(whole) = case.get("whole") {
            let deltas = match OpenAiChat.decode_completion(whole.to_string().as_bytes()) {
                Ok(completion) => testing::pieces(&completion),
                Err(error) => vec![Delta::Failed { message: error.to_string(), code: None }],
            };
            assert_eq!(testing::words(&deltas), expected, "{name}");
            continue;
        }
        let mut stream = String::from(": ping\n\n");
        for chunk in case["chunks"].as_array().unwrap() {
            match chunk {
                Value::String(raw) => stream.push_str(raw),
                chunk => stream.push_str(&format!("data: {chunk}\n\n")),
            }
        }
        if case["done"] != json!(false) {
            stream.push_str("data: [DONE]\n\n");
        }
        let at_once = testing::read(OpenAiChat.decoder(), &[stream.as_bytes()]);
        assert_eq!(testing::words(&at_once), expected, "{name}");
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(testing::read(OpenAiChat.decoder(), &bytes), at_once, "{name} byte by byte");
    }
}

#[test]
fn oddities_of_hosted_servers() {
    check(include_str!("hosted.json"));
}

#[test]
fn oddities_of_runtimes() {
    check(include_str!("runtimes.json"));
}

#[test]
fn calls_without_ids_get_the_same_ones_each_time() {
    let stream = br#"data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}"#;
    let ids = || -> Vec<String> {
        let deltas = testing::read(OpenAiChat.decoder(), &[stream]);
        deltas
            .iter()
            .filter_map(|delta| if let Delta::ToolCall { id, .. } = delta { Some(id.clone()) } else { None })
            .collect()
    };
    let [first, second] = ids().try_into().unwrap();
    assert_ne!(first, second, "two calls of one tool are two");
    assert_eq!(ids(), [first, second], "ids are made from their place");
}

/// The answer that all goldens are of.
fn answer() -> Completion {
    let stream = include_str!("../../fixtures/openai/answer.sse");
    testing::read(OpenAiChat.decoder(), &[stream.as_bytes()]).into_iter().collect()
}

#[test]
fn clients_get_a_stream() {
    let request = CompletionRequest { model: "asked".into(), stream: true, stream_usage: true, ..Default::default() };
    let bytes = testing::write(OpenAiChat.encoder(Operation::Chat, &request), testing::pieces(&answer()));
    assert_eq!(String::from_utf8(bytes).unwrap(), include_str!("../../fixtures/openai/answer.sse"));
}

#[test]
fn clients_get_a_whole() {
    let request = CompletionRequest { model: "asked".into(), ..Default::default() };
    let bytes = OpenAiChat.encode_completion(Operation::Chat, &request, &answer());
    assert_eq!(parsed(&bytes), parsed(include_bytes!("../../fixtures/openai/answer.json")));
}

#[test]
fn a_stream_always_ends() {
    let request = CompletionRequest { model: "asked".into(), ..Default::default() };
    let bytes = testing::write(OpenAiChat.encoder(Operation::Chat, &request), Vec::new());
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(r#""finish_reason":"stop""#), "an answer without a word still has a reason: {text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
    assert!(!text.contains("usage"), "counts were not asked for");
    assert!(text.contains(r#""model":"asked""#));

    let mut bytes = Vec::new();
    let failed = Delta::Failed { message: "no".into(), code: Some("c".into()) };
    OpenAiChat.encoder(Operation::Chat, &request).encode(failed, &mut bytes);
    let event = parsed(bytes.strip_prefix(b"data: ").unwrap());
    assert_eq!(event, json!({"error": {"message": "no", "type": "api_error", "param": null, "code": "c"}}));
}

#[test]
fn thoughts_are_left_out_on_demand() {
    let request = CompletionRequest {
        reasoning: Some(Reasoning { include: Some(false), ..Default::default() }),
        ..Default::default()
    };
    let whole = OpenAiChat.encode_completion(Operation::Chat, &request, &answer());
    let stream = testing::write(OpenAiChat.encoder(Operation::Chat, &request), testing::pieces(&answer()));
    for bytes in [whole.to_vec(), stream] {
        assert!(!String::from_utf8(bytes).unwrap().contains("reasoning\""));
    }
}

#[test]
fn a_function_that_stands_for_a_custom_tool_comes_back_as_one() {
    let request = OpenAiChat
        .decode_request(Operation::Chat, "", br#"{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{"type":"custom","custom":{"name":"patch"}}]}"#)
        .unwrap();
    let answer = br#"{"id":"x","choices":[{"index":0,"message":{"tool_calls":[{"id":"a","type":"function","function":{"name":"patch","arguments":"{\"input\": \"*** Begin\"}"}}]},"finish_reason":"tool_calls"}]}"#;
    let answer = OpenAiChat.decode_completion(answer).unwrap();
    let whole = OpenAiChat.encode_completion(Operation::Chat, &request, &answer);
    let stream = testing::write(OpenAiChat.encoder(Operation::Chat, &request), testing::pieces(&answer));
    for completion in [
        OpenAiChat.decode_completion(&whole).unwrap(),
        testing::read(OpenAiChat.decoder(), &[&stream]).into_iter().collect(),
    ] {
        let [Part::ToolCall(call)] = completion.choices[0].parts.as_slice() else { panic!("{completion:?}") };
        assert_eq!((call.kind, call.arguments.as_str()), (ToolKind::Custom, "*** Begin"));
    }
}

#[test]
fn text_completions_have_their_own_shape() {
    let request = OpenAiChat
        .decode_request(
            Operation::Completion,
            "",
            br#"{"model":"m","prompt":"once","logprobs":1,"stream":true,"stream_options":{"include_usage":true}}"#,
        )
        .unwrap();
    assert_eq!(request.messages, vec![Message { role: Role::User, parts: vec![Part::text("once")], name: None }]);
    let deltas = vec![
        Delta::Start { id: "x".into(), model: "m".into(), created: Some(7) },
        Delta::Thought { choice: 0, part: 0, text: "hidden".into() },
        Delta::Text { choice: 0, part: 1, text: "upon".into() },
        Delta::Logprobs {
            choice: 0,
            value: json!({"content": [{"token": "upon", "logprob": -1.0, "top_logprobs": [{"token": "a", "logprob": -2.0}]}]}),
        },
        Delta::Finish { choice: 0, finish: Finish::Length },
        Delta::Usage(crate::completion::Usage { input: 1, output: 2, ..Default::default() }),
    ];
    let completion: Completion = deltas.iter().cloned().collect();
    let whole = parsed(&OpenAiChat.encode_completion(Operation::Completion, &request, &completion));
    let logprobs =
        json!({"tokens": ["upon"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -2.0}], "text_offset": [0]});
    let expected = json!({
        "id": "x", "object": "text_completion", "created": 7, "model": "m",
        "choices": [{"text": "upon", "index": 0, "logprobs": logprobs, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    });
    assert_eq!(whole, expected);
    let stream = testing::write(OpenAiChat.encoder(Operation::Completion, &request), deltas);
    let text = String::from_utf8(stream).unwrap();
    let choices: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: {").map(|rest| parsed(format!("{{{rest}").as_bytes())))
        .map(|chunk| chunk["choices"][0].clone())
        .collect();
    let one = |text: &str, logprobs: Value, finish: Value| json!({"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish});
    assert_eq!(
        choices,
        [
            one("upon", Value::Null, Value::Null),
            one("", logprobs, Value::Null),
            one("", Value::Null, "length".into()),
            Value::Null
        ]
    );
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains("usage"));
}
