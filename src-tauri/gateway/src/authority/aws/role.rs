//! Keys of another role, which AWS's token service gives to whoever may take it.
//!
//! Two questions of its query API: signed with the keys of who takes the role, or with a token of another identity
//! provider's in place of a signature. The token is read from its file each time, since whoever wrote it renews it.

use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::{Method, Request};
use url::form_urlencoded;

use super::super::moment::moment;
use super::super::question::{Denied, Question, Reach, ask, element};
use super::super::{AuthorityError, Parts, unusable};
use super::keys::Keys;
use super::service;
use super::signature::{Scope, sign};
use super::source::Fetched;

/// The name of a session that has none: it stands in the account's records.
const NAME: &str = "pointsman";

/// A role, as a profile names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Role {
    pub(super) arn: String,
    pub(super) session: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) seconds: Option<String>,
    /// Where it is asked for, if not where the models are.
    pub(super) region: Option<String>,
}

/// The keys of a role, by those of who takes it.
pub(super) async fn take(parts: &Parts, region: &str, role: &Role, by: &Keys) -> Result<Fetched, AuthorityError> {
    let at = async |now: SystemTime| asked(parts, region, role, Proof::Keys(by, now)).await;
    let now = SystemTime::now();
    let taken = match at(now).await {
        Err(denied) => match denied.their_clock(now) {
            Some(there) => at(there).await,
            None => Err(denied),
        },
        taken => taken,
    };
    Ok(taken?)
}

/// The same by a token that stands in a file.
pub(super) async fn take_by_token(
    parts: &Parts,
    region: &str,
    role: &Role,
    file: &Path,
) -> Result<Fetched, AuthorityError> {
    let token = tokio::fs::read_to_string(file).await.map_err(|error| {
        AuthorityError::Unusable(format!("its web identity token, {}, cannot be read: {error}", file.display()))
    })?;
    Ok(asked(parts, region, role, Proof::Token(token.trim())).await?)
}

/// Who takes a role.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Keys(&'a Keys, SystemTime),
    Token(&'a str),
}

async fn asked(parts: &Parts, region: &str, role: &Role, proof: Proof<'_>) -> Result<Fetched, Denied> {
    let own = |error| Denied { error, time: None };
    let region = role.region.as_deref().unwrap_or(region);
    let url = service(&parts.environment, "STS", "sts", region).map_err(own)?;
    let url = url.join("/").map_err(|_| own(unusable("AWS's token service has no address")))?;
    let (action, token) = match proof {
        Proof::Keys(..) => ("AssumeRole", None),
        Proof::Token(token) => ("AssumeRoleWithWebIdentity", Some(token)),
    };
    let said = [
        ("Action", Some(action)),
        ("Version", Some("2011-06-15")),
        ("RoleArn", Some(&*role.arn)),
        ("RoleSessionName", Some(role.session.as_deref().unwrap_or(NAME))),
        ("ExternalId", role.external_id.as_deref().filter(|_| token.is_none())),
        ("DurationSeconds", role.seconds.as_deref()),
        ("WebIdentityToken", token),
    ];
    let form = said.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let body = Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
    let mut secrets: Vec<&str> = token.into_iter().chain(role.external_id.as_deref()).collect();
    if let Proof::Keys(keys, at) = proof {
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| own(unusable("AWS's token service has no address")))?;
        headers.insert(HOST, host);
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        sign(keys, &Scope { service: "sts", region, at }, &mut request, std::slice::from_ref(&body))
            .map_err(|error| own(AuthorityError::Unusable(format!("its role cannot be asked for: {error}"))))?;
        headers = request.into_parts().0.headers;
        secrets.extend([keys.secret.expose()].into_iter().chain(keys.session.as_ref().map(|it| it.expose())));
    }
    let told =
        ask(parts, Question { method: Method::POST, url: &url, headers, body, secrets: &secrets, reach: Reach::Usual })
            .await?;
    let text = String::from_utf8_lossy(&told.body);
    let field = |name: &str| element(&text, name).map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned);
    let (Some(id), Some(secret), Some(session)) =
        (field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken"))
    else {
        return Err(told.empty());
    };
    let until = field("Expiration").and_then(|text| moment(&text));
    Ok(Fetched::until(Keys::new(id, secret, Some(session)), until, told.time))
}
