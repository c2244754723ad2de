//! `pointsman status`: one glance.

use comfy_table::Table;
use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{EndpointView, RouteView, Snapshot};
use pointsman_gateway::dispatch::allowance::Allowance;

use super::{local_only, models};
use crate::failure::Failure;
use crate::figures::{self, count};
use crate::table;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// For scripts: everything there is to show
    #[arg(long)]
    json: bool,
}

/// Shows it.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let snapshot = world.snapshot().await?;
    if options.json {
        return world.terminal.json(&snapshot);
    }
    for line in summary(&snapshot) {
        world.terminal.line(&line)?;
    }
    if !snapshot.endpoints.is_empty() {
        world.terminal.line("")?;
        world.terminal.table(endpoints(&snapshot.endpoints))?;
    }
    if !snapshot.routes.is_empty() {
        world.terminal.line("")?;
        world.terminal.table(routes(&snapshot.routes))?;
    }
    Ok(())
}

fn summary(snapshot: &Snapshot) -> Vec<String> {
    let loaded: Vec<_> = snapshot.models.iter().filter(|model| model.is_loaded()).collect();
    let memory: u64 = loaded.iter().filter_map(|model| model.memory).sum();
    let held = if memory > 0 { format!(" ({})", figures::bytes(memory)) } else { String::new() };
    let mut lines = vec![
        format!(
            "Serving on {} (Pointsman {}, process {})",
            snapshot.addresses.join(" and "),
            snapshot.version,
            snapshot.process
        ),
        format!(
            "{}, {} loaded{held}, {}",
            count(snapshot.models.len(), "model"),
            loaded.len(),
            count(snapshot.open_streams as usize, "open stream")
        ),
        local_only::told(snapshot.local_only).to_owned(),
    ];
    if !snapshot.ollama_port.addresses.is_empty() {
        let addresses = snapshot.ollama_port.addresses.join(" and ");
        lines.push(format!("Local models for Ollama's clients on {addresses}"));
    }
    lines.extend(snapshot.ollama_port.problem.clone());
    if !snapshot.settled {
        lines.push("Still looking for runtimes".to_owned());
    }
    if let Some(problem) = &snapshot.settings_problem {
        lines.push(format!(
            "The settings in {} have a mistake, the last good ones are used: {problem}",
            snapshot.settings_file
        ));
    }
    lines.extend(snapshot.settings_warnings.iter().map(|warning| format!("In {}: {warning}", snapshot.settings_file)));
    if !snapshot.refused.is_empty() {
        lines
            .push(format!("{} seen but not used; `pointsman doctor` says why", count(snapshot.refused.len(), "thing")));
    }
    lines
}

fn endpoints(endpoints: &[EndpointView]) -> Table {
    let mut table = table::new(["Endpoint", "Name", "State", "Models", "Where", "Address"]);
    for endpoint in endpoints {
        let version = endpoint.version.as_deref().unwrap_or_default();
        table.add_row(table::row([
            &endpoint.id,
            &format!("{} {version}", endpoint.name).trim_end(),
            &state(endpoint),
            &endpoint.models,
            &models::whereabouts(endpoint.local),
            &endpoint.base_url,
        ]));
    }
    table
}

fn routes(routes: &[RouteView]) -> Table {
    let mut table = table::new(["Route", "Answered by"]);
    for route in routes {
        table.add_row(table::row([&route.name, &answered_by(route)]));
    }
    table
}

/// Who answers a route now, or why nobody does.
pub(super) fn answered_by(route: &RouteView) -> String {
    match (route.answers.first(), &route.problem) {
        (Some(first), _) => first.clone(),
        (None, Some(problem)) => format!("nobody: {problem}"),
        (None, None) => "nobody now".to_owned(),
    }
}

