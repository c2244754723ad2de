//! Clients' requests.

use serde_json::{Value, json};

use super::*;

fn decoded(body: &Value) -> Result<CompletionRequest, DecodeError> {
    Anthropic.decode_request(Operation::Chat, "/v1/messages", body.to_string().as_bytes())
}

/// A request with these fields beside what every request has.
fn with(fields: Value) -> CompletionRequest {
    let mut body = json!({"model": "m", "max_tokens": 64, "messages": []});
    let (Value::Object(body_fields), Value::Object(fields)) = (&mut body, fields) else { unreachable!() };
    body_fields.extend(fields);
    decoded(&body).unwrap()
}

fn parts(content: &Value) -> Vec<Part> {
    let request = with(json!({"messages": [{"role": "assistant", "content": content}]}));
    request.messages.into_iter().flat_map(|message| message.parts).collect()
}

#[test]
fn reads_what_claude_code_sends() {
    let request = Anthropic.decode_request(Operation::Chat, "/v1/messages", CLAUDE_CODE).unwrap();
    let text = |text: &str, cache| Part::Text(Text { text: text.into(), cache });
    let mark = |ttl: Option<&str>| Some(CacheMark { ttl: ttl.map(str::to_owned) });
    let said = |role, parts| Message { role, parts, name: None };
    let image = Media {
        kind: MediaKind::Image,
        source: MediaSource::Data { mime: "image/png".into(), base64: "iVBO".into() },
        name: None,
        detail: None,
        cache: None,
    };
    let signed = OpaqueState { kind: StateKind::AnthropicSignature, id: None, value: "c2ln".into() };
    assert_eq!(
        request.messages,
        [
            said(Role::System, vec![Part::text("x-billing: cli"), text("You are a coding agent.", mark(Some("1h")))]),
            said(Role::User, vec![Part::text("<reminder>"), text("List files.", mark(None))]),
            said(Role::System, vec![Part::text("4000 tokens left")]),
            said(
                Role::Assistant,
                vec![
                    Part::Thought(Thought { text: String::new(), state: Some(signed) }),
                    Part::text("Looking."),
                    call("toolu_1", "Bash", "{\"command\": \"ls\",\"timeout\":1.0}"),
                ]
            ),
            said(Role::Tool, vec![Part::ToolResult(result("toolu_1", vec![Part::text("a.rs"), Part::Media(image)]))]),
            said(
                Role::Tool,
                vec![Part::ToolResult(ToolResult { is_error: true, ..result("toolu_9", vec![Part::text("gone")]) })]
            ),
            said(Role::User, vec![Part::text("Go on.")]),
        ]
    );
    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["Bash", "Rare"], "a deferred tool is a tool");
    assert_eq!(
        request.tools[0].parameters.as_ref().unwrap().to_string(),
        r#"{"type":"object","properties":{"command":{"type":"string"},"a":{"type":"number"}},"required":["command"]}"#,
        "the order of keys is the client's"
    );
    assert_eq!(request.dropped, ["tools[].web_search_20260318", "context_management"]);
    assert_eq!(request.reasoning, Some(Reasoning { effort: Some(Effort::High), budget: None, include: Some(false) }));
    assert_eq!((request.parallel_tool_calls, request.tool_choice), (Some(false), Some(ToolChoice::Auto)));
    assert_eq!((request.user.as_deref(), request.max_tokens, request.stream), (Some("user_1"), Some(32_000), true));
}

