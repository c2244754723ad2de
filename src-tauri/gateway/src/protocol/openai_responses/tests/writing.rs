//! Requests to an upstream.

use serde_json::{Value, json};

use super::*;

fn encoded_for(request: &CompletionRequest, target: &Target) -> (Value, Vec<String>) {
    let encoded = OpenAiResponses.encode_request(request, target).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped)
}

fn target(model: &str) -> Target {
    Target { model: model.into(), ..Target::default() }
}

#[test]
fn what_codex_sends_is_written_again() {
    let (body, dropped) = encoded_for(&codex(), &target("gpt-5.6"));
    let sent: Value = serde_json::from_slice(CODEX).unwrap();
    for field in ["tool_choice", "parallel_tool_calls", "store", "include", "prompt_cache_key", "stream"] {
        assert_eq!(body[field], sent[field], "{field}");
    }
    assert_eq!(body["reasoning"], json!({"effort": "high", "summary": "auto"}));
    assert_eq!(body["tools"][0]["parameters"].to_string(), sent["tools"][0]["parameters"].to_string());
    assert_eq!(body["tools"][1], sent["tools"][1], "a custom tool stays one");
    assert_eq!(body["tools"][2]["name"], "mcp__files__read");
    let input = body["input"].as_array().unwrap();
    let kinds: Vec<&str> = input.iter().filter_map(|item| item["type"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "message",
            "message",
            "reasoning",
            "message",
            "function_call",
            "function_call",
            "function_call_output",
            "function_call_output",
            "custom_tool_call",
            "custom_tool_call_output"
        ]
    );
    assert_eq!(input[1]["content"], sent["input"][1]["content"]);
    assert_eq!(
        input[2],
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look first."}],
            "encrypted_content": "Z0FB"})
    );
    assert_eq!(input[4]["arguments"], "{\"cmd\": \"ls\"}");
    assert_eq!(dropped, Vec::<String>::new());
}

#[test]
fn local_runtimes_know_functions_only() {
    let local = Target { runtime: "llamacpp".into(), ..target("qwen3") };
    let (body, _) = encoded_for(&codex(), &local);
    assert_eq!(body["tools"][1]["type"], "function");
    let input = body["input"].as_array().unwrap();
    assert_eq!(
        (&input[8]["type"], &input[8]["arguments"]),
        (&json!("function_call"), &json!("{\"input\":\"*** Begin\"}"))
    );
    assert_eq!(input[9]["type"], "function_call_output");
}

#[test]
fn writes_fields() {
    let check = |model: &str, request: CompletionRequest, name: &str, expected: Value, lost: &[&str]| {
        let (mut body, dropped) = encoded_for(&request, &target(model));
        assert_eq!(body[name].take(), expected, "{model} {name}");
        assert_eq!(dropped, lost, "{model} {name}");
    };
    let said = |role, parts| CompletionRequest { messages: vec![Message { role, parts, name: None }], ..asked() };
    check("m", asked(), "store", json!(false), &[]);
    check("m", asked(), "include", json!(["reasoning.encrypted_content"]), &[]);
    check("m", CompletionRequest { max_tokens: Some(1), ..asked() }, "max_output_tokens", json!(16), &[]);
    let warm = |degree| CompletionRequest {
        sampling: Sampling { temperature: Some(degree), ..Sampling::default() },
        ..asked()
    };
    check("gpt-4o", warm(0.5), "temperature", json!(0.5), &[]);
    check("gpt-5.4", warm(0.5), "temperature", Value::Null, &["temperature"]);
    check("gpt-5.4", warm(1.0), "temperature", Value::Null, &[]);
    let thinks = |reasoning| CompletionRequest { reasoning: Some(reasoning), ..asked() };
    let budget = Reasoning { budget: Some(5000), ..Reasoning::default() };
    check("m", thinks(budget), "reasoning", json!({"effort": "medium"}), &[]);
    check("m", thinks(Reasoning::default()), "reasoning", Value::Null, &[]);
    let schema = Format::Schema { name: None, description: None, schema: json!({"b": 1}), strict: None };
    let format = json!({"format": {"type": "json_schema", "name": "answer", "schema": {"b": 1}}});
    check("m", CompletionRequest { format: Some(schema), ..asked() }, "text", format, &[]);
    let many = CompletionRequest {
        choices: Some(2),
        sampling: Sampling { top_k: Some(1), seed: Some(1), ..Sampling::default() },
        ..asked()
    };
    check("m", many, "n", Value::Null, &["n", "top_k", "seed"]);

    let foreign = OpaqueState { kind: StateKind::AnthropicSignature, id: None, value: "v".into() };
    let thought = Part::Thought(Thought { text: "t".into(), state: Some(foreign) });
    check("m", said(Role::Assistant, vec![thought]), "input", json!([]), &["messages[].reasoning_content"]);
    let text = json!([{"type": "message", "role": "assistant", "content": [
        {"type": "output_text", "text": "a", "annotations": []}, {"type": "refusal", "refusal": "b"}]}]);
    check("m", said(Role::Assistant, vec![Part::text("a"), Part::Refusal("b".into())]), "input", text, &[]);
    let marked = Part::Text(Text { text: "a".into(), cache: Some(CacheMark::default()) });
    let plain = json!([{"type": "message", "role": "system", "content": [{"type": "input_text", "text": "a"}]}]);
    check("m", said(Role::System, vec![marked]), "input", plain, &["cache_control"]);
    let long = "x".repeat(70);
    let id = crate::protocol::codec::ids::safe(&long, 64).into_owned();
    let made = call(&long, "f", "{}", ToolKind::Function);
    let failed = ToolResult {
        call_id: long,
        name: None,
        parts: vec![Part::text("r"), Part::text("s")],
        is_error: true,
        kind: ToolKind::Function,
        cache: None,
    };
    let output = json!([{"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": id,
        "output": [{"type": "input_text", "text": "r"}, {"type": "input_text", "text": "s"}]}]);
    let answered = CompletionRequest {
        messages: vec![
            Message { role: Role::Assistant, parts: vec![made], name: None },
            Message { role: Role::Tool, parts: vec![Part::ToolResult(failed)], name: None },
        ],
        ..asked()
    };
    check("m", answered, "input", output, &["is_error"]);
}

#[test]
fn a_model_that_does_not_think_is_not_asked_to() {
    let target = Target { reasoning: Some(false), ..target("gpt-4o") };
    let (body, dropped) = encoded_for(&codex(), &target);
    assert_eq!((&body["reasoning"], &body["include"]), (&Value::Null, &json!([])));
    assert_eq!(dropped, ["reasoning_effort"]);
}

#[test]
fn refuses_to_write() {
    let check = |request: CompletionRequest, expected: &str| {
        let error = OpenAiResponses.encode_request(&request, &target("m")).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let said =
        |role, part| CompletionRequest { messages: vec![Message { role, parts: vec![part], name: None }], ..asked() };
    let sampling = Sampling { stop: vec!["END".into()], ..Sampling::default() };
    check(CompletionRequest { sampling, ..asked() }, "`stop` cannot be said");
    let foreign = MediaSource::File("https://generativelanguage.googleapis.com/v1beta/files/x".into());
    check(said(Role::User, image(foreign, None)), "`messages[0].content[0]` cannot be said");
    let own = MediaSource::Url("https://a/b.png".into());
    check(said(Role::Assistant, image(own, None)), "`messages[0].content[0]` cannot be said");
}
