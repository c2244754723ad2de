//! Amazon's event streams: binary frames with a checksum of their head and one of the whole.
//!
//! The frames are read by Amazon's own crate. Here they become what other streams' frames are: a name and data. A stream
//! that is damaged or cut within a frame ends in a frame that says so, and nothing behind it is read.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::BytesMut;
use serde_json::json;

use super::Frame;

/// Cuts an event stream.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    decoder: MessageFrameDecoder,
    /// Whether a part of a frame came.
    within: bool,
    damaged: bool,
}

impl EventStream {
    /// Takes whole frames off the buffer.
    pub(super) fn cut(&mut self, buffer: &mut BytesMut, each: &mut impl FnMut(&Frame)) {
        while !self.damaged && !buffer.is_empty() {
            match self.decoder.decode_frame(&mut *buffer) {
                Ok(DecodedFrame::Complete(message)) => {
                    self.within = false;
                    each(&frame(&message));
                }
                Ok(DecodedFrame::Incomplete) => {
                    self.within = true;
                    return;
                }
                Err(error) => {
                    self.damaged = true;
                    each(&fault(&format!("the model's stream is damaged: {error}")));
                }
            }
        }
        buffer.clear();
    }

    /// The bytes are over.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(&Frame)) {
        if std::mem::take(&mut self.within) && !self.damaged {
            each(&fault("the model's stream was cut within a frame"));
        }
    }
}

fn frame(message: &Message) -> Frame {
    let said = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name);
        match header.map(|header| header.value()) {
            Some(HeaderValue::String(value)) => value.as_str(),
            Some(_) | None => "",
        }
    };
    let data = || message.payload().to_vec();
    match said(":message-type") {
        "exception" => Frame { event: said(":exception-type").to_owned(), data: data(), fault: true },
        "error" => {
            let data = json!({"message": said(":error-message")}).to_string().into_bytes();
            Frame { event: said(":error-code").to_owned(), data, fault: true }
        }
        _ => Frame { event: said(":event-type").to_owned(), data: data(), fault: false },
    }
}

fn fault(message: &str) -> Frame {
    Frame { event: String::new(), data: json!({ "message": message }).to_string().into_bytes(), fault: true }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Framer, Framing};
    use super::*;
    use crate::protocol::codec::testing;

    /// An event of a text's piece, made by hand from Amazon's description of the format.
    const GOLDEN: &str = "0000009400000057b4ab9aee0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a\
        636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2263\
        6f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869227d7d1f944657";

    fn golden() -> Vec<u8> {
        let digits: Vec<u8> = GOLDEN.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// Frames as `name data`, a fault as `!name data`.
    fn frames(pieces: &[&[u8]]) -> Vec<String> {
        let mut seen = Vec::new();
        let mut framer = Framer::new(Framing::EventStream);
        let mut each = |frame: &Frame| {
            let mark = if frame.fault { "!" } else { "" };
            seen.push(format!("{mark}{} {}", frame.event, String::from_utf8_lossy(&frame.data)));
        };
        for piece in pieces {
            framer.push(piece, &mut each).unwrap();
        }
        framer.finish(&mut each);
        seen
    }

    fn check(bytes: &[u8], expected: &[&str]) {
        assert_eq!(frames(&[bytes]), expected);
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(frames(&each), expected, "byte by byte");
    }

    #[test]
    fn whole_frames() {
        let said = r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hi"}}"#;
        check(&[], &[]);
        check(&golden(), &[said]);
        check(&golden().repeat(2), &[said, said]);
        let told = testing::event_frame("exception", "throttlingException", r#"{"message":"slow down"}"#);
        check(&told, &[r#"!throttlingException {"message":"slow down"}"#]);
        let told = testing::event_frame("error", "InternalError", "no");
        check(&told, &[r#"!InternalError {"message":"no"}"#]);
    }

    #[test]
    fn a_damaged_or_cut_stream_says_so() {
        let said = r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hi"}}"#;
        let whole = golden();
        for at in 0..whole.len() {
            let mut cut = whole.clone();
            cut.extend_from_slice(&whole[..at]);
            let frames = frames(&[&cut]);
            assert_eq!(frames[0], said);
            assert_eq!(frames[1..].iter().any(|frame| frame.starts_with('!')), at > 0, "cut at {at}: {frames:?}");
        }
        for at in 0..whole.len() {
            let mut hit = whole.clone();
            hit[at] ^= 1;
            hit.extend_from_slice(&whole);
            let frames = frames(&[&hit]);
            let [only] = frames.as_slice() else { panic!("nothing is read behind it: {frames:?}") };
            assert!(only.starts_with("! {\"message\":\"the model's stream "), "byte {at}: {only}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            noise in proptest::collection::vec(any::<u8>(), 0..40),
            whole in 0..3usize,
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)
        ) {
            let bytes = [golden().repeat(whole), noise].concat();
            prop_assert_eq!(frames(&testing::cut(&bytes, &cuts)), frames(&[&bytes]));
        }
    }
}
