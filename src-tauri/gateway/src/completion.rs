//! The hub: one form of a conversation and its answer, between protocols that differ.
//!
//! A surface decodes into it, an upstream encodes from it, and back. Equal protocols never meet it. It is not a wire
//! format: nothing here is serialized, and what only one vendor says has no place unless another can say it too. What an
//! encoder cannot say it names in [`Encoded::dropped`]; what would change the meaning it refuses.

mod fold;
mod stream;
mod turn;
mod wording;

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

pub use fold::Fold;
pub use stream::Delta;
pub use turn::{
    CacheMark, Media, MediaKind, MediaSource, Message, OpaqueState, Part, Role, StateKind, Text, Thought, ToolCall,
    ToolKind, ToolResult,
};
pub use wording::Wording;
pub(crate) use wording::Words;

/// A conversation and how it is to be continued.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompletionRequest {
    /// The name asked for; an encoder writes the target's name instead.
    pub model: String,
    /// The turns in order. System texts stay where they stand: moving them would spoil a prompt cache.
    pub messages: Vec<Message>,
    /// Tools in the order in which they were given.
    pub tools: Vec<Tool>,
    /// Whether and which tool must be called; absent = the upstream's default.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several calls may come in one turn.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer's text.
    pub format: Option<Format>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The most tokens of the answer, reasoning included.
    pub max_tokens: Option<u32>,
    /// How much the model thinks.
    pub reasoning: Option<Reasoning>,
    /// How many answers; absent = one.
    pub choices: Option<u32>,
    /// Whether log probabilities are wanted, and how many alternatives of each token.
    pub logprobs: Option<u32>,
    /// Whether the answer is wanted as a stream.
    pub stream: bool,
    /// Whether a stream should end with its token counts, where the surface lets the client choose.
    pub stream_usage: bool,
    /// Texts that the client attached for itself.
    pub metadata: Map<String, Value>,
    /// Who the client's own user is.
    pub user: Option<String>,
    /// A hint at which requests share a prefix.
    pub cache_key: Option<String>,
    /// `auto`, `default`, `flex`, `priority`, ... as the vendors name it.
    pub service_tier: Option<String>,
    /// Context in tokens, for runtimes that take it per request.
    pub context: Option<u32>,
    /// How long a runtime keeps the model loaded, as Ollama writes it: `5m`, `-1`, seconds.
    pub keep_alive: Option<Value>,
    /// What the client said that this form has no place for and that may be left out, by the client's own field names.
    /// Whoever tells the client what was dropped adds it to [`Encoded::dropped`].
    pub dropped: Vec<String>,
    /// The answer that this request goes on from (OpenAI Responses). The server puts its turns before `messages` and
    /// empties this: no encoder reads it.
    pub previous_response: Option<String>,
    /// Whether the answer may be gone on from (OpenAI Responses; absent = yes). The server's business too: an encoder never
    /// asks an upstream to keep anything.
    pub store: Option<bool>,
    /// Fields that the surface repeats in its answer, as the client wrote them (OpenAI Responses). No upstream reads it.
    pub echo: Map<String, Value>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// JSON Schema of its arguments, key order kept.
    pub parameters: Option<Value>,
    /// Whether arguments must follow the schema exactly.
    pub strict: Option<bool>,
    /// Function or custom.
    pub kind: ToolKind,
    /// A custom tool's `format`.
    pub format: Option<Value>,
    /// Whether the prompt is to be cached up to here.
    pub cache: Option<CacheMark>,
}

/// Whether and which tool must be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// Some tool.
    Required,
    /// This one.
    Named(String),
}

/// The form of the answer's text.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// Some JSON object.
    Json,
    /// JSON by a schema.
    Schema {
        /// The schema's name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema, key order kept.
        schema: Value,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
    },
}

/// How tokens are chosen; absent = the upstream's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// The k most likely.
    pub top_k: Option<u32>,
    /// Relative to the most likely.
    pub min_p: Option<f64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// About 1.
    pub repeat_penalty: Option<f64>,
    /// For the same answer twice.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Token ids to bias.
    pub logit_bias: Map<String, Value>,
}

/// How much the model thinks. Nothing told at all is a bare wish that it thinks; `include` alone is no such wish.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// In words; `None` where only a budget or nothing is said.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<u32>,
    /// Whether the text of the thought is wanted back; absent = the upstream's default.
    pub include: Option<bool>,
}

/// How much, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as may be.
    Minimal,
    /// Little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
    /// More.
    ExtraHigh,
    /// As much as may be.
    Max,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The upstream's id.
    pub id: String,
    /// The model that answered, as the upstream names it.
    pub model: String,
    /// Seconds since 1970, where told.
    pub created: Option<u64>,
    /// The answers; nearly always one.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The tier that served it.
    pub service_tier: Option<String>,
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// What was said, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// Log probabilities in OpenAI chat's shape, where asked for and told.
    pub logprobs: Option<Value>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It was complete.
    Stop,
    /// A stop text came; which one, where told.
    StopSequence(Option<String>),
    /// The most tokens were reached.
    Length,
    /// Tools are to be called.
    ToolCalls,
    /// It was filtered or refused.
    Filtered,
}

/// Token counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The prompt, cached and cache-written tokens included.
    pub input: u32,
    /// The answer, reasoning included.
    pub output: u32,
    /// The part of `input` read from a cache.
    pub cache_read: Option<u32>,
    /// The part of `input` written to a cache.
    pub cache_write: Option<u32>,
    /// The part of `output` that was reasoning.
    pub reasoning: Option<u32>,
}

/// A request in an upstream's bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The body.
    pub body: Bytes,
    /// What could not be said, as the client's own field names: `logit_bias`, `messages[3].image`.
    pub dropped: Vec<String>,
}

/// Bytes that are not what their protocol says. The text goes to the client; it names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no JSON, or a field has the wrong type.
    #[error("{0}")]
    Malformed(String),
    /// A field that would change the meaning if it were left out.
    #[error("`{field}` cannot be said to this model: {reason}")]
    Unsupported {
        /// Which.
        field: Arc<str>,
        /// Why, and the way out.
        reason: String,
    },
}

impl DecodeError {
    /// A field that would change the meaning.
    pub fn unsupported(field: impl Display, reason: impl Into<String>) -> DecodeError {
        DecodeError::Unsupported { field: field.to_string().into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests;
