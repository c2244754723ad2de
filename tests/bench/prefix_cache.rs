//! How much of a coding agent's session a real llama-server need not read again, asked directly and through Pointsman.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use http_body_util::BodyExt as _;
use tokio::process::Command;

use crate::agent_session::{AgentSession, TURNS};
use crate::load::Connection;
use crate::nginx::free_address;
use crate::pointsman::{self, Discovery};
use crate::process::Process;

/// The name under which the model is asked, as everywhere in the bench.
const MODEL: &str = "bench";

/// One way to ask.
pub(crate) struct Share {
    /// Which.
    pub(crate) way: &'static str,
    /// Whether it leads through Pointsman.
    pub(crate) ours: bool,
    /// What came of it.
    pub(crate) session: AgentSession,
}

/// Measures all ways.
pub(crate) async fn measure() -> anyhow::Result<Vec<Share>> {
    let mut shares = Vec::new();
    for (way, protocol) in [
        ("llama-server's own Messages API", None),
        ("through Pointsman, forwarded", Some("anthropic")),
        ("through Pointsman, translated to chat completions", Some("openai")),
    ] {
        eprintln!("prefix cache: {way}");
        // A server each, so that none finds what another one left in the cache.
        let server = server().await?;
        let folder = tempfile::tempdir()?;
        let gateway = match protocol {
            Some(protocol) => Some(pointsman::start(Discovery::ByHand(server.address, protocol), folder.path()).await?),
            None => None,
        };
        let asked = gateway.as_ref().map_or(server.address, |gateway| gateway.address);
        shares.push(Share { way, ours: protocol.is_some(), session: session(asked).await? });
        if let Some(gateway) = gateway {
            gateway.stop().await?;
        }
        server.stop().await?;
    }
    Ok(shares)
}

async fn session(address: SocketAddr) -> anyhow::Result<AgentSession> {
    let mut session = AgentSession::new(MODEL);
    let mut connection = Connection::open(address).await?;
    for _ in 0..TURNS {
        let answer = connection.post("/v1/messages", session.ask().to_string().into()).await?;
        session.hear(&serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?);
    }
    Ok(session)
}

/// A llama-server with the tiny model, as `make parts` left them in the cache: what it says means nothing, and its prompts
/// are read as any model's are.
async fn server() -> anyhow::Result<Process> {
    let cache = std::env::var_os("POINTSMAN_CACHE").map(PathBuf::from).context("POINTSMAN_CACHE is not set")?;
    let program = ["engine-static", "engine"].map(|folder| cache.join(folder).join("bin/llama-server"));
    let program = program.iter().find(|program| program.exists()).context("no llama-server: `make parts`")?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.arg("--model").arg(cache.join("parts/tiny.gguf"));
    command.args(["--alias", MODEL, "--ctx-size", "16384", "--parallel", "1", "--threads", "1"]);
    command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
    let process = Process::silent(&mut command, address).await?;
    // It listens before its model is loaded.
    while Connection::open(address).await?.get("/health").await? != r#"{"status":"ok"}"# {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(process)
}
