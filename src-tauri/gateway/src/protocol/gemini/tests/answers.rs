//! Answers: what Google sends, and what clients get.

use serde_json::value::RawValue;

use super::*;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    /// As text, so that numbers stay as they are written.
    chunks: Vec<Box<RawValue>>,
    says: Vec<String>,
}

/// Ids that were made up, without the part that is made of a hash.
fn masked(line: String) -> String {
    match line.find("call_pm_") {
        Some(at) => format!("{}call_pm_*{}", &line[..at], &line[at + "call_pm_".len() + 24..]),
        None => line,
    }
}

fn words(deltas: &[Delta]) -> Vec<String> {
    testing::words(deltas).into_iter().map(masked).collect()
}

#[test]
fn what_google_sends() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("answers.json")).unwrap();
    for Case { name, chunks, says } in cases {
        let stream: String =
            chunks.iter().map(|chunk| format!("data: {}\r\n\r\n", chunk.get().replace('\n', " "))).collect();
        let at_once = testing::read(Gemini.decoder(), &[stream.as_bytes()]);
        assert_eq!(words(&at_once), says, "{name}");
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(testing::read(Gemini.decoder(), &bytes), at_once, "{name} byte by byte");
        // Without alt=sse it is one array.
        let array = serde_json::to_string(&chunks).unwrap();
        let failed = at_once.iter().any(|delta| matches!(delta, Delta::Failed { .. }));
        match Gemini.decode_completion(array.as_bytes()) {
            Ok(whole) => assert_eq!(whole, at_once.into_iter().collect(), "{name} as an array"),
            Err(_) => assert!(failed, "{name} as an array"),
        }
    }
}

#[test]
fn made_up_ids_are_the_same_each_time_and_differ() {
    let body = br#"{"responseId":"r","candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]}"#;
    let ids = || -> Vec<String> {
        let completion = Gemini.decode_completion(body).unwrap();
        let parts = completion.choices.into_iter().flat_map(|choice| choice.parts);
        parts.filter_map(|part| if let Part::ToolCall(call) = part { Some(call.id) } else { None }).collect()
    };
    let [first, second] = ids().try_into().unwrap();
    assert_ne!(first, second, "two calls of one function are two");
    assert_eq!(ids(), [first, second]);
}

fn answer() -> Vec<Delta> {
    let (choice, part) = (0, 2);
    let state = |kind, value: &str| OpaqueState { kind, id: None, value: value.into() };
    vec![
        Delta::Start { id: "r1".into(), model: "m".into(), created: Some(7) },
        Delta::Thought { choice, part: 0, text: "hm".into() },
        Delta::ThoughtState { choice, part: 0, state: state(StateKind::AnthropicSignature, "sig") },
        Delta::Text { choice, part: 1, text: "I ".into() },
        Delta::Text { choice, part: 1, text: "look".into() },
        Delta::ToolCall { choice, part, id: "a".into(), name: "f".into(), kind: ToolKind::Function },
        Delta::Arguments { choice, part, json: r#"{ "b""#.into() },
        Delta::ToolCall { choice, part: 3, id: "b".into(), name: "g".into(), kind: ToolKind::Custom },
        Delta::Arguments { choice, part: 3, json: "raw".into() },
        Delta::Arguments { choice, part, json: ":1.50}".into() },
        Delta::ThoughtState { choice, part, state: state(StateKind::Gemini, "Z2Vt") },
        Delta::Finish { choice, finish: Finish::ToolCalls },
        Delta::Usage(crate::completion::Usage {
            input: 8,
            output: 10,
            cache_read: Some(3),
            cache_write: None,
            reasoning: Some(4),
        }),
    ]
}

/// A request for a stream, as its path asks for one.
fn asked(query: &str, config: &str) -> CompletionRequest {
    let path = format!("/v1beta/models/asked:streamGenerateContent{query}");
    let body = format!(r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}],"generationConfig":{config}}}"#);
    Gemini.decode_request(Operation::Chat, &path, body.as_bytes()).unwrap()
}

const SHOWN: &str = r#"{"thinkingConfig":{"includeThoughts":true}}"#;

