//! Whole answers, both ways, and what they share with streams: reasons to end, and counts of tokens.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{self, BlockIn, BlockOut};
use crate::completion::{
    Choice, Completion, CompletionRequest, DecodeError, Finish, Part, Thought, ToolCall, Usage, Words,
};
use crate::protocol::codec::{carrier, fault, json};

/// An answer as it is written, whole or at the start of a stream.
#[derive(Debug, Serialize)]
pub(super) struct MessageOut<'a> {
    pub(super) id: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) role: &'static str,
    pub(super) model: &'a str,
    pub(super) content: Vec<BlockOut<'a>>,
    pub(super) stop_reason: Option<&'static str>,
    pub(super) stop_sequence: Option<String>,
    pub(super) usage: UsageOut,
}

/// Counts as they are written. Clients add them up, so that none is left out.
#[derive(Debug, Serialize)]
pub(super) struct UsageOut {
    input_tokens: u32,
    cache_creation_input_tokens: u32,
    cache_read_input_tokens: u32,
    output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

/// The part of the output that was thinking.
#[derive(Debug, Serialize, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: u32,
}

/// Counts as they are read: each event of a stream may hold some of them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct UsageIn {
    input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    output_tokens: Option<u32>,
    output_tokens_details: Option<OutputDetails>,
}

/// Why an answer was refused.
#[derive(Debug, Default, Deserialize)]
pub(super) struct StopDetails {
    explanation: Option<String>,
}

#[derive(Debug, Deserialize)]
struct MessageIn<'a> {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    #[serde(borrow)]
    content: Option<Vec<BlockIn<'a>>>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    stop_details: Option<StopDetails>,
    usage: Option<UsageIn>,
    error: Option<Value>,
}

/// Writes a whole answer. Only the first choice: the API has one.
pub(super) fn encode(request: &CompletionRequest, completion: &Completion) -> Bytes {
    let choice = completion.choices.first();
    let hidden = hides(request);
    let parts = choice.map(|choice| choice.parts.as_slice()).unwrap_or_default();
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let (stop_reason, stop_sequence) = stop(finish, called);
    json::body(&MessageOut {
        id: &completion.id,
        kind: "message",
        role: "assistant",
        model: &completion.model,
        content: parts.iter().flat_map(|part| [carried(part), block(part, hidden)]).flatten().collect(),
        stop_reason: Some(stop_reason),
        stop_sequence,
        usage: UsageOut::from(completion.usage.unwrap_or_default()),
    })
}

/// Whether the client wants no text of thoughts.
pub(super) fn hides(request: &CompletionRequest) -> bool {
    request.reasoning.as_ref().and_then(|reasoning| reasoning.include) == Some(false)
}

/// A call's state in a block before it; clients give back both.
fn carried(part: &Part) -> Option<BlockOut<'_>> {
    let Part::ToolCall(ToolCall { id, state: Some(state), .. }) = part else { return None };
    Some(BlockOut::Thinking { thinking: "", signature: wire::signature(Some(&carrier::of_call(id, state))) })
}

/// A part as a block; `None` for what is empty or cannot be said.
fn block(part: &Part, hidden: bool) -> Option<BlockOut<'_>> {
    match part {
        Part::Text(text) if text.text.is_empty() => None,
        Part::Text(text) => Some(BlockOut::Text { text: Words::Kept(&text.text), cache_control: None }),
        Part::Refusal(text) if text.is_empty() => None,
        // The API says why it refused beside the answer, where no client shows it; another vendor's words are the answer.
        Part::Refusal(text) => Some(BlockOut::Text { text: text.as_str().into(), cache_control: None }),
        Part::Thought(thought) => thinking(thought, hidden),
        Part::ToolCall(call) => Some(wire::tool_use(call)),
        Part::Media(media) => wire::media(media, "content").ok(),
        Part::ToolResult(_) => None,
    }
}

