//! One question to whoever makes tokens: a form posted, a token read.
//!
//! RFC 6749 sections 4 and 5, which Google, Microsoft, IBM and Databricks all follow. It goes through `upstream` as
//! everything that leaves the machine, so that local-only mode holds it back too.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::tokens::{Moment, Token};
use super::{AuthorityError, PATIENCE, Parts};
use crate::catalog::BaseUrl;
use crate::discovery::is_loopback;
use crate::secrets::Secret;
use crate::secrets::redact::Redactor;
use crate::upstream::{Pieces, SendError, UpstreamBody};

/// The largest answer that is read.
const LARGEST: usize = 256 << 10;
/// How long a token is believed that does not say it.
const UNSAID: u64 = 300;

/// A question for a token.
pub(super) struct Grant<'a> {
    /// Where it is asked.
    pub(super) url: &'a Url,
    /// A name and a secret as HTTP has them.
    pub(super) basic: Option<HeaderValue>,
    /// The form.
    pub(super) form: &'a [(&'a str, &'a str)],
}

/// Why there is no token.
pub(super) struct Denied {
    pub(super) error: AuthorityError,
    /// What time it is for whoever refused.
    pub(super) time: Option<SystemTime>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// Some write the number as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

/// A refusal as RFC 6749 section 5.2 has it, and as IBM has it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: serde_json::Value,
    error_description: String,
    #[serde(rename = "errorMessage")]
    message: String,
}

/// Asks for a token.
pub(super) async fn exchange(parts: &Parts, grant: &Grant<'_>) -> Result<Token, Denied> {
    let by = grant.url.host_str().unwrap_or_default().to_owned();
    let since = Moment::now();
    let silent = |reason: String| AuthorityError::Silent { by: by.clone(), reason };
    let asked = async {
        let response = ask(parts, grant).await?;
        let status = response.status();
        let time = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let body = read(response).await.ok_or_else(|| Problem::Other("its answer broke off".to_owned()))?;
        Ok::<_, Problem>((status, time, body))
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let asked = asked.unwrap_or_else(|_| Err(Problem::Other("nothing came in time".to_owned())));
    let (status, time, body) = asked.map_err(|problem| match problem {
        Problem::LocalOnly => Denied { error: AuthorityError::LocalOnly(by.clone()), time: None },
        Problem::Other(reason) => Denied { error: silent(reason), time: None },
    })?;
    if !status.is_success() {
        let says = said(grant, &body);
        let error = match status {
            status if status.is_server_error() => silent(format!("it answered {}: {says}", status.as_u16())),
            status => AuthorityError::Refused { by, status: status.as_u16(), says },
        };
        return Err(Denied { error, time });
    }
    let granted: Option<Granted> = serde_json::from_slice(&body).ok();
    let granted = granted.filter(|granted| !granted.access_token.is_empty());
    let granted = granted.ok_or_else(|| Denied { error: silent("its answer holds none".to_owned()), time })?;
    let seconds = match granted.expires_in {
        Some(Seconds::Number(seconds)) => seconds,
        Some(Seconds::Text(text)) => text.parse().unwrap_or(UNSAID),
        None => UNSAID,
    };
    Ok(Token { secret: Secret::new(granted.access_token), beside: None, since, life: Duration::from_secs(seconds) })
}

enum Problem {
    LocalOnly,
    Other(String),
}

async fn ask(parts: &Parts, grant: &Grant<'_>) -> Result<Response<UpstreamBody>, Problem> {
    let local = is_loopback(grant.url);
    if !local && grant.url.scheme() != "https" {
        return Err(Problem::Other("it is asked by https:// only".to_owned()));
    }
    let base = BaseUrl::try_from(grant.url.clone()).map_err(|bad| Problem::Other(bad.to_string()))?;
    let body: Bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(grant.form).finish().into();
    let mut request = Request::new(Pieces::new([body, Bytes::new(), Bytes::new()]));
    *request.method_mut() = Method::POST;
    let path = &grant.url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = path.parse::<Uri>().map_err(|bad| Problem::Other(bad.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(HOST, base.address().host.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(basic) = &grant.basic {
        headers.insert(AUTHORIZATION, basic.clone());
    }
    let sent = parts.upstream.send(request, base.address(), local).await;
    sent.map_err(|error| match error {
        SendError::LocalOnly => Problem::LocalOnly,
        SendError::Connect(_) | SendError::Broken => Problem::Other(error.to_string()),
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

/// A refusal in its own words, without what it was told.
fn said(grant: &Grant<'_>, body: &[u8]) -> String {
    let told = grant.form.iter().map(|(_, value)| *value);
    let basic = grant.basic.as_ref().and_then(|basic| basic.to_str().ok()).and_then(|it| it.strip_prefix("Basic "));
    let clean = Redactor::new(told.filter(|told| told.len() >= 16).chain(basic)).redact(body).into_owned();
    let refusal: Refusal = serde_json::from_slice(&clean).unwrap_or_default();
    let code = refusal.error.as_str().unwrap_or_default().to_owned();
    let words = [refusal.error_description, refusal.message, code].into_iter().find(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| "it does not say why".to_owned());
    // Microsoft's goes on with a trace, line by line.
    let line = words.lines().next().unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(300).collect()
}
