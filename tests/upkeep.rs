//! Models loaded, unloaded and fetched, and runtimes started, as a person says in a shell.

mod starting;

use pointsman_gateway::control::{Command, ModelActions, Pull, PullState, Reply, Snapshot};
use serde_json::{Value, json};

use crate::harness::fake::{lmstudio, ollama};
use crate::harness::runtime::{LlamaServer, Ollama, parts};
use crate::harness::{Gateway, Options, Port, Script, bounded};

const MODEL: &str = "smollm2:135m";

async fn done(gateway: &Gateway, command: Command) {
    let reply = gateway.tell(&command).await;
    assert!(matches!(reply, Reply::Done), "{command:?}: {reply:?}");
}

async fn refused(gateway: &Gateway, command: Command, reason: &str) {
    let reply = gateway.tell(&command).await;
    assert!(matches!(&reply, Reply::Failed { message } if message.contains(reason)), "{command:?}: {reply:?}");
}

fn load(endpoint: &str, model: &str) -> Command {
    Command::LoadModel { endpoint: endpoint.to_owned(), model: model.to_owned() }
}

fn unload(endpoint: &str, model: &str) -> Command {
    Command::UnloadModel { endpoint: endpoint.to_owned(), model: model.to_owned() }
}

fn pull(endpoint: &str, name: &str) -> Command {
    Command::PullModel { endpoint: endpoint.to_owned(), name: name.to_owned() }
}

fn cancel(endpoint: &str, name: &str) -> Command {
    Command::CancelPull { endpoint: endpoint.to_owned(), name: name.to_owned() }
}

fn start(runtime: &str) -> Command {
    Command::StartRuntime { runtime: runtime.to_owned() }
}

fn loaded(snapshot: &Snapshot, endpoint: &str, model: &str) -> Option<bool> {
    let known = snapshot.models.iter().find(|known| *known.endpoint == *endpoint && &*known.id == model)?;
    Some(known.is_loaded())
}

fn actions(snapshot: &Snapshot, endpoint: &str) -> ModelActions {
    snapshot.endpoints.iter().find(|known| known.id == endpoint).expect("the endpoint").actions
}

const ALL: ModelActions = ModelActions { load: true, unload: true, pull: true };

#[test]
fn a_real_ollama_loads_unloads_and_says_why_it_cannot_pull() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let ollama = Ollama::start(&parts).await;
        ollama.create(MODEL, &parts.smol(), None).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        let id = &format!("ollama@{}", ollama.port());
        let snapshot = gateway.until("its model", |now| loaded(now, id, MODEL) == Some(false)).await;
        assert_eq!(actions(&snapshot, id), ALL);
        done(&gateway, load(id, MODEL)).await;
        gateway.until("it to be loaded", |now| loaded(now, id, MODEL) == Some(true)).await;
        done(&gateway, unload(id, MODEL)).await;
        gateway.until("it to be unloaded", |now| loaded(now, id, MODEL) == Some(false)).await;
        done(&gateway, unload(id, MODEL)).await;
        refused(&gateway, load(id, "other:1b"), "no model `other:1b`").await;
        refused(&gateway, load("ollama@1", MODEL), "no endpoint `ollama@1`").await;

        // A registry that nobody serves: what Ollama says of it is told.
        let name = &format!("127.0.0.1:{}/library/none", Port::reserve().number());
        done(&gateway, pull(id, name)).await;
        let failed = |now: &Snapshot| match &now.pulls[..] {
            [Pull { state: PullState::Failed { message }, .. }] => Some(message.clone()),
            _ => None,
        };
        let snapshot = gateway.until("the pull to fail", |now| failed(now).is_some()).await;
        let message = failed(&snapshot).unwrap_or_default();
        assert!(message.starts_with("Ollama: ") && message.contains("refused"), "{message}");
        done(&gateway, cancel(id, name)).await;
        gateway.until("it to be forgotten", |now| now.pulls.is_empty()).await;
        refused(&gateway, cancel(id, name), "fetches no").await;

        done(&gateway, Command::SetLocalOnly { on: true }).await;
        refused(&gateway, pull(id, "qwen3"), "local-only").await;
        done(&gateway, load(id, MODEL)).await;
    });
}

