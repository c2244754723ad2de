//! A real Ollama behind the gateway: its native API and those that it imitates.

use pointsman_gateway::control::{Command, Snapshot};
use serde_json::{Value, json};

use crate::harness::runtime::{Ollama, Parts, parts};
use crate::harness::{Gateway, Options, TOOLS, bounded, tool_chat};

const PLAIN: &str = "smollm2:135m";
const WITH_TOOLS: &str = "smol-tools:135m";

async fn start(parts: &Parts, options: Options) -> (Ollama, Gateway) {
    let ollama = Ollama::start(parts).await;
    ollama.create(PLAIN, &parts.smol(), None).await;
    ollama.create(WITH_TOOLS, &parts.smol(), Some("parts/smol-tools.gotmpl")).await;
    let gateway = Gateway::start(options.discovers(ollama.port())).await;
    // By its own id: where the process list is read, another test's Ollama is seen too.
    let id = format!("ollama@{}", ollama.port());
    let ours = |snapshot: &Snapshot| snapshot.models.iter().filter(|model| *model.endpoint == *id).count() == 2;
    gateway.until("its two models", ours).await;
    (ollama, gateway)
}

fn short(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12, "temperature": 0,
        "options": {"num_predict": 12, "temperature": 0}})
}

#[test]
fn its_models_are_listed_and_answer_in_every_protocol_it_has() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (ollama, gateway) = start(&parts, Options::new()).await;
        // This version tells of tools only for one model at a time, so that is known a little later.
        let known = |snapshot: &Snapshot| snapshot.models.iter().all(|model| model.capabilities.tools.is_some());
        let snapshot = gateway.until("what its models can do", known).await;
        assert_eq!(snapshot.endpoints[0].id, format!("ollama@{}", ollama.port()));
        assert_eq!(snapshot.endpoints[0].version.as_deref(), Some("0.17.4"));
        let tools =
            |name: &str| snapshot.models.iter().find(|model| &*model.id == name).expect(name).capabilities.tools;
        assert_eq!((tools(PLAIN), tools(WITH_TOOLS)), (Some(false), Some(true)));

        let mut native = short(PLAIN);
        native["stream"] = false.into();
        let answer = gateway.post("/api/chat", &native).await.expect(200).await.json().await;
        assert!(answer["done"] == true && answer["message"]["content"].is_string(), "{answer}");
        // A native chat streams unless told not to.
        let text = gateway.post("/api/chat", &short(PLAIN)).await.expect(200).await.text().await;
        let last: Value = serde_json::from_str(text.trim_end().lines().last().expect("lines")).expect("JSON");
        assert!(text.lines().count() > 2 && last["done"] == true && last["eval_count"].is_u64(), "{text}");
        let body = json!({"model": PLAIN, "prompt": "Once", "stream": false, "options": {"num_predict": 4}});
        let answer = gateway.post("/api/generate", &body).await.expect(200).await.json().await;
        assert!(answer["response"].is_string(), "{answer}");
        let body = json!({"model": PLAIN, "input": ["one", "two"]});
        let answer = gateway.post("/api/embed", &body).await.expect(200).await.json().await;
        assert_eq!(answer["embeddings"].as_array().map(Vec::len), Some(2), "{answer}");
        let body = json!({"model": PLAIN, "prompt": "one"});
        let answer = gateway.post("/api/embeddings", &body).await.expect(200).await.json().await;
        assert_eq!(answer["embedding"].as_array().map(Vec::len), Some(576), "{answer}");

        for path in ["/v1/chat/completions", "/v1/messages"] {
            gateway.post(path, &short(PLAIN)).await.expect(200).await;
        }
        let body = json!({"model": PLAIN, "input": "Say hello.", "max_output_tokens": 12});
        gateway.post("/v1/responses", &body).await.expect(200).await;
        let body = json!({"model": PLAIN, "input": "one"});
        gateway.post("/v1/embeddings", &body).await.expect(200).await;
        let body = json!({"model": PLAIN, "messages": [{"role": "user", "content": "hi"}]});
        let counted = gateway.post("/v1/messages/count_tokens", &body).await.expect(200).await;
        assert_eq!(counted.header("x-pointsman-estimated"), "true", "it has no way to count");
        let rows = gateway.rows("rows", |rows| rows.len() >= 9).await;
        let chats: Vec<_> = rows.iter().filter(|row| row["operation"] == "chat").collect();
        assert!(
            chats.iter().all(|row| row["outcome"] != "complete" || row["output_tokens"].as_u64() >= Some(1)),
            "{chats:?}"
        );
    });
}

