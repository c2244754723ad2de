//! The hub's small sister: texts to vectors, between protocols that differ.

use super::completion::{DecodeError, Usage};
use super::picture::Picture;

/// Texts to turn into vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbeddingRequest {
    /// The name asked for; an encoder writes the target's name instead.
    pub model: String,
    /// The texts, or token ids where the client sent those.
    pub input: Vec<EmbeddingInput>,
    /// Whether the client sent one text alone rather than a list; surfaces with two shapes answer in the same.
    pub single: bool,
    /// Length of the vectors, where the model lets one choose.
    pub dimensions: Option<u32>,
    /// Whether vectors are wanted as base64 of little-endian f32, as OpenAI's Python SDK asks by default.
    pub base64: bool,
    /// Whether over-long texts may be cut; Pointsman never asks for that by itself.
    pub truncate: Option<bool>,
    /// Gemini's `taskType`, where given.
    pub task: Option<String>,
    /// Gemini's `title`, where given.
    pub title: Option<String>,
    /// How long a runtime keeps the model loaded.
    pub keep_alive: Option<serde_json::Value>,
    /// Who the client's own user is.
    pub user: Option<String>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// A text.
    Text(String),
    /// Token ids of the model's own vocabulary.
    Tokens(Vec<u32>),
    /// Texts and pictures that together have one vector.
    Parts(Vec<EmbeddingPart>),
}

/// A piece of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingPart {
    /// A text.
    Text(String),
    /// A picture.
    Picture(Picture),
}

impl EmbeddingInput {
    /// Pieces that together have one vector; a text alone is that text.
    pub fn of(mut parts: Vec<EmbeddingPart>) -> EmbeddingInput {
        match parts.pop() {
            Some(EmbeddingPart::Text(text)) if parts.is_empty() => EmbeddingInput::Text(text),
            last => {
                parts.extend(last);
                EmbeddingInput::Parts(parts)
            }
        }
    }
}

impl EmbeddingRequest {
    /// The inputs, for a model of someone's who takes texts alone.
    pub fn texts(&self, whose: &str) -> Result<Vec<&str>, DecodeError> {
        let inputs = self.input.iter().map(|input| match input {
            EmbeddingInput::Text(text) => Ok(text.as_str()),
            EmbeddingInput::Tokens(_) => Err(no_tokens(whose)),
            EmbeddingInput::Parts(_) => {
                let reason = format!("{whose} takes texts and no pictures here; ask a model that sees");
                Err(DecodeError::unsupported("input", reason))
            }
        });
        inputs.collect()
    }
}

/// What a client is told whose token ids mean nothing upstream.
pub fn no_tokens(whose: &str) -> DecodeError {
    DecodeError::unsupported("input", format!("{whose} takes texts and no token ids; send text"))
}

/// Vectors, in the order of the inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// The model that made them, as the upstream names it.
    pub model: String,
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// Token counts, where told.
    pub usage: Option<Usage>,
}
