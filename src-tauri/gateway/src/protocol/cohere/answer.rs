//! Whole answers, and what they share with streams: reasons to end and counts of tokens.

use serde::Deserialize;

use crate::completion::{Choice, Completion, DecodeError, Finish, Part, Thought, ToolCall, ToolKind, Usage};
use crate::protocol::codec::fault;

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    id: String,
    finish_reason: Option<String>,
    message: Option<Message>,
    usage: Option<UsageIn>,
}

#[derive(Debug, Deserialize)]
struct Message {
    tool_plan: Option<String>,
    content: Option<Vec<Block>>,
    tool_calls: Option<Vec<Call>>,
}

/// A text or a thought, or the beginning or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct Block {
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
}

/// A call, or a piece of one.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
}

/// What is called.
#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

/// What is told of an answer that is no chat's.
#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    pub(super) billed_units: Option<Counts>,
}

/// Counts.
#[derive(Debug, Deserialize)]
pub(super) struct UsageIn {
    billed_units: Option<Counts>,
    tokens: Option<Counts>,
    cached_tokens: Option<f64>,
}

/// Counts, which are written as floats.
#[derive(Debug, Deserialize)]
pub(super) struct Counts {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(count: f64) -> u32 {
    count as u32
}

impl Counts {
    /// Of the prompt.
    pub(super) fn input(&self) -> Option<u32> {
        self.input_tokens.map(whole)
    }
}

impl UsageIn {
    /// The counts in the hub's sense. What is billed goes before what the model read, which has Cohere's own prompt in it
    /// that nobody pays for.
    pub(super) fn usage(&self) -> Option<Usage> {
        let counts = self.billed_units.as_ref().filter(|billed| billed.input_tokens.is_some());
        let counts = counts.or(self.tokens.as_ref())?;
        let (input, output) = (counts.input().unwrap_or(0), counts.output_tokens.map_or(0, whole));
        let cache_read = self.cached_tokens.map(|cached| whole(cached).min(input));
        Some(Usage { input, output, cache_read, ..Usage::default() })
    }
}

/// Why an answer ended; an error where it did not come to an end.
pub(super) fn finish(reason: &str) -> Result<Finish, String> {
    match reason {
        "TOOL_CALL" => Ok(Finish::ToolCalls),
        "STOP_SEQUENCE" => Ok(Finish::StopSequence(None)),
        "MAX_TOKENS" => Ok(Finish::Length),
        "ERROR_TOXIC" => Ok(Finish::Filtered),
        "ERROR" => Err("the model's server failed within the answer".to_owned()),
        "TIMEOUT" => Err("the model's server took too long over the answer".to_owned()),
        // `COMPLETE`, and what may come.
        _ => Ok(Finish::Stop),
    }
}

/// Reads a whole answer.
pub(super) fn decode(body: &[u8]) -> Result<Completion, DecodeError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(fault::event(body, &error).message))?;
    let Some(message) = answer.message.filter(|_| answer.finish_reason.is_some()) else {
        let told = fault::read(body).message;
        return Err(DecodeError::Malformed(if told.is_empty() { "the answer has no `message`".into() } else { told }));
    };
    let finish = answer.finish_reason.as_deref().map(finish).transpose().map_err(DecodeError::Malformed)?;
    let mut parts = Vec::new();
    parts.extend(said(message.tool_plan).map(thought));
    for block in message.content.into_iter().flatten() {
        parts.extend(said(block.thinking).map(thought));
        parts.extend(said(block.text).map(Part::text));
    }
    for (number, call) in message.tool_calls.into_iter().flatten().enumerate() {
        let place = || DecodeError::Malformed(format!("`message.tool_calls[{number}]` has no id or no name"));
        let (id, function) = (said(call.id).ok_or_else(place)?, call.function.ok_or_else(place)?);
        let name = said(function.name).ok_or_else(place)?;
        let arguments = said(function.arguments).unwrap_or_else(|| "{}".to_owned());
        parts.push(Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None }));
    }
    Ok(Completion {
        id: answer.id,
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage: answer.usage.and_then(|usage| usage.usage()),
        ..Completion::default()
    })
}

/// What is there and says something.
pub(super) fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn thought(text: String) -> Part {
    Part::Thought(Thought { text, state: None })
}
