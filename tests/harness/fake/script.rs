//! An answer step by step, faults included.

use std::io::Write as _;

use bytes::Bytes;
use serde_json::Value;

/// How an answer says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length.
    Length,
    /// By a length that is not its own.
    Claimed(usize),
    /// In chunks.
    Chunked,
    /// By closing the connection.
    Close,
}

/// What an answer does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends a piece of the body.
    Send(Bytes),
    /// Waits until the test says go.
    Gate,
    /// Sends a piece again and again, up to so many bytes in all.
    Forever(Bytes, u64),
    /// Does nothing until the peer leaves.
    Hang,
    /// Closes the connection with no word more.
    Cut,
    /// Resets the connection.
    Reset,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
    /// Whether a head is sent at all.
    pub(super) head: bool,
}

impl Script {
    fn new(status: u16, content_type: &str, framing: Framing) -> Script {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Script { status, headers, framing, steps: Vec::new(), head: true }
    }

    /// A whole answer with a length.
    pub(crate) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Script {
        Script::new(status, content_type, Framing::Length).send(body)
    }

    /// A whole JSON answer.
    pub(crate) fn json(body: &Value) -> Script {
        Script::whole(200, "application/json", body.to_string())
    }

    /// A JSON answer that is no success.
    pub(crate) fn fault(status: u16, body: &Value) -> Script {
        Script::whole(status, "application/json", body.to_string())
    }

    /// A plain answer.
    pub(crate) fn text(status: u16, body: &str) -> Script {
        Script::whole(status, "text/plain; charset=utf-8", body.to_owned())
    }

    /// An event stream, in chunks, with these steps to come.
    pub(crate) fn events() -> Script {
        Script::new(200, "text/event-stream", Framing::Chunked)
    }

    /// A stream of JSON lines, in chunks, with these steps to come.
    pub(crate) fn lines() -> Script {
        Script::new(200, "application/x-ndjson", Framing::Chunked)
    }

    /// An answer in chunks.
    pub(crate) fn chunked(status: u16, content_type: &str) -> Script {
        Script::new(status, content_type, Framing::Chunked)
    }

    /// An answer that ends when the connection closes.
    pub(crate) fn until_close(status: u16, content_type: &str) -> Script {
        Script::new(status, content_type, Framing::Close)
    }

    /// An answer that claims this length.
    pub(crate) fn claiming(length: usize, content_type: &str) -> Script {
        Script::new(200, content_type, Framing::Claimed(length))
    }

    /// No answer: the connection is closed after the request was read.
    pub(crate) fn closes() -> Script {
        let mut script = Script::new(200, "text/plain", Framing::Close).cut();
        script.head = false;
        script
    }

    /// No answer, and the connection stays open.
    pub(crate) fn hangs() -> Script {
        let mut script = Script::new(200, "text/plain", Framing::Close).hang();
        script.head = false;
        script
    }

    /// A redirect to there.
    pub(crate) fn redirect(status: u16, location: &str) -> Script {
        Script::text(status, "moved").header("Location", location)
    }

    /// A JSON body of nothing but zeros when unpacked, of so many MiB, packed in layers that a client unpacks in one go.
    pub(crate) fn gzip_bomb(mebibytes: usize) -> Script {
        Script::whole(200, "application/json", gzip_zeros(mebibytes)).header("Content-Encoding", "gzip")
    }

    /// Another status.
    pub(crate) fn status(mut self, status: u16) -> Script {
        self.status = status;
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Script {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a piece of the body.
    pub(crate) fn send(mut self, piece: impl Into<Bytes>) -> Script {
        self.steps.push(Step::Send(piece.into()));
        self
    }

    /// Sends one event of an event stream.
    pub(crate) fn event(self, data: &Value) -> Script {
        self.send(format!("data: {data}\n\n"))
    }

    /// Sends one named event of an event stream.
    pub(crate) fn named(self, event: &str, data: &Value) -> Script {
        self.send(format!("event: {event}\ndata: {data}\n\n"))
    }

    /// Sends one JSON line.
    pub(crate) fn line(self, data: &Value) -> Script {
        self.send(format!("{data}\n"))
    }

    /// Ends an event stream as OpenAI does.
    pub(crate) fn done(self) -> Script {
        self.send("data: [DONE]\n\n")
    }

    /// Waits until the test says go.
    pub(crate) fn gate(mut self) -> Script {
        self.steps.push(Step::Gate);
        self
    }

    /// Sends a piece again and again, up to so many bytes in all.
    pub(crate) fn forever(mut self, piece: impl Into<Bytes>, most: u64) -> Script {
        self.steps.push(Step::Forever(piece.into(), most));
        self
    }

    /// Does nothing more until the peer leaves.
    pub(crate) fn hang(mut self) -> Script {
        self.steps.push(Step::Hang);
        self
    }

    /// Closes the connection before the answer's proper end.
    pub(crate) fn cut(mut self) -> Script {
        self.steps.push(Step::Cut);
        self
    }

    /// Resets the connection before the answer's proper end.
    pub(crate) fn reset(mut self) -> Script {
        self.steps.push(Step::Reset);
        self
    }

    /// The same with other words in its body.
    pub(crate) fn replaced(mut self, from: &str, to: &str) -> Script {
        for step in &mut self.steps {
            if let Step::Send(piece) = step {
                *piece = String::from_utf8_lossy(piece).replace(from, to).into();
            }
        }
        self
    }

    pub(super) fn render_head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        let _ = write!(head, "HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = match self.framing {
            Framing::Length => {
                let length: usize = self.steps.iter().map(Step::length).sum();
                write!(head, "Content-Length: {length}\r\n")
            }
            Framing::Claimed(length) => write!(head, "Content-Length: {length}\r\n"),
            Framing::Chunked => write!(head, "Transfer-Encoding: chunked\r\n"),
            Framing::Close => write!(head, "Connection: close\r\n"),
        };
        head.extend_from_slice(b"\r\n");
        head
    }
}

impl Step {
    fn length(&self) -> usize {
        match self {
            Step::Send(piece) => piece.len(),
            Step::Gate | Step::Forever(..) | Step::Hang | Step::Cut | Step::Reset => 0,
        }
    }
}

/// Zeros as gzip: deflate blocks of repeated matches, written by hand since no crate at hand packs.
///
/// A fixed-Huffman block: the literal 0, then matches of length 258 at distance 1. Length 258 is code 285, eight bits
/// `11000101`; distance 1 is code 0, five bits `00000`: 13 bits for 258 bytes, about 1 : 159.
fn gzip_zeros(mebibytes: usize) -> Bytes {
    let matches = mebibytes * 1024 * 1024 / 258;
    let mut bits = Bits::default();
    bits.push(&[true]); // the last block
    bits.push(&[true, false]); // fixed Huffman codes
    bits.push(&[false, false, true, true, false, false, false, false]); // literal 0
    for _ in 0..matches {
        bits.push(&[true, true, false, false, false, true, false, true]);
        bits.push(&[false; 5]);
    }
    bits.push(&[false; 7]); // the block's end
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.extend(bits.bytes);
    // A wrong checksum: whoever reads that far has unpacked it all.
    packed.extend([0; 8]);
    packed.into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: &[bool]) {
        for bit in bits {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(*bit) << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }
}
