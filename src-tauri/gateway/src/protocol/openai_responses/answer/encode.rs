//! The hub's answer to a response, and the items that a stream tells too.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::names::Names;
use crate::completion::{Completion, CompletionRequest, Finish, OpaqueState, Part, ToolCall, ToolKind, Usage};
use crate::protocol::codec::{carrier, custom, json as codec};

/// What the answer to a request looks like.
#[derive(Debug)]
pub(in super::super) struct Shape {
    pub(in super::super) names: Names,
    /// Whether thoughts are told as a summary, as the client asked, or as the text that they are.
    pub(in super::super) summary: bool,
    echo: Map<String, Value>,
}

/// How a response stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Status<'a> {
    InProgress,
    Ended(Option<&'a Finish>),
    Failed { message: &'a str, code: Option<&'a str> },
}

/// What a response is about, whole or not.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct About<'a> {
    pub(in super::super) id: &'a str,
    pub(in super::super) model: &'a str,
    pub(in super::super) created: Option<u64>,
    pub(in super::super) usage: Option<Usage>,
    pub(in super::super) service_tier: Option<&'a str>,
}

impl Shape {
    /// The shape of a request's answer.
    pub(in super::super) fn of(request: &CompletionRequest) -> Shape {
        Shape {
            names: Names::of(request),
            summary: request.reasoning.as_ref().and_then(|reasoning| reasoning.include) == Some(true),
            echo: request.echo.clone(),
        }
    }

    /// A response with all the fields that OpenAI's SDKs know of one.
    pub(in super::super) fn response(&self, about: About<'_>, status: Status<'_>, output: Vec<Value>) -> Value {
        let (word, error, incomplete) = match status {
            Status::InProgress => ("in_progress", Value::Null, Value::Null),
            Status::Ended(Some(Finish::Length)) => ("incomplete", Value::Null, json!({"reason": "max_output_tokens"})),
            Status::Ended(Some(Finish::Filtered)) => ("incomplete", Value::Null, json!({"reason": "content_filter"})),
            Status::Ended(_) => ("completed", Value::Null, Value::Null),
            Status::Failed { message, code } => {
                ("failed", json!({"code": code.unwrap_or("server_error"), "message": message}), Value::Null)
            }
        };
        let mut response = json!({
            "id": about.id,
            "object": "response",
            "created_at": about.created.unwrap_or(0),
            "status": word,
            "background": false,
            "error": error,
            "incomplete_details": incomplete,
            "instructions": null,
            "max_output_tokens": null,
            "max_tool_calls": null,
            "model": about.model,
            "output": null,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "prompt_cache_key": null,
            "reasoning": {"effort": null, "summary": null},
            "safety_identifier": null,
            "service_tier": about.service_tier.unwrap_or("default"),
            "store": true,
            "temperature": null,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": null,
            "truncation": "disabled",
            "usage": about.usage.map(usage),
            "user": null,
            "metadata": {},
        });
        if let Value::Object(fields) = &mut response {
            // `json!` would copy it.
            fields.insert("output".into(), output.into());
            fields.extend(self.echo.clone());
        }
        response
    }

    /// The item of a thought.
    pub(in super::super) fn reasoning(&self, id: &str, text: &str, state: Option<&OpaqueState>) -> Value {
        let texts = |kind: &str| match text {
            "" => json!([]),
            text => json!([{"type": kind, "text": text}]),
        };
        let mut item = json!({
            "id": id,
            "type": "reasoning",
            "summary": if self.summary { texts("summary_text") } else { json!([]) },
            // The item has an id of its own here, and OpenAI binds its states to theirs: every state is carried.
            "encrypted_content": state.map(carrier::carry),
            "status": "completed",
        });
        if !self.summary {
            item["content"] = texts("reasoning_text");
        }
        item
    }

