//! Pointsman itself: the released binary with its defaults, usage included, in folders of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::load::Connection;
use crate::process::Process;

/// How it looks for runtimes.
pub(crate) enum Discovery<'a> {
    /// Only at this address, so that whatever else runs on the machine is left alone.
    Only(SocketAddr),
    /// Not at all: an endpoint by hand that speaks this protocol only.
    ByHand(SocketAddr, &'static str),
    /// As by default, and at these addresses too.
    DefaultsAnd(&'a [SocketAddr]),
}

/// Starts it and waits until it lists the model `bench`.
pub(crate) async fn start(discovery: Discovery<'_>, folder: &Path) -> anyhow::Result<Process> {
    let settings = folder.join("settings.toml");
    std::fs::write(&settings, settings_text(&discovery))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
    command.args(["serve", "--port", "0", "--config"]).arg(&settings);
    // Nothing of this user's: no settings, no provider keys, no usage database.
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    for (name, below) in [
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_RUNTIME_DIR", "run"),
    ] {
        let below = folder.join(below);
        std::fs::create_dir_all(&below)?;
        command.env(name, below);
    }
    // One worker, as nginx and the bare proxy have: CPU per request is compared at equal parallelism.
    command.env("TOKIO_WORKER_THREADS", "1");
    let process = Process::announced(&mut command).await.context("pointsman did not start")?;
    wait_for_model(process.address).await?;
    Ok(process)
}

fn settings_text(discovery: &Discovery<'_>) -> String {
    match discovery {
        Discovery::Only(address) => {
            format!("[discovery]\ndefault_ports = false\nprocesses = false\nports = [{}]\n", address.port())
        }
        Discovery::ByHand(address, protocol) => format!(
            "[discovery]\ndefault_ports = false\nprocesses = false\n\n[[endpoints]]\nname = \"lab\"\n\
             base_url = \"http://{address}\"\nprotocol = \"{protocol}\"\nmodels = [\"bench\"]\n"
        ),
        Discovery::DefaultsAnd(addresses) => {
            let ports: Vec<String> = addresses.iter().map(|address| address.port().to_string()).collect();
            format!("[discovery]\nports = [{}]\n", ports.join(", "))
        }
    }
}

async fn wait_for_model(address: SocketAddr) -> anyhow::Result<()> {
    let since = Instant::now();
    loop {
        let list = Connection::open(address).await?.get("/v1/models").await?;
        if list.contains(r#""bench""#) {
            return Ok(());
        }
        if since.elapsed() > Duration::from_secs(10) {
            bail!("pointsman did not list the model `bench` within 10 s, only {list}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
