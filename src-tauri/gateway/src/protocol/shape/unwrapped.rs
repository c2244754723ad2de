//! A stream that a cloud sends in frames of its own, as the stream that its protocol's maker sends.
//!
//! Amazon wraps each event of a model's stream into an event stream. Unwrapped they are server-sent events, so that nobody
//! behind this knows of it. A failure that a frame tells is the protocol's own error event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shape;
use crate::protocol::bedrock::Bedrock;
use crate::protocol::codec::Upstream as _;
use crate::protocol::codec::frames::{Frame, Framer, Framing, TooLong};
use crate::protocol::codec::json::event;

/// The content type of such a stream.
pub(crate) const WRAPPED: &str = "application/vnd.amazon.eventstream";

/// Unwraps one stream.
#[derive(Debug)]
pub(crate) struct Unwrapped {
    shape: Shape,
    framer: Framer,
    /// A container's bytes since the last end of a line: a frame may end anywhere.
    line: BytesMut,
}

/// What Bedrock puts around an event of a model's own.
#[derive(Deserialize)]
struct Chunk {
    bytes: String,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
}

impl Unwrapped {
    /// For streams of a shape; `None` where they are not wrapped.
    pub(crate) fn of(shape: Shape) -> Option<Unwrapped> {
        match shape {
            Shape::Vertex
            | Shape::VertexGemini
            | Shape::AzureDeployment
            | Shape::Watsonx
            | Shape::RankedList
            | Shape::Reranks
            | Shape::PairScores
            | Shape::Features => None,
            Shape::BedrockInvoke | Shape::Sagemaker => {
                Some(Unwrapped { shape, framer: Framer::new(Framing::EventStream), line: BytesMut::new() })
            }
        }
    }

    /// Takes bytes; gives what they hold, which may be nothing.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Bytes, TooLong> {
        let Unwrapped { shape, framer, line } = self;
        let mut out = Vec::new();
        framer.push(bytes, |frame| unwrap(*shape, frame, line, &mut out))?;
        Ok(out.into())
    }

    /// The bytes are over: what was held back.
    pub(crate) fn finish(&mut self) -> Bytes {
        let Unwrapped { shape, framer, line } = self;
        let mut out = Vec::new();
        framer.finish(|frame| unwrap(*shape, frame, line, &mut out));
        if !line.is_empty() {
            write_line(&line.split(), &mut out);
        }
        out.into()
    }
}

fn unwrap(shape: Shape, frame: &Frame, line: &mut BytesMut, out: &mut Vec<u8>) {
    match shape {
        Shape::BedrockInvoke if frame.fault => fault(shape, frame, out),
        Shape::BedrockInvoke => {
            let data = serde_json::from_slice::<Chunk>(&frame.data).ok();
            let Some(data) = data.and_then(|chunk| STANDARD.decode(chunk.bytes).ok()) else { return };
            let name = serde_json::from_slice::<Named<'_>>(&data).map(|named| named.kind.into_owned());
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.unwrap_or_default().as_bytes());
            out.extend_from_slice(b"\ndata: ");
            out.extend_from_slice(&data);
            out.extend_from_slice(b"\n\n");
        }
        Shape::Sagemaker
        | Shape::Vertex
        | Shape::VertexGemini
        | Shape::AzureDeployment
        | Shape::Watsonx
        | Shape::RankedList
        | Shape::Reranks
        | Shape::PairScores
        | Shape::Features
            if frame.fault =>
        {
            if !line.is_empty() {
                write_line(&line.split(), out);
            }
            fault(shape, frame, out);
        }
        Shape::Sagemaker
        | Shape::Vertex
        | Shape::VertexGemini
        | Shape::AzureDeployment
        | Shape::Watsonx
        | Shape::RankedList
        | Shape::Reranks
        | Shape::PairScores
        | Shape::Features => {
            line.extend_from_slice(&frame.data);
            while let Some(end) = memchr::memchr(b'\n', line) {
                write_line(&line.split_to(end + 1), out);
            }
        }
    }
}

