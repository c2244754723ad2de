//! Clients' requests.

use serde_json::{Value, json};

use super::*;

fn decoded(fields: Value) -> Result<CompletionRequest, DecodeError> {
    let mut body = json!({"model": "m"});
    let (Value::Object(whole), Value::Object(fields)) = (&mut body, fields) else { unreachable!() };
    whole.extend(fields);
    OpenAiResponses.decode_request(Operation::Chat, "/v1/responses", body.to_string().as_bytes())
}

fn with(fields: Value) -> CompletionRequest {
    decoded(fields).unwrap()
}

#[test]
fn reads_what_codex_sends() {
    let request = codex();
    let said = |role, parts| Message { role, parts, name: None };
    let state = OpaqueState { kind: StateKind::OpenAi, id: Some("rs_1".into()), value: "Z0FB".into() };
    let data = MediaSource::Data { mime: "image/png".into(), base64: "iVBO".into() };
    let (function, custom) = (ToolKind::Function, ToolKind::Custom);
    let seen = image(MediaSource::Url("https://a/b.png".into()), None);
    assert_eq!(
        request.messages,
        [
            said(Role::System, vec![Part::text("You are a coding agent.")]),
            said(Role::User, vec![Part::text("Fix it."), image(data, Some("high"))]),
            said(
                Role::Assistant,
                vec![
                    Part::Thought(Thought { text: "Look first.".into(), state: Some(state) }),
                    Part::text("Looking."),
                    call("call_1", "exec_command", "{\"cmd\": \"ls\"}", function),
                    call("call_2", "mcp__files__read", "{}", function),
                ]
            ),
            said(Role::Tool, vec![result("call_1", vec![Part::text("a.rs")], function)]),
            said(Role::Tool, vec![result("call_2", vec![Part::text("text"), seen], function)]),
            said(Role::Assistant, vec![call("call_3", "apply_patch", "*** Begin", custom)]),
            said(Role::Tool, vec![result("call_3", vec![Part::text("Done")], custom)]),
        ]
    );
    let names: Vec<(&str, ToolKind)> = request.tools.iter().map(|tool| (tool.name.as_str(), tool.kind)).collect();
    assert_eq!(names, [("exec_command", function), ("apply_patch", custom), ("mcp__files__read", function)]);
    assert_eq!(
        request.tools[0].parameters.as_ref().unwrap().to_string(),
        r#"{"type":"object","properties":{"cmd":{"type":"string"},"a":{"type":"number"}}}"#
    );
    assert_eq!(request.dropped, ["text.verbosity", "tools[].web_search", "input[].web_search_call", "client_metadata"]);
    assert_eq!(request.reasoning, Some(Reasoning { effort: Some(Effort::High), budget: None, include: Some(true) }));
    assert_eq!((request.store, request.cache_key.as_deref(), request.stream), (Some(false), Some("k1"), true));
}

