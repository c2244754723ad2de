//! How a shell's own chat asks the gateway: over its HTTP port, in the API that every tool uses.
//!
//! On this machine and nowhere else, never through a proxy. What a person sees of an answer is the shell's business.

mod events;
mod piece;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::Snapshot;
use crate::upstream::deepest;
use events::Events;
pub use piece::Piece;

/// The longest error message in bytes.
const LONGEST_ERROR: usize = 1 << 20;

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It listens on other machines' addresses only.
    #[error("Pointsman listens on {0}, none of which is this machine's own; add 127.0.0.1 to `bind` in the settings")]
    Elsewhere(String),
    /// The key cannot be sent.
    #[error("that is no key: a key is one line of plain characters")]
    Key,
    /// Nobody listens.
    #[error("Pointsman does not answer on {address}: {reason}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The gateway refuses, in its own words.
    #[error("{message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Its words.
        message: String,
        /// Who was asked last.
        head: Box<Head>,
    },
}

/// A gateway's port.
#[derive(Debug)]
pub struct Connection {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    key: Option<String>,
    agent: &'static str,
}

impl Connection {
    /// To the gateway that gave this snapshot, with a client key for models that leave this machine.
    pub fn to(snapshot: &Snapshot, key: Option<String>) -> Result<Connection, Error> {
        let addresses = snapshot.addresses.iter().filter_map(|address| address.parse::<SocketAddr>().ok());
        let Some(address) = addresses.into_iter().find_map(on_this_machine) else {
            return Err(Error::Elsewhere(snapshot.addresses.join(", ")));
        };
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Connection { client, address, key, agent: concat!("pointsman-chat/", env!("CARGO_PKG_VERSION")) })
    }

    /// The same under another name of a tool.
    pub fn called(self, agent: &'static str) -> Connection {
        Connection { agent, ..self }
    }

    /// Asks for a streamed chat completion.
    pub async fn ask(&self, body: &Value) -> Result<Answer, Error> {
        let started = Instant::now();
        let mut request = Request::post(format!("http://{}/v1/chat/completions", self.address))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, self.agent);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::from(body.to_string())).map_err(|_| Error::Key)?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| Error::Silent { address: self.address, reason: deepest(&error) })?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let head = Head::of(response.headers());
        let pace = Pace { started, first: None, last: started };
        Ok(Answer { head, pace, body: response.into_body(), events: Events::default(), waiting: VecDeque::new() })
    }
}

/// Who answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The target, `endpoint/model`.
    pub target: Option<String>,
    /// Whether it is on this machine.
    pub local: Option<bool>,
    /// How many targets were tried.
    pub attempts: Option<u8>,
    /// What of the request the target could not be told.
    pub dropped: Vec<String>,
}

impl Head {
    fn of(headers: &HeaderMap) -> Head {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let dropped = text("x-pointsman-dropped").unwrap_or_default().split(',').map(str::trim);
        Head {
            target: text("x-pointsman-target").map(str::to_owned),
            local: text("x-pointsman-local").and_then(|local| local.parse().ok()),
            attempts: text("x-pointsman-attempts").and_then(|attempts| attempts.parse().ok()),
            dropped: dropped.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        }
    }
}

/// When an answer came.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    started: Instant,
    first: Option<Instant>,
    last: Instant,
}

impl Pace {
    /// From asking to the first token.
    pub fn first(&self) -> Option<Duration> {
        self.first.map(|first| first - self.started)
    }

    /// From asking to what came last.
    pub fn total(&self) -> Duration {
        self.last - self.started
    }

    /// How fast so many tokens came once they came.
    pub fn tokens_per_second(&self, tokens: u64) -> Option<f64> {
        speed(tokens, self.first()?, self.total())
    }
}

/// Tokens a second: the wait for the first is told apart. One token has no speed, and neither has an answer that came in
/// one piece.
pub fn speed(tokens: u64, first: Duration, total: Duration) -> Option<f64> {
    let time = total.checked_sub(first)?.as_secs_f64();
    (tokens > 1 && time > 0.001).then(|| u32::try_from(tokens - 1).map_or(f64::from(u32::MAX), f64::from) / time)
}

/// An answer as it comes.
pub struct Answer {
    head: Head,
    pace: Pace,
    body: Incoming,
    events: Events,
    waiting: VecDeque<Piece>,
}

impl Answer {
    /// Who gives it.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How fast it comes.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// What comes next; after [`Piece::Fault`] and [`Piece::End`] nothing does. May be given up at any point.
    pub async fn next(&mut self) -> Piece {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                self.pace.last = Instant::now();
                if matches!(piece, Piece::Text(_) | Piece::Reasoning(_)) {
                    self.pace.first.get_or_insert(self.pace.last);
                }
                return piece;
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.waiting.extend(self.events.push(&data).iter().flat_map(|event| piece::read(event)));
                }
                Some(Err(error)) => return Piece::Fault(format!("the answer broke off: {error}")),
                None => return Piece::Fault("the answer ended without saying that it is whole".to_owned()),
            }
        }
    }
}

fn on_this_machine(address: SocketAddr) -> Option<SocketAddr> {
    if address.ip().is_loopback() {
        return Some(address);
    }
    // Listening everywhere includes this machine.
    let local = match address {
        SocketAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], address.port())),
        SocketAddr::V6(_) => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port())),
    };
    address.ip().is_unspecified().then_some(local)
}

async fn refusal(response: Response<Incoming>) -> Error {
    let status = response.status();
    let head = Box::new(Head::of(response.headers()));
    let body = Limited::new(response.into_body(), LONGEST_ERROR).collect().await;
    let body: Value = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default();
    let message = body["error"]["message"].as_str();
    let message = message.map_or_else(|| format!("Pointsman answered {status}"), str::to_owned);
    Error::Refused { status, message, head }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        let found = on_this_machine(address.parse().unwrap());
        assert_eq!(found.map(|address| address.to_string()).as_deref(), expected, "for {address}");
    }

    #[test]
    fn only_this_machine_is_asked() {
        check("127.0.0.1:4747", Some("127.0.0.1:4747"));
        check("[::1]:4747", Some("[::1]:4747"));
        check("0.0.0.0:4747", Some("127.0.0.1:4747"));
        check("[::]:4747", Some("[::1]:4747"));
        check("192.168.1.5:4747", None);
    }

    fn check_speed(tokens: u64, first: u64, total: u64, expected: Option<f64>) {
        let found = speed(tokens, Duration::from_millis(first), Duration::from_millis(total));
        assert_eq!(found, expected, "{tokens} tokens from {first} to {total} ms");
    }

    #[test]
    fn the_wait_for_the_first_token_is_no_part_of_the_speed() {
        check_speed(101, 400, 2_400, Some(50.0));
        check_speed(1, 400, 2_400, None);
        check_speed(101, 400, 400, None);
        check_speed(101, 400, 300, None);
    }

    #[test]
    fn the_head_says_who_answers() {
        let mut headers = HeaderMap::new();
        assert_eq!(Head::of(&headers), Head::default());
        headers.insert("x-pointsman-target", "ollama@11434/qwen3:8b".parse().unwrap());
        headers.insert("x-pointsman-local", "true".parse().unwrap());
        headers.insert("x-pointsman-attempts", "2".parse().unwrap());
        headers.insert("x-pointsman-dropped", "logit_bias, seed".parse().unwrap());
        let head = Head {
            target: Some("ollama@11434/qwen3:8b".to_owned()),
            local: Some(true),
            attempts: Some(2),
            dropped: vec!["logit_bias".to_owned(), "seed".to_owned()],
        };
        assert_eq!(Head::of(&headers), head);
    }
}
