//! What is asked of a model besides a chat, and a provider's own API passed on as it is.
//!
//! What the provider has in the same form is passed on, and the rest is translated. The provider is a scripted upstream;
//! what the vendors' SDKs send is compared in `captures`.

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, aws, bounded, fake};

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

/// A gateway with an account at `provider`, which really is `up`, and a client key.
async fn at(up: &Fake, provider: &str) -> (Gateway, String) {
    let key = match provider {
        "bedrock" => aws::keys(),
        "vertexai" => {
            let tokens = format!("{}/token", up.url());
            let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
                "token_uri": tokens});
            user.to_string()
        }
        _ => KEY.to_owned(),
    };
    up.on("POST", "/token", Script::json(&json!({"access_token": "fake-access-token", "expires_in": 3600})));
    let settings = match provider {
        "bedrock" => "{ region = \"eu-west-1\" }",
        "watsonx" => "{ project = \"p\" }",
        "vertexai" => "{ project = \"p\", location = \"eu\" }",
        _ => "{}",
    };
    let entry = format!(
        "[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{}\"\nkey = \"env:OPERATIONS_KEY\"\nsettings = {settings}",
        up.url()
    );
    let options = Options::new().table(&entry).variable("OPERATIONS_KEY", &key);
    let gateway = Gateway::start(options.variable("WATSONX_IAM_URL", &format!("{}/token", up.url()))).await;
    gateway.until("the endpoint", |now| now.endpoints.iter().any(|it| it.id == provider)).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

#[test]
fn documents_are_put_in_order_whoever_does_it() {
    bounded(async {
        let order = json!([{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]);
        let scores = json!([{"index": 0, "score": 0.2}, {"index": 1, "score": 0.9}]);
        let texts = json!(["a", "b"]);
        // Whom, its model, where it is asked, what it is asked, what it answers, and the tokens that it counts.
        for (provider, model, path, asked, told, tokens) in [
            (
                "cohere",
                "rerank-v4.0-pro",
                "/v2/rerank",
                json!({"model": "rerank-v4.0-pro", "query": "q", "documents": texts, "top_n": 2}),
                json!({"id": "x", "results": order, "meta": {"billed_units": {"search_units": 1}}}),
                json!(null),
            ),
            (
                "voyage",
                "rerank-2.5",
                "/v1/rerank",
                json!({"model": "rerank-2.5", "query": "q", "documents": texts, "top_k": 2}),
                json!({"object": "list", "data": order, "usage": {"total_tokens": 26}}),
                json!(26),
            ),
            (
                "fireworks",
                "qwen3-reranker",
                "/v1/rerank",
                json!({"model": "qwen3-reranker", "query": "q", "documents": texts, "top_n": 2}),
                json!({"object": "list", "data": order, "usage": {"total_tokens": 26, "prompt_tokens": 26}}),
                json!(26),
            ),
            (
                "bedrock",
                "amazon.rerank-v1:0",
                "/model/amazon.rerank-v1%3A0/invoke",
                json!({"query": "q", "documents": texts, "top_n": 2}),
                json!({"results": order}),
                json!(null),
            ),
            (
                "watsonx",
                "ms-marco",
                "/ml/v1/text/rerank",
                json!({"model_id": "ms-marco", "query": "q", "inputs": [{"text": "a"}, {"text": "b"}],
                    "parameters": {"return_options": {"top_n": 2}}, "project_id": "p"}),
                json!({"model_id": "ms-marco", "results": scores, "input_token_count": 9}),
                json!(9),
            ),
        ] {
            let up = Fake::new().await;
            up.on("POST", path, Script::json(&told));
            let (gateway, key) = at(&up, provider).await;
            let body = json!({"model": format!("{provider}:{model}"), "query": "q", "documents": ["a", {"text": "b"}],
                "top_n": 2, "return_documents": true, "rank_fields": ["text"]});
            let answer = Ask::post("/v1/rerank", &body).bearer(&key).send(gateway.port()).await;
            let (status, dropped) = (answer.status(), answer.header("x-pointsman-dropped").to_owned());
            let said = answer.text().await;
            assert_eq!((status, &*dropped), (200, "rank_fields"), "{provider}: {said}");
            let said: Value = serde_json::from_str(&said).expect("JSON");
            let expected = json!([
                {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
                {"index": 0, "relevance_score": 0.2, "document": {"text": "a"}},
            ]);
            assert_eq!(said["results"], expected, "{provider}: {said}");
            assert_eq!(said["usage"]["total_tokens"], tokens, "{provider}: {said}");
            let request = up.request(path).await;
            assert_eq!(request.json(), asked, "{provider}");
            let row = gateway.rows("a row", |rows| rows.len() == 1).await.swap_remove(0);
            assert_eq!((&row["operation"], &row["input_tokens"]), (&json!("rerank"), &tokens), "{provider}: {row}");
        }
    });
}

#[test]
fn an_order_of_what_was_not_sent_is_no_answer() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "/v2/rerank", Script::json(&json!({"results": [{"index": 7, "relevance_score": 0.9}]})));
        let (gateway, key) = at(&up, "cohere").await;
        let ask = |body: Value| Ask::post("/v1/rerank", &body).bearer(&key).send(gateway.port());
        let body = json!({"model": "cohere:rerank-v4.0-pro", "query": "q", "documents": ["a"]});
        let said = message(&ask(body.clone()).await.expect(502).await.json().await);
        assert!(said.contains("it orders what it was not sent"), "{said}");
        up.on("POST", "/v2/rerank", Script::fault(400, &json!({"message": "too many documents"})));
        let said = message(&ask(body).await.expect(400).await.json().await);
        assert!(said.contains("too many documents"), "{said}");
        let body = json!({"model": "cohere:rerank-v4.0-pro", "query": "q", "documents": [{"image": "x"}]});
        ask(body).await.expect(400).await;
    });
}

