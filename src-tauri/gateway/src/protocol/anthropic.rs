//! Anthropic's Messages API, as a surface and as an upstream.
//!
//! Bytes and values only. It knows Anthropic's shapes and what its models refuse (`claude`), not who asks, not which
//! headers go along (`dispatch`), and not what a token costs. Shapes are those of Anthropic's API reference and of its
//! Python SDK 2.12.

mod answer;
pub(super) mod claude;
mod count;
mod request;
pub mod steady;
mod stream;
mod wire;

use bytes::Bytes;

pub(super) use request::encode::Sampled;
pub(super) use request::thinking;
pub(crate) use stream::opening;

use super::Operation;
use super::codec::{DeltaDecoder, DeltaEncoder, Surface, Target, Upstream, json};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};

/// The version of the API that is written and read here, as its header says it. A later one refuses a temperature.
pub(crate) const VERSION: &str = "2023-06-01";

/// The Messages API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anthropic;

impl Surface for Anthropic {
    /// The same body is read for [`Operation::CountTokens`], where it only says less.
    fn decode_request(
        &self,
        _operation: Operation,
        _path: &str,
        body: &[u8],
    ) -> Result<CompletionRequest, DecodeError> {
        // Whoever answers in another protocol is not Anthropic's own.
        match steady::steady_prompt(body) {
            Some(steady) => request::decode::decode(&steady),
            None => request::decode::decode(body),
        }
    }

    fn encode_completion(&self, _operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
        answer::encode(request, completion)
    }

    fn encoder(&self, _operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder> {
        Box::new(stream::encode::Encoder::new(request))
    }

    fn encode_count(&self, tokens: u32) -> Bytes {
        json::body(&serde_json::json!({"input_tokens": tokens}))
    }
}

impl Upstream for Anthropic {
    fn path(&self, operation: Operation, _model: &str, _stream: bool) -> Option<String> {
        super::Protocol::Anthropic.path(operation).map(str::to_owned)
    }

    fn encode_request(&self, request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
        request::encode::encode(request, target)
    }

    fn encode_counting(&self, request: &CompletionRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(request::encode::encode(request, target).map(|whole| count::request(&whole)))
    }

    fn decode_count(&self, body: &[u8]) -> Option<u32> {
        count::read(body)
    }

    fn decode_completion(&self, body: &[u8]) -> Result<Completion, DecodeError> {
        answer::decode(body)
    }

    fn decoder(&self) -> Box<dyn DeltaDecoder> {
        Box::new(stream::decode::Decoder::default())
    }
}

#[cfg(test)]
mod tests;
