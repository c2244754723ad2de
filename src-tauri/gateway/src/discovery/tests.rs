//! Discovery as a whole, against scripted servers on free ports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::fake::{self, Canned, Fake, Script};
use super::*;
use crate::catalog::{Catalog, EndpointState};
use crate::disk::gguf::fixture::Gguf;
use crate::settings::DEFAULTS;
use crate::upstream::Upstream;

/// Nothing here takes so long; a machine that is busy may.
const PATIENCE: Duration = Duration::from_secs(20);

/// Discovery that asks only the ports that a test names.
struct Running {
    settings: watch::Sender<Arc<Settings>>,
    own_ports: watch::Sender<Vec<u16>>,
    rescan: Arc<Notify>,
    events: mpsc::Receiver<Event>,
    seen: Vec<Event>,
    catalog: Catalog,
    _stop: tokio_util::sync::DropGuard,
    _home: tempfile::TempDir,
}

impl Running {
    fn start(more: &str) -> Running {
        let home = tempfile::tempdir().expect("a folder");
        let (settings, settings_seen) = watch::channel(Arc::new(with(more)));
        let (own_ports, own_ports_seen) = watch::channel(Vec::new());
        let (send, events) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let rescan = Arc::new(Notify::new());
        let (home_folders, environment) = (Folders::below(home.path()), Environment::default());
        let upstream = Upstream::new(&Settings::default().limits, settings_seen.clone()).expect("clients");
        let world = World {
            runtimes: RuntimeSpec::table().expect("runtimes.toml can be read"),
            authority: Authority::new(upstream, environment.clone(), home_folders.clone()),
            environment,
            folders: home_folders,
            instance: "ours".into(),
            process: None,
            started: watch::channel(Default::default()).1,
            own_ports: own_ports_seen,
            credentials: Arc::new(|reference| {
                Box::pin(async move {
                    matches!(reference, CredentialRef::Environment(_)).then(|| Secret::new("sesame".to_owned()))
                })
            }),
            pace: Pace {
                tick: Duration::from_millis(20),
                refresh: Duration::from_millis(40),
                settled: Duration::from_millis(60),
                identity: Duration::from_millis(200),
                patience: Duration::from_secs(5),
                ..Pace::default()
            },
        };
        tokio::spawn(run(world, settings_seen, send, Arc::clone(&rescan), stop.clone()));
        Running {
            settings,
            own_ports,
            rescan,
            events,
            seen: Vec::new(),
            catalog: Catalog::default(),
            _stop: stop.drop_guard(),
            _home: home,
        }
    }

    fn set(&self, more: &str) {
        self.settings.send_replace(Arc::new(with(more)));
    }

