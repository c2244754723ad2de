//! One question to whoever gives credentials: sent, and its answer read whole.
//!
//! It goes through `upstream` as everything that leaves the machine, so that local-only mode holds it back too. What an
//! answer means is the business of whoever asks.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{DATE, HOST, HeaderMap};
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use url::Url;

use super::{AuthorityError, PATIENCE, Parts};
use crate::address::{Bounds, is_loopback};
use crate::catalog::BaseUrl;
use crate::secrets::redact::Redactor;
use crate::upstream::{Pieces, SendError, UpstreamBody};

/// The largest answer that is read.
const LARGEST: usize = 256 << 10;
/// More than this and the clock here is wrong, not merely late.
const SKEW: Duration = Duration::from_secs(60);

/// How whoever is asked is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// By `https://`, or on this machine; where a company has its own, in its network.
    Usual,
    /// The same, and no further than an endpoint may be.
    Within(Bounds),
    /// As the metadata server of the machine, too.
    Metadata,
}

/// A question.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What a refusal must not repeat.
    pub(super) secrets: &'a [&'a str],
    pub(super) reach: Reach,
}

/// What came back.
pub(super) struct Told {
    /// What time it is there.
    pub(super) time: Option<SystemTime>,
    pub(super) body: Bytes,
    by: String,
}

/// Why there is no token.
pub(super) struct Denied {
    pub(super) error: AuthorityError,
    /// What time it is for whoever refused.
    pub(super) time: Option<SystemTime>,
}

/// A refusal as RFC 6749 section 5.2 has it, as IBM has it, and as AWS has it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: serde_json::Value,
    error_description: String,
    #[serde(rename = "errorMessage", alias = "message", alias = "Message")]
    message: String,
}

enum Problem {
    LocalOnly,
    Other(String),
}

/// Asks, and has the answer if it is a good one.
pub(super) async fn ask(parts: &Parts, question: Question<'_>) -> Result<Told, Denied> {
    let by = question.url.host_str().unwrap_or_default().to_owned();
    let secrets = question.secrets;
    let asked = async {
        let response = send(parts, question).await?;
        let status = response.status();
        let time = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let body = read(response).await.ok_or_else(|| Problem::Other("its answer broke off".to_owned()))?;
        Ok::<_, Problem>((status, time, body))
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let asked = asked.unwrap_or_else(|_| Err(Problem::Other("nothing came in time".to_owned())));
    let (status, time, body) = asked.map_err(|problem| match problem {
        Problem::LocalOnly => Denied { error: AuthorityError::LocalOnly(by.clone()), time: None },
        Problem::Other(reason) => Denied { error: AuthorityError::Silent { by: by.clone(), reason }, time: None },
    })?;
    let told = Told { time, body, by };
    if status.is_success() {
        return Ok(told);
    }
    let says = said(secrets, &told.body);
    Err(told.denied(match status {
        status if status.is_server_error() => told.silent(format!("it answered {}: {says}", status.as_u16())),
        status => AuthorityError::Refused { by: told.by.clone(), status: status.as_u16(), says },
    }))
}

async fn send(parts: &Parts, question: Question<'_>) -> Result<Response<UpstreamBody>, Problem> {
    let url = question.url;
    let local = is_loopback(url);
    let metadata = question.reach == Reach::Metadata && !local && url.scheme() == "http";
    let bounds = match question.reach {
        _ if local => Bounds::Machine,
        Reach::Within(bounds) => bounds,
        Reach::Usual | Reach::Metadata => Bounds::Private,
    };
    if !local && !metadata && url.scheme() != "https" {
        return Err(Problem::Other("it is asked by https:// only".to_owned()));
    }
    let base = BaseUrl::try_from(url.clone()).map_err(|bad| Problem::Other(bad.to_string()))?;
    let mut request = Request::new(Pieces::new([question.body, Bytes::new(), Bytes::new()]));
    *request.method_mut() = question.method;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = path.parse::<Uri>().map_err(|bad| Problem::Other(bad.to_string()))?;
    *request.headers_mut() = question.headers;
    request.headers_mut().insert(HOST, base.address().host.clone());
    let sent = if metadata {
        parts.upstream.send_metadata(request, base.address()).await
    } else {
        parts.upstream.send(request, base.address(), bounds).await
    };
    sent.map_err(|error| match error {
        SendError::LocalOnly => Problem::LocalOnly,
        SendError::Forbidden(_) | SendError::Connect(_) | SendError::Broken => Problem::Other(error.to_string()),
    })
}

async fn read(response: Response<UpstreamBody>) -> Option<Bytes> {
    let mut body = response.into_body();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.ok()?.into_data() else { continue };
        if all.len() + bytes.len() > LARGEST {
            return None;
        }
        all.extend_from_slice(&bytes);
    }
    Some(all.freeze())
}

impl Told {
    /// That it holds no credential after all.
    pub(super) fn empty(&self) -> Denied {
        self.denied(self.silent("its answer holds none".to_owned()))
    }

    fn silent(&self, reason: String) -> AuthorityError {
        AuthorityError::Silent { by: self.by.clone(), reason }
    }

    fn denied(&self, error: AuthorityError) -> Denied {
        Denied { error, time: self.time }
    }
}

impl Denied {
    /// The time at which to ask once more, where a refusal may be this clock's fault.
    pub(super) fn their_clock(&self, now: SystemTime) -> Option<SystemTime> {
        let there = self.time.filter(|time| apart(now, *time))?;
        matches!(self.error, AuthorityError::Refused { .. }).then(|| {
            tracing::warn!("this machine's clock differs from that of whoever makes its tokens, whose time is taken");
            there
        })
    }
}

impl From<Denied> for AuthorityError {
    fn from(denied: Denied) -> AuthorityError {
        denied.error
    }
}

/// Whether two clocks differ by more than the way between them takes.
pub(super) fn apart(here: SystemTime, there: SystemTime) -> bool {
    here.duration_since(there).or_else(|_| there.duration_since(here)).is_ok_and(|between| between > SKEW)
}

/// The text of the first element of a name, as it stands in XML.
pub(super) fn element<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// A refusal in its own words, without what it was told.
fn said(secrets: &[&str], body: &[u8]) -> String {
    let clean = Redactor::new(secrets.iter().copied()).redact(body).into_owned();
    let refusal: Refusal = serde_json::from_slice(&clean).unwrap_or_default();
    let code = refusal.error.as_str().unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&clean);
    let within = element(&text, "Message").map(unescaped).unwrap_or_default();
    let words = [refusal.error_description, refusal.message, code, within].into_iter().find(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| "it does not say why".to_owned());
    // Microsoft's goes on with a trace, line by line.
    let line = words.lines().next().unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(300).collect()
}

/// A text of XML without its escapes.
fn unescaped(text: &str) -> String {
    // The ampersand last: what it made of another would be one no more.
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escape, letter)| text.replace(escape, letter))
}
