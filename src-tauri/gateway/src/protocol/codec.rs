//! What a protocol must be able to do to meet the hub: as a surface (we are the server) and as an upstream (we are the
//! client).
//!
//! Pure: bytes and values in and out, no I/O. Each protocol implements both in its own folder. Streams are framed here
//! once ([`frames`]); a decoder sees whole events, never pieces of one.

pub(crate) mod apart;
pub mod carrier;
pub mod custom;
pub(crate) mod dropped;
pub(crate) mod effort;
pub mod fault;
pub(crate) mod fields;
pub(crate) mod form;
pub mod frames;
pub(crate) mod ids;
pub mod json;
pub(crate) mod media;
pub(crate) mod openai_models;
pub(crate) mod place;
pub(crate) mod repair;
pub(crate) mod schema;
pub(crate) mod segment;
pub mod serial;
pub(crate) mod system;
pub(crate) mod tags;
#[cfg(test)]
pub(crate) mod testing;

use bytes::Bytes;

use crate::completion::{Completion, CompletionRequest, DecodeError, Delta, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::picture::{PictureRequest, Pictures};
use crate::protocol::anthropic::Anthropic;
use crate::protocol::bedrock::Bedrock;
use crate::protocol::cohere::Cohere;
use crate::protocol::gemini::Gemini;
use crate::protocol::ollama::Ollama;
use crate::protocol::openai_chat::OpenAiChat;
use crate::protocol::openai_responses::OpenAiResponses;
use crate::protocol::{Operation, Protocol};
use crate::rerank::{Ranking, RerankRequest};
use crate::speech::{Speech, SpeechRequest};
use frames::Frame;

/// What an encoder must know of the model and its endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// The model's name as the endpoint wants to hear it.
    pub model: String,
    /// The runtime's row (`ollama`, `llamacpp`, `vllm`, ...), for its quirks; empty where unknown.
    pub runtime: String,
    /// Whether it calls tools; `None` = not told, which is tried.
    pub tools: Option<bool>,
    /// Whether it sees images; `None` = not told, which is tried.
    pub vision: Option<bool>,
    /// Whether it thinks; `None` = not told.
    pub reasoning: Option<bool>,
    /// Context in force, in tokens.
    pub context: Option<u32>,
    /// The most tokens that it can answer, where known.
    pub max_output: Option<u32>,
}

impl Target {
    /// Refuses tools to a model that is known to call none: without them the answer would be another one.
    pub(crate) fn must_call_tools(&self) -> Result<(), DecodeError> {
        if self.tools != Some(false) {
            return Ok(());
        }
        let reason = format!("`{}` calls no tools; ask a model that does, or leave `tools` out", self.model);
        Err(DecodeError::unsupported("tools", reason))
    }
}

/// The codec of a protocol that faces clients; `None` where it faces endpoints only.
pub fn surface(protocol: Protocol) -> Option<&'static dyn Surface> {
    Some(match protocol {
        Protocol::OpenAiChat => &OpenAiChat,
        Protocol::OpenAiResponses => &OpenAiResponses,
        Protocol::Anthropic => &Anthropic,
        Protocol::Gemini => &Gemini,
        Protocol::Ollama => &Ollama,
        Protocol::BedrockConverse | Protocol::Cohere => return None,
    })
}

/// The codec of a protocol that faces endpoints.
pub fn upstream(protocol: Protocol) -> &'static dyn Upstream {
    match protocol {
        Protocol::OpenAiChat => &OpenAiChat,
        Protocol::OpenAiResponses => &OpenAiResponses,
        Protocol::Anthropic => &Anthropic,
        Protocol::Gemini => &Gemini,
        Protocol::Ollama => &Ollama,
        Protocol::BedrockConverse => &Bedrock,
        Protocol::Cohere => &Cohere,
    }
}

