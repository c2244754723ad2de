//! Upstreams that speak one protocol each, and answer with a thought, a text and a call.

use serde_json::{Value, json};

use super::surface::Surface;
use crate::harness::{Fake, Gateway, Options, Script};

/// What every one of them thinks and says.
pub(super) const THOUGHT: &str = "It looks like Oslo.";
/// What every one of them says.
pub(super) const TEXT: &str = "Let me look.";
/// The tokens that every one of them counts.
pub(super) const TOKENS: (u64, u64) = (11, 7);

/// A protocol that an upstream speaks. The same five, seen from the other side.
pub(super) type Upstream = Surface;

/// The model that an upstream of a protocol has: one of its vendor's that can do it all.
pub(super) fn model(upstream: Upstream) -> &'static str {
    match upstream {
        Surface::Chat => "some-model",
        Surface::Responses => "gpt-5.4",
        Surface::Messages => "claude-sonnet-4-6",
        Surface::Gemini => "gemini-3-pro",
        Surface::Native => "qwen3",
    }
}

/// Where it is asked for a chat.
pub(super) fn path(upstream: Upstream, stream: bool) -> String {
    let path = upstream.path(model(upstream), stream);
    path.split('?').next().unwrap_or_default().to_owned()
}

/// An upstream that answers well.
pub(super) async fn speaks(upstream: Upstream) -> Fake {
    let fake = Fake::new().await;
    answers(&fake, upstream, &whole(upstream), &stream(upstream));
    fake
}

/// Makes it answer so.
pub(super) fn answers(fake: &Fake, upstream: Upstream, whole: &Script, stream: &Script) {
    for streams in [false, true] {
        let (whole, stream) = (whole.clone(), stream.clone());
        fake.on_with("POST", &path(upstream, streams), move |request| {
            let asked = request.json()["stream"] == true || request.path().contains(":stream");
            if asked { stream.clone() } else { whole.clone() }
        });
    }
}

/// Makes it answer so to everything.
pub(super) fn always(fake: &Fake, upstream: Upstream, script: &Script) {
    answers(fake, upstream, script, script);
}

/// Makes it answer whatever else its protocol has.
pub(super) fn answers_all(fake: &Fake, upstream: Upstream) {
    let vector = json!([0.25, -0.5]);
    let rows: Vec<(&str, Value)> = match upstream {
        Surface::Chat => vec![
            (
                "/v1/completions",
                json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "x",
                    "choices": [{"index": 0, "text": TEXT, "finish_reason": "stop"}]}),
            ),
            (
                "/v1/embeddings",
                json!({"object": "list", "model": "x",
                    "data": [{"object": "embedding", "index": 0, "embedding": vector}]}),
            ),
            ("/v1/rerank", json!({"results": [{"index": 0, "relevance_score": 0.5}]})),
            ("/v1/images/generations", json!({"created": 1, "data": [{"b64_json": "AA=="}]})),
            ("/v1/audio/speech", json!({"audio_data": "AA=="})),
        ],
        Surface::Responses => Vec::new(),
        Surface::Messages => vec![("/v1/messages/count_tokens", json!({"input_tokens": 3}))],
        Surface::Gemini => vec![
            ("/v1beta/models/gemini-3-pro:countTokens", json!({"totalTokens": 3})),
            ("/v1beta/models/gemini-3-pro:embedContent", json!({"embedding": {"values": vector}})),
            ("/v1beta/models/gemini-3-pro:batchEmbedContents", json!({"embeddings": [{"values": vector}]})),
        ],
        Surface::Native => vec![
            ("/api/generate", json!({"model": "x", "response": TEXT, "done": true, "done_reason": "stop"})),
            ("/api/embed", json!({"model": "x", "embeddings": [vector]})),
        ],
    };
    for (path, answer) in rows {
        fake.on("POST", path, Script::json(&answer));
    }
    if upstream == Surface::Gemini {
        // What is to be made of a text is said in the body.
        fake.on_with("POST", &self::path(upstream, false), |request| {
            let made = |mime: &str| {
                let part = json!({"inlineData": {"mimeType": mime, "data": "AAA="}});
                Script::json(&json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}))
            };
            match request.json()["generationConfig"]["responseModalities"][0].as_str() {
                Some("IMAGE") => made("image/png"),
                Some("AUDIO") => made("audio/L16;rate=24000"),
                _ => whole(Surface::Gemini),
            }
        });
    }
}

/// A gateway with one endpoint `up` that speaks one protocol, asked for as `work`.
pub(super) async fn over(fake: &Fake, upstream: Upstream) -> Gateway {
    let gateway = Gateway::start(options(fake, upstream)).await;
    gateway.ready(model(upstream)).await;
    gateway
}

