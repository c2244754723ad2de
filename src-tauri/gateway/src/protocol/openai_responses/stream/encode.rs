//! Pieces of the hub to the API's events.
//!
//! Every item climbs its whole ladder (added, parts, deltas, done), and the last event holds the whole response: clients
//! take either. Texts in a row are one message's content. Events are numbered without a gap.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::answer::encode::{About, Shape, Status, logprobs, message, output_text, refusal};
use crate::completion::{CompletionRequest, Delta, Finish, OpaqueState, ToolCall, ToolKind, Usage};
use crate::protocol::codec::json::event;
use crate::protocol::codec::serial::{Opening, Serial, Step};
use crate::protocol::codec::{DeltaEncoder, carrier};

/// Writes one stream.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    shape: Shape,
    started: bool,
    id: String,
    model: String,
    created: Option<u64>,
    usage: Option<Usage>,
    finish: Option<Finish>,
    /// Log probabilities of the text that is open.
    logprobs: Vec<Value>,
    serial: Serial,
    sequence: u64,
    /// Items that are done.
    output: Vec<Value>,
    /// The content of the message that is open.
    message: Option<Vec<Value>>,
    part: Part,
}

/// The part that is open.
#[derive(Debug, Default)]
enum Part {
    #[default]
    None,
    /// Nothing is said in it yet.
    Silent(Opening),
    Text(String),
    Refusal(String),
    Thought {
        text: String,
        state: Option<OpaqueState>,
    },
    Call(ToolCall),
}

/// A delta of any kind: the events that come most often.
#[derive(Debug, Serialize)]
struct Piece<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    item_id: &'a str,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    delta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model, created } => {
                (self.id, self.model, self.created) = (id, model, created);
                self.start(out);
            }
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Finish { choice: 0, finish } => self.finish = Some(finish),
            Delta::Logprobs { choice: 0, value } => self.logprobs.extend(logprobs(&value)),
            Delta::Failed { message, code } => {
                self.start(out);
                let output = std::mem::take(&mut self.output);
                let failed = Status::Failed { message: &message, code: code.as_deref() };
                let response = self.shape.response(self.about(), failed, output);
                self.stands("response.failed", response, out);
            }
            Delta::Finish { .. } | Delta::Logprobs { .. } => {}
            delta => {
                self.start(out);
                let mut serial = std::mem::take(&mut self.serial);
                serial.push(delta, &mut |step| self.step(step, out));
                self.serial = serial;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        std::mem::take(&mut self.serial).finish(&mut |step| self.step(step, out));
        self.end_message(out);
        let output = std::mem::take(&mut self.output);
        let finish = self.finish.take();
        let response = self.shape.response(self.about(), Status::Ended(finish.as_ref()), output);
        let name = match response["status"].as_str() {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.stands(name, response, out);
    }
}

impl Encoder {
    /// An encoder for the answer to a request.
    pub(in super::super) fn new(request: &CompletionRequest) -> Encoder {
        Encoder {
            shape: Shape::of(request),
            started: false,
            id: String::new(),
            model: String::new(),
            created: None,
            usage: None,
            finish: None,
            logprobs: Vec::new(),
            serial: Serial::default(),
            sequence: 0,
            output: Vec::new(),
            message: None,
            part: Part::None,
        }
    }

