//! The `pointsman` command against a running gateway, and without one.

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::harness::{
    EVERY_PROTOCOL, Fake, Gateway, Options, SAID, bounded, chat, fake, new_root, pointsman, within, write_settings,
};

async fn start() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    (Gateway::over(&up).await, up)
}

async fn run(gateway: &Gateway, arguments: &[&str]) -> Output {
    let mut command = gateway.command(arguments);
    command.stdin(Stdio::null());
    within(&format!("`pointsman {}`", arguments.join(" ")), command.output()).await.expect("a command")
}

/// Its stdout, once it succeeded.
async fn said(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = run(gateway, arguments).await;
    let (out, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "pointsman {}: {:?}: {out}{wrong}", arguments.join(" "), output.status);
    out.into_owned()
}

/// Exit codes, so that a script can tell.
const FAILED: i32 = 1;
const WRONG_USE: i32 = 2;
const NOT_RUNNING: i32 = 3;
const NOT_FOUND: i32 = 4;

/// Its stderr, once it failed.
async fn refused(gateway: &Gateway, code: i32, arguments: &[&str]) -> String {
    let output = run(gateway, arguments).await;
    assert_eq!(output.status.code(), Some(code), "pointsman {}", arguments.join(" "));
    assert!(output.stdout.is_empty(), "an error goes to stderr");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}"))
}

#[test]
fn status_tells_what_there_is() {
    bounded(async {
        let (gateway, _up) = start().await;
        let status = json_of(&said(&gateway, &["status", "--json"]).await);
        assert!(status["addresses"].to_string().contains(&gateway.port().to_string()), "{status}");
        assert_eq!((&status["process"], &status["local_only"]), (&json!(gateway.process()), &json!(false)), "{status}");
        assert!(status["endpoints"].as_array().is_some_and(|all| all.iter().any(|row| row["id"] == "up")), "{status}");
        let shown = said(&gateway, &["status"]).await;
        assert!(shown.contains("up") && shown.contains(&gateway.port().to_string()), "{shown}");
        assert!(!shown.contains('\u{1b}'), "no colours where nobody sees them");
    });
}

#[test]
fn models_are_listed() {
    bounded(async {
        let (gateway, _up) = start().await;
        let models = json_of(&said(&gateway, &["models", "--json"]).await);
        assert!(
            models.as_array().is_some_and(|all| all.iter().any(|row| row["id"] == "m" && row["endpoint"] == "up")),
            "{models}"
        );
        assert!(said(&gateway, &["models"]).await.lines().any(|line| line.contains('m') && line.contains("up")));
    });
}

#[test]
fn routes_are_set_added_to_listed_and_removed() {
    bounded(async {
        let (one, two) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new().endpoint("one", &one.url(), EVERY_PROTOCOL, &["m"]).endpoint(
            "two",
            &two.url(),
            EVERY_PROTOCOL,
            &["m"],
        );
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let route = |snapshot: &pointsman_gateway::control::Snapshot| {
            snapshot.routes.iter().find(|route| route.name == "work").map(|route| route.targets.clone())
        };
        said(&gateway, &["routes", "set", "work", "one:m"]).await;
        gateway.until("it", |snapshot| route(snapshot) == Some(vec!["one:m".to_owned()])).await;
        said(&gateway, &["routes", "add", "work", "two:m"]).await;
        gateway.until("both", |snapshot| route(snapshot) == Some(vec!["one:m".to_owned(), "two:m".to_owned()])).await;
        let listed = said(&gateway, &["routes", "list"]).await;
        assert!(listed.contains("work") && listed.contains("one:m") && listed.contains("two:m"), "{listed}");
        let answer = gateway.post("/v1/chat/completions", &chat("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "one/m");
        said(&gateway, &["routes", "remove", "work"]).await;
        gateway.until("it to be gone", |snapshot| route(snapshot).is_none()).await;
        assert!(refused(&gateway, NOT_FOUND, &["routes", "remove", "work"]).await.contains("work"));
    });
}

#[test]
fn keys_are_made_listed_and_revoked() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().top("require_key = \"always\"")).await;
        let made = said(&gateway, &["keys", "add", "editor"]).await;
        let key = made
            .split_whitespace()
            .find(|word| word.len() >= 40)
            .unwrap_or_else(|| panic!("no key: {made}"))
            .to_owned();
        let ask = || crate::harness::Ask::get("/v1/models").bearer(&key).send(gateway.port());
        ask().await.expect(200).await;
        let listed = said(&gateway, &["keys", "list"]).await;
        assert!(listed.contains("editor") && !listed.contains(&key), "{listed}");
        assert!(refused(&gateway, FAILED, &["keys", "add", "editor"]).await.contains("editor"));
        said(&gateway, &["keys", "remove", "editor"]).await;
        gateway.until("no key", |snapshot| snapshot.client_keys.is_empty()).await;
        ask().await.expect(401).await;
        assert!(refused(&gateway, NOT_FOUND, &["keys", "remove", "editor"]).await.contains("editor"));
    });
}

