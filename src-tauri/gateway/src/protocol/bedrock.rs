//! Converse of Amazon Bedrock, and vectors, orders of documents and pictures of the models that it hosts: an
//! upstream only.
//!
//! The model stands in the path ([`path`]). One form serves every vendor's models, but for what each takes beyond it and
//! what it refuses, which `family` knows by the model's name. Streams are Amazon's event streams. Signatures, hosts and
//! regions are not known here. Shapes are those of boto3 1.44.5.

mod answer;
mod blocks;
mod embeddings;
mod extra;
mod family;
pub mod path;
mod pictures;
mod request;
mod rerank;
mod stream;
mod turns;

use super::Operation;
use super::codec::{DeltaDecoder, Target, Upstream, UpstreamError};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::picture::{PictureRequest, Pictures};
use crate::rerank::{Ranking, RerankRequest};

/// Converse.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bedrock;

impl Upstream for Bedrock {
    fn path(&self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        path::write(operation.as_written(), model, stream)
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
        Some(rerank::encode(request, target))
    }

    fn decode_ranking(&self, body: &[u8]) -> Result<Ranking, DecodeError> {
        rerank::decode(body)
    }

    fn encode_picture(&self, request: &PictureRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(pictures::encode(request, target))
    }

    fn decode_pictures(&self, body: &[u8]) -> Result<Pictures, DecodeError> {
        pictures::decode(body)
    }

    fn encode_counting(&self, request: &CompletionRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(request::counting(request, target))
    }

    fn decode_count(&self, body: &[u8]) -> Option<u32> {
        answer::count(body)
    }

    fn decode_error(&self, body: &[u8]) -> UpstreamError {
        answer::error(body)
    }
}

#[cfg(test)]
mod tests;
