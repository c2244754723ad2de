//! `pointsman providers`: the hosted providers that can be added, and those that are.

use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{EndpointView, Snapshot};
use pointsman_gateway::provider::hosted::ProviderSpec;

use crate::failure::Failure;
use crate::table;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// For scripts
    #[arg(long)]
    json: bool,
}

/// Lists them.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let rows = ProviderSpec::table().map_err(|error| anyhow::anyhow!("the table of providers is broken: {error}"))?;
    // The table stands without a gateway; what is added only a gateway knows.
    let snapshot = world.snapshot().await.unwrap_or_default();
    if options.json {
        let rows: Vec<_> = rows.iter().map(|row| for_scripts(row, &snapshot)).collect();
        return world.terminal.json(&rows);
    }
    let mut listed = table::new(["Provider", "Name", "Key", "Speaks"]);
    let mut found = None;
    for row in rows.iter() {
        let mut speaks: Vec<&str> = row.speaks.iter().map(|spoken| spoken.protocol.id()).collect();
        speaks.dedup();
        let variable = set(world, row);
        let added: Vec<&EndpointView> = added(row, &snapshot).collect();
        let key = match (&added[..], variable) {
            ([], None) => String::new(),
            ([], Some(variable)) => {
                found.get_or_insert(&*row.id);
                format!("${variable} is set")
            }
            (added, _) => added.iter().map(|endpoint| state(endpoint)).collect::<Vec<_>>().join(", "),
        };
        listed.add_row(table::row([&row.id, &row.name, &key, &speaks.join(", ")]));
    }
    world.terminal.table(listed)?;
    world.terminal.line("")?;
    world.terminal.note("Add one with: pointsman keys add PROVIDER");
    if let Some(id) = found {
        world.terminal.note(&format!(
            "A key of your environment is not used by itself; take it over with: pointsman keys add {id} --from-env"
        ));
    }
    Ok(())
}

/// The variable of this user's environment that holds a key of the provider, if one does.
pub(super) fn set<'r>(world: &World, row: &'r ProviderSpec) -> Option<&'r str> {
    let set = |name: &&String| world.environment.get(name).is_some_and(|value| !value.trim().is_empty());
    row.variables.iter().find(set).map(String::as_str)
}

fn added<'s>(row: &'s ProviderSpec, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s EndpointView> {
    snapshot.endpoints.iter().filter(|endpoint| endpoint.provider.as_deref() == Some(&*row.id))
}

fn state(endpoint: &EndpointView) -> String {
    let state = match endpoint.state {
        EndpointState::Ready => "ready",
        EndpointState::Starting => "starting",
        EndpointState::NeedsKey => "wants another key",
        EndpointState::Unreachable => "not reached",
    };
    format!("{}: {state}", endpoint.id)
}

fn for_scripts(row: &ProviderSpec, snapshot: &Snapshot) -> serde_json::Value {
    let speaks: Vec<_> = row.speaks.iter().map(|spoken| spoken.protocol.id()).collect();
    let added: Vec<_> = added(row, snapshot).map(|endpoint| &endpoint.id).collect();
    serde_json::json!({
        "id": row.id, "name": row.name, "variables": row.variables, "speaks": speaks,
        "base_url": row.base_url.as_ref().map(ToString::to_string), "endpoints": added,
    })
}
