//! Bedrock's own shapes and habits.

use serde_json::{Value, json};

use super::*;
use crate::completion::{
    CacheMark, Delta, Effort, Format, Media, MediaKind, MediaSource, Message, OpaqueState, Part, Reasoning, Role,
    Sampling, StateKind, Text, Thought, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::embedding::EmbeddingInput;
use crate::protocol::codec::testing::{self, event_frame};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NEWEST: &str = "us.anthropic.claude-opus-5-5";
const NOVA: &str = "amazon.nova-pro-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

fn said(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn asked() -> CompletionRequest {
    CompletionRequest { messages: vec![said(Role::User, vec![Part::text("Hi")])], ..CompletionRequest::default() }
}

fn encoded(request: &CompletionRequest, model: &str) -> (Value, Vec<String>) {
    let encoded = Bedrock.encode_request(request, &Target { model: model.into(), ..Target::default() }).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped)
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.into(), name.into(), arguments.into());
    Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None })
}

fn result(id: &str, parts: Vec<Part>) -> ToolResult {
    ToolResult { call_id: id.into(), name: None, parts, is_error: false, kind: ToolKind::Function, cache: None }
}

fn tool(name: &str) -> Tool {
    let parameters = Some(json!({"type": "object", "properties": {}, "title": "T"}));
    let (description, kind) = (Some(String::new()), ToolKind::Function);
    Tool { name: name.into(), description, parameters, strict: Some(true), kind, format: None, cache: None }
}

fn media(kind: MediaKind, mime: &str, name: Option<&str>) -> Part {
    let source = MediaSource::Data { mime: mime.into(), base64: "AAAA".into() };
    Part::Media(Media { kind, source, name: name.map(str::to_owned), detail: None, cache: None })
}

/// `system` and `messages` of a conversation.
fn check_turns(model: &str, messages: Vec<Message>, expected: Value) {
    let (body, _) = encoded(&CompletionRequest { messages, ..asked() }, model);
    assert_eq!([json!([body.get("system"), body["messages"]])], [expected], "{model}");
}

#[test]
fn writes_turns() {
    let mark = Some(CacheMark { ttl: Some("1h".into()) });
    let kept = |text: &str| Part::Text(Text { text: text.into(), cache: mark.clone() });
    let history = || {
        vec![
            said(Role::System, vec![kept("s")]),
            said(Role::User, vec![Part::text("a"), Part::text(" ")]),
            said(Role::User, vec![kept("b")]),
            said(Role::Assistant, vec![call("fn.call 1", "f", "{\"x\": 1.0}"), call("c2", "g", "oops")]),
            said(Role::System, vec![Part::text("mid")]),
            said(Role::Tool, vec![Part::ToolResult(result("fn.call 1", vec![Part::text("r")]))]),
            said(Role::Tool, vec![Part::ToolResult(ToolResult { is_error: true, ..result("c2", vec![]) })]),
        ]
    };
    let id = crate::protocol::codec::ids::safe("fn.call 1", 64).into_owned();
    let point = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let calls = json!({"role": "assistant", "content": [
        {"toolUse": {"toolUseId": id, "name": "f", "input": {"x": 1.0}}},
        {"toolUse": {"toolUseId": "c2", "name": "g", "input": {"_raw": "oops"}}},
    ]});
    let results = json!({"role": "user", "content": [
        {"toolResult": {"toolUseId": id, "content": [{"text": "r"}]}},
        {"toolResult": {"toolUseId": "c2", "content": [{"text": "(nothing)"}], "status": "error"}},
        {"text": "<system>\nmid\n</system>"},
    ]});
    for (model, points) in [(CLAUDE, vec![point]), (LLAMA, vec![])] {
        let with = |text: Value| json!([&[text][..], &points].concat());
        let opening = json!([&[json!({"text": "a"}), json!({"text": "b"})][..], &points].concat());
        let turns = json!([{"role": "user", "content": opening}, calls, results]);
        check_turns(model, history(), json!([with(json!({"text": "s"})), turns]));
    }
    let half = || vec![said(Role::Assistant, vec![Part::text("so \n")])];
    let go_on = json!({"role": "user", "content": [{"text": "Go on."}]});
    let so = json!({"role": "assistant", "content": [{"text": "so"}]});
    check_turns(NOVA, half(), json!([null, [go_on, so]]));
    let exactly =
        json!({"role": "user", "content": [{"text": "Go on exactly where you stopped, and repeat nothing."}]});
    check_turns(LLAMA, half(), json!([null, [go_on, so, exactly]]));
}

