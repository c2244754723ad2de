//! `pointsman models fetch`: has a small model fetched for the built-in runtime, and tells how far it is.
//!
//! The gateway fetches; whoever leaves here leaves it at that.

use anyhow::anyhow;
use futures_util::StreamExt as _;
use pointsman_gateway::control::client::Client;
use pointsman_gateway::control::{Command, FirstModelView, PullState, Snapshot};

use crate::failure::Failure;
use crate::figures;
use crate::world::World;

/// The endpoint for which it is fetched.
const BUILT_IN: &str = "builtin";

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Give up one that is being fetched
    #[arg(long)]
    cancel: bool,
}

/// Fetches it, or gives it up.
pub(super) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let Some(model) = world.snapshot().await?.first_model else {
        return world.terminal.line("The small model is here already");
    };
    if options.cancel {
        world.done(&Command::CancelPull { endpoint: BUILT_IN.to_owned(), name: model.name }).await?;
        return world.terminal.line("Given up");
    }
    let FirstModelView { name, bytes, licence, about } = &model;
    world.terminal.note(&format!("Fetching {name}, {}, {licence}: {about}", figures::bytes(*bytes)));
    world.done(&Command::FetchFirstModel).await?;
    let mut snapshots = Client::connect(&world.folders).await?.watch().await?;
    let mut told = None;
    while let Some(snapshot) = snapshots.next().await {
        match progress(&snapshot, name) {
            Some(PullState::Failed { message }) => {
                return Err(Failure::Failed(anyhow!("{name} was not fetched: {message}")));
            }
            Some(PullState::Running { done, .. }) => {
                let tenths = done * 10 / bytes.max(&1);
                if told.replace(tenths) != Some(tenths) {
                    world.terminal.note(&format!("{} % of {}", tenths * 10, figures::bytes(*bytes)));
                }
            }
            None if snapshot.first_model.is_none() => {
                return world.terminal.line(&format!("{name} is here, and answers as soon as it is asked"));
            }
            None => return Err(Failure::Failed(anyhow!("{name} was given up before it was whole"))),
        }
    }
    Err(Failure::Failed(anyhow!("Pointsman stopped before {name} was whole; fetched again, it goes on from there")))
}

fn progress<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s PullState> {
    let of_it = |pull: &&pointsman_gateway::control::Pull| pull.endpoint == BUILT_IN && pull.name == name;
    snapshot.pulls.iter().find(of_it).map(|pull| &pull.state)
}
