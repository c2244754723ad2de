//! Requests to an upstream.

use serde_json::{Value, json};

use super::*;

/// A request's body as an upstream gets it, and what was dropped.
fn encoded(request: &CompletionRequest, model: &str) -> (Value, Vec<String>) {
    let target = Target { model: model.into(), ..Target::default() };
    let encoded = Anthropic.encode_request(request, &target).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped)
}

#[test]
fn writes_turns() {
    let said = |role, parts| Message { role, parts, name: None };
    let check = |model: &str, messages: Vec<Message>, expected: Value| {
        let (body, _) = encoded(&CompletionRequest { messages, ..asked() }, model);
        let seen = json!([body.get("system"), body["messages"]]);
        assert_eq!(seen, expected, "{model}");
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    let history = || {
        vec![
            said(Role::System, vec![Part::text("s")]),
            said(Role::System, vec![Part::text("t")]),
            said(Role::User, vec![Part::text("a"), Part::text(" ")]),
            said(Role::User, vec![Part::text("b")]),
            said(Role::Assistant, vec![call("fn.call:1", "f", "{\"x\": 1.0}"), call("c2", "g", "oops")]),
            said(Role::System, vec![Part::text("mid")]),
            said(Role::Tool, vec![Part::ToolResult(result("fn.call:1", vec![Part::text("r")]))]),
            said(Role::Tool, vec![Part::ToolResult(ToolResult { is_error: true, ..result("c2", vec![]) })]),
            said(Role::User, vec![Part::text("c")]),
        ]
    };
    let id = crate::protocol::codec::ids::safe("fn.call:1", 64).into_owned();
    let calls = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": id, "name": "f", "input": {"x": 1.0}},
        {"type": "tool_use", "id": "c2", "name": "g", "input": {"_raw": "oops"}},
    ]});
    let results = [
        json!({"type": "tool_result", "tool_use_id": id, "content": [text("r")]}),
        json!({"type": "tool_result", "tool_use_id": "c2", "is_error": true}),
    ];
    let opening = json!({"role": "user", "content": [text("a"), text("b")]});
    check(
        "claude-sonnet-4-5",
        history(),
        json!([[text("s"), text("t")], [opening, calls,
            {"role": "user", "content": [results[0], results[1], text("<system>\nmid\n</system>"), text("c")]}]]),
    );
    check(
        "claude-opus-5-5",
        history(),
        json!([[text("s"), text("t")], [opening, calls,
            {"role": "user", "content": [results[0], results[1]]},
            {"role": "system", "content": [text("mid")]},
            {"role": "user", "content": [text("c")]}]]),
    );
    check(
        "claude-opus-4-1",
        vec![said(Role::User, vec![Part::text("a")]), said(Role::Assistant, vec![Part::text("so \n")])],
        json!([null, [{"role": "user", "content": [text("a")]}, {"role": "assistant", "content": [text("so")]}]]),
    );
}

#[test]
fn writes_thoughts_only_where_they_are_believed() {
    let thought = |kind: Option<StateKind>| {
        let state = kind.map(|kind| OpaqueState { kind, id: None, value: "v".into() });
        Part::Thought(Thought { text: "t".into(), state })
    };
    let check = |model: &str, kind, expected: Value, lost: &[&str]| {
        let said = Message { role: Role::Assistant, parts: vec![thought(kind), Part::text("a")], name: None };
        let (body, dropped) = encoded(&CompletionRequest { messages: vec![said], ..asked() }, model);
        assert_eq!(body["messages"][0]["content"][0], expected, "{model} {kind:?}");
        assert_eq!(dropped, lost);
    };
    let plain = json!({"type": "text", "text": "a"});
    let signed = json!({"type": "thinking", "thinking": "t", "signature": "v"});
    check("claude-opus-5", Some(StateKind::AnthropicSignature), signed, &[]);
    let redacted = json!({"type": "redacted_thinking", "data": "v"});
    check("claude-opus-5", Some(StateKind::AnthropicRedacted), redacted, &[]);
    check("claude-opus-5", Some(StateKind::OpenAi), plain.clone(), &["messages[].reasoning_content"]);
    check("claude-opus-5", None, plain, &["messages[].reasoning_content"]);
    check("qwen3", None, json!({"type": "thinking", "thinking": "t", "signature": ""}), &[]);
}

