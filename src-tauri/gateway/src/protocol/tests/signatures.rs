//! Gemini 3 answers a call with a signature and refuses the next turn without it: it survives every client that gives back
//! what it got, and is stood in for where a client does not.
//!
//! The clients here do what their SDKs do: they put a stream together, append it to the conversation, and answer the calls.

use serde_json::{Value, json};

use super::*;
use crate::completion::Completion;
use crate::protocol::codec::Target;

/// What Google documents for a call that has lost its signature.
const STAND_IN: &str = "skip_thought_signature_validator";

/// A thought, words, two calls side by side: Google signs the first of them.
const ANSWER: &str = r#"{"candidates": [{"index": 0, "content": {"role": "model", "parts": [
    {"text": "I look.", "thought": true}, {"text": "Both."},
    {"functionCall": {"name": "oslo", "args": {"at": 1}, "id": "f/1"}, "thoughtSignature": "c2ln+/8="},
    {"functionCall": {"name": "rome", "args": {}, "id": "f/2"}}]}, "finishReason": "STOP"}],
    "modelVersion": "gemini-3-pro", "responseId": "r1"}"#;

/// What a client puts a stream together to: the body of a whole answer, as far as it gives it back.
fn together(protocol: Protocol, stream: &[u8]) -> Value {
    let text = std::str::from_utf8(stream).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let events: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut said: Vec<Value> = Vec::new();
    let add = |value: &mut Value, more: &Value| {
        let known = value.as_str().unwrap_or_default().to_owned();
        *value = (known + more.as_str().unwrap_or_default()).into();
    };
    match protocol {
        Protocol::Anthropic => {
            for event in &events {
                let delta = &event["delta"];
                match event["type"].as_str() {
                    Some("content_block_start") => said.push(event["content_block"].clone()),
                    Some("content_block_delta") => {
                        let block = said.last_mut().unwrap();
                        match delta["type"].as_str().unwrap() {
                            "text_delta" => add(&mut block["text"], &delta["text"]),
                            "thinking_delta" => add(&mut block["thinking"], &delta["thinking"]),
                            "signature_delta" => block["signature"] = delta["signature"].clone(),
                            _ => add(&mut block["input"], &delta["partial_json"]),
                        }
                    }
                    _ => {}
                }
            }
            for block in said.iter_mut().filter(|block| block["input"].is_string()) {
                block["input"] = serde_json::from_str(block["input"].as_str().unwrap()).unwrap();
            }
            json!({ "content": said })
        }
        Protocol::OpenAiResponses => {
            let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
            json!({"output": done.map(|event| event["item"].clone()).collect::<Vec<_>>()})
        }
        Protocol::OpenAiChat => {
            let mut message = json!({"role": "assistant", "content": ""});
            for event in &events {
                let delta = &event["choices"][0]["delta"];
                add(&mut message["content"], &delta["content"]);
                for call in delta["tool_calls"].as_array().into_iter().flatten() {
                    match said.get_mut(usize::try_from(call["index"].as_u64().unwrap()).unwrap()) {
                        Some(known) => add(&mut known["function"]["arguments"], &call["function"]["arguments"]),
                        None => said.push(call.clone()),
                    }
                }
            }
            message["tool_calls"] = said.into();
            json!({"choices": [{ "message": message }]})
        }
        Protocol::Gemini => {
            let parts = events.iter().flat_map(|event| event["candidates"][0]["content"]["parts"].as_array().cloned());
            let content = json!({"role": "model", "parts": parts.flatten().collect::<Vec<_>>()});
            json!({"candidates": [{ "content": content }]})
        }
        Protocol::Ollama => {
            let calls = events.iter().filter_map(|event| event["message"]["tool_calls"].as_array().cloned());
            let calls: Vec<Value> = calls.flatten().collect();
            json!({"message": {"role": "assistant", "content": "Both.", "tool_calls": calls}})
        }
        Protocol::BedrockConverse | Protocol::Cohere => unreachable!("they answer no clients"),
    }
}

