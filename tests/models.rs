//! Lists of models, in each surface's own shape, from memory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Port, Raw, Script, bounded, fake};

fn ids(list: &Value) -> Vec<&str> {
    let rows = list["data"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}

async fn with_models() -> (Gateway, Fake, Fake) {
    let llama = fake::llamacpp("tiny").await;
    let ollama = fake::ollama(&["qwen3:8b", "gpt-oss:120b-cloud"]).await;
    let gateway = Gateway::start(Options::new().discovers(llama.port()).discovers(ollama.port())).await;
    for model in ["tiny", "qwen3:8b", "gpt-oss:120b-cloud"] {
        gateway.ready(model).await;
    }
    (gateway, llama, ollama)
}

#[test]
fn the_list_in_openais_shape() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        let list = gateway.get("/v1/models").await.expect(200).await.json().await;
        assert_eq!(list["object"], "list");
        let ids = ids(&list);
        for name in ["tiny", "qwen3:8b", "default"] {
            assert!(ids.contains(&name), "{name} is not in {ids:?}");
        }
        for row in list["data"].as_array().expect("rows") {
            assert_eq!(row["object"], "model", "{row}");
            assert!(row["created"].is_u64() && row["owned_by"].is_string(), "{row}");
        }
    });
}

#[test]
fn the_list_in_anthropics_shape() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        let ask = || Ask::get("/v1/models?limit=1000").header("anthropic-version", "2023-06-01");
        let list = ask().send(gateway.port()).await.expect(200).await.json().await;
        assert!(ids(&list).contains(&"tiny"), "{list}");
        assert!(
            list["has_more"].is_boolean() && list.get("first_id").is_some() && list.get("last_id").is_some(),
            "{list}"
        );
        for row in list["data"].as_array().expect("rows") {
            assert_eq!(row["type"], "model", "{row}");
            assert!(row["display_name"].is_string() && row["created_at"].is_string(), "{row}");
        }
    });
}

#[test]
fn one_model_in_either_shape() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        for name in ["tiny", "qwen3:8b", "default"] {
            let row = gateway.get(&format!("/v1/models/{name}")).await.expect(200).await.json().await;
            assert_eq!((&row["id"], &row["object"]), (&json!(name), &json!("model")));
        }
        let ask = Ask::get("/v1/models/tiny").header("anthropic-version", "2023-06-01");
        let row = ask.send(gateway.port()).await.expect(200).await.json().await;
        assert_eq!((&row["id"], &row["type"]), (&json!("tiny"), &json!("model")));
        let error = gateway.get("/v1/models/nope").await.expect(404).await.json().await;
        assert_eq!(error["error"]["code"], "model_not_found");
    });
}

#[test]
fn a_name_with_slashes_is_one_name() {
    bounded(async {
        let vllm = fake::vllm("Qwen/Qwen3-8B").await;
        let gateway = Gateway::start(Options::new().discovers(vllm.port())).await;
        gateway.ready("Qwen/Qwen3-8B").await;
        for path in ["/v1/models/Qwen/Qwen3-8B", "/v1/models/Qwen%2FQwen3-8B"] {
            assert_eq!(gateway.get(path).await.expect(200).await.json().await["id"], "Qwen/Qwen3-8B");
        }
    });
}

#[test]
fn the_context_that_a_request_has_is_told_as_tools_read_it() {
    bounded(async {
        let (llama, vllm) = (fake::llamacpp("tiny").await, fake::vllm("Qwen/Qwen3-8B").await);
        let options = Options::new().discovers(llama.port()).discovers(vllm.port());
        let options = options
            .route("work", &["tiny"])
            .table("[routes.short]\ntargets = [\"tiny\"]\ncontext = 2048")
            .route("nowhere", &["nope"]);
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        gateway.ready("Qwen/Qwen3-8B").await;
        let told = [("tiny", 8192), ("Qwen/Qwen3-8B", 40960), ("work", 8192), ("short", 2048)];
        let list = gateway.get("/v1/models").await.expect(200).await.json().await;
        for (name, tokens) in told {
            let one = gateway.get(&format!("/v1/models/{name}")).await.expect(200).await.json().await;
            let all = list["data"].as_array().expect("rows");
            let listed = all.iter().find(|row| row["id"] == name).unwrap_or_else(|| panic!("{name} is not in {list}"));
            assert_eq!(&one, listed);
            for field in ["context_length", "max_model_len", "context_window"] {
                assert_eq!(one[field], tokens, "{name}, {field}");
            }
            let ask = Ask::get(&format!("/v1/models/{name}")).header("anthropic-version", "2023-06-01");
            let row = ask.send(gateway.port()).await.expect(200).await.json().await;
            assert_eq!(row["max_input_tokens"], tokens, "{row}");
            let row = gateway.get(&format!("/v1beta/models/{name}")).await.expect(200).await.json().await;
            assert_eq!(row["inputTokenLimit"], tokens, "{row}");
        }
        let nowhere = gateway.get("/v1/models/nowhere").await.expect(200).await.json().await;
        assert!(nowhere.get("context_length").is_none(), "nobody knows: {nowhere}");
    });
}

