//! Tokens of a service account for somebody else who may speak for it: IAM's `generateAccessToken`.
//!
//! `gcloud auth application-default login --impersonate-service-account` leaves such a file. As Google's `google.auth` asks
//! (`impersonated_credentials.py`).

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::super::moment::{life, moment};
use super::super::question::{Question, Reach, ask};
use super::super::tokens::{Bearer, Moment, Token};
use super::super::{AuthorityError, Parts, unusable};
use super::SCOPE;
use super::credential::Credential;
use crate::secrets::Secret;

/// How long a token is asked for, in seconds.
const LIFETIME: u32 = 3600;

/// A file that names both.
#[derive(Deserialize)]
pub(super) struct Impersonated {
    service_account_impersonation_url: Url,
    /// Those in between, each of whom may speak for the next.
    #[serde(default)]
    delegates: Vec<String>,
    source_credentials: Box<Credential>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "accessToken")]
    access_token: String,
    #[serde(rename = "expireTime")]
    expire_time: String,
}

impl Impersonated {
    pub(super) async fn token(&self, parts: &Parts) -> Result<Token<Bearer>, AuthorityError> {
        let own = self.source_credentials.token(parts).await?;
        speaking_for(parts, &self.service_account_impersonation_url, &self.delegates, None, &own.it).await
    }
}

/// A token of the service account that a URL names, for whoever has the token `own`.
pub(super) async fn speaking_for(
    parts: &Parts,
    url: &Url,
    delegates: &[String],
    seconds: Option<u32>,
    own: &Bearer,
) -> Result<Token<Bearer>, AuthorityError> {
    let since = Moment::now();
    let lifetime = format!("{}s", seconds.unwrap_or(LIFETIME));
    let body = json!({"delegates": delegates, "lifetime": lifetime, "scope": [SCOPE]});
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", own.secret.expose()))
        .map_err(|_| unusable("no header can carry its token"))?;
    bearer.set_sensitive(true);
    let headers =
        HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let secrets = [own.secret.expose()];
    let (method, body) = (Method::POST, body.to_string().into());
    let told = ask(parts, Question { method, url, headers, body, secrets: &secrets, reach: Reach::Usual }).await?;
    // What serde says of a fault may repeat the value, and the value is the secret.
    let made = serde_json::from_slice(&told.body).ok().filter(|made: &Made| !made.access_token.is_empty());
    let made = made.ok_or_else(|| told.empty())?;
    let until = moment(&made.expire_time).ok_or_else(|| told.empty())?;
    let it = Bearer { secret: Secret::new(made.access_token), beside: None };
    Ok(Token { it, since, life: life(Some(until), told.time) })
}
