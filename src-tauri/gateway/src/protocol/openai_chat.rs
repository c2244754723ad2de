//! OpenAI's chat completions, with the older text completions and embeddings beside them.
//!
//! As a surface it reads what tools send and writes what they expect; as an upstream it speaks to OpenAI and to the many
//! servers that took its format over, each with habits of its own (`quirks`). A text completion becomes one user turn: an
//! upstream is always asked for a chat. Documents are put in
//! order in Cohere's shape (`rerank`). Pictures and speech are read and written for clients alone, as those who draw or speak
//! in this protocol are forwarded to; what is heard (`/v1/audio/transcriptions`) is never translated.

mod embeddings;
mod pictures;
mod quirks;
mod read_answer;
mod read_messages;
mod read_request;
pub(super) mod rerank;
mod speech;
mod text_completion;
mod usage;
mod write_answer;
mod write_messages;
mod write_request;
mod write_stream;

use bytes::Bytes;

use super::codec::frames::Framing;
use super::codec::{DeltaDecoder, DeltaEncoder, Surface, Target, Upstream};
use super::{Operation, Protocol};
use crate::completion::{Completion, CompletionRequest, DecodeError, Encoded};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::picture::{PictureRequest, Pictures};
use crate::rerank::{Ranking, RerankRequest};
use crate::speech::{Speech, SpeechRequest};

/// The protocol, on both sides.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiChat;

impl Surface for OpenAiChat {
    fn decode_request(&self, operation: Operation, _path: &str, body: &[u8]) -> Result<CompletionRequest, DecodeError> {
        match operation {
            Operation::Completion => text_completion::read(body),
            _ => read_request::chat(body),
        }
    }

    fn encode_completion(&self, operation: Operation, request: &CompletionRequest, completion: &Completion) -> Bytes {
        match operation {
            Operation::Completion => text_completion::whole(request, completion),
            _ => write_answer::whole(request, completion),
        }
    }

    fn encoder(&self, operation: Operation, request: &CompletionRequest) -> Box<dyn DeltaEncoder> {
        match operation {
            Operation::Completion => Box::new(text_completion::Encoder::new(request)),
            _ => Box::new(write_stream::Encoder::new(request)),
        }
    }

    fn decode_embedding(
        &self,
        _operation: Operation,
        _path: &str,
        body: &[u8],
    ) -> Result<EmbeddingRequest, DecodeError> {
        embeddings::read_request(body)
    }

    fn encode_embeddings(&self, _operation: Operation, request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
        embeddings::write(request, embeddings)
    }

    fn decode_rerank(&self, body: &[u8]) -> Result<RerankRequest, DecodeError> {
        rerank::read_request(body)
    }

    fn encode_ranking(&self, request: &RerankRequest, ranking: &Ranking) -> Bytes {
        rerank::write(request, ranking)
    }

    fn decode_picture(&self, operation: Operation, body: &[u8]) -> Result<PictureRequest, DecodeError> {
        if operation == Operation::ImageEdit { pictures::read_edit(body) } else { pictures::read_request(body) }
    }

    fn encode_pictures(&self, request: &PictureRequest, pictures: &Pictures, created: u64) -> Bytes {
        pictures::write(request, pictures, created)
    }

    fn decode_speech(&self, body: &[u8]) -> Result<SpeechRequest, DecodeError> {
        speech::read_request(body)
    }

    fn encode_speech(&self, request: &SpeechRequest, speech: &Speech) -> (&'static str, Bytes) {
        speech::write(request, speech)
    }

    /// The protocol has no such operation; this is the Responses API's shape.
    fn encode_count(&self, tokens: u32) -> Bytes {
        Bytes::from(serde_json::json!({"object": "response.input_tokens", "input_tokens": tokens}).to_string())
    }
}

impl Upstream for OpenAiChat {
    /// A text completion goes where chats go, because that is what [`Upstream::encode_request`] writes.
    fn path(&self, operation: Operation, _model: &str, _stream: bool) -> Option<String> {
        Protocol::OpenAiChat.path(operation.as_written()).map(str::to_owned)
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

    fn encode_rerank(&self, request: &RerankRequest, target: &Target) -> Option<Result<Encoded, DecodeError>> {
        Some(Ok(rerank::write_request(request, target)))
    }

    fn decode_ranking(&self, body: &[u8]) -> Result<Ranking, DecodeError> {
        rerank::read(body)
    }
}

/// How this protocol's streams are framed.
const FRAMING: Framing = Framing::Sse;

#[cfg(test)]
mod tests;
