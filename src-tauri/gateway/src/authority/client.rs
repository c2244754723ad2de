//! An application's own name and secret, and the tokens that they get: RFC 6749 section 4.4, at Microsoft Entra and in a
//! Databricks workspace.
//!
//! The name stands in the account's settings, the secret is what is kept for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use url::Url;

use super::exchange::{Grant, exchange};
use super::question::Reach;
use super::tokens::{Bearer, Key, Moment, Token};
use super::{AuthorityError, Parts, Principal, unusable};
use crate::provider::hosted::EntraScope;

/// Where Entra is, unless the variable that Microsoft's own tools read says otherwise.
const ENTRA: &str = "https://login.microsoftonline.com";
const ENTRA_VARIABLE: &str = "AZURE_AUTHORITY_HOST";

/// An application.
pub(super) struct Client<'a> {
    id: &'a str,
    secret: &'a str,
}

/// The application that an account names, if it does.
pub(super) fn named<'a>(who: &Principal<'a>) -> Result<Option<Client<'a>>, AuthorityError> {
    match who.account.setting("client_id") {
        Some(id) => Ok(Some(Client { id, secret: key(who)? })),
        None => Ok(None),
    }
}

/// What is kept for an account.
pub(super) fn key<'a>(who: &Principal<'a>) -> Result<&'a str, AuthorityError> {
    who.secret.ok_or_else(|| unusable("it has no key; `pointsman keys add` gives it one"))
}

/// A token of Microsoft Entra's.
pub(super) async fn entra(
    parts: &Parts,
    who: &Principal<'_>,
    client: &Client<'_>,
    scope: EntraScope,
) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let tenant = who.account.setting("tenant").ok_or_else(|| unusable("it has a `client_id` and no `tenant`"))?;
    let host = parts.environment.get(ENTRA_VARIABLE).unwrap_or(ENTRA).trim_end_matches('/');
    let host = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let url = Url::parse(&format!("{host}/{tenant}/oauth2/v2.0/token"));
    let url = url.map_err(|_| AuthorityError::Unusable(format!("{ENTRA_VARIABLE} is no address")))?;
    let form = [
        ("client_id", client.id),
        ("client_secret", client.secret),
        ("grant_type", "client_credentials"),
        ("scope", scope.url()),
    ];
    let grant = Grant { url: &url, basic: None, reach: Reach::Usual, form: &form };
    granted(parts, who, &grant).await
}

/// A token of a Databricks workspace, which is where its models are.
pub(super) async fn databricks(
    parts: &Parts,
    who: &Principal<'_>,
    client: &Client<'_>,
) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let url = who.base.join("/oidc/v1/token").map_err(|_| unusable("its address cannot be used"))?;
    let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
    // The workspace is the endpoint itself.
    let (basic, reach) = (Some(basic(client.id, client.secret)?), Reach::Within(who.bounds));
    let grant = Grant { url: &url, basic, reach, form: &form };
    granted(parts, who, &grant).await
}

/// The header of RFC 7617.
pub(super) fn basic(name: &str, secret: &str) -> Result<HeaderValue, AuthorityError> {
    let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{secret}")));
    let mut value = HeaderValue::try_from(value).map_err(|_| unusable("no header can carry its secret"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The token of a question that means the same whenever it is asked.
pub(super) async fn granted(
    parts: &Parts,
    who: &Principal<'_>,
    grant: &Grant<'_>,
) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let make = async { Ok(exchange(parts, grant).await?) };
    parts.tokens.get(Key::of(who), Moment::now(), make).await
}
