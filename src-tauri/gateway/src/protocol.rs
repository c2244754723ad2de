//! Wire formats and what can be asked in them.
//!
//! A protocol facing clients is a *surface*, facing endpoints it is an *upstream*. This module does no I/O and knows
//! neither the HTTP server nor the client: names, paths, bytes and values only. Which endpoint speaks what is the
//! catalog's business, whether a request is forwarded or translated is `dispatch::plan`'s.

pub mod anthropic;
pub mod bedrock;
pub mod codec;
pub mod cohere;
pub(crate) mod fitted;
pub(crate) mod foreign;
pub mod gemini;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
pub mod refusal;
mod refused_fields;
pub mod shape;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use shape::{Beside, Shape};

/// A wire format. Closed: adding one makes the compiler list what it must fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// OpenAI's chat completions and what stands beside them under `/v1`: completions, embeddings, audio, rerank.
    #[serde(rename = "openai")]
    OpenAiChat,
    /// OpenAI's Responses API.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Anthropic's Messages API.
    #[serde(rename = "anthropic")]
    Anthropic,
    /// Google's Gemini API.
    #[serde(rename = "gemini")]
    Gemini,
    /// Ollama's native API under `/api`.
    #[serde(rename = "ollama")]
    Ollama,
    /// Converse of Amazon Bedrock, which no client is answered in.
    #[serde(rename = "bedrock")]
    BedrockConverse,
    /// Cohere's own API, version 2, which no client is answered in.
    #[serde(rename = "cohere")]
    Cohere,
}

