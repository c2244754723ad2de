//! Google's Gemini API, as a surface and as an upstream.
//!
//! The model and what is asked stand in the path, the form of a stream in its query ([`path`]). As a surface it reads both
//! spellings that Google's SDKs send, camelCase and snake_case, and answers in camelCase. As an upstream it is always
//! asked for server-sent events. What a model takes is asked of `model`; lists of models are `server`'s, headers are
//! `dispatch`'s. Shapes are those of Google's API reference and of google-genai 3.4.

mod embeddings;
pub mod forward;
mod logprobs;
mod made;
mod model;
pub mod path;
mod pictures;
mod read_answer;
mod read_contents;
mod read_request;
mod schema;
pub(in crate::protocol) mod signature;
mod speech;
mod spelling;
mod wire;
mod write_answer;
mod write_contents;
mod write_request;

use bytes::Bytes;

use super::Operation;
use super::codec::{DeltaDecoder, DeltaEncoder, Surface, Target, Upstream, UpstreamError, fault};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::picture::{PictureRequest, Pictures};
use crate::speech::{Speech, SpeechRequest};

/// The protocol, on both sides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gemini;

impl Surface for Gemini {
    fn decode_request(&self, operation: Operation, path: &str, body: &[u8]) -> Result<CompletionRequest, DecodeError> {
        read_request::read(operation, path, body)
    }

    fn encode_completion(&self, _operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
        write_answer::whole(request, completion)
    }

    fn encoder(&self, _operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder> {
        Box::new(write_answer::Encoder::new(request))
    }

    fn stream_type(&self, request: &CompletionRequest) -> &'static str {
        if wire::wants_array(request) { "application/json" } else { "text/event-stream" }
    }

    fn decode_embedding(&self, operation: Operation, path: &str, body: &[u8]) -> Result<EmbeddingRequest, DecodeError> {
        embeddings::read_request(operation, path, body)
    }

    fn encode_embeddings(&self, _operation: Operation, request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
        embeddings::write(request, embeddings)
    }

    fn encode_count(&self, tokens: u32) -> Bytes {
        Bytes::from(serde_json::json!({ "totalTokens": tokens }).to_string())
    }
}

impl Upstream for Gemini {
    /// Vectors are asked for in a list, because that is what [`Upstream::encode_embedding`] writes.
    fn path(&self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let operation = operation.as_written();
        let path = path::write(operation, model, stream)?;
        Some(if stream && operation == Operation::Chat { format!("{path}?alt=sse") } else { path })
    }

    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
        write_request::write(request, target)
    }

    fn encode_counting(&self, request: &CompletionRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(write_request::count(request, target))
    }

    fn decode_count(&self, body: &[u8]) -> Option<u32> {
        read_answer::count(body)
    }

    fn decode_completion(&self, body: &[u8]) -> Result<Completion, DecodeError> {
        read_answer::whole(body)
    }

    fn decoder(&self) -> Box<dyn DeltaDecoder> {
        Box::new(read_answer::Decoder::default())
    }

    fn encode_embedding(&self, request: &EmbeddingRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(embeddings::write_request(request, target))
    }

    fn decode_embeddings(&self, body: &[u8]) -> Result<Embeddings, DecodeError> {
        embeddings::read(body)
    }

    fn encode_picture(&self, request: &PictureRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(pictures::write_request(request, target))
    }

    fn decode_pictures(&self, body: &[u8]) -> Result<Pictures, DecodeError> {
        pictures::read(body)
    }

    fn encode_speaking(&self, request: &SpeechRequest, _target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(speech::write_request(request))
    }

    fn decode_spoken(&self, body: &[u8]) -> Result<Speech, DecodeError> {
        speech::read(body)
    }

    fn decode_error(&self, body: &[u8]) -> UpstreamError {
        fault::read(body)
    }
}

#[cfg(test)]
mod tests;
