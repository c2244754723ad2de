//! The hub's small sister: texts to vectors, between protocols that differ.

use super::completion::Usage;

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
