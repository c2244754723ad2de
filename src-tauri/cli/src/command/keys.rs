//! `pointsman keys`: client keys that tools send to Pointsman, and credentials that Pointsman sends to endpoints.
//!
//! The two are never the same. A credential is typed without echo or piped in, never an argument: arguments are seen by
//! every program on the machine and kept in the shell's history.

mod account;

use std::io::{self, Read};

use comfy_table::Table;
use pointsman_gateway::control::{Command, EndpointView, Reply, SecretText, Snapshot};
use pointsman_gateway::provider::hosted::{KeyNeed, ProviderSpec};
use serde::Serialize;

use crate::command::providers;
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
    /// Make a key for a tool, or store a provider's or an endpoint's key
    Add {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        at: At,
    },
    /// Try a provider's key with the cheapest question there is
    Check {
        /// The endpoint's name, most often the provider's
        endpoint: String,
    },
    /// Revoke a tool's key, or forget an endpoint's key
    Remove(Whose),
}

/// What can be said of a provider's key.
#[derive(Debug, clap::Args)]
struct At {
    /// Another name, for a second account at the provider
    #[arg(long, conflicts_with = "endpoint")]
    name: Option<String>,
    /// Another address than the provider's usual one
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    base_url: Option<String>,
    /// The address may be in a private network
    #[arg(long, requires = "base_url")]
    allow_private: bool,
    /// A setting of the account, as in --set region=eu-west-1
    #[arg(long = "set", value_name = "NAME=VALUE", conflicts_with = "endpoint")]
    set: Vec<String>,
    /// Take the key and what else is not said from the provider's usual environment variables
    #[arg(long, conflicts_with = "endpoint")]
    from_env: bool,
    /// A further key of the endpoint, used where the others are over their limit
    #[arg(long, requires = "endpoint")]
    spare: bool,
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// The tool, as it shows in the list of requests; or a provider of `pointsman providers`
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
        Some(Action::Add { whose: Whose { endpoint: Some(endpoint), .. }, at }) => {
            store(world, endpoint, at.spare).await
        }
        Some(Action::Add { whose: Whose { tool: Some(name), .. }, at }) => match ProviderSpec::find(&name) {
            Some(row) => provide(world, &row, at).await,
            None if at.name.is_some() || at.base_url.is_some() || at.from_env || !at.set.is_empty() => {
                Err(Failure::NotFound(format!("`{name}` is no provider; `pointsman providers` lists them")))
            }
            None => add(world, name).await,
        },
        Some(Action::Check { endpoint }) => check(world, endpoint).await,
        Some(Action::Remove(Whose { endpoint: Some(endpoint), .. })) => forget(world, endpoint).await,
        Some(Action::Remove(Whose { tool: Some(tool), .. })) => revoke(world, tool).await,
        Some(Action::Add { .. } | Action::Remove(Whose { .. })) => {
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

async fn store(world: &World, endpoint: String, spare: bool) -> Result<(), Failure> {
    known(world, &endpoint).await?;
    let secret = SecretText(secret(world, &endpoint)?);
    match world.ask(&Command::StoreCredential { endpoint: endpoint.clone(), spare, secret }).await? {
        Reply::Stored { place, note } => {
            let which = if spare { "A spare key" } else { "The key" };
            world.terminal.line(&format!("{which} of {endpoint} is kept in {place}"))?;
            if !note.is_empty() {
                world.terminal.note(&note);
            }
            Ok(())
        }
        other => Err(world::unexpected(&other)),
    }
}

/// Adds an endpoint at a provider, and tries its key.
async fn provide(world: &World, row: &ProviderSpec, at: At) -> Result<(), Failure> {
    let name = at.name.unwrap_or_else(|| row.id.to_string());
    if row.base_url.is_none() && at.base_url.is_none() {
        let like = row.base_url_like.as_deref().unwrap_or_default();
        return Err(Failure::Usage(format!(
            "each customer of {} has an own address: say yours with --base-url, like {like}",
            row.name
        )));
    }
    let again = world.snapshot().await?.endpoints.iter().any(|known| known.id == name);
    let settings = account::settings(world, row, &at.set, at.from_env, again)?;
    let secret = if row.key == KeyNeed::Optional && at.from_env {
        // What the environment leads to is looked up at each use.
        None
    } else if at.from_env {
        let variable = providers::set(world, row).ok_or_else(|| {
            Failure::NotFound(format!("none of its variables is set here: {}", row.variables.join(", ")))
        })?;
        Some(plain(world.environment.get(variable).unwrap_or_default())?)
    } else {
        if let Some(variable) = providers::set(world, row).filter(|_| world.terminal.asks) {
            world.terminal.note(&format!("${variable} is set; --from-env would take the key from there"));
        }
        match row.key {
            KeyNeed::Required => {
                if let Some(page) = row.key_page.as_deref().filter(|_| world.terminal.asks) {
                    world.terminal.note(&format!("{} makes keys at {page}", row.name));
                }
                Some(secret(world, &row.name)?)
            }
            KeyNeed::Optional => optional(world, &row.name)?,
        }
    };
    let command = Command::AddProvider {
        provider: row.id.to_string(),
        name: Some(name.clone()),
        base_url: at.base_url,
        allow_private: at.allow_private,
        settings,
        secret: secret.map(SecretText),
        variable: None,
    };
    match world.ask(&command).await? {
        Reply::Stored { place, note } => {
            world.terminal.line(&format!("The key of {} is kept in {place}", row.name))?;
            if !note.is_empty() {
                world.terminal.note(&note);
            }
        }
        Reply::Done => {
            world.terminal.line(&format!("{} is asked with what its own tools keep on this machine", row.name))?;
        }
        other => return Err(world::unexpected(&other)),
    }
    check(world, name.clone()).await?;
    world
        .terminal
        .note(&format!("Ask for its models as {name}:MODEL; `pointsman models --endpoint {name}` lists them"));
    Ok(())
}

async fn check(world: &World, endpoint: String) -> Result<(), Failure> {
    match world.ask(&Command::CheckKey { endpoint }).await? {
        Reply::Checked { good: Some(false), says } => Err(Failure::NotFound(says)),
        Reply::Checked { says, .. } => world.terminal.line(&says),
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
    plain(&typed(world, endpoint)?)
}

/// The same where nothing is an answer too.
fn optional(world: &World, endpoint: &str) -> Result<Option<String>, Failure> {
    if world.terminal.asks {
        world
            .terminal
            .note("Without one, what its own tools keep on this machine is used; a key file is piped in: < FILE");
    }
    let typed = typed(world, endpoint)?;
    if typed.trim().is_empty() { Ok(None) } else { plain(&typed).map(Some) }
}

fn typed(world: &World, endpoint: &str) -> Result<String, Failure> {
    Ok(if world.terminal.asks {
        rpassword::prompt_password(format!("Key of {endpoint} (not shown): "))?
    } else {
        let mut piped = String::new();
        io::stdin().lock().take(LONGEST_SECRET).read_to_string(&mut piped)?;
        piped
    })
}

/// A key as it was typed, or why it cannot be one.
fn plain(typed: &str) -> Result<String, Failure> {
    // A key file is JSON of several lines, which mean nothing.
    let line = typed.trim_start().starts_with('{').then(|| typed.replace(['\r', '\n', '\t'], " "));
    let secret = line.as_deref().unwrap_or(typed).trim();
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
            let spares = match endpoint.spare_keys {
                0 => String::new(),
                spares => format!(", and {spares} to spare"),
            };
            table.add_row(table::row([&endpoint.id, &format!("{credential}{spares}")]));
        }
    }
    table
}
