//! How runtimes are found: what they are, how soon they come and go, and what is never asked of them.

use std::time::{Duration, Instant};

use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{Command, EndpointView, Snapshot};
use serde_json::json;

use crate::harness::{Fake, Gateway, Options, Port, Script, bounded, chat, fake};

const CHAT: &str = "/v1/chat/completions";

fn endpoint<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a EndpointView> {
    snapshot.endpoints.iter().find(|endpoint| endpoint.id == id)
}

/// Has the gateway look at once, and waits until it asked this runtime for its list again. What it shows then.
async fn look_again(gateway: &Gateway, runtime: &Fake, listing: &str) -> Snapshot {
    let looks = runtime.requests_for(listing).len();
    gateway.tell(&Command::Rescan).await;
    runtime.nth_request(listing, looks).await;
    gateway.until("a snapshot", |_| true).await
}

#[test]
fn every_kind_is_recognised_on_a_port_that_is_not_its_own() {
    bounded(async {
        let fakes = [
            ("llamacpp", fake::llamacpp("a").await, "b11434"),
            ("llamafile", fake::llamafile("b").await, ""),
            ("ollama", fake::ollama(&["c:1b"]).await, "0.33.0"),
            ("vllm", fake::vllm("d").await, "0.33.0"),
            ("lmstudio", fake::lmstudio("e").await, ""),
        ];
        let options = fakes.iter().fold(Options::new(), |options, (_, fake, _)| options.discovers(fake.port()));
        let gateway = Gateway::start(options).await;
        let snapshot = gateway.until("five models", |snapshot| snapshot.models.len() == 5).await;
        for (runtime, fake, version) in &fakes {
            let id = format!("{runtime}@{}", fake.port());
            let found = endpoint(&snapshot, &id).unwrap_or_else(|| panic!("no {id} in {:#?}", snapshot.endpoints));
            assert_eq!(found.runtime.as_deref(), Some(*runtime));
            assert_eq!((found.state, found.local, found.models), (EndpointState::Ready, true, 1), "{id}");
            assert_eq!(found.origin, "discovered");
            assert!(found.credential.is_none(), "a discovered endpoint never has a credential");
            let told = found.version.as_deref().unwrap_or_default();
            assert!(told.contains(version), "{id} has version {told}");
        }
    });
}

#[test]
fn what_a_listing_tells_is_known() {
    bounded(async {
        let (studio, ollama, llama) =
            (fake::lmstudio("gemma").await, fake::ollama(&["q:8b"]).await, fake::llamacpp("t").await);
        let options = Options::new().discovers(studio.port()).discovers(ollama.port()).discovers(llama.port());
        let gateway = Gateway::start(options).await;
        let snapshot = gateway.until("three models", |snapshot| snapshot.models.len() == 3).await;
        let model = |id: &str| snapshot.models.iter().find(|model| &*model.id == id).expect(id).clone();
        let gemma = model("gemma");
        assert_eq!((gemma.context.trained, gemma.context.effective), (Some(262_144), Some(4096)));
        assert!(gemma.is_loaded() && gemma.capabilities.vision == Some(true) && gemma.capabilities.tools == Some(true));
        assert_eq!((gemma.size, gemma.quantisation.as_deref()), (Some(17_990_911_801), Some("Q4_K_M")));
        let q = model("q:8b");
        assert_eq!(
            (q.context.trained, q.parameters.as_deref(), q.size),
            (Some(40960), Some("8.2B"), Some(4_683_075_271))
        );
        assert!(!q.is_loaded() && q.capabilities.tools == Some(true) && q.local);
        let t = model("t");
        assert_eq!((t.context.effective, t.capabilities.vision), (Some(8192), Some(false)));
    });
}

#[test]
fn a_cloud_model_of_ollama_is_not_local() {
    bounded(async {
        let ollama = fake::ollama(&["gpt-oss:120b-cloud"]).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        let snapshot = gateway.ready("gpt-oss:120b-cloud").await;
        assert!(!snapshot.models[0].local, "its prompts leave the machine");
        // So it needs a client key, as everything that leaves the machine does.
        gateway.post(CHAT, &chat("gpt-oss:120b-cloud")).await.expect(401).await;
        assert!(ollama.requests_for(CHAT).is_empty());
    });
}

#[test]
fn lmstudio_is_never_asked_what_it_does_not_know() {
    bounded(async {
        let studio = fake::lmstudio("gemma").await;
        let gateway = Gateway::start(Options::new().discovers(studio.port())).await;
        gateway.ready("gemma").await;
        look_again(&gateway, &studio, "/api/v1/models").await;
        let known = ["/lmstudio-greeting", "/v1/models", "/api/v1/models", "/api/v0/models"];
        for request in studio.requests() {
            assert!(
                request.method == "GET" && known.contains(&request.path()),
                "its user now sees an error for {} {}",
                request.method,
                request.target
            );
        }
    });
}

