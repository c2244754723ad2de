//! Keys that a program of the user's prints, as a profile's `credential_process` has it.

use std::time::Duration;

use serde::Deserialize;

use super::super::moment::moment;
use super::super::program::{Program, run};
use super::super::{AuthorityError, Parts};
use super::keys::{Given, Keys};
use super::source::Fetched;

/// How long it may take: some ask a person to touch a key.
const PATIENCE: Duration = Duration::from_secs(30);

/// A profile, and the program that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
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
pub(super) async fn fetch(parts: &Parts, process: &Process) -> Result<Fetched, AuthorityError> {
    let named = format!("the `credential_process` of the profile `{}`", process.profile);
    let program = Program { named: &named, line: &process.line, variables: &[], patience: PATIENCE };
    let printed = run(parts, &program).await?;
    let unreadable = || {
        let wanted = r#"{"Version": 1, "AccessKeyId": "...", ...}"#;
        AuthorityError::Unusable(format!("{named} prints no keys as AWS wants them: {wanted}"))
    };
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
