//! Ollama's native API: `/api/chat`, `/api/generate`, `/api/embed` and the older `/api/embeddings`.
//!
//! Streams are lines of JSON and the default. As an upstream it is asked with its context's size, and never to cut a prompt
//! that does not fit: over its OpenAI surface neither can be said. What only continues raw text (`raw`, `suffix`,
//! `template`) is refused, because another protocol has no place for it. Lists and details of models are `server`'s.

mod embeddings;
pub mod honest;
mod read_answer;
mod read_request;
mod write_answer;
mod write_request;

use bytes::Bytes;

use super::codec::{DeltaDecoder, DeltaEncoder, Surface, Target, Upstream};
use super::{Operation, Protocol};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};

/// The protocol, on both sides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ollama;

impl Ollama {
    /// The answer to a request without turns, by which clients load a model or unload it: there is nothing to ask an
    /// upstream of another protocol. `None` for requests that ask something.
    pub fn answer_to_load(operation: Operation, request: &CompletionRequest, now: u64) -> Option<Bytes> {
        request.messages.is_empty().then(|| write_answer::loaded(operation, request, now))
    }
}

impl Surface for Ollama {
    fn decode_request(&self, operation: Operation, _path: &str, body: &[u8]) -> Result<CompletionRequest, DecodeError> {
        match operation {
            Operation::Completion => read_request::generate(body),
            _ => read_request::chat(body),
        }
    }

    fn encode_completion(&self, operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
        write_answer::whole(operation, request, completion)
    }

    fn encoder(&self, operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder> {
        Box::new(write_answer::Encoder::new(operation, request))
    }

    fn stream_type(&self, _request: &CompletionRequest) -> &'static str {
        "application/x-ndjson"
    }

    fn decode_embedding(
        &self,
        operation: Operation,
        _path: &str,
        body: &[u8],
    ) -> Result<EmbeddingRequest, DecodeError> {
        embeddings::read_request(operation, body)
    }

    fn encode_embeddings(&self, operation: Operation, request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
        embeddings::write(operation, request, embeddings)
    }

    /// The protocol has no such operation; this is its name for the count.
    fn encode_count(&self, tokens: u32) -> Bytes {
        Bytes::from(serde_json::json!({ "prompt_eval_count": tokens }).to_string())
    }
}

impl Upstream for Ollama {
    /// A text completion goes where chats go, because that is what [`Upstream::encode_request`] writes.
    fn path(&self, operation: Operation, _model: &str, _stream: bool) -> Option<String> {
        Protocol::Ollama.path(operation.as_written()).map(str::to_owned)
    }

    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
        write_request::write(request, target)
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
}

#[cfg(test)]
mod tests;