#[test]
fn writes_media() {
    let check = |parts: Vec<Part>, expected: Value| {
        check_turns(NOVA, vec![said(Role::User, parts)], json!([null, [{"role": "user", "content": expected}]]));
    };
    let bytes = json!({"bytes": "AAAA"});
    let (image, pdf) = (MediaKind::Image, MediaKind::Document);
    check(vec![media(image, "image/jpeg", None)], json!([{"image": {"format": "jpeg", "source": bytes}}]));
    let video = json!([{"video": {"format": "mov", "source": bytes}}]);
    check(vec![media(MediaKind::Video, "video/quicktime", None)], video);
    let named = |name: &str| json!({"document": {"format": "pdf", "name": name, "source": bytes}});
    let twice = || vec![media(pdf, "application/pdf", Some("a_b.pdf")), media(pdf, "application/pdf", Some("a b pdf"))];
    check(twice(), json!([named("a b pdf"), named("a b pdf 2"), {"text": "This is the document."}]));
    let stored = Media {
        kind: image,
        source: MediaSource::Url("s3://bucket/a.png".into()),
        name: None,
        detail: None,
        cache: None,
    };
    let place = json!({"s3Location": {"uri": "s3://bucket/a.png"}});
    check(vec![Part::Media(stored)], json!([{"image": {"format": "png", "source": place}}]));
}

#[test]
fn writes_thoughts_only_where_they_are_believed() {
    let check = |model: &str, kind, expected: Option<Value>| {
        let state = OpaqueState { kind, id: None, value: "v".into() };
        let thought = Part::Thought(Thought { text: "t".into(), state: Some(state) });
        let messages =
            vec![said(Role::Assistant, vec![thought, Part::text("a")]), said(Role::User, vec![Part::text("b")])];
        let (body, dropped) = encoded(&CompletionRequest { messages, ..asked() }, model);
        let first = body["messages"][1]["content"][0].get("reasoningContent");
        assert_eq!(first, expected.as_ref(), "{model} {kind:?}");
        assert_eq!(dropped.is_empty(), expected.is_some(), "{model} {kind:?}: {dropped:?}");
    };
    let signed = json!({"reasoningText": {"text": "t", "signature": "v"}});
    check(CLAUDE, StateKind::AnthropicSignature, Some(signed));
    check(CLAUDE, StateKind::AnthropicRedacted, Some(json!({"redactedContent": "v"})));
    check(CLAUDE, StateKind::OpenAi, None);
    check(NOVA, StateKind::AnthropicSignature, None);
}

/// One field of a body, by JSON pointer, and what was dropped.
fn check_field(model: &str, request: &CompletionRequest, at: &str, expected: Value, lost: &[&str]) {
    let (body, dropped) = encoded(request, model);
    assert_eq!([body.pointer(at).cloned().unwrap_or_default()], [expected], "{model} {at}: {body}");
    assert_eq!(dropped, lost, "{model} {at}");
}

