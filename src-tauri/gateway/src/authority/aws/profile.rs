//! A profile as AWS's own tools keep it, in `~/.aws/credentials` and `~/.aws/config`.
//!
//! Keys that stand there are read. Those that must be fetched first (a sign-on, another role, a program of the user's) are
//! not: AWS's command prints them, and what it prints can be given to Pointsman.

use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};

use super::super::AuthorityError;
use super::keys::Keys;
use crate::environment::Environment;

/// Reads a profile's keys.
pub(super) async fn read(environment: &Environment, home: &Path, name: &str) -> Result<Keys, AuthorityError> {
    let place =
        |variable, usual: &str| environment.get(variable).map_or_else(|| home.join(".aws").join(usual), PathBuf::from);
    let credentials = file(&place("AWS_SHARED_CREDENTIALS_FILE", "credentials")).await;
    let config = file(&place("AWS_CONFIG_FILE", "config")).await;
    // The one writes `[work]`, the other `[profile work]`.
    let whole = format!("profile {name}");
    let sections = [(&credentials, name), (&config, &*whole), (&config, name)];
    let said =
        |key: &str| sections.iter().find_map(|(file, section)| file.get(section, key)).filter(|it| !it.is_empty());
    if let (Some(id), Some(secret)) = (said("aws_access_key_id"), said("aws_secret_access_key")) {
        return Ok(Keys::new(id, secret, said("aws_session_token")));
    }
    let how = [
        ("sso_session", "signs on by SSO"),
        ("sso_start_url", "signs on by SSO"),
        ("role_arn", "takes another role"),
        ("credential_process", "asks a program for its keys"),
        ("login_session", "signs on in a browser"),
    ];
    Err(AuthorityError::Unusable(match how.into_iter().find(|(key, _)| said(key).is_some()) {
        Some((_, how)) => format!(
            "the profile `{name}` {how}, which Pointsman does not: store what \
             `aws configure export-credentials --profile {name}` prints"
        ),
        None => format!("there is no profile `{name}` with keys in {}", home.join(".aws").display()),
    }))
}

/// A file's sections; one that is not there has none.
async fn file(path: &Path) -> Ini {
    let mut rules = IniDefault::default();
    rules.delimiters = vec!['='];
    // A secret may hold both.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    if let Ok(text) = tokio::fs::read_to_string(path).await {
        // What cannot be read names no profile, and is told as such.
        let _ = ini.read(text);
    }
    ini
}
