//! One of an answer's choices as its chunks come.
//!
//! A choice has at most one text, one thought and one refusal: the wire has one field for each, so that pieces that
//! alternate belong together. Calls are known by their index, and by their id where servers give two calls one index.

use serde_json::{Map, Value};

use super::super::read_messages::{read_thought, signature};
use super::states;
use crate::completion::{Delta, Finish, OpaqueState, ToolKind};
use crate::protocol::codec::tags::{Piece, Tags};
use crate::protocol::codec::{UpstreamError, ids};

/// Where one choice stands.
#[derive(Debug)]
pub(super) struct Reading {
    choice: u32,
    answer: String,
    tags: Tags,
    parts: Parts,
    calls: Vec<Call>,
    finished: bool,
    /// An empty reason came: some servers end with it, others send it with every chunk.
    perhaps: bool,
}

/// The numbers of the parts that have begun.
#[derive(Debug, Default)]
struct Parts {
    next: u32,
    text: Option<u32>,
    thought: Option<u32>,
    refusal: Option<u32>,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    kind: ToolKind,
    /// Its part, once its name is known.
    part: Option<u32>,
    /// Arguments that came before the name.
    held: String,
    /// Whether any arguments came.
    filled: bool,
    state: Option<OpaqueState>,
}

impl Reading {
    pub(super) fn new(choice: u32, answer: &str) -> Reading {
        Reading {
            choice,
            answer: answer.to_owned(),
            tags: Tags::default(),
            parts: Parts::default(),
            calls: Vec::new(),
            finished: false,
            perhaps: false,
        }
    }

    /// Takes one chunk's choice. An error is one that the choice itself tells.
    pub(super) fn take(&mut self, mut choice: Map<String, Value>, out: &mut Vec<Delta>) -> Result<(), UpstreamError> {
        let message = match (choice.remove("delta"), choice.remove("message")) {
            (Some(Value::Object(delta)), _) => delta,
            (_, Some(Value::Object(message))) => message,
            _ => Map::new(),
        };
        self.message(message, out);
        if let Some(Value::Object(logprobs)) = choice.remove("logprobs") {
            let lists: Map<String, Value> = logprobs.into_iter().filter(|(_, value)| value.is_array()).collect();
            if !lists.is_empty() {
                out.push(Delta::Logprobs { choice: self.choice, value: Value::Object(lists) });
            }
        }
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        let stopped_by = choice.get("stop_reason").and_then(Value::as_str).map(str::to_owned);
        let finish = match reason {
            None => return Ok(()),
            Some("") => {
                self.perhaps = true;
                return Ok(());
            }
            Some("length" | "model_length" | "max_tokens" | "MAX_TOKENS") => Finish::Length,
            Some("tool_calls" | "function_call" | "tool_use") => Finish::ToolCalls,
            Some("content_filter" | "safety" | "SAFETY" | "RECITATION") => Finish::Filtered,
            Some(reason @ ("error" | "insufficient_system_resource" | "abort")) => {
                let message = format!("the model's server stopped with `{reason}`");
                return Err(UpstreamError { message, code: Some(reason.to_owned()), context_exceeded: false });
            }
            // vLLM tells which stop text came.
            Some(_) if stopped_by.is_some() => Finish::StopSequence(stopped_by),
            Some(_) => Finish::Stop,
        };
        self.stop(finish, out);
        Ok(())
    }

    /// Whether a reason came, or an empty one.
    pub(super) fn ended(&self) -> bool {
        self.finished || self.perhaps
    }

    /// Gives what was held back.
    pub(super) fn flush(&mut self, out: &mut Vec<Delta>) {
        self.plain(out);
        for at in 0..self.calls.len() {
            self.name(at, "", out);
            if let Some(call) = self.calls.get_mut(at)
                && let Some(part) = call.part
                && !std::mem::replace(&mut call.filled, true)
                && call.kind == ToolKind::Function
            {
                out.push(Delta::Arguments { choice: self.choice, part, json: "{}".into() });
            }
        }
    }