/// The rows of one of Ollama's lists.
async fn rows(gateway: &Gateway, path: &str) -> Vec<Value> {
    let list = gateway.get(path).await.expect(200).await.json().await;
    list["models"].as_array().unwrap_or_else(|| panic!("no list: {list}")).clone()
}

#[test]
fn ollamas_lists() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        let listed = rows(&gateway, "/api/tags").await;
        let named = |name: &str| {
            listed.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name} is not in {listed:?}"))
        };
        let names: Vec<&str> = listed.iter().filter_map(|row| row["name"].as_str()).collect();
        let openai = gateway.get("/v1/models").await.expect(200).await.json().await;
        assert_eq!(names, ids(&openai), "both lists have the same names, whatever the endpoint speaks");
        for row in &listed {
            assert!(row["size"].is_u64() && row["modified_at"].is_string(), "{row}");
            let digest = row["digest"].as_str().expect("a digest");
            assert!(digest.len() >= 12 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()), "{row}");
            assert!(row["details"]["family"].is_string() && row["details"]["families"].is_array(), "{row}");
            // Open WebUI puts `:latest` behind a name without a tag, and then looks for that among the models.
            assert!(row["model"].as_str().is_some_and(|name| name.contains(':')), "{row}");
        }
        let qwen = named("qwen3:8b");
        assert_eq!(qwen["digest"], "0a8c26691023", "the runtime's own");
        assert_eq!(qwen["capabilities"], json!(["completion", "tools", "thinking"]));
        let details = [("family", "qwen3"), ("parameter_size", "8.2B"), ("quantization_level", "Q4_K_M")];
        for (key, expected) in details {
            assert_eq!(qwen["details"][key], expected, "{qwen}");
        }
        let (tiny, again) = (named("tiny"), rows(&gateway, "/api/tags").await);
        assert!(again.iter().any(|row| row["name"] == "tiny" && row["digest"] == tiny["digest"]), "it stays the same");
        assert_eq!(tiny["details"]["context_length"], 8192);
        let digests = listed.iter().filter(|row| row["digest"] == tiny["digest"]);
        // `default` leads to it, and is the same content.
        assert!(digests.clone().count() <= 2, "{:?}", digests.collect::<Vec<_>>());
        let version = gateway.get("/api/version").await.expect(200).await;
        assert!(version.has("x-pointsman-instance"), "another Pointsman must know us by it");
        let version = version.json().await;
        let parts = version["version"].as_str().expect("a version").split('.').count();
        assert_eq!(parts, 3, "clients compare it: {version}");
    });
}

#[test]
fn ollamas_list_of_what_is_loaded() {
    bounded(async {
        let ollama = fake::ollama(&["qwen3:8b", "cold:1b"]).await;
        let running = json!({"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "size": 5_137_025_024_u64,
            "size_vram": 4_000_000_000_u64, "digest": "0a8c26691023", "details": {}, "context_length": 4096,
            "expires_at": "2026-06-04T14:38:31.83753-07:00"}]});
        ollama.on("GET", "/api/ps", Script::json(&running));
        let studio = fake::lmstudio("gemma").await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port()).discovers(studio.port())).await;
        gateway.ready("qwen3:8b").await;
        gateway.ready("gemma").await;
        let loaded = rows(&gateway, "/api/ps").await;
        let mut names: Vec<&str> = loaded.iter().filter_map(|row| row["name"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["gemma", "qwen3:8b"], "each once, and no route: {loaded:?}");
        for row in &loaded {
            assert!(row["size_vram"].is_u64() && row["expires_at"].is_string() && row["digest"].is_string(), "{row}");
            assert_eq!(row["context_length"], 4096, "{row}");
        }
        let qwen = loaded.iter().find(|row| row["name"] == "qwen3:8b").expect("it");
        assert_eq!((&qwen["size"], &qwen["size_vram"]), (&json!(5_137_025_024_u64), &json!(4_000_000_000_u64)));
    });
}

