//! An answer as Ollama's clients expect it: lines for a stream, one object for a whole.
//!
//! Calls are whole here, so that they wait for the end. There is one answer, and no place for a refusal but its text.
//! Durations are nought: nothing here asks a clock.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::completion::{Completion, CompletionRequest, Delta, Finish, Part, ToolKind, Usage};
use crate::protocol::Operation;
use crate::protocol::codec::{DeltaEncoder, custom, json};
use crate::timestamp;

/// Writes a whole answer: what its stream comes to, in one object.
pub(super) fn whole(operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
    let mut encoder = Encoder::new(operation, request);
    encoder.start(&completion.model, completion.created);
    encoder.usage = completion.usage;
    let mut said = Said::default();
    if let Some(choice) = completion.choices.first() {
        for (part, spoken) in choice.parts.iter().enumerate() {
            match spoken {
                Part::Text(text) => said.content.push_str(&text.text),
                Part::Refusal(words) => said.content.push_str(words),
                Part::Thought(thought) if encoder.thoughts => {
                    if !thought.text.is_empty() {
                        let known = said.thinking.get_or_insert_default();
                        if !known.is_empty() {
                            known.push_str(BETWEEN_THOUGHTS);
                        }
                        known.push_str(&thought.text);
                    }
                }
                Part::ToolCall(call) => encoder.calls.push(Call {
                    part: u32::try_from(part).unwrap_or(u32::MAX),
                    id: call.id.clone(),
                    name: call.name.clone(),
                    kind: call.kind,
                    arguments: call.arguments.clone(),
                }),
                Part::Thought(_) | Part::Media(_) | Part::ToolResult(_) => {}
            }
        }
        said.logprobs = choice.logprobs.as_ref().and_then(|value| value.get("content")).cloned();
        encoder.reason = reason(choice.finish.as_ref());
    }
    said.calls = encoder.take_calls();
    bytes(&encoder.end(said))
}

/// Writes the answer to a request that only loads a model or unloads it.
pub(super) fn loaded(operation: Operation, request: &CompletionRequest, now: u64) -> Bytes {
    let mut encoder = Encoder::new(operation, request);
    encoder.start("", Some(now));
    let unloads = match &request.keep_alive {
        Some(Value::Number(seconds)) => seconds.as_f64() == Some(0.0),
        Some(Value::String(text)) => matches!(text.as_str(), "0" | "0s" | "0m" | "0h"),
        _ => false,
    };
    let done_reason = Some(if unloads { "unload" } else { "load" });
    bytes(&Line { done: true, done_reason, ..encoder.line(Said::default()) })
}

/// What stands between thoughts that were apart.
const BETWEEN_THOUGHTS: &str = "\n\n";

/// Writes one stream.
pub(super) struct Encoder {
    generates: bool,
    thoughts: bool,
    asked: String,
    model: String,
    created_at: String,
    calls: Vec<Call>,
    /// The thought that was said last.
    thought: Option<u32>,
    reason: &'static str,
    usage: Option<Usage>,
}

struct Call {
    part: u32,
    id: String,
    name: String,
    kind: ToolKind,
    arguments: String,
}

/// What one line says.
#[derive(Default)]
struct Said {
    content: String,
    thinking: Option<String>,
    calls: Vec<ToolCall>,
    logprobs: Option<Value>,
}

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    created_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<Value>,
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_eval_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_eval_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_duration: Option<u64>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
}

#[derive(Serialize)]
struct ToolCall {
    id: String,
    function: Function,
}

#[derive(Serialize)]
struct Function {
    index: usize,
    name: String,
    arguments: Box<RawValue>,
}

impl Encoder {
    pub(super) fn new(operation: Operation, request: &CompletionRequest) -> Encoder {
        let mut encoder = Encoder {
            generates: operation == Operation::Completion,
            thoughts: request.reasoning.as_ref().and_then(|reasoning| reasoning.include) != Some(false),
            asked: request.model.clone(),
            model: String::new(),
            created_at: String::new(),
            calls: Vec::new(),
            thought: None,
            reason: "stop",
            usage: None,
        };
        encoder.start("", None);
        encoder
    }

    fn start(&mut self, model: &str, created: Option<u64>) {
        self.model = if model.is_empty() { self.asked.clone() } else { model.to_owned() };
        self.created_at = timestamp::rfc3339(created.unwrap_or(0));
    }