/// A surface: we are the server.
pub trait Surface: Sync {
    /// Reads a client's request. `path` is the request's path (Gemini and Ollama hold facts in it), for
    /// [`Operation::Chat`] and [`Operation::Completion`].
    fn decode_request(&self, operation: Operation, path: &str, body: &[u8]) -> Result<CompletionRequest, DecodeError>;
    /// Writes a whole answer for the request that it answers.
    fn encode_completion(&self, operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes;
    /// Writes a stream for the request that it answers. One encoder a stream.
    fn encoder(&self, operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder>;
    /// The stream's content type.
    fn stream_type(&self, _request: &CompletionRequest) -> &'static str {
        "text/event-stream"
    }
    /// Reads a client's request for vectors.
    fn decode_embedding(
        &self,
        _operation: Operation,
        _path: &str,
        _body: &[u8],
    ) -> Result<EmbeddingRequest, DecodeError> {
        Err(DecodeError::Malformed("this API has no embeddings; ask /v1/embeddings".into()))
    }
    /// Writes vectors. Never asked of an API that reads no request for them.
    fn encode_embeddings(&self, _operation: Operation, _request: &EmbeddingRequest, _embeddings: &Embeddings) -> Bytes {
        Bytes::new()
    }
    /// Reads a client's request for an order of documents.
    fn decode_rerank(&self, _body: &[u8]) -> Result<RerankRequest, DecodeError> {
        Err(DecodeError::Malformed("this API orders no documents; ask /v1/rerank".into()))
    }
    /// Writes an order of documents. Never asked of an API that reads no request for it.
    fn encode_ranking(&self, _request: &RerankRequest, _ranking: &Ranking) -> Bytes {
        Bytes::new()
    }
    /// Reads a client's request for pictures.
    fn decode_picture(&self, _operation: Operation, _body: &[u8]) -> Result<PictureRequest, DecodeError> {
        Err(DecodeError::Malformed("this API draws no pictures; ask /v1/images/generations".into()))
    }
    /// Writes pictures, made at a second since 1970. Never asked of an API that reads no request for them.
    fn encode_pictures(&self, _request: &PictureRequest, _pictures: &Pictures, _created: u64) -> Bytes {
        Bytes::new()
    }
    /// Reads a client's request for speech.
    fn decode_speech(&self, _body: &[u8]) -> Result<SpeechRequest, DecodeError> {
        Err(DecodeError::Malformed("this API speaks no words; ask /v1/audio/speech".into()))
    }
    /// Writes speech, with its media type. Never asked of an API that reads no request for it.
    fn encode_speech(&self, _request: &SpeechRequest, _speech: &Speech) -> (&'static str, Bytes) {
        ("audio/wav", Bytes::new())
    }
    /// Writes a count of tokens.
    fn encode_count(&self, tokens: u32) -> Bytes;
}

/// An upstream: we are the client.
pub trait Upstream: Sync {
    /// The path below the endpoint's prefix, with its query if it needs one.
    fn path(&self, operation: Operation, model: &str, stream: bool) -> Option<String>;
    /// Writes a request. What would change the meaning is an error, what merely cannot be said is named as dropped.
    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError>;
    /// Reads a whole answer. An `error` inside a 200 is an error here too.
    fn decode_completion(&self, body: &[u8]) -> Result<Completion, DecodeError>;
    /// Reads a stream. One decoder a stream.
    fn decoder(&self) -> Box<dyn DeltaDecoder>;
    /// Writes a request for vectors; `None` where the protocol has none.
    fn encode_embedding(&self, _request: &EmbeddingRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        None
    }
    /// Reads vectors.
    fn decode_embeddings(&self, _body: &[u8]) -> Result<Embeddings, DecodeError> {
        Err(DecodeError::Malformed("this API has no embeddings".into()))
    }
    /// Writes a request for an order of documents; `None` where the protocol has none.
    fn encode_rerank(&self, _request: &RerankRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        None
    }
    /// Reads an order of documents.
    fn decode_ranking(&self, _body: &[u8]) -> Result<Ranking, DecodeError> {
        Err(DecodeError::Malformed("this API orders no documents".into()))
    }
    /// Writes a request for pictures; `None` where the protocol has none.
    fn encode_picture(&self, _request: &PictureRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        None
    }
    /// Reads pictures.
    fn decode_pictures(&self, _body: &[u8]) -> Result<Pictures, DecodeError> {
        Err(DecodeError::Malformed("this API draws no pictures".into()))
    }
    /// Writes a request for speech; `None` where the protocol has none.
    fn encode_speaking(&self, _request: &SpeechRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        None
    }
    /// Reads speech.
    fn decode_spoken(&self, _body: &[u8]) -> Result<Speech, DecodeError> {
        Err(DecodeError::Malformed("this API speaks no words".into()))
    }
    /// Writes a question for the count of a request's tokens; `None` where the protocol has none.
    fn encode_counting(&self, _request: &CompletionRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        None
    }
    /// Reads a count of tokens.
    fn decode_count(&self, _body: &[u8]) -> Option<u32> {
        None
    }
    /// What an error answer says, for the client: its message and, where told, its code. Never a credential: the caller
    /// redacts.
    fn decode_error(&self, body: &[u8]) -> UpstreamError {
        fault::read(body)
    }
}

/// What an upstream said of its refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// In words; empty where nothing readable came.
    pub message: String,
    /// Its own type or code: `context_length_exceeded`, `exceed_context_size_error`.
    pub code: Option<String>,
    /// Whether it says that the prompt is longer than the context.
    pub context_exceeded: bool,
}

/// Pieces of the hub to bytes of a surface's stream.
pub trait DeltaEncoder: Send {
    /// Appends what a piece comes to. May append nothing.
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>);
    /// Appends what ends a stream that is complete. Not called after a [`Delta::Failed`].
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// Frames of an upstream's stream to pieces of the hub.
pub trait DeltaDecoder: Send {
    /// How the stream is framed.
    fn framing(&self) -> frames::Framing;
    /// Appends what a frame comes to. May append nothing. Bytes that cannot be read are a [`Delta::Failed`].
    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>);
    /// Appends what the end of the bytes comes to: what was held back, and a [`Delta::Failed`] if the stream ended
    /// before it said that it was complete.
    fn finish(&mut self, out: &mut Vec<Delta>);
}
