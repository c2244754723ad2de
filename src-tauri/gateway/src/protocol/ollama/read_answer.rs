//! Ollama's answer to the hub's: one line is a piece, the last one says `done`.
//!
//! A whole answer is a stream of one line. Calls come whole, with their arguments as an object whose text is kept as it is.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::completion::{Completion, DecodeError, Delta, Finish, ToolKind, Usage};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::tags::{Piece, Tags};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault, ids};
use crate::timestamp;

#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default, borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    done: Option<bool>,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u32>,
    #[serde(default)]
    eval_count: Option<u32>,
    #[serde(default)]
    logprobs: Option<Vec<Value>>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default, borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Debug, Deserialize)]
struct Function<'a> {
    name: String,
    #[serde(default, borrow)]
    arguments: Option<&'a RawValue>,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<Completion, DecodeError> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    decoder.line(body, &mut deltas);
    decoder.finish(&mut deltas);
    match deltas.iter().find(|delta| matches!(delta, Delta::Failed { .. })) {
        Some(Delta::Failed { message, .. }) => Err(DecodeError::Malformed(message.clone())),
        _ => Ok(deltas.into_iter().collect()),
    }
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    started: bool,
    /// The stream said its last word, or failed.
    over: bool,
    id: String,
    tags: Tags,
    next: u32,
    text: Option<u32>,
    thought: Option<u32>,
    calls: u32,
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        self.line(&frame.data, out);
    }

    fn finish(&mut self, out: &mut Vec<Delta>) {
        if self.over {
            return;
        }
        self.plain(out);
        self.fail(fault::broken(self.started), out);
    }
}

impl Decoder {
    fn line(&mut self, data: &[u8], out: &mut Vec<Delta>) {
        if self.over {
            return;
        }
        let line: Line<'_> = match serde_json::from_slice(data) {
            Ok(line) => line,
            Err(error) => {
                return self.fail(fault::event(data, &error), out);
            }
        };
        if let Some(error) = &line.error {
            return self.fail(fault::of(error), out);
        }
        if line.message.is_none() && line.done.is_none() {
            let message = "the model's answer is not Ollama's: it has neither `message` nor `done`";
            return self.fail(fault::say(message), out);
        }
        self.start(&line, out);
        if let Some(message) = line.message {
            self.message(message, out);
        }
        if let Some(content) = line.logprobs.filter(|content| !content.is_empty()) {
            out.push(Delta::Logprobs { choice: 0, value: json!({ "content": content }) });
        }
        if line.done != Some(true) {
            return;
        }
        self.plain(out);
        self.over = true;
        let finish = match line.done_reason.as_deref() {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            _ if self.calls > 0 => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        out.push(Delta::Finish { choice: 0, finish });
        if line.prompt_eval_count.is_some() || line.eval_count.is_some() {
            out.push(Delta::Usage(Usage {
                // A prompt that is wholly in the cache is not counted.
                input: line.prompt_eval_count.unwrap_or(0),
                output: line.eval_count.unwrap_or(0),
                ..Usage::default()
            }));
        }
    }

    fn start(&mut self, line: &Line<'_>, out: &mut Vec<Delta>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let model = line.model.clone().unwrap_or_default();
        let created_at = line.created_at.as_deref().unwrap_or_default();
        // Ollama gives no ids; its clock tells the billionth of a second.
        self.id = ids::made_up("chatcmpl-", &[&model, created_at]);
        let created = timestamp::seconds(created_at).filter(|created| *created > 0);
        out.push(Delta::Start { id: self.id.clone(), model, created });
    }

    fn message(&mut self, message: Message<'_>, out: &mut Vec<Delta>) {
        if let Some(text) = message.thinking.filter(|text| !text.is_empty()) {
            self.plain(out);
            self.piece(Piece::Thought(text), out);
        }
        if let Some(text) = message.content {
            let mut tags = std::mem::take(&mut self.tags);
            tags.push(&text, &mut |piece| self.piece(piece, out));
            self.tags = tags;
        }
        for call in message.tool_calls.into_iter().flatten() {
            self.plain(out);
            self.call(call, out);
        }
    }

    fn call(&mut self, call: Call<'_>, out: &mut Vec<Delta>) {
        let Function { name, arguments } = call.function;
        let id = match call.id {
            Some(id) if !id.is_empty() => id,
            _ => ids::made_up("call_", &[&self.id, &self.calls.to_string(), &name]),
        };
        self.calls = self.calls.saturating_add(1);
        let part = number(&mut self.next, &mut None);
        let text = arguments.map_or("{}", RawValue::get);
        // Servers that only pretend send OpenAI's text.
        let json = match serde_json::from_str::<String>(text) {
            Ok(inner) if inner.trim().is_empty() => "{}".to_owned(),
            Ok(inner) => inner,
            Err(_) if text == "null" => "{}".to_owned(),
            Err(_) => text.to_owned(),
        };
        out.push(Delta::ToolCall { choice: 0, part, id, name, kind: ToolKind::Function });
        out.push(Delta::Arguments { choice: 0, part, json });
    }

    /// Another part begins: what looked like a tag is none, and comes first.
    fn plain(&mut self, out: &mut Vec<Delta>) {
        let mut tags = std::mem::take(&mut self.tags);
        tags.off(&mut |piece| self.piece(piece, out));
        self.tags = tags;
    }

    fn piece(&mut self, piece: Piece, out: &mut Vec<Delta>) {
        out.push(match piece {
            Piece::Thought(text) => Delta::Thought { choice: 0, part: number(&mut self.next, &mut self.thought), text },
            Piece::Text(text) => Delta::Text { choice: 0, part: number(&mut self.next, &mut self.text), text },
        });
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        self.over = true;
        out.push(fault::failed(error));
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
