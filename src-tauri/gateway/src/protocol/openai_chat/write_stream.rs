//! An answer in pieces as clients of chat completions expect it.
//!
//! A chunk with the role begins each choice, a chunk with the reason ends it; counts come last, if the client asked for
//! them. A call begins with its name and id, so one whose thought's state follows waits for it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::usage;
use super::write_answer::{BETWEEN_THOUGHTS, detail, id, is_custom, model, reason, shows_thoughts, signature};
use crate::completion::{CompletionRequest, Delta, Finish, StateKind, ToolKind, Usage};
use crate::protocol::codec::{DeltaEncoder, custom};

/// Writes one stream.
pub(super) struct Encoder {
    request: CompletionRequest,
    head: Head,
    choices: BTreeMap<u32, Said>,
    usage: Option<Usage>,
}

/// What every chunk repeats.
pub(super) struct Head {
    id: String,
    model: String,
    created: u64,
}

#[derive(Serialize)]
struct Chunk<'a, C> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    choices: C,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

#[derive(Serialize)]
struct Slot<'a, D> {
    index: u32,
    delta: &'a D,
    logprobs: Option<&'a Value>,
    finish_reason: Option<&'static str>,
}

impl Head {
    pub(super) fn new(prefix: &str, request: &CompletionRequest, from: (&str, &str, Option<u64>)) -> Head {
        let (known, name, created) = from;
        Head {
            id: id(prefix, known, name, created),
            model: model(request, name).to_owned(),
            created: created.unwrap_or(0),
        }
    }

    /// Appends a chunk with these choices, and with counts where they are told.
    pub(super) fn chunk(&self, object: &str, choices: impl Serialize, usage: Option<Usage>, out: &mut Vec<u8>) {
        let usage = usage.as_ref().map(usage::write);
        event(&Chunk { id: &self.id, object, created: self.created, model: &self.model, choices, usage }, out);
    }
}

/// Appends one event.
fn event(value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    // Writing to memory cannot fail, and no key here is anything but text.
    let _ = serde_json::to_writer(&mut *out, value);
    out.extend_from_slice(b"\n\n");
}

/// Appends the event by which a stream tells its failure.
pub(super) fn failure(message: &str, code: Option<&str>, out: &mut Vec<u8>) {
    let error = json!({"message": message, "type": "api_error", "param": null, "code": code});
    event(&json!({ "error": error }), out);
}

/// What was said of one choice.
#[derive(Default)]
struct Said {
    calls: Vec<Call>,
    /// The thought that was said last.
    thought: Option<u32>,
    finished: bool,
}

#[derive(Serialize)]
struct Words<'a> {
    content: &'a str,
}

#[derive(Serialize)]
struct Thoughts<'a> {
    reasoning_content: &'a str,
    reasoning: &'a str,
}

#[derive(Serialize)]
struct Calls<'a, C> {
    tool_calls: [&'a C; 1],
}

struct Call {
    part: u32,
    /// Its first chunk, until something else comes.
    waiting: Option<Map<String, Value>>,
    custom: bool,
    /// The whole arguments of a function that stands for a custom tool: its text is known at the end.
    held: Option<String>,
}

impl Encoder {
    pub(super) fn new(request: &CompletionRequest) -> Encoder {
        // The turns are megabytes, and no answer repeats them.
        let request = CompletionRequest {
            model: request.model.clone(),
            tools: request.tools.clone(),
            reasoning: request.reasoning.clone(),
            stream_usage: request.stream_usage,
            ..CompletionRequest::default()
        };
        let head = Head::new("chatcmpl-", &request, ("", "", None));
        Encoder { request, head, choices: BTreeMap::new(), usage: None }
    }

    fn said(&mut self, choice: u32, out: &mut Vec<u8>) -> &mut Said {
        if !self.choices.contains_key(&choice) {
            self.delta(choice, &json!({"role": "assistant", "content": ""}), out);
        }
        self.choices.entry(choice).or_default()
    }

    fn delta(&self, choice: u32, delta: &impl Serialize, out: &mut Vec<u8>) {
        self.slot(&Slot { index: choice, delta, logprobs: None, finish_reason: None }, out);
    }

    fn slot(&self, slot: &Slot<'_, impl Serialize>, out: &mut Vec<u8>) {
        self.head.chunk("chat.completion.chunk", [slot], None, out);
    }

    fn call(&self, choice: u32, call: &impl Serialize, out: &mut Vec<u8>) {
        self.delta(choice, &Calls { tool_calls: [call] }, out);
    }

