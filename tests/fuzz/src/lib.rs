//! What the fuzz targets share: choices made by the input's first signs, bytes in pieces, and what must be JSON.
//!
//! A target reads a few signs from the front of its input, each a choice (`0` the first, `1` the second, ...), and takes
//! the rest as the bytes that somebody sent. So a fixture with signs before it is a seed, and a crash can be read.

use std::borrow::Cow;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
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

/// Takes three signs off the input.
pub fn cuts(input: &mut &[u8]) -> [u8; 3] {
    std::array::from_fn(|_| sign(input))
}

/// Cuts bytes at the places that three signs mean.
pub fn pieces(signs: [u8; 3], bytes: &[u8]) -> Vec<&[u8]> {
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
    Protocol::SURFACES.iter().filter_map(|protocol| Some((*protocol, surface(*protocol)?)))
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
        of("amazon.nova-2-lite-v1:0", ""),
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

/// A stream of Amazon's frames: bytes that begin as such are taken as they are, else each line is the name of an event and
/// its data, since no chance finds a checksum.
pub fn framed(framing: Framing, input: &[u8]) -> Cow<'_, [u8]> {
    if framing != Framing::EventStream || input.first().is_none_or(|first| *first == 0) {
        return Cow::Borrowed(input);
    }
    let mut bytes = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let (name, data) = line.split_once(' ').unwrap_or((&line, ""));
        let (kind, head) =
            if name.ends_with("Exception") { ("exception", ":exception-type") } else { ("event", ":event-type") };
        let header = |name: &'static str, value: String| Header::new(name, HeaderValue::String(value.into()));
        let message = Message::new(Bytes::copy_from_slice(data.as_bytes()))
            .add_header(header(":message-type", kind.into()))
            .add_header(header(head, name.into()));
        // A name that is too long for a header is no event.
        let _ = write_message_to(&message, &mut bytes);
    }
    Cow::Owned(bytes)
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
