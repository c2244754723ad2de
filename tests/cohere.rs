//! Cohere, asked in its own API and answered through every surface.
//!
//! The provider is a scripted upstream that gives the codec's own fixture; what its SDK sends is compared in `captures`.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, chat};

const KEY: &str = "canary-cohere";
const CHAT: &str = "/v2/chat";

/// A file of the codec's own fixtures.
fn golden(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src/protocol/fixtures/cohere").join(name);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Cohere, which gives one answer whole and as a stream.
async fn cohere() -> Fake {
    let up = Fake::new().await;
    up.on_with("POST", CHAT, |request| {
        if request.json()["stream"] == true {
            Script::whole(200, "text/event-stream", golden("answer.sse"))
        } else {
            Script::whole(200, "application/json", golden("answer.json"))
        }
    });
    up
}

async fn at(up: &Fake) -> (Gateway, String) {
    let entry = format!("[[endpoints]]\nprovider = \"cohere\"\nbase_url = \"{}\"\nkey = \"env:COHERES\"", up.url());
    let gateway = Gateway::start(Options::new().table(&entry).variable("COHERES", KEY)).await;
    gateway.until("the endpoint", |now| now.endpoints.iter().any(|it| it.id == "cohere")).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

/// Each surface's question, whole or streamed: its path and body.
fn questions(model: &str, stream: bool) -> Vec<(String, Value)> {
    let turn = json!([{"role": "user", "content": "Hi"}]);
    let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    vec![
        ("/v1/chat/completions".to_owned(), json!({"model": model, "messages": turn, "stream": stream})),
        ("/v1/responses".to_owned(), json!({"model": model, "input": "Hi", "stream": stream, "store": false})),
        ("/v1/messages".to_owned(), json!({"model": model, "max_tokens": 99, "messages": turn, "stream": stream})),
        (
            format!("/v1beta/models/{model}:{verb}"),
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                "generationConfig": {"thinkingConfig": {"includeThoughts": true}}}),
        ),
        ("/api/chat".to_owned(), json!({"model": model, "messages": turn, "stream": stream})),
    ]
}

#[test]
fn it_answers_through_every_surface() {
    bounded(async {
        let up = cohere().await;
        let (gateway, key) = at(&up).await;
        for stream in [false, true] {
            for (path, body) in questions("cohere:command-a-reasoning-08-2025", stream) {
                let asked = Ask::post(&path, &body).header("x-api-key", &key).send(gateway.port()).await;
                let (status, said) = (asked.status(), asked.text().await);
                assert_eq!(status, 200, "{path} {stream}: {said}");
                // The plan, the thought, the text and both calls, in whatever pieces.
                for wanted in ["I will look up", "Two cities, ", "Let me look: ", "get_weather", "Os", "get_time"] {
                    assert!(said.contains(wanted), "{path} {stream}: no {wanted:?} in {said}");
                }
                let request = up.requests_for(CHAT).pop().expect("a request");
                assert_eq!(request.header("authorization"), format!("Bearer {KEY}"), "{path}");
                assert_eq!(request.json()["messages"], json!([{"role": "user", "content": "Hi"}]), "{path}");
                assert_eq!(request.json()["stream"], stream, "{path}");
            }
        }
        let rows = gateway.rows("tokens", |rows| rows.len() >= 10).await;
        assert!(rows.iter().all(|row| row["input_tokens"] == 37 && row["output_tokens"] == 28), "{rows:?}");
        assert!(!gateway.log().contains(KEY), "no key in a log");
    });
}

#[test]
fn what_it_does_not_take_is_named_or_refused() {
    bounded(async {
        let up = cohere().await;
        let (gateway, key) = at(&up).await;
        let ask = |body: &Value| Ask::post("/v1/chat/completions", body).bearer(&key).send(gateway.port());
        let mut body = chat("cohere:command-a-03-2025");
        body["user"] = "u".into();
        body["temperature"] = 1.5.into();
        body["reasoning_effort"] = "high".into();
        let answer = ask(&body).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-dropped"), "temperature, reasoning_effort, user");
        body["response_format"] = json!({"type": "json_object"});
        body["tools"] = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
        let said = ask(&body).await.expect(400).await.json().await;
        assert!(said["error"]["message"].as_str().is_some_and(|it| it.contains("`response_format`")), "{said}");
        up.on("POST", CHAT, Script::fault(401, &json!({"id": "x", "message": "invalid api token"})));
        let said = ask(&chat("cohere:command-a-03-2025")).await;
        let (status, said) = (said.status(), said.text().await);
        assert!(status == 401 || status == 502, "{status} {said}");
        assert!(said.contains("invalid api token"), "{said}");
    });
}

#[test]
fn vectors_are_made() {
    bounded(async {
        let up = Fake::new().await;
        let vectors = json!({"id": "x", "embeddings": {"float": [[0.25, -0.5], [1.0, 0.0]]}, "texts": ["a", "b"],
            "meta": {"billed_units": {"input_tokens": 3}}});
        up.on("POST", "/v2/embed", Script::json(&vectors));
        let (gateway, key) = at(&up).await;
        let body = json!({"model": "cohere:embed-v4.0", "input": ["a", "b"], "input_type": "query"});
        let ask = Ask::post("/v1/embeddings", &body).bearer(&key);
        let said = ask.send(gateway.port()).await.expect(200).await.json().await;
        assert_eq!(said["data"][1]["embedding"], json!([1.0, 0.0]), "{said}");
        assert_eq!(said["usage"]["prompt_tokens"], 3, "{said}");
        let sent = up.request("/v2/embed").await.json();
        assert_eq!(sent["input_type"], "search_query", "the client said what they are for: {sent}");
    });
}