    /// The answer is over.
    pub(super) fn end(&mut self, out: &mut Vec<Delta>) {
        if !self.finished {
            self.stop(Finish::Stop, out);
        }
    }

    fn stop(&mut self, finish: Finish, out: &mut Vec<Delta>) {
        self.flush(out);
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let finish = match finish {
            Finish::Stop if !self.calls.is_empty() => Finish::ToolCalls,
            other => other,
        };
        out.push(Delta::Finish { choice: self.choice, finish });
    }

    fn message(&mut self, mut message: Map<String, Value>, out: &mut Vec<Delta>) {
        let mut text = |name: &str| match message.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let fields = ["reasoning_content", "reasoning", "thinking", "reasoning_text"].map(&mut text);
        let mut thought = fields.into_iter().flatten().next();
        let refusal = text("refusal");
        if let Some(Value::Array(details)) = message.remove("reasoning_details") {
            let told = thought.is_some();
            for detail in details {
                let (text, state) = states(&detail);
                if let Some(text) = text
                    && !told
                {
                    thought.get_or_insert_default().push_str(&text);
                }
                if let Some(state) = state {
                    self.thought(&thought.take().unwrap_or_default(), Some(state), out);
                }
            }
        }
        if let Some(thought) = thought {
            self.thought(&thought, None, out);
        }
        match message.remove("content") {
            Some(Value::String(text)) => self.tagged(&text, out),
            Some(Value::Array(list)) => list.into_iter().for_each(|part| self.part(part, out)),
            _ => {}
        }
        if let Some(text) = refusal {
            self.refusal(text, out);
        }
        if let Some(Value::Array(calls)) = message.remove("tool_calls") {
            for call in calls {
                if let Value::Object(call) = call {
                    self.call(call, out);
                }
            }
        }
        if let Some(function @ Value::Object(_)) = message.remove("function_call") {
            self.call(Map::from_iter([("index".to_owned(), 0.into()), ("function".to_owned(), function)]), out);
        }
    }

    /// A part of a content list: Mistral's and Databricks' thoughts stand among texts.
    fn part(&mut self, part: Value, out: &mut Vec<Delta>) {
        let Value::Object(mut part) = part else { return };
        match part.get("type").and_then(Value::as_str) {
            Some("thinking" | "reasoning") => {
                let inner = part.remove("thinking").or_else(|| part.remove("summary"));
                let (text, state) = read_thought(&inner);
                self.thought(&text, state, out);
            }
            Some("refusal") => {
                if let Some(Value::String(text)) = part.remove("refusal") {
                    self.refusal(text, out);
                }
            }
            _ => {
                if let Some(Value::String(text)) = part.remove("text") {
                    self.tagged(&text, out);
                }
            }
        }
    }

    fn tagged(&mut self, text: &str, out: &mut Vec<Delta>) {
        let mut tags = std::mem::take(&mut self.tags);
        tags.push(text, &mut |piece| self.piece(piece, out));
        self.tags = tags;
    }

    /// Another part begins: what looked like a tag is none, and comes first.
    fn plain(&mut self, out: &mut Vec<Delta>) {
        let mut tags = std::mem::take(&mut self.tags);
        tags.off(&mut |piece| self.piece(piece, out));
        self.tags = tags;
    }

    fn piece(&mut self, piece: Piece, out: &mut Vec<Delta>) {
        let choice = self.choice;
        out.push(match piece {
            Piece::Thought(text) => {
                Delta::Thought { choice, part: number(&mut self.parts.next, &mut self.parts.thought), text }
            }
            Piece::Text(text) => Delta::Text { choice, part: number(&mut self.parts.next, &mut self.parts.text), text },
        });
    }

    /// A thought in a field of its own.
    fn thought(&mut self, text: &str, state: Option<OpaqueState>, out: &mut Vec<Delta>) {
        self.plain(out);
        if text.is_empty() && state.is_none() {
            return;
        }
        let part = number(&mut self.parts.next, &mut self.parts.thought);
        out.push(Delta::Thought { choice: self.choice, part, text: text.to_owned() });
        if let Some(state) = state {
            out.push(Delta::ThoughtState { choice: self.choice, part, state });
        }
    }

