//! OpenAI's older text completions, as a surface.
//!
//! A prompt becomes one user turn, which is what a chat model can be asked; what only continues raw text (`suffix`, token
//! ids) is refused. Thoughts and calls have no place in the answer.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::write_answer::{id, model, reason};
use super::write_stream::{Head, failure};
use super::{read_request, usage};
use crate::completion::{Completion, CompletionRequest, DecodeError, Delta, Finish, Message, Part, Role, Usage};
use crate::protocol::codec::DeltaEncoder;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;

const OBJECT: &str = "text_completion";

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = read_request::common(&mut fields)?;
    read_request::refuse_binding(&fields)?;
    let prompt = match fields.take("prompt") {
        Some(Value::String(prompt)) => prompt,
        Some(Value::Array(mut list)) => match (list.pop(), list.is_empty()) {
            (Some(Value::String(prompt)), true) => prompt,
            (Some(Value::String(_)), false) => {
                return Err(DecodeError::unsupported("prompt", "it answers one prompt a request; send each alone"));
            }
            (Some(Value::Number(_) | Value::Array(_)), _) => {
                return Err(DecodeError::unsupported("prompt", "token ids belong to one model; send text"));
            }
            _ => return Err(fields.wrong("prompt", "a string")),
        },
        _ => return Err(fields.wrong("prompt", "a string")),
    };
    if fields.string("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        let reason = "its endpoint answers chats and fills no gaps; ask a model on a runtime that completes text";
        return Err(DecodeError::unsupported("suffix", reason));
    }
    if fields.bool("echo")? == Some(true) {
        return Err(DecodeError::unsupported(
            "echo",
            "its endpoint does not repeat the prompt; put it before the answer",
        ));
    }
    if fields.u32("best_of")?.is_some_and(|most| most > request.choices.unwrap_or(1)) {
        note(&mut request.dropped, "best_of");
    }
    request.logprobs = fields.u32("logprobs")?;
    request.messages = vec![Message { role: Role::User, parts: vec![Part::text(prompt)], name: None }];
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// Writes a whole answer.
pub(super) fn whole(request: &CompletionRequest, completion: &Completion) -> Bytes {
    let choices = completion.choices.iter().enumerate().map(|(at, choice)| {
        let texts = choice.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            Part::Refusal(words) => Some(words.as_str()),
            Part::Media(_) | Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
        });
        self::choice(
            at,
            &texts.collect::<String>(),
            choice.logprobs.as_ref(),
            &mut 0,
            reason(choice.finish.as_ref()).into(),
        )
    });
    let mut body = json!({
        "id": id("cmpl-", &completion.id, &completion.model, completion.created),
        "object": OBJECT,
        "created": completion.created.unwrap_or(0),
        "model": model(request, &completion.model),
        "choices": choices.collect::<Vec<_>>(),
    });
    if let Some(counts) = &completion.usage {
        body["usage"] = usage::write(counts);
    }
    Bytes::from(body.to_string())
}

fn choice(
    index: usize,
    text: &str,
    probabilities: Option<&Value>,
    offset: &mut usize,
    finish: Option<&'static str>,
) -> Value {
    json!({
        "text": text,
        "index": index,
        "logprobs": probabilities.map(|value| logprobs(value, offset)),
        "finish_reason": finish,
    })
}

/// The chat's list of tokens as the older lists beside each other; `offset` is where in the text they begin.
fn logprobs(chat: &Value, offset: &mut usize) -> Value {
    let empty = Vec::new();
    let entries = chat.get("content").and_then(Value::as_array).unwrap_or(&empty);
    let (mut tokens, mut values, mut top, mut offsets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let token = entry.get("token").and_then(Value::as_str).unwrap_or_default();
        let rivals = entry.get("top_logprobs").and_then(Value::as_array).unwrap_or(&empty);
        let rivals = rivals
            .iter()
            .filter_map(|rival| Some((rival.get("token")?.as_str()?.to_owned(), rival.get("logprob")?.clone())));
        tokens.push(token.to_owned());
        values.push(entry.get("logprob").cloned().unwrap_or_default());
        top.push(rivals.collect::<Map<_, _>>());
        offsets.push(*offset);
        *offset += token.chars().count();
    }
    json!({"tokens": tokens, "token_logprobs": values, "top_logprobs": top, "text_offset": offsets})
}

/// Writes a stream.
pub(super) struct Encoder {
    request: CompletionRequest,
    head: Head,
    /// Per choice: where in its text the next token begins, and whether it is over.
    choices: Vec<(usize, bool)>,
    usage: Option<Usage>,
}

impl Encoder {
    pub(super) fn new(request: &CompletionRequest) -> Encoder {
        let request = CompletionRequest {
            model: request.model.clone(),
            stream_usage: request.stream_usage,
            ..CompletionRequest::default()
        };
        let head = Head::new("cmpl-", &request, ("", "", None));
        Encoder { request, head, choices: vec![(0, false)], usage: None }
    }

    fn write(&mut self, index: u32, text: &str, logprobs: Option<&Value>, finish: Option<&Finish>, out: &mut Vec<u8>) {
        let at = usize::try_from(index).unwrap_or(0).min(127);
        while self.choices.len() <= at {
            self.choices.push((0, false));
        }
        let Some((offset, finished)) = self.choices.get_mut(at) else { return };
        *finished |= finish.is_some();
        let value = choice(at, text, logprobs, offset, finish.map(|finish| reason(Some(finish))));
        self.head.chunk(OBJECT, [value], None, out);
    }
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model, created } => {
                self.head = Head::new("cmpl-", &self.request, (&id, &model, created));
            }
            Delta::Text { choice, text, .. } | Delta::Refusal { choice, text, .. } => {
                self.write(choice, &text, None, None, out);
            }
            Delta::Logprobs { choice, value } => self.write(choice, "", Some(&value), None, out),
            Delta::Finish { choice, finish } => self.write(choice, "", None, Some(&finish), out),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Failed { message, code } => failure(&message, code.as_deref(), out),
            Delta::Thought { .. } | Delta::ThoughtState { .. } | Delta::ToolCall { .. } | Delta::Arguments { .. } => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        for at in 0..self.choices.len() {
            if self.choices.get(at).is_some_and(|(_, finished)| !finished) {
                self.write(u32::try_from(at).unwrap_or(0), "", None, Some(&Finish::Stop), out);
            }
        }
        if let Some(counts) = self.usage.filter(|_| self.request.stream_usage) {
            self.head.chunk(OBJECT, [(); 0], Some(counts), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}