#[test]
fn a_real_router_loads_and_unloads() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let Some(server) = parts.static_llama_server() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let preset = folder.path().join("router.ini");
        let row = format!("[one]\nmodel = {}\nctx-size = 512\nthreads = 1\n\n", parts.tiny().display());
        let broken = "[broken]\nmodel = /nowhere/to/be/found.gguf\n";
        std::fs::write(&preset, row + broken).expect("a preset");
        let llama = LlamaServer::start_router(&parts, server, &preset).await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        let id = &format!("llamacpp@{}", llama.port());
        let snapshot = gateway.until("its models", |now| loaded(now, id, "one") == Some(false)).await;
        assert_eq!(actions(&snapshot, id), ALL);
        done(&gateway, load(id, "one")).await;
        gateway.until("it to be loaded", |now| loaded(now, id, "one") == Some(true)).await;
        done(&gateway, load(id, "one")).await;
        done(&gateway, unload(id, "one")).await;
        gateway.until("it to be unloaded", |now| loaded(now, id, "one") == Some(false)).await;
        done(&gateway, unload(id, "one")).await;
        refused(&gateway, load(id, "broken"), "broken is not loaded").await;
        // It says itself what is no name, and does not say that it could not ask Hugging Face.
        for (name, reason) in
            [("x", "invalid HF repo format"), ("nobody/nothing-GGUF:Q4_K_M", "what llama-server wrote")]
        {
            done(&gateway, pull(id, name)).await;
            let failed = |it: &Pull| matches!(&it.state, PullState::Failed { message } if message.contains(reason));
            gateway.until(reason, |now| now.pulls.iter().any(|it| it.name == name && failed(it))).await;
        }
    });
}

#[test]
fn a_router_fetches_tells_how_far_it_is_and_gives_up() {
    bounded(async {
        const NAME: &str = "someone/small-GGUF";
        let fake = crate::harness::fake::llamacpp("m").await;
        let lists = |rows: Value| {
            for path in ["/models", "/v1/models"] {
                let list = Script::json(&json!({"object": "list", "data": rows})).header("Server", "llama.cpp");
                fake.on("GET", path, list);
            }
        };
        let one = json!({"id": "m", "object": "model", "status": {"value": "unloaded"}});
        let fetching = |done: u64| {
            let progress = json!({"https://a": {"done": done, "total": 100}, "https://b": {"done": 5, "total": 50}});
            json!({"id": NAME, "object": "model", "status": {"value": "downloading", "progress": progress}})
        };
        lists(json!([]));
        let gateway = Gateway::start(Options::new().discovers(fake.port())).await;
        let id = &format!("llamacpp@{}", fake.port());
        gateway.until("an empty router", |now| now.endpoints.iter().any(|it| it.id == *id && it.actions.pull)).await;
        lists(json!([one]));
        done(&gateway, Command::Rescan).await;
        let snapshot = gateway.until("its model", |now| loaded(now, id, "m") == Some(false)).await;
        assert_eq!(actions(&snapshot, id), ALL);

        fake.on("POST", "/models", Script::json(&json!({"success": true})));
        lists(json!([one, fetching(20)]));
        done(&gateway, pull(id, NAME)).await;
        let asked: Value = serde_json::from_slice(&fake.request("/models").await.body).unwrap_or_default();
        assert!(asked.is_null() || asked == json!({"model": NAME}), "{asked}");
        let shows = |now: &Snapshot, wanted: u64| matches!(now.pulls.first().map(|it| &it.state), Some(PullState::Running { done, total: Some(150), .. }) if *done == wanted);
        gateway.until("25 of 150", |now| shows(now, 25)).await;
        lists(json!([one, fetching(100)]));
        gateway.until("105 of 150", |now| shows(now, 105)).await;
        // Its name has the quantisation that was chosen.
        let whole = json!({"id": format!("{NAME}:Q4_K_M"), "object": "model", "status": {"value": "unloaded"}});
        lists(json!([one, whole]));
        gateway.until("it to be whole", |now| now.pulls.is_empty()).await;

        lists(json!([one, fetching(20)]));
        fake.on("POST", "/models/unload", Script::json(&json!({"success": true})));
        done(&gateway, pull(id, NAME)).await;
        gateway.until("it to run", |now| shows(now, 25)).await;
        done(&gateway, cancel(id, NAME)).await;
        let asked: Value = serde_json::from_slice(&fake.request("/models/unload").await.body).expect("JSON");
        assert_eq!(asked, json!({"model": NAME}));

        fake.on("POST", "/models", Script::text(404, "not found"));
        done(&gateway, pull(id, NAME)).await;
        let old =
            |it: &Pull| matches!(&it.state, PullState::Failed { message } if message.contains("newer llama-server"));
        gateway.until("a refusal", |now| now.pulls.iter().any(old)).await;
    });
}

#[test]
fn a_single_llama_server_is_told_nothing() {
    bounded(async {
        let fake = crate::harness::fake::llamacpp("m").await;
        let gateway = Gateway::start(Options::new().discovers(fake.port())).await;
        let id = &format!("llamacpp@{}", fake.port());
        let snapshot = gateway.until("its model", |now| loaded(now, id, "m").is_some()).await;
        assert_eq!(actions(&snapshot, id), ModelActions::default());
        refused(&gateway, unload(id, "m"), "cannot be told to load or unload").await;
    });
}

