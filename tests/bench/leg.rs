//! The ways to the upstream that are compared.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use crate::cores::ProxysCore;
use crate::process::Process;
use crate::{nginx, pointsman};

/// A way to the upstream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    /// No proxy.
    Direct,
    /// nginx as a plain reverse proxy.
    Nginx,
    /// hyper as a plain reverse proxy.
    Bare,
    /// Pointsman.
    Pointsman,
}

impl Leg {
    /// Every leg, in the order of the columns.
    pub(crate) const ALL: [Leg; 4] = [Leg::Direct, Leg::Nginx, Leg::Bare, Leg::Pointsman];

    /// The column's head.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Leg::Direct => "direct",
            Leg::Nginx => "nginx",
            Leg::Bare => "bare hyper",
            Leg::Pointsman => "Pointsman",
        }
    }

    /// Starts the leg's proxy; `None` for the direct one.
    pub(crate) async fn start(self, upstream: SocketAddr, folder: &Path) -> anyhow::Result<Option<Process>> {
        let _core = ProxysCore::take()?;
        let process = match self {
            Leg::Direct => return Ok(None),
            Leg::Nginx => nginx::start(upstream, folder).await,
            Leg::Bare => Process::announced(own_role("bare")?.arg(upstream.to_string())).await,
            Leg::Pointsman => pointsman::start(pointsman::Discovery::Only(upstream), folder).await,
        };
        process.map(Some).with_context(|| format!("cannot measure {}", self.name()))
    }
}

/// This binary again, as the named process of the set-up.
pub(crate) fn own_role(role: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
