//! The agents that people run in a terminal, on demand: `make test-agents` installs them and runs what is ignored here.
//!
//! Each runs without a terminal, in a home of its own, and is known to nobody: no account, no network. First it is asked
//! something by way of a real llama.cpp; then a scripted upstream has it read a file, edit it and say that it is done, for
//! which the small models at hand are too weak.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pointsman_gateway::tools::{Filling, Form, Tool};
use serde_json::Value;

use crate::harness::fake::Recorded;
use crate::harness::runtime::{LlamaOptions, LlamaServer, Parts, parts, strict};
use crate::harness::{Fake, Gateway, Options, bounded, within_time};

mod agent;
mod plot;

use agent::Agent;

/// The longest that an agent may take for one task. Some wait for minutes when nobody answers.
const TASK: Duration = Duration::from_secs(90);

/// The file that an agent is to edit, and what is in it before and after.
const FILE: &str = "switch.txt";
const BEFORE: &str = "The switch is set to the left.\n";
const AFTER: &str = "The switch is set to the right.\n";

/// What an agent said, once it ended well.
async fn run(parts: &Parts, agent: Agent, gateway: &Gateway, model: &str, task: &str) -> String {
    let home = gateway.root().join("home");
    let work = work(gateway);
    std::fs::create_dir_all(&work).expect("a folder");
    std::fs::write(work.join(FILE), BEFORE).expect("a file");
    let base = format!("http://127.0.0.1:{}", gateway.port());
    for (path, text) in agent.files(&base, model) {
        let path = home.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let node = parts.node();
    let mut command = tokio::process::Command::new(parts.agent(agent.program()));
    command
        .args(agent.arguments(&home, model, task))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", node.parent().unwrap_or(Path::new("/")).display()))
        .env("HOME", &home)
        .envs(agent.variables(&base, model))
        .current_dir(&work)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = within_time(TASK, "an agent's end", command.output()).await.expect("an agent");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{agent:?}: {said}\n{wrong}");
    format!("{said}\n{wrong}")
}

/// The folder in which an agent works.
fn work(gateway: &Gateway) -> std::path::PathBuf {
    gateway.root().join("work")
}

/// Asks it something by way of a real llama.cpp.
async fn answers(parts: &Parts, agent: Agent) {
    // Random words, but with room for the long instructions of an agent, which it reads in seconds.
    let folder = tempfile::tempdir().expect("a folder");
    let more = [strict(folder.path()), ["--ctx-size", "65536"].map(str::to_owned).to_vec()].concat();
    let options = LlamaOptions { alias: Some("tiny".to_owned()), more, ..Default::default() };
    let llama = LlamaServer::start(parts, &parts.tiny(), options).await;
    let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
    gateway.ready("tiny").await;
    run(parts, agent, &gateway, "tiny", "Say hello.").await;
    let rows = gateway.rows("its question", |rows| !rows.is_empty()).await;
    for row in rows {
        assert_eq!(row["surface"], agent.surface(), "{agent:?}: {row}");
        assert_eq!(row["outcome"], "complete", "{agent:?}: {row}");
        assert!(row["input_tokens"].as_u64() > Some(50), "{agent:?}: its instructions are counted: {row}");
    }
}

/// Has it read a file, edit it and say that it is done.
async fn edits(parts: &Parts, agent: Agent) {
    let fake = Fake::new().await;
    let gateway = Gateway::start(Options::new().endpoint("up", &fake.url(), "openai", &["m"])).await;
    gateway.ready("m").await;
    let file = work(&gateway).join(FILE);
    plot::play(&fake, agent.plot(&file));
    let said = run(parts, agent, &gateway, "m", "Set the switch in switch.txt to the right.").await;
    let asked: Vec<Value> = fake.requests_for(plot::PATH).iter().map(Recorded::json).collect();
    let found = std::fs::read_to_string(&file).expect("the file");
    let told = || format!("{agent:?}: {said}\n{}", plot::told(&asked));
    assert_eq!(found, AFTER, "{}", told());
    assert!(said.contains(plot::DONE), "its user is told the end: {}", told());
    if let Some(results) = plot::results(&asked) {
        assert!(results.len() >= 2 && results[0].contains("to the left"), "it tells what it read: {}", told());
    }
}

/// What `pointsman connect` tells users to write is what these tests write.
#[test]
fn each_is_pointed_here_as_users_are_told() {
    let with = Filling { port: 4747, key: Some("none"), route: "m" };
    let tools = Tool::table().expect("the table");
    let base = "http://127.0.0.1:4747";
    let rows = [
        (Agent::ClaudeCode, "claude-code"),
        (Agent::Codex, "codex"),
        (Agent::GeminiCli, "gemini-cli"),
        (Agent::Opencode, "opencode"),
        (Agent::Continue, "continue"),
        (Agent::Aider, "aider"),
    ];
    for (agent, id) in rows {
        let tool = tools.iter().find(|tool| tool.id == id).expect("its row");
        let told: Vec<(Form, String)> = tool.steps.iter().map(|step| (step.form, step.filled(&with))).collect();
        let all: String = told.iter().flat_map(|(_, text)| [text, "\n"]).collect();
        for (name, value) in agent.variables(base, "m") {
            let switches = ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "OPENCODE_DISABLE_MODELS_FETCH"];
            let line = format!("export {name}={value}\n");
            assert!(switches.contains(&name) || all.contains(&line), "{agent:?}: {line}is not in {all}");
        }
        for (file, text) in agent.files(base, "m") {
            if let Ok(written) = serde_json::from_str::<Value>(&text) {
                let json = told.iter().find(|(form, _)| *form == Form::Json).expect("a step in JSON");
                let json: Value = serde_json::from_str(&json.1).expect("JSON");
                for (path, value) in leaves(&written) {
                    let special = path.contains("/limit/") || path == "/autoupdate";
                    assert!(special || json.pointer(&path) == Some(value), "{file}: {path} is {value} in the test");
                }
            } else {
                // Quotes are a matter of taste in YAML.
                let plain = |text: &str| text.replace('"', "");
                let own = ["name: here", "- name: here"];
                for line in text.lines().map(str::trim).filter(|line| !own.contains(line)) {
                    assert!(plain(&all).contains(&plain(line)), "{file}: {line} is not in {all}");
                }
            }
        }
    }
}

/// Every value that is no object, with its place.
fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let Some(object) = value.as_object() else { return vec![(String::new(), value)] };
    let below = |(name, value)| leaves(value).into_iter().map(move |(path, leaf)| (format!("/{name}{path}"), leaf));
    object.iter().flat_map(below).collect()
}

fn check(agent: Agent) {
    bounded(async move {
        let Some(parts) = parts() else { return };
        answers(&parts, agent).await;
        edits(&parts, agent).await;
    });
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn claude_code_answers_and_edits() {
    check(Agent::ClaudeCode);
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn codex_answers_and_edits() {
    check(Agent::Codex);
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn gemini_cli_answers_and_edits() {
    check(Agent::GeminiCli);
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn opencode_answers_and_edits() {
    check(Agent::Opencode);
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn continue_answers_and_edits() {
    check(Agent::Continue);
}

#[test]
#[ignore = "2 GB to install: make test-agents"]
fn aider_answers_and_edits() {
    check(Agent::Aider);
}
