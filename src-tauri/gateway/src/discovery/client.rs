//! Asks a site one question, bounded in time and size.
//!
//! It follows no redirect, accepts no compression and sends a credential only where a site was made with one, which is
//! never for a discovered one. What an answer means is `probe`'s and `listing`'s business.

mod lines;
mod signer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub(crate) use signer::Signer;

use crate::address::Resolver;
use crate::authority::AuthorityError;
use crate::upstream::deepest;

/// The largest answer that is read.
pub(crate) const LARGEST: usize = 2 * 1024 * 1024;
/// How long a connection is kept for the next question.
const KEPT: Duration = Duration::from_secs(30);

/// Connects to this machine without a proxy, in HTTP/1.1.
pub(crate) type Loopback = legacy::Client<HttpConnector, Full<Bytes>>;

/// A client for addresses of this machine.
pub(crate) fn loopback() -> Arc<Loopback> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut client = legacy::Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT).pool_max_idle_per_host(1);
    Arc::new(client.build(connector))
}

/// A client for other machines. Names that lead to addresses which are not allowed do not resolve.
pub(crate) fn elsewhere(allow_private: bool) -> Result<reqwest::Client, Fault> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .gzip(false)
        .referer(false)
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(1)
        .dns_resolver(Arc::new(Resolver::new(allow_private)))
        .build()
        .map_err(|error| Fault::Broken(cause(&error)))
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Nobody took the connection, or its name leads nowhere.
    #[error("no connection: {0}")]
    Refused(String),
    /// Nothing complete came in time.
    #[error("nothing came in time")]
    TimedOut,
    /// What came is not HTTP, or it broke off.
    #[error("no HTTP answer: {0}")]
    Broken(String),
    /// The answer is larger than is read.
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
    /// It could not be proved who asks.
    #[error("{0}")]
    Unproved(AuthorityError),
}

/// A place to ask.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// Scheme, host, port and perhaps a path, without a slash at its end.
    pub base: String,
    /// Sent with each question: a configured endpoint's credential, or nothing.
    pub headers: HeaderMap,
    /// Who proves who asks, where those headers do not.
    pub signer: Option<Signer>,
    /// How long an answer may take.
    pub patience: Duration,
    /// How it is reached.
    pub reach: Reach,
}

/// How a site is reached.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// On this machine.
    Loopback(Arc<Loopback>),
    /// On another one.
    Elsewhere(reqwest::Client),
}

impl Site {
    /// A discovered address, which never receives a credential.
    pub(super) fn local(client: &Arc<Loopback>, address: SocketAddr, prefix: &str, patience: Duration) -> Site {
        let reach = Reach::Loopback(Arc::clone(client));
        Site { base: format!("http://{address}{prefix}"), headers: HeaderMap::new(), signer: None, patience, reach }
    }

    /// Asks with GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.ask(Method::GET, path, None).await
    }

    /// Asks with POST and a JSON body. Discovery asks so only what changes nothing.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<Answer, Fault> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, Fault> {
        let mut request = self.request(method, path, body.clone())?;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request, body.unwrap_or_default()).await?;
        }
        let exchange = async {
            match &self.reach {
                Reach::Loopback(client) => near(client, request).await,
                Reach::Elsewhere(client) => far(client, request).await,
            }
        };
        tokio::time::timeout(self.patience, exchange).await.unwrap_or(Err(Fault::TimedOut))
    }

    fn request(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Request<Full<Bytes>>, Fault> {
        let url = format!("{}{path}", self.base);
        let uri: Uri = url.parse().map_err(|error| Fault::Broken(cause(&error)))?;
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.1"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("pointsman/", env!("CARGO_PKG_VERSION"))));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl Fault {
    fn of(error: &legacy::Error) -> Fault {
        let cause = cause(error);
        if error.is_connect() { Fault::Refused(cause) } else { Fault::Broken(cause) }
    }
}

async fn near(client: &Loopback, request: Request<Full<Bytes>>) -> Result<Answer, Fault> {
    let response = client.request(request).await.map_err(|error| Fault::of(&error))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() { Fault::TooLarge } else { Fault::Broken(error.to_string()) }
    })?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
}

async fn far(client: &reqwest::Client, request: Request<Full<Bytes>>) -> Result<Answer, Fault> {
    let fault = |error: reqwest::Error| {
        // The address may hold a key in its query: it stays out of every message.
        let error = error.without_url();
        let cause = cause(&error);
        if error.is_connect() { Fault::Refused(cause) } else { Fault::Broken(cause) }
    };
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let asked = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let mut response = asked.send().await.map_err(fault)?;
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`LARGEST`].
    pub body: Bytes,
}

impl Answer {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body where it says that it is JSON: development servers answer every path with a page.
    pub(super) fn json(&self) -> Option<&[u8]> {
        let kind = self.header(CONTENT_TYPE.as_str())?.split(';').next()?.trim();
        let plain = self.header(CONTENT_ENCODING.as_str()).is_none_or(|encoding| encoding == "identity");
        (plain && kind.eq_ignore_ascii_case("application/json")).then_some(&self.body)
    }
}

/// Why it failed, in one bounded line.
fn cause(error: &dyn std::error::Error) -> String {
    super::text::printable(&deepest(error), 200)
}
