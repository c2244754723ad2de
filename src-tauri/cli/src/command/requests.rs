//! `pointsman requests`: what was asked lately, by whom, and who answered. Never what the text was: that is not kept.

use std::time::{Duration, SystemTime};

use comfy_table::Table;
use pointsman_gateway::control::{Command, Reply};
use serde_json::Value;

use super::models::whereabouts;
use crate::failure::Failure;
use crate::world::{self, World};
use crate::{figures, table};

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// For scripts
    #[arg(long)]
    json: bool,
}

/// Lists them.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let rows =
        match world.ask(&Command::Requests { limit: options.limit, before: None, filter: Default::default() }).await? {
            Reply::Requests { rows } => rows,
            other => return Err(world::unexpected(&other)),
        };
    if options.json {
        return world.terminal.json(&rows);
    }
    if rows.is_empty() {
        world.terminal.note("No request was kept yet");
        return Ok(());
    }
    world.terminal.table(listed(&rows, SystemTime::now()))
}

fn listed(rows: &[Value], now: SystemTime) -> Table {
    let mut table = table::new([
        "When",
        "Tool",
        "Asked for",
        "Answered by",
        "Where",
        "Status",
        "Total",
        "In",
        "Out",
        "First",
        "Cost",
    ]);
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let tokens = |name: &str| {
            row[name].as_u64().map(|count| figures::tokens(count.try_into().unwrap_or(u32::MAX))).unwrap_or_default()
        };
        let time =
            |name: &str| row[name].as_u64().map(Duration::from_micros).map(figures::duration).unwrap_or_default();
        let tool = if text("client").is_empty() { text("tool") } else { text("client") };
        let answered = match (text("endpoint"), text("model")) {
            ("", _) => String::new(),
            (endpoint, "") => endpoint.to_owned(),
            (endpoint, model) => format!("{endpoint}/{model}"),
        };
        let place = if answered.is_empty() { "" } else { row["local"].as_bool().map_or("", whereabouts) };
        table.add_row(table::row([
            &when(row, now),
            &tool,
            &text("asked"),
            &answered,
            &place,
            &format!("{} {}", row["status"].as_u64().unwrap_or_default(), text("outcome")).trim_end(),
            &time("total_us"),
            &tokens("input_tokens"),
            &tokens("output_tokens"),
            &time("first_byte_us"),
            &cost(row),
        ]));
    }
    table
}

/// What it cost at a hosted provider, where that is known.
fn cost(row: &Value) -> String {
    let dollars = row["cost_usd"].as_str().and_then(|cost| cost.parse::<f64>().ok());
    dollars.map(|dollars| format!("${dollars:.4}")).unwrap_or_default()
}

fn when(row: &Value, now: SystemTime) -> String {
    let Some(started) = row["started_ms"].as_u64() else { return String::new() };
    // A clock that was set back makes the past seem ahead.
    let since = now.duration_since(SystemTime::UNIX_EPOCH + Duration::from_millis(started)).unwrap_or_default();
    figures::ago(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_requests() {
        let rows = [
            serde_json::json!({
                "started_ms": 1_000_000, "client": "editor", "tool": "aider", "asked": "default",
                "endpoint": "ollama@11434", "model": "qwen3:8b", "local": true, "input_tokens": 12_345,
                "output_tokens": 210, "cost_usd": "0.00207", "first_byte_us": 420_000, "total_us": 6_100_000, "status": 200, "outcome": "ok",
            }),
            serde_json::json!({"started_ms": 1_060_000, "asked": "gpt-9", "status": 404, "total_us": 200}),
        ];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_180);
        let expected = "\
When       Tool    Asked for  Answered by            Where            Status  Total   In     Out  First   Cost
3 min ago  editor  default    ollama@11434/qwen3:8b  on this machine  200 ok  6.10 s  12.3k  210  420 ms  $0.0021
2 min ago          gpt-9                                              404     0 ms";
        assert_eq!(listed(&rows, now).trim_fmt(), expected);
    }
}
