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
fn ollamas_lists() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        let tags = gateway.get("/api/tags").await.expect(200).await.json().await;
        let rows = tags["models"].as_array().expect("models");
        let row = rows.iter().find(|row| row["name"] == "qwen3:8b").unwrap_or_else(|| panic!("it is not in {tags}"));
        assert!(row["size"].is_u64() && row["digest"].is_string() && row["modified_at"].is_string(), "{row}");
        assert!(row["details"]["family"].is_string() && row["details"]["families"].is_array(), "{row}");
        // What would answer 501 in this protocol is not offered in it.
        assert!(rows.iter().all(|row| row["name"] != "tiny"), "{tags}");
        let loaded = gateway.get("/api/ps").await.expect(200).await.json().await;
        assert!(loaded["models"].is_array(), "{loaded}");
        let version = gateway.get("/api/version").await.expect(200).await;
        assert!(version.has("x-pointsman-instance"), "another Pointsman must know us by it");
        let version = version.json().await;
        let parts = version["version"].as_str().expect("a version").split('.').count();
        assert_eq!(parts, 3, "clients compare it: {version}");
    });
}

#[test]
fn ollamas_show() {
    bounded(async {
        let (gateway, _llama, _ollama) = with_models().await;
        let shown = gateway.post("/api/show", &json!({"model": "qwen3:8b"})).await.expect(200).await.json().await;
        assert!(shown["details"].is_object() && shown["capabilities"].is_array(), "{shown}");
        let error = gateway.post("/api/show", &json!({"model": "nope"})).await.expect(404).await.json().await;
        assert!(error["error"].is_string(), "{error}");
    });
}

#[test]
fn head_is_answered_like_get() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        for path in ["/v1/models", "/api/tags", "/api/version", "/"] {
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
        for path in ["/v1/models", "/api/tags", "/v1/models/m"] {
            let mut connection = Raw::connect(gateway.port()).await;
            let mut taken = Vec::new();
            for _ in 0..50 {
                let started = Instant::now();
                connection.send(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
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
