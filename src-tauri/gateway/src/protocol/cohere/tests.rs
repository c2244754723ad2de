//! Cohere's own shapes and habits.

use serde_json::{Value, json};

use super::*;
use crate::completion::{
    CacheMark, Effort, Format, Media, MediaKind, MediaSource, Message, Part, Reasoning, Role, Sampling, Text, Thought,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::embedding::{EmbeddingInput, EmbeddingPart};
use crate::picture::Picture;
use crate::protocol::codec::testing;

const COMMAND: &str = "command-a-03-2025";
const THINKER: &str = "command-a-reasoning-08-2025";

fn said(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn asked() -> CompletionRequest {
    CompletionRequest { messages: vec![said(Role::User, vec![Part::text("Hi")])], ..CompletionRequest::default() }
}

fn encoded(request: &CompletionRequest, model: &str) -> (Value, Vec<String>) {
    let encoded = Cohere.encode_request(request, &Target { model: model.into(), ..Target::default() }).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped)
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.into(), name.into(), arguments.into());
    Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    let (call_id, kind) = (id.into(), ToolKind::Function);
    Part::ToolResult(ToolResult { call_id, name: None, parts, is_error: false, kind, cache: None })
}

fn thought(text: &str) -> Part {
    Part::Thought(Thought { text: text.into(), state: None })
}

fn media(kind: MediaKind, mime: &str) -> Part {
    let source = MediaSource::Data { mime: mime.into(), base64: "AAAA".into() };
    Part::Media(Media { kind, source, name: None, detail: Some("low".into()), cache: None })
}

fn tool(name: &str, strict: Option<bool>) -> Tool {
    let parameters = Some(json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}));
    Tool {
        name: name.into(),
        description: None,
        parameters,
        strict,
        kind: ToolKind::Function,
        format: None,
        cache: None,
    }
}

/// The messages that a conversation comes to, and what is lost of it.
#[track_caller]
fn check_turns(model: &str, messages: Vec<Message>, expected: Value, lost: &[&str]) {
    let (body, dropped) = encoded(&CompletionRequest { messages, ..asked() }, model);
    assert_eq!([body["messages"].clone()], [expected], "{model}");
    assert_eq!(dropped, lost, "{model}");
}

#[test]
fn writes_turns() {
    let history = || {
        vec![
            said(Role::System, vec![Part::text("s")]),
            said(Role::User, vec![Part::text("a"), Part::text("b")]),
            said(
                Role::Assistant,
                vec![thought("plan"), Part::text("t"), call("c1", "f", "{\"x\": 1.0}"), call("c2", "g", "")],
            ),
            said(Role::Tool, vec![result("c1", vec![Part::text("r"), media(MediaKind::Image, "image/png")])]),
            said(Role::Tool, vec![result("c2", vec![])]),
            said(Role::System, vec![Part::text("mid")]),
        ]
    };
    let function = |name: &str, arguments: &str| json!({"name": name, "arguments": arguments});
    let calls = json!([
        {"id": "c1", "type": "function", "function": function("f", "{\"x\": 1.0}")},
        {"id": "c2", "type": "function", "function": function("g", "{}")},
    ]);
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}});
    let turns = |answer: Value| {
        json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            answer,
            {"role": "tool", "content": "r", "tool_call_id": "c1"},
            {"role": "tool", "content": "(nothing)", "tool_call_id": "c2"},
            {"role": "user", "content": [image]},
            {"role": "system", "content": "mid"},
        ])
    };
    let plain = json!({"role": "assistant", "content": "t", "tool_plan": "plan", "tool_calls": calls});
    check_turns(COMMAND, history(), turns(plain), &["citations"]);
    let pieces = json!([{"type": "thinking", "thinking": "plan"}, {"type": "text", "text": "t"}]);
    let thinker = json!({"role": "assistant", "content": pieces, "tool_calls": calls});
    check_turns(THINKER, history(), turns(thinker), &["citations"]);
}

#[test]
fn writes_what_is_no_plain_turn() {
    let user = |parts| vec![said(Role::User, parts)];
    let alone = |content: Value| json!([{"role": "user", "content": content}]);
    let kept = Part::Text(Text { text: "a".into(), cache: Some(CacheMark::default()) });
    check_turns(COMMAND, user(vec![kept]), alone(json!("a")), &["cache_control"]);
    let text = media(MediaKind::Document, "text/plain");
    check_turns(COMMAND, user(vec![text]), alone(json!("\0\0\0")), &[]);
    let half =
        vec![said(Role::User, vec![Part::text("a")]), said(Role::Assistant, vec![thought("x"), Part::text("so")])];
    let go_on = "Go on exactly where you stopped, and repeat nothing.";
    let expected = json!([
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "so"}, {"role": "user", "content": go_on},
    ]);
    check_turns(COMMAND, half, expected, &["messages[].reasoning_content"]);
    let empty = vec![said(Role::Assistant, vec![]), said(Role::User, vec![Part::text("a")])];
    check_turns(COMMAND, empty, alone(json!("a")), &[]);
}

