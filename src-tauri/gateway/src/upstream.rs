//! The one place that opens connections for inference.
//!
//! Clients behind one function: a lean one for endpoints on this machine, which never sees a proxy and never leaves the
//! machine, and those with TLS, HTTP/2 and the system's proxies for all others. Local-only mode is enforced here, and how
//! far an endpoint may be, whatever routing said. Redirects are never followed. What to send is `dispatch`'s business.

mod body;
mod connections;
mod elsewhere;
mod metadata;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use tokio::sync::watch;

pub use body::{BrokeOff, Pieces, UpstreamBody};

use crate::address::{Bounds, Forbidden};
use crate::catalog::Address;
use crate::settings::{Limits, Settings};
use connections::Connections;
use elsewhere::Elsewhere;

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Local-only mode is on and the endpoint is elsewhere.
    #[error("it leaves this machine and local-only mode is on")]
    LocalOnly,
    /// Its name leads where it may not be.
    #[error(transparent)]
    Forbidden(Forbidden),
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
    local: Connections,
    remote: Elsewhere,
    settings: watch::Receiver<Arc<Settings>>,
}

impl Upstream {
    /// Clients with the connect times of `limits`; a change of those needs a restart.
    pub fn new(limits: &Limits, settings: watch::Receiver<Arc<Settings>>) -> Result<Upstream, reqwest::Error> {
        let local = Connections::new(Duration::from_millis(limits.connect_ms));
        let remote = Elsewhere::new(Duration::from_millis(limits.connect_remote_ms))?;
        Ok(Upstream { local, remote, settings })
    }

    /// Sends a request and waits for the head of the answer, however long that takes. Its URI is a path only; the
    /// address is no further than `bounds`.
    pub async fn send(
        &self,
        request: Request<Pieces>,
        address: &Address,
        bounds: Bounds,
    ) -> Result<Response<UpstreamBody>, SendError> {
        match bounds {
            Bounds::Machine => {
                let (response, lent) = self.local.send(request, address).await?;
                Ok(response.map(|body| UpstreamBody::local(body, lent)))
            }
            Bounds::Public | Bounds::Private if self.is_local_only() => Err(SendError::LocalOnly),
            Bounds::Public => send_remote(self.remote.public(), request, address).await,
            Bounds::Private => send_remote(self.remote.private()?, request, address).await,
        }
    }

    /// The same to the metadata server of a cloud's machine, which no other function asks. Without a proxy, since that would
    /// hand out what its own machine is.
    pub async fn send_metadata(
        &self,
        request: Request<Pieces>,
        address: &Address,
    ) -> Result<Response<UpstreamBody>, SendError> {
        if self.is_local_only() {
            return Err(SendError::LocalOnly);
        }
        if !metadata::is_one(address) {
            return Err(SendError::Connect("it is no metadata server of a cloud's".to_owned()));
        }
        let (response, lent) = self.local.send(request, address).await?;
        Ok(response.map(|body| UpstreamBody::local(body, lent)))
    }

    /// Whether nothing may leave this machine, for what would leave it by another way.
    pub fn is_local_only(&self) -> bool {
        self.settings.borrow().local_only
    }
}

async fn send_remote(
    client: &reqwest::Client,
    mut request: Request<Pieces>,
    address: &Address,
) -> Result<Response<UpstreamBody>, SendError> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(address.scheme.clone());
    parts.authority = Some(address.authority.clone());
    *request.uri_mut() = Uri::from_parts(parts).map_err(|error| SendError::Connect(error.to_string()))?;
    let request = request.map(|pieces| reqwest::Body::from(pieces.joined()));
    let request = reqwest::Request::try_from(request).map_err(|_| SendError::Connect("its address is none".into()))?;
    let response = client.execute(request).await.map_err(|error| match forbidden(&error) {
        Some(why) => SendError::Forbidden(why),
        None if error.is_connect() => SendError::Connect(deepest(&error)),
        None => SendError::Broken,
    })?;
    Ok(Response::<reqwest::Body>::from(response).map(UpstreamBody::remote))
}

/// Whether it failed because of where a name leads.
fn forbidden(error: &(dyn std::error::Error + 'static)) -> Option<Forbidden> {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.find_map(|cause| cause.downcast_ref().copied())
}

/// The innermost cause, which is the one that a person understands: `Connection refused`.
pub(crate) fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