#[test]
fn ollamas_show() {
    bounded(async {
        let (gateway, llama, ollama) = with_models().await;
        let show = async |body: Value| gateway.post("/api/show", &body).await.expect(200).await.json().await;
        let shown = show(json!({"model": "qwen3:8b"})).await;
        assert_eq!(shown["capabilities"], json!(["completion", "tools", "thinking"]), "{shown}");
        assert_eq!(shown["model_info"], json!({"general.architecture": "qwen3", "qwen3.context_length": 40960}));
        assert_eq!(shown["template"], "{{ .Prompt }}", "what only the runtime knows, it is asked: {shown}");
        assert_eq!(shown["details"]["quantization_level"], "Q4_K_M", "{shown}");
        assert!(shown["modified_at"].is_string() && shown["template"].is_string(), "{shown}");
        // A model of another runtime, under every name that may be asked for; `name` is how older clients write it.
        for body in [
            json!({"model": "tiny", "verbose": false}),
            json!({"name": "tiny:latest"}),
            json!({"model": "llamacpp/tiny"}),
        ] {
            let shown = show(body).await;
            let architecture = shown["model_info"]["general.architecture"].as_str().expect("an architecture");
            assert_eq!(shown["model_info"][format!("{architecture}.context_length")], 8192, "{shown}");
        }
        assert_eq!(show(json!({"model": "default:latest"})).await, show(json!({"model": "default"})).await);
        // A model that leaves the machine is shown to anyone, as it is listed.
        show(json!({"model": "gpt-oss:120b-cloud"})).await;
        for body in [json!({"model": "nope"}), json!({})] {
            let error = gateway.post("/api/show", &body).await.expect(404).await.json().await;
            assert!(error["error"].is_string(), "{error}");
        }
        gateway.post("/api/show", &json!([])).await.expect(400).await;
        gateway.get("/api/show").await.expect(405).await;
        assert!(llama.requests_for("/api/show").is_empty(), "it is none of llama.cpp's paths");
        // The runtime's own word is a help and no need.
        ollama.on("POST", "/api/show", Script::text(500, "<html>"));
        let shown = show(json!({"model": "qwen3:8b"})).await;
        assert_eq!((&shown["template"], &shown["details"]["family"]), (&json!(""), &json!("qwen3")), "{shown}");
    });
}

#[test]
fn head_is_answered_like_get() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        for path in ["/v1/models", "/api/tags", "/api/ps", "/api/version", "/"] {
            let answer = Ask::new("HEAD", path).send(gateway.port()).await;
            assert_eq!(answer.status(), gateway.get(path).await.status(), "{path}");
            assert_eq!(answer.text().await, "", "{path}");
        }
    });
}

#[test]
fn lists_come_from_memory_while_endpoints_are_dead_or_hang() {
    bounded(async {
        let refuses = Port::reserve();
        let hangs = Fake::new().await;
        hangs.on("*", "*", Script::hangs());
        let up = fake::speaks().await;
        let options = Options::new()
            .endpoint("refuses", &refuses.url(), "openai", &["a"])
            .endpoint("hangs", &hangs.url(), "openai", &["b"])
            .discovers(hangs.port());
        let gateway = Gateway::over_with(&up, options).await;
        let host = format!("127.0.0.1:{}", gateway.port());
        let rows = [("/v1/models", ""), ("/api/tags", ""), ("/v1/models/m", ""), ("/api/show", r#"{"model":"a"}"#)];
        for (path, body) in rows {
            let mut connection = Raw::connect(gateway.port()).await;
            let mut taken = Vec::new();
            let (method, length) = (if body.is_empty() { "GET" } else { "POST" }, body.len());
            for _ in 0..50 {
                let started = Instant::now();
                let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n");
                connection.send(head + body).await;
                assert_eq!(connection.answer().await.status, 200);
                taken.push(started.elapsed());
            }
            taken.sort();
            let median = taken[taken.len() / 2];
            assert!(median < Duration::from_millis(5), "{path} takes {median:?}");
        }
    });
}

#[test]
fn a_model_that_two_endpoints_have_is_listed_once() {
    bounded(async {
        let (one, two) = (fake::ollama(&["same:1b"]).await, fake::ollama(&["same:1b"]).await);
        let gateway = Gateway::start(Options::new().discovers(one.port()).discovers(two.port())).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let list = gateway.get("/v1/models").await.expect(200).await.json().await;
        let same = ids(&list).iter().filter(|id| **id == "same:1b").count();
        assert_eq!(same, 1, "{list}");
    });
}

#[test]
fn the_well_known_page_says_who_we_are() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        let snapshot = gateway.until("a snapshot", |_| true).await;
        let page = gateway.get("/.well-known/pointsman.json").await.expect(200).await;
        assert_eq!(page.header("x-pointsman-instance"), snapshot.instance);
        let page = page.json().await;
        assert_eq!((&page["instance"], &page["version"]), (&json!(snapshot.instance), &json!(snapshot.version)));
    });
}
