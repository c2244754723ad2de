//! One question to whoever makes tokens: a form posted, a token read.
//!
//! RFC 6749 sections 4 and 5, which Google, Microsoft, IBM and Databricks all follow.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::Parts;
use super::question::{Denied, Question, Reach, ask};
use super::tokens::{Bearer, Moment, Token};
use crate::secrets::Secret;

/// How long a token is believed that does not say it.
pub(super) const UNSAID: Duration = Duration::from_secs(300);
/// What is shorter is no secret: the kind of a grant, a scope.
const SHORTEST: usize = 16;

/// A question for a token.
pub(super) struct Grant<'a> {
    /// Where it is asked.
    pub(super) url: &'a Url,
    /// A name and a secret as HTTP has them.
    pub(super) basic: Option<HeaderValue>,
    /// How it is reached.
    pub(super) reach: Reach,
    /// The form.
    pub(super) form: &'a [(&'a str, &'a str)],
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

/// Asks for a token.
pub(super) async fn exchange(parts: &Parts, grant: &Grant<'_>) -> Result<Token<Bearer>, Denied> {
    let body: Bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(grant.form).finish().into();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.extend(grant.basic.clone().map(|basic| (AUTHORIZATION, basic)));
    let basic = grant.basic.as_ref().and_then(|basic| basic.to_str().ok()).and_then(|it| it.strip_prefix("Basic "));
    let told = grant.form.iter().map(|(_, value)| *value).filter(|told| told.len() >= SHORTEST);
    let secrets: Vec<&str> = told.chain(basic).collect();
    let Grant { url, reach, .. } = *grant;
    bearer(parts, Question { method: Method::POST, url, headers, body, secrets: &secrets, reach }).await
}

/// Asks a question that is answered with a token.
pub(super) async fn bearer(parts: &Parts, question: Question<'_>) -> Result<Token<Bearer>, Denied> {
    let since = Moment::now();
    let told = ask(parts, question).await?;
    let granted: Option<Granted> = serde_json::from_slice(&told.body).ok();
    let granted = granted.filter(|granted| !granted.access_token.is_empty()).ok_or_else(|| told.empty())?;
    let seconds = match granted.expires_in {
        Some(Seconds::Number(seconds)) => Some(seconds),
        Some(Seconds::Text(text)) => text.parse().ok(),
        None => None,
    };
    let it = Bearer { secret: Secret::new(granted.access_token), beside: None };
    Ok(Token { it, since, life: seconds.map_or(UNSAID, Duration::from_secs) })
}
