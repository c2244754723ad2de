//! `pointsman routes`: the names that tools ask for, and which models answer them.

use comfy_table::Table;
use pointsman_gateway::control::{Command, RouteView};

use super::status::answered_by;
use crate::failure::Failure;
use crate::world::World;
use crate::{figures, table};

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
    /// List them
    List {
        /// For scripts
        #[arg(long)]
        json: bool,
    },
    /// Make a route, or replace its targets
    Set {
        /// Its name: `default`, `code`, or your own
        name: String,
        /// Models, tried in order; each may have a prefix: `ollama:qwen3:8b`
        #[arg(required = true)]
        targets: Vec<String>,
        /// Context in tokens for runtimes that take it per request; 0 leaves it to the runtime
        #[arg(long, value_name = "N")]
        context: Option<u32>,
    },
    /// Add a target after the others
    Add {
        /// The route
        name: String,
        /// The model
        target: String,
    },
    /// Remove a route, or one target of it
    Remove {
        /// The route
        name: String,
        /// The model; without it the whole route
        target: Option<String>,
    },
}

/// Lists or changes them.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    match options.action {
        None => list(world, options.json).await,
        Some(Action::List { json }) => list(world, json).await,
        Some(Action::Set { name, targets, context }) => {
            let kept = find(world, &name).await?.and_then(|route| route.context);
            set(world, name, targets, context.or(kept).filter(|tokens| *tokens > 0)).await
        }
        Some(Action::Add { name, target }) => {
            let (mut targets, context) =
                find(world, &name).await?.map_or_else(Default::default, |route| (route.targets, route.context));
            if targets.contains(&target) {
                return Err(Failure::Failed(anyhow::anyhow!("`{target}` is a target of `{name}` already")));
            }
            targets.push(target);
            set(world, name, targets, context).await
        }
        Some(Action::Remove { name, target }) => remove(world, name, target).await,
    }
}

async fn list(world: &World, json: bool) -> Result<(), Failure> {
    let routes = world.snapshot().await?.routes;
    if json {
        return world.terminal.json(&routes);
    }
    world.terminal.table(listed(&routes))
}

async fn set(world: &World, name: String, targets: Vec<String>, context: Option<u32>) -> Result<(), Failure> {
    world.done(&Command::SetRoute { name: name.clone(), targets, context }).await?;
    tell(world, &name).await
}

async fn remove(world: &World, name: String, target: Option<String>) -> Result<(), Failure> {
    let Some(route) = find(world, &name).await? else {
        return Err(Failure::NotFound(format!("no route `{name}`; `pointsman routes` lists them")));
    };
    let Some(target) = target else {
        world.done(&Command::RemoveRoute { name: name.clone() }).await?;
        return world.terminal.line(&format!("{name} is removed"));
    };
    let mut targets = route.targets;
    let before = targets.len();
    targets.retain(|known| *known != target);
    if targets.len() == before {
        let known =
            if targets.is_empty() { "it has none".to_owned() } else { format!("it has {}", targets.join(", ")) };
        return Err(Failure::NotFound(format!("`{target}` is no target of `{name}`; {known}")));
    }
    if targets.is_empty() {
        world.done(&Command::RemoveRoute { name: name.clone() }).await?;
        return world.terminal.line(&format!("{name} is removed: that was its last target"));
    }
    set(world, name, targets, route.context).await
}

async fn find(world: &World, name: &str) -> Result<Option<RouteView>, Failure> {
    Ok(world.snapshot().await?.routes.into_iter().find(|route| route.name == name))
}

/// Who answers it from now on: what one wants to know after a change.
async fn tell(world: &World, name: &str) -> Result<(), Failure> {
    let Some(route) = find(world, name).await? else { return Ok(()) };
    world.terminal.line(&format!("{name} is answered by {}", answered_by(&route)))
}

fn listed(routes: &[RouteView]) -> Table {
    let mut table = table::new(["Route", "Answered by", "Targets in order", "Context"]);
    for route in routes {
        let targets = if route.targets.is_empty() { "chosen by itself".to_owned() } else { route.targets.join(", ") };
        table.add_row(table::row([
            &route.name,
            &answered_by(route),
            &targets,
            &route.context.map(figures::context).unwrap_or_default(),
        ]));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_routes() {
        let route = |name: &str, targets: &[&str], context, answers: &[&str]| RouteView {
            name: name.to_owned(),
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            context,
            answers: answers.iter().map(|&answer| answer.to_owned()).collect(),
            problem: None,
        };
        let routes = [
            route("default", &[], None, &["ollama@11434/qwen3:8b"]),
            route("code", &["lab:coder", "qwen3:8b"], Some(32_768), &[]),
        ];
        let expected = "\
Route    Answered by            Targets in order     Context
default  ollama@11434/qwen3:8b  chosen by itself
code     nobody now             lab:coder, qwen3:8b  32k";
        assert_eq!(listed(&routes).trim_fmt(), expected);
    }
}