/// One field of a body, by JSON pointer, and what was dropped.
#[track_caller]
fn check_field(model: &str, request: &CompletionRequest, at: &str, expected: Value, lost: &[&str]) {
    let (body, dropped) = encoded(request, model);
    assert_eq!([body.pointer(at).cloned().unwrap_or_default()], [expected], "{model} {at}: {body}");
    assert_eq!(dropped, lost, "{model} {at}");
}

#[test]
fn writes_how_tokens_are_chosen() {
    let check = |sampling: Sampling, at: &str, expected: Value, lost: &[&str]| {
        check_field(COMMAND, &CompletionRequest { sampling, ..asked() }, at, expected, lost);
    };
    let none = Sampling::default;
    check(Sampling { temperature: Some(0.5), ..none() }, "/temperature", json!(0.5), &[]);
    check(Sampling { temperature: Some(1.5), ..none() }, "/temperature", json!(1.0), &["temperature"]);
    check(Sampling { top_p: Some(0.9), ..none() }, "/p", json!(0.9), &[]);
    check(Sampling { top_p: Some(1.0), ..none() }, "/p", json!(0.99), &[]);
    check(Sampling { top_k: Some(1000), ..none() }, "/k", json!(500), &["top_k"]);
    check(Sampling { presence_penalty: Some(-1.0), ..none() }, "/presence_penalty", json!(0.0), &["presence_penalty"]);
    check(Sampling { seed: Some(-1), ..none() }, "/seed", Value::Null, &["seed"]);
    check(Sampling { stop: vec!["END".into(), String::new()], ..none() }, "/stop_sequences", json!(["END"]), &[]);
    let many = (0..6).map(|number| number.to_string()).collect();
    check(Sampling { stop: many, ..none() }, "/stop_sequences/4", json!("4"), &["stop"]);
    check(Sampling { min_p: Some(0.1), ..none() }, "/min_p", Value::Null, &["min_p"]);
    let few = CompletionRequest { max_tokens: Some(9), stream: true, ..asked() };
    check_field(COMMAND, &few, "/max_tokens", json!(9), &[]);
    check_field(COMMAND, &few, "/stream", json!(true), &[]);
}

#[test]
fn writes_how_much_to_think() {
    let check = |model: &str, reasoning: Reasoning, expected: Value, lost: &[&str]| {
        check_field(model, &CompletionRequest { reasoning: Some(reasoning), ..asked() }, "/thinking", expected, lost);
    };
    let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
    check(THINKER, effort(Effort::High), json!({"type": "enabled"}), &[]);
    check(THINKER, effort(Effort::None), json!({"type": "disabled"}), &[]);
    check(
        THINKER,
        Reasoning { budget: Some(512), ..Reasoning::default() },
        json!({"type": "enabled", "token_budget": 512}),
        &[],
    );
    check(THINKER, Reasoning { include: Some(true), ..Reasoning::default() }, Value::Null, &[]);
    check(COMMAND, effort(Effort::High), Value::Null, &["reasoning_effort"]);
    check(COMMAND, effort(Effort::None), Value::Null, &[]);
}

#[test]
fn writes_tools_and_forms() {
    let with = |tools, tool_choice| CompletionRequest { tools, tool_choice, ..asked() };
    let two = || vec![tool("f", Some(true)), tool("g", None)];
    check_field(COMMAND, &with(two(), None), "/tool_choice", Value::Null, &["tools[].strict"]);
    check_field(
        COMMAND,
        &with(two(), Some(ToolChoice::Required)),
        "/tool_choice",
        json!("REQUIRED"),
        &["tools[].strict"],
    );
    check_field(COMMAND, &with(two(), Some(ToolChoice::None)), "/tool_choice", json!("NONE"), &["tools[].strict"]);
    let named = with(two(), Some(ToolChoice::Named("f".into())));
    check_field(COMMAND, &named, "/tools/1", Value::Null, &[]);
    check_field(COMMAND, &named, "/strict_tools", json!(true), &[]);
    let loose = Tool { parameters: None, ..tool("f", Some(true)) };
    check_field(COMMAND, &with(vec![loose], None), "/strict_tools", Value::Null, &["tools[].strict"]);

    let schema = json!({"type": "object"});
    let told = Format::Schema { name: Some("n".into()), description: None, schema: schema.clone(), strict: Some(true) };
    let form = |format: &Format| CompletionRequest { format: Some(format.clone()), ..asked() };
    let at = "/response_format";
    check_field(COMMAND, &form(&told), at, json!({"type": "json_object", "json_schema": schema}), &[]);
    check_field(COMMAND, &form(&Format::Json), at, json!({"type": "json_object"}), &[]);
    check_field(COMMAND, &form(&Format::Text), at, Value::Null, &[]);
}

