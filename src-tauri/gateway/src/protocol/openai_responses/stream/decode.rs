//! The API's events to pieces of the hub.
//!
//! Deltas are taken as they come; what a host tells only in a `done` event, in a whole item or in the last response is
//! taken from there. Events are known by the `type` in their data.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::answer::decode::{ItemIn, ResponseIn};
use crate::completion::{Delta, Part};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault};

/// Reads one stream.
#[derive(Debug, Default)]
pub(in super::super) struct Decoder {
    started: bool,
    /// Nothing counts any more: the answer is complete or failed.
    over: bool,
    called: bool,
    /// The next part's number.
    next: u32,
    /// Parts by item and content.
    texts: BTreeMap<(u32, u32), u32>,
    items: BTreeMap<u32, Item>,
    /// Texts that were told already, by item, content and kind.
    told: BTreeSet<(u32, u32, Kind)>,
}

/// A thought or a call that has begun.
#[derive(Debug)]
struct Item {
    part: u32,
    /// The text that was told last, for the space between a thought's texts.
    last: Option<(u32, Kind)>,
    /// Whether arguments came.
    filled: bool,
}

/// What a delta is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Refusal,
    Summary,
    Thought,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    output_index: Option<u32>,
    content_index: Option<u32>,
    summary_index: Option<u32>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    text: Option<String>,
    refusal: Option<String>,
    arguments: Option<String>,
    input: Option<String>,
    logprobs: Option<Vec<Value>>,
    #[serde(borrow)]
    item: Option<ItemIn<'a>>,
    #[serde(borrow)]
    response: Option<ResponseIn<'a>>,
    error: Option<Value>,
    message: Option<String>,
    code: Option<Value>,
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
        if !self.over {
            self.fail(fault::broken(self.started), out);
        }
    }
}

