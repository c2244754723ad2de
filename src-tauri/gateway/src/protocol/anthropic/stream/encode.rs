//! Pieces of the hub to Anthropic's events.
//!
//! `message_start` waits for the first word, so that it can tell the counts that came before it. A block begins when
//! something is said in it and ends when another begins; [`Serial`] gives the order. Blocks are numbered without a gap.

use serde::Serialize;

use super::super::answer::{self, MessageOut, UsageOut};
use super::super::wire::{self, BlockOut, LONGEST_ID};
use crate::completion::{CompletionRequest, Delta, Finish, OpaqueState, ToolKind, Usage, Words};
use crate::protocol::codec::json::{event, object};
use crate::protocol::codec::serial::{Opening, Serial, Step};
use crate::protocol::codec::{DeltaEncoder, carrier, custom, ids};

/// Writes one stream.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    /// Whether the client wants no text of thoughts.
    hidden: bool,
    started: bool,
    id: String,
    model: String,
    usage: Usage,
    finish: Option<Finish>,
    called: bool,
    serial: Serial,
    /// The next block's number.
    index: u32,
    block: Block,
}

/// The block that is open.
#[derive(Debug, Default)]
enum Block {
    #[default]
    None,
    /// Nothing is said in it yet.
    Silent(Opening),
    Text,
    Thinking,
    /// A redacted thought, which is told whole.
    Redacted,
    Call {
        kind: ToolKind,
        /// A custom tool's text, which is said whole.
        text: String,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    MessageStart { message: MessageOut<'a> },
    ContentBlockStart { index: u32, content_block: BlockOut<'a> },
    ContentBlockDelta { index: u32, delta: Piece<'a> },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: Ending, usage: UsageOut },
    MessageStop,
    Error { error: Fault<'a> },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Debug, Serialize)]
pub(super) struct Ending {
    stop_reason: &'static str,
    stop_sequence: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Fault<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}

impl Event<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let name = match self {
            Event::MessageStart { .. } => "message_start",
            Event::ContentBlockStart { .. } => "content_block_start",
            Event::ContentBlockDelta { .. } => "content_block_delta",
            Event::ContentBlockStop { .. } => "content_block_stop",
            Event::MessageDelta { .. } => "message_delta",
            Event::MessageStop => "message_stop",
            Event::Error { .. } => "error",
        };
        event(out, name, self);
    }
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model, .. } => (self.id, self.model) = (id, model),
            Delta::Usage(usage) => self.usage = usage,
            Delta::Finish { choice: 0, finish } => self.finish = Some(finish),
            Delta::Failed { message, code } => {
                let kind = code.as_deref().filter(|code| is_error_type(code)).unwrap_or("api_error");
                Event::Error { error: Fault { kind, message: &message } }.write(out);
            }
            Delta::Finish { .. } | Delta::Logprobs { .. } => {}
            delta => {
                let mut serial = std::mem::take(&mut self.serial);
                serial.push(delta, &mut |step| self.step(step, out));
                self.serial = serial;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        std::mem::take(&mut self.serial).finish(&mut |step| self.step(step, out));
        self.start(out);
        let (stop_reason, stop_sequence) = answer::stop(self.finish.as_ref(), self.called);
        let delta = Ending { stop_reason, stop_sequence };
        Event::MessageDelta { delta, usage: UsageOut::from(self.usage) }.write(out);
        Event::MessageStop.write(out);
    }
}

impl Encoder {
    /// An encoder for the answer to a request.
    pub(in super::super) fn new(request: &CompletionRequest) -> Encoder {
        Encoder {
            hidden: answer::hides(request),
            started: false,
            id: String::new(),
            model: String::new(),
            usage: Usage::default(),
            finish: None,
            called: false,
            serial: Serial::default(),
            index: 0,
            block: Block::None,
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = MessageOut {
            id: &self.id,
            kind: "message",
            role: "assistant",
            model: &self.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: UsageOut::from(self.usage),
        };
        Event::MessageStart { message }.write(out);
    }

    fn step(&mut self, step: Step, out: &mut Vec<u8>) {
        match step {
            Step::Open(Opening::ToolCall { id, name, kind, state }) => {
                self.called = true;
                if let Some(state) = state {
                    self.think(out);
                    self.state(&carrier::of_call(&id, &state), out);
                    self.close(out);
                }
                let id = ids::safe(&id, LONGEST_ID);
                self.open(BlockOut::ToolUse { id, name: &name, input: object("") }, out);
                self.block = Block::Call { kind, text: String::new() };
            }
            Step::Open(opening) => self.block = Block::Silent(opening),
            Step::Piece(text) => self.piece(&text, out),
            Step::State(state) => self.state(&state, out),
            Step::Close => self.close(out),
        }
    }

    fn open(&mut self, content_block: BlockOut<'_>, out: &mut Vec<u8>) {
        self.start(out);
        Event::ContentBlockStart { index: self.index, content_block }.write(out);
    }

    fn delta(&self, delta: Piece<'_>, out: &mut Vec<u8>) {
        Event::ContentBlockDelta { index: self.index, delta }.write(out);
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        match &mut self.block {
            Block::Silent(Opening::Thought) if self.hidden => return,
            Block::Silent(Opening::Thought) => self.think(out),
            Block::Silent(Opening::Text | Opening::Refusal) => {
                self.open(BlockOut::Text { text: Words::default(), cache_control: None }, out);
                self.block = Block::Text;
            }
            Block::Call { kind: ToolKind::Custom, text: whole } => {
                whole.push_str(text);
                return;
            }
            Block::Text | Block::Thinking | Block::Call { kind: ToolKind::Function, .. } => {}
            Block::None | Block::Redacted | Block::Silent(Opening::ToolCall { .. }) => return,
        }
        match self.block {
            Block::Text => self.delta(Piece::Text { text }, out),
            Block::Thinking if !self.hidden => self.delta(Piece::Thinking { thinking: text }, out),
            Block::Call { .. } => self.delta(Piece::InputJson { partial_json: text }, out),
            Block::None | Block::Silent(_) | Block::Thinking | Block::Redacted => {}
        }
    }

    fn think(&mut self, out: &mut Vec<u8>) {
        self.open(BlockOut::Thinking { thinking: "", signature: String::new() }, out);
        self.block = Block::Thinking;
    }

    fn state(&mut self, state: &OpaqueState, out: &mut Vec<u8>) {
        if matches!(self.block, Block::Silent(Opening::Thought)) {
            if wire::redacted("", Some(state)).is_some() {
                self.open(BlockOut::RedactedThinking { data: &state.value }, out);
                self.block = Block::Redacted;
                return;
            }
            self.think(out);
        }
        if matches!(self.block, Block::Thinking) {
            self.delta(Piece::Signature { signature: wire::signature(Some(state)) }, out);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.block) {
            Block::None | Block::Silent(_) => return,
            Block::Call { kind: ToolKind::Custom, text } => {
                self.delta(Piece::InputJson { partial_json: &custom::lower_text(&text) }, out);
            }
            Block::Text | Block::Thinking | Block::Redacted | Block::Call { .. } => {}
        }
        Event::ContentBlockStop { index: self.index }.write(out);
        self.index += 1;
    }
}

/// Whether a code is one of Anthropic's error types, which clients decide by whether to ask again.
fn is_error_type(code: &str) -> bool {
    matches!(
        code,
        "invalid_request_error"
            | "authentication_error"
            | "billing_error"
            | "permission_error"
            | "not_found_error"
            | "request_too_large"
            | "rate_limit_error"
            | "api_error"
            | "timeout_error"
            | "overloaded_error"
    )
}
