//! The load: connections that each ask again as soon as they are answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::process::monotonic;
use crate::surface::Surface;
use crate::upstream::{STAMP, WORD};

/// One kept connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, host: address.to_string() })
    }

    /// The answer to a GET, whatever its status, as text.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<String> {
        let response = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&response.into_body().collect().await?.to_bytes()).into_owned())
    }

    /// Sends a POST and returns once the head of a successful answer is here.
    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> anyhow::Result<Response<Incoming>> {
        let response = self.send(Method::POST, path, body).await?;
        if !response.status().is_success() {
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            bail!("{path} was answered with {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(response)
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// What is asked, and in which API.
#[derive(Clone)]
pub(crate) struct Question {
    /// The API.
    pub(crate) surface: Surface,
    /// The request's body.
    pub(crate) body: Bytes,
}

/// What is counted and timed.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// Whole requests.
    Request,
    /// Streams, each timed up to its first byte.
    FirstByte,
    /// Events of streams, each timed from its making to its arrival.
    Chunk,
    /// The same, only counted: as fast as they go, an event's age tells how long the queues are.
    Burst,
}

/// What one connection, or all of them, saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// How many units.
    pub(crate) units: usize,
    /// How long each took, or a sample of them.
    pub(crate) times: Vec<Duration>,
}

/// Connections to one leg.
pub(crate) struct Pool {
    connections: Vec<Connection>,
}

impl Pool {
    /// Opens `size` connections.
    pub(crate) async fn open(address: SocketAddr, size: usize) -> anyhow::Result<Pool> {
        let mut connections = Vec::new();
        for _ in 0..size {
            connections.push(Connection::open(address).await?);
        }
        Ok(Pool { connections })
    }

    /// Every connection asks with `body` until the window is over, and ends what it has begun.
    pub(crate) async fn ask(&mut self, question: &Question, unit: Unit, window: Duration) -> anyhow::Result<Seen> {
        let end = Instant::now() + window;
        let mut asking = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let question = question.clone();
            asking.spawn(async move {
                let mut seen = Seen::default();
                while Instant::now() < end {
                    exchange(&mut connection, &question, unit, &mut seen).await?;
                }
                anyhow::Ok((connection, seen))
            });
        }
        let mut all = Seen::default();
        while let Some(asked) = asking.join_next().await {
            let (connection, mut seen) = asked??;
            self.connections.push(connection);
            all.units += seen.units;
            all.times.append(&mut seen.times);
        }
        Ok(all)
    }
}

async fn exchange(connection: &mut Connection, question: &Question, unit: Unit, seen: &mut Seen) -> anyhow::Result<()> {
    let Question { surface, body } = question;
    let stream = !matches!(unit, Unit::Request);
    let asked = Instant::now();
    let response = connection.post(surface.path(stream), body.clone()).await?;
    match unit {
        Unit::Request => {
            let answer = response.into_body().collect().await?.to_bytes();
            seen.times.push(asked.elapsed());
            seen.units += 1;
            check_whole(*surface, &answer, stream)?;
        }
        Unit::FirstByte => {
            let mut events = response.into_body();
            let mut text = next_data(&mut events).await?.context("an empty stream")?.to_vec();
            seen.times.push(asked.elapsed());
            seen.units += 1;
            while let Some(data) = next_data(&mut events).await? {
                text.extend_from_slice(&data);
            }
            check_whole(*surface, &text, stream)?;
        }
        Unit::Chunk | Unit::Burst => {
            let mut events = response.into_body();
            let mut text = Vec::new();
            while let Some(data) = next_data(&mut events).await? {
                seen.times.extend(age(&data));
                text.extend_from_slice(&data);
            }
            check_whole(*surface, &text, stream)?;
            seen.units += memmem::find_iter(&text, WORD).count();
        }
    }
    Ok(())
}

/// The next piece of a body, `None` at its end.
pub(crate) async fn next_data(body: &mut Incoming) -> anyhow::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Fails if an answer did not come to its end.
pub(crate) fn check_whole(surface: Surface, text: &[u8], stream: bool) -> anyhow::Result<()> {
    if !surface.is_whole(text, stream) {
        let tail = &text[text.len().saturating_sub(300)..];
        bail!("an answer was cut after {} bytes: {}", text.len(), String::from_utf8_lossy(tail));
    }
    Ok(())
}

/// How long ago the first event in `data` was made; `None` where a piece begins or ends within its stamp.
fn age(data: &[u8]) -> Option<Duration> {
    let after = &data[memmem::find(data, STAMP)? + STAMP.len()..];
    let digits = &after[..after.iter().position(|byte| *byte == b'"')?];
    let made = Duration::from_nanos(std::str::from_utf8(digits).ok()?.parse().ok()?);
    monotonic().checked_sub(made)
}