#[test]
fn clients_get_events_or_an_array() {
    let event = |candidates: &str, rest: &str| {
        format!(r#"{{"candidates":[{candidates}],{rest}"modelVersion":"m","responseId":"r1"}}"#)
    };
    let part = |part: &str| event(&format!(r#"{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}"#), "");
    let expected = [
        part(r#"{"text":"hm","thought":true}"#),
        part(r#"{"text":"","thought":true,"thoughtSignature":"cG9pbnRzbWFuL2FudGhyb3BpYy8vc2ln"}"#),
        part(r#"{"text":"I "}"#),
        part(r#"{"text":"look"}"#),
        part(r#"{"functionCall":{"id":"a","name":"f","args":{ "b":1.50}},"thoughtSignature":"Z2Vt"}"#),
        part(r#"{"functionCall":{"id":"b","name":"g","args":{"input":"raw"}}}"#),
        event(
            r#"{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}"#,
            r#""usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":6,"totalTokenCount":18,"cachedContentTokenCount":3,"thoughtsTokenCount":4},"#,
        ),
    ];
    let request = asked("?alt=sse", SHOWN);
    assert_eq!((Gemini.stream_type(&request), request.stream), ("text/event-stream", true));
    let stream = testing::write(Gemini.encoder(Operation::Chat, &request), answer());
    let events: String = expected.iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
    assert_eq!(String::from_utf8(stream).unwrap(), events);

    let request = asked("", SHOWN);
    assert_eq!((Gemini.stream_type(&request), request.stream), ("application/json", true));
    let stream = testing::write(Gemini.encoder(Operation::Chat, &request), answer());
    assert_eq!(String::from_utf8(stream).unwrap(), format!("[{}]", expected.join(",\r\n")));
}

#[test]
fn clients_get_a_whole() {
    let whole = Gemini.encode_completion(Operation::Chat, &asked("", SHOWN), &answer().into_iter().collect());
    let expected = json!({
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "hm", "thought": true, "thoughtSignature": "cG9pbnRzbWFuL2FudGhyb3BpYy8vc2ln"},
            {"text": "I look"},
            {"functionCall": {"id": "a", "name": "f", "args": {"b": 1.5}}, "thoughtSignature": "Z2Vt"},
            {"functionCall": {"id": "b", "name": "g", "args": {"input": "raw"}}},
        ]}}],
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 6, "totalTokenCount": 18, "cachedContentTokenCount": 3, "thoughtsTokenCount": 4},
        "modelVersion": "m",
        "responseId": "r1",
    });
    assert_eq!(parsed(&whole), expected);
}

#[test]
fn thoughts_are_shown_to_who_asked_for_them() {
    let request = asked("?alt=sse", "{}");
    let stream = String::from_utf8(testing::write(Gemini.encoder(Operation::Chat, &request), answer())).unwrap();
    assert!(!stream.contains("hm") && stream.contains("cG9pbn"), "the next request needs the state: {stream}");
    let whole = Gemini.encode_completion(Operation::Chat, &request, &answer().into_iter().collect());
    assert_eq!(parsed(&whole)["candidates"][0]["content"]["parts"][0]["text"], "");
}

#[test]
fn failures_are_told_in_either_form() {
    let check = |query: &str, code: Option<&str>, expected: &str| {
        let mut bytes = Vec::new();
        let failed = Delta::Failed { message: "no".into(), code: code.map(str::to_owned) };
        Gemini.encoder(Operation::Chat, &asked(query, "{}")).encode(failed, &mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    };
    let error = r#"{"error":{"code":500,"message":"no","status":"INTERNAL"}}"#;
    check("?alt=sse", None, &format!("data: {error}\r\n\r\n"));
    check("", Some("overloaded_error"), &format!("[{error}]"));
    check("", Some("UNAVAILABLE"), r#"[{"error":{"code":503,"message":"no","status":"UNAVAILABLE"}}]"#);
}

#[test]
fn counts() {
    assert_eq!(parsed(&Gemini.encode_count(31)), json!({"totalTokens": 31}));
}