#[test]
fn refuses_to_write() {
    #[track_caller]
    fn check(request: &CompletionRequest, target: &Target, expected: &str) {
        let error = Cohere.encode_request(request, target).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let any = Target::default;
    let of = |part| CompletionRequest { messages: vec![said(Role::User, vec![part])], ..asked() };
    let both = CompletionRequest { tools: vec![tool("f", None)], format: Some(Format::Json), ..asked() };
    check(&both, &any(), "`response_format` cannot be said");
    check(&CompletionRequest { messages: vec![], ..asked() }, &any(), "`messages` cannot be said");
    check(&of(media(MediaKind::Audio, "audio/wav")), &any(), "`messages[0].content[0]` cannot be said");
    check(&of(media(MediaKind::Document, "application/pdf")), &any(), "`messages[0].content[0]` cannot be said");
    let blind = Target { vision: Some(false), ..any() };
    check(&of(media(MediaKind::Image, "image/png")), &blind, "`messages[0].content[0]` cannot be said");
    let plain = Target { tools: Some(false), ..any() };
    check(&CompletionRequest { tools: vec![tool("f", None)], ..asked() }, &plain, "`tools` cannot be said");
}

#[test]
fn reads_answers() {
    #[track_caller]
    fn check(body: &Value, expected: &[&str]) {
        let completion = Cohere.decode_completion(body.to_string().as_bytes()).unwrap();
        assert_eq!(testing::words(&testing::pieces(&completion)), expected, "{body}");
    }
    let answer = |message: Value, reason: &str| json!({"id": "x", "message": message, "finish_reason": reason});
    let text = json!({"role": "assistant", "content": [{"type": "text", "text": "a"}]});
    check(&answer(text.clone(), "COMPLETE"), &["text a", "finish Stop"]);
    check(&answer(text.clone(), "STOP_SEQUENCE"), &["text a", "finish StopSequence(None)"]);
    check(&answer(text.clone(), "MAX_TOKENS"), &["text a", "finish Length"]);
    check(&answer(json!({"role": "assistant", "content": null}), "COMPLETE"), &["finish Stop"]);
    let mut counted = answer(text.clone(), "COMPLETE");
    counted["usage"] = json!({"tokens": {"input_tokens": 5.0, "output_tokens": 2}});
    check(&counted, &["text a", "finish Stop", "usage 5 2"]);
    let fails = |body: Value, expected: &str| {
        let error = Cohere.decode_completion(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    };
    fails(answer(text, "ERROR"), "the model's server failed within the answer");
    fails(json!({"id": "x", "message": "invalid api token"}), "invalid api token");
}

/// A stream of these events.
fn stream(events: &[&str]) -> Vec<String> {
    let bytes: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    testing::words(&testing::read(Cohere.decoder(), &[bytes.as_bytes()]))
}

/// The stream of the reference that this was written by.
#[test]
fn reads_a_plan_and_a_call() {
    let events = [
        r#"{"id":"c1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"Check."}}}"#,
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"t0","type":"function","function":{"name":"get_weather","arguments":""}}}}}"#,
        r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"city\":\"Oslo\"}"}}}}}"#,
        r#"{"type":"tool-call-end","index":0}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":5,"output_tokens":7},"tokens":{"input_tokens":50,"output_tokens":9}}}}"#,
    ];
    let expected = ["thought Check.", "call t0 get_weather {\"city\":\"Oslo\"}", "finish ToolCalls", "usage 5 7"];
    assert_eq!(stream(&events), expected);
}

#[test]
fn a_stream_that_fails_says_so() {
    let start = r#"{"id":"c1","type":"message-start","delta":{"message":{"role":"assistant"}}}"#;
    let text = r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}"#;
    assert_eq!(stream(&[]), ["failed the model's server sent no answer -"]);
    let broken = "failed the model's stream broke off before the answer was complete -";
    assert_eq!(stream(&[start, text]), ["text a", broken]);
    let failed = r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"out of memory"}}"#;
    assert_eq!(stream(&[start, text, failed]), ["text a", "failed out of memory -"]);
    let late = r#"{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}"#;
    assert_eq!(stream(&[start, late]), ["failed the model's server took too long over the answer -"]);
    let nameless = r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"x"}}}}"#;
    assert_eq!(stream(&[start, nameless, text]), ["failed the model called a tool without an id or a name -"]);
    let told = r#"{"message":"too many tokens: maximum context length is 8"}"#;
    assert_eq!(stream(&[told]), ["failed too many tokens: maximum context length is 8 -"]);
    assert!(stream(&[start, "[]"])[0].starts_with("failed the model's answer cannot be read"));
    let bare =
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"x","function":{"name":"f"}}}}}"#;
    let end = r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}"#;
    assert_eq!(stream(&[start, bare, bare, end]), ["call x f {}", "call x f {}", "finish ToolCalls"]);
    let debug = r#"{"type":"debug","prompt":"..."}"#;
    assert_eq!(stream(&[start, debug, text, end, text]), ["text a", "finish ToolCalls"]);
}

