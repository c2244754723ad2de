//! What the fuzz targets share: choices made by the input's first signs, bytes in pieces, and what must be JSON.
//!
//! A target reads a few signs from the front of its input, each a choice (`0` the first, `1` the second, ...), and takes
//! the rest as the bytes that somebody sent. So a fixture with signs before it is a seed, and a crash can be read.

use bytes::Bytes;
use pointsman_gateway::completion::{CompletionRequest, Delta};
use pointsman_gateway::protocol::codec::frames::{Frame, Framer, Framing};
use pointsman_gateway::protocol::codec::{DeltaDecoder, Surface, Target, Upstream, surface, upstream};
use pointsman_gateway::protocol::{Operation, Protocol};
use serde_json::Value;

/// Takes a sign off the input and chooses by it.
pub fn choose<'c, T>(input: &mut &[u8], among: &'c [T]) -> &'c T {
    &among[usize::from(sign(input).wrapping_sub(b'0')) % among.len()]
}

/// Takes a sign off the input; `0` where there is none.
pub fn sign(input: &mut &[u8]) -> u8 {
    match input.split_first() {
        Some((sign, rest)) => {
            *input = rest;
            *sign
        }
        None => b'0',
    }
}

/// Takes three signs off the input and cuts the rest at the places that they mean.
pub fn pieces<'i>(input: &mut &'i [u8]) -> Vec<&'i [u8]> {
    let signs: [u8; 3] = std::array::from_fn(|_| sign(input));
    let bytes: &'i [u8] = input;
    if signs[0] == signs[1] && signs[1] == signs[2] {
        return bytes.chunks(1).collect();
    }
    let mut at: Vec<usize> = signs.iter().map(|sign| usize::from(*sign) * bytes.len() / 255).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// Every protocol's codec towards clients.
pub fn surfaces() -> impl Iterator<Item = (Protocol, &'static dyn Surface)> {
    Protocol::ALL.iter().map(|protocol| (*protocol, surface(*protocol)))
}

/// Every protocol's codec towards endpoints.
pub fn upstreams() -> impl Iterator<Item = (Protocol, &'static dyn Upstream)> {
    Protocol::ALL.iter().map(|protocol| (*protocol, upstream(*protocol)))
}

/// Endpoints whose quirks the encoders know.
pub fn targets() -> Vec<Target> {
    let of = |model: &str, runtime: &str| Target { model: model.into(), runtime: runtime.into(), ..Target::default() };
    let bare = Target { tools: Some(false), vision: Some(false), reasoning: Some(false), ..of("m", "llamacpp") };
    let small = Target { context: Some(2048), max_output: Some(64), reasoning: Some(true), ..of("m", "ollama") };
    vec![
        of("m", ""),
        bare,
        small,
        of("m", "vllm"),
        of("m", "lmstudio"),
        of("gpt-5", ""),
        of("claude-opus-4-5", ""),
        of("gemini-3-pro", ""),
    ]
}

/// A request of the kinds that an answer's form hangs on.
pub fn request(input: &mut &[u8]) -> CompletionRequest {
    let stream = *choose(input, &[true, false]);
    CompletionRequest { stream, stream_usage: stream, choices: Some(2), ..CompletionRequest::default() }
}

/// Operations that are a conversation.
pub const CHATS: [Operation; 2] = [Operation::Chat, Operation::Completion];
/// Operations that are vectors.
pub const VECTORS: [Operation; 2] = [Operation::Embeddings, Operation::SingleEmbedding];

/// Cuts a stream that comes in these pieces into frames.
pub fn frames(framing: Framing, pieces: &[&[u8]]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut framer = Framer::new(framing);
    for piece in pieces {
        framer.push(piece, |frame| frames.push(frame.clone())).expect("no input is as long as the longest frame");
    }
    framer.finish(|frame| frames.push(frame.clone()));
    frames
}

/// Reads a stream that comes in these pieces.
pub fn deltas(mut decoder: Box<dyn DeltaDecoder>, pieces: &[&[u8]]) -> Vec<Delta> {
    let mut deltas = Vec::new();
    for frame in frames(decoder.framing(), pieces) {
        decoder.decode(&frame, &mut deltas);
    }
    decoder.finish(&mut deltas);
    deltas
}

/// Whether a stream told a failure.
pub fn failed(deltas: &[Delta]) -> bool {
    deltas.iter().any(|delta| matches!(delta, Delta::Failed { .. }))
}

/// JSON as a reader sees it that knows nothing else.
pub fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// What we write ourselves must be JSON.
pub fn must_be_json(bytes: &Bytes, what: &str, protocol: Protocol) {
    assert!(json(bytes).is_some(), "{what} for {protocol:?} is JSON: {:?}", String::from_utf8_lossy(bytes));
}
