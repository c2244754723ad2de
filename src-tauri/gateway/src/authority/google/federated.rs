//! Tokens for an identity that Google does not know itself: another cloud's, a company's directory's (RFC 8693).
//!
//! Somebody else's token is found where the file says, in a file, at an address, or as a program prints it, and is given
//! for one of Google's. As Google's `google.auth` asks (`identity_pool.py`, `pluggable.py`). Tokens of AWS's that are
//! signed requests, and certificates, are not made here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::super::client::basic;
use super::super::exchange::{Grant, exchange};
use super::super::program::{Program, run};
use super::super::question::{Question, Reach, ask};
use super::super::tokens::{Bearer, Token};
use super::super::{AuthorityError, Parts, unusable};
use super::SCOPE;
use super::credential::address;
use super::impersonated::speaking_for;

const TOKENS: &str = "https://sts.googleapis.com/v1/token";
/// Without it set to 1 Google's own tools run no program either: a file may come from a stranger.
const RUNS: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
/// How long a program may take that does not say it, and the longest that one may say: Google's own.
const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(120);

/// A file that names the identity.
#[derive(Deserialize)]
pub(super) struct Federated {
    audience: String,
    subject_token_type: String,
    credential_source: Source,
    #[serde(default)]
    token_url: Option<Url>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    workforce_pool_user_project: Option<String>,
    /// The service account that it speaks for.
    #[serde(default)]
    service_account_impersonation_url: Option<Url>,
    #[serde(default)]
    service_account_impersonation: Lifetime,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lifetime {
    token_lifetime_seconds: Option<u32>,
}

/// Where somebody else's token is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    File {
        file: PathBuf,
        #[serde(default)]
        format: Format,
    },
    Url {
        url: Url,
        #[serde(default)]
        headers: HashMap<String, String>,
        #[serde(default)]
        format: Format,
        /// Only AWS's has one, whose `url` tells no token.
        #[serde(default)]
        environment_id: Option<String>,
    },
    Executable {
        executable: Executable,
    },
    Other(#[expect(dead_code, reason = "it is no use, whatever it says")] Value),
}

#[derive(Deserialize)]
struct Executable {
    command: String,
    #[serde(default)]
    timeout_millis: Option<u64>,
    #[serde(default)]
    output_file: Option<String>,
}

/// How a token is written: alone, or in a field of JSON.
#[derive(Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format {
    #[default]
    Text,
    Json {
        subject_token_field_name: String,
    },
}

/// What a program prints.
#[derive(Deserialize)]
struct Printed {
    version: u32,
    success: bool,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    saml_response: Option<String>,
    #[serde(default)]
    expiration_time: Option<u64>,
}

