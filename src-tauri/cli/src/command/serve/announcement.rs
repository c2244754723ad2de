//! What `serve` says after it listens: pure text from snapshots.

use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{EndpointView, Snapshot};

use crate::command::keys;
use crate::figures::count;

/// What was found, or what to do when nothing was; who needs a key; a first request to try.
pub(super) fn found(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(problem) = &snapshot.settings_problem {
        lines.push(format!("the settings have a mistake, the last good ones are used: {problem}"));
    }
    for endpoint in &snapshot.endpoints {
        lines.push(format!("{}: {}", place(endpoint), state(endpoint)));
        lines.extend(endpoint.notes.iter().map(|note| format!("  {note}")));
    }
    if !snapshot.endpoints.iter().any(answers) {
        lines.push(
            "no runtime answers; start Ollama, LM Studio, llama.cpp, llamafile or vLLM and it is taken up by itself"
                .to_owned(),
        );
        for installed in &snapshot.installed {
            lines.push(format!(
                "{} is installed but off; start it with: {}",
                installed.name,
                installed.start.join(" ")
            ));
        }
    }
    if let Some(default) = snapshot.routes.iter().find(|route| route.name == "default")
        && let Some(first) = default.answers.first()
    {
        lines.push(format!("`default` is answered by {first}"));
    }
    lines.push(key(snapshot).to_owned());
    if let Some(address) = snapshot.addresses.first() {
        lines.push(format!("try it: {}", curl(address, snapshot.key_always)));
    }
    lines
}

/// What came and went between two snapshots.
pub(super) fn changed(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for endpoint in &after.endpoints {
        let known = before.endpoints.iter().find(|known| known.id == endpoint.id);
        match known {
            None if endpoint.state == EndpointState::Starting => {}
            None => lines.push(appeared(endpoint)),
            Some(known) if known.state == EndpointState::Starting && endpoint.state != EndpointState::Starting => {
                lines.push(appeared(endpoint));
            }
            Some(known) if known.state != endpoint.state => {
                lines.push(format!("{}: {}", place(endpoint), state(endpoint)));
            }
            Some(_) => {}
        }
    }
    for endpoint in &before.endpoints {
        if !after.endpoints.iter().any(|still| still.id == endpoint.id) {
            lines.push(format!("{} is gone", place(endpoint)));
        }
    }
    if before.settings_problem != after.settings_problem {
        lines.push(match &after.settings_problem {
            Some(problem) => format!("the settings have a mistake, the last good ones are used: {problem}"),
            None => "the settings are in order again".to_owned(),
        });
    }
    if before.local_only != after.local_only {
        lines.push(
            if after.local_only {
                "local-only mode is on: nothing leaves this machine"
            } else {
                "local-only mode is off"
            }
            .to_owned(),
        );
    }
    lines
}

fn answers(endpoint: &EndpointView) -> bool {
    matches!(endpoint.state, EndpointState::Ready | EndpointState::Starting)
}

fn address(endpoint: &EndpointView) -> &str {
    endpoint.base_url.split_once("://").map_or(endpoint.base_url.as_str(), |(_, rest)| rest).trim_end_matches('/')
}

fn appeared(endpoint: &EndpointView) -> String {
    if endpoint.origin == "builtin" {
        return format!("models on this disk: {}, started on first use", count(endpoint.models, "model"));
    }
    format!("{} appeared on {}: {}", endpoint.name, address(endpoint), state(endpoint))
}

fn place(endpoint: &EndpointView) -> String {
    if endpoint.origin == "builtin" {
        return format!("{}, which {}", endpoint.name, endpoint.base_url);
    }
    let leaves = if endpoint.local { "" } else { " (leaves this machine)" };
    format!("{} on {}{leaves}", endpoint.name, address(endpoint))
}

fn state(endpoint: &EndpointView) -> String {
    match endpoint.state {
        EndpointState::Ready => count(endpoint.models, "model"),
        EndpointState::Starting => "starting".to_owned(),
        EndpointState::NeedsKey => keys::wanted(endpoint),
        EndpointState::Unreachable => "does not answer".to_owned(),
    }
}