impl Protocol {
    /// The path of an operation below the prefix, for the same protocol on both sides: with the model's name in it where
    /// that is where it stands.
    pub fn path_to(self, operation: Operation, model: &str, stream: bool) -> Option<Cow<'static, str>> {
        match self {
            Protocol::Gemini => gemini::path::write(operation, model, stream).map(Cow::Owned),
            Protocol::BedrockConverse => bedrock::path::write(operation, model, stream).map(Cow::Owned),
            Protocol::OpenAiChat
            | Protocol::OpenAiResponses
            | Protocol::Anthropic
            | Protocol::Ollama
            | Protocol::Cohere => self.path(operation).map(Cow::Borrowed),
        }
    }

    /// Every protocol, in the order in which documentation lists them.
    pub const ALL: &[Protocol] = &[
        Protocol::OpenAiChat,
        Protocol::OpenAiResponses,
        Protocol::Anthropic,
        Protocol::Gemini,
        Protocol::Ollama,
        Protocol::BedrockConverse,
        Protocol::Cohere,
    ];

    /// Those in which clients are answered, in the same order.
    pub const SURFACES: &[Protocol] =
        &[Protocol::OpenAiChat, Protocol::OpenAiResponses, Protocol::Anthropic, Protocol::Gemini, Protocol::Ollama];

    /// The name in settings, tables, logs and usage rows.
    pub const fn id(self) -> &'static str {
        match self {
            Protocol::OpenAiChat => "openai",
            Protocol::OpenAiResponses => "openai-responses",
            Protocol::Anthropic => "anthropic",
            Protocol::Gemini => "gemini",
            Protocol::Ollama => "ollama",
            Protocol::BedrockConverse => "bedrock",
            Protocol::Cohere => "cohere",
        }
    }

    /// The name a person reads.
    pub const fn title(self) -> &'static str {
        match self {
            Protocol::OpenAiChat => "OpenAI chat completions",
            Protocol::OpenAiResponses => "OpenAI Responses",
            Protocol::Anthropic => "Anthropic Messages",
            Protocol::Gemini => "Gemini",
            Protocol::Ollama => "Ollama's native API",
            Protocol::BedrockConverse => "Bedrock Converse",
            Protocol::Cohere => "Cohere's native API",
        }
    }

    /// The model that is meant where the protocol's owner lets a client name none; `None` where it wants a name.
    pub const fn assumed_model(self, operation: Operation) -> Option<&'static str> {
        match (self, operation) {
            (Protocol::OpenAiChat, Operation::Moderation) => Some("omni-moderation-latest"),
            _ => None,
        }
    }

    /// Where vendors put the API below the base URL: what `Speaks::prefix` is unless an endpoint says otherwise.
    pub const fn default_prefix(self) -> &'static str {
        match self {
            Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::Anthropic => "/v1",
            Protocol::Gemini => "/v1beta",
            Protocol::Ollama => "/api",
            Protocol::BedrockConverse => "",
            Protocol::Cohere => "/v2",
        }
    }

    /// The path of an operation below the prefix; `None` where the protocol has no such operation, or where the path
    /// holds the model's name (Gemini, Bedrock).
    pub const fn path(self, operation: Operation) -> Option<&'static str> {
        match (self, operation) {
            (Protocol::OpenAiChat, Operation::Chat) => Some("/chat/completions"),
            (Protocol::OpenAiChat, Operation::Completion) => Some("/completions"),
            (Protocol::OpenAiChat, Operation::Embeddings) => Some("/embeddings"),
            (Protocol::OpenAiChat, Operation::Transcription) => Some("/audio/transcriptions"),
            (Protocol::OpenAiChat, Operation::Translation) => Some("/audio/translations"),
            (Protocol::OpenAiChat, Operation::Rerank) => Some("/rerank"),
            (Protocol::OpenAiChat, Operation::Images) => Some("/images/generations"),
            (Protocol::OpenAiChat, Operation::ImageEdit) => Some("/images/edits"),
            (Protocol::OpenAiChat, Operation::Speech) => Some("/audio/speech"),
            (Protocol::OpenAiChat, Operation::Moderation) => Some("/moderations"),
            (Protocol::OpenAiResponses, Operation::Chat) => Some("/responses"),
            (Protocol::Anthropic, Operation::Chat) => Some("/messages"),
            (Protocol::Anthropic, Operation::CountTokens) => Some("/messages/count_tokens"),
            (Protocol::Ollama, Operation::Chat) => Some("/chat"),
            (Protocol::Ollama, Operation::Completion) => Some("/generate"),
            (Protocol::Ollama, Operation::Embeddings) => Some("/embed"),
            (Protocol::Ollama, Operation::SingleEmbedding) => Some("/embeddings"),
            (Protocol::Ollama, Operation::ShowModel) => Some("/show"),
            (Protocol::Cohere, Operation::Chat) => Some("/chat"),
            (Protocol::Cohere, Operation::Embeddings) => Some("/embed"),
            (Protocol::Cohere, Operation::Rerank) => Some("/rerank"),
            (
                Protocol::OpenAiChat,
                Operation::CountTokens | Operation::SingleEmbedding | Operation::Raw | Operation::ShowModel,
            )
            | (
                Protocol::OpenAiResponses | Protocol::Anthropic,
                Operation::Completion
                | Operation::Embeddings
                | Operation::SingleEmbedding
                | Operation::Transcription
                | Operation::Translation
                | Operation::Rerank
                | Operation::Images
                | Operation::ImageEdit
                | Operation::Speech
                | Operation::Moderation
                | Operation::Raw
                | Operation::ShowModel,
            )
            | (Protocol::OpenAiResponses, Operation::CountTokens)
            | (
                Protocol::Ollama,
                Operation::CountTokens
                | Operation::Transcription
                | Operation::Translation
                | Operation::Rerank
                | Operation::Images
                | Operation::ImageEdit
                | Operation::Speech
                | Operation::Moderation
                | Operation::Raw,
            )
            | (
                Protocol::Cohere,
                Operation::Completion
                | Operation::SingleEmbedding
                | Operation::CountTokens
                | Operation::Transcription
                | Operation::Translation
                | Operation::Images
                | Operation::ImageEdit
                | Operation::Speech
                | Operation::Moderation
                | Operation::Raw
                | Operation::ShowModel,
            )
            | (Protocol::Gemini | Protocol::BedrockConverse, _) => None,
        }
    }
}

/// What is asked of a model. Closed, like [`Protocol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A conversation's next turn.
    Chat,
    /// Plain text continued, the older form.
    Completion,
    /// Vectors for a list of texts.
    Embeddings,
    /// One vector for one text: Ollama's older `/api/embeddings`, Gemini's `:embedContent`.
    SingleEmbedding,
    /// How many tokens a conversation has, without answering it.
    CountTokens,
    /// Speech to text.
    Transcription,
    /// Speech in any language to English text.
    Translation,
    /// Documents ordered by relevance to a query.
    Rerank,
    /// Images from a text.
    Images,
    /// Images from images and a text.
    ImageEdit,
    /// Text to speech.
    Speech,
    /// Whether a text or an image is harmful.
    Moderation,
    /// Anything in a provider's own API, passed on as it is.
    Raw,
    /// One model's details, as Ollama's `/api/show` tells them.
    ShowModel,
}

