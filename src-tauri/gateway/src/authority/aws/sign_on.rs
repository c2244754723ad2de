//! Keys for whoever signed on to IAM Identity Center by AWS's own command.
//!
//! `aws sso login` leaves a token in a file, which is renewed here as AWS's tools renew it, and kept where they keep it:
//! the service takes each token of renewal once, so that one kept to ourselves would sign the user off everywhere else.
//! Nobody is signed on from here.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::super::moment::{moment, written};
use super::super::question::{Question, Reach, ask};
use super::super::{AuthorityError, Parts, unusable};
use super::keys::Keys;
use super::service;
use super::source::Fetched;
use crate::replace;

/// A token is renewed so long before it runs out.
const EARLY: Duration = Duration::from_secs(900);
/// The header that carries it.
const HEADER: HeaderName = HeaderName::from_static("x-amz-sso_bearer_token");

/// What a profile says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignOn {
    pub(super) profile: String,
    /// A section of its own; older profiles say all themselves, and their tokens are not renewed.
    pub(super) session: Option<String>,
    pub(super) start: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) role: String,
}

/// What `aws sso login` leaves.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    access_token: String,
    expires_at: String,
    #[serde(flatten)]
    renewal: Option<Renewal>,
}

/// With what a token is renewed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewal {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    registration_expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewed {
    access_token: String,
    expires_in: u64,
    #[serde(default)]
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    role_credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// Milliseconds since 1970.
    expiration: u64,
}

/// The keys of the profile's role.
pub(super) async fn fetch(parts: &Parts, sign_on: &SignOn) -> Result<Fetched, AuthorityError> {
    let token = token(parts, sign_on).await?;
    let mut url = service(&parts.environment, "SSO", "portal.sso", &sign_on.region)?
        .join("/federation/credentials")
        .map_err(|_| unusable("its sign-on has no address"))?;
    url.query_pairs_mut().append_pair("role_name", &sign_on.role).append_pair("account_id", &sign_on.account);
    let mut carried = HeaderValue::from_str(&token).map_err(|_| ended(sign_on))?;
    carried.set_sensitive(true);
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json")), (HEADER, carried)]);
    let question = Question {
        method: Method::GET,
        url: &url,
        headers,
        body: Bytes::new(),
        secrets: &[&token],
        reach: Reach::Usual,
    };
    let told = ask(parts, question).await.map_err(|denied| match denied.error {
        AuthorityError::Refused { status: 401, .. } => ended(sign_on),
        error => error,
    })?;
    let given = serde_json::from_slice::<Given>(&told.body).map_err(|_| told.empty())?.role_credentials;
    let keys = Keys::new(given.access_key_id, given.secret_access_key, Some(given.session_token));
    let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(given.expiration));
    Ok(Fetched::until(keys, until, told.time))
}

/// The token that the sign-on left, or a newer one.
async fn token(parts: &Parts, sign_on: &SignOn) -> Result<String, AuthorityError> {
    // A token of renewal is taken once: whoever comes second reads what the first one wrote.
    let _turn = parts.renewal.lock().await;
    let file = file(&parts.folders.home, sign_on);
    let text = tokio::fs::read_to_string(&file).await.map(Zeroizing::new).map_err(|_| {
        AuthorityError::Unusable(format!(
            "nobody has signed on for the profile `{name}`: run `aws sso login --profile {name}`",
            name = sign_on.profile
        ))
    })?;
    let left: Left = serde_json::from_str(&text).map_err(|_| ended(sign_on))?;
    let now = SystemTime::now();
    let rest = moment(&left.expires_at).and_then(|until| until.duration_since(now).ok()).unwrap_or_default();
    if rest > EARLY {
        return Ok(left.access_token);
    }
    let renewal = left.renewal.filter(|renewal| {
        sign_on.session.is_some() && moment(&renewal.registration_expires_at).is_some_and(|until| until > now)
    });
    let renewed = match renewal {
        Some(renewal) => renew(parts, sign_on, &renewal, &file).await,
        None => Err(ended(sign_on)),
    };
    match renewed {
        Ok(token) => Ok(token),
        Err(_) if !rest.is_zero() => Ok(left.access_token),
        Err(AuthorityError::Refused { .. }) => Err(ended(sign_on)),
        Err(error) => Err(error),
    }
}