    fn about(&self) -> About<'_> {
        About { id: &self.id, model: &self.model, created: self.created, usage: self.usage, service_tier: None }
    }

    fn event(&mut self, name: &str, fields: Value, out: &mut Vec<u8>) {
        let mut data = Map::new();
        data.insert("type".into(), name.into());
        data.insert("sequence_number".into(), self.sequence.into());
        if let Value::Object(fields) = fields {
            data.extend(fields);
        }
        self.sequence += 1;
        event(out, name, &data);
    }

    /// Tells how the whole response stands.
    fn stands(&mut self, name: &str, response: Value, out: &mut Vec<u8>) {
        let fields = Map::from_iter([("response".to_owned(), response)]);
        self.event(name, fields.into(), out);
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let response = self.shape.response(self.about(), Status::InProgress, Vec::new());
        self.stands("response.created", response.clone(), out);
        self.stands("response.in_progress", response, out);
    }

    fn step(&mut self, step: Step, out: &mut Vec<u8>) {
        match step {
            Step::Open(Opening::ToolCall { id, name, kind, state }) => {
                self.end_message(out);
                if let Some(state) = state {
                    self.think(out);
                    self.end_thought("", Some(&carrier::of_call(&id, &state)), out);
                }
                let call = ToolCall { id, name, arguments: String::new(), kind, state: None };
                let mut item = self.shape.call(&self.item_id("fc"), &call);
                item["status"] = "in_progress".into();
                if item.get("arguments").is_some() {
                    item["arguments"] = "".into();
                }
                self.added(&item, out);
                self.part = Part::Call(call);
            }
            Step::Open(opening) => self.part = Part::Silent(opening),
            Step::Piece(text) => self.piece(&text, out),
            Step::State(state) => {
                if matches!(self.part, Part::Silent(Opening::Thought)) {
                    self.think(out);
                }
                if let Part::Thought { state: known, .. } = &mut self.part {
                    *known = Some(state);
                }
            }
            Step::Close => self.close(out),
        }
    }

    fn item_id(&self, kind: &str) -> String {
        self.shape.id(kind, &self.id, self.output.len())
    }

    fn added(&mut self, item: &Value, out: &mut Vec<u8>) {
        let place = self.output.len();
        self.event("response.output_item.added", json!({"output_index": place, "item": item}), out);
    }

    fn done(&mut self, item: Value, out: &mut Vec<u8>) {
        let place = self.output.len();
        self.event("response.output_item.done", json!({"output_index": place, "item": item}), out);
        self.output.push(item);
    }

    /// The fields that place an event in a message's content, or in a thought's.
    fn place(&self, id: &str) -> Value {
        let content = self.message.as_ref().map_or(0, Vec::len);
        json!({"item_id": id, "output_index": self.output.len(), "content_index": content})
    }

    fn at(&self, id: &str, more: Value) -> Value {
        let mut place = self.place(id);
        if let (Value::Object(place), Value::Object(more)) = (&mut place, more) {
            place.extend(more);
        }
        place
    }

    fn begin_content(&mut self, part: &Value, out: &mut Vec<u8>) {
        if self.message.is_none() {
            let mut item = message(&self.item_id("msg"), Vec::new());
            item["status"] = "in_progress".into();
            self.added(&item, out);
            self.message = Some(Vec::new());
        }
        let fields = self.at(&self.item_id("msg"), json!({"part": part}));
        self.event("response.content_part.added", fields, out);
    }

    fn think(&mut self, out: &mut Vec<u8>) {
        self.end_message(out);
        let mut item = self.shape.reasoning(&self.item_id("rs"), "", None);
        item["status"] = "in_progress".into();
        self.added(&item, out);
        self.part = Part::Thought { text: String::new(), state: None };
    }

    /// Opens the part of a thought's first word.
    fn begin_thought(&mut self, out: &mut Vec<u8>) {
        let id = self.item_id("rs");
        let place = self.output.len();
        if self.shape.summary {
            let part = json!({"type": "summary_text", "text": ""});
            let fields = json!({"item_id": id, "output_index": place, "summary_index": 0, "part": part});
            self.event("response.reasoning_summary_part.added", fields, out);
        } else {
            let fields = self.at(&id, json!({"part": {"type": "reasoning_text", "text": ""}}));
            self.event("response.content_part.added", fields, out);
        }
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        match &self.part {
            Part::Silent(Opening::Text) => {
                self.begin_content(&output_text("", &[]), out);
                self.part = Part::Text(String::new());
            }
            Part::Silent(Opening::Refusal) => {
                self.begin_content(&refusal(""), out);
                self.part = Part::Refusal(String::new());
            }
            Part::Silent(Opening::Thought) => {
                self.think(out);
                self.begin_thought(out);
            }
            Part::Thought { text, .. } if text.is_empty() => self.begin_thought(out),
            Part::Text(_) | Part::Refusal(_) | Part::Thought { .. } | Part::Call(_) => {}
            Part::None | Part::Silent(Opening::ToolCall { .. }) => return,
        }
        let in_content = Some(self.message.as_ref().map_or(0, Vec::len));
        let (kind, id, content_index, summary_index, logprobs) = match &mut self.part {
            Part::Text(whole) => {
                whole.push_str(text);
                ("response.output_text.delta", "msg", in_content, None, Some([]))
            }
            Part::Refusal(whole) => {
                whole.push_str(text);
                ("response.refusal.delta", "msg", in_content, None, None)
            }
            Part::Thought { text: whole, .. } => {
                whole.push_str(text);
                if self.shape.summary {
                    ("response.reasoning_summary_text.delta", "rs", None, Some(0), None)
                } else {
                    ("response.reasoning_text.delta", "rs", Some(0), None, None)
                }
            }
            Part::Call(call) => {
                call.arguments.push_str(text);
                match (self.shape.names.is_custom(&call.name, call.kind), call.kind) {
                    // The text of a lowered call is known when its JSON is whole.
                    (true, ToolKind::Function) => return,
                    (true, ToolKind::Custom) => ("response.custom_tool_call_input.delta", "fc", None, None, None),
                    (false, _) => ("response.function_call_arguments.delta", "fc", None, None, None),
                }
            }
            Part::None | Part::Silent(_) => return,
        };
        let id = self.item_id(id);
        self.delta(kind, &id, (content_index, summary_index), text, logprobs, out);
    }

    fn delta(
        &mut self,
        kind: &str,
        item_id: &str,
        (content_index, summary_index): (Option<usize>, Option<usize>),
        delta: &str,
        logprobs: Option<[(); 0]>,
        out: &mut Vec<u8>,
    ) {
        let sequence_number = self.sequence;
        let output_index = self.output.len();
        let piece =
            Piece { kind, sequence_number, item_id, output_index, content_index, summary_index, delta, logprobs };
        event(out, kind, &piece);
        self.sequence += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.part) {
            Part::None | Part::Silent(_) => {}
            Part::Text(text) => {
                let logprobs = std::mem::take(&mut self.logprobs);
                let fields = self.at(&self.item_id("msg"), json!({"text": text, "logprobs": logprobs}));
                self.event("response.output_text.done", fields, out);
                self.end_content(output_text(&text, &logprobs), out);
            }
            Part::Refusal(text) => {
                let fields = self.at(&self.item_id("msg"), json!({"refusal": text}));
                self.event("response.refusal.done", fields, out);
                self.end_content(refusal(&text), out);
            }
            Part::Thought { text, state } => self.end_thought(&text, state.as_ref(), out),
            Part::Call(call) => self.end_call(&call, out),
        }
    }

    fn end_content(&mut self, part: Value, out: &mut Vec<u8>) {
        let fields = self.at(&self.item_id("msg"), json!({"part": part}));
        self.event("response.content_part.done", fields, out);
        if let Some(content) = &mut self.message {
            content.push(part);
        }
    }

    fn end_message(&mut self, out: &mut Vec<u8>) {
        if let Some(content) = self.message.take() {
            let item = message(&self.item_id("msg"), content);
            self.done(item, out);
        }
    }

    fn end_thought(&mut self, text: &str, state: Option<&OpaqueState>, out: &mut Vec<u8>) {
        let id = self.item_id("rs");
        let place = self.output.len();
        if !text.is_empty() && self.shape.summary {
            let fields = json!({"item_id": id, "output_index": place, "summary_index": 0, "text": text});
            self.event("response.reasoning_summary_text.done", fields, out);
            let part = json!({"type": "summary_text", "text": text});
            let fields = json!({"item_id": id, "output_index": place, "summary_index": 0, "part": part});
            self.event("response.reasoning_summary_part.done", fields, out);
        } else if !text.is_empty() {
            self.event("response.reasoning_text.done", self.at(&id, json!({"text": text})), out);
            let part = json!({"type": "reasoning_text", "text": text});
            self.event("response.content_part.done", self.at(&id, json!({"part": part})), out);
        }
        let item = self.shape.reasoning(&id, text, state);
        self.done(item, out);
    }

    fn end_call(&mut self, call: &ToolCall, out: &mut Vec<u8>) {
        let id = self.item_id("fc");
        let item = self.shape.call(&id, call);
        let place = self.output.len();
        if let Some(input) = item.get("input").and_then(Value::as_str) {
            if call.kind == ToolKind::Function && !input.is_empty() {
                self.delta("response.custom_tool_call_input.delta", &id, (None, None), input, None, out);
            }
            let fields = json!({"item_id": id, "output_index": place, "input": input});
            self.event("response.custom_tool_call_input.done", fields, out);
        } else {
            let arguments = item["arguments"].as_str().unwrap_or_default();
            if call.arguments.is_empty() {
                self.delta("response.function_call_arguments.delta", &id, (None, None), arguments, None, out);
            }
            let fields =
                json!({"item_id": id, "output_index": place, "name": item["name"], "arguments": item["arguments"]});
            self.event("response.function_call_arguments.done", fields, out);
        }
        self.done(item, out);
    }
}
