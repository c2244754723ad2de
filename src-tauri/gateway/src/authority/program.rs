//! Runs a program of the user's that prints a credential.
//!
//! It is run without a shell, sees the variables that Pointsman was started with, and is ended when it takes too long. What
//! it says of its failure is not repeated: nobody knows what stands there. What it prints is its caller's to read.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{AuthorityError, Parts};

/// The most that it may print.
const LARGEST: u64 = 64 << 10;

/// A program, and where it is named.
pub(super) struct Program<'a> {
    /// In words.
    pub(super) named: &'a str,
    /// As a shell would be told it.
    pub(super) line: &'a str,
    /// Variables that it is told beside those of Pointsman's.
    pub(super) variables: &'a [(&'a str, &'a str)],
    /// How long it may take.
    pub(super) patience: Duration,
}

/// What it prints.
pub(super) async fn run(parts: &Parts, program: &Program<'_>) -> Result<Zeroizing<Vec<u8>>, AuthorityError> {
    let bad = |reason: &str| AuthorityError::Unusable(format!("{} {reason}", program.named));
    if parts.upstream.is_local_only() {
        return Err(AuthorityError::LocalOnly("a program of yours".to_owned()));
    }
    // Windows writes its paths with what escapes elsewhere.
    let line = if cfg!(windows) { program.line.replace('\\', "\\\\") } else { program.line.to_owned() };
    let words = shlex::split(&line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| bad("cannot be read: a quote in it has no end"))?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command.env_clear();
    command.envs(parts.environment.names().filter_map(|name| Some((name, parts.environment.get(name)?))));
    command.envs(program.variables.iter().copied());
    let mut child = command.spawn().map_err(|error| bad(&format!("cannot be run: {error}")))?;
    let ran = async {
        let mut printed = Zeroizing::new(Vec::new());
        if let Some(from) = child.stdout.take() {
            from.take(LARGEST).read_to_end(&mut printed).await?;
        }
        Ok::<_, std::io::Error>((child.wait().await?, printed))
    };
    let (status, printed) = tokio::time::timeout(program.patience, ran)
        .await
        .map_err(|_| bad(&format!("did not end within {} seconds", program.patience.as_secs())))?
        .map_err(|error| bad(&format!("broke off: {error}")))?;
    if !status.success() {
        return Err(bad(&format!("failed ({status}): run it yourself to see why")));
    }
    Ok(printed)
}