#[test]
fn files_and_batches_go_to_whoever_holds_them() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "/v1/files", Script::json(&json!({"id": "file-1"})));
        up.on("GET", "/v1/files/file-1/content", Script::whole(200, "application/octet-stream", "{}\n{}\n"));
        up.on("POST", "/v1/batches", Script::json(&json!({"id": "batch_1"})));
        up.on("GET", "/v1/messages/batches", Script::json(&json!({"data": []})));
        up.on("DELETE", "/v1/files/file-1", Script::json(&json!({"deleted": true})));
        let (gateway, key) = start(&up).await;
        let own = |method: &str, path: &str| Ask::new(method, path).bearer(&key);

        let form = "--cut\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--cut--\r\n";
        let upload = own("POST", "/v1/files").header("content-type", "multipart/form-data; boundary=cut").body(form);
        assert_eq!(upload.send(gateway.port()).await.expect(200).await.json().await["id"], "file-1");
        let sent = up.request("/v1/files").await;
        assert_eq!((&sent.body[..], sent.header("authorization")), (form.as_bytes(), &*format!("Bearer {KEY}")));
        let body = json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        let batch = Ask::post("/v1/batches?provider=openai&limit=2", &body).bearer(&key);
        batch.send(gateway.port()).await.expect(200).await;
        let sent = up.request("/v1/batches").await;
        assert_eq!((&*sent.target, sent.json()), ("/v1/batches?limit=2", body), "whose it is, is said to us alone");
        let content = own("GET", "/files/file-1/content").send(gateway.port()).await.expect(200).await.text().await;
        assert_eq!(content, "{}\n{}\n");
        own("GET", "/v1/messages/batches").send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request("/v1/messages/batches").await.header("x-api-key"), KEY);
        // Anthropic's files lie at the same path; its header tells them.
        let deleted = own("DELETE", "/v1/files/file-1").header("anthropic-version", "2023-06-01");
        deleted.send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request("/v1/files/file-1").await.header("x-api-key"), KEY);
    });
}

#[test]
fn whose_files_are_meant_must_be_clear() {
    bounded(async {
        let up = Fake::new().await;
        let entry = |id: &str, provider: &str| {
            let keyed = "key = \"env:OPERATIONS_KEY\"";
            format!("[[endpoints]]\nname = \"{id}\"\nprovider = \"{provider}\"\nbase_url = \"{}\"\n{keyed}", up.url())
        };
        let tables = [("work", "openai"), ("home", "openai"), ("cere", "cerebras")];
        let options = Options::new().variable("OPERATIONS_KEY", KEY);
        let options = tables.iter().fold(options, |options, (id, provider)| options.table(&entry(id, provider)));
        let gateway = Gateway::start(options).await;
        gateway
            .until("the endpoints", |now| now.endpoints.iter().filter(|it| it.provider.is_some()).count() == 3)
            .await;
        let key = gateway.client_key("tool").await;
        up.on("GET", "/v1/files", Script::json(&json!({"data": []})));
        let get = |path: &str| Ask::get(path).bearer(&key);
        let port = gateway.port();
        Ask::get("/v1/files?provider=work").send(port).await.expect(401).await;
        let unclear = message(&get("/v1/files").send(port).await.expect(400).await.json().await);
        assert!(unclear.contains("work") && unclear.contains("home") && unclear.contains("?provider="), "{unclear}");
        let asked = up.requests().iter().filter(|it| it.target.starts_with("/v1/files")).count();
        assert_eq!(asked, 0, "nobody was asked");
        get("/v1/files?provider=home").send(port).await.expect(200).await;
        let named = get("/v1/files").header("x-pointsman-provider", "work").send(port).await.expect(200).await;
        assert_eq!(named.header("x-pointsman-target").split('/').next(), Some("work"));
        assert_eq!(up.request("/v1/files").await.header("x-pointsman-provider"), "", "it is for us alone");
        let cannot = message(&get("/v1/files?provider=cere").send(port).await.expect(501).await.json().await);
        assert!(cannot.contains("/gateway/proxy/cere/"), "{cannot}");
        let nobody = get("/v1/messages/batches").send(port).await.expect(501).await.json().await;
        assert!(nobody["error"]["message"].as_str().is_some_and(|text| text.contains("Anthropic")), "{nobody}");
        get("/v1/files/%2e%2e/x?provider=work").send(port).await.expect(404).await;
    });
}