#[test]
fn writes_limits() {
    let limits = |sampling, max_tokens| CompletionRequest { sampling, max_tokens, ..asked() };
    let warm = |degree| Sampling { temperature: Some(degree), ..Sampling::default() };
    let at = "/inferenceConfig";
    check_field(NOVA, &asked(), at, Value::Null, &[]);
    check_field(NOVA, &limits(warm(0.5), Some(9)), at, json!({"maxTokens": 9, "temperature": 0.5}), &[]);
    check_field(NOVA, &limits(warm(1.5), None), at, json!({"temperature": 1.0}), &["temperature"]);
    check_field(NEWEST, &limits(warm(0.5), None), at, Value::Null, &["temperature"]);
    let stops = Sampling { stop: vec!["END".into(), "\n".into()], ..Sampling::default() };
    check_field(NOVA, &limits(stops.clone(), None), at, json!({"stopSequences": ["END", "\n"]}), &[]);
    check_field(CLAUDE, &limits(stops, None), at, json!({"stopSequences": ["END"]}), &["stop"]);
    let few = Sampling { top_k: Some(4), seed: Some(1), ..Sampling::default() };
    let extra = "/additionalModelRequestFields";
    check_field(CLAUDE, &limits(few.clone(), None), extra, json!({"top_k": 4}), &["seed"]);
    check_field(NOVA, &limits(few.clone(), None), extra, json!({"inferenceConfig": {"topK": 4}}), &["seed"]);
    check_field(LLAMA, &limits(few, None), extra, Value::Null, &["top_k", "seed"]);
    let tier = |tier: &str| CompletionRequest { service_tier: Some(tier.into()), ..asked() };
    check_field(NOVA, &tier("flex"), "/serviceTier", json!({"type": "flex"}), &[]);
    check_field(NOVA, &tier("auto"), "/serviceTier", Value::Null, &[]);
    check_field(NOVA, &tier("scale"), "/serviceTier", Value::Null, &["service_tier"]);
}

#[test]
fn writes_how_much_to_think() {
    let check = |model: &str, effort, expected: Value, lost: &[&str]| {
        let reasoning = Some(Reasoning { effort: Some(effort), ..Reasoning::default() });
        let request = CompletionRequest { reasoning, max_tokens: Some(20_000), ..asked() };
        check_field(model, &request, "/additionalModelRequestFields", expected, lost);
    };
    check(CLAUDE, Effort::Medium, json!({"thinking": {"type": "enabled", "budget_tokens": 8192}}), &[]);
    check(CLAUDE, Effort::None, Value::Null, &[]);
    let adaptive = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}});
    check(NEWEST, Effort::High, adaptive, &[]);
    check(NOVA, Effort::High, Value::Null, &["reasoning_effort"]);
    let nova = |level: &str| json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}});
    check("us.amazon.nova-2-lite-v1:0", Effort::Minimal, nova("low"), &[]);
    check("us.amazon.nova-2-lite-v1:0", Effort::Max, nova("high"), &["max_tokens"]);
    check("us.amazon.nova-2-lite-v1:0", Effort::None, Value::Null, &[]);
    check("openai.gpt-oss-20b-1:0", Effort::None, json!({"reasoning_effort": "low"}), &[]);
    check("openai.gpt-6-sol", Effort::Minimal, json!({"reasoning": {"effort": "low"}}), &[]);
    check("deepseek.r1-v1:0", Effort::Low, Value::Null, &["reasoning_effort"]);
    check("deepseek.r1-v1:0", Effort::None, Value::Null, &[]);
    let shown = Some(Reasoning { include: Some(true), ..Reasoning::default() });
    let request = CompletionRequest { reasoning: shown, ..asked() };
    check_field(LLAMA, &request, "/additionalModelRequestFields", Value::Null, &[]);
}