    /// Begins calls that wait.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        let Some(said) = self.choices.get_mut(&choice) else { return };
        let waiting: Vec<_> = said.calls.iter_mut().filter_map(|call| call.waiting.take()).collect();
        for first in waiting {
            self.call(choice, &first, out);
        }
    }

    fn arguments(&mut self, choice: u32, part: u32, json: &str, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let Some(said) = self.choices.get_mut(&choice) else { return };
        let Some(at) = said.calls.iter().position(|call| call.part == part) else { return };
        let Some(call) = said.calls.get_mut(at) else { return };
        match &mut call.held {
            Some(held) => held.push_str(json),
            None if call.custom => self.call(choice, &json!({"index": at, "custom": {"input": json}}), out),
            None => self.call(choice, &json!({"index": at, "function": {"arguments": json}}), out),
        }
    }

    fn stop(&mut self, choice: u32, finish: Option<&Finish>, out: &mut Vec<u8>) {
        self.said(choice, out);
        self.begin(choice, out);
        let Some(said) = self.choices.get_mut(&choice) else { return };
        if std::mem::replace(&mut said.finished, true) {
            return;
        }
        let held = said.calls.iter_mut().enumerate();
        let held: Vec<_> = held.filter_map(|(at, call)| Some((at, call.held.take()?))).collect();
        for (at, arguments) in held {
            self.call(choice, &json!({"index": at, "custom": {"input": custom::raise_text(&arguments)}}), out);
        }
        let end = Slot { index: choice, delta: &json!({}), logprobs: None, finish_reason: Some(reason(finish)) };
        self.slot(&end, out);
    }
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model, created } => {
                self.head = Head::new("chatcmpl-", &self.request, (&id, &model, created));
                self.said(0, out);
            }
            Delta::Text { choice, text, .. } => {
                self.said(choice, out);
                self.begin(choice, out);
                if !text.is_empty() {
                    self.delta(choice, &Words { content: &text }, out);
                }
            }
            Delta::Refusal { choice, text, .. } => {
                self.said(choice, out);
                self.begin(choice, out);
                self.delta(choice, &json!({ "refusal": text }), out);
            }
            Delta::Thought { choice, part, text } => {
                let said = self.said(choice, out);
                if text.is_empty() {
                    return;
                }
                let another = said.thought.replace(part).is_some_and(|known| known != part);
                if shows_thoughts(&self.request) {
                    let text = if another { format!("{BETWEEN_THOUGHTS}{text}") } else { text };
                    self.delta(choice, &Thoughts { reasoning_content: &text, reasoning: &text }, out);
                }
            }
            Delta::ThoughtState { choice, part, state } => {
                let said = self.said(choice, out);
                match said.calls.iter().position(|call| call.part == part) {
                    Some(_) if state.kind != StateKind::Gemini => {}
                    Some(at) => {
                        let waiting = said.calls.get_mut(at).and_then(|call| call.waiting.as_mut());
                        if let Some(first) = waiting {
                            first.insert("extra_content".into(), signature(&state.value));
                            return;
                        }
                        self.call(choice, &json!({"index": at, "extra_content": signature(&state.value)}), out);
                    }
                    None if shows_thoughts(&self.request) => {
                        self.delta(choice, &json!({"reasoning_details": [detail(&state)]}), out);
                    }
                    None => {}
                }
            }
            Delta::ToolCall { choice, part, id, name, kind } => {
                self.said(choice, out);
                self.begin(choice, out);
                let stands_for_custom = kind == ToolKind::Function && is_custom(&self.request, &name);
                let custom = kind == ToolKind::Custom || stands_for_custom;
                let said = self.said(choice, out);
                let index = said.calls.len();
                let first = if custom {
                    json!({"index": index, "id": id, "type": "custom", "custom": {"name": name, "input": ""}})
                } else {
                    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}})
                };
                let Value::Object(first) = first else { return };
                let held = stands_for_custom.then(String::new);
                said.calls.push(Call { part, waiting: Some(first), custom, held });
            }
            Delta::Arguments { choice, part, json } => self.arguments(choice, part, &json, out),
            Delta::Logprobs { choice, value } => {
                self.said(choice, out);
                self.begin(choice, out);
                let slot = Slot { index: choice, delta: &json!({}), logprobs: Some(&value), finish_reason: None };
                self.slot(&slot, out);
            }
            Delta::Finish { choice, finish } => self.stop(choice, Some(&finish), out),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Failed { message, code } => failure(&message, code.as_deref(), out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.said(0, out);
        let open: Vec<u32> = self.choices.iter().filter(|(_, said)| !said.finished).map(|(at, _)| *at).collect();
        for choice in open {
            self.stop(choice, None, out);
        }
        if let Some(counts) = self.usage.filter(|_| self.request.stream_usage) {
            self.head.chunk("chat.completion.chunk", [(); 0], Some(counts), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}