#[test]
fn vectors() {
    let ask_of = |model: &str, request: EmbeddingRequest| {
        let target = Target { model: model.into(), ..Target::default() };
        let encoded = Cohere.encode_embedding(&request, &target).unwrap();
        let written = |encoded: Encoded| serde_json::from_slice::<Value>(&encoded.body).unwrap();
        encoded.map(written).map_err(|error| error.to_string())
    };
    let ask = |request| ask_of("embed-v4.0", request);
    let texts = |count| (0..count).map(|_| EmbeddingInput::Text("a".into())).collect::<Vec<_>>();
    let plain = |input| EmbeddingRequest { input, ..EmbeddingRequest::default() };
    let kind = |task: &str| {
        ask(EmbeddingRequest { task: Some(task.into()), ..plain(texts(1)) }).unwrap()["input_type"].clone()
    };
    let expected = json!({"model": "embed-v4.0", "texts": ["a", "a"], "input_type": "search_document",
        "embedding_types": ["float"], "output_dimension": 256, "truncate": "NONE"});
    let sized = EmbeddingRequest { dimensions: Some(256), truncate: Some(false), ..plain(texts(2)) };
    assert_eq!(ask(sized), Ok(expected));
    assert_eq!((kind("RETRIEVAL_QUERY"), kind("CLUSTERING")), (json!("search_query"), json!("clustering")));
    assert!(ask(plain(texts(97))).unwrap_err().starts_with("`input` cannot be said to this model"));
    assert!(ask(plain(vec![EmbeddingInput::Tokens(vec![1])])).unwrap_err().starts_with("`input` cannot be said"));
    let picture = || EmbeddingPart::Picture(Picture { mime: "image/png".into(), base64: "AAAA".into() });
    let seen = || EmbeddingInput::Parts(vec![picture()]);
    let url = "data:image/png;base64,AAAA";
    let both = EmbeddingInput::Parts(vec![EmbeddingPart::Text("a".into()), picture()]);
    let (said, shown) = (json!({"type": "text", "text": "a"}), json!({"type": "image_url", "image_url": {"url": url}}));
    let sent = ask(plain([texts(1), vec![both]].concat())).unwrap();
    assert_eq!(sent["inputs"], json!([{"content": [said]}, {"content": [said, shown]}]));
    assert_eq!((&sent["input_type"], sent.get("texts")), (&json!("search_document"), None));
    let sent = ask_of("embed-english-v3.0", plain(vec![seen()])).unwrap();
    assert_eq!((&sent["images"], &sent["input_type"]), (&json!([url]), &json!("image")));
    let refused = ask_of("embed-english-v3.0", plain(vec![seen(), seen()])).unwrap_err();
    assert!(refused.contains("one picture in a request"), "{refused}");
    let ids = EmbeddingInput::Tokens(vec![1]);
    assert!(ask(plain(vec![seen(), ids])).unwrap_err().contains("no token ids"));
    let body = br#"{"id":"x","embeddings":{"float":[[1,2]]},"texts":["a"],"meta":{"billed_units":{"input_tokens":3}}}"#;
    let made = Cohere.decode_embeddings(body).unwrap();
    assert_eq!((made.vectors, made.usage.map(|usage| usage.input)), (vec![vec![1.0, 2.0]], Some(3)));
    let refused = Cohere.decode_embeddings(br#"{"message":"no such model"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "no such model");
}

#[test]
fn orders() {
    let target = Target { model: "rerank-v4.0-pro".into(), ..Target::default() };
    let documents = vec!["a".into(), "b".into()];
    let request = RerankRequest {
        query: "q".into(),
        documents,
        top: Some(1),
        max_tokens_per_document: Some(9),
        return_documents: true,
        ..RerankRequest::default()
    };
    let encoded = Cohere.encode_rerank(&request, &target).unwrap().unwrap();
    let expected =
        json!({"model": "rerank-v4.0-pro", "query": "q", "documents": ["a", "b"], "top_n": 1, "max_tokens_per_doc": 9});
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap(), expected);
}
