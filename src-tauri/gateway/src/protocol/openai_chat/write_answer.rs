//! A whole answer as clients of chat completions expect it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::usage;
use crate::completion::{
    Choice, Completion, CompletionRequest, Finish, OpaqueState, Part, StateKind, ToolCall, ToolKind,
};
use crate::protocol::codec::{custom, ids};

/// Writes an answer.
pub(super) fn whole(request: &CompletionRequest, completion: &Completion) -> Bytes {
    let choices = completion.choices.iter().enumerate().map(|(at, choice)| {
        json!({
            "index": at,
            "message": message(request, choice),
            "logprobs": choice.logprobs,
            "finish_reason": reason(choice.finish.as_ref()),
        })
    });
    let mut body = json!({
        "id": id("chatcmpl-", &completion.id, &completion.model, completion.created),
        "object": "chat.completion",
        "created": completion.created.unwrap_or(0),
        "model": model(request, &completion.model),
        "choices": choices.collect::<Vec<_>>(),
    });
    if let Some(counts) = &completion.usage {
        body["usage"] = usage::write(counts);
    }
    if let Some(tier) = &completion.service_tier {
        body["service_tier"] = tier.as_str().into();
    }
    Bytes::from(body.to_string())
}

fn message(request: &CompletionRequest, choice: &Choice) -> Map<String, Value> {
    let (mut text, mut thought, mut refusal) = (None::<String>, None::<String>, None::<String>);
    let (mut calls, mut details) = (Vec::new(), Vec::new());
    for part in &choice.parts {
        match part {
            Part::Text(part) => text.get_or_insert_default().push_str(&part.text),
            Part::Refusal(words) => refusal.get_or_insert_default().push_str(words),
            Part::Thought(part) if shows_thoughts(request) => {
                if !part.text.is_empty() {
                    let known = thought.get_or_insert_default();
                    if !known.is_empty() {
                        known.push_str(BETWEEN_THOUGHTS);
                    }
                    known.push_str(&part.text);
                }
                details.extend(part.state.as_ref().map(detail));
            }
            Part::ToolCall(call) => calls.push(tool_call(request, call)),
            Part::Thought(_) | Part::Media(_) | Part::ToolResult(_) => {}
        }
    }
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    let content = match text {
        None if calls.is_empty() && refusal.is_none() => Some(String::new()),
        text => text,
    };
    message.insert("content".into(), content.into());
    message.insert("refusal".into(), refusal.into());
    if let Some(thought) = thought {
        message.insert("reasoning_content".into(), thought.as_str().into());
        message.insert("reasoning".into(), thought.into());
    }
    if !details.is_empty() {
        message.insert("reasoning_details".into(), details.into());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".into(), calls.into());
    }
    message
}

fn tool_call(request: &CompletionRequest, call: &ToolCall) -> Value {
    let mut value = if call.kind == ToolKind::Custom {
        json!({"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}})
    } else if is_custom(request, &call.name) {
        let input = custom::raise_text(&call.arguments);
        json!({"id": call.id, "type": "custom", "custom": {"name": call.name, "input": input}})
    } else {
        json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
    };
    if let Some(state) = call.state.as_ref().filter(|state| state.kind == StateKind::Gemini) {
        value["extra_content"] = signature(&state.value);
    }
    value
}

/// What stands between thoughts that were apart: they are paragraphs, and the wire has one field.
pub(super) const BETWEEN_THOUGHTS: &str = "\n\n";

/// Google's place for a thought's signature on the call that it led to.
pub(super) fn signature(value: &str) -> Value {
    json!({"google": {"thought_signature": value}})
}

/// A thought's state as OpenRouter writes it; clients that know it send it back.
pub(super) fn detail(state: &OpaqueState) -> Value {
    let (kind, field, format) = match state.kind {
        StateKind::AnthropicSignature => ("reasoning.text", "signature", "anthropic-claude-v1"),
        StateKind::AnthropicRedacted => ("reasoning.encrypted", "data", "anthropic-claude-v1"),
        StateKind::Gemini => ("reasoning.encrypted", "data", "google-gemini-v1"),
        StateKind::OpenAi => ("reasoning.encrypted", "data", "openai-responses-v1"),
    };
    let mut value = json!({"type": kind, "format": format, "index": 0, field: state.value});
    if let Some(id) = &state.id {
        value["id"] = id.as_str().into();
    }
    value
}

/// Whether the client gave a tool of this name as a custom one: a function's call of that name stands for it.
pub(super) fn is_custom(request: &CompletionRequest, name: &str) -> bool {
    request.tools.iter().any(|tool| tool.kind == ToolKind::Custom && tool.name == name)
}

/// Whether the client wants to see thoughts.
pub(super) fn shows_thoughts(request: &CompletionRequest) -> bool {
    request.reasoning.as_ref().and_then(|reasoning| reasoning.include) != Some(false)
}

/// The upstream's id, or one made where it has none.
pub(super) fn id(prefix: &str, id: &str, model: &str, created: Option<u64>) -> String {
    if id.is_empty() { ids::made_up(prefix, &[model, &created.unwrap_or(0).to_string()]) } else { id.to_owned() }
}

/// The model that answered; the one asked for where the upstream does not tell.
pub(super) fn model<'a>(request: &'a CompletionRequest, model: &'a str) -> &'a str {
    if model.is_empty() { &request.model } else { model }
}

/// Why an answer ended, in OpenAI's words. An answer whose upstream told no reason was complete.
pub(super) fn reason(finish: Option<&Finish>) -> &'static str {
    match finish {
        None | Some(Finish::Stop | Finish::StopSequence(_)) => "stop",
        Some(Finish::Length) => "length",
        Some(Finish::ToolCalls) => "tool_calls",
        Some(Finish::Filtered) => "content_filter",
    }
}
