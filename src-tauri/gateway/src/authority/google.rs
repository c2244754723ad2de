//! A token of Google's: for a file that is kept for an account, or for what Google's own tools keep on this machine.
//!
//! What such a file proves is `credential`'s business. The machine's own service account, which only a machine of Google's
//! has, is asked where the account's settings say so.

mod credential;
mod federated;
mod impersonated;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::exchange::bearer;
use super::question::{Question, Reach};
use super::tokens::{Bearer, Key, Moment, Token};
use super::{AuthorityError, Parts, Principal};
use credential::Credential;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where Google's own tools look first.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// The metadata server of Google's machines, unless the variable that Google's own tools read says otherwise. By its address:
/// a name could lead anywhere.
const MACHINE: &str = "169.254.169.254";
const MACHINE_NAME: &str = "metadata.google.internal";
const MACHINE_VARIABLE: &str = "GCE_METADATA_HOST";

/// The token of an account.
pub(super) async fn token(parts: &Parts, who: &Principal<'_>) -> Result<Arc<Token<Bearer>>, AuthorityError> {
    let make = async {
        let text = match who.secret {
            Some(secret) => secret.to_owned(),
            None if who.account.setting("metadata").is_some() && !keeps(parts).await => return of_machine(parts).await,
            None => found(parts).await?,
        };
        Credential::read(&text)?.token(parts).await
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
