//! What a well-behaved upstream answers, in every protocol, whole or as a stream.

use serde_json::{Value, json};

use super::{Fake, Recorded, Script};

/// Answers one request.
type Answer = fn(&Recorded) -> Script;

/// The text that every well-behaved answer has.
pub(crate) const SAID: &str = "A pointsman sets the switches.";

/// Tokens that every well-behaved answer counts: prompt and answer.
pub(crate) const TOKENS: (u64, u64) = (11, 7);

/// Well-behaved answers in every protocol.
pub(super) fn answers(fake: &Fake, name: &'static str, value: &'static str) {
    let rows: [(&str, Answer); 8] = [
        ("/v1/chat/completions", chat),
        ("/v1/completions", completion),
        ("/v1/responses", responses),
        ("/v1/messages", messages),
        ("/v1/messages/count_tokens", |_| Script::json(&json!({"input_tokens": TOKENS.0}))),
        ("/api/chat", native_chat),
        ("/api/generate", native_generate),
        ("/v1/embeddings", |request| {
            Script::json(&json!({"object": "list", "model": model_of(request),
                "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
                "usage": {"prompt_tokens": TOKENS.0, "total_tokens": TOKENS.0}}))
        }),
    ];
    for (path, answer) in rows {
        fake.on_with("POST", path, move |request| answer(request).header(name, value));
    }
}

/// Makes an upstream answer this path well again.
pub(crate) fn speaks_on_path(fake: &Fake, path: &str) {
    match path {
        "/v1/chat/completions" => fake.on_with("POST", path, chat),
        "/v1/messages" => fake.on_with("POST", path, messages),
        "/v1/responses" => fake.on_with("POST", path, responses),
        "/api/chat" => fake.on_with("POST", path, native_chat),
        _ => panic!("no answer is known for {path}"),
    };
}

fn model_of(request: &Recorded) -> String {
    request.json()["model"].as_str().unwrap_or_default().to_owned()
}

fn streams(request: &Recorded) -> bool {
    request.json()["stream"] == true
}

/// A chat completion, whole or as a stream.
pub(crate) fn chat(request: &Recorded) -> Script {
    let model = model_of(request);
    let usage = json!({"prompt_tokens": TOKENS.0, "completion_tokens": TOKENS.1,
        "total_tokens": TOKENS.0 + TOKENS.1});
    if !streams(request) {
        return Script::json(&json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1_795_313_075,
            "model": model, "choices": [{"index": 0, "message": {"role": "assistant", "content": SAID},
                "finish_reason": "stop"}], "usage": usage, "timings": {"predicted_ms": 12.5}}));
    }
    let chunk = |choices: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_313_075, "model": model,
            "choices": choices})
    };
    let mut script = Script::events()
        .event(&chunk(json!([{"index": 0, "delta": {"role": "assistant", "content": null}, "finish_reason": null}])));
    for word in SAID.split_inclusive(' ') {
        script = script.event(&chunk(json!([{"index": 0, "delta": {"content": word}, "finish_reason": null}])));
    }
    let mut last = chunk(json!([]));
    last["usage"] = usage;
    script.event(&chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]))).event(&last).done()
}

fn completion(request: &Recorded) -> Script {
    Script::json(&json!({"id": "cmpl-1", "object": "text_completion", "created": 1_795_313_075,
        "model": model_of(request), "choices": [{"index": 0, "text": SAID, "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": TOKENS.0, "completion_tokens": TOKENS.1, "total_tokens": TOKENS.0 + TOKENS.1}}))
}

/// An Anthropic message, whole or as a stream.
fn messages(request: &Recorded) -> Script {
    let model = model_of(request);
    if !streams(request) {
        return Script::json(&json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": SAID}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": TOKENS.0, "output_tokens": TOKENS.1}}));
    }
    Script::events()
        .named(
            "message_start",
            &json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": TOKENS.0, "output_tokens": 1}}}),
        )
        .named(
            "content_block_start",
            &json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        )
        .named(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": SAID}}),
        )
        .named("content_block_stop", &json!({"type": "content_block_stop", "index": 0}))
        .named(
            "message_delta",
            &json!({"type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": TOKENS.1}}),
        )
        .named("message_stop", &json!({"type": "message_stop"}))
}

/// A Responses answer, whole or as a stream.
fn responses(request: &Recorded) -> Script {
    let whole = json!({"id": "resp_1", "object": "response", "created_at": 1_795_313_075, "status": "completed",
        "model": model_of(request), "output": [{"type": "message", "id": "item_1", "role": "assistant",
            "status": "completed", "content": [{"type": "output_text", "text": SAID, "annotations": []}]}],
        "usage": {"input_tokens": TOKENS.0, "output_tokens": TOKENS.1, "total_tokens": TOKENS.0 + TOKENS.1}});
    if !streams(request) {
        return Script::json(&whole);
    }
    Script::events()
        .named(
            "response.created",
            &json!({"type": "response.created", "sequence_number": 0,
            "response": {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}}),
        )
        .named(
            "response.output_text.delta",
            &json!({"type": "response.output_text.delta", "sequence_number": 1,
            "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": SAID}),
        )
        .named("response.completed", &json!({"type": "response.completed", "sequence_number": 2, "response": whole}))
}

/// Ollama's native chat, which streams unless told not to.
fn native_chat(request: &Recorded) -> Script {
    native(request, |text| json!({"message": {"role": "assistant", "content": text}}))
}

fn native_generate(request: &Recorded) -> Script {
    native(request, |text| json!({"response": text}))
}

fn native(request: &Recorded, says: impl Fn(&str) -> Value) -> Script {
    let line = |text: &str, done: bool| {
        let mut line = json!({"model": model_of(request), "created_at": "2026-11-22T08:00:00.000000Z"});
        merge(&mut line, says(text));
        merge(&mut line, json!({"done": done}));
        if done {
            merge(
                &mut line,
                json!({"done_reason": "stop", "total_duration": 5_000_000, "load_duration": 1_000_000,
                "prompt_eval_count": TOKENS.0, "prompt_eval_duration": 1_000_000, "eval_count": TOKENS.1,
                "eval_duration": 3_000_000}),
            );
        }
        line
    };
    if request.json()["stream"] == false {
        return Script::json(&line(SAID, true));
    }
    let mut script = Script::lines();
    for word in SAID.split_inclusive(' ') {
        script = script.line(&line(word, false));
    }
    script.line(&line("", true))
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