#[test]
fn writes_tools() {
    let tools = |tool_choice| CompletionRequest { tools: vec![tool("f")], tool_choice, ..asked() };
    let (at, named) = ("/toolConfig/toolChoice", || Some(ToolChoice::Named("f".into())));
    let spec = |schema: Value| json!([{"toolSpec": {"name": "f", "inputSchema": {"json": schema}, "strict": true}}]);
    let bare = json!({"type": "object", "properties": {}});
    check_field(NOVA, &tools(None), "/toolConfig", json!({"tools": spec(bare)}), &[]);
    let whole = json!({"type": "object", "properties": {}, "title": "T"});
    check_field(LLAMA, &tools(None), "/toolConfig", json!({"tools": spec(whole)}), &[]);
    check_field(NOVA, &tools(Some(ToolChoice::Auto)), at, json!({"auto": {}}), &[]);
    check_field(NOVA, &tools(Some(ToolChoice::Required)), at, json!({"any": {}}), &[]);
    check_field(NOVA, &tools(named()), at, json!({"tool": {"name": "f"}}), &[]);
    check_field(NEWEST, &tools(named()), at, Value::Null, &["tool_choice"]);
    let words = json!({"text": "Answer with a call of the tool `f`."});
    check_field(NEWEST, &tools(named()), "/messages/0/content/1", words, &["tool_choice"]);
    check_field(LLAMA, &tools(Some(ToolChoice::Required)), at, Value::Null, &["tool_choice"]);
    check_field(NOVA, &tools(Some(ToolChoice::None)), "/toolConfig", Value::Null, &[]);
    let one_by_one = CompletionRequest { parallel_tool_calls: Some(false), ..tools(None) };
    check_field(NOVA, &one_by_one, at, Value::Null, &["parallel_tool_calls"]);

    let called = vec![
        said(Role::User, vec![Part::text("a")]),
        said(Role::Assistant, vec![call("x", "gone", "{}")]),
        said(Role::Tool, vec![Part::ToolResult(result("x", vec![Part::text("r")]))]),
    ];
    let request = CompletionRequest { messages: called, ..asked() };
    let names = "/toolConfig/tools/0/toolSpec/name";
    check_field(NOVA, &request, names, json!("gone"), &[]);
    let none = CompletionRequest { tools: vec![tool("f")], tool_choice: Some(ToolChoice::None), ..request };
    check_field(NOVA, &none, names, json!("f"), &["tool_choice"]);
    let marked = Tool { cache: Some(CacheMark::default()), ..tool("f") };
    let request = CompletionRequest { tools: vec![marked], ..asked() };
    check_field(CLAUDE, &request, "/toolConfig/tools/1", json!({"cachePoint": {"type": "default"}}), &[]);
    check_field(NOVA, &request, "/toolConfig/tools/1", Value::Null, &[]);
}

