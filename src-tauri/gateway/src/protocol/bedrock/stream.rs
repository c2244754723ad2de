//! Converse's events to pieces of the hub.
//!
//! An event's name stands in its frame's head. A block of text or of thought begins with its first piece; only a call says
//! that it begins. The counts come last, behind the reason to end.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{self, UsageIn, finish};
use crate::completion::{Delta, ToolKind};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault};

/// Reads one stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    started: bool,
    /// A reason to end came: the answer is complete.
    complete: bool,
    /// Nothing counts any more.
    over: bool,
    /// The next part's number.
    next: u32,
    open: BTreeMap<u32, Open>,
}

/// A block that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    part: u32,
    kind: Kind,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    /// And whether it has arguments.
    Call(bool),
    /// What ran on Amazon's servers.
    Foreign,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    #[serde(default)]
    content_block_index: u32,
    start: Option<Start>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    tool_use: Option<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    #[serde(default)]
    tool_use_id: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grown {
    #[serde(default)]
    content_block_index: u32,
    delta: Option<Piece>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    text: Option<String>,
    tool_use: Option<Arguments>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(default)]
    input: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stopped {
    #[serde(default)]
    content_block_index: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    #[serde(default)]
    stop_reason: String,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    usage: Option<UsageIn>,
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        if self.over {
            return;
        }
        if frame.fault {
            let mut told = answer::error(&frame.data);
            if !frame.event.is_empty() {
                told.code = Some(frame.event.clone());
            }
            return self.fail(told, out);
        }
        if let Err(error) = self.event(frame, out) {
            self.fail(fault::event(&frame.data, &error), out);
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
    fn event(&mut self, frame: &Frame, out: &mut Vec<Delta>) -> Result<(), serde_json::Error> {
        match &*frame.event {
            "messageStart" => self.start(out),
            "contentBlockStart" => {
                let Begun { content_block_index: index, start } = read(frame)?;
                if let Some(call) = start.and_then(|start| start.tool_use) {
                    self.call(index, call, out);
                }
            }
            "contentBlockDelta" => {
                let Grown { content_block_index: index, delta } = read(frame)?;
                if let Some(piece) = delta {
                    self.piece(index, piece, out);
                }
            }
            "contentBlockStop" => {
                let Stopped { content_block_index: index } = read(frame)?;
                if let Some(open) = self.open.remove(&index) {
                    settle(open, out);
                }
            }
            "messageStop" => {
                let Ended { stop_reason } = read(frame)?;
                self.start(out);
                self.settle(out);
                self.complete = true;
                out.push(Delta::Finish { choice: 0, finish: finish(&stop_reason) });
            }
            "metadata" => {
                let Metadata { usage } = read(frame)?;
                out.extend(usage.map(|usage| Delta::Usage(usage.usage())));
            }
            _ => {}
        }
        Ok(())
    }

    /// Begins the answer, once. Bedrock gives it neither an id nor its model's name.
    fn start(&mut self, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Delta::Start { id: String::new(), model: String::new(), created: None });
        }
    }

    fn call(&mut self, index: u32, call: Call, out: &mut Vec<Delta>) {
        self.start(out);
        let Call { tool_use_id: id, name, kind } = call;
        if kind.is_some() {
            self.open.insert(index, Open { part: self.next, kind: Kind::Foreign });
            return;
        }
        if id.is_empty() || name.is_empty() {
            return self.fail(fault::say("the model called a tool without an id or a name"), out);
        }
        let part = self.begin(index, Kind::Call(false), out);
        out.push(Delta::ToolCall { choice: 0, part, id, name, kind: ToolKind::Function });
    }

    /// A new part, whatever stood at this index.
    fn begin(&mut self, index: u32, kind: Kind, out: &mut Vec<Delta>) -> u32 {
        let part = self.next;
        self.next += 1;
        if let Some(before) = self.open.insert(index, Open { part, kind }) {
            settle(before, out);
        }
        part
    }

    /// The part that a piece belongs to: the one that grows at this index, or a new one.
    fn part(&mut self, index: u32, kind: Kind, out: &mut Vec<Delta>) -> u32 {
        self.start(out);
        match self.open.get(&index) {
            Some(open) if open.kind == kind => open.part,
            Some(_) | None => self.begin(index, kind, out),
        }
    }

    fn piece(&mut self, index: u32, piece: Piece, out: &mut Vec<Delta>) {
        if self.open.get(&index).is_some_and(|open| open.kind == Kind::Foreign) {
            return;
        }
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(text) = said(piece.text) {
            let part = self.part(index, Kind::Text, out);
            out.push(Delta::Text { choice: 0, part, text });
        }
        if let Some(reasoning) = piece.reasoning_content {
            if let Some(text) = said(reasoning.text) {
                let part = self.part(index, Kind::Thought, out);
                out.push(Delta::Thought { choice: 0, part, text });
            }
            let state = said(reasoning.signature).map(answer::signature);
            if let Some(state) = state.or_else(|| said(reasoning.redacted_content).map(answer::redacted)) {
                let part = self.part(index, Kind::Thought, out);
                out.push(Delta::ThoughtState { choice: 0, part, state });
            }
        }
        if let Some(json) = piece.tool_use.map(|call| call.input).filter(|json| !json.is_empty())
            && let Some(Open { part, kind: kind @ Kind::Call(_) }) = self.open.get_mut(&index)
        {
            *kind = Kind::Call(true);
            out.push(Delta::Arguments { choice: 0, part: *part, json });
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

fn read<T: DeserializeOwned>(frame: &Frame) -> Result<T, serde_json::Error> {
    serde_json::from_slice(&frame.data)
}

/// A call that no arguments came for has none.
fn settle(open: Open, out: &mut Vec<Delta>) {
    if open.kind == Kind::Call(false) {
        out.push(Delta::Arguments { choice: 0, part: open.part, json: "{}".into() });
    }
}
