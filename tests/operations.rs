//! What is asked of a model besides a chat, and a provider's own API passed on as it is.
//!
//! What the provider has in the same form is passed on, and the rest is translated. The provider is a scripted upstream;
//! what the vendors' SDKs send is compared in `captures`.

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, aws, bounded, fake};

pub(crate) const KEY: &str = "sk-canary-operations";

/// A gateway with an endpoint at OpenAI and one at Anthropic, both really `up`, and a client key.
pub(crate) async fn start(up: &Fake) -> (Gateway, String) {
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

pub(crate) fn message(error: &Value) -> String {
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
                "dashscope",
                "qwen3-rerank",
                "/compatible-api/v1/reranks",
                json!({"model": "qwen3-rerank", "query": "q", "documents": texts, "top_n": 2}),
                json!({"object": "list", "results": order, "id": "x", "usage": {"total_tokens": 26}}),
                json!(26),
            ),
            (
                "deepinfra",
                "Qwen/Qwen3-Reranker-8B",
                "/v1/inference/Qwen/Qwen3-Reranker-8B",
                json!({"queries": ["q", "q"], "documents": texts}),
                json!({"scores": [0.2, 0.9], "input_tokens": 9, "request_id": "x"}),
                json!(9),
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
fn pictures_are_drawn_whoever_draws() {
    bounded(async {
        let part = |mime: &str| json!({"inlineData": {"mimeType": mime, "data": "iVBO"}});
        let drawn = json!({"candidates": [{"content": {"parts": [part("image/png")]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1290}});
        let config = json!({"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "3:2"}});
        let turns = json!([{"parts": [{"text": "A red square."}], "role": "user"}]);
        let google = json!({"contents": turns, "generationConfig": config});
        // Whom, its model, where it is asked, what it is asked, what it answers, and the tokens that it counts.
        for (provider, model, path, asked, told, tokens) in [
            (
                "gemini",
                "gemini-3.1-flash-image",
                "/v1beta/models/gemini-3.1-flash-image:generateContent",
                google.clone(),
                drawn.clone(),
                json!(1290),
            ),
            (
                "vertexai",
                "gemini-3.1-flash-image",
                "/v1/projects/p/locations/eu/publishers/google/models/gemini-3.1-flash-image:generateContent",
                google,
                drawn,
                json!(1290),
            ),
            (
                "vertexai",
                "imagen-4.0-generate-001",
                "/v1/projects/p/locations/eu/publishers/google/models/imagen-4.0-generate-001:predict",
                json!({"instances": [{"prompt": "A red square."}],
                    "parameters": {"sampleCount": 1, "aspectRatio": "4:3"}}),
                json!({"predictions": [{"bytesBase64Encoded": "iVBO", "mimeType": "image/png"}]}),
                json!(null),
            ),
            (
                "bedrock",
                "amazon.nova-canvas-v1:0",
                "/model/amazon.nova-canvas-v1%3A0/invoke",
                json!({"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "A red square."},
                    "imageGenerationConfig": {"numberOfImages": 1, "width": 1536, "height": 1024}}),
                json!({"images": ["iVBO"], "error": null}),
                json!(null),
            ),
            (
                "bedrock",
                "stability.sd3-5-large-v1:0",
                "/model/stability.sd3-5-large-v1%3A0/invoke",
                json!({"prompt": "A red square.", "aspect_ratio": "3:2"}),
                json!({"seeds": [1], "finish_reasons": [null], "images": ["iVBO"]}),
                json!(null),
            ),
        ] {
            let up = Fake::new().await;
            up.on("POST", path, Script::json(&told));
            let (gateway, key) = at(&up, provider).await;
            let mut body = json!({"model": format!("{provider}:{model}"), "prompt": "A red square.",
                "size": "1536x1024", "style": "vivid"});
            let ask = |body: &Value| Ask::post("/v1/images/generations", body).bearer(&key).send(gateway.port());
            let answer = ask(&body).await;
            let (status, dropped) = (answer.status(), answer.header("x-pointsman-dropped").to_owned());
            let said = answer.text().await;
            assert_eq!(status, 200, "{model}: {said}");
            let lost = if model.starts_with("imagen") { "style, size" } else { "style" };
            assert_eq!(dropped, lost, "{model}: a shape that it has not is named");
            let said: Value = serde_json::from_str(&said).expect("JSON");
            assert_eq!(said["data"], json!([{"b64_json": "iVBO"}]), "{model}: {said}");
            assert_eq!(said["usage"]["output_tokens"], tokens, "{model}: {said}");
            assert!(said["created"].as_u64().is_some_and(|created| created > 1_700_000_000), "{model}: {said}");
            assert_eq!(up.request(path).await.json(), asked, "{model}");
            body["response_format"] = "url".into();
            let said = ask(&body).await.expect(200).await.json().await;
            assert_eq!(said["data"], json!([{"url": "data:image/png;base64,iVBO"}]), "{model}: {said}");
            body["stream"] = true.into();
            let said = message(&ask(&body).await.expect(400).await.json().await);
            assert!(said.contains("`stream`"), "{model}: {said}");
        }
    });
}

#[test]
fn a_picture_is_drawn_from_others_by_gemini() {
    bounded(async {
        let up = Fake::new().await;
        let path = "/v1beta/models/gemini-3.1-flash-image:generateContent";
        let part = json!({"inlineData": {"mimeType": "image/png", "data": "iVBO"}});
        let told = json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]});
        up.on("POST", path, Script::json(&told));
        let (gateway, key) = at(&up, "gemini").await;
        let ask = |more: &str| {
            let field = |name: &str, value: &str| {
                format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let file = "image\"; filename=\"a.png\"\r\ncontent-type: image/png\r\nx: \"";
            let form =
                field("model", "gemini:gemini-3.1-flash-image") + &field(file, "abc") + &field("prompt", "Bluer.");
            let kind = "multipart/form-data; boundary=cut";
            let ask = Ask::new("POST", "/v1/images/edits").header("content-type", kind).bearer(&key);
            ask.body(form + more + "--cut--\r\n").send(gateway.port())
        };
        let said = ask("").await.expect(200).await.json().await;
        assert_eq!(said["data"], json!([{"b64_json": "iVBO"}]), "{said}");
        let seen = json!({"inlineData": {"mimeType": "image/png", "data": "YWJj"}});
        let sent = up.request(path).await.json();
        assert_eq!(sent["contents"], json!([{"parts": [seen, {"text": "Bluer."}], "role": "user"}]), "{sent}");
        let mask = "--cut\r\ncontent-disposition: form-data; name=\"mask\"\r\n\r\nabc\r\n";
        let said = message(&ask(mask).await.expect(400).await.json().await);
        assert!(said.contains("`mask`"), "{said}");
    });
}

#[test]
fn a_picture_that_is_refused_is_told_with_the_reason() {
    bounded(async {
        let up = Fake::new().await;
        let path = "/v1beta/models/gemini-3.1-flash-image:generateContent";
        let refused = json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]});
        up.on("POST", path, Script::json(&refused));
        let (gateway, key) = at(&up, "gemini").await;
        let body = json!({"model": "gemini:gemini-3.1-flash-image", "prompt": "Something bad."});
        let ask = Ask::post("/v1/images/generations", &body).bearer(&key);
        let said = ask.send(gateway.port()).await.expect(400).await.json().await;
        assert!(message(&said).contains("IMAGE_SAFETY"), "{said}");
        let row = gateway.rows("a row", |rows| rows.len() == 1).await.swap_remove(0);
        assert_eq!((&row["operation"], &row["status"]), (&json!("images"), &json!(400)), "{row}");
    });
}

#[test]
fn words_are_spoken_by_gemini() {
    bounded(async {
        let up = Fake::new().await;
        let sound = json!({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AQIDBA=="}});
        let told = json!({"candidates": [{"content": {"parts": [sound]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 30}});
        let path = "/v1beta/models/gemini-2.5-flash-preview-tts:generateContent";
        up.on("POST", path, Script::json(&told));
        let (gateway, key) = at(&up, "gemini").await;
        let ask = |more: Value| {
            let mut body = json!({"model": "gemini:gemini-2.5-flash-preview-tts", "input": "Hello."});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            Ask::post("/v1/audio/speech", &body).bearer(&key).send(gateway.port())
        };
        let answer = ask(json!({"voice": "alloy", "instructions": "Whisper."})).await.expect(200).await;
        assert_eq!(answer.header("content-type"), "audio/wav");
        assert_eq!(answer.header("x-pointsman-dropped"), "instructions, voice", "another voice speaks");
        let file = answer.bytes().await;
        assert!(file.starts_with(b"RIFF") && file.ends_with(&[1, 2, 3, 4]) && file.len() == 48, "{file:?}");
        let answer = ask(json!({"voice": "Puck", "response_format": "pcm"})).await.expect(200).await;
        assert_eq!((answer.header("content-type"), answer.has("x-pointsman-dropped")), ("audio/pcm", false));
        assert_eq!(answer.bytes().await[..], [1, 2, 3, 4]);
        let sent = up.request(path).await.json();
        let voice = sent.pointer("/generationConfig/speechConfig/voiceConfig/prebuiltVoiceConfig/voiceName");
        assert_eq!(voice, Some(&json!("Kore")), "{sent}");
        let said = message(&ask(json!({"response_format": "mp3"})).await.expect(400).await.json().await);
        assert!(said.contains("`wav` or `pcm`"), "what can be made is named: {said}");
        let row = gateway.rows("rows", |rows| rows.len() == 3).await.swap_remove(2);
        assert_eq!((&row["operation"], &row["output_tokens"]), (&json!("speech"), &json!(30)), "{row}");
    });
}

#[test]
fn vertexs_older_models_make_vectors_too() {
    bounded(async {
        let up = Fake::new().await;
        let path = "/v1/projects/p/locations/eu/publishers/google/models/text-embedding-005:predict";
        let vector = |values: Value| json!({"embeddings": {"values": values, "statistics": {"token_count": 2}}});
        up.on(
            "POST",
            path,
            Script::json(&json!({"predictions": [vector(json!([0.5, 1.0])), vector(json!([0.25, 0.0]))]})),
        );
        let (gateway, key) = at(&up, "vertexai").await;
        let body = json!({"model": "vertexai:text-embedding-005", "input": ["a", "b"], "dimensions": 2});
        let ask = Ask::post("/v1/embeddings", &body).bearer(&key);
        let said = ask.send(gateway.port()).await.expect(200).await.json().await;
        assert_eq!(said["data"][1]["embedding"], json!([0.25, 0.0]), "{said}");
        assert_eq!(said["usage"]["prompt_tokens"], 4, "{said}");
        let asked =
            json!({"instances": [{"content": "a"}, {"content": "b"}], "parameters": {"outputDimensionality": 2}});
        assert_eq!(up.request(path).await.json(), asked);
        // Google's own clients ask in Gemini's form, which these models do not know.
        up.on("POST", path, Script::json(&json!({"predictions": [vector(json!([0.5]))]})));
        let body = json!({"content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"});
        let ask = Ask::post("/v1beta/models/vertexai:text-embedding-005:embedContent", &body).bearer(&key);
        let said = ask.send(gateway.port()).await.expect(200).await.json().await;
        assert_eq!(said["embedding"]["values"], json!([0.5]), "{said}");
        let sent = up.requests_for(path).pop().expect("a request").json();
        assert_eq!(sent, json!({"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"}]}));
    });
}