impl Operation {
    /// The operation whose shape a codec writes upstream: a text completion as a chat, one text's vector as a list.
    pub const fn as_written(self) -> Operation {
        match self {
            Operation::Completion => Operation::Chat,
            Operation::SingleEmbedding => Operation::Embeddings,
            Operation::Chat
            | Operation::Embeddings
            | Operation::CountTokens
            | Operation::Transcription
            | Operation::Translation
            | Operation::Rerank
            | Operation::Images
            | Operation::ImageEdit
            | Operation::Speech
            | Operation::Moderation
            | Operation::Raw
            | Operation::ShowModel => self,
        }
    }

    /// What an endpoint of another protocol is asked in its place; `None` where nothing stands between protocols.
    pub const fn through_hub(self) -> Option<Operation> {
        match self {
            Operation::Chat | Operation::Completion | Operation::CountTokens => Some(Operation::Chat),
            Operation::Embeddings | Operation::SingleEmbedding => Some(Operation::Embeddings),
            Operation::Rerank | Operation::Images | Operation::ImageEdit | Operation::Speech => Some(self),
            Operation::Transcription
            | Operation::Translation
            | Operation::Moderation
            | Operation::Raw
            | Operation::ShowModel => None,
        }
    }

    /// Whether few models do it, so that who asks one that does not is told of those that do.
    pub const fn is_rare(self) -> bool {
        match self {
            Operation::Chat
            | Operation::Completion
            | Operation::CountTokens
            | Operation::Embeddings
            | Operation::SingleEmbedding => false,
            Operation::Transcription
            | Operation::Translation
            | Operation::Rerank
            | Operation::Images
            | Operation::ImageEdit
            | Operation::Speech
            | Operation::Moderation
            | Operation::Raw
            | Operation::ShowModel => true,
        }
    }

    /// Whether a stream of it ends with its protocol's mark. Streams of sound and images end with their transfer.
    pub const fn stream_ends_with_mark(self) -> bool {
        match self {
            Operation::Chat | Operation::Completion => true,
            Operation::Embeddings
            | Operation::SingleEmbedding
            | Operation::CountTokens
            | Operation::Transcription
            | Operation::Translation
            | Operation::Rerank
            | Operation::Images
            | Operation::ImageEdit
            | Operation::Speech
            | Operation::Moderation
            | Operation::Raw
            | Operation::ShowModel => false,
        }
    }

    /// The name in tables, logs and usage rows.
    pub const fn id(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::Completion => "completion",
            Operation::Embeddings => "embeddings",
            Operation::SingleEmbedding => "single_embedding",
            Operation::CountTokens => "count_tokens",
            Operation::Transcription => "transcription",
            Operation::Translation => "translation",
            Operation::Rerank => "rerank",
            Operation::Images => "images",
            Operation::ImageEdit => "image_edit",
            Operation::Speech => "speech",
            Operation::Moderation => "moderation",
            Operation::Raw => "raw",
            Operation::ShowModel => "show_model",
        }
    }
}

/// What an account holds at its provider: nothing that a model is asked. Closed, like [`Protocol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// Files that were sent there or made there.
    Files,
    /// Many requests that are answered later, in one go and cheaper.
    Batches,
}

impl Holding {
    /// Its name in paths and in words.
    pub const fn id(self) -> &'static str {
        match self {
            Holding::Files => "files",
            Holding::Batches => "batches",
        }
    }
}

/// A protocol as one endpoint speaks it. Endpoints list theirs best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaks {
    /// The wire format.
    pub protocol: Protocol,
    /// The path before [`Protocol::path`], without a trailing slash: `/v1`, `/engines/v1`, or empty.
    pub prefix: String,
    /// What it can be asked.
    pub operations: Vec<Operation>,
    /// What it holds for an account, at the protocol's own paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Holding>,
    /// How a cloud changes it; none where it is its maker's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// What the account's requests have beside it.
    #[serde(default)]
    pub beside: Beside,
}

#[cfg(test)]
mod tests;