#[test]
fn reads_input() {
    let check = |input: Value, expected: Vec<(Role, Part)>| {
        let messages = with(json!({"input": input})).messages;
        let seen: Vec<(Role, Part)> =
            messages.into_iter().flat_map(|m| m.parts.into_iter().map(move |part| (m.role, part))).collect();
        assert_eq!(seen, expected, "{input}");
    };
    let user = |part| vec![(Role::User, part)];
    let document = |source, name: Option<&str>| {
        let name = name.map(str::to_owned);
        Part::Media(Media { kind: MediaKind::Document, source, name, detail: None, cache: None })
    };
    let data = |mime: &str, base64: &str| MediaSource::Data { mime: mime.into(), base64: base64.into() };
    let content = |part: Value| json!([{"role": "user", "content": [part]}]);
    check(json!("hi"), user(Part::text("hi")));
    check(json!([{"role": "user", "content": "hi"}]), user(Part::text("hi")));
    check(json!([{"role": "developer", "content": "s"}]), vec![(Role::System, Part::text("s"))]);
    check(
        json!([{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]),
        vec![(Role::Assistant, Part::Refusal("no".into()))],
    );
    check(
        content(json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JV\nBE"})),
        user(document(data("application/pdf", "JVBE"), Some("a.pdf"))),
    );
    check(
        content(json!({"type": "input_file", "filename": "a.TXT", "file_data": "aGk="})),
        user(document(data("text/plain", "aGk="), Some("a.TXT"))),
    );
    check(
        content(json!({"type": "input_file", "file_id": "file-1"})),
        user(document(MediaSource::File("file-1".into()), None)),
    );
    check(
        content(json!({"type": "input_image", "file_id": "file-1", "image_url": null})),
        user(image(MediaSource::File("file-1".into()), None)),
    );
    let sound =
        Media { kind: MediaKind::Audio, source: data("audio/mpeg", "SUQz"), name: None, detail: None, cache: None };
    check(
        content(json!({"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}})),
        user(Part::Media(sound)),
    );
    let carried = OpaqueState { kind: StateKind::Gemini, id: None, value: "g".into() };
    let thought = |text: &str, state| vec![(Role::Assistant, Part::Thought(Thought { text: text.into(), state }))];
    check(
        json!([{"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "pointsman/gemini//g"}]),
        thought("", Some(carried)),
    );
    check(
        json!([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}],
            "content": [{"type": "reasoning_text", "text": "b"}]}]),
        thought("a\n\nb", None),
    );
    check(json!([{"type": "reasoning", "id": "rs", "summary": []}]), vec![]);
}

#[test]
fn reads_fields() {
    let request = with(json!({"input": "hi", "instructions": "s"}));
    assert_eq!(request.messages[0], Message { role: Role::System, parts: vec![Part::text("s")], name: None });
    let request = with(json!({"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.25, "user": "u",
        "metadata": {"a": "b"}, "service_tier": "flex", "previous_response_id": "resp_0"}));
    assert_eq!((request.max_tokens, request.user.as_deref()), (Some(9), Some("u")));
    assert_eq!((request.sampling.temperature, request.sampling.top_p), (Some(0.5), Some(0.25)));
    assert_eq!(request.previous_response.as_deref(), Some("resp_0"));
    assert_eq!(request.dropped, Vec::<String>::new());
    for (fields, dropped) in [
        (
            json!({"truncation": "auto", "include": ["web_search_call.action.sources"]}),
            vec!["include.web_search_call.action.sources", "truncation"],
        ),
        (json!({"truncation": "disabled", "background": false, "text": {"verbosity": "medium"}}), vec![]),
        (json!({"stream_options": {"include_obfuscation": false}, "max_tool_calls": 3}), vec!["max_tool_calls"]),
    ] {
        assert_eq!(with(fields.clone()).dropped, dropped, "{fields}");
    }
    let schema = json!({"type": "json_schema", "name": "n", "schema": {"b": 1, "a": 2}, "strict": true});
    let Some(Format::Schema { name, schema, strict, .. }) = with(json!({"text": {"format": schema}})).format else {
        panic!("a schema")
    };
    assert_eq!((name.as_deref(), schema.to_string(), strict), (Some("n"), r#"{"b":1,"a":2}"#.into(), Some(true)));
    let logprobs = json!({"include": ["message.output_text.logprobs"], "top_logprobs": 3});
    assert_eq!(with(logprobs).logprobs, Some(3));
}

#[test]
fn reads_how_much_to_think() {
    let check = |told: Value, expected: Option<Reasoning>| {
        assert_eq!(with(json!({"input": "a", "reasoning": told})).reasoning, expected, "{told}");
    };
    let shown = Reasoning { include: Some(true), ..Reasoning::default() };
    check(json!({"summary": "auto"}), Some(shown.clone()));
    check(json!({"effort": "low", "summary": "auto"}), Some(Reasoning { effort: Some(Effort::Low), ..shown }));
    check(json!({"effort": null, "summary": null}), None);
    check(json!({}), None);
}

#[test]
fn reads_the_choice() {
    let tools = json!([{"type": "function", "name": "f"}, {"type": "custom", "name": "c"},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]}]);
    let check = |choice: Value, expected: ToolChoice, left: &[&str]| {
        let request = with(json!({"tools": tools, "tool_choice": choice}));
        let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!((request.tool_choice, names.as_slice()), (Some(expected), left), "{choice}");
    };
    let all = &["f", "c", "n__g"];
    check(json!("auto"), ToolChoice::Auto, all);
    check(json!("none"), ToolChoice::None, all);
    check(json!("required"), ToolChoice::Required, all);
    check(json!({"type": "function", "name": "f"}), ToolChoice::Named("f".into()), all);
    check(json!({"type": "custom", "name": "c"}), ToolChoice::Named("c".into()), all);
    check(json!({"type": "function", "name": "g", "namespace": "n"}), ToolChoice::Named("n__g".into()), all);
    let some = json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]});
    check(some, ToolChoice::Required, &["f"]);
}

#[test]
fn tools_can_be_given_in_the_middle() {
    let request = with(json!({"tools": [], "input": [{"type": "additional_tools", "role": "developer",
        "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "late"}]}]}]}));
    assert_eq!(request.tools[0].name, "n__late");
    assert_eq!(names::Names::of(&request).own("n__late"), (Some("n"), "late"));
}

#[test]
fn refuses_to_read() {
    let check = |fields: Value, expected: &str| {
        let error = decoded(fields).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(json!({"model": null}), "`model` is missing");
    check(json!({"input": [{"id": "msg_1"}]}), "`input[0]` cannot be said to this model: no item `msg_1` is kept here");
    check(json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "`input[0]` cannot be said");
    check(json!({"input": [{"type": "compaction", "encrypted_content": "x"}]}), "`input[0]` cannot be said");
    check(json!({"input": [{"type": "local_shell_call", "action": {}}]}), "`input[0]` cannot be said");
    check(json!({"input": [{"role": "user", "content": [{"type": "x"}]}]}), "`input[0].content[0]` cannot be said");
    check(json!({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}), "`input[0].content[0]` names");
    check(json!({"input": [{"role": "tool", "content": "x"}]}), "`input[0].role`: `tool` is none of");
    check(json!({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}), "`input[0]` has no `call_id`");
    check(json!({"conversation": "conv_1"}), "`conversation` cannot be said");
    check(json!({"prompt": {"id": "p"}}), "`prompt` cannot be said");
    check(json!({"background": true}), "`background` cannot be said");
    check(json!({"tool_choice": {"type": "web_search"}}), "`tool_choice` cannot be said");
    check(json!({"tools": [{"type": "web_search"}], "tool_choice": "required"}), "`tool_choice` cannot be said");
    check(json!({"text": {"format": {"type": "grammar"}}}), "`text.format` cannot be said");
    check(json!({"reasoning": {"effort": "huge"}}), "`reasoning.effort`: `huge` is none of");
}