/// Its settings.
pub(super) fn options(fake: &Fake, upstream: Upstream) -> Options {
    let target = format!("up:{}", model(upstream));
    Options::new().endpoint("up", &fake.url(), upstream.id(), &[model(upstream)]).route("work", &[&target])
}

/// A whole answer.
pub(super) fn whole(upstream: Upstream) -> Script {
    Script::json(&whole_of(upstream))
}

fn whole_of(upstream: Upstream) -> Value {
    let arguments = json!({"city": "Oslo"});
    let (input, output) = TOKENS;
    match upstream {
        Surface::Chat => json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "x",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
                "reasoning_content": THOUGHT, "content": TEXT, "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "get_weather", "arguments": arguments.to_string()}}]}}],
            "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}}),
        Surface::Responses => json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
            "model": "x", "output": [
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": THOUGHT}]},
                {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": TEXT, "annotations": []}]},
                {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather",
                    "arguments": arguments.to_string(), "status": "completed"}],
            "usage": {"input_tokens": input, "output_tokens": output, "total_tokens": input + output}}),
        Surface::Messages => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "x",
            "content": [{"type": "thinking", "thinking": THOUGHT, "signature": "c2ln"}, {"type": "text", "text": TEXT},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": arguments}],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": input, "output_tokens": output}}),
        Surface::Gemini => json!({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model",
                "parts": [{"text": THOUGHT, "thought": true}, {"text": TEXT},
                    {"functionCall": {"id": "c1", "name": "get_weather", "args": arguments}}]}}],
            "usageMetadata": {"promptTokenCount": input, "candidatesTokenCount": output - 2, "thoughtsTokenCount": 2,
                "totalTokenCount": input + output}, "modelVersion": "x", "responseId": "r1"}),
        Surface::Native => json!({"model": "x", "created_at": "2026-11-22T08:00:00Z", "done": true,
            "done_reason": "stop", "message": {"role": "assistant", "thinking": THOUGHT, "content": TEXT,
                "tool_calls": [{"function": {"name": "get_weather", "arguments": arguments}}]},
            "prompt_eval_count": input, "eval_count": output}),
    }
}

/// A stream, whole.
pub(super) fn stream(upstream: Upstream) -> Script {
    end(upstream, begun(upstream))
}

/// A stream up to the middle of its text.
pub(super) fn begun(upstream: Upstream) -> Script {
    let (start, end) = TEXT.split_at(4);
    match upstream {
        Surface::Chat => {
            let delta = |delta: Value| chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]));
            Script::events()
                .event(&delta(json!({"role": "assistant", "content": ""})))
                .event(&delta(json!({"reasoning_content": THOUGHT})))
                .event(&delta(json!({"content": start})))
                .event(&delta(json!({"content": end})))
        }
        Surface::Responses => {
            let item = json!({"type": "reasoning", "id": "rs_1", "summary": []});
            let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": []});
            let output = whole_of(upstream)["output"].clone();
            let text = |delta: &str| {
                json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 1, "content_index": 0,
                    "delta": delta})
            };
            [
                json!({"type": "response.created", "response": {"id": "resp_1", "model": "x", "output": [],
                    "status": "in_progress"}}),
                json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
                json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0,
                    "summary_index": 0, "delta": THOUGHT}),
                json!({"type": "response.output_item.done", "output_index": 0, "item": output[0]}),
                json!({"type": "response.output_item.added", "output_index": 1, "item": message}),
                text(start),
                text(end),
            ]
            .iter()
            .fold(Script::events(), |script, event| script.named(event["type"].as_str().unwrap_or_default(), event))
        }
        Surface::Messages => {
            let content =
                |index: u32, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
            [
                json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
                    "model": "x", "content": [], "usage": {"input_tokens": TOKENS.0, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
                content(0, json!({"type": "thinking_delta", "thinking": THOUGHT})),
                content(0, json!({"type": "signature_delta", "signature": "c2ln"})),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
                content(1, json!({"type": "text_delta", "text": start})),
                content(1, json!({"type": "text_delta", "text": end})),
            ]
            .iter()
            .fold(Script::events(), |script, event| script.named(event["type"].as_str().unwrap_or_default(), event))
        }
        Surface::Gemini => Script::events()
            .event(&parts(&json!([{"text": THOUGHT, "thought": true}])))
            .event(&parts(&json!([{"text": start}])))
            .event(&parts(&json!([{"text": end}]))),
        Surface::Native => Script::lines()
            .line(&line(&json!({"role": "assistant", "content": "", "thinking": THOUGHT})))
            .line(&line(&json!({"role": "assistant", "content": start})))
            .line(&line(&json!({"role": "assistant", "content": end}))),
    }
}