    fn line(&self, said: Said) -> Line<'_> {
        let Said { content, thinking, calls: tool_calls, logprobs } = said;
        let (message, response, thinking) = if self.generates {
            (None, Some(content), thinking)
        } else {
            (Some(Message { role: "assistant", content, thinking, tool_calls }), None, None)
        };
        Line {
            model: &self.model,
            created_at: &self.created_at,
            message,
            response,
            thinking,
            logprobs,
            done: false,
            done_reason: None,
            total_duration: None,
            load_duration: None,
            prompt_eval_count: None,
            prompt_eval_duration: None,
            eval_count: None,
            eval_duration: None,
        }
    }

    /// The last line.
    fn end(&self, said: Said) -> Line<'_> {
        let counted = self.usage.map(|_| 0);
        Line {
            done: true,
            done_reason: Some(self.reason),
            total_duration: Some(0),
            load_duration: Some(0),
            prompt_eval_count: self.usage.map(|usage| usage.input),
            prompt_eval_duration: counted,
            eval_count: self.usage.map(|usage| usage.output),
            eval_duration: counted,
            ..self.line(said)
        }
    }

    fn say(&self, said: Said, out: &mut Vec<u8>) {
        write(&self.line(said), out);
    }

    fn take_calls(&mut self) -> Vec<ToolCall> {
        let calls = std::mem::take(&mut self.calls).into_iter().enumerate();
        let call = |(index, call): (usize, Call)| {
            let arguments = arguments(call.kind, &call.arguments);
            ToolCall { id: call.id, function: Function { index, name: call.name, arguments } }
        };
        calls.map(call).collect()
    }
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { model, created, .. } => self.start(&model, created),
            Delta::Text { choice: 0, text, .. } | Delta::Refusal { choice: 0, text, .. } => {
                if !text.is_empty() {
                    self.say(Said { content: text, ..Said::default() }, out);
                }
            }
            Delta::Thought { choice: 0, part, text } => {
                if !text.is_empty() && self.thoughts {
                    let another = self.thought.replace(part).is_some_and(|known| known != part);
                    let thinking = if another { format!("{BETWEEN_THOUGHTS}{text}") } else { text };
                    self.say(Said { thinking: Some(thinking), ..Said::default() }, out);
                }
            }
            Delta::ToolCall { choice: 0, part, id, name, kind } => {
                self.calls.push(Call { part, id, name, kind, arguments: String::new() });
            }
            Delta::Arguments { choice: 0, part, json } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.part == part) {
                    call.arguments.push_str(&json);
                }
            }
            Delta::Logprobs { choice: 0, mut value } => {
                let logprobs = value.get_mut("content").map(Value::take);
                self.say(Said { logprobs, ..Said::default() }, out);
            }
            Delta::Finish { choice: 0, finish } => self.reason = reason(Some(&finish)),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Failed { message, .. } => {
                write(&serde_json::json!({ "error": message }), out);
            }
            // A state has no place here, and other choices are never asked for.
            Delta::ThoughtState { .. }
            | Delta::Text { .. }
            | Delta::Refusal { .. }
            | Delta::Thought { .. }
            | Delta::ToolCall { .. }
            | Delta::Arguments { .. }
            | Delta::Logprobs { .. }
            | Delta::Finish { .. } => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let calls = self.take_calls();
        if !calls.is_empty() {
            self.say(Said { calls, ..Said::default() }, out);
        }
        write(&self.end(Said::default()), out);
    }
}

/// A call's arguments as the object that clients expect, as the model wrote it.
fn arguments(kind: ToolKind, text: &str) -> Box<RawValue> {
    let object = match kind {
        ToolKind::Function => json::object(text),
        ToolKind::Custom => json::object(&custom::lower_text(text)),
    };
    if !object.get().contains(['\n', '\r']) {
        return object;
    }
    // Between the words of JSON a line's end is a blank like any other; here it would end the line.
    let line = object.get().replace(['\n', '\r'], " ");
    RawValue::from_string(line).unwrap_or(object)
}

/// Why an answer ended, in Ollama's words: calls are a stop like any other.
fn reason(finish: Option<&Finish>) -> &'static str {
    match finish {
        None | Some(Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls) => "stop",
        Some(Finish::Length) => "length",
        Some(Finish::Filtered) => "content_filter",
    }
}

fn write(line: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, and no key here is anything but text.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

fn bytes(line: &Line<'_>) -> Bytes {
    serde_json::to_vec(line).map(Bytes::from).unwrap_or_default()
}
