//! The `message_start` that a runtime left out.
//!
//! llama.cpp writes it with the first token, and holds a first token that is half a character back: the stream then begins
//! with its first block, which Anthropic's SDKs refuse. Looks at a forwarded stream's first bytes and reads none of it.

use bytes::Bytes;

use super::super::answer::{MessageOut, UsageOut};
use super::encode::Event;
use crate::completion::Usage;
use crate::protocol::codec::ids;

/// What must stand before a stream's first bytes; `None` where nothing is missing.
pub(crate) fn missing(first: &[u8], model: &str) -> Option<Bytes> {
    if !first.starts_with(b"event: content_block_start") {
        return None;
    }
    let message = MessageOut {
        id: &ids::made_up("msg_", &[model, &String::from_utf8_lossy(first)]),
        kind: "message",
        role: "assistant",
        model,
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage: UsageOut::from(Usage::default()),
    };
    let mut out = Vec::new();
    Event::MessageStart { message }.write(&mut out);
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, expected: bool) {
        let event = missing(first.as_bytes(), "m");
        let starts =
            event.is_some_and(|event| event.starts_with(b"event: message_start\ndata: {") && event.ends_with(b"\n\n"));
        assert_eq!(starts, expected, "{first}");
    }

    #[test]
    fn a_block_without_a_message_gets_one() {
        check("event: content_block_start\ndata: {}\n\n", true);
        check("event: message_start\ndata: {}\n\n", false);
        check("event: error\ndata: {}\n\n", false);
        check(": waiting\n\n", false);
    }
}
