//! Version 2 of Cohere's own API: chats, vectors and orders of documents. An upstream only.
//!
//! Its chats look like OpenAI's and differ in most names: a plan before calls, thoughts as content, a schema in an object
//! of JSON, other words for sampling and for why an answer ended. Its layer that speaks OpenAI's API has neither thoughts
//! nor plans and orders no documents, so that it is not asked. On which results of tools an answer rests it says unasked;
//! the hub has no place for that, and what is asked with results names it as dropped. Shapes are those of Cohere's API
//! reference and of its SDK 7.3.1.

mod answer;
mod embeddings;
mod messages;
mod request;
mod rerank;
mod stream;

use super::codec::{DeltaDecoder, Target, Upstream};
use super::openai_chat;
use super::{Operation, Protocol};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::rerank::{Ranking, RerankRequest};

/// The protocol, towards endpoints.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cohere;

impl Upstream for Cohere {
    fn path(&self, operation: Operation, _model: &str, _stream: bool) -> Option<String> {
        Protocol::Cohere.path(operation.as_written()).map(str::to_owned)
    }

    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
        request::encode(request, target)
    }

    fn decode_completion(&self, body: &[u8]) -> Result<Completion, DecodeError> {
        answer::decode(body)
    }

    fn decoder(&self) -> Box<dyn DeltaDecoder> {
        Box::new(stream::Decoder::default())
    }

    fn encode_embedding(&self, request: &EmbeddingRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(embeddings::encode(request, target))
    }

    fn decode_embeddings(&self, body: &[u8]) -> Result<Embeddings, DecodeError> {
        embeddings::decode(body)
    }

    fn encode_rerank(&self, request: &RerankRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(Ok(rerank::encode(request, target)))
    }

    fn decode_ranking(&self, body: &[u8]) -> Result<Ranking, DecodeError> {
        openai_chat::rerank::read(body)
    }
}

/// Whether a model thinks: as it is told, else by its name.
fn thinks(target: &Target) -> bool {
    target.reasoning.unwrap_or_else(|| target.model.contains("reasoning"))
}

#[cfg(test)]
mod tests;
