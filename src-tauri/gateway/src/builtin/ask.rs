//! Short questions to our own child: whether it is up, and what it has made of its arguments.
//!
//! One connection each, to 127.0.0.1 only, with a limit on time and size. No prompt passes here: that is `upstream`'s
//! business.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// A child that is busy loading answers "loading" at once; one that does not answer in this time is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// `/props` carries the chat template, which is some tens of kilobytes.
const LARGEST: usize = 4 << 20;

/// What llama.cpp says of itself.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Props {
    /// The file that it serves.
    pub(super) model_path: Option<String>,
    /// Its version.
    pub(super) build_info: Option<String>,
    #[serde(default)]
    default_generation_settings: Generation,
}

#[derive(Debug, Default, Deserialize)]
struct Generation {
    n_ctx: Option<u32>,
}

impl Props {
    /// The context that one request really has.
    pub(super) fn context(&self) -> Option<u32> {
        self.default_generation_settings.n_ctx.filter(|context| *context > 0)
    }
}

/// Whether the child can be asked; "loading" is no.
pub(super) async fn is_up(address: SocketAddr, key: &str) -> bool {
    matches!(get(address, "/health", key).await, Some((StatusCode::OK, _)))
}

/// What the child says of itself; a server without `/props` says nothing.
pub(super) async fn props(address: SocketAddr, key: &str) -> Props {
    match get(address, "/props", key).await {
        Some((StatusCode::OK, body)) => serde_json::from_slice(&body).unwrap_or_default(),
        _ => Props::default(),
    }
}

async fn get(address: SocketAddr, path: &str, key: &str) -> Option<(StatusCode, Bytes)> {
    let exchange = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        let request = Request::get(path)
            .header(HOST, address.to_string())
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .body(Empty::<Bytes>::new())
            .ok()?;
        let answer = async move {
            let response = sender.send_request(request).await.ok()?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        // The connection ends once its sender is dropped, which is when the answer is whole.
        let (answer, _) = tokio::join!(answer, connection);
        answer
    };
    tokio::time::timeout(PATIENCE, exchange).await.ok().flatten()
}