#[test]
fn a_pull_shows_how_far_it_is_until_it_is_whole_or_given_up() {
    bounded(async {
        let fake = ollama(&["qwen3:8b"]).await;
        let layer = |digest: &str, total: u64, completed: u64| json!({"status": format!("pulling {digest}"), "digest": digest, "total": total, "completed": completed});
        let script = Script::lines()
            .line(&json!({"status": "pulling manifest"}))
            .gate()
            .line(&layer("sha256:aa", 1000, 0))
            .line(&layer("sha256:aa", 1000, 700))
            .gate()
            .line(&layer("sha256:aa", 1000, 1000))
            .line(&layer("sha256:bb", 500, 100))
            .gate()
            .line(&json!({"status": "verifying sha256 digest"}))
            .line(&json!({"status": "success"}));
        fake.on("POST", "/api/pull", script);
        let gateway = Gateway::start(Options::new().discovers(fake.port())).await;
        let id = &format!("ollama@{}", fake.port());
        gateway.until("its model", |now| loaded(now, id, "qwen3:8b").is_some()).await;
        let shows = |says: &str, done: u64, total: Option<u64>| {
            let state = PullState::Running { says: says.to_owned(), done, total };
            vec![Pull { endpoint: id.clone(), name: "llama3:1b".to_owned(), state }]
        };
        done(&gateway, pull(id, "llama3:1b")).await;
        done(&gateway, pull(id, "llama3:1b")).await;
        for expected in [
            shows("pulling manifest", 0, None),
            shows("pulling sha256:aa", 700, Some(1000)),
            shows("pulling sha256:bb", 1100, Some(1500)),
        ] {
            gateway.until(&format!("{expected:?}"), |now| now.pulls == expected).await;
            fake.go();
        }
        gateway.until("it to be whole", |now| now.pulls.is_empty()).await;
        let asked = fake.requests_for("/api/pull");
        assert_eq!(asked.len(), 1, "never twice at a time");
        let asked: Value = serde_json::from_slice(&asked[0].body).expect("JSON");
        assert_eq!(asked, json!({"model": "llama3:1b", "stream": true}), "and never from a registry without TLS");

        fake.on("POST", "/api/pull", Script::lines().line(&json!({"status": "pulling manifest"})).hang());
        done(&gateway, pull(id, "llama3:1b")).await;
        fake.nth_request("/api/pull", 1).await;
        done(&gateway, cancel(id, "llama3:1b")).await;
        fake.left().await;
        gateway.until("nothing", |now| now.pulls.is_empty()).await;

        let failures = [
            (
                Script::lines().line(&json!({"error": "file does not exist\u{1b}[31m"})),
                "Ollama: file does not exist[31m",
            ),
            (Script::lines().line(&json!({"status": "pulling manifest"})), "broke off"),
            (Script::text(500, "<html>"), "answered 500"),
            (Script::lines().forever(vec![b'x'; 1024], 1 << 20), "larger"),
        ];
        for (script, reason) in failures {
            fake.on("POST", "/api/pull", script);
            done(&gateway, pull(id, "llama3:1b")).await;
            gateway
                .until(reason, |now| {
                    now.pulls
                        .iter()
                        .any(|pull| matches!(&pull.state, PullState::Failed { message } if message.contains(reason)))
                })
                .await;
        }
        refused(&gateway, pull(id, "two\nlines"), "one line").await;
    });
}

