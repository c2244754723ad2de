//! Keys that a program of the user's prints, as a profile's `credential_process` has it.
//!
//! It is run without a shell, sees the variables that Pointsman was started with, and is ended when it takes too long. What
//! it says of its failure is not repeated: nobody knows what stands there.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::super::{AuthorityError, Parts};
use super::keys::{Given, Keys};
use super::source::{Fetched, moment};

/// How long it may take: some ask a person to touch a key.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that it may print.
const LARGEST: u64 = 64 << 10;

/// A program, and the profile that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(super) profile: String,
    pub(super) line: String,
}

/// What it prints.
#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "Version")]
    version: u32,
    #[serde(flatten)]
    keys: Given,
    #[serde(default, rename = "Expiration")]
    expiration: Option<String>,
}

/// Runs it.
pub(super) async fn fetch(parts: &Parts, program: &Program) -> Result<Fetched, AuthorityError> {
    let bad = |reason: &str| {
        AuthorityError::Unusable(format!("the `credential_process` of the profile `{}` {reason}", program.profile))
    };
    if parts.upstream.is_local_only() {
        return Err(AuthorityError::LocalOnly("a program of yours".to_owned()));
    }
    // Windows writes its paths with what escapes elsewhere.
    let line = if cfg!(windows) { program.line.replace('\\', "\\\\") } else { program.line.clone() };
    let words = shlex::split(&line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| bad("cannot be read: a quote in it has no end"))?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command.env_clear();
    command.envs(parts.environment.names().filter_map(|name| Some((name, parts.environment.get(name)?))));
    let mut child = command.spawn().map_err(|error| bad(&format!("cannot be run: {error}")))?;
    let run = async {
        let mut printed = Zeroizing::new(Vec::new());
        if let Some(from) = child.stdout.take() {
            from.take(LARGEST).read_to_end(&mut printed).await?;
        }
        Ok::<_, std::io::Error>((child.wait().await?, printed))
    };
    let (status, printed) = tokio::time::timeout(PATIENCE, run)
        .await
        .map_err(|_| bad(&format!("did not end within {} seconds", PATIENCE.as_secs())))?
        .map_err(|error| bad(&format!("broke off: {error}")))?;
    if !status.success() {
        return Err(bad(&format!("failed ({status}): run it yourself to see why")));
    }
    let unreadable = || bad("prints no keys as AWS wants them: {\"Version\": 1, \"AccessKeyId\": \"...\", ...}");
    // What serde says of a fault may repeat the value, and the value is the secret.
    let printed: Printed = serde_json::from_slice(&printed).map_err(|_| unreadable())?;
    if printed.version != 1 {
        return Err(unreadable());
    }
    let until = match &printed.expiration {
        Some(text) => Some(moment(text).ok_or_else(unreadable)?),
        None => None,
    };
    Ok(Fetched::until(Keys::from(printed.keys), until, None))
}