#[test]
fn reads_a_count() {
    let body = br#"{"model": "m", "messages": [{"role": "user", "content": "hi"}]}"#;
    let request = Anthropic.decode_request(Operation::CountTokens, "/v1/messages/count_tokens", body).unwrap();
    assert_eq!(request.messages, asked().messages);
    assert_eq!(Anthropic.encode_count(7), Bytes::from_static(br#"{"input_tokens":7}"#));
}

#[test]
fn reads_blocks() {
    let check = |block: Value, expected: Vec<Part>| assert_eq!(parts(&json!([block])), expected, "{block}");
    let media = |kind, source, name: Option<&str>| {
        vec![Part::Media(Media { kind, source, name: name.map(str::to_owned), detail: None, cache: None })]
    };
    let data = |mime: &str, base64: &str| MediaSource::Data { mime: mime.into(), base64: base64.into() };
    check(json!({"type": "text", "text": "a", "citations": [{"type": "x"}]}), vec![Part::text("a")]);
    check(
        json!({"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}),
        media(MediaKind::Image, MediaSource::Url("https://a/b.png".into()), None),
    );
    check(
        json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
        media(MediaKind::Image, MediaSource::File("file_1".into()), None),
    );
    check(
        json!({"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}),
        media(MediaKind::Document, data("application/pdf", "JVBE"), Some("T")),
    );
    check(
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}}),
        media(MediaKind::Document, data("text/plain", "aGk="), None),
    );
    check(
        json!({"type": "document", "title": "T", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}}),
        vec![Part::text("T"), Part::text("a")],
    );
    check(
        json!({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}]}),
        vec![Part::text("t"), Part::text("s"), Part::text("a")],
    );
    let redacted = OpaqueState { kind: StateKind::AnthropicRedacted, id: None, value: "x".into() };
    check(
        json!({"type": "redacted_thinking", "data": "x"}),
        vec![Part::Thought(Thought { text: String::new(), state: Some(redacted) })],
    );
    let carried = OpaqueState { kind: StateKind::OpenAi, id: Some("rs_1".into()), value: "e/x".into() };
    check(
        json!({"type": "thinking", "thinking": "t", "signature": "pointsman/openai/rs_1/e/x"}),
        vec![Part::Thought(Thought { text: "t".into(), state: Some(carried) })],
    );
    check(json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": {"type": "e"}}), vec![]);
}

#[test]
fn reads_fields() {
    let reasoning = |effort, budget, include| Some(Reasoning { effort, budget, include });
    for (fields, expected) in [
        (json!({}), None),
        (json!({"thinking": {"type": "disabled"}}), reasoning(Some(Effort::None), None, None)),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 5000}}), reasoning(None, Some(5000), None)),
        (
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}}),
            reasoning(Some(Effort::ExtraHigh), None, Some(true)),
        ),
        (json!({"output_config": {"effort": "low"}}), reasoning(Some(Effort::Low), None, None)),
    ] {
        assert_eq!(with(fields.clone()).reasoning, expected, "{fields}");
    }
    for (fields, dropped) in [
        (json!({"container": "c", "mcp_servers": [], "speed": "standard"}), vec!["container"]),
        (json!({"mcp_servers": [{"url": "u"}], "speed": "fast"}), vec!["speed", "mcp_servers"]),
        (json!({"diagnostics": {"previous_message_id": "m"}, "cache_control": null}), vec!["diagnostics"]),
    ] {
        assert_eq!(with(fields.clone()).dropped, dropped, "{fields}");
    }
    let format = json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "a": 1}}}});
    let Some(Format::Schema { schema, .. }) = with(format).format else { panic!("a schema") };
    assert_eq!(schema.to_string(), r#"{"type":"object","a":1}"#);
    let one = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    let chosen = with(json!({"tools": one, "tool_choice": {"type": "tool", "name": "f"}})).tool_choice;
    assert_eq!(chosen, Some(ToolChoice::Named("f".into())));
    assert_eq!(with(json!({"service_tier": "standard_only"})).service_tier.as_deref(), Some("default"));
}

#[test]
fn reads_what_changes_in_the_middle() {
    let said = |role: &str, content: Value| json!({"role": role, "content": content});
    let defined = json!({"type": "tool_definition", "definition": {"name": "late", "input_schema": {}}});
    let request = with(json!({
        "tools": [{"name": "early", "input_schema": {}}],
        "messages": [
            said("user", json!("a")),
            {"role": "system", "content": "for this turn", "clear_at": "next_user_message"},
            said("system", json!([{"type": "tool_addition", "tool": defined},
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "early"}}])),
            said("user", json!("b")),
            {"role": "system", "content": "last", "clear_at": "next_user_message"},
        ],
    }));
    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["late"]);
    let texts: Vec<&Part> = request.messages.iter().flat_map(|message| &message.parts).collect();
    assert_eq!(texts, [&Part::text("a"), &Part::text("b"), &Part::text("last")]);
}

#[test]
fn refuses_to_read() {
    let check = |fields: Value, expected: &str| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        let (Value::Object(body_fields), Value::Object(more)) = (&mut body, fields) else { unreachable!() };
        body_fields.extend(more);
        let error = decoded(&body).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(json!({"model": null}), "`model` is missing");
    check(json!({"max_tokens": "8"}), "`max_tokens`: invalid type: string \"8\", expected u32");
    check(json!({"messages": [{"role": "tool", "content": "x"}]}), "`messages[0].role`: `tool` is none of");
    check(json!({"messages": [{"role": "user", "content": 3}]}), "`messages[0]`: invalid type: integer `3`");
    check(
        json!({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}),
        "`messages[0].content[0]` cannot be said to this model",
    );
    check(json!({"tool_choice": {"type": "tool", "name": "web_search"}}), "`tool_choice` cannot be said");
    check(json!({"inference_geo": "us"}), "`inference_geo` cannot be said");
    check(json!({"output_config": {"format": {"type": "xml"}}}), "`output_config.format` cannot be said");
}