/// The next request of a client that was answered so.
fn next(protocol: Protocol, answer: &Value) -> Value {
    let ids = |calls: &Value, name: &str| -> Vec<Value> {
        calls.as_array().unwrap().iter().filter_map(|call| call.get(name)).cloned().collect()
    };
    let listed = |first: Value, said: Vec<Value>, results: Vec<Value>| -> Vec<Value> {
        std::iter::once(first).chain(said).chain(results).collect()
    };
    match protocol {
        Protocol::Anthropic => {
            let results = ids(&answer["content"], "id").into_iter();
            let results = results.map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "rain"}));
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "rain?"},
                {"role": "assistant", "content": answer["content"]},
                {"role": "user", "content": results.collect::<Vec<_>>()}]})
        }
        Protocol::OpenAiResponses => {
            let results = ids(&answer["output"], "call_id").into_iter();
            let results = results.map(|id| json!({"type": "function_call_output", "call_id": id, "output": "rain"}));
            let said = answer["output"].as_array().unwrap().clone();
            json!({"model": "m", "input": listed(json!({"role": "user", "content": "rain?"}), said, results.collect())})
        }
        Protocol::OpenAiChat => {
            let message = answer["choices"][0]["message"].clone();
            let results = ids(&message["tool_calls"], "id").into_iter();
            let results = results.map(|id| json!({"role": "tool", "tool_call_id": id, "content": "rain"})).collect();
            json!({"model": "m", "messages": listed(json!({"role": "user", "content": "rain?"}), vec![message], results)})
        }
        Protocol::Gemini => {
            let content = answer["candidates"][0]["content"].clone();
            let calls = ids(&content["parts"], "functionCall").into_iter();
            let results = calls.map(
                |call| json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"r": 1}}}),
            );
            json!({"contents": [{"role": "user", "parts": [{"text": "rain?"}]}, content,
                {"role": "user", "parts": results.collect::<Vec<_>>()}]})
        }
        Protocol::Ollama => {
            let message = answer["message"].clone();
            let results = ids(&message["tool_calls"], "function").into_iter();
            let results = results.map(|call| json!({"role": "tool", "tool_name": call["name"], "content": "rain"}));
            let asked = json!({"role": "user", "content": "rain?"});
            json!({"model": "m", "messages": listed(asked, vec![message], results.collect())})
        }
        Protocol::BedrockConverse | Protocol::Cohere => unreachable!("they answer no clients"),
    }
}

/// The calls that Gemini 3 is then told of, each with its signature.
#[track_caller]
fn check(protocol: Protocol, surface: &dyn Surface, body: &Value, expected: &[(&str, &str)]) {
    let path = "/v1beta/models/m:generateContent";
    let request = surface.decode_request(Operation::Chat, path, body.to_string().as_bytes()).unwrap();
    let target = Target { model: "gemini-3-pro".into(), ..Target::default() };
    let encoded = upstream(Protocol::Gemini).encode_request(&request, &target).unwrap();
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    let parts = sent["contents"][1]["parts"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls = parts.iter().filter(|part| part.get("functionCall").is_some());
    let calls: Vec<_> =
        calls.map(|part| (text(&part["functionCall"]["name"]), text(&part["thoughtSignature"]))).collect();
    let expected: Vec<_> = expected.iter().map(|(name, signed)| ((*name).to_owned(), (*signed).to_owned())).collect();
    assert_eq!(calls, expected, "{protocol:?}: {body}");
    let strays = parts.iter().filter(|part| part.get("functionCall").is_none());
    let strays: Vec<_> = strays.filter(|part| part.get("thoughtSignature").is_some()).collect();
    assert!(strays.is_empty(), "{protocol:?}: a call's signature stands on the call alone: {strays:?}");
}

/// What of an answer a client forgets that keeps only what it knows.
fn forgotten(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "extra_content" | "thoughtSignature"));
            fields.values_mut().for_each(forgotten);
        }
        Value::Array(items) => {
            items.retain(|item| !matches!(item["type"].as_str(), Some("thinking" | "reasoning")));
            items.iter_mut().for_each(forgotten);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn of_calls_survive_every_surface() {
    let gemini = upstream(Protocol::Gemini);
    let whole = gemini.decode_completion(ANSWER.as_bytes()).unwrap();
    let deltas = testing::read(gemini.decoder(), &[format!("data: {}\n\n", ANSWER.replace('\n', " ")).as_bytes()]);
    assert_eq!(deltas.iter().cloned().collect::<Completion>(), whole);
    for (protocol, surface, _) in codecs() {
        let stood_in = [("oslo", STAND_IN), ("rome", "")];
        // Ollama's calls have no place for it, and Ollama's own Python client gives back nothing but names and arguments.
        let kept = if protocol == Protocol::Ollama { stood_in } else { [("oslo", "c2ln+/8="), ("rome", "")] };
        let request = crate::completion::CompletionRequest::default();
        let body = surface.encode_completion(Operation::Chat, &request, &whole);
        let told = serde_json::from_slice(&body).unwrap();
        let streamed = together(protocol, &testing::write(surface.encoder(Operation::Chat, &request), deltas.clone()));
        for mut answer in [told, streamed] {
            check(protocol, surface, &next(protocol, &answer), &kept);
            forgotten(&mut answer);
            check(protocol, surface, &next(protocol, &answer), &stood_in);
        }
    }
}

#[test]
fn of_calls_come_back_through_googles_chat_layer() {
    let signed = r#"{"id": "c", "model": "gemini-3-pro", "choices": [{"index": 0, "delta": {"role": "assistant",
        "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "oslo", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2ln"}}}]}, "finish_reason": "tool_calls"}]}"#;
    let stream = format!("data: {}\n\ndata: [DONE]\n\n", signed.replace('\n', " "));
    let deltas = testing::read(upstream(Protocol::OpenAiChat).decoder(), &[stream.as_bytes()]);
    for (protocol, surface, _) in codecs().filter(|(protocol, ..)| *protocol != Protocol::Ollama) {
        let request = crate::completion::CompletionRequest::default();
        let stream = testing::write(surface.encoder(Operation::Chat, &request), deltas.clone());
        check(protocol, surface, &next(protocol, &together(protocol, &stream)), &[("oslo", "c2ln")]);
    }
}