    /// The item of a call. A call of a tool of free text is told as one, however it came.
    pub(in super::super) fn call(&self, id: &str, call: &ToolCall) -> Value {
        let (namespace, name) = self.names.own(&call.name);
        let mut item = match (self.names.is_custom(&call.name, call.kind), call.kind) {
            (true, kind) => {
                let input = match kind {
                    ToolKind::Custom => call.arguments.clone(),
                    ToolKind::Function => custom::raise_text(&call.arguments),
                };
                json!({"id": id, "type": "custom_tool_call", "status": "completed", "call_id": call.id,
                    "name": name, "input": input})
            }
            (false, _) => {
                let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
                json!({"id": id, "type": "function_call", "status": "completed", "call_id": call.id,
                    "name": name, "arguments": arguments})
            }
        };
        if let Some(namespace) = namespace {
            item["namespace"] = namespace.into();
        }
        item
    }

    /// A kind of item's id in the response, at a place in its output.
    pub(in super::super) fn id(&self, kind: &str, response: &str, place: usize) -> String {
        format!("{kind}_{}_{place}", response.strip_prefix("resp_").unwrap_or(response))
    }
}

/// A text as content.
pub(in super::super) fn output_text(text: &str, logprobs: &[Value]) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs})
}

/// A refusal as content.
pub(in super::super) fn refusal(text: &str) -> Value {
    json!({"type": "refusal", "refusal": text})
}

/// The item of what the model said.
pub(in super::super) fn message(id: &str, content: Vec<Value>) -> Value {
    let mut item = json!({"id": id, "type": "message", "status": "completed", "role": "assistant", "content": null});
    item["content"] = content.into();
    item
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read.unwrap_or(0),
            "cache_write_tokens": usage.cache_write.unwrap_or(0),
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or(0)},
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}

/// The entries of log probabilities in chat completions' shape, which are this API's too.
pub(in super::super) fn logprobs(value: &Value) -> Vec<Value> {
    value.get("content").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Writes a whole answer. Only the first choice: the API has one.
pub(in super::super) fn encode(request: &CompletionRequest, completion: &Completion) -> Bytes {
    let shape = Shape::of(request);
    let choice = completion.choices.first();
    let mut logprobs = choice.and_then(|choice| choice.logprobs.as_ref()).map(logprobs).unwrap_or_default();
    let mut output = Vec::new();
    let mut content = Vec::new();
    let id = completion.id.as_str();
    let flush = |content: &mut Vec<Value>, output: &mut Vec<Value>| {
        if !content.is_empty() {
            output.push(message(&shape.id("msg", id, output.len()), std::mem::take(content)));
        }
    };
    for part in choice.map(|choice| choice.parts.as_slice()).unwrap_or_default() {
        match part {
            Part::Text(text) if text.text.is_empty() => {}
            Part::Text(text) => content.push(output_text(&text.text, &std::mem::take(&mut logprobs))),
            Part::Refusal(text) if text.is_empty() => {}
            Part::Refusal(text) => content.push(refusal(text)),
            Part::Thought(thought) if thought.text.is_empty() && thought.state.is_none() => {}
            Part::Thought(thought) => {
                flush(&mut content, &mut output);
                let id = shape.id("rs", id, output.len());
                output.push(shape.reasoning(&id, &thought.text, thought.state.as_ref()));
            }
            Part::ToolCall(call) => {
                flush(&mut content, &mut output);
                if let Some(state) = &call.state {
                    // In an item before it: clients give back both.
                    let carried = carrier::of_call(&call.id, state);
                    output.push(shape.reasoning(&shape.id("rs", id, output.len()), "", Some(&carried)));
                }
                output.push(shape.call(&shape.id("fc", id, output.len()), call));
            }
            // The API has no pictures of the model's own outside its image tool.
            Part::Media(_) | Part::ToolResult(_) => {}
        }
    }
    flush(&mut content, &mut output);
    let about = About {
        id,
        model: &completion.model,
        created: completion.created,
        usage: completion.usage,
        service_tier: completion.service_tier.as_deref(),
    };
    let status = Status::Ended(choice.and_then(|choice| choice.finish.as_ref()));
    codec::body(&shape.response(about, status, output))
}
