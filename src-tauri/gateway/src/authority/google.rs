//! A token of Google's: for a service account's key file, or for what Google's own tools keep on this machine.
//!
//! A key file signs a statement about itself (RFC 7523), a user's file has a token that gets others (RFC 6749 section 6).
//! The machine's own service account, which only a machine of Google's has, is asked where the account's settings say so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::exchange::{Grant, bearer, exchange};
use super::question::{Denied, Question, Reach};
use super::tokens::{Bearer, Key, Moment, Token};
use super::{AuthorityError, Parts, Principal, unusable};

const TOKENS: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where Google's own tools look first.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// The metadata server of Google's machines, unless the variable that Google's own tools read says otherwise. By its address:
/// a name could lead anywhere.
const MACHINE: &str = "169.254.169.254";
const MACHINE_NAME: &str = "metadata.google.internal";
const MACHINE_VARIABLE: &str = "GCE_METADATA_HOST";
/// As long as Google allows.
const STATEMENT: Duration = Duration::from_secs(3600);

/// What proves who asks, as Google writes it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Credential {
    ServiceAccount {
        client_email: String,
        private_key: String,
        #[serde(default)]
        private_key_id: Option<String>,
        #[serde(default)]
        token_uri: Option<Url>,
        #[serde(default)]
        quota_project_id: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        #[serde(default)]
        token_uri: Option<Url>,
        #[serde(default)]
        quota_project_id: Option<String>,
    },
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

/// The token of an account.
pub(super) async fn token(parts: &Parts, who: &Principal<'_>) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let make = async {
        let text = match who.secret {
            Some(secret) => secret.to_owned(),
            None if who.account.setting("metadata").is_some() && !keeps(parts).await => return of_machine(parts).await,
            None => found(parts).await?,
        };
        make(parts, &credential(&text)?).await
    };
    parts.tokens.get(Key::of(who), Moment::now(), make).await
}

/// Whether Google's own tools keep something on this machine.
async fn keeps(parts: &Parts) -> bool {
    parts.environment.get(VARIABLE).is_some() || tokio::fs::try_exists(well_known(parts)).await.unwrap_or(true)
}

/// A token of the machine's own service account.
async fn of_machine(parts: &Parts) -> Result<Token<Bearer>, AuthorityError> {
    let host = parts.environment.get(MACHINE_VARIABLE).filter(|host| *host != MACHINE_NAME).unwrap_or(MACHINE);
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
    let url = Url::parse_with_params(&url, [("scopes", SCOPE)]);
    let url = url.map_err(|_| AuthorityError::Unusable(format!("{MACHINE_VARIABLE} is no address")))?;
    // Without it nothing is answered: no page in a browser can send it.
    let flavor = (HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
    let (method, headers, body) = (Method::GET, HeaderMap::from_iter([flavor]), Bytes::new());
    let question = Question { method, url: &url, headers, body, secrets: &[], reach: Reach::Metadata };
    Ok(bearer(parts, question).await?)
}

/// What Google's own tools keep on this machine.
async fn found(parts: &Parts) -> Result<String, AuthorityError> {
    let path = match parts.environment.get(VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => well_known(parts),
    };
    tokio::fs::read_to_string(&path).await.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "is not there".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        AuthorityError::Unusable(format!(
            "no key file is kept for it, and {} {reason}: give it one, as in `pointsman keys add vertexai < key.json`, or \
             run `gcloud auth application-default login`",
            path.display()
        ))
    })
}

fn well_known(parts: &Parts) -> PathBuf {
    let config = match parts.environment.get("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => match parts.environment.get("APPDATA") {
            Some(folder) if cfg!(windows) => PathBuf::from(folder).join("gcloud"),
            _ => parts.folders.home.join(".config").join("gcloud"),
        },
    };
    config.join("application_default_credentials.json")
}

fn credential(text: &str) -> Result<Credential, AuthorityError> {
    // What serde says of a fault may repeat the value, and the value is the secret.
    serde_json::from_str(text).map_err(|_| {
        unusable("what is kept for it is neither the key file of a service account nor a user's file of gcloud's")
    })
}

async fn make(parts: &Parts, credential: &Credential) -> Result<Token<Bearer>, AuthorityError> {
    let usual = || Url::parse(TOKENS).map_err(|_| unusable("Google has no address"));
    let url = |stated: &Option<Url>| stated.clone().map_or_else(usual, Ok);
    let (mut token, quota) = match credential {
        Credential::ServiceAccount { client_email, private_key, private_key_id, token_uri, quota_project_id } => {
            let url = url(token_uri)?;
            let key = EncodingKey::from_rsa_pem(private_key.as_bytes());
            let key = key.map_err(|_| unusable("the `private_key` of its key file cannot be read"))?;
            let mut header = Header::new(Algorithm::RS256);
            header.kid.clone_from(private_key_id);
            let at = async |now: SystemTime| {
                let iat = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let exp = (iat + STATEMENT).as_secs();
                let claims = Claims { iat: iat.as_secs(), exp, iss: client_email, aud: url.as_str(), scope: SCOPE };
                let bad = |_| Denied { error: unusable("its key file cannot sign"), time: None };
                let assertion = encode(&header, &claims, &key).map_err(bad)?;
                let form = [("assertion", &*assertion), ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")];
                exchange(parts, &Grant { url: &url, basic: None, reach: Reach::Usual, form: &form }).await
            };
            let now = SystemTime::now();
            let made = match at(now).await {
                Err(denied) => match denied.their_clock(now) {
                    Some(there) => at(there).await,
                    None => Err(denied),
                },
                made => made,
            };
            (made?, quota_project_id)
        }
        Credential::AuthorizedUser { client_id, client_secret, refresh_token, token_uri, quota_project_id } => {
            let form = [
                ("client_id", &**client_id),
                ("client_secret", client_secret),
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token),
                ("scope", SCOPE),
            ];
            let grant = Grant { url: &url(token_uri)?, basic: None, reach: Reach::Usual, form: &form };
            (exchange(parts, &grant).await?, quota_project_id)
        }
    };
    if let Some(project) = quota.as_deref().and_then(|project| HeaderValue::from_str(project).ok()) {
        token.it.beside = Some((HeaderName::from_static("x-goog-user-project"), project));
    }
    Ok(token)
}