/// What follows the text: the call, the counts and the protocol's last word.
fn end(upstream: Upstream, script: Script) -> Script {
    let (input, output) = TOKENS;
    match upstream {
        Surface::Chat => {
            let call =
                |call: Value| chunk(&json!([{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]));
            let mut usage = chunk(&json!([]));
            usage["usage"] = json!({"prompt_tokens": input, "completion_tokens": output});
            script
                .event(&call(json!({"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": "get_weather", "arguments": "{\"city\":"}})))
                .event(&call(json!({"index": 0, "function": {"arguments": "\"Oslo\"}"}})))
                .event(&chunk(&json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])))
                .event(&usage)
                .done()
        }
        Surface::Responses => {
            let whole = whole_of(upstream);
            let output = &whole["output"];
            let begun = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather",
                "arguments": ""});
            [
                json!({"type": "response.output_item.done", "output_index": 1, "item": output[1]}),
                json!({"type": "response.output_item.added", "output_index": 2, "item": begun}),
                json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2,
                    "delta": output[2]["arguments"]}),
                json!({"type": "response.output_item.done", "output_index": 2, "item": output[2]}),
                json!({"type": "response.completed", "response": whole}),
            ]
            .iter()
            .fold(script, |script, event| script.named(event["type"].as_str().unwrap_or_default(), event))
        }
        Surface::Messages => [
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "content_block_start", "index": 2,
                "content_block": {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}}),
            json!({"type": "content_block_delta", "index": 2,
                "delta": {"type": "input_json_delta", "partial_json": "{\"city\":"}}),
            json!({"type": "content_block_delta", "index": 2,
                "delta": {"type": "input_json_delta", "partial_json": "\"Oslo\"}"}}),
            json!({"type": "content_block_stop", "index": 2}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": output}}),
            json!({"type": "message_stop"}),
        ]
        .iter()
        .fold(script, |script, event| script.named(event["type"].as_str().unwrap_or_default(), event)),
        Surface::Gemini => {
            let whole = whole_of(upstream);
            let mut last = parts(&json!([whole["candidates"][0]["content"]["parts"][2]]));
            last["candidates"][0]["finishReason"] = "STOP".into();
            last["usageMetadata"] = whole["usageMetadata"].clone();
            script.event(&last)
        }
        Surface::Native => {
            let mut last = line(&json!({"role": "assistant", "content": ""}));
            last["message"]["tool_calls"] = whole_of(upstream)["message"]["tool_calls"].clone();
            let call = last.clone();
            last["message"]["tool_calls"] = json!([]);
            last["done"] = true.into();
            last["done_reason"] = "stop".into();
            last["prompt_eval_count"] = input.into();
            last["eval_count"] = output.into();
            script.line(&call).line(&last)
        }
    }
}

/// An error as the upstream tells it, as a whole body: in words, and with the name that its vendor gives it.
pub(super) fn fault(upstream: Upstream, message: &str) -> Value {
    match upstream {
        Surface::Chat | Surface::Responses => {
            json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}})
        }
        Surface::Messages => json!({"type": "error", "error": {"type": "api_error", "message": message}}),
        Surface::Gemini => json!({"error": {"code": 500, "message": message, "status": "INTERNAL"}}),
        Surface::Native => json!({"error": message}),
    }
}

/// The same as the next event of a stream.
pub(super) fn fails(upstream: Upstream, script: Script, message: &str) -> Script {
    let fault = fault(upstream, message);
    match upstream {
        Surface::Chat | Surface::Gemini => script.event(&fault),
        Surface::Responses => {
            script.named("error", &json!({"type": "error", "code": "server_error", "message": message, "param": null}))
        }
        Surface::Messages => script.named("error", &fault),
        Surface::Native => script.line(&fault),
    }
}

/// What the upstream says to a prompt that does not fit, in its vendor's words.
pub(super) fn too_long(upstream: Upstream) -> Value {
    match upstream {
        Surface::Chat => json!({"error": {"code": 400, "type": "exceed_context_size_error",
            "message": "request (911 tokens) exceeds the available context size (512 tokens), try increasing it"}}),
        Surface::Responses => json!({"error": {"type": "invalid_request_error", "code": "context_length_exceeded",
            "message": "Your input exceeds the context window of this model.", "param": "input"}}),
        Surface::Messages => json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "prompt is too long: 911 tokens > 512 maximum"}}),
        Surface::Gemini => json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "The input token count (911) exceeds the maximum number of tokens allowed (512)."}}),
        Surface::Native => json!({"error": "the input length exceeds the context length"}),
    }
}

fn chunk(choices: &Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": choices})
}

fn parts(parts: &Value) -> Value {
    json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}], "modelVersion": "x",
        "responseId": "r1"})
}

fn line(message: &Value) -> Value {
    json!({"model": "x", "created_at": "2026-11-22T08:00:00Z", "message": message, "done": false})
}
