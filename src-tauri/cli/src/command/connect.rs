//! `pointsman connect`: how a tool is pointed at this gateway. It changes no tool's files: what to paste is printed.

use std::time::{Duration, SystemTime};

use pointsman_gateway::control::{Command, Reply, ToolView};

use crate::failure::Failure;
use crate::world::{self, World};
use crate::{figures, table};

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The tool; without it all are listed
    tool: Option<String>,
    /// The route or model that it is to ask for
    #[arg(long, value_name = "R", default_value = "default")]
    route: String,
    /// For scripts
    #[arg(long)]
    json: bool,
}

/// Tells.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let rows = match world.ask(&Command::Tools { route: options.route, key: None }).await? {
        Reply::Tools { rows } => rows,
        other => return Err(world::unexpected(&other)),
    };
    let Some(name) = options.tool else {
        if options.json {
            return world.terminal.json(&rows);
        }
        let mut listed = table::new(["Tool", "Name", "Speaks", "Seen"]);
        for row in &rows {
            listed.add_row(table::row([&row.id, &row.name, &row.speaks, &seen(row)]));
        }
        world.terminal.table(listed)?;
        world.terminal.line("")?;
        world.terminal.note("What one needs is told by: pointsman connect TOOL");
        return Ok(());
    };
    let Some(row) = rows.iter().find(|row| row.id == name || row.name.eq_ignore_ascii_case(&name)) else {
        return Err(Failure::NotFound(format!("no tool `{name}` is known; `pointsman connect` lists them")));
    };
    if options.json {
        return world.terminal.json(row);
    }
    for step in &row.steps {
        world.terminal.line(&format!("{}:\n", step.place))?;
        for line in step.text.lines() {
            world.terminal.line(format!("    {line}").trim_end())?;
        }
        world.terminal.line("")?;
    }
    if !row.note.is_empty() {
        world.terminal.note(&row.note);
    }
    if row.steps.iter().any(|step| step.text.contains(pointsman_gateway::tools::NO_KEY)) {
        world.terminal.note(&format!(
            "Models on this machine answer whatever the key is; for hosted ones make it with: pointsman keys add {}",
            row.id
        ));
    }
    Ok(())
}

/// How long ago it asked.
fn seen(row: &ToolView) -> String {
    let Some(when) = row.seen_ms.and_then(|when| u64::try_from(when).ok()) else { return String::new() };
    // A clock that was set back makes the past seem ahead.
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(when);
    figures::ago(SystemTime::now().duration_since(at).unwrap_or_default())
}
