//! What is asked of a model besides a chat, and a provider's own API passed on as it is.
//!
//! Equal protocols only: nothing here is translated. The provider is a scripted upstream; what the vendors' SDKs send is
//! compared in `captures`.

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, fake};

const KEY: &str = "sk-canary-operations";

/// A gateway with an endpoint at OpenAI and one at Anthropic, both really `up`, and a client key.
async fn start(up: &Fake) -> (Gateway, String) {
    let entry = |provider: &str| {
        format!("[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{}\"\nkey = \"env:OPERATIONS_KEY\"", up.url())
    };
    let options = Options::new().table(&entry("openai")).table(&entry("anthropic")).variable("OPERATIONS_KEY", KEY);
    let gateway = Gateway::start(options).await;
    gateway.until("both endpoints", |now| now.endpoints.iter().filter(|it| it.provider.is_some()).count() == 2).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

#[test]
fn speech_comes_back_byte_by_byte() {
    bounded(async {
        let up = Fake::new().await;
        let sound: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        up.on("POST", "/v1/audio/speech", Script::whole(200, "audio/mpeg", sound.clone()));
        let (gateway, key) = start(&up).await;
        let body = json!({"model": "openai:gpt-4o-mini-tts", "input": "Hello.", "voice": "alloy"});
        let answer = Ask::post("/v1/audio/speech", &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("content-type"), "audio/mpeg");
        assert_eq!(answer.bytes().await, sound, "sound is no text: nothing of it may be changed");
        assert_eq!(up.request("/v1/audio/speech").await.json()["model"], "gpt-4o-mini-tts");
    });
}

#[test]
fn a_stream_of_images_ends_without_a_mark() {
    bounded(async {
        let up = Fake::new().await;
        let done = json!({"type": "image_generation.completed", "b64_json": "AAAA"});
        up.on("POST", "/v1/images/generations", Script::events().event(&done));
        let (gateway, key) = start(&up).await;
        let body = json!({"model": "openai:gpt-image-2", "prompt": "A red square.", "stream": true});
        let ask = Ask::post("/v1/images/generations", &body).bearer(&key);
        let text = ask.send(gateway.port()).await.expect(200).await.text().await;
        assert!(text.contains("image_generation.completed") && !text.contains("error"), "{text}");
    });
}

#[test]
fn a_moderation_needs_no_model() {
    bounded(async {
        let up = Fake::new().await;
        up.on(
            "GET",
            "/v1/models",
            Script::json(&json!({"data": [{"id": "omni-moderation-latest", "object": "model"}]})),
        );
        up.on("POST", "/v1/moderations", Script::json(&json!({"results": [{"flagged": false}]})));
        let (gateway, key) = start(&up).await;
        gateway.until("its list", |now| !now.models.is_empty()).await;
        let ask = Ask::post("/v1/moderations", &json!({"input": "I like trains."})).bearer(&key);
        let answer = ask.send(gateway.port()).await.expect(200).await.json().await;
        assert_eq!(answer["results"][0]["flagged"], false);
        assert_eq!(up.request("/v1/moderations").await.json()["model"], "omni-moderation-latest");
    });
}

#[test]
fn who_cannot_is_told_with_those_who_can() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = start(&up).await;
        let body = json!({"model": "anthropic:claude-sonnet-5", "prompt": "A red square."});
        let ask = Ask::post("/v1/images/generations", &body).bearer(&key);
        let message = message(&ask.send(gateway.port()).await.expect(501).await.json().await);
        assert!(message.contains("anthropic") && message.contains("OpenAI, "), "{message}");
        let ask = Ask::post("/v1/images/generations", &json!({"prompt": "A red square."}));
        let message = self::message(&ask.send(gateway.port()).await.expect(503).await.json().await);
        assert!(message.contains("no local model is known for images"), "{message}");
    });
}

fn message(error: &Value) -> String {
    error["error"]["message"].as_str().expect("OpenAI's shape").to_owned()
}

#[test]
fn a_providers_own_api_gets_its_credential_and_nothing_else() {
    bounded(async {
        let up = Fake::new().await;
        up.on("GET", "/v1/messages/batches/b_1", Script::json(&json!({"id": "b_1"})));
        up.on("DELETE", "/v1/files/f_1", Script::whole(204, "application/json", ""));
        up.on("POST", "/v1/files", Script::json(&json!({"id": "f_1"})));
        let (gateway, key) = start(&up).await;
        let own = |method: &str, path: &str| Ask::new(method, &format!("/gateway/proxy/{path}")).bearer(&key);

        let answer = own("GET", "anthropic/v1/messages/batches/b_1?beta=true").header("anthropic-beta", "x");
        assert_eq!(answer.send(gateway.port()).await.expect(200).await.json().await["id"], "b_1");
        let sent = up.request("/v1/messages/batches/b_1").await;
        assert_eq!((&*sent.target, sent.header("x-api-key")), ("/v1/messages/batches/b_1?beta=true", KEY));
        assert_eq!((sent.header("anthropic-beta"), sent.header("authorization")), ("x", ""), "the client's key stays");

        own("DELETE", "openai/v1/files/f_1").send(gateway.port()).await.expect(204).await;
        let form = "--cut\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--cut--\r\n";
        let upload =
            own("POST", "openai/v1/files").header("content-type", "multipart/form-data; boundary=cut").body(form);
        upload.send(gateway.port()).await.expect(200).await;
        let sent = up.request("/v1/files").await;
        assert_eq!(
            (sent.header("content-type"), &sent.body[..]),
            ("multipart/form-data; boundary=cut", form.as_bytes())
        );
        assert_eq!(sent.header("authorization"), format!("Bearer {KEY}"));
    });
}

#[test]
fn a_providers_own_api_wants_a_client_key_a_known_endpoint_and_a_plain_path() {
    bounded(async {
        let up = Fake::new().await;
        let (gateway, key) = start(&up).await;
        let before = up.requests().len();
        let port = gateway.port();
        Ask::get("/gateway/proxy/openai/v1/files").send(port).await.expect(401).await;
        let ask = |path: &str| Ask::get(&format!("/gateway/proxy/{path}")).bearer(&key);
        let unknown = message(&ask("groq/v1/files").send(port).await.expect(404).await.json().await);
        assert!(unknown.contains("`groq`") && unknown.contains("anthropic, openai"), "{unknown}");
        ask("openai/v1/%2e%2e/admin").send(port).await.expect(404).await;
        let later: Vec<String> = up.requests()[before..].iter().map(|it| it.target.clone()).collect();
        assert!(!later.iter().any(|target| target.contains("files") || target.contains("admin")), "{later:?}");
    });
}
