//! One connection of a scripted upstream: requests in, scripts out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::script::{Framing, Step};
use super::{Recorded, Script, Shared};

/// How long a write may wait until the peer counts as one that does not read.
const STALLED: Duration = Duration::from_millis(700);

/// The largest request that is read.
const MOST: usize = 256 * 1024 * 1024;

/// How an answer ended.
#[derive(PartialEq, Eq)]
enum End {
    /// As it should; the connection goes on.
    Proper,
    /// The connection is to be closed.
    Closed,
    /// The peer has left.
    Left,
}

/// Answers requests until either side closes.
pub(super) async fn run(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (input, output) = stream.into_split();
    let mut connection = Connection { input, output, buffer: BytesMut::new(), shared };
    while let Some(request) = connection.request().await {
        let shared = Arc::clone(&connection.shared);
        let script = shared.answer(&request);
        shared.log.requested(request);
        match connection.play(script).await {
            End::Proper => {}
            End::Closed => return,
            End::Left => return shared.log.left(),
        }
    }
}

struct Connection {
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    buffer: BytesMut,
    shared: Arc<Shared>,
}

impl Connection {
    async fn more(&mut self) -> bool {
        self.buffer.len() < MOST && self.input.read_buf(&mut self.buffer).await.is_ok_and(|read| read > 0)
    }

    async fn request(&mut self) -> Option<Recorded> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer.split_to(end)).into_owned();
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut request = Recorded { method, target, headers, body: Bytes::new() };
        if request.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            request.body = self.chunks().await?;
        } else {
            let length = request.header("content-length").parse().unwrap_or(0);
            while self.buffer.len() < length {
                if !self.more().await {
                    return None;
                }
            }
            request.body = self.buffer.split_to(length).freeze();
        }
        Some(request)
    }

    async fn chunks(&mut self) -> Option<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                    break at + 2;
                }
                if !self.more().await {
                    return None;
                }
            };
            let line = String::from_utf8_lossy(&self.buffer.split_to(end)).into_owned();
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            while self.buffer.len() < size + 2 {
                if !self.more().await {
                    return None;
                }
            }
            body.extend_from_slice(&self.buffer.split_to(size));
            let _ = self.buffer.split_to(2);
            if size == 0 {
                return Some(body.freeze());
            }
        }
    }

    async fn play(&mut self, script: Script) -> End {
        let chunked = script.framing == Framing::Chunked;
        if script.head && !self.write(&script.render_head()).await {
            return End::Left;
        }
        for step in script.steps {
            match step {
                Step::Send(piece) => {
                    if !self.write(&framed(&piece, chunked)).await {
                        return End::Left;
                    }
                }
                Step::Gate => {
                    let shared = Arc::clone(&self.shared);
                    tokio::select! {
                        permit = shared.gate.acquire() => permit.expect("the gate").forget(),
                        () = self.peer_leaves() => return End::Left,
                    }
                }
                Step::Forever(piece, most) => {
                    if !self.forever(&framed(&piece, chunked), most).await {
                        return End::Left;
                    }
                }
                Step::Hang => {
                    self.peer_leaves().await;
                    return End::Left;
                }
                Step::Cut => return End::Closed,
                Step::Reset => {
                    // With no time to linger, closing resets.
                    let _ = self.output.as_ref().set_zero_linger();
                    return End::Closed;
                }
            }
        }
        match script.framing {
            Framing::Length => End::Proper,
            Framing::Chunked if self.write(b"0\r\n\r\n").await => End::Proper,
            Framing::Chunked => End::Left,
            Framing::Claimed(_) | Framing::Close => {
                let _ = self.output.shutdown().await;
                End::Closed
            }
        }
    }

    /// Writes all of it; `false` when the peer has left.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let Connection { input, output, buffer, .. } = self;
        tokio::select! {
            written = output.write_all(bytes) => written.is_ok(),
            () = leaves(input, buffer) => false,
        }
    }

    async fn forever(&mut self, piece: &[u8], most: u64) -> bool {
        let shared = Arc::clone(&self.shared);
        while shared.log.sent.load(Ordering::Relaxed) < most {
            let Connection { input, output, buffer, .. } = self;
            let writing = async {
                let mut written = std::pin::pin!(output.write_all(piece));
                // A write that does not come through in this time is the event that a test of back-pressure waits for.
                match tokio::time::timeout(STALLED, &mut written).await {
                    Ok(done) => done,
                    Err(_) => {
                        shared.log.stalled(shared.log.sent.load(Ordering::Relaxed));
                        written.await
                    }
                }
            };
            let written = tokio::select! {
                written = writing => written.is_ok(),
                () = leaves(input, buffer) => false,
            };
            if !written {
                return false;
            }
            shared.log.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        // It came this far: nothing held it back.
        shared.log.stalled(u64::MAX);
        true
    }

    async fn peer_leaves(&mut self) {
        leaves(&mut self.input, &mut self.buffer).await;
    }
}

/// Waits until the peer has closed; what it sends meanwhile is kept.
async fn leaves(input: &mut OwnedReadHalf, buffer: &mut BytesMut) {
    while buffer.len() < MOST {
        match input.read_buf(buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn framed(piece: &Bytes, chunked: bool) -> Bytes {
    if !chunked || piece.is_empty() {
        return piece.clone();
    }
    let mut framed = BytesMut::from(format!("{:x}\r\n", piece.len()).as_bytes());
    framed.extend_from_slice(piece);
    framed.extend_from_slice(b"\r\n");
    framed.freeze()
}
