//! Bytes on a socket: what no well-behaved client would send, and exactly what came back.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within;

/// A connection without manners.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    /// The status, or 0 where the connection was closed without an answer.
    pub(crate) status: u16,
    /// Everything before the body.
    pub(crate) head: String,
    /// The body, without chunk marks.
    pub(crate) body: Bytes,
    /// Whether the body came to its proper end.
    pub(crate) complete: bool,
}

impl RawAnswer {
    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends these bytes to a port of this machine and reads one answer.
pub(crate) async fn raw(port: u16, request: impl AsRef<[u8]>) -> RawAnswer {
    let mut connection = Raw::connect(port).await;
    connection.send(request).await;
    connection.answer().await
}

impl Raw {
    /// Connects.
    pub(crate) async fn connect(port: u16) -> Raw {
        let stream = within("a connection", TcpStream::connect(("127.0.0.1", port))).await.expect("a listener");
        stream.set_nodelay(true).expect("a socket");
        Raw { stream, buffer: BytesMut::new() }
    }

    /// Sends these bytes. That the other side closed meanwhile is no fault: it may refuse after the first line.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within("bytes to be taken", self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Reads one answer.
    pub(crate) async fn answer(&mut self) -> RawAnswer {
        let Some(head) = self.until(b"\r\n\r\n").await else {
            return RawAnswer { status: 0, head: String::new(), body: Bytes::new(), complete: false };
        };
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut answer = RawAnswer { status, head, body: Bytes::new(), complete: true };
        let length = answer.header("content-length").parse::<usize>().ok();
        if answer.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            (answer.body, answer.complete) = self.chunks().await;
        } else if let Some(length) = length {
            while self.buffer.len() < length && self.more().await {}
            answer.complete = self.buffer.len() >= length;
            answer.body = self.buffer.split_to(length.min(self.buffer.len())).freeze();
        } else if status != 204 && status != 304 {
            while self.more().await {}
            answer.body = self.buffer.split().freeze();
        }
        answer
    }

    /// Waits until the other side has closed, and gives what it still sent.
    pub(crate) async fn closed(&mut self) -> Bytes {
        while self.more().await {}
        self.buffer.split().freeze()
    }

    /// Reads whatever comes next; `false` at the connection's end.
    pub(crate) async fn more(&mut self) -> bool {
        // A reset is an end too.
        within("bytes from the other side", self.stream.read_buf(&mut self.buffer)).await.is_ok_and(|read| read > 0)
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Bytes> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return Some(self.buffer.split_to(at + mark.len()).freeze());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn chunks(&mut self) -> (Bytes, bool) {
        let mut body = BytesMut::new();
        loop {
            let Some(line) = self.until(b"\r\n").await else {
                return (body.freeze(), false);
            };
            let line = String::from_utf8_lossy(&line);
            let size = line.trim().split(';').next().and_then(|size| usize::from_str_radix(size, 16).ok());
            let Some(size) = size else {
                return (body.freeze(), false);
            };
            while self.buffer.len() < size + 2 {
                if !self.more().await {
                    body.extend_from_slice(&self.buffer);
                    return (body.freeze(), false);
                }
            }
            body.extend_from_slice(&self.buffer.split_to(size));
            let _ = self.buffer.split_to(2);
            if size == 0 {
                return (body.freeze(), true);
            }
        }
    }
}
