//! How a command ends when it does not end well: one exit code each, so that a script can tell.

use std::io;
use std::process::ExitCode;

use pointsman_gateway::control::client;

/// The exit code for what could not be done.
pub(crate) const FAILED: u8 = 1;
/// The exit code where no gateway runs.
pub(crate) const NOT_RUNNING: u8 = 3;

/// An end that is not success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be done.
    Failed(anyhow::Error),
    /// The words did not fit together in a way that the argument parser cannot see.
    Usage(String),
    /// No gateway runs.
    NotRunning,
    /// A name that was given does not exist.
    NotFound(String),
    /// All is said already; the code is this one.
    Told(u8),
    /// Whoever read our output has gone: `pointsman models | head`.
    OutputClosed,
}

impl Failure {
    /// What a script sees.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::OutputClosed => 0,
            Failure::Failed(_) => FAILED,
            Failure::Usage(_) => 2,
            Failure::NotRunning => NOT_RUNNING,
            Failure::NotFound(_) => 4,
            Failure::Told(code) => *code,
        })
    }

    /// What a person reads, if anything is left to say.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Failure::Failed(error) => Some(format!("{error:#}")),
            Failure::Usage(message) | Failure::NotFound(message) => Some(message.clone()),
            Failure::NotRunning => Some(client::Error::NotRunning.to_string()),
            Failure::Told(_) | Failure::OutputClosed => None,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Failed(error.into())
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        match error {
            client::Error::NotRunning => Failure::NotRunning,
            client::Error::Refused(_)
            | client::Error::HungUp
            | client::Error::Broken(_)
            | client::Error::NotUnderstood(_) => Failure::Failed(error.into()),
        }
    }
}
