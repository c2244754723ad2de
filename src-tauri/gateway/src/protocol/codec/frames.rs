//! Bytes of a stream to whole frames: server-sent events, JSON lines, Amazon's event streams (`eventstream`).
//!
//! Takes any split of the bytes and gives the same frames (a property test holds it to that). SSE as in the HTML
//! standard, section 9.2: LF, CRLF or CR end a line, comments are skipped, several `data:` lines are one text, and a last
//! event without its blank line still counts. A frame has a bound: a line of 200 MB is an attack, not an answer.

mod eventstream;

use bytes::{Buf, BytesMut};

use eventstream::EventStream;

/// The longest frame in bytes.
pub const LONGEST: usize = 16 << 20;

/// How a stream is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON value a line.
    Lines,
    /// Amazon's binary frames with checksums, `application/vnd.amazon.eventstream`.
    EventStream,
}

/// One event, or one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The event's name; empty if it has none, and for lines.
    pub event: String,
    /// Its data.
    pub data: Vec<u8>,
    /// Whether it is the last one and tells a failure: an exception in an event stream, or that its bytes are damaged.
    pub fault: bool,
}

/// A frame is longer than [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one event of the stream is longer than {LONGEST} bytes")]
pub struct TooLong;

/// Cuts bytes into frames.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no line end, so that a long line is searched once.
    searched: usize,
    frame: Frame,
    /// Whether `frame` has a `data:` line yet.
    filled: bool,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    binary: EventStream,
}

impl Framer {
    /// An empty one.
    pub fn new(framing: Framing) -> Framer {
        Framer {
            framing,
            buffer: BytesMut::new(),
            searched: 0,
            frame: Frame::default(),
            filled: false,
            after_cr: false,
            binary: EventStream::default(),
        }
    }

    /// Takes bytes; whole frames are given to `each`.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&Frame)) -> Result<(), TooLong> {
        self.buffer.extend_from_slice(bytes);
        if self.framing == Framing::EventStream {
            self.binary.cut(&mut self.buffer, &mut each);
            return if self.buffer.len() > LONGEST { Err(TooLong) } else { Ok(()) };
        }
        loop {
            if let Some(first) = self.buffer.first() {
                // Only the very next byte belongs to a CR: a second LF ends a line of its own.
                if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                    self.buffer.advance(1);
                    self.searched = self.searched.saturating_sub(1);
                }
            }
            let rest = &self.buffer[self.searched..];
            let found = match self.framing {
                Framing::Sse => memchr::memchr2(b'\n', b'\r', rest),
                Framing::Lines | Framing::EventStream => memchr::memchr(b'\n', rest),
            };
            let Some(at) = found.map(|at| at + self.searched) else {
                self.searched = self.buffer.len();
                break;
            };
            let line = self.buffer.split_to(at);
            self.after_cr = self.buffer.first() == Some(&b'\r');
            self.buffer.advance(1);
            self.searched = 0;
            self.line(&line, &mut each);
            if self.frame.data.len() > LONGEST {
                return Err(TooLong);
            }
        }
        if self.buffer.len() > LONGEST { Err(TooLong) } else { Ok(()) }
    }

    /// The bytes are over; a last frame that was not ended is given to `each`.
    pub fn finish(&mut self, mut each: impl FnMut(&Frame)) {
        if self.framing == Framing::EventStream {
            self.binary.finish(&mut each);
            return;
        }
        let line = self.buffer.split();
        if !line.is_empty() {
            self.line(&line, &mut each);
        }
        if self.framing == Framing::Sse {
            self.line(b"", &mut each);
        }
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(&Frame)) {
        match self.framing {
            Framing::Lines | Framing::EventStream => {
                let line = line.trim_ascii();
                if !line.is_empty() {
                    self.frame.data.clear();
                    self.frame.data.extend_from_slice(line);
                    each(&self.frame);
                    self.frame.data.clear();
                }
            }
            Framing::Sse if line.is_empty() => {
                if self.filled {
                    each(&self.frame);
                }
                self.filled = false;
                self.frame.event.clear();
                self.frame.data.clear();
            }
            Framing::Sse => self.field(line),
        }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &[][..]),
        };
        match name {
            b"data" => {
                if std::mem::replace(&mut self.filled, true) {
                    self.frame.data.push(b'\n');
                }
                self.frame.data.extend_from_slice(value);
            }
            b"event" => {
                self.frame.event.clear();
                self.frame.event.push_str(&String::from_utf8_lossy(value));
            }
            // Comments (an empty name), ids and retry times mean nothing here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(framing: Framing, pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        let mut framer = Framer::new(framing);
        let mut each =
            |frame: &Frame| seen.push((frame.event.clone(), String::from_utf8_lossy(&frame.data).into_owned()));
        for piece in pieces {
            framer.push(piece, &mut each).unwrap();
        }
        framer.finish(&mut each);
        seen
    }

    fn check(framing: Framing, text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(frames(framing, &[text.as_bytes()]), expected, "{text:?}");
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(frames(framing, &bytes), expected, "{text:?} byte by byte");
    }

    #[test]
    fn events() {
        let sse = Framing::Sse;
        check(sse, "", &[]);
        check(sse, "data: a\n\n", &[("", "a")]);
        check(sse, "data:a\r\n\r\ndata: b\r\rdata: c\n\n", &[("", "a"), ("", "b"), ("", "c")]);
        check(sse, ": ping\n\nevent: x\ndata: a\ndata: b\nid: 7\n\n", &[("x", "a\nb")]);
        check(sse, "event: only a name\n\ndata\n\n", &[("", "")]);
        check(sse, "data: no blank line", &[("", "no blank line")]);
        check(sse, "data:  two spaces\n\n", &[("", " two spaces")]);
        check(sse, "data: é😀\n\n", &[("", "é😀")]);
        check(sse, "data: a\r\n\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
    }

    #[test]
    fn lines() {
        check(
            Framing::Lines,
            "{\"a\":1}\n\r\n {\"b\":2} \r\n{\"c\":3}",
            &[("", "{\"a\":1}"), ("", "{\"b\":2}"), ("", "{\"c\":3}")],
        );
    }

    #[test]
    fn an_endless_line_ends() {
        let mut framer = Framer::new(Framing::Sse);
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..40).find_map(|_| framer.push(&piece, |_| ()).err());
        assert_eq!(refused, Some(TooLong));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(text in "(data: ?[a-zé]{0,5}|event: x|: c|id|\n|\r\n|\r){0,20}", cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            for framing in [Framing::Sse, Framing::Lines] {
                let bytes = text.as_bytes();
                let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
                at.sort_unstable();
                let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
                prop_assert_eq!(frames(framing, &pieces), frames(framing, &[bytes]));
            }
        }
    }
}