#[test]
fn writes_a_schema_and_a_question_for_a_count() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "object"}}});
    let format = Format::Schema { name: Some("n".into()), description: None, schema, strict: Some(true) };
    let closed = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"additionalProperties\":false}},\
        \"additionalProperties\":false}";
    let told = json!({"type": "json_schema", "structure": {"jsonSchema": {"schema": closed, "name": "n"}}});
    let request = CompletionRequest { format: Some(format), ..asked() };
    check_field(NOVA, &request, "/outputConfig/textFormat", told, &[]);

    let request = CompletionRequest { max_tokens: Some(9), ..asked() };
    let target = Target { model: CLAUDE.into(), ..Target::default() };
    let question = Bedrock.encode_counting(&request, &target).unwrap().unwrap();
    let sent: Value = serde_json::from_slice(&question.body).unwrap();
    let turns = json!([{"role": "user", "content": [{"text": "Hi"}]}]);
    assert_eq!(sent, json!({"input": {"converse": {"messages": turns}}}));
    assert_eq!(Bedrock.decode_count(br#"{"inputTokens":7}"#), Some(7));
}

#[test]
fn refuses_to_write() {
    let check = |request: CompletionRequest, expected: &str| {
        let error = Bedrock.encode_request(&request, &Target::default()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let of = |part| CompletionRequest { messages: vec![said(Role::User, vec![part])], ..asked() };
    check(CompletionRequest { format: Some(Format::Json), ..asked() }, "`response_format` cannot be said");
    check(CompletionRequest { messages: vec![], ..asked() }, "`messages` cannot be said");
    check(of(media(MediaKind::Image, "image/tiff", None)), "`messages[0].content[0]` cannot be said");
    check(of(media(MediaKind::Document, "application/zip", None)), "`messages[0].content[0]` cannot be said");
    let away = |source| Media { kind: MediaKind::Image, source, name: None, detail: None, cache: None };
    for source in [MediaSource::Url("https://a/b.png".into()), MediaSource::File("f".into())] {
        check(of(Part::Media(away(source))), "`messages[0].content[0]` cannot be said");
    }
}

#[test]
fn reads_answers() {
    let check = |body: Value, expected: &[&str]| {
        let completion = Bedrock.decode_completion(body.to_string().as_bytes()).unwrap();
        assert_eq!(testing::words(&testing::pieces(&completion)), expected, "{body}");
    };
    let answer =
        |content: Value, reason: &str| json!({"output": {"message": {"content": content}}, "stopReason": reason});
    check(answer(json!([{"text": "a"}]), "end_turn"), &["text a", "finish Stop"]);
    check(answer(json!([]), "stop_sequence"), &["finish StopSequence(None)"]);
    check(answer(json!([{"text": ""}]), "model_context_window_exceeded"), &["finish Length"]);
    check(answer(json!([]), "guardrail_intervened"), &["finish Filtered"]);
    let cited = json!([{"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": []}}]);
    check(answer(cited, "end_turn"), &["text ab", "finish Stop"]);
    let server = json!([{"toolUse": {"toolUseId": "x", "name": "web", "input": {}, "type": "server_tool_use"}}]);
    check(answer(server, "end_turn"), &["finish Stop"]);
    let error = Bedrock.decode_completion(br#"{"message":"no such model"}"#).unwrap_err();
    assert_eq!(error.to_string(), "no such model");
}

/// A stream of events, `name data`; a name with `!` is an exception's.
fn stream(events: &[(&str, &str)]) -> Vec<String> {
    let frame = |(name, data): &(&str, &str)| match name.strip_prefix('!') {
        Some(name) => event_frame("exception", name, data),
        None => event_frame("event", name, data),
    };
    let bytes: Vec<u8> = events.iter().flat_map(frame).collect();
    testing::words(&testing::read(Bedrock.decoder(), &[&bytes]))
}

#[test]
fn a_stream_that_fails_says_so() {
    let (start, text) = ("messageStart", ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"a"}}"#));
    let begun = (start, r#"{"role":"assistant"}"#);
    let broken = "failed the model's stream broke off before the answer was complete -";
    assert_eq!(stream(&[]), ["failed the model's server sent no answer -"]);
    assert_eq!(stream(&[begun, text]), ["text a", broken]);
    let throttled = ("!throttlingException", r#"{"message":"Too many tokens"}"#);
    assert_eq!(stream(&[throttled, text]), ["failed Too many tokens throttlingException"]);
    let failed = ("!modelStreamErrorException", r#"{"message":"m","originalStatusCode":500,"originalMessage":"CUDA"}"#);
    assert_eq!(stream(&[begun, text, failed]), ["text a", "failed CUDA modelStreamErrorException"]);
    let empty = ("!internalServerException", "");
    assert_eq!(stream(&[begun, empty]), ["failed the model's server failed without a reason internalServerException"]);
    let ended = ("messageStop", r#"{"stopReason":"end_turn"}"#);
    assert_eq!(stream(&[begun, text, ended]), ["text a", "finish Stop"]);
    let odd = ("contentBlockDelta", "[]");
    assert!(stream(&[begun, odd])[0].starts_with("failed the model's answer cannot be read"));
}

#[test]
fn a_cut_within_a_frame_is_told_even_at_the_end() {
    let events = [
        event_frame("event", "messageStart", "{}"),
        event_frame("event", "messageStop", r#"{"stopReason":"end_turn"}"#),
        event_frame("event", "metadata", r#"{"usage":{"inputTokens":1,"outputTokens":2}}"#),
    ]
    .concat();
    let last = |bytes: &[u8]| testing::read(Bedrock.decoder(), &[bytes]).pop();
    assert!(matches!(last(&events), Some(Delta::Usage(_))));
    assert!(matches!(last(&events[..events.len() - 1]), Some(Delta::Failed { .. })));
    let mut hit = events.clone();
    let at = hit.len() - 10;
    hit[at] ^= 4;
    assert!(matches!(last(&hit), Some(Delta::Failed { message, .. }) if message.contains("damaged")));
}

#[test]
fn reads_errors() {
    let check = |body: &str, message: &str, code: Option<&str>| {
        let told = Bedrock.decode_error(body.as_bytes());
        assert_eq!((told.message.as_str(), told.code.as_deref()), (message, code), "{body}");
    };
    check(r#"{"message":"no"}"#, "no", None);
    check(r#"{"Message":"User is not authorized"}"#, "User is not authorized", None);
    check(r#"{"__type":"com.amazon.coral.service#AccessDeniedException"}"#, "", Some("AccessDeniedException"));
    check("<html>", "", None);
    let told = Bedrock.decode_error(br#"{"message":"Invocation with on-demand throughput isn't supported."}"#);
    assert!(told.message.ends_with("as in `us.` or `global.`)"), "{}", told.message);
    assert!(Bedrock.decode_error(br#"{"message":"Input is too long for requested model."}"#).context_exceeded);
}

#[test]
fn vectors() {
    let ask = |model: &str, texts: &[&str], dimensions| {
        let input = texts.iter().map(|text| EmbeddingInput::Text((*text).to_owned())).collect();
        let request = EmbeddingRequest { input, dimensions, ..EmbeddingRequest::default() };
        let target = Target { model: model.into(), ..Target::default() };
        let encoded = Bedrock.encode_embedding(&request, &target).unwrap();
        encoded
            .map(|encoded| serde_json::from_slice::<Value>(&encoded.body).unwrap())
            .map_err(|error| error.to_string())
    };
    let titan = "amazon.titan-embed-text-v2:0";
    assert_eq!(ask(titan, &["a"], None), Ok(json!({"inputText": "a"})));
    assert_eq!(ask(titan, &["a"], Some(256)), Ok(json!({"inputText": "a", "dimensions": 256, "normalize": true})));
    assert!(ask(titan, &["a", "b"], None).unwrap_err().starts_with("`input` cannot be said to this model"));
    let cohere = json!({"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]});
    assert_eq!(ask("cohere.embed-v4:0", &["a", "b"], None), Ok(cohere));
    let nova = ask("amazon.nova-2-multimodal-embeddings-v1:0", &["a"], Some(384)).unwrap();
    assert_eq!(nova["singleEmbeddingParams"]["embeddingDimension"], 384);

    let read = |body: &str| Bedrock.decode_embeddings(body.as_bytes()).map(|made| made.vectors);
    assert_eq!(read(r#"{"embedding":[1,2],"inputTextTokenCount":3}"#), Ok(vec![vec![1.0, 2.0]]));
    assert_eq!(read(r#"{"embeddings":[[1],[2]],"id":"x"}"#), Ok(vec![vec![1.0], vec![2.0]]));
    assert_eq!(read(r#"{"embeddings":{"float":[[1],[2]]}}"#), Ok(vec![vec![1.0], vec![2.0]]));
    assert_eq!(read(r#"{"embeddings":[{"embedding":[1],"embeddingType":"TEXT"}]}"#), Ok(vec![vec![1.0]]));
    assert!(read(r#"{"message":"no"}"#).unwrap_err().to_string().contains("no"));
}