    fn refusal(&mut self, text: String, out: &mut Vec<Delta>) {
        self.plain(out);
        let part = number(&mut self.parts.next, &mut self.parts.refusal);
        out.push(Delta::Refusal { choice: self.choice, part, text });
    }

    fn call(&mut self, mut entry: Map<String, Value>, out: &mut Vec<Delta>) {
        self.plain(out);
        let index = entry.get("index").and_then(Value::as_u64);
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, inner) = match (entry.remove("custom"), entry.remove("function")) {
            (Some(Value::Object(custom)), _) => (ToolKind::Custom, custom),
            (_, Some(Value::Object(function))) => (ToolKind::Function, function),
            _ => (ToolKind::Function, Map::new()),
        };
        let mut inner = inner;
        let name = inner.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let at = self.place(index, &id, &name, kind);
        let choice = self.choice;
        let Some(call) = self.calls.get_mut(at) else { return };
        call.state = signature(entry.get("extra_content")).or(call.state.take());
        let piece = match inner.remove(if call.kind == ToolKind::Custom { "input" } else { "arguments" }) {
            Some(Value::String(text)) => text,
            Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
            _ => String::new(),
        };
        match call.part {
            None => call.held.push_str(&piece),
            Some(part) if !piece.is_empty() => {
                call.filled = true;
                out.push(Delta::Arguments { choice, part, json: piece });
            }
            Some(_) => {}
        }
        if !name.is_empty() {
            self.name(at, &name, out);
        }
        if let Some(call) = self.calls.get_mut(at)
            && let Some(part) = call.part
            && let Some(state) = call.state.take()
        {
            out.push(Delta::ThoughtState { choice, part, state });
        }
    }

    /// Which call an entry belongs to; a new one where it belongs to none.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str, kind: ToolKind) -> usize {
        let known = match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index),
            None if !id.is_empty() => self.calls.iter().rposition(|call| call.id == id),
            // No index and no id: a name begins a call, all else goes on with the last.
            None if name.is_empty() => self.calls.len().checked_sub(1),
            None => None,
        };
        // Ollama gives several calls one index; a new id is then a new call.
        let same =
            |at: &usize| self.calls.get(*at).is_some_and(|call| id.is_empty() || call.id == id || call.made_up());
        if let Some(at) = known.filter(same) {
            return at;
        }
        let made_up;
        let id = if id.is_empty() {
            let place = self.calls.len().to_string();
            made_up = ids::made_up(MADE_UP, &[&self.answer, &self.choice.to_string(), &place, name]);
            &made_up
        } else {
            id
        };
        let (part, state) = (None, None);
        self.calls.push(Call { index, id: id.to_owned(), kind, part, held: String::new(), filled: false, state });
        self.calls.len() - 1
    }

    /// Begins a call, once.
    fn name(&mut self, at: usize, name: &str, out: &mut Vec<Delta>) {
        let choice = self.choice;
        let Some(call) = self.calls.get_mut(at).filter(|call| call.part.is_none()) else { return };
        let part = number(&mut self.parts.next, &mut call.part);
        out.push(Delta::ToolCall { choice, part, id: call.id.clone(), name: name.to_owned(), kind: call.kind });
        // Before its arguments: who tells it elsewhere wants it first.
        out.extend(call.state.take().map(|state| Delta::ThoughtState { choice, part, state }));
        let json = std::mem::take(&mut call.held);
        if !json.is_empty() {
            call.filled = true;
            out.push(Delta::Arguments { choice, part, json });
        }
    }
}

/// How ids begin that no server gave.
const MADE_UP: &str = "call_pm_";

impl Call {
    /// Whether its id is ours: an id that comes later does not make another call of it.
    fn made_up(&self) -> bool {
        self.id.starts_with(MADE_UP)
    }
}

/// A part's number, given when it begins.
fn number(next: &mut u32, part: &mut Option<u32>) -> u32 {
    *part.get_or_insert_with(|| {
        let number = *next;
        *next = next.saturating_add(1);
        number
    })
}