#[test]
fn writes_fields() {
    let check = |model: &str, request: CompletionRequest, name: &str, expected: Value, lost: &[&str]| {
        let (mut body, dropped) = encoded(&request, model);
        assert_eq!(body[name].take(), expected, "{model} {name}");
        assert_eq!(dropped, lost, "{model} {name}");
    };
    let (old, new) = ("claude-sonnet-4-5", "claude-opus-5-5");
    check("m", asked(), "max_tokens", json!(8192), &[]);
    check("m", CompletionRequest { max_tokens: Some(9), ..asked() }, "max_tokens", json!(9), &[]);
    check("m", CompletionRequest { stream: true, ..asked() }, "stream", json!(true), &[]);

    let sampled = |sampling| CompletionRequest { sampling, ..asked() };
    let warm = |degree| sampled(Sampling { temperature: Some(degree), ..Sampling::default() });
    check("m", warm(0.5), "temperature", json!(0.5), &[]);
    check("m", warm(1.5), "temperature", json!(1.0), &["temperature"]);
    check(new, warm(1.0), "temperature", Value::Null, &[]);
    check(new, warm(0.0), "temperature", Value::Null, &["temperature"]);
    let both = sampled(Sampling { temperature: Some(0.5), top_p: Some(0.9), top_k: Some(4), ..Sampling::default() });
    check(old, both.clone(), "top_p", Value::Null, &["top_p"]);
    check("qwen3", both.clone(), "top_p", json!(0.9), &[]);
    let medium = Reasoning { effort: Some(Effort::Medium), ..Reasoning::default() };
    let thinking = CompletionRequest { reasoning: Some(medium.clone()), max_tokens: Some(20_000), ..both };
    check(old, thinking, "top_k", Value::Null, &["temperature", "top_p", "top_k"]);
    let stops = sampled(Sampling { stop: vec!["END".into(), "\n".into()], ..Sampling::default() });
    check("m", stops, "stop_sequences", json!(["END"]), &["stop"]);

    let f = Tool {
        name: "f".into(),
        description: None,
        parameters: Some(json!({"type": "object", "b": 1, "a": 2})),
        strict: None,
        kind: ToolKind::Function,
        format: None,
        cache: Some(CacheMark { ttl: None }),
    };
    let tools = |tool_choice, parallel_tool_calls, reasoning| CompletionRequest {
        tools: vec![f.clone()],
        tool_choice,
        parallel_tool_calls,
        reasoning,
        max_tokens: Some(20_000),
        ..asked()
    };
    let written = json!([{"name": "f", "input_schema": {"type": "object", "b": 1, "a": 2}, "cache_control": {"type": "ephemeral"}}]);
    check("m", tools(None, None, None), "tools", written, &[]);
    check("m", tools(None, Some(true), None), "tool_choice", Value::Null, &[]);
    let alone = json!({"type": "auto", "disable_parallel_tool_use": true});
    check("m", tools(None, Some(false), None), "tool_choice", alone, &[]);
    let named = || Some(ToolChoice::Named("f".into()));
    check("m", tools(named(), None, None), "tool_choice", json!({"type": "tool", "name": "f"}), &[]);
    check(new, tools(named(), None, None), "tool_choice", json!({"type": "auto"}), &["tool_choice"]);
    check(old, tools(named(), None, Some(medium.clone())), "thinking", Value::Null, &["reasoning_effort"]);
    check("claude-opus-5", tools(named(), None, None), "thinking", json!({"type": "disabled"}), &[]);
    check(old, tools(None, None, Some(medium)), "thinking", json!({"type": "enabled", "budget_tokens": 8192}), &[]);

    let user = |user: &str| CompletionRequest { user: Some(user.into()), ..asked() };
    check("m", user("u"), "metadata", json!({"user_id": "u"}), &[]);
    check("m", user("a@b.c"), "metadata", Value::Null, &["user"]);
    let tier = |tier: &str| CompletionRequest { service_tier: Some(tier.into()), ..asked() };
    check("m", tier("default"), "service_tier", json!("standard_only"), &[]);
    check("m", tier("flex"), "service_tier", Value::Null, &["service_tier"]);
    let schema = json!({"type": "object", "properties": {"a": {"type": "object"}}});
    let format = Format::Schema { name: Some("n".into()), description: None, schema, strict: Some(true) };
    let closed = json!({"format": {"type": "json_schema", "schema": {"type": "object",
        "properties": {"a": {"type": "object", "additionalProperties": false}}, "additionalProperties": false}}});
    check("m", CompletionRequest { format: Some(format), ..asked() }, "output_config", closed, &[]);
    let many = CompletionRequest { choices: Some(2), logprobs: Some(1), cache_key: Some("k".into()), ..asked() };
    check("m", many, "n", Value::Null, &["n", "logprobs", "prompt_cache_key"]);
}

#[test]
fn refuses_to_write() {
    let check = |request: CompletionRequest, expected: &str| {
        let error = Anthropic.encode_request(&request, &Target::default()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let media = |kind, source| {
        let media = Media { kind, source, name: None, detail: None, cache: None };
        let messages = vec![Message { role: Role::User, parts: vec![Part::Media(media)], name: None }];
        CompletionRequest { messages, ..asked() }
    };
    let data = || MediaSource::Data { mime: "audio/wav".into(), base64: "UklG".into() };
    check(CompletionRequest { format: Some(Format::Json), ..asked() }, "`response_format` cannot be said");
    check(CompletionRequest { messages: vec![], ..asked() }, "`messages` cannot be said");
    check(media(MediaKind::Audio, data()), "`messages[0].content[0]` cannot be said");
    check(media(MediaKind::Image, MediaSource::File("f".into())), "`messages[0].content[0]` cannot be said");
}

#[test]
fn a_decoded_request_is_written_again() {
    let request = Anthropic.decode_request(Operation::Chat, "/v1/messages", CLAUDE_CODE).unwrap();
    let (body, dropped) = encoded(&request, "claude-opus-5-5");
    let sent: Value = serde_json::from_slice(CLAUDE_CODE).unwrap();
    for field in ["system", "tool_choice", "thinking", "output_config", "metadata", "max_tokens", "stream"] {
        assert_eq!(body[field], sent[field], "{field}");
    }
    assert_eq!(body["messages"][2], sent["messages"][2], "thoughts, texts and calls");
    assert_eq!(dropped, Vec::<String>::new());
}
