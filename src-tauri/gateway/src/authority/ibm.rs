//! A token of IBM's identity service for an API key.

use std::sync::Arc;

use url::Url;

use super::client::{basic, granted, key};
use super::exchange::Grant;
use super::question::Reach;
use super::tokens::{Bearer, Token};
use super::{AuthorityError, Parts, Principal};

/// Where it is made, unless a variable says otherwise: accounts of governments have another place.
const IAM: &str = "https://iam.cloud.ibm.com/identity/token";
const IAM_VARIABLE: &str = "WATSONX_IAM_URL";

/// The token of an account.
pub(super) async fn token(parts: &Parts, who: &Principal<'_>) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let url = Url::parse(parts.environment.get(IAM_VARIABLE).unwrap_or(IAM));
    let url = url.map_err(|_| AuthorityError::Unusable(format!("{IAM_VARIABLE} is no address")))?;
    let form = [("apikey", key(who)?), ("grant_type", "urn:ibm:params:oauth:grant-type:apikey")];
    // The name and the secret of every program that has none of its own.
    let grant = Grant { url: &url, basic: Some(basic("bx", "bx")?), reach: Reach::Usual, form: &form };
    granted(parts, who, &grant).await
}