#[test]
fn no_probe_loads_a_model_or_carries_a_credential() {
    bounded(async {
        let fakes = [fake::llamacpp("a").await, fake::ollama(&["c:1b"]).await, fake::vllm("d").await];
        let options = fakes.iter().fold(Options::new(), |options, fake| options.discovers(fake.port()));
        let gateway = Gateway::start(options.variable("OPENAI_API_KEY", "sk-canary-probe")).await;
        gateway.until("three models", |snapshot| snapshot.models.len() == 3).await;
        for fake in &fakes {
            for request in fake.requests() {
                // Whether it makes vectors is asked without a text to make one of.
                let empty = ["/v1/embeddings", "/v1/rerank"].contains(&request.path()) && request.json() == json!({});
                let asks = request.method == "GET" || request.path() == "/api/show" || empty;
                assert!(asks && request.path() != "/slots", "{} {}", request.method, request.target);
                for name in ["authorization", "cookie", "x-api-key", "origin"] {
                    assert!(!request.has(name), "{name} in a probe");
                }
                assert!(!request.text().contains("canary"));
            }
        }
    });
}

#[test]
fn a_runtime_appears_within_a_second_of_its_port_answering() {
    bounded(async {
        let port = Port::reserve();
        let gateway = Gateway::start(Options::new().discovers(port.number())).await;
        gateway.until("nothing", |snapshot| snapshot.endpoints.is_empty()).await;
        let llama = fake::llamacpp_on(port, "tiny");
        let answering = Instant::now();
        gateway.ready("tiny").await;
        let taken = answering.elapsed();
        assert!(taken < Duration::from_secs(1), "it took {taken:?}");
        drop(llama);
    });
}

#[test]
fn a_runtime_vanishes_within_two_seconds_of_its_end_and_comes_back() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        gateway.ready("tiny").await;
        let port = llama.stop().await;
        let ended = Instant::now();
        gateway.until("no endpoint", |snapshot| snapshot.endpoints.is_empty() && snapshot.models.is_empty()).await;
        let taken = ended.elapsed();
        assert!(taken < Duration::from_secs(2), "it took {taken:?}");
        let _again = fake::llamacpp_on(Port::take(port), "tiny");
        let answering = Instant::now();
        gateway.ready("tiny").await;
        assert!(answering.elapsed() < Duration::from_secs(1), "it took {:?}", answering.elapsed());
    });
}

#[test]
fn a_request_that_is_refused_makes_the_runtime_vanish_without_waiting_for_a_look() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        gateway.ready("tiny").await;
        llama.stop().await;
        let answer = gateway.post(CHAT, &chat("tiny")).await;
        assert!([404, 502].contains(&answer.status()), "{}", answer.status());
        gateway.until("no endpoint", |snapshot| snapshot.endpoints.is_empty()).await;
    });
}

#[test]
fn another_runtime_on_the_same_port_is_another_endpoint() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        gateway.ready("tiny").await;
        let port = llama.stop().await;
        let _ollama = fake::ollama_on(Port::take(port), &["qwen3:8b"]);
        let snapshot = gateway.ready("qwen3:8b").await;
        assert!(endpoint(&snapshot, &format!("ollama@{port}")).is_some());
        gateway
            .until("llama.cpp to be gone", |snapshot| endpoint(snapshot, &format!("llamacpp@{port}")).is_none())
            .await;
    });
}

#[test]
fn a_runtime_that_loads_its_model_is_starting_and_then_ready() {
    bounded(async {
        let port = Port::reserve();
        let number = port.number();
        let loading = Fake::on_port(port);
        fake::make_loading(&loading);
        let gateway = Gateway::start(Options::new().discovers(number)).await;
        let id = format!("llamacpp@{number}");
        let wanted =
            |snapshot: &Snapshot| endpoint(snapshot, &id).is_some_and(|found| found.state == EndpointState::Starting);
        gateway.until("`starting`", wanted).await;
        fake::make_llamacpp(&loading, "tiny");
        let snapshot = gateway.ready("tiny").await;
        assert_eq!(endpoint(&snapshot, &id).expect("it").state, EndpointState::Ready);
    });
}

#[test]
fn a_runtime_behind_a_key_is_found_and_said_to_need_it() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        fake::make_keyed(&llama, "sk-runtime");
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        let id = format!("llamacpp@{}", llama.port());
        let wanted =
            |snapshot: &Snapshot| endpoint(snapshot, &id).is_some_and(|found| found.state == EndpointState::NeedsKey);
        gateway.until("`needs key`", wanted).await;
        // An endpoint by hand at the same address brings the key.
        let options = Options::new().variable("RUNTIME_KEY", "sk-runtime").endpoint_with(
            "mine",
            &llama.url(),
            &[],
            "key = \"env:RUNTIME_KEY\"",
        );
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        let key = gateway.client_key("editor").await;
        crate::harness::Ask::post(CHAT, &chat("tiny")).bearer(&key).send(gateway.port()).await.expect(200).await;
    });
}