/// A new token, kept where the old one was.
async fn renew(parts: &Parts, sign_on: &SignOn, renewal: &Renewal, file: &Path) -> Result<String, AuthorityError> {
    let url = service(&parts.environment, "SSO_OIDC", "oidc", &sign_on.region)?
        .join("/token")
        .map_err(|_| unusable("its sign-on has no address"))?;
    let body = json!({
        "clientId": renewal.client_id, "clientSecret": renewal.client_secret,
        "grantType": "refresh_token", "refreshToken": renewal.refresh_token,
    });
    let kind = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(ACCEPT, kind.clone()), (CONTENT_TYPE, kind)]);
    let secrets = [&*renewal.client_secret, &*renewal.refresh_token];
    let body = Bytes::from(body.to_string());
    let told =
        ask(parts, Question { method: Method::POST, url: &url, headers, body, secrets: &secrets, reach: Reach::Usual })
            .await?;
    let renewed: Renewed = serde_json::from_slice(&told.body).map_err(|_| told.empty())?;
    let until = SystemTime::now().checked_add(Duration::from_secs(renewed.expires_in)).and_then(written);
    let token = renewed.access_token.clone();
    let file = file.to_path_buf();
    let kept = tokio::task::spawn_blocking(move || keep(&file, &renewed, until.as_deref())).await;
    if !matches!(kept, Ok(Ok(_))) {
        tracing::warn!("the renewed token of `aws sso login` could not be kept; signing on again may be needed");
    }
    Ok(token)
}

/// Puts a new token into the file, whose other fields stay.
fn keep(file: &Path, renewed: &Renewed, until: Option<&str>) -> Result<bool, replace::Fault> {
    replace::edit(file, |old| {
        let mut fields: Map<String, Value> = old.and_then(|old| serde_json::from_str(old).ok()).unwrap_or_default();
        fields.insert("accessToken".to_owned(), renewed.access_token.clone().into());
        fields.extend(until.map(|until| ("expiresAt".to_owned(), until.into())));
        fields.extend(renewed.refresh_token.clone().map(|token| ("refreshToken".to_owned(), token.into())));
        Ok(Some(Value::Object(fields).to_string()))
    })
}

/// Where `aws sso login` leaves it.
fn file(home: &Path, sign_on: &SignOn) -> PathBuf {
    let name = digest(&SHA1_FOR_LEGACY_USE_ONLY, sign_on.session.as_ref().unwrap_or(&sign_on.start).as_bytes());
    let name: String = name.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    home.join(".aws").join("sso").join("cache").join(name).with_extension("json")
}

fn ended(sign_on: &SignOn) -> AuthorityError {
    AuthorityError::Unusable(format!(
        "the sign-on of the profile `{name}` has run out: run `aws sso login --profile {name}`",
        name = sign_on.profile
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lies_where_awss_own_command_leaves_it() {
        let sign_on = |session: Option<&str>| SignOn {
            profile: "work".to_owned(),
            session: session.map(str::to_owned),
            start: "https://d-1234567890.awsapps.com/start".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "1".to_owned(),
            role: "r".to_owned(),
        };
        let check = |session: Option<&str>, expected: &str| {
            assert_eq!(file(Path::new("/h"), &sign_on(session)), Path::new("/h/.aws/sso/cache").join(expected));
        };
        // `printf my-sso | sha1sum`
        check(Some("my-sso"), "0ad374308c5a4e22f723adf10145eafad7c4031c.json");
        check(None, "7487b5b67d5fa1132cf33fa93ae51ef38cc37752.json");
    }
}
