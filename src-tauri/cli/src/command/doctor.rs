//! `pointsman doctor`: what was found, what was refused and why, and what stands in the way, each with its way out.
//!
//! It looks and changes nothing. What it says of a running gateway comes from the gateway's own snapshot.

mod proxies;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{EndpointView, Snapshot};
use pointsman_gateway::discovery;
use pointsman_gateway::settings::read as settings;
use serde::Serialize;

use super::keys;
use crate::failure::{self, Failure};
use crate::figures::count;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// For scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Fine,
    Note,
    Problem,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    weight: Weight,
    text: String,
}

/// Looks and tells. Ends with 1 where there is a problem and with 3 where no gateway runs.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let (running, mut findings) = match world.snapshot().await {
        Ok(snapshot) => (true, of_snapshot(&snapshot)),
        Err(Failure::NotRunning) => (false, not_running(world)),
        Err(other) => return Err(other),
    };
    if let Some(text) = proxies::capturing(&world.environment) {
        findings.push(problem(text));
    }
    if options.json {
        world.terminal.json(&serde_json::json!({"running": running, "findings": findings}))?;
    } else {
        for finding in &findings {
            world.terminal.line(&line(finding))?;
        }
    }
    if !running {
        return Err(Failure::Told(failure::NOT_RUNNING));
    }
    if findings.iter().any(|finding| finding.weight == Weight::Problem) {
        return Err(Failure::Told(failure::FAILED));
    }
    Ok(())
}

fn fine(text: impl Into<String>) -> Finding {
    Finding { weight: Weight::Fine, text: text.into() }
}

fn note(text: impl Into<String>) -> Finding {
    Finding { weight: Weight::Note, text: text.into() }
}

fn problem(text: impl Into<String>) -> Finding {
    Finding { weight: Weight::Problem, text: text.into() }
}

fn line(finding: &Finding) -> String {
    let word = match finding.weight {
        Weight::Fine => "ok      ",
        Weight::Note => "note    ",
        Weight::Problem => "problem ",
    };
    format!("{word} {}", finding.text)
}

fn not_running(world: &World) -> Vec<Finding> {
    let mut findings = vec![problem("Pointsman is not running; start it with: pointsman serve")];
    match settings::load(&world.folders.settings()) {
        Ok(read) => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, read.settings.port));
            if let Err(error) = TcpListener::bind(address) {
                findings.push(problem(match discovery::owner(address.port()) {
                    Some(owner) => format!(
                        "{address} is taken by {owner}; stop it, or set another `port` in {}",
                        world.folders.settings().display()
                    ),
                    None => format!("{address} cannot be listened on: {error}; set another `port` in the settings"),
                }));
            }
        }
        Err(error) => findings.push(problem(format!("{}: {error}", world.folders.settings().display()))),
    }
    findings
}

fn of_snapshot(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = vec![fine(format!("Serving on {}", snapshot.addresses.join(" and ")))];
    if !snapshot.ollama_port.addresses.is_empty() {
        let addresses = snapshot.ollama_port.addresses.join(" and ");
        findings.push(fine(format!("Local models for Ollama's clients on {addresses}")));
    }
    findings.extend(snapshot.ollama_port.problem.clone().map(problem));
    findings.push(match &snapshot.settings_problem {
        None => fine(format!("The settings in {} are in order", snapshot.settings_file)),
        Some(reason) => problem(format!("{}: {reason}; the last good settings are used", snapshot.settings_file)),
    });
    let odd = snapshot.settings_warnings.iter();
    findings.extend(odd.map(|warning| note(format!("{}: {warning}", snapshot.settings_file))));
    findings.push(match &snapshot.keychain_problem {
        None => fine("Keys are kept in the system's keychain"),
        Some(reason) => note(format!("The system's keychain cannot be used: {reason}")),
    });
    for view in &snapshot.endpoints {
        findings.push(endpoint(view));
        findings.extend(view.notes.iter().map(|text| note(format!("{}: {text}", view.id))));
    }
    if !snapshot.endpoints.iter().any(|endpoint| endpoint.state == EndpointState::Ready) {
        findings.push(if snapshot.settled {
            problem("No runtime answers; start Ollama, LM Studio, llama.cpp, llamafile or vLLM and it is taken up by itself")
        } else {
            note("Still looking for runtimes; ask again in a moment")
        });
    }
    for route in &snapshot.routes {
        if let Some(reason) = &route.problem {
            findings.push(problem(format!("Nobody answers the route `{}`: {reason}", route.name)));
        }
    }
    findings.extend(snapshot.installed.iter().map(|installed| {
        note(format!("{} is installed but off; start it with: {}", installed.name, installed.start.join(" ")))
    }));
    findings.extend(snapshot.refused.iter().map(|refusal| {
        let what = refusal.looked_like.as_ref().map(|what| format!(", which looks like {what},")).unwrap_or_default();
        note(format!("{}{what} is not used: {}", refusal.place, refusal.reason))
    }));
    if snapshot.usage_dropped > 0 {
        findings.push(note(format!("{} could not be kept in the list of requests", snapshot.usage_dropped)));
    }
    findings
}

