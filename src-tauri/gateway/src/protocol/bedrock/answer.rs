//! Whole answers, and what they share with streams: reasons to end, counts of tokens, errors.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::completion::{
    Choice, Completion, DecodeError, Finish, OpaqueState, Part, StateKind, Thought, ToolCall, ToolKind, Usage,
};
use crate::protocol::codec::{UpstreamError, fault};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    output: Option<Output<'a>>,
    stop_reason: Option<String>,
    usage: Option<UsageIn>,
    #[serde(default)]
    service_tier: Option<Tier>,
}

#[derive(Debug, Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<Block<'a>>,
}

/// A block as it is read: one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    #[serde(borrow)]
    tool_use: Option<Call<'a>>,
    reasoning_content: Option<Reasoning>,
    citations_content: Option<Cited>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    #[serde(default)]
    tool_use_id: String,
    #[serde(default)]
    name: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ReasoningText {
    #[serde(default)]
    text: String,
    signature: Option<String>,
}

/// A text with its sources.
#[derive(Debug, Deserialize)]
struct Cited {
    #[serde(default)]
    content: Vec<CitedText>,
}

#[derive(Debug, Deserialize)]
struct CitedText {
    #[serde(default)]
    text: String,
}

/// Which tier served.
#[derive(Debug, Deserialize)]
pub(super) struct Tier {
    #[serde(rename = "type")]
    kind: String,
}

/// Counts; the input holds nothing of what a cache gave or took.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageIn {
    #[serde(default)]
    input_tokens: u32,
    #[serde(default)]
    output_tokens: u32,
    cache_read_input_tokens: Option<u32>,
    cache_write_input_tokens: Option<u32>,
}

impl UsageIn {
    /// The counts in the hub's sense, where the input holds what was cached.
    pub(super) fn usage(&self) -> Usage {
        let (read, written) = (self.cache_read_input_tokens, self.cache_write_input_tokens);
        Usage {
            input: self.input_tokens.saturating_add(read.unwrap_or(0)).saturating_add(written.unwrap_or(0)),
            output: self.output_tokens,
            cache_read: read,
            cache_write: written,
            reasoning: None,
        }
    }
}

/// Why an answer ended.
pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "tool_use" => Finish::ToolCalls,
        "stop_sequence" => Finish::StopSequence(None),
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "guardrail_intervened" | "content_filtered" => Finish::Filtered,
        // `end_turn`, what the model wrote wrongly, and what may come.
        _ => Finish::Stop,
    }
}

/// A thought's signature. Its bytes are Anthropic's own, wherever the model is hosted.
pub(super) fn signature(value: String) -> OpaqueState {
    OpaqueState { kind: StateKind::AnthropicSignature, id: None, value }
}

/// A thought that is kept back.
pub(super) fn redacted(value: String) -> OpaqueState {
    OpaqueState { kind: StateKind::AnthropicRedacted, id: None, value }
}

/// Reads a whole answer.
pub(super) fn decode(body: &[u8]) -> Result<Completion, DecodeError> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    let Some(message) = answer.output.and_then(|output| output.message) else {
        let told = serde_json::from_slice::<Value>(body).ok().and_then(|value| fault::find(&value));
        let told = told.map(|told| told.message).filter(|message| !message.is_empty());
        return Err(DecodeError::Malformed(told.unwrap_or_else(|| "the answer has no `output.message`".into())));
    };
    let mut parts = Vec::with_capacity(message.content.len());
    for (number, block) in message.content.into_iter().enumerate() {
        block.parts(number, &mut parts)?;
    }
    let finish = answer.stop_reason.map(|reason| finish(&reason));
    Ok(Completion {
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage: answer.usage.map(|usage| usage.usage()),
        service_tier: answer.service_tier.map(|tier| tier.kind),
        ..Completion::default()
    })
}

impl Block<'_> {
    fn parts(self, number: usize, parts: &mut Vec<Part>) -> Result<(), DecodeError> {
        let cited = self.citations_content.map(|cited| cited.content.into_iter().map(|piece| piece.text).collect());
        parts.extend(self.text.or(cited).filter(|text| !text.is_empty()).map(Part::text));
        if let Some(reasoning) = self.reasoning_content {
            if let Some(ReasoningText { text, signature: signed }) = reasoning.reasoning_text {
                let state = signed.filter(|value| !value.is_empty()).map(signature);
                parts.push(Part::Thought(Thought { text, state }));
            }
            let state = reasoning.redacted_content.filter(|value| !value.is_empty()).map(redacted);
            parts.extend(state.map(|state| Part::Thought(Thought { text: String::new(), state: Some(state) })));
        }
        // What ran on Amazon's servers is no part of the answer's own words.
        if let Some(Call { tool_use_id: id, name, input, kind: None }) = self.tool_use {
            if id.is_empty() || name.is_empty() {
                let place = format!("`output.message.content[{number}].toolUse` has no id or no name");
                return Err(DecodeError::Malformed(place));
            }
            let arguments = input.map_or("{}", RawValue::get).to_owned();
            parts.push(Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None }));
        }
        Ok(())
    }
}

/// Reads a count.
pub(super) fn count(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        input_tokens: u32,
    }
    serde_json::from_slice::<Count>(body).ok().map(|count| count.input_tokens)
}

/// What an error says: `message`, or `Message` from what stands before the service, and where a model failed its own
/// words.
pub(super) fn error(body: &[u8]) -> UpstreamError {
    #[derive(Deserialize)]
    struct Told {
        #[serde(rename = "originalMessage", alias = "OriginalMessage")]
        original: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
        #[serde(rename = "__type")]
        kind: Option<String>,
    }
    let Ok(told) = serde_json::from_slice::<Told>(body) else { return fault::read(body) };
    let words = told.original.filter(|words| !words.is_empty()).or(told.message).unwrap_or_default();
    if words.is_empty() && told.kind.is_none() {
        return fault::read(body);
    }
    let mut error = fault::told(words, told.kind.map(|kind| code(&kind).to_owned()));
    if error.message.contains("on-demand throughput isn\u{2019}t supported")
        || error.message.contains("on-demand throughput isn't supported")
    {
        error.message.push_str(" (put a region's group before the name, as in `us.` or `global.`)");
    }
    error
}

/// A code without what Amazon puts before it: `com.amazon.coral.service#AccessDeniedException`.
pub(super) fn code(kind: &str) -> &str {
    kind.rsplit('#').next().unwrap_or(kind)
}
