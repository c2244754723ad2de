//! Paths of the MLflow AI Gateway: its users change only the port.

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, Surface, bounded, chat, fake};

#[test]
fn a_prefix_leads_to_the_plain_path() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().route("work", &["up:m"])).await;
        let rows = [
            ("/gateway/openai", "/v1/chat/completions", chat("work")),
            ("/gateway/mlflow", "/v1/chat/completions", chat("up:m")),
            ("/gateway/openai", "/v1/completions", json!({"model": "m", "prompt": "a"})),
            ("/gateway/openai", "/v1/embeddings", json!({"model": "m", "input": ["a"]})),
            ("/gateway/mlflow", "/v1/embeddings", json!({"model": "m", "input": ["a"]})),
            ("/gateway/openai", "/v1/responses", Surface::Responses.body("m")),
            ("/gateway/anthropic", "/v1/messages", Surface::Messages.body("work")),
            ("/gateway/anthropic", "/v1/messages/count_tokens", Surface::Messages.body("work")),
        ];
        for (prefix, path, body) in rows {
            let before = up.requests_for(path).len();
            let answer = gateway.post(&format!("{prefix}{path}?beta=true"), &body).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "up/m", "{prefix}{path}");
            let heard = up.nth_request(path, before).await;
            assert_eq!(heard.json()["model"], "m", "{prefix}{path}");
            assert!(heard.target.ends_with("?beta=true"), "{}", heard.target);
        }
    });
}

#[test]
fn a_gemini_path_names_the_model_below_the_prefix_too() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "*", Script::json(&json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]})));
        let options = Options::new().route("work", &["up:m"]).endpoint("up", &up.url(), "gemini", &["m"]);
        let gateway = Gateway::start(options).await;
        gateway.ready("m").await;
        let body = json!({"contents": [{"parts": [{"text": "a"}]}]});
        let path = "/gateway/gemini/v1beta/models/work:generateContent?x=1";
        gateway.post(path, &body).await.expect(200).await.bytes().await;
        let heard = up.requests().pop().expect("a request");
        assert_eq!(heard.target, "/v1beta/models/m:generateContent?x=1");
        // The codec of another protocol is handed the plain path as well.
        let plain = fake::speaks().await;
        let gateway = Gateway::start(Options::new().endpoint("up", &plain.url(), "openai", &["m"])).await;
        gateway.ready("m").await;
        let path = "/gateway/gemini/v1beta/models/m:streamGenerateContent?alt=sse";
        let text = gateway.post(path, &body).await.expect(200).await.text().await;
        assert!(text.starts_with("data: {") && text.contains("STOP"), "{text}");
    });
}

#[test]
fn lists_stand_below_the_prefixes() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for path in ["/gateway/openai/v1/models", "/gateway/mlflow/v1/models"] {
            let list = gateway.get(path).await.expect(200).await.json().await;
            assert!(list["data"].as_array().is_some_and(|rows| rows.iter().any(|row| row["id"] == "m")), "{list}");
        }
        let row = gateway.get("/gateway/openai/v1/models/m").await.expect(200).await.json().await;
        assert_eq!(row["id"], "m");
        let list = gateway.get("/gateway/gemini/v1beta/models").await.expect(200).await.json().await;
        assert!(list["models"].is_array(), "{list}");
    });
}

#[test]
fn an_invocation_names_the_model_in_its_path_and_says_in_its_body_what_it_asks() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().route("work", &["up:m"]);
        let gateway = Gateway::over_with(&up, options).await;
        let asks = [
            (json!({"messages": [{"role": "user", "content": "a"}]}), "/v1/chat/completions"),
            (json!({"prompt": "a"}), "/v1/completions"),
            (json!({"input": ["a"]}), "/v1/embeddings"),
        ];
        for path in [
            "/gateway/work/mlflow/invocations",
            "/gateway/work/invocations",
            "/endpoints/work/invocations",
            "/endpoints/up%2Fm/invocations",
            "/endpoints/m/invocations",
        ] {
            for (body, plain) in &asks {
                let before = up.requests_for(plain).len();
                gateway.post(path, body).await.expect(200).await.bytes().await;
                let heard = up.nth_request(plain, before).await;
                assert_eq!((&heard.target, &heard.json()["model"]), (&(*plain).to_owned(), &json!("m")), "{path}");
            }
        }
        let before = up.requests_for("/v1/chat/completions").len();
        let body = json!({"model": "something else", "messages": [{"role": "user", "content": "a"}], "stream": true});
        let text = gateway.post("/gateway/work/invocations", &body).await.expect(200).await.text().await;
        assert!(text.contains("[DONE]"), "{text}");
        let heard = up.nth_request("/v1/chat/completions", before).await.json();
        assert_eq!(heard["model"], "m", "the path goes before the body");
    });
}

#[test]
fn refusals_are_in_the_shape_of_the_surface() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let rows = [
            (Surface::Chat, "/gateway/openai/v1/chat/completions", 404),
            (Surface::Messages, "/gateway/anthropic/v1/messages", 404),
            (Surface::Messages, "/gateway/anthropic/v1/nope", 404),
            (Surface::Messages, "/gateway/anthropic/v1/chat/completions", 404),
            (Surface::Chat, "/gateway/openai/v1/messages", 404),
            (Surface::Chat, "/gateway/openai/health", 404),
            (Surface::Chat, "/gateway/nope-x/invocations", 404),
            (Surface::Chat, "/gateway/proxy/m/chat/completions", 401),
        ];
        for (surface, path, status) in rows {
            let mut body = surface.body("nope-x");
            body["messages"] = json!([{"role": "user", "content": "a"}]);
            let answer = gateway.post(path, &body).await.expect(status).await;
            surface.error(&answer.json().await);
        }
        let gemini = gateway.get("/gateway/gemini/v1beta/nope").await.expect(404).await.json().await;
        assert_eq!(gemini["error"]["status"], "NOT_FOUND", "{gemini}");
        for body in [json!({"temperature": 1}), json!([])] {
            let error: Value = gateway.post("/gateway/m/invocations", &body).await.expect(400).await.json().await;
            assert_eq!(error["error"]["code"], "bad_request", "{error}");
        }
        let answer = Ask::get("/gateway/m/invocations").send(gateway.port()).await.expect(405).await;
        assert_eq!(answer.header("allow"), "POST");
    });
}

#[test]
fn a_prefix_opens_nothing() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().top("require_key = \"always\"")).await;
        for (path, body) in [
            ("/gateway/openai/v1/chat/completions", chat("m")),
            ("/gateway/anthropic/v1/messages", Surface::Messages.body("m")),
            ("/gateway/m/mlflow/invocations", json!({"input": "a"})),
        ] {
            gateway.post(path, &body).await.expect(401).await;
            let foreign = Ask::post(path, &body).header("host", "evil.example");
            foreign.send(gateway.port()).await.expect(421).await;
        }
        gateway.get("/gateway/openai/v1/models").await.expect(401).await;
        assert!(up.requests_for("/v1/chat/completions").is_empty());
    });
}