fn endpoint(endpoint: &EndpointView) -> Finding {
    let what = format!("{} at {}", endpoint.name, endpoint.base_url);
    match endpoint.state {
        EndpointState::Ready => match endpoint.cooling_seconds {
            None => fine(format!("{what}: {}", count(endpoint.models, "model"))),
            Some(seconds) => note(format!("{what} failed just now and is tried last for {seconds} s")),
        },
        EndpointState::Starting => note(format!("{what} is starting")),
        EndpointState::NeedsKey => problem(format!("{what} {}", keys::wanted(endpoint))),
        EndpointState::Unreachable => problem(format!("{what} does not answer; start it, or correct its address")),
    }
}

#[cfg(test)]
mod tests {
    use pointsman_gateway::catalog::{Installed, Refusal};
    use pointsman_gateway::control::RouteView;

    use super::*;

    fn told(snapshot: &Snapshot) -> Vec<String> {
        of_snapshot(snapshot).iter().map(line).collect()
    }

    #[test]
    fn a_healthy_gateway_has_no_problem() {
        let endpoint: EndpointView = serde_json::from_value(serde_json::json!({
            "id": "ollama@11434", "name": "Ollama", "origin": "discovered", "base_url": "http://127.0.0.1:11434",
            "speaks": [], "local": true, "state": "ready", "models": 3, "notes": ["listens on all interfaces"],
        }))
        .unwrap();
        let snapshot = Snapshot {
            addresses: vec!["127.0.0.1:4747".to_owned()],
            settings_file: "/s.toml".to_owned(),
            endpoints: vec![endpoint],
            settled: true,
            ..Snapshot::default()
        };
        let expected = [
            "ok       Serving on 127.0.0.1:4747",
            "ok       The settings in /s.toml are in order",
            "ok       Keys are kept in the system's keychain",
            "ok       Ollama at http://127.0.0.1:11434: 3 models",
            "note     ollama@11434: listens on all interfaces",
        ];
        assert_eq!(told(&snapshot), expected);
    }

    #[test]
    fn what_stands_in_the_way_is_told_with_the_way_out() {
        let snapshot = Snapshot {
            addresses: vec!["127.0.0.1:4747".to_owned()],
            settings_file: "/s.toml".to_owned(),
            settings_problem: Some("line 2: no such key `prot`".to_owned()),
            keychain_problem: Some("it is locked".to_owned()),
            settled: true,
            routes: vec![RouteView {
                name: "code".to_owned(),
                targets: vec!["lab:coder".to_owned()],
                context: None,
                answers: Vec::new(),
                problem: Some("lab does not answer".to_owned()),
            }],
            installed: vec![Installed {
                runtime: "ollama".into(),
                name: "Ollama".to_owned(),
                path: "/usr/bin/ollama".to_owned(),
                start: vec!["ollama".to_owned(), "serve".to_owned()],
            }],
            refused: vec![Refusal {
                place: "127.0.0.1:1234".to_owned(),
                looked_like: Some("LM Studio".to_owned()),
                reason: "it gave no models".to_owned(),
            }],
            ..Snapshot::default()
        };
        let expected = [
            "ok       Serving on 127.0.0.1:4747",
            "problem  /s.toml: line 2: no such key `prot`; the last good settings are used",
            "note     The system's keychain cannot be used: it is locked",
            "problem  No runtime answers; start Ollama, LM Studio, llama.cpp, llamafile or vLLM and it is taken up by itself",
            "problem  Nobody answers the route `code`: lab does not answer",
            "note     Ollama is installed but off; start it with: ollama serve",
            "note     127.0.0.1:1234, which looks like LM Studio, is not used: it gave no models",
        ];
        assert_eq!(told(&snapshot), expected);
    }
}
