//! A chat's events to pieces of the hub.
//!
//! What an event is stands in its data. Contents and calls are numbered apart from each other; a plan has no number. The
//! last event has the reason to end and the counts.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::answer::{Block, Call, UsageIn, finish, said};
use crate::completion::{Delta, ToolKind};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault};

/// Reads one stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    started: bool,
    /// The last event came: the answer is complete.
    complete: bool,
    /// Nothing counts any more.
    over: bool,
    /// The next part's number.
    next: u32,
    /// The text, the thought or the plan that grows.
    grows: Option<(Grows, u32)>,
    /// Calls by their numbers: the part, and whether it has arguments.
    calls: BTreeMap<u32, (u32, bool)>,
}

/// What grows, by the number of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grows {
    Plan,
    Thought(u32),
    Text(u32),
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(default)]
    index: u32,
    delta: Option<DeltaIn>,
}

#[derive(Debug, Deserialize)]
struct DeltaIn {
    message: Option<Message>,
    finish_reason: Option<String>,
    usage: Option<UsageIn>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<OneOr<Block>>,
    tool_plan: Option<String>,
    tool_calls: Option<OneOr<Call>>,
}

/// One, where pieces come; a list that is always empty, where the message begins.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOr<T> {
    One(T),
    Other(serde::de::IgnoredAny),
}

impl<T> OneOr<T> {
    fn one(self) -> Option<T> {
        match self {
            OneOr::One(one) => Some(one),
            OneOr::Other(_) => None,
        }
    }
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        if self.over || frame.data.is_empty() || frame.data == b"[DONE]" {
            return;
        }
        match serde_json::from_slice::<Event>(&frame.data) {
            Ok(event) => self.event(event, out),
            Err(error) => self.fail(fault::event(&frame.data, &error), out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Delta>) {
        if !self.over && !self.complete {
            self.fail(fault::broken(self.started), out);
        }
    }
}

impl Decoder {
    fn event(&mut self, event: Event, out: &mut Vec<Delta>) {
        let Event { kind, id, index, delta } = event;
        if kind == "message-start" {
            return self.start(id.unwrap_or_default(), out);
        }
        let Some(delta) = delta else { return };
        if kind == "message-end" {
            return self.end(delta, out);
        }
        let Some(message) = delta.message else { return };
        match &*kind {
            "content-start" | "content-delta" => {
                let Some(block) = message.content.and_then(OneOr::one) else { return };
                if let Some(text) = said(block.thinking) {
                    let part = self.part(Grows::Thought(index), out);
                    out.push(Delta::Thought { choice: 0, part, text });
                }
                if let Some(text) = said(block.text) {
                    let part = self.part(Grows::Text(index), out);
                    out.push(Delta::Text { choice: 0, part, text });
                }
            }
            "tool-plan-delta" => {
                if let Some(text) = said(message.tool_plan) {
                    let part = self.part(Grows::Plan, out);
                    out.push(Delta::Thought { choice: 0, part, text });
                }
            }
            "tool-call-start" => {
                if let Some(call) = message.tool_calls.and_then(OneOr::one) {
                    self.call(index, call, out);
                }
            }
            "tool-call-delta" => {
                let function = message.tool_calls.and_then(OneOr::one).and_then(|call| call.function);
                if let Some(json) = said(function.and_then(|function| function.arguments))
                    && let Some((part, filled)) = self.calls.get_mut(&index)
                {
                    *filled = true;
                    out.push(Delta::Arguments { choice: 0, part: *part, json });
                }
            }
            // Ends of contents and calls, sources, and what may come.
            _ => {}
        }
    }

    /// Begins the answer, once. Its model is not told.
    fn start(&mut self, id: String, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Delta::Start { id, model: String::new(), created: None });
        }
    }

    fn part(&mut self, grows: Grows, out: &mut Vec<Delta>) -> u32 {
        self.start(String::new(), out);
        match self.grows {
            Some((known, part)) if known == grows => part,
            Some(_) | None => {
                let part = self.begin();
                self.grows = Some((grows, part));
                part
            }
        }
    }

    fn begin(&mut self) -> u32 {
        let part = self.next;
        self.next += 1;
        part
    }

    fn call(&mut self, index: u32, call: Call, out: &mut Vec<Delta>) {
        self.start(String::new(), out);
        let (name, json) = call.function.map_or((None, None), |function| (function.name, function.arguments));
        let (Some(id), Some(name)) = (said(call.id), said(name)) else {
            return self.fail(fault::say("the model called a tool without an id or a name"), out);
        };
        let part = self.begin();
        out.push(Delta::ToolCall { choice: 0, part, id, name, kind: ToolKind::Function });
        let json = said(json);
        if let Some((before, false)) = self.calls.insert(index, (part, json.is_some())) {
            out.push(nothing(before));
        }
        out.extend(json.map(|json| Delta::Arguments { choice: 0, part, json }));
    }

    fn end(&mut self, delta: DeltaIn, out: &mut Vec<Delta>) {
        self.start(String::new(), out);
        let ended = delta.finish_reason.as_deref().map_or(Ok(crate::completion::Finish::Stop), finish);
        match (ended, said(delta.error)) {
            (Ok(finish), None) => {
                let empty = std::mem::take(&mut self.calls).into_values().filter(|(_, filled)| !filled);
                out.extend(empty.map(|(part, _)| nothing(part)));
                out.push(Delta::Finish { choice: 0, finish });
                out.extend(delta.usage.and_then(|usage| usage.usage()).map(Delta::Usage));
                (self.complete, self.over) = (true, true);
            }
            (_, Some(words)) | (Err(words), None) => self.fail(fault::told(words, None), out),
        }
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        self.over = true;
        out.push(fault::failed(error));
    }
}

/// The arguments of a call that none came for.
fn nothing(part: u32) -> Delta {
    Delta::Arguments { choice: 0, part, json: "{}".into() }
}
