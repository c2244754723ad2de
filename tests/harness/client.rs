//! A small HTTP client: one connection a request, bodies as they come.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{STEP, within, within_time};

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str) -> Ask {
        Ask { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A GET request.
    pub(crate) fn get(path: &str) -> Ask {
        Ask::new("GET", path)
    }

    /// A POST request with a JSON body.
    pub(crate) fn post(path: &str, body: &Value) -> Ask {
        Ask::new("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    /// A POST request with exactly this body, said to be JSON.
    pub(crate) fn post_bytes(path: &str, body: impl Into<Bytes>) -> Ask {
        Ask::new("POST", path).header("content-type", "application/json").body(body)
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A client key as a bearer token.
    pub(crate) fn bearer(self, key: &str) -> Ask {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Another body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Ask {
        self.body = body.into();
        self
    }

    /// Sends it to a gateway on this port, and waits for the answer's head.
    pub(crate) async fn send(self, port: u16) -> Answer {
        let what = format!("the answer to {} {}", self.method, self.path);
        within(&what, self.send_now(port)).await
    }

    /// The same where a real model reads a long prompt first, which takes a minute on a slow machine.
    pub(crate) async fn send_patiently(self, port: u16) -> Answer {
        let what = format!("the answer to {} {}", self.method, self.path);
        within_time(3 * STEP, &what, self.send_now(port)).await
    }

    async fn send_now(self, port: u16) -> Answer {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a gateway that listens");
        stream.set_nodelay(true).expect("a socket");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", format!("127.0.0.1:{port}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).expect("a request");
        let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
        Answer { head, body, connection, rest: BytesMut::new() }
    }
}

/// An answer, its body still to come. Dropping it closes the connection at once, as a client does that goes away.
pub(crate) struct Answer {
    head: hyper::http::response::Parts,
    body: Incoming,
    connection: JoinHandle<()>,
    rest: BytesMut,
}

impl Answer {
    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// A header, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// All its headers.
    pub(crate) fn headers(&self) -> &hyper::HeaderMap {
        &self.head.headers
    }

    /// Whether it has a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.head.headers.contains_key(name)
    }

    /// The next piece of the body as it came over the wire, or `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Option<Bytes> {
        self.piece().await.expect("a body that is not broken off")
    }

    /// The next piece of the body, or the fault that broke it off.
    pub(crate) async fn try_chunk(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        self.piece().await
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        loop {
            match within("more of a body", self.body.frame()).await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The next line of the body without its end, or `None` at the body's end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1);
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            match self.chunk().await {
                Some(data) => self.rest.extend_from_slice(&data),
                None if self.rest.is_empty() => return None,
                None => return Some(String::from_utf8_lossy(&self.rest.split()).into_owned()),
            }
        }
    }

    /// The next line that is of use: empty lines and SSE comments are passed over.
    pub(crate) async fn event_line(&mut self) -> Option<String> {
        loop {
            let line = self.line().await?;
            if !line.is_empty() && !line.starts_with(':') {
                return Some(line);
            }
        }
    }

    /// The whole body, or the fault that broke it off.
    pub(crate) async fn whole(mut self) -> Result<Bytes, hyper::Error> {
        let mut body = std::mem::take(&mut self.rest);
        while let Some(data) = self.piece().await? {
            body.extend_from_slice(&data);
        }
        Ok(body.freeze())
    }

    /// The whole body.
    pub(crate) async fn bytes(self) -> Bytes {
        self.whole().await.expect("a body that is not broken off")
    }

    /// The whole body as text.
    pub(crate) async fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes().await).into_owned()
    }

    /// The whole body as JSON.
    pub(crate) async fn json(self) -> Value {
        let status = self.status();
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} and no JSON: {error}: {text}"))
    }

    /// Fails the test with the body unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> impl Future<Output = Answer> {
        let at = std::panic::Location::caller();
        async move {
            if self.status() == status {
                return self;
            }
            let got = self.status();
            panic!("{at}: wanted {status}, got {got}: {}", self.text().await);
        }
    }

    /// Goes away, and says when.
    pub(crate) fn leave(self) -> Instant {
        drop(self);
        Instant::now()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
