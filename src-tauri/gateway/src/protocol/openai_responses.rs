//! OpenAI's Responses API, as a surface and as an upstream.
//!
//! Bytes and values only. Nothing is kept here between requests; [`kept`] is what a server that keeps responses does with
//! their JSON, and by the time a request is read the turns before it stand in its input. Shapes are those of OpenAI's API
//! reference and of its Python SDK 3.54, whose required fields an answer always has.

mod answer;
pub mod kept;
mod names;
mod request;
mod stream;
mod wire;

use bytes::Bytes;

use super::Operation;
use super::codec::{DeltaDecoder, DeltaEncoder, Surface, Target, Upstream, json};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};

/// The Responses API.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiResponses;

impl Surface for OpenAiResponses {
    fn decode_request(
        &self,
        _operation: Operation,
        _path: &str,
        body: &[u8],
    ) -> Result<CompletionRequest, DecodeError> {
        request::decode::decode(body)
    }

    fn encode_completion(&self, _operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
        answer::encode::encode(request, completion)
    }

    fn encoder(&self, _operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder> {
        Box::new(stream::encode::Encoder::new(request))
    }

    fn encode_count(&self, tokens: u32) -> Bytes {
        json::body(&serde_json::json!({"object": "response.input_tokens", "input_tokens": tokens}))
    }
}

impl Upstream for OpenAiResponses {
    fn path(&self, operation: Operation, _model: &str, _stream: bool) -> Option<String> {
        super::Protocol::OpenAiResponses.path(operation).map(str::to_owned)
    }

    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
        request::encode::encode(request, target)
    }

    fn decode_completion(&self, body: &[u8]) -> Result<Completion, DecodeError> {
        answer::decode::decode(body)
    }

    fn decoder(&self) -> Box<dyn DeltaDecoder> {
        Box::new(stream::decode::Decoder::default())
    }
}

#[cfg(test)]
mod tests;