impl Federated {
    pub(super) async fn token(&self, parts: &Parts) -> Result<Token<Bearer>, AuthorityError> {
        let theirs = self.theirs(parts).await?;
        let url = address(self.token_url.as_ref(), TOKENS)?;
        let basic = match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => Some(basic(id, secret)?),
            _ => None,
        };
        let user = self.workforce_pool_user_project.as_ref().filter(|_| basic.is_none());
        let options = user.map(|project| json!({"userProject": project}).to_string());
        let mut form = vec![
            ("audience", &*self.audience),
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", SCOPE),
            ("subject_token", &theirs),
            ("subject_token_type", &self.subject_token_type),
        ];
        form.extend(options.as_deref().map(|options| ("options", options)));
        let own = exchange(parts, &Grant { url: &url, basic, reach: Reach::Usual, form: &form }).await?;
        match &self.service_account_impersonation_url {
            Some(url) => {
                let seconds = self.service_account_impersonation.token_lifetime_seconds;
                speaking_for(parts, url, &[], seconds, &own.it).await
            }
            None => Ok(own),
        }
    }

    /// Somebody else's token.
    async fn theirs(&self, parts: &Parts) -> Result<Zeroizing<String>, AuthorityError> {
        match &self.credential_source {
            Source::File { file, format } => {
                let place = file.display().to_string();
                let text = tokio::fs::read(file).await.map(Zeroizing::new).map_err(|error| {
                    AuthorityError::Unusable(format!("the token in {place} cannot be read: {error}"))
                })?;
                format.read(&text, &place)
            }
            Source::Url { url, headers, format, environment_id: None } => {
                let pairs = headers.iter().map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
                let headers: Option<Vec<(HeaderName, HeaderValue)>> = pairs.collect();
                let headers = headers.ok_or_else(|| unusable("the `headers` of its `credential_source` are none"))?;
                let (method, body, headers) = (Method::GET, Bytes::new(), HeaderMap::from_iter(headers));
                let secrets: Vec<&str> = headers.values().filter_map(|value| value.to_str().ok()).collect();
                let question =
                    Question { method, url, headers: headers.clone(), body, secrets: &secrets, reach: Reach::Usual };
                let told = ask(parts, question).await?;
                format.read(&told.body, url.host_str().unwrap_or_default())
            }
            Source::Executable { executable } => self.printed(parts, executable).await,
            Source::Url { environment_id: Some(_), .. } | Source::Other(_) => Err(unusable(
                "its `credential_source` is neither a `file`, a `url` nor an `executable`: AWS's signed requests and \
                 certificates are not made here",
            )),
        }
    }

    /// A token as a program prints it.
    async fn printed(&self, parts: &Parts, executable: &Executable) -> Result<Zeroizing<String>, AuthorityError> {
        let named = "the `command` of its `credential_source`";
        let bad = |reason: &str| AuthorityError::Unusable(format!("{named} {reason}"));
        if parts.environment.get(RUNS) != Some("1") {
            return Err(bad(&format!("is run only where {RUNS} is 1 for Pointsman, as Google's own tools want it")));
        }
        let email = self.service_account_impersonation_url.as_ref().and_then(|url| {
            let (_, account) = url.path().rsplit_once('/')?;
            account.strip_suffix(":generateAccessToken")
        });
        let mut variables = vec![
            ("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", &*self.audience),
            ("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", &self.subject_token_type),
            ("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0"),
            ("GOOGLE_EXTERNAL_ACCOUNT_REVOKE", "0"),
        ];
        variables.extend(email.map(|email| ("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email)));
        let output = executable.output_file.as_deref();
        variables.extend(output.map(|file| ("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file)));
        let patience = executable.timeout_millis.map_or(PATIENCE, Duration::from_millis).min(LONGEST);
        let program = Program { named, line: &executable.command, variables: &variables, patience };
        let printed = run(parts, &program).await?;
        // What serde says of a fault may repeat the value, and the value is the secret.
        let printed: Option<Printed> = serde_json::from_slice(&printed).ok().filter(|it: &Printed| it.version == 1);
        let printed = printed.ok_or_else(|| {
            bad(r#"prints no token as Google wants it: {"version": 1, "success": true, "token_type": "...", ...}"#)
        })?;
        if !printed.success {
            return Err(bad("says that it failed: run it yourself to see why"));
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if printed.expiration_time.is_some_and(|until| until < now) {
            return Err(bad("prints a token that ran out"));
        }
        let saml = self.subject_token_type.ends_with(":saml2");
        let token = if saml { printed.saml_response } else { printed.id_token };
        token
            .map(Zeroizing::new)
            .ok_or_else(|| bad(if saml { "prints no `saml_response`" } else { "prints no `id_token`" }))
    }
}

impl Format {
    /// A token, as it is written at a place.
    fn read(&self, text: &[u8], place: &str) -> Result<Zeroizing<String>, AuthorityError> {
        let token = match self {
            Format::Text => str::from_utf8(text).ok().map(str::to_owned),
            Format::Json { subject_token_field_name: field } => serde_json::from_slice(text)
                .ok()
                .and_then(|mut body: Value| Some(body.get_mut(field)?.take().as_str()?.to_owned())),
        };
        token.filter(|token| !token.trim().is_empty()).map(Zeroizing::new).ok_or_else(|| {
            let reason = match self {
                Format::Text => "it is empty".to_owned(),
                Format::Json { subject_token_field_name: field } => format!("there is no text in its field `{field}`"),
            };
            AuthorityError::Unusable(format!("no token is in {place}: {reason}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_token_is_found_in_a_text() {
        let check = |format: &str, text: &str, expected: &str| {
            let format: Format = serde_json::from_str(format).unwrap();
            let read = format.read(text.as_bytes(), "/t").map(|token| token.to_string());
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{text}");
        };
        let json = r#"{"type":"json","subject_token_field_name":"access_token"}"#;
        check(r#"{"type":"text"}"#, "abc", "abc");
        check(r#"{"type":"text"}"#, " \n", "no token is in /t: it is empty");
        check(json, r#"{"access_token":"abc"}"#, "abc");
        check(json, r#"{"token":"abc"}"#, "no token is in /t: there is no text in its field `access_token`");
        check(json, "abc", "no token is in /t: there is no text in its field `access_token`");
    }

    #[test]
    fn sources_are_told_apart() {
        let check = |source: &str, expected: &str| {
            let kind = match serde_json::from_str(source).unwrap() {
                Source::File { .. } => "file",
                Source::Url { environment_id: None, .. } => "url",
                Source::Executable { .. } => "executable",
                Source::Url { .. } | Source::Other(_) => "none",
            };
            assert_eq!(kind, expected, "{source}");
        };
        check(r#"{"file":"/t"}"#, "file");
        check(r#"{"file":"/t","format":{"type":"text"}}"#, "file");
        check(r#"{"url":"https://a.example/t","headers":{"x":"y"}}"#, "url");
        check(r#"{"executable":{"command":"a","timeout_millis":5000}}"#, "executable");
        let aws = r#"{"environment_id":"aws1","region_verification_url":"u","url":"http://169.254.169.254/x"}"#;
        check(aws, "none");
        check(r#"{"certificate":{"use_default_certificate_config":true}}"#, "none");
    }
}