#[test]
fn a_credential_is_read_from_stdin_and_never_shown() {
    bounded(async {
        let (gateway, _up) = start().await;
        let mut command = gateway.command(&["keys", "add", "--endpoint", "up"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a command");
        child.stdin.take().expect("stdin").write_all(b"sk-canary-cli\n").await.expect("stdin");
        let output = within("the command", child.wait_with_output()).await.expect("output");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && !text.contains("sk-canary-cli"), "{text}");
        assert!(text.contains("file:") || text.contains("keychain:"), "it says where it is kept: {text}");
        gateway.until("it", |snapshot| snapshot.endpoints.iter().any(|found| found.credential.is_some())).await;
    });
}

#[test]
fn local_only_mode_is_turned_on_and_off() {
    bounded(async {
        let (gateway, _up) = start().await;
        for (word, on) in [("on", true), ("off", false)] {
            said(&gateway, &["local-only", word]).await;
            gateway.until("the mode", |snapshot| snapshot.local_only == on).await;
        }
        let output = run(&gateway, &["local-only", "perhaps"]).await;
        assert_eq!(output.status.code(), Some(WRONG_USE), "a wrong word is a wrong use");
    });
}

#[test]
fn doctor_finds_what_is_wrong() {
    bounded(async {
        let (gateway, _up) = start().await;
        let text = said(&gateway, &["doctor"]).await;
        assert!(!text.is_empty());
        let dead = crate::harness::Port::reserve();
        let broken = Options::new().endpoint("dead", &dead.url(), "openai", &["x"]).route("work", &["nowhere:nothing"]);
        gateway.rewrite(&broken.settings());
        gateway
            .until("the trouble", |snapshot| {
                snapshot.endpoints.iter().any(|found| found.id == "dead")
                    && snapshot.routes.iter().any(|route| route.problem.is_some())
            })
            .await;
        let output = run(&gateway, &["doctor"]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("dead") && text.contains("work"), "{text}");
        assert_eq!(output.status.code(), Some(1), "trouble is a failure: {text}");
    });
}

#[test]
fn chat_answers_what_is_piped_in() {
    bounded(async {
        let (gateway, up) = start().await;
        for arguments in [&["chat"][..], &["chat", "--model", "up:m"]] {
            let mut command = gateway.command(arguments);
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it");
            child
                .stdin
                .take()
                .expect("stdin")
                .write_all("What does a pointsman do? é\n".as_bytes())
                .await
                .expect("stdin");
            let output = within("the command", child.wait_with_output()).await.expect("output");
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), SAID, "{arguments:?}");
        }
        let sent = up.requests_for("/v1/chat/completions").pop().expect("a request").json();
        assert_eq!(
            sent["messages"].as_array().and_then(|all| all.last()).map(|last| &last["content"]),
            Some(&json!("What does a pointsman do? é"))
        );
        let mut command = gateway.command(&["chat", "--model", "nope"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it");
        child.stdin.take().expect("stdin").write_all(b"hi\n").await.expect("stdin");
        let output = within("the command", child.wait_with_output()).await.expect("output");
        assert_eq!(output.status.code(), Some(NOT_FOUND));
        assert!(String::from_utf8_lossy(&output.stderr).contains("nope"));
    });
}

#[test]
fn without_a_gateway_commands_say_so() {
    bounded(async {
        let root = new_root();
        write_settings(root.path(), &Options::new().settings());
        for arguments in
            [&["status"][..], &["status", "--json"], &["models"], &["routes", "list"], &["local-only", "on"]]
        {
            let output =
                within("a command", pointsman(root.path(), &[]).args(arguments).output()).await.expect("output");
            assert_eq!(output.status.code(), Some(NOT_RUNNING), "{arguments:?}");
            let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(wrong.contains("pointsman serve"), "{arguments:?}: it says how to start one: {wrong}");
        }
    });
}

#[test]
fn a_wrong_use_is_told_and_help_is_help() {
    bounded(async {
        let root = new_root();
        let run = |arguments: &'static [&'static str]| {
            let mut command = pointsman(root.path(), &[]);
            command.args(arguments).stdin(Stdio::null());
            command
        };
        for (arguments, code) in [
            (&["--help"][..], 0),
            (&["--version"], 0),
            (&["serve", "--help"], 0),
            (&["nope"], WRONG_USE),
            (&["routes", "nope"], WRONG_USE),
        ] {
            let output = within("a command", run(arguments).output()).await.expect("output");
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let output = within("a command", run(&["--version"]).output()).await.expect("output");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("pointsman {}", env!("CARGO_PKG_VERSION")));
    });
}

#[test]
fn a_closed_pipe_is_no_crash() {
    bounded(async {
        let (gateway, _up) = start().await;
        let binary = env!("CARGO_BIN_EXE_pointsman");
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &format!("{binary} models --json | true; {binary} --help | head -1 >/dev/null")]);
        shell.env("HOME", gateway.root().join("home")).env("XDG_RUNTIME_DIR", gateway.root().join("run"));
        let output = within("the shell", shell.output()).await.expect("a shell");
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!wrong.contains("panicked"), "{wrong}");
    });
}