fn thinking(thought: &Thought, hidden: bool) -> Option<BlockOut<'_>> {
    let text = if hidden { "" } else { &thought.text };
    match &thought.state {
        None if text.is_empty() => None,
        Some(state) if wire::redacted(text, Some(state)).is_some() => {
            Some(BlockOut::RedactedThinking { data: &state.value })
        }
        state => Some(BlockOut::Thinking { thinking: text, signature: wire::signature(state.as_ref()) }),
    }
}

/// Why an answer ended, in Anthropic's words. Calls outweigh an upstream's plain `stop`: a client runs tools only when told.
pub(super) fn stop(finish: Option<&Finish>, called: bool) -> (&'static str, Option<String>) {
    match finish {
        Some(Finish::ToolCalls) => ("tool_use", None),
        Some(Finish::Stop) | None if called => ("tool_use", None),
        Some(Finish::Stop) | None => ("end_turn", None),
        Some(Finish::StopSequence(text)) => ("stop_sequence", text.clone()),
        Some(Finish::Length) => ("max_tokens", None),
        Some(Finish::Filtered) => ("refusal", None),
    }
}

/// Why an answer ended.
pub(super) fn finish(reason: &str, sequence: Option<String>) -> Finish {
    match reason {
        "tool_use" => Finish::ToolCalls,
        "stop_sequence" => Finish::StopSequence(sequence),
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Filtered,
        // `end_turn`, `pause_turn`, and what may come.
        _ => Finish::Stop,
    }
}

/// What a refusal says.
pub(super) fn explanation(details: Option<StopDetails>) -> Option<String> {
    details.and_then(|details| details.explanation).filter(|explanation| !explanation.is_empty())
}

impl From<Usage> for UsageOut {
    fn from(usage: Usage) -> UsageOut {
        let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
        UsageOut {
            input_tokens: usage.input.saturating_sub(read).saturating_sub(written),
            cache_creation_input_tokens: written,
            cache_read_input_tokens: read,
            output_tokens: usage.output,
            output_tokens_details: usage.reasoning.map(|thinking_tokens| OutputDetails { thinking_tokens }),
        }
    }
}

impl UsageIn {
    /// Takes later counts over earlier ones: they are totals, and those that are not told again still hold.
    pub(super) fn add(&mut self, later: UsageIn) {
        let UsageIn {
            input_tokens,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            output_tokens,
            output_tokens_details,
        } = later;
        self.input_tokens = input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = output_tokens.or(self.output_tokens);
        self.output_tokens_details = output_tokens_details.or(self.output_tokens_details.take());
    }

    /// The counts in the hub's sense, where the input holds what was cached.
    pub(super) fn usage(&self) -> Usage {
        let (read, written) = (self.cache_read_input_tokens, self.cache_creation_input_tokens);
        let input = self.input_tokens.unwrap_or(0);
        Usage {
            input: input.saturating_add(read.unwrap_or(0)).saturating_add(written.unwrap_or(0)),
            output: self.output_tokens.unwrap_or(0),
            cache_read: read,
            cache_write: written,
            reasoning: self.output_tokens_details.as_ref().map(|details| details.thinking_tokens),
        }
    }
}

/// Reads a whole answer.
pub(super) fn decode(body: &[u8]) -> Result<Completion, DecodeError> {
    let message: MessageIn<'_> =
        serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if let Some(error) = message.error.filter(|error| !error.is_null()) {
        return Err(DecodeError::Malformed(fault::of(&error).message));
    }
    let Some(blocks) = message.content else {
        return Err(DecodeError::Malformed("the answer has no `content`".into()));
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (number, block) in blocks.into_iter().enumerate() {
        // What ran on Anthropic's servers is no part of the answer's own words.
        if matches!(&*block.kind, "text" | "thinking" | "redacted_thinking" | "tool_use") {
            block.parts(&format_args!("content[{number}]"), &mut parts, &mut Vec::new())?;
        }
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.text.is_empty()));
    parts.extend(explanation(message.stop_details).map(Part::Refusal));
    let finish = message.stop_reason.map(|reason| finish(&reason, message.stop_sequence));
    Ok(Completion {
        id: message.id,
        model: message.model,
        created: None,
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage: message.usage.map(|usage| usage.usage()),
        service_tier: None,
    })
}