#[test]
fn its_lists_and_details_are_told_in_its_own_shape() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_ollama, gateway) = start(&parts, Options::new()).await;
        let tags = gateway.get("/api/tags").await.expect(200).await.json().await;
        let names: Vec<_> =
            tags["models"].as_array().expect("models").iter().filter_map(|row| row["name"].as_str()).collect();
        assert!(names.contains(&PLAIN) && names.contains(&WITH_TOOLS), "{names:?}");
        let shown = gateway.post("/api/show", &json!({"model": PLAIN})).await.expect(200).await.json().await;
        assert!(shown["capabilities"].as_array().is_some_and(|all| all.contains(&json!("completion"))), "{shown}");
        assert!(shown["template"].as_str().is_some_and(|template| !template.is_empty()), "Ollama's own: {shown}");
    });
}

#[test]
fn calls_tools() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_ollama, gateway) = start(&parts, Options::new()).await;
        let answer =
            gateway.post("/v1/chat/completions", &tool_chat(WITH_TOOLS, false)).await.expect(200).await.json().await;
        let call = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(call["name"], TOOLS, "{answer}");
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().expect("arguments")).expect("JSON");
        assert_eq!(arguments, json!({"city": "Paris"}));
        let error = gateway.post("/v1/chat/completions", &tool_chat(PLAIN, false)).await.expect(400).await.text().await;
        assert!(error.contains("calls no tools"), "{error}");
    });
}

#[test]
fn a_loaded_model_is_known_as_loaded_and_what_it_runs_in_is_nobodys_business() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (ollama, gateway) = start(&parts, Options::new().processes()).await;
        let id = format!("ollama@{}", ollama.port());
        let name = format!("{id}:{PLAIN}");
        gateway.post("/v1/chat/completions", &short(&name)).await.expect(200).await;
        gateway.tell(&Command::Rescan).await;
        let snapshot = gateway
            .until("it to be loaded", |snapshot| {
                snapshot.models.iter().any(|model| *model.endpoint == *id && &*model.id == PLAIN && model.is_loaded())
            })
            .await;
        let found = snapshot.endpoints.iter().find(|found| found.id == id).expect("it");
        if let Some(process) = found.process {
            assert_eq!(process, ollama.process());
        }
        // The runner listens on a port of its own, as a child of this Ollama.
        let listing =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", ollama.process())).unwrap_or_default();
        let children: Vec<u32> = listing.split_whitespace().filter_map(|process| process.parse().ok()).collect();
        for child in snapshot.endpoints.iter().filter_map(|found| found.process) {
            assert!(!children.contains(&child), "{:#?}", snapshot.endpoints);
        }
    });
}

#[test]
fn killed_it_vanishes() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (ollama, gateway) = start(&parts, Options::new()).await;
        ollama.kill().await;
        gateway.until("no endpoint", |snapshot| snapshot.endpoints.is_empty()).await;
    });
}

#[test]
fn what_changes_its_state_is_refused_and_its_models_stay() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (ollama, gateway) = start(&parts, Options::new()).await;
        for (method, path) in
            [("DELETE", "/api/delete"), ("POST", "/api/copy"), ("POST", "/api/create"), ("POST", "/api/pull")]
        {
            let body = json!({"model": PLAIN, "source": PLAIN, "destination": "x", "from": PLAIN});
            let ask = crate::harness::Ask::new(method, path)
                .header("content-type", "application/json")
                .body(body.to_string());
            ask.send(gateway.port()).await.expect(403).await;
        }
        let tags = crate::harness::Ask::get("/api/tags").send(ollama.port()).await.json().await;
        assert_eq!(tags["models"].as_array().map(Vec::len), Some(2), "{tags}");
    });
}