fn key(snapshot: &Snapshot) -> &'static str {
    if snapshot.key_always {
        "every request needs a key; make one with: pointsman keys add TOOL"
    } else {
        "no key is needed for models on this machine; for others make one with: pointsman keys add TOOL"
    }
}

fn curl(address: &str, with_key: bool) -> String {
    let key = if with_key { " -H 'authorization: Bearer KEY'" } else { "" };
    format!(
        "curl http://{address}/v1/chat/completions -H 'content-type: application/json'{key} \
         -d '{{\"model\":\"default\",\"messages\":[{{\"role\":\"user\",\"content\":\"Say hi\"}}]}}'"
    )
}

#[cfg(test)]
mod tests {
    use pointsman_gateway::catalog::Installed;

    use super::*;

    fn endpoint(state: EndpointState, models: usize) -> EndpointView {
        EndpointView {
            id: "ollama@11434".to_owned(),
            name: "Ollama".to_owned(),
            runtime: Some("ollama".to_owned()),
            provider: None,
            origin: "discovered".to_owned(),
            base_url: "http://127.0.0.1:11434/".to_owned(),
            speaks: Vec::new(),
            local: true,
            state,
            cooling_seconds: None,
            version: None,
            process: None,
            credential: None,
            spare_keys: 0,
            allowance: None,
            models,
            actions: Default::default(),
            notes: Vec::new(),
        }
    }

    fn snapshot(endpoints: Vec<EndpointView>) -> Snapshot {
        Snapshot { addresses: vec!["127.0.0.1:4747".to_owned()], endpoints, ..Snapshot::default() }
    }

    #[track_caller]
    fn check(before: Vec<EndpointView>, after: Vec<EndpointView>, expected: &[&str]) {
        assert_eq!(changed(&snapshot(before), &snapshot(after)), expected);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        use EndpointState::{NeedsKey, Ready, Starting, Unreachable};
        check(vec![], vec![endpoint(Ready, 5)], &["Ollama appeared on 127.0.0.1:11434: 5 models"]);
        check(vec![], vec![endpoint(Starting, 0)], &[]);
        check(vec![endpoint(Starting, 0)], vec![endpoint(Ready, 1)], &["Ollama appeared on 127.0.0.1:11434: 1 model"]);
        check(vec![endpoint(Ready, 1)], vec![endpoint(Ready, 2)], &[]);
        check(vec![endpoint(Ready, 1)], vec![], &["Ollama on 127.0.0.1:11434 is gone"]);
        check(
            vec![endpoint(Ready, 1)],
            vec![endpoint(Unreachable, 1)],
            &["Ollama on 127.0.0.1:11434: does not answer"],
        );
        check(
            vec![],
            vec![endpoint(NeedsKey, 0)],
            &["Ollama appeared on 127.0.0.1:11434: wants a key; write it to the settings under \
               [[endpoints]], then: pointsman keys add --endpoint NAME"],
        );
    }

    #[test]
    fn with_nothing_found_it_says_what_to_do() {
        let mut snapshot = snapshot(vec![]);
        snapshot.installed.push(Installed {
            runtime: "lmstudio".into(),
            name: "LM Studio".to_owned(),
            path: "/opt/lms".to_owned(),
            start: vec!["lms".to_owned(), "server".to_owned(), "start".to_owned()],
        });
        let lines = found(&snapshot);
        assert!(lines[0].starts_with("no runtime answers; start Ollama"), "{lines:?}");
        assert_eq!(lines[1], "LM Studio is installed but off; start it with: lms server start");
        assert!(lines[2].starts_with("no key is needed for models on this machine"));
        assert!(lines[3].starts_with("try it: curl http://127.0.0.1:4747/v1/chat/completions"));
        assert!(lines[3].contains("\"model\":\"default\""), "the quotes are the shell's: {}", lines[3]);
    }

    #[test]
    fn what_was_found_is_counted() {
        let lines = found(&snapshot(vec![endpoint(EndpointState::Ready, 5)]));
        assert_eq!(lines[0], "Ollama on 127.0.0.1:11434: 5 models");
        assert!(!lines.iter().any(|line| line.contains("no runtime")), "{lines:?}");
    }
}
