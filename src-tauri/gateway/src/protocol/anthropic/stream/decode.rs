//! Anthropic's events to pieces of the hub.
//!
//! An event is known by the `type` in its data: some hosts leave out the event's name. Unknown events, blocks and deltas
//! are left out, as the API's own rules for clients say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::answer::{StopDetails, UsageIn, explanation, finish};
use super::super::wire::{BlockIn, state};
use crate::completion::{Delta, StateKind, ToolKind};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault};

/// Reads one stream.
#[derive(Debug, Default)]
pub(in super::super) struct Decoder {
    started: bool,
    /// A reason to end or the last event came: the answer is complete.
    complete: bool,
    /// Nothing counts any more.
    over: bool,
    usage: UsageIn,
    /// The next part's number.
    next: u32,
    open: BTreeMap<u32, Open>,
}

/// A block that has begun.
#[derive(Debug)]
struct Open {
    part: u32,
    /// For a call that has no arguments yet: those that it began with.
    initial: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    index: Option<u32>,
    #[serde(borrow)]
    content_block: Option<BlockIn<'a>>,
    delta: Option<Piece>,
    usage: Option<UsageIn>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Started {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    usage: Option<UsageIn>,
}

#[derive(Debug, Default, Deserialize)]
struct Piece {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    stop_details: Option<StopDetails>,
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        if self.over || frame.data == b"[DONE]" {
            return;
        }
        match serde_json::from_slice::<Event<'_>>(&frame.data) {
            Ok(event) => self.event(event, out),
            Err(error) => self.fail(fault::event(&frame.data, &error), out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Delta>) {
        if self.over {
            return;
        }
        self.settle(out);
        if !self.complete {
            self.fail(fault::broken(self.started), out);
        }
    }
}

impl Decoder {
    fn event(&mut self, event: Event<'_>, out: &mut Vec<Delta>) {
        match &*event.kind {
            "message_start" => {
                let started = event.message.and_then(|raw| serde_json::from_str::<Started>(raw.get()).ok());
                let Some(started) = started else {
                    return self.fail(fault::say("the model's answer cannot be read: message_start"), out);
                };
                self.start(started.id, started.model, out);
                self.count(started.usage, out);
            }
            "content_block_start" => {
                if let (Some(index), Some(block)) = (event.index, event.content_block) {
                    self.begin(index, &block, out);
                }
            }
            "content_block_delta" => {
                if let (Some(index), Some(piece)) = (event.index, event.delta) {
                    self.piece(index, piece, out);
                }
            }
            "content_block_stop" => {
                if let Some(open) = event.index.and_then(|index| self.open.remove(&index)) {
                    settle(open, out);
                }
            }
            "message_delta" => {
                let piece = event.delta.unwrap_or_default();
                if let Some(text) = explanation(piece.stop_details) {
                    self.start(String::new(), String::new(), out);
                    out.push(Delta::Refusal { choice: 0, part: self.next, text });
                    self.next += 1;
                }
                if let Some(reason) = piece.stop_reason {
                    self.start(String::new(), String::new(), out);
                    self.settle(out);
                    self.complete = true;
                    out.push(Delta::Finish { choice: 0, finish: finish(&reason, piece.stop_sequence) });
                }
                self.count(event.usage, out);
            }
            "message_stop" => {
                self.settle(out);
                (self.complete, self.over) = (true, true);
            }
            "error" => {
                let told = event.error.map(|error| fault::of(&error)).unwrap_or_default();
                self.fail(told, out);
            }
            _ => {}
        }
    }

    /// Begins the answer, once, even where a host forgot to.
    fn start(&mut self, id: String, model: String, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Delta::Start { id, model, created: None });
        }
    }

    fn count(&mut self, usage: Option<UsageIn>, out: &mut Vec<Delta>) {
        if let Some(usage) = usage {
            self.usage.add(usage);
            out.push(Delta::Usage(self.usage.usage()));
        }
    }

    fn begin(&mut self, index: u32, block: &BlockIn<'_>, out: &mut Vec<Delta>) {
        self.start(String::new(), String::new(), out);
        let (choice, part) = (0, self.next);
        let mut initial = None;
        match &*block.kind {
            "text" => {
                let text = block.text.clone().map(String::from).unwrap_or_default();
                if !text.is_empty() {
                    out.push(Delta::Text { choice, part, text });
                }
            }
            "thinking" | "redacted_thinking" => {
                let Some(thought) = block.thought() else { return };
                out.push(Delta::Thought { choice, part, text: thought.text });
                out.extend(thought.state.map(|state| Delta::ThoughtState { choice, part, state }));
            }
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id.clone().filter(|id| !id.is_empty()), block.name.clone()) else {
                    return self.fail(fault::say("the model called a tool without an id or a name"), out);
                };
                out.push(Delta::ToolCall { choice, part, id, name, kind: ToolKind::Function });
                initial = Some(block.input.map_or("{}", RawValue::get).to_owned());
            }
            _ => return,
        }
        self.next += 1;
        if let Some(before) = self.open.insert(index, Open { part, initial }) {
            settle(before, out);
        }
    }

    fn piece(&mut self, index: u32, piece: Piece, out: &mut Vec<Delta>) {
        let Some(open) = self.open.get_mut(&index) else { return };
        let (choice, part) = (0, open.part);
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(text) = said(piece.text) {
            out.push(Delta::Text { choice, part, text });
        }
        if let Some(text) = said(piece.thinking) {
            out.push(Delta::Thought { choice, part, text });
        }
        if let Some(signature) = said(piece.signature) {
            let state = state(&signature, StateKind::AnthropicSignature);
            out.push(Delta::ThoughtState { choice, part, state });
        }
        if let Some(json) = said(piece.partial_json) {
            open.initial = None;
            out.push(Delta::Arguments { choice, part, json });
        }
    }

    /// Ends every block that was left open.
    fn settle(&mut self, out: &mut Vec<Delta>) {
        std::mem::take(&mut self.open).into_values().for_each(|open| settle(open, out));
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        self.over = true;
        out.push(fault::failed(error));
    }
}

/// A call that no arguments came for has those that it began with, mostly none.
fn settle(open: Open, out: &mut Vec<Delta>) {
    if let Some(json) = open.initial {
        out.push(Delta::Arguments { choice: 0, part: open.part, json });
    }
}
