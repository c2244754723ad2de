//! `pointsman keys`: client keys that tools send to Pointsman, and credentials that Pointsman sends to endpoints.
//!
//! The two are never the same. A credential is typed without echo or piped in, never an argument: arguments are seen by
//! every program on the machine and kept in the shell's history.

use std::io::{self, Read};

use comfy_table::Table;
use pointsman_gateway::control::{Command, EndpointView, Reply, SecretText, Snapshot};
use serde::Serialize;

use crate::failure::Failure;
use crate::table;
use crate::world::{self, World};

/// Longer than any key; whoever pipes more has piped the wrong thing.
const LONGEST_SECRET: u64 = 64 * 1024;

/// What can be said about it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// For scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List them; the keys themselves are never shown again
    List {
        /// For scripts
        #[arg(long)]
        json: bool,
    },
    /// Make a key for a tool, or store an endpoint's key
    Add(Whose),
    /// Revoke a tool's key, or forget an endpoint's key
    Remove(Whose),
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// The tool, as it shows in the list of requests
    #[arg(required_unless_present = "endpoint", conflicts_with = "endpoint")]
    tool: Option<String>,
    /// The endpoint from the settings; its key is asked for, or read from stdin
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
}

/// Lists or changes them.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    match options.action {
        None => list(world, options.json).await,
        Some(Action::List { json }) => list(world, json).await,
        Some(Action::Add(Whose { endpoint: Some(endpoint), .. })) => store(world, endpoint).await,
        Some(Action::Add(Whose { tool: Some(tool), .. })) => add(world, tool).await,
        Some(Action::Remove(Whose { endpoint: Some(endpoint), .. })) => forget(world, endpoint).await,
        Some(Action::Remove(Whose { tool: Some(tool), .. })) => revoke(world, tool).await,
        Some(Action::Add(Whose { .. }) | Action::Remove(Whose { .. })) => {
            Err(Failure::Usage("name a tool, or an endpoint with --endpoint".to_owned()))
        }
    }
}

async fn list(world: &World, json: bool) -> Result<(), Failure> {
    let snapshot = world.snapshot().await?;
    if json {
        return world.terminal.json(&for_scripts(&snapshot));
    }
    if snapshot.client_keys.is_empty() {
        world.terminal.line("No tool has a key; make one with: pointsman keys add TOOL")?;
    } else {
        world.terminal.table(tools(&snapshot))?;
    }
    if snapshot.endpoints.iter().any(|endpoint| endpoint.credential.is_some()) {
        world.terminal.line("")?;
        world.terminal.table(endpoints(&snapshot))?;
    }
    Ok(())
}

async fn add(world: &World, name: String) -> Result<(), Failure> {
    match world.ask(&Command::AddClientKey { name: name.clone() }).await? {
        Reply::ClientKey { key } => {
            world.terminal.line(&key.0)?;
            world.terminal.note(&format!(
                "This is the only time it is shown: give it to {name} as its API key; take it back with: pointsman keys remove {name}"
            ));
            Ok(())
        }
        other => Err(world::unexpected(&other)),
    }
}

async fn revoke(world: &World, name: String) -> Result<(), Failure> {
    if !world.snapshot().await?.client_keys.iter().any(|key| key.name == name) {
        return Err(Failure::NotFound(format!("no tool `{name}` has a key; `pointsman keys` lists them")));
    }
    world.done(&Command::RemoveClientKey { name: name.clone() }).await?;
    world.terminal.line(&format!("The key of {name} is revoked"))
}

async fn store(world: &World, endpoint: String) -> Result<(), Failure> {
    known(world, &endpoint).await?;
    let secret = SecretText(secret(world, &endpoint)?);
    match world.ask(&Command::StoreCredential { endpoint: endpoint.clone(), secret }).await? {
        Reply::Stored { place, note } => {
            world.terminal.line(&format!("The key of {endpoint} is kept in {place}"))?;
            if !note.is_empty() {
                world.terminal.note(&note);
            }
            Ok(())
        }
        other => Err(world::unexpected(&other)),
    }
}

async fn forget(world: &World, endpoint: String) -> Result<(), Failure> {
    known(world, &endpoint).await?;
    world.done(&Command::RemoveCredential { endpoint: endpoint.clone() }).await?;
    world.terminal.line(&format!("The key of {endpoint} is forgotten"))
}

/// Only what the user wrote down is given a key: a program that merely listens here could be anyone's.
async fn known(world: &World, endpoint: &str) -> Result<(), Failure> {
    let snapshot = world.snapshot().await?;
    if snapshot.endpoints.iter().any(|known| known.id == endpoint && by_hand(known)) {
        return Ok(());
    }
    Err(Failure::NotFound(format!(
        "no endpoint `{endpoint}` in the settings; write it to {} under [[endpoints]] first",
        snapshot.settings_file
    )))
}

/// The way out where an endpoint wants a key.
pub(super) fn wanted(endpoint: &EndpointView) -> String {
    if by_hand(endpoint) {
        format!("wants a key; give it one with: pointsman keys add --endpoint {}", endpoint.id)
    } else {
        "wants a key; write it to the settings under [[endpoints]], then: pointsman keys add --endpoint NAME".to_owned()
    }
}

fn by_hand(endpoint: &EndpointView) -> bool {
    endpoint.origin == "settings"
}

fn secret(world: &World, endpoint: &str) -> Result<String, Failure> {
    let typed = if world.terminal.asks {
        rpassword::prompt_password(format!("Key of {endpoint} (not shown): "))?
    } else {
        let mut piped = String::new();
        io::stdin().lock().take(LONGEST_SECRET).read_to_string(&mut piped)?;
        piped
    };
    let secret = typed.trim();
    if secret.is_empty() {
        return Err(Failure::Usage("no key was given; nothing is changed".to_owned()));
    }
    // A header cannot carry it, so it is something else that was pasted.
    if secret.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err(Failure::Usage("that is no key: a key is one line of plain characters".to_owned()));
    }
    Ok(secret.to_owned())
}

fn for_scripts(snapshot: &Snapshot) -> impl Serialize {
    let endpoints: Vec<_> = snapshot
        .endpoints
        .iter()
        .filter_map(|endpoint| {
            Some(serde_json::json!({"endpoint": endpoint.id, "kept": endpoint.credential.as_ref()?}))
        })
        .collect();
    serde_json::json!({"tools": snapshot.client_keys, "endpoints": endpoints})
}

fn tools(snapshot: &Snapshot) -> Table {
    let mut table = table::new(["Tool", "Key made"]);
    for key in &snapshot.client_keys {
        table.add_row(table::row([&key.name, &key.created.as_deref().unwrap_or_default()]));
    }
    table
}

fn endpoints(snapshot: &Snapshot) -> Table {
    let mut table = table::new(["Endpoint", "Key kept in"]);
    for endpoint in &snapshot.endpoints {
        if let Some(credential) = &endpoint.credential {
            table.add_row(table::row([&endpoint.id, credential]));
        }
    }
    table
}