    /// Waits until the catalog looks so: `id state models...` for each endpoint.
    async fn until(&mut self, expected: &[&str]) {
        let reached = async {
            while self.lines() != expected {
                let event = self.events.recv().await.expect("discovery runs");
                self.catalog =
                    self.catalog.apply(event.clone(), Instant::now()).unwrap_or(std::mem::take(&mut self.catalog));
                self.seen.push(event);
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{:#?} becomes {expected:#?}; seen: {:#?}", self.lines(), self.seen);
    }

    fn lines(&self) -> Vec<String> {
        let endpoint = |endpoint: &Arc<crate::catalog::Endpoint>| {
            let models: Vec<&str> = self.catalog.models_of(&endpoint.id).iter().map(|model| &*model.id).collect();
            format!("{} {:?} {}", endpoint.id, endpoint.state, models.join(" ")).trim().to_owned()
        };
        let refusal = |refusal: &crate::catalog::Refusal| format!("not {}: {}", refusal.place, refusal.reason);
        self.catalog.endpoints().map(endpoint).chain(self.catalog.refused().map(refusal)).collect()
    }
}

/// The defaults, nothing asked but what `more` names.
fn with(more: &str) -> Settings {
    let mut settings: toml::Table = DEFAULTS.parse().expect("the defaults are TOML");
    let more: toml::Table = more.parse().expect("TOML");
    let mut discovery = settings["discovery"].as_table().expect("a table").clone();
    discovery.insert("default_ports".to_owned(), false.into());
    discovery.insert("processes".to_owned(), false.into());
    for (key, value) in more {
        match (key.as_str(), value) {
            ("discovery", toml::Value::Table(table)) => discovery.extend(table),
            (_, value) => {
                settings.insert(key, value);
            }
        }
    }
    settings.insert("discovery".to_owned(), discovery.into());
    settings.try_into().expect("settings")
}

fn ports(fakes: &[&Fake]) -> String {
    let ports: Vec<String> = fakes.iter().map(|fake| fake.address.port().to_string()).collect();
    format!("discovery.ports = [{}]", ports.join(", "))
}

#[tokio::test]
async fn appears_lists_and_vanishes() {
    let (ollama, vllm) = (Fake::start(fake::ollama("0.33.0")).await, Fake::start(fake::vllm()).await);
    let mut running = Running::start(&ports(&[&ollama, &vllm]));
    let ollama_line = format!("ollama@{} Ready qwen3:8b", ollama.address.port());
    let vllm_line = format!("vllm@{} Ready Qwen/Qwen3-8B", vllm.address.port());
    running.until(&[&ollama_line, &vllm_line]).await;
    drop(ollama);
    running.until(&[&vllm_line]).await;
    let back =
        Fake::start_at(&vllm.address.to_string().replace(&vllm.address.port().to_string(), "0"), fake::llamacpp())
            .await;
    running.set(&ports(&[&vllm, &back]));
    running.until(&[&format!("llamacpp@{} Ready tiny-Q8_0.gguf", back.address.port()), &vllm_line]).await;
    for asked in vllm.asked() {
        assert!(["GET /v1/models", "GET /version"].contains(&&*asked), "{asked}");
    }
}

#[tokio::test]
async fn loads_then_answers() {
    let fake = Fake::start(fake::loading()).await;
    let port = fake.address.port();
    let mut running = Running::start(&ports(&[&fake]));
    running.until(&[&format!("llamacpp@{port} Starting")]).await;
    fake.becomes(fake::llamacpp());
    running.until(&[&format!("llamacpp@{port} Ready tiny-Q8_0.gguf")]).await;
    let refused = r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#;
    fake.becomes(Script::new([], Canned::json(401, refused)).always("server", "llama.cpp"));
    running.until(&[&format!("llamacpp@{port} NeedsKey")]).await;
    assert!(!running.seen.iter().any(|event| matches!(event, Event::Lost(_))), "it was the same all the time");
}

#[tokio::test]
async fn another_runtime_on_the_port_is_another_endpoint() {
    let fake = Fake::start(fake::vllm()).await;
    let port = fake.address.port();
    let mut running = Running::start(&ports(&[&fake]));
    running.until(&[&format!("vllm@{port} Ready Qwen/Qwen3-8B")]).await;
    fake.becomes(fake::ollama("0.33.0"));
    running.until(&[&format!("ollama@{port} Ready qwen3:8b")]).await;
    fake.becomes(Script::new([], Canned::text(404, "nothing")));
    running
        .until(&[&format!("not {}: it answers, but not as a language-model runtime known here", fake.address)])
        .await;
}

#[tokio::test]
async fn settings_take_effect_at_once() {
    let fake = Fake::start(fake::vllm()).await;
    let port = fake.address.port();
    let line = format!("vllm@{port} Ready Qwen/Qwen3-8B");
    let mut running = Running::start("");
    running.set(&ports(&[&fake]));
    running.until(&[&line]).await;
    running.set(&format!("{}\ndiscovery.enabled = false", ports(&[&fake])));
    running.until(&[]).await;
    running.set(&ports(&[&fake]));
    running.until(&[&line]).await;
    running.set(&format!("{}\ndiscovery.ignore = ['vllm']", ports(&[&fake])));
    let ignored = format!("not {}: the settings say that it is not looked for (`discovery.ignore`)", fake.address);
    running.until(&[&ignored]).await;
    running.own_ports.send_replace(vec![port]);
    running.until(&[]).await;
}

#[tokio::test]
async fn another_pointsman_is_noted_and_we_are_not() {
    let ours = Fake::start(fake::ollama("0.33.0").always("x-pointsman-instance", "ours")).await;
    let other = Fake::start(fake::ollama("0.33.0").always("x-pointsman-instance", "another")).await;
    let mut running = Running::start(&ports(&[&ours, &other]));
    running.until(&[&format!("not {}: another Pointsman answers here", other.address)]).await;
    assert!(!ours.asked().is_empty() || !other.asked().is_empty());
}

#[tokio::test]
async fn lm_studio_sees_its_own_paths_only() {
    let fake = Fake::start(fake::lmstudio()).await;
    let port = fake.address.port();
    let mut running = Running::start(&ports(&[&fake]));
    running.until(&[&format!("lmstudio@{port} Ready google/gemma-4-26b-a4b")]).await;
    let deadline = Instant::now() + PATIENCE;
    while fake.asked().len() < 30 && Instant::now() < deadline {
        running.rescan.notify_one();
        tokio::task::yield_now().await;
    }
    let mut paths: BTreeMap<String, usize> = BTreeMap::new();
    for asked in fake.asked() {
        *paths.entry(asked).or_default() += 1;
    }
    let known = ["GET /api/v1/models", "GET /lmstudio-greeting", "GET /v1/models"];
    assert_eq!(paths.keys().collect::<Vec<_>>(), known, "an unknown path is an error line in its console");
}

#[tokio::test]
async fn older_ollamas_are_asked_for_details_once() {
    let mut script = fake::ollama("0.15.0");
    let tags = r#"{"models":[{"name":"a:1b","model":"a:1b","digest":"d1","details":{}},{"name":"e","model":"e","digest":"d2","details":{}}]}"#;
    script.paths.insert("/api/tags", Canned::json(200, tags));
    script.paths.insert("/api/show", Canned::json(200, r#"{"capabilities":["embedding"]}"#));
    let fake = Fake::start(script).await;
    let mut running = Running::start(&ports(&[&fake]));
    running.until(&[&format!("ollama@{} Ready a:1b e", fake.address.port())]).await;
    let listed = |fake: &Fake| fake.asked().iter().filter(|asked| *asked == "GET /api/tags").count();
    let deadline = Instant::now() + PATIENCE;
    while listed(&fake) < 3 && Instant::now() < deadline {
        running.rescan.notify_one();
        tokio::task::yield_now().await;
    }
    let mut shows: Vec<String> = fake.asked().into_iter().filter(|asked| asked.starts_with("POST")).collect();
    shows.sort();
    assert_eq!(shows, [r#"POST /api/show {"model":"a:1b"}"#, r#"POST /api/show {"model":"e"}"#]);
    assert!(running.catalog.models().all(|model| model.capabilities.embeddings && !model.capabilities.chat));
}

#[tokio::test]
async fn a_llamacpp_is_asked_once_what_it_was_started_for() {
    async fn check(props: &str, [embeddings, rerank]: [u16; 2], asked: &[&str], expected: [bool; 3]) {
        let mut script = fake::llamacpp();
        script.paths.insert("/props?autoload=false", Canned::json(200, props));
        script.paths.insert("/v1/embeddings", Canned::json(embeddings, "{}"));
        script.paths.insert("/v1/rerank", Canned::json(rerank, "{}"));
        let fake = Fake::start(script).await;
        let mut running = Running::start(&ports(&[&fake]));
        running.until(&[&format!("llamacpp@{} Ready tiny-Q8_0.gguf", fake.address.port())]).await;
        let listed = |fake: &Fake| fake.asked().iter().filter(|asked| *asked == "GET /v1/models").count();
        let deadline = Instant::now() + PATIENCE;
        while listed(&fake) < 4 && Instant::now() < deadline {
            running.rescan.notify_one();
            tokio::task::yield_now().await;
        }
        let posts: Vec<String> = fake.asked().into_iter().filter(|asked| asked.starts_with("POST")).collect();
        assert_eq!(posts, asked, "{props} {embeddings} {rerank}");
        let can: Vec<_> = running.catalog.models().map(|model| model.capabilities).collect();
        assert_eq!(can.len(), 1);
        assert_eq!([can[0].chat, can[0].embeddings, can[0].rerank], expected, "{props} {embeddings} {rerank}");
    }
    let (vectors, order) = ("POST /v1/embeddings {}", "POST /v1/rerank {}");
    check("{}", [501, 501], &[vectors], [true, false, false]).await;
    check("{}", [400, 501], &[vectors, order], [false, true, false]).await;
    check("{}", [400, 400], &[vectors, order], [false, false, true]).await;
    // One that sleeps would wake, and a router would have to choose a model.
    check(r#"{"is_sleeping":true}"#, [400, 400], &[], [true, false, false]).await;
    check(r#"{"is_sleeping":true,"model_path":"/nowhere/e.gguf"}"#, [400, 400], &[], [true, false, false]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, model: Gguf| {
        let path = folder.path().join(name);
        std::fs::write(&path, model.bytes()).unwrap();
        path
    };
    for (path, expected) in [
        (file("e.gguf", Gguf::model("bert").number("bert.pooling_type", 1)), [false, true, false]),
        (file("r.gguf", Gguf::model("bert").number("bert.pooling_type", 4)), [false, false, true]),
        (file("c.gguf", Gguf::chat()), [true, false, false]),
    ] {
        let props = |sleeps: bool| serde_json::json!({"is_sleeping": sleeps, "model_path": path}).to_string();
        check(&props(true), [501, 501], &[], expected).await;
        // Who can be asked knows better than the file.
        check(&props(false), [501, 501], &[vectors], [true, false, false]).await;
    }
    check(r#"{"role":"router"}"#, [400, 400], &[], [true, false, false]).await;
}

#[tokio::test]
async fn endpoints_of_the_settings_stay() {
    let fake = Fake::start(fake::vllm()).await;
    let SocketAddr::V4(address) = fake.address else { panic!("IPv4") };
    let entry = format!("[[endpoints]]\nname = 'cluster'\nbase_url = 'http://{address}'\nkey = 'env:K'");
    let mut running = Running::start(&format!("{}\n{entry}", ports(&[&fake])));
    running.until(&["cluster Ready Qwen/Qwen3-8B"]).await;
    let asked_with_key = |fake: &Fake| {
        fake.headers()
            .iter()
            .filter(|headers| headers.get("authorization").is_some_and(|it| it == "Bearer sesame"))
            .count()
    };
    assert_eq!(asked_with_key(&fake), fake.headers().len(), "the key that the settings name for this address");
    drop(fake);
    running.until(&["cluster Unreachable"]).await;
    running.set("");
    running.until(&[]).await;
}

#[tokio::test]
async fn endpoints_of_the_settings_say_what_is_wrong() {
    let closed = Fake::start(Script::new([], Canned::json(401, r#"{"error":"Unauthorized"}"#))).await;
    let plain = Fake::start(Script::new([], Canned::text(404, "no"))).await;
    let ours = Fake::start(fake::ollama("0.33.0").always("x-pointsman-instance", "ours")).await;
    let entry = |name: &str, fake: &Fake, more: &str| {
        format!("[[endpoints]]\nname = '{name}'\nbase_url = 'http://{}'\n{more}\n", fake.address)
    };
    let mut entries = entry("a-closed", &closed, "");
    entries += &entry("b-no-key", &closed, "key = 'keychain:K'");
    entries += &entry("c-named", &plain, "models = ['m', 'n']");
    entries += &entry("d-plain", &plain, "");
    entries += &entry("e-ours", &ours, "");
    entries += "[[endpoints]]\nname = 'f-private'\nbase_url = 'http://10.0.0.1'\n";
    let mut running = Running::start(&entries);
    running
        .until(&[
            "a-closed NeedsKey",
            "b-no-key NeedsKey",
            "c-named Ready m n",
            "d-plain Ready",
            "e-ours Unreachable",
            "not endpoint `f-private`: the address is in a private network; set `allow_private = true` on this endpoint to use it",
        ])
        .await;
    let notes = |id: &str| running.catalog.endpoint(id).expect("it is there").notes.join("");
    assert_eq!(notes("b-no-key"), "its key cannot be read from keychain:K");
    assert!(notes("d-plain").contains("name them as"), "{}", notes("d-plain"));
    assert!(notes("e-ours").contains("leads back"), "{}", notes("e-ours"));
}

#[tokio::test]
async fn local_only_asks_nobody_else() {
    let entry = "local_only = true\n[[endpoints]]\nname = 'far'\nbase_url = 'https://192.0.2.1'\nmodels = ['m']";
    let mut running = Running::start(entry);
    running.until(&["far Unreachable m"]).await;
    let endpoint = running.catalog.endpoint("far").expect("it is there");
    assert_eq!(endpoint.notes, ["local-only mode is on: it is not asked"]);
    assert!(!endpoint.local && endpoint.state == EndpointState::Unreachable);
}

#[tokio::test]
async fn hostile_listings_are_bounded() {
    let rows: Vec<String> = (0..60_000).map(|number| format!(r#"{{"id":"m{number}","owned_by":"vllm"}}"#)).collect();
    let many = Canned::json(200, format!(r#"{{"data":[{}]}}"#, rows.join(",")));
    let endless = Canned::json(200, format!(r#"{{"data":[{{"id":"x","owned_by":"vllm"}}{}]}}"#, " ".repeat(3 << 20)));
    let odd = r#"{"data":[{"id":"\u001b[2Jred","owned_by":"vllm"},{"id":"\u202egpj"},{"id":"fine"}]}"#;
    let many = Fake::start(Script::new([("/v1/models", many)], Canned::text(404, ""))).await;
    let endless = Fake::start(Script::new([("/v1/models", endless)], Canned::text(404, ""))).await;
    let odd = Fake::start(Script::new([("/v1/models", Canned::json(200, odd))], Canned::text(404, ""))).await;
    let mut running = Running::start(&ports(&[&odd]));
    running.until(&[&format!("vllm@{} Ready fine", odd.address.port())]).await;
    running.set(&ports(&[&endless]));
    running
        .until(&[&format!("not {}: it answers, but not as a language-model runtime known here", endless.address)])
        .await;
    running.set(&ports(&[&many]));
    let all = (0..crate::catalog::MOST_MODELS).map(|number| format!("m{number}")).collect::<Vec<_>>().join(" ");
    running.until(&[&format!("vllm@{} Ready {all}", many.address.port())]).await;
}
