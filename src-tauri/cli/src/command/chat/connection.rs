//! The way to the gateway's HTTP port: on this machine and nowhere else, never through a proxy.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pointsman_gateway::control::{Command, Reply, Snapshot};
use serde_json::Value;

use crate::failure::Failure;
use crate::world::{self, World};

/// The variable that holds a client key, for whoever wants the terminal counted as a tool of its own.
const KEY: &str = "POINTSMAN_KEY";
/// The longest error message in bytes.
const LONGEST_ERROR: usize = 1 << 20;

/// A gateway's port.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    key: String,
}

impl Connection {
    /// To the gateway that gave this snapshot, with the key that it gives to its own shells where the user set none.
    pub(super) async fn to(snapshot: &Snapshot, world: &World) -> Result<Connection, Failure> {
        let addresses = snapshot.addresses.iter().filter_map(|address| address.parse::<SocketAddr>().ok());
        let Some(address) = addresses.into_iter().find_map(on_this_machine) else {
            return Err(Failure::Failed(anyhow::anyhow!(
                "Pointsman listens on {}, none of which is this machine's own; add 127.0.0.1 to `bind` in the settings",
                snapshot.addresses.join(", ")
            )));
        };
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let key = match world.environment.get(KEY) {
            Some(key) => key.to_owned(),
            None => match world.ask(&Command::OwnKey).await? {
                Reply::ClientKey { key } => key.0,
                other => return Err(world::unexpected(&other)),
            },
        };
        Ok(Connection { client, address, key })
    }

    /// Asks for a chat completion. What the gateway refuses is a failure in its own words.
    pub(super) async fn ask(&self, body: &Value) -> Result<Response<Incoming>, Failure> {
        let request = Request::post(format!("http://{}/v1/chat/completions", self.address))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("pointsman-chat/", env!("CARGO_PKG_VERSION")))
            .header(AUTHORIZATION, format!("Bearer {}", self.key))
            .body(Full::from(body.to_string()))
            .map_err(|_| Failure::Usage(format!("{KEY} is no key: a key is one line of plain characters")))?;
        let response =
            self.client.request(request).await.map_err(|error| {
                anyhow::anyhow!("Pointsman does not answer on {}: {}", self.address, innermost(&error))
            })?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response).await)
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

async fn refusal(response: Response<Incoming>) -> Failure {
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST_ERROR).collect().await;
    let body: Value = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default();
    let mut message =
        body["error"]["message"].as_str().map_or_else(|| format!("Pointsman answered {status}"), str::to_owned);
    match status {
        StatusCode::UNAUTHORIZED => {
            message.push_str(&format!(
                "; `pointsman chat` sends the one in the variable {KEY}: unset it, or put a good one there"
            ));
            Failure::Failed(anyhow::Error::msg(message))
        }
        StatusCode::NOT_FOUND => Failure::NotFound(message),
        _ => Failure::Failed(anyhow::Error::msg(message)),
    }
}

/// The cause that says something: `connection refused` rather than `client error (Connect)`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
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
}
