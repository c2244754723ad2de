//! The one place that opens connections for inference.
//!
//! Two clients behind one function: a lean one for endpoints on this machine, which never sees a proxy and never leaves
//! the machine, and one with TLS, HTTP/2 and the system's proxies for all others. Local-only mode is enforced here,
//! whatever routing said. Redirects are never followed. What to send is `dispatch`'s business.

mod body;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as LocalError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::watch;

pub use body::{BrokeOff, Pieces, UpstreamBody};

use crate::settings::{Limits, Settings};
use std::sync::Arc;

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Local-only mode is on and the endpoint is elsewhere.
    #[error("it leaves this machine and local-only mode is on")]
    LocalOnly,
    /// The connection was not made.
    #[error("{0}")]
    Connect(String),
    /// The connection broke before the answer began.
    #[error("the connection broke before the answer began")]
    Broken,
}

/// The outbound clients.
#[derive(Clone)]
pub struct Upstream {
    local: Client<HttpConnector, Pieces>,
    remote: reqwest::Client,
    settings: watch::Receiver<Arc<Settings>>,
}

impl Upstream {
    /// Clients with the connect times of `limits`; a change of those needs a restart.
    pub fn new(limits: &Limits, settings: watch::Receiver<Arc<Settings>>) -> Result<Upstream, reqwest::Error> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(limits.connect_ms)));
        let local = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        let remote = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(limits.connect_remote_ms))
            .tcp_nodelay(true)
            .build()?;
        Ok(Upstream { local, remote, settings })
    }

    /// Sends a request and waits for the head of the answer, however long that takes. `local` says that the URI is an
    /// address on this machine.
    pub async fn send(&self, request: Request<Pieces>, local: bool) -> Result<Response<UpstreamBody>, SendError> {
        if local {
            let response = self.local.request(request).await.map_err(|error| local_error(&error))?;
            Ok(response.map(UpstreamBody::local))
        } else if self.settings.borrow().local_only {
            Err(SendError::LocalOnly)
        } else {
            self.send_remote(request).await
        }
    }

    async fn send_remote(&self, request: Request<Pieces>) -> Result<Response<UpstreamBody>, SendError> {
        let request = request.map(|pieces| reqwest::Body::from(pieces.joined()));
        let request =
            reqwest::Request::try_from(request).map_err(|_| SendError::Connect("its address is none".into()))?;
        let response = self.remote.execute(request).await.map_err(|error| {
            if error.is_connect() { SendError::Connect(deepest(&error)) } else { SendError::Broken }
        })?;
        Ok(Response::<reqwest::Body>::from(response).map(UpstreamBody::remote))
    }
}

fn local_error(error: &LocalError) -> SendError {
    if error.is_connect() { SendError::Connect(deepest(error)) } else { SendError::Broken }
}

/// The innermost cause, which is the one that a person understands: `Connection refused`.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// An empty body, for a GET.
pub fn nothing() -> Pieces {
    Pieces::new([Bytes::new(), Bytes::new(), Bytes::new()])
}
