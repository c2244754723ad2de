//! What every command is given: the environment, the folders, the terminal, and the way to the running gateway.

use pointsman_gateway::control::client::Client;
use pointsman_gateway::control::{Command, Reply, Snapshot};
use pointsman_gateway::environment::{Environment, Folders};

use crate::failure::Failure;
use crate::terminal::Terminal;

/// Where a command runs.
#[derive(Debug)]
pub(crate) struct World {
    /// Environment variables.
    pub(crate) environment: Environment,
    /// Where things are kept.
    pub(crate) folders: Folders,
    /// Where the result goes.
    pub(crate) terminal: Terminal,
}

impl World {
    /// Asks the running gateway one thing. What it could not do is a failure.
    pub(crate) async fn ask(&self, command: &Command) -> Result<Reply, Failure> {
        match Client::connect(&self.folders).await?.call(command).await? {
            Reply::Failed { message } => Err(Failure::Failed(anyhow::Error::msg(message))),
            reply => Ok(reply),
        }
    }

    /// Everything there is to show.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        match self.ask(&Command::Snapshot).await? {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            other => Err(unexpected(&other)),
        }
    }

    /// Has something done that needs no answer.
    pub(crate) async fn done(&self, command: &Command) -> Result<(), Failure> {
        match self.ask(command).await? {
            Reply::Done | Reply::Stored { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

/// A reply that does not belong to the command: two versions at once.
pub(crate) fn unexpected(reply: &Reply) -> Failure {
    // Its debug form shows no secret.
    tracing::debug!(?reply, "unexpected reply");
    Failure::Failed(anyhow::anyhow!("Pointsman answered something else than was asked; restart it after an update"))
}