impl Decoder {
    fn event(&mut self, event: Event<'_>, out: &mut Vec<Delta>) {
        let place = event.output_index.unwrap_or(0);
        let content = event.content_index.unwrap_or(0);
        let summary = event.summary_index.unwrap_or(0);
        let delta =
            || -> String { event.delta.and_then(|delta| serde_json::from_str(delta.get()).ok()).unwrap_or_default() };
        match &*event.kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                if let Some(response) = event.response {
                    self.start(Some(&response), out);
                }
            }
            "response.output_item.added" => {
                if let Some(item) = event.item {
                    self.begin(&item, place, out);
                }
            }
            "response.output_text.delta" => self.text(Kind::Text, place, content, delta(), out),
            "response.refusal.delta" => self.text(Kind::Refusal, place, content, delta(), out),
            "response.reasoning_summary_text.delta" => self.text(Kind::Summary, place, summary, delta(), out),
            "response.reasoning_text.delta" => self.text(Kind::Thought, place, content, delta(), out),
            "response.output_text.done" => {
                self.whole(Kind::Text, place, content, event.text, out);
                if let Some(content) = event.logprobs.filter(|content| !content.is_empty()) {
                    out.push(Delta::Logprobs { choice: 0, value: json!({"content": content}) });
                }
            }
            "response.refusal.done" => self.whole(Kind::Refusal, place, content, event.refusal, out),
            "response.reasoning_summary_text.done" => self.whole(Kind::Summary, place, summary, event.text, out),
            "response.reasoning_text.done" => self.whole(Kind::Thought, place, content, event.text, out),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.arguments(place, delta(), out);
            }
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done"
                if self.items.get(&place).is_some_and(|item| !item.filled) =>
            {
                self.arguments(place, event.arguments.or(event.input).unwrap_or_default(), out);
            }
            "response.output_item.done" => {
                if let Some(item) = event.item {
                    self.end(item, place, out);
                }
            }
            "response.completed" | "response.incomplete" | "response.done" => match event.response {
                Some(response) => self.complete(response, out),
                None => self.fail(fault::say("the model's last event holds no response"), out),
            },
            "response.failed" | "response.cancelled" => {
                let told = event.response.and_then(|response| response.failure());
                self.fail(told.unwrap_or_default(), out);
            }
            "error" => {
                let code = event.code.as_ref().and_then(Value::as_str).map(str::to_owned);
                let told = match event.error.map(|error| fault::of(&error)) {
                    Some(told) => told,
                    None => fault::say(event.message.unwrap_or_default()),
                };
                self.fail(UpstreamError { code: told.code.or(code), ..told }, out);
            }
            _ => {}
        }
    }

    /// Begins the answer, once, even where a host forgot to.
    fn start(&mut self, response: Option<&ResponseIn<'_>>, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(match response {
                Some(response) => {
                    Delta::Start { id: response.id.clone(), model: response.model.clone(), created: response.created() }
                }
                None => Delta::Start { id: String::new(), model: String::new(), created: None },
            });
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Begins a thought or a call.
    fn begin(&mut self, item: &ItemIn<'_>, place: u32, out: &mut Vec<Delta>) {
        if self.items.contains_key(&place) {
            return;
        }
        self.start(None, out);
        let choice = 0;
        if item.kind == "reasoning" {
            let part = self.number();
            out.push(Delta::Thought { choice, part, text: String::new() });
            self.items.insert(place, Item { part, last: None, filled: false });
        } else if let Some(call) = item.call(place) {
            let part = self.number();
            self.called = true;
            out.push(Delta::ToolCall { choice, part, id: call.id, name: call.name, kind: call.kind });
            self.items.insert(place, Item { part, last: None, filled: false });
        }
    }

    fn text(&mut self, kind: Kind, place: u32, content: u32, text: String, out: &mut Vec<Delta>) {
        if text.is_empty() {
            return;
        }
        self.start(None, out);
        self.told.insert((place, content, kind));
        let choice = 0;
        match kind {
            Kind::Text | Kind::Refusal => {
                let part = match self.texts.get(&(place, content)) {
                    Some(part) => *part,
                    None => {
                        let part = self.number();
                        self.texts.insert((place, content), part);
                        part
                    }
                };
                out.push(match kind {
                    Kind::Refusal => Delta::Refusal { choice, part, text },
                    Kind::Text | Kind::Summary | Kind::Thought => Delta::Text { choice, part, text },
                });
            }
            Kind::Summary | Kind::Thought => {
                if !self.items.contains_key(&place) {
                    let part = self.number();
                    self.items.insert(place, Item { part, last: None, filled: false });
                }
                let Some(item) = self.items.get_mut(&place) else { return };
                let part = item.part;
                if item.last.replace((content, kind)).is_some_and(|last| last != (content, kind)) {
                    out.push(Delta::Thought { choice, part, text: "\n\n".into() });
                }
                out.push(Delta::Thought { choice, part, text });
            }
        }
    }

    /// A text that is told whole, after its deltas or instead of them.
    fn whole(&mut self, kind: Kind, place: u32, content: u32, text: Option<String>, out: &mut Vec<Delta>) {
        if let Some(text) = text.filter(|_| !self.told.contains(&(place, content, kind))) {
            self.text(kind, place, content, text, out);
        }
    }

    fn arguments(&mut self, place: u32, json: String, out: &mut Vec<Delta>) {
        let Some(item) = self.items.get_mut(&place).filter(|_| !json.is_empty()) else { return };
        item.filled = true;
        out.push(Delta::Arguments { choice: 0, part: item.part, json });
    }

    /// Ends an item: what was not told of it is told now.
    fn end(&mut self, item: ItemIn<'_>, place: u32, out: &mut Vec<Delta>) {
        self.begin(&item, place, out);
        let state = item.state();
        let (parts, logprobs) = item.parts(place);
        let told_any = self.told.range((place, 0, Kind::Text)..).next().is_some_and(|(told, ..)| *told == place);
        for (number, part) in (0..).zip(parts) {
            match part {
                Part::Text(text) if !told_any => self.text(Kind::Text, place, number, text.text.into(), out),
                Part::Refusal(text) if !told_any => self.text(Kind::Refusal, place, number, text, out),
                Part::Thought(thought) if !told_any => self.text(Kind::Thought, place, number, thought.text, out),
                Part::ToolCall(call) if self.items.get(&place).is_some_and(|item| !item.filled) => {
                    self.arguments(place, call.arguments, out);
                }
                Part::Text(_)
                | Part::Refusal(_)
                | Part::Thought(_)
                | Part::ToolCall(_)
                | Part::Media(_)
                | Part::ToolResult(_) => {}
            }
        }
        if !told_any && !logprobs.is_empty() {
            out.push(Delta::Logprobs { choice: 0, value: json!({"content": logprobs}) });
        }
        if let (Some(state), Some(item)) = (state, self.items.get(&place)) {
            out.push(Delta::ThoughtState { choice: 0, part: item.part, state });
        }
    }

    fn complete(&mut self, mut response: ResponseIn<'_>, out: &mut Vec<Delta>) {
        self.start(Some(&response), out);
        if let Some(error) = response.failure() {
            return self.fail(error, out);
        }
        // A host that told nothing on the way tells it all here.
        if self.next == 0 {
            for (place, item) in (0..).zip(response.output.take().unwrap_or_default()) {
                self.end(item, place, out);
            }
        }
        out.push(Delta::Finish { choice: 0, finish: response.finish(self.called) });
        out.extend(response.usage().map(Delta::Usage));
        self.over = true;
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        self.over = true;
        out.push(fault::failed(error));
    }
}
