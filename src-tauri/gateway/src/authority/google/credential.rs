//! What proves who asks, as Google writes it: the files of `google.auth`'s `default`, which Google's AIP-4110 lists.
//!
//! A service account's key file signs a statement about itself (RFC 7523), a user's file has a token that gets others (RFC
//! 6749 section 6). The tokens of other identities come from `federated`, and those of a service account that somebody else
//! may speak for from `impersonated`.

use std::time::{Duration, SystemTime};

use http::header::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::client::basic;
use super::super::exchange::{Grant, exchange};
use super::super::question::{Denied, Reach};
use super::super::tokens::{Bearer, Token};
use super::super::{AuthorityError, Parts, unusable};
use super::SCOPE;
use super::federated::Federated;
use super::impersonated::Impersonated;

const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// As long as Google allows.
const STATEMENT: Duration = Duration::from_secs(3600);

/// A file.
#[derive(Deserialize)]
pub(super) struct Credential {
    #[serde(flatten)]
    proof: Proof,
    /// The project that pays, where that is not the one that is asked.
    #[serde(default)]
    quota_project_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Proof {
    ServiceAccount(ServiceAccount),
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        #[serde(default)]
        token_uri: Option<Url>,
    },
    /// A user of a company's own directory, who signed in there.
    ExternalAccountAuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_url: Url,
    },
    ExternalAccount(Box<Federated>),
    ImpersonatedServiceAccount(Impersonated),
}

#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    token_uri: Option<Url>,
}

/// The statement of a service account.
#[derive(Serialize)]
struct Claims<'a> {
    iat: u64,
    exp: u64,
    iss: &'a str,
    aud: &'a str,
    scope: &'a str,
}

impl Credential {
    /// Reads a file.
    pub(super) fn read(text: &str) -> Result<Credential, AuthorityError> {
        // What serde says of a fault may repeat the value, and the value is the secret.
        serde_json::from_str(text).map_err(|_| {
            unusable(
                "what is kept for it is neither the key file of a service account nor a credential file of gcloud's",
            )
        })
    }

    /// A token for whom it is of.
    pub(super) async fn token(&self, parts: &Parts) -> Result<Token<Bearer>, AuthorityError> {
        let mut token = match &self.proof {
            Proof::ServiceAccount(account) => account.token(parts).await?,
            Proof::AuthorizedUser { client_id, client_secret, refresh_token, token_uri } => {
                let url = address(token_uri.as_ref(), TOKENS)?;
                let form = [
                    ("client_id", &**client_id),
                    ("client_secret", client_secret),
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token),
                    ("scope", SCOPE),
                ];
                exchange(parts, &Grant { url: &url, basic: None, reach: Reach::Usual, form: &form }).await?
            }
            Proof::ExternalAccountAuthorizedUser { client_id, client_secret, refresh_token, token_url } => {
                let basic = Some(basic(client_id, client_secret)?);
                let form = [("grant_type", "refresh_token"), ("refresh_token", &**refresh_token)];
                exchange(parts, &Grant { url: token_url, basic, reach: Reach::Usual, form: &form }).await?
            }
            Proof::ExternalAccount(federated) => federated.token(parts).await?,
            Proof::ImpersonatedServiceAccount(impersonated) => Box::pin(impersonated.token(parts)).await?,
        };
        let quota = self.quota_project_id.as_deref().and_then(|project| HeaderValue::from_str(project).ok());
        token.it.beside = quota.map(|project| (HeaderName::from_static("x-goog-user-project"), project));
        Ok(token)
    }
}

impl ServiceAccount {
    async fn token(&self, parts: &Parts) -> Result<Token<Bearer>, AuthorityError> {
        let url = address(self.token_uri.as_ref(), TOKENS)?;
        let key = EncodingKey::from_rsa_pem(self.private_key.as_bytes());
        let key = key.map_err(|_| unusable("the `private_key` of its key file cannot be read"))?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.private_key_id);
        let at = async |now: SystemTime| {
            let iat = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let exp = (iat + STATEMENT).as_secs();
            let claims = Claims { iat: iat.as_secs(), exp, iss: &self.client_email, aud: url.as_str(), scope: SCOPE };
            let bad = |_| Denied { error: unusable("its key file cannot sign"), time: None };
            let assertion = encode(&header, &claims, &key).map_err(bad)?;
            let form = [("assertion", &*assertion), ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")];
            exchange(parts, &Grant { url: &url, basic: None, reach: Reach::Usual, form: &form }).await
        };
        let now = SystemTime::now();
        match at(now).await {
            Err(denied) => match denied.their_clock(now) {
                Some(there) => Ok(at(there).await?),
                None => Err(denied.into()),
            },
            made => Ok(made?),
        }
    }
}

/// Where tokens are asked for, where a file says it or not.
pub(super) fn address(stated: Option<&Url>, usual: &str) -> Result<Url, AuthorityError> {
    stated.cloned().map_or_else(|| Url::parse(usual).map_err(|_| unusable("Google has no address")), Ok)
}