/// An endpoint's state in words.
pub(super) fn state(endpoint: &EndpointView) -> String {
    match (endpoint.state, endpoint.cooling_seconds) {
        (EndpointState::Ready, Some(seconds)) => format!("failed, tried last for {seconds} s"),
        (EndpointState::Ready, None) => match endpoint.allowance.as_ref().map(left) {
            Some(left) => format!("ready, {left}"),
            None => "ready".to_owned(),
        },
        (EndpointState::Starting, _) => "starting".to_owned(),
        (EndpointState::NeedsKey, _) => "wants a key".to_owned(),
        (EndpointState::Unreachable, _) => "does not answer".to_owned(),
    }
}

/// `59 of 60 requests and 29000 tokens left`.
fn left(allowance: &Allowance) -> String {
    let part = |left: Option<u64>, limit: Option<u64>, what: &str| {
        let of = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        left.map(|left| format!("{left}{of} {what}"))
    };
    let parts = [
        part(allowance.requests, allowance.requests_limit, "requests"),
        part(allowance.tokens, allowance.tokens_limit, "tokens"),
    ];
    format!("{} left", parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> Snapshot {
        serde_json::from_value(serde_json::json!({
            "version": "0.1.0", "instance": "i", "process": 42, "addresses": ["127.0.0.1:4747", "[::1]:4747"],
            "revision": 7, "settled": true, "open_streams": 1, "local_only": false, "key_always": false,
            "settings_problem": "line 3: no such level `loud`", "settings_file": "/home/me/settings.toml",
            "endpoints": [
                {
                    "id": "ollama@11434", "name": "Ollama", "runtime": "ollama", "origin": "discovered",
                    "base_url": "http://127.0.0.1:11434", "speaks": ["openai"], "local": true, "state": "ready",
                    "cooling_seconds": null, "version": "0.17.4", "process": 9, "credential": null, "models": 2,
                    "notes": [],
                },
                {
                    "id": "lab", "name": "lab", "runtime": null, "origin": "settings",
                    "base_url": "http://vllm.lab.example:8000", "speaks": ["openai"], "local": false,
                    "state": "unreachable", "cooling_seconds": 8, "version": null, "process": null,
                    "credential": "keychain:lab", "models": 0, "notes": [],
                },
            ],
            "models": [
                {"id": "qwen3:8b", "endpoint": "ollama@11434", "state": "loaded", "memory": 6_100_000_000u64, "local": true},
                {"id": "llama3.3", "endpoint": "ollama@11434", "state": "cold", "local": true},
            ],
            "routes": [
                {
                    "name": "default", "targets": [], "context": null, "answers": ["ollama@11434/qwen3:8b"],
                    "problem": null,
                },
                {
                    "name": "code", "targets": ["lab:coder"], "context": null, "answers": [],
                    "problem": "lab does not answer",
                },
            ],
            "client_keys": [], "installed": [],
            "refused": [{"place": "127.0.0.1:1234", "looked_like": "LM Studio", "reason": "it gave no models"}],
            "usage_dropped": 0,
        }))
        .unwrap()
    }

    #[test]
    fn one_glance() {
        let expected = [
            "Serving on 127.0.0.1:4747 and [::1]:4747 (Pointsman 0.1.0, process 42)",
            "2 models, 1 loaded (6.1 GB), 1 open stream",
            "Local-only is off: hosted models may answer",
            "The settings in /home/me/settings.toml have a mistake, the last good ones are used: \
             line 3: no such level `loud`",
            "1 thing seen but not used; `pointsman doctor` says why",
        ];
        assert_eq!(summary(&golden()), expected);
    }

    #[test]
    fn tables_of_endpoints_and_routes() {
        let expected = "\
Endpoint      Name           State            Models  Where                Address
ollama@11434  Ollama 0.17.4  ready            2       on this machine      http://127.0.0.1:11434
lab           lab            does not answer  0       leaves this machine  http://vllm.lab.example:8000";
        assert_eq!(endpoints(&golden().endpoints).trim_fmt(), expected);
        let expected = "\
Route    Answered by
default  ollama@11434/qwen3:8b
code     nobody: lab does not answer";
        assert_eq!(routes(&golden().routes).trim_fmt(), expected);
    }
}
