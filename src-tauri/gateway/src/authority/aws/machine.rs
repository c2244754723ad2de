//! Keys that one of AWS's own machines gives to what runs on it: an instance of EC2, a container, a pod.
//!
//! Asked only where an account's settings name which. An instance is asked by the second version of its protocol alone,
//! whose first question no page in a browser and no open proxy can be made to ask.

use std::time::SystemTime;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::super::moment::moment;
use super::super::question::{Question, Reach, Told, ask};
use super::super::{AuthorityError, Parts, unusable};
use super::keys::{Given, Keys};
use super::source::Fetched;
use crate::environment::Environment;

const INSTANCE: &str = "http://169.254.169.254";
const CONTAINER: &str = "http://169.254.170.2";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const SECONDS: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");

/// What gives keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    /// An instance, by its metadata service.
    Ec2,
    /// What runs a container or a pod, by the address that the container's variables have.
    Container,
}

/// Keys as a machine gives them.
#[derive(Deserialize)]
struct Printed {
    #[serde(flatten)]
    keys: Given,
    #[serde(default, rename = "Expiration")]
    expiration: Option<String>,
}

impl Machine {
    /// What an account's settings name.
    pub(super) fn named(name: &str) -> Option<Machine> {
        match name {
            "ec2" => Some(Machine::Ec2),
            "container" => Some(Machine::Container),
            _ => None,
        }
    }

    /// What a profile's `credential_source` names.
    pub(super) fn of_profile(source: &str) -> Option<(Machine, &'static str)> {
        match source {
            "Ec2InstanceMetadata" => Some((Machine::Ec2, "ec2")),
            "EcsContainer" => Some((Machine::Container, "container")),
            _ => None,
        }
    }
}

/// Asks for keys.
pub(super) async fn fetch(parts: &Parts, machine: Machine) -> Result<Fetched, AuthorityError> {
    match machine {
        Machine::Ec2 => of_instance(parts).await,
        Machine::Container => of_container(parts).await,
    }
}

async fn of_instance(parts: &Parts) -> Result<Fetched, AuthorityError> {
    let environment = &parts.environment;
    if environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|said| said.eq_ignore_ascii_case("true")) {
        return Err(unusable("its machine's metadata may not be asked: AWS_EC2_METADATA_DISABLED says so"));
    }
    let base = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(INSTANCE);
    let bad = || unusable("AWS_EC2_METADATA_SERVICE_ENDPOINT is no address");
    let at = |path: &str| Url::parse(base).and_then(|base| base.join(path)).map_err(|_| bad());
    let hours = HeaderMap::from_iter([(SECONDS, HeaderValue::from_static("21600"))]);
    let token = asked(parts, Method::PUT, &at("/latest/api/token")?, hours, &[]).await?;
    let token = text(&token);
    let mut carried = HeaderValue::from_str(token).map_err(|_| unusable("its machine's metadata gives no token"))?;
    carried.set_sensitive(true);
    let headers = HeaderMap::from_iter([(TOKEN, carried)]);
    let roles = asked(parts, Method::GET, &at(ROLES)?, headers.clone(), &[token]).await?;
    let role = text(&roles).lines().next().unwrap_or_default().trim();
    // It stands in a path, and a role's name has nothing that could lead elsewhere.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if role.is_empty() || !role.bytes().all(fits) {
        return Err(unusable("its machine has no role"));
    }
    let told = asked(parts, Method::GET, &at(&format!("{ROLES}{role}"))?, headers, &[token]).await?;
    fetched(&told)
}

async fn of_container(parts: &Parts) -> Result<Fetched, AuthorityError> {
    let environment = &parts.environment;
    let url = match environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => Url::parse(CONTAINER).and_then(|base| base.join(path)).ok(),
        None => Url::parse(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").ok_or_else(|| {
            unusable("it runs in no container of AWS's: no AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
        })?)
        .ok(),
    };
    let url = url.ok_or_else(|| unusable("AWS_CONTAINER_CREDENTIALS_FULL_URI is no address"))?;
    let token = container_token(environment).await?;
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    if let Some(token) = &token {
        let mut carried = HeaderValue::from_str(token)
            .map_err(|_| unusable("no header can carry AWS_CONTAINER_AUTHORIZATION_TOKEN"))?;
        carried.set_sensitive(true);
        headers.insert(AUTHORIZATION, carried);
    }
    let secrets: Vec<&str> = token.iter().map(String::as_str).collect();
    fetched(&asked(parts, Method::GET, &url, headers, &secrets).await?)
}

/// With what a container proves who it is; a file changes while it runs.
async fn container_token(environment: &Environment) -> Result<Option<String>, AuthorityError> {
    let Some(file) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
        return Ok(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned));
    };
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|error| AuthorityError::Unusable(format!("{file} cannot be read: {error}")))?;
    Ok(Some(text.trim().to_owned()))
}

async fn asked(
    parts: &Parts,
    method: Method,
    url: &Url,
    headers: HeaderMap,
    secrets: &[&str],
) -> Result<Told, AuthorityError> {
    let question = Question { method, url, headers, body: Bytes::new(), secrets, reach: Reach::Metadata };
    Ok(ask(parts, question).await?)
}

fn fetched(told: &Told) -> Result<Fetched, AuthorityError> {
    // What serde says of a fault may repeat the value, and the value is the secret.
    let printed: Printed = serde_json::from_slice(&told.body).map_err(|_| told.empty())?;
    let until: Option<SystemTime> = printed.expiration.as_deref().and_then(moment);
    Ok(Fetched::until(Keys::from(printed.keys), until, told.time))
}

fn text(told: &Told) -> &str {
    str::from_utf8(&told.body).unwrap_or_default().trim()
}