#[test]
fn what_is_no_runtime_is_not_listed() {
    bounded(async {
        let page = Fake::new().await;
        page.on("*", "*", Script::whole(200, "text/html", "<!doctype html><title>dev server</title>"));
        let json = Fake::new().await;
        json.on("*", "*", Script::json(&json!({"data": "everything", "models": 7})));
        let moved = Fake::new().await;
        let llama = fake::llamacpp("tiny").await;
        moved.on("*", "*", Script::redirect(302, &format!("{}/v1/models", llama.url())));
        let options =
            [&page, &json, &moved, &llama].iter().fold(Options::new(), |options, fake| options.discovers(fake.port()));
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        for fake in [&page, &json, &moved] {
            fake.request("/v1/models").await;
        }
        let snapshot = look_again(&gateway, &llama, "/v1/models").await;
        assert_eq!(snapshot.endpoints.len(), 1, "{:#?}", snapshot.endpoints);
    });
}

#[test]
fn two_pointsman_do_not_list_each_other() {
    bounded(async {
        let up = fake::speaks().await;
        let one = Gateway::over(&up).await;
        let llama = fake::llamacpp("tiny").await;
        let two = Gateway::start(Options::new().discovers(one.port()).discovers(llama.port())).await;
        two.ready("tiny").await;
        let snapshot = look_again(&two, &llama, "/v1/models").await;
        assert_eq!(snapshot.endpoints.len(), 1, "{:#?}", snapshot.endpoints);
        assert!(snapshot.models.iter().all(|model| &*model.id != "m"));
    });
}

#[test]
fn a_changed_list_is_seen() {
    bounded(async {
        let ollama = fake::ollama(&["one:1b"]).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        gateway.ready("one:1b").await;
        fake::make_ollama(&ollama, &["one:1b", "two:2b"]);
        gateway.tell(&Command::Rescan).await;
        gateway.ready("two:2b").await;
    });
}

#[test]
fn an_endpoint_by_hand_that_is_dead_stays_listed_as_unreachable() {
    bounded(async {
        let port = Port::reserve();
        let gateway = Gateway::start(Options::new().endpoint("cluster", &port.url(), "openai", &["m"])).await;
        let wanted = |snapshot: &Snapshot| {
            endpoint(snapshot, "cluster").is_some_and(|found| found.state == EndpointState::Unreachable)
        };
        gateway.until("`unreachable`", wanted).await;
        let _up = fake::speaks_on(Fake::on_port(port));
        let wanted = |snapshot: &Snapshot| {
            endpoint(snapshot, "cluster").is_some_and(|found| found.state == EndpointState::Ready)
        };
        gateway.until("`ready`", wanted).await;
    });
}

#[test]
fn an_endpoint_by_hand_without_a_protocol_is_asked_what_it_is() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let table = format!("[[endpoints]]\nname = \"box\"\nbase_url = \"{}\"", llama.url());
        let gateway = Gateway::start(Options::new().table(&table)).await;
        let snapshot = gateway.ready("tiny").await;
        let found = endpoint(&snapshot, "box").expect("it");
        assert_eq!((found.runtime.as_deref(), found.origin.as_str()), (Some("llamacpp"), "settings"));
        gateway
            .post("/v1/messages", &json!({"model": "box:tiny", "max_tokens": 1, "messages": []}))
            .await
            .expect(200)
            .await;
    });
}

#[test]
fn a_runtime_that_is_written_down_is_not_listed_twice() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let options = Options::new().endpoint("mine", &llama.url(), "openai", &[]).discovers(llama.port());
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        let snapshot = gateway.until("one endpoint", |snapshot| snapshot.endpoints.len() == 1).await;
        assert_eq!(snapshot.endpoints[0].id, "mine", "what the user wrote wins");
    });
}

#[test]
fn discovery_can_be_turned_off_whole_or_by_row() {
    bounded(async {
        let (llama, ollama) = (fake::llamacpp("tiny").await, fake::ollama(&["q:8b"]).await);
        let options = Options::new().discovers(llama.port()).discovers(ollama.port());
        let ignoring = options.settings().replace("[discovery]", "[discovery]\nignore = [\"ollama\"]");
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        gateway.rewrite(&ignoring);
        gateway.until("Ollama to be gone", |snapshot| snapshot.models.len() == 1).await;
        gateway.rewrite(&ignoring.replace("[discovery]", "[discovery]\nenabled = false"));
        gateway.until("both to be gone", |snapshot| snapshot.models.is_empty()).await;
    });
}