/// A line of a container's stream. Some send bare JSON, a line each, in place of events.
fn write_line(line: &[u8], out: &mut Vec<u8>) {
    if line.first() == Some(&b'{') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.trim_ascii_end());
        out.extend_from_slice(b"\n\n");
    } else {
        out.extend_from_slice(line);
    }
}

/// A failure as the protocol tells one.
fn fault(shape: Shape, frame: &Frame, out: &mut Vec<u8>) {
    let told = Bedrock.decode_error(&frame.data);
    let message = if told.message.is_empty() { "the model's server failed without a reason" } else { &*told.message };
    let kind = match frame.event.as_str() {
        "throttlingException" => "rate_limit_error",
        "serviceUnavailableException" => "overloaded_error",
        "validationException" => "invalid_request_error",
        "modelTimeoutException" => "timeout_error",
        _ => "api_error",
    };
    match shape {
        Shape::BedrockInvoke | Shape::Vertex | Shape::VertexGemini => {
            event(out, "error", &json!({"type": "error", "error": {"type": kind, "message": message}}));
        }
        Shape::Sagemaker
        | Shape::AzureDeployment
        | Shape::Watsonx
        | Shape::RankedList
        | Shape::Reranks
        | Shape::PairScores
        | Shape::Features => {
            let code = Some(frame.event.as_str()).filter(|code| !code.is_empty()).map(Value::from);
            let error = json!({"error": {"message": message, "type": kind, "code": code}});
            // The last event may have been cut.
            out.extend_from_slice(format!("\n\ndata: {error}\n\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::codec::testing::event_frame;

    fn unwrapped(shape: Shape, bytes: &[u8], step: usize) -> String {
        let mut stream = Unwrapped::of(shape).unwrap();
        let mut out = Vec::new();
        for piece in bytes.chunks(step.max(1)) {
            out.extend_from_slice(&stream.push(piece).unwrap());
        }
        out.extend_from_slice(&stream.finish());
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(shape: Shape, frames: &[Vec<u8>], expected: &str) {
        let bytes = frames.concat();
        for step in [bytes.len(), 1, 7] {
            assert_eq!(unwrapped(shape, &bytes, step), expected, "in pieces of {step}");
        }
    }

    fn chunk(data: &str) -> Vec<u8> {
        event_frame("event", "chunk", &json!({"bytes": STANDARD.encode(data), "p": "abc"}).to_string())
    }

    #[test]
    fn claudes_events() {
        let start = chunk(r#"{"type":"message_start","message":{}}"#);
        let stop = chunk(r#"{"type":"message_stop"}"#);
        let started = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
        let stopped = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        check(Shape::BedrockInvoke, &[start.clone(), stop], &format!("{started}{stopped}"));
        let error = |kind: &str, message: &str| {
            let told = json!({"type": "error", "error": {"type": kind, "message": message}});
            format!("{started}event: error\ndata: {told}\n\n")
        };
        let slow = event_frame("exception", "throttlingException", r#"{"message":"slow"}"#);
        check(Shape::BedrockInvoke, &[start.clone(), slow], &error("rate_limit_error", "slow"));
        let cut = vec![start, vec![0, 0]];
        check(Shape::BedrockInvoke, &cut, &error("api_error", "the model's stream was cut within a frame"));
    }

    #[test]
    fn a_containers_lines() {
        let part = |text: &str| event_frame("event", "PayloadPart", text);
        let events = [part("data: {\"a\":"), part("1}\n\ndata: [DO"), part("NE]\n\n")];
        check(Shape::Sagemaker, &events, "data: {\"a\":1}\n\ndata: [DONE]\n\n");
        let lines = [part("{\"a\":1}\n{\"b\""), part(":2}")];
        check(Shape::Sagemaker, &lines, "data: {\"a\":1}\n\ndata: {\"b\":2}\n\n");
        let failed = event_frame("exception", "ModelStreamError", r#"{"Message":"CUDA","ErrorCode":"X"}"#);
        let told = r#"{"error":{"message":"CUDA","type":"api_error","code":"ModelStreamError"}}"#;
        check(Shape::Sagemaker, &[part("data: {\"a\""), failed], &format!("data: {{\"a\"\n\ndata: {told}\n\n"));
    }
}