#[test]
fn lm_studio_is_asked_what_is_loaded_before_it_is_told() {
    bounded(async {
        let fake = lmstudio("gemma").await;
        let loads = |request: &crate::harness::fake::Recorded| {
            let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            Script::json(&json!({"type": "llm", "instance_id": asked["model"], "status": "loaded"}))
        };
        fake.on_with("POST", "/api/v1/models/load", loads);
        fake.on("POST", "/api/v1/models/unload", Script::json(&json!({"instance_id": "gemma"})));
        let gateway = Gateway::start(Options::new().discovers(fake.port())).await;
        let id = &format!("lmstudio@{}", fake.port());
        let snapshot = gateway.until("its model", |now| loaded(now, id, "gemma") == Some(true)).await;
        assert_eq!(actions(&snapshot, id), ALL);
        done(&gateway, load(id, "gemma")).await;
        assert!(fake.requests_for("/api/v1/models/load").is_empty(), "a second load would be a second instance");
        done(&gateway, unload(id, "gemma")).await;
        let asked: Value = serde_json::from_slice(&fake.request("/api/v1/models/unload").await.body).expect("JSON");
        assert_eq!(asked, json!({"instance_id": "gemma"}));

        let cold = json!({"models": [{"type": "llm", "key": "gemma", "loaded_instances": []}]});
        fake.on("GET", "/api/v1/models", Script::json(&cold).header("X-Powered-By", "Express"));
        done(&gateway, load(id, "gemma")).await;
        assert_eq!(fake.requests_for("/api/v1/models/load").len(), 1);
        fake.on("POST", "/api/v1/models/load", Script::json(&json!({"error": {"message": "not enough memory"}})));
        refused(&gateway, load(id, "gemma"), "not enough memory").await;

        let job = |status: &str, done: u64| {
            Script::json(
                &json!({"job_id": "job_1", "status": status, "total_size_bytes": 100, "downloaded_bytes": done}),
            )
        };
        fake.on("POST", "/api/v1/models/download", job("downloading", 10));
        fake.on("GET", "/api/v1/models/download/status/job_1", job("downloading", 60));
        done(&gateway, pull(id, "qwen/qwen3-8b")).await;
        let shows = |now: &Snapshot, wanted: u64| matches!(now.pulls.first().map(|it| &it.state), Some(PullState::Running { done, .. }) if *done == wanted);
        gateway.until("60 of 100", |now| shows(now, 60)).await;
        fake.on("GET", "/api/v1/models/download/status/job_1", job("completed", 100));
        gateway.until("it to be whole", |now| now.pulls.is_empty()).await;
        fake.on("POST", "/api/v1/models/download", job("downloading", 10));
        fake.on("GET", "/api/v1/models/download/status/job_1", job("paused", 10));
        done(&gateway, pull(id, "qwen/qwen3-8b")).await;
        refused(&gateway, cancel(id, "qwen/qwen3-8b"), "goes on with the download").await;
        gateway.until("it to be forgotten", |now| now.pulls.is_empty()).await;
    });
}

#[test]
fn an_endpoint_by_hand_gets_its_own_key_and_its_words_are_told_without_it() {
    bounded(async {
        let fake = ollama(&["qwen3:8b"]).await;
        let options = Options::new()
            .table(&format!(
                "[[endpoints]]\nname = \"lab\"\nbase_url = \"{}\"\nprotocol = \"ollama\"\nkey = \"env:LAB_KEY\"",
                fake.url()
            ))
            .variable("LAB_KEY", "sk-lab-0123456789");
        let gateway = Gateway::start(options).await;
        gateway.until("its model", |now| loaded(now, "lab", "qwen3:8b").is_some()).await;
        fake.on_with("POST", "/api/generate", |request| {
            let key = request.header("authorization").to_owned();
            Script::fault(403, &json!({"error": format!("no: {key}")}))
        });
        refused(&gateway, load("lab", "qwen3:8b"), "no: Bearer <key>").await;
        assert_eq!(fake.request("/api/generate").await.header("authorization"), "Bearer sk-lab-0123456789");
    });
}

#[test]
fn the_built_in_runtime_is_turned_on_loads_and_unloads() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(parts.tiny(), folder.path().join("tiny.gguf")).expect("a model file");
        let lines = format!(
            "enabled = \"off\"\nserver = {:?}\nfolders = [{:?}]\ncontext = 512",
            parts.llama_server(),
            folder.path()
        );
        let gateway = Gateway::start(Options::new().builtin(&lines)).await;
        gateway.until("discovery to have looked", |now| now.settled).await;
        done(&gateway, start("builtin")).await;
        let ours = |now: &Snapshot| now.models.iter().find(|model| &*model.endpoint == "builtin").cloned();
        let snapshot = gateway.until("its model", |now| ours(now).is_some()).await;
        let model = ours(&snapshot).expect("a model").id.to_string();
        assert_eq!(actions(&snapshot, "builtin"), ModelActions { pull: false, ..ALL });
        done(&gateway, load("builtin", &model)).await;
        gateway.until("it to be loaded", |now| loaded(now, "builtin", &model) == Some(true)).await;
        done(&gateway, unload("builtin", &model)).await;
        gateway.until("it to be unloaded", |now| loaded(now, "builtin", &model) == Some(false)).await;
        refused(&gateway, pull("builtin", "x"), "cannot be told to fetch").await;
    });
}

#[test]
fn the_machines_memory_is_told_to_who_asks_once() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        let Reply::Snapshot(snapshot) = gateway.tell(&Command::Snapshot).await else { panic!("no snapshot") };
        let machine = snapshot.machine;
        assert!(machine.memory_available > 0 && machine.memory_total > machine.memory_available, "{machine:?}");
    });
}
