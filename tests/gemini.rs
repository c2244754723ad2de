//! Gemini's clients: the model and the question stand in the path, and go on in it.

use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, fake};

/// An endpoint `up` that speaks Gemini's API, has the model `m` and is given a key.
async fn over(up: &Fake) -> (Gateway, String) {
    let options = Options::new().variable("GOOGLES_KEY", "AQ.secret").route("work", &["up:m"]).table(&format!(
        "[[endpoints]]\nname = \"up\"\nbase_url = \"{}\"\nprotocol = \"gemini\"\nmodels = [\"m\"]\nkey = \"env:GOOGLES_KEY\"",
        up.url()
    ));
    let gateway = Gateway::start(options).await;
    gateway.ready("m").await;
    let key = gateway.client_key("editor").await;
    (gateway, key)
}

fn answer() -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 6, "thoughtsTokenCount": 4, "totalTokenCount": 18}})
}

#[test]
fn the_targets_name_is_written_into_the_path() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "*", Script::json(&answer()));
        let (gateway, key) = over(&up).await;
        let body = r#" {"contents":[ {"parts":[{"text":"\u0068"}]} ]}"#;
        for (asked, sent) in [
            ("/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent"),
            ("/v1/models/up%3Am:generateContent", "/v1beta/models/m:generateContent"),
            ("/v1beta1/models/up/m:countTokens", "/v1beta/models/m:countTokens"),
            ("/v1beta/models/work:generateContent?key=mine&x=1", "/v1beta/models/m:generateContent?x=1"),
            ("/v1beta/models/m:streamGenerateContent?alt=sse", "/v1beta/models/m:streamGenerateContent?alt=sse"),
        ] {
            let before = up.requests().len();
            let ask = Ask::post_bytes(asked, body).header("x-goog-api-key", &key);
            ask.send(gateway.port()).await.expect(200).await.bytes().await;
            let requests = up.requests();
            let request = requests.get(before).expect("one request more");
            assert_eq!(request.target, sent, "{asked}");
            assert_eq!(String::from_utf8_lossy(&request.body), body, "every byte of the body goes through");
            assert_eq!(request.header("x-goog-api-key"), "AQ.secret", "one credential, and the endpoint's own");
            assert!(!request.has("authorization"));
        }
    });
}

#[test]
fn a_name_inside_the_body_follows() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "*", Script::json(&json!({"totalTokens": 3})));
        let (gateway, key) = over(&up).await;
        let body = json!({"generateContentRequest": {"model": "models/work", "contents": []}});
        let ask = Ask::post("/v1beta/models/work:countTokens", &body).header("x-goog-api-key", &key);
        ask.send(gateway.port()).await.expect(200).await.bytes().await;
        let sent = up.request("/v1beta/models/m:countTokens").await.json();
        assert_eq!(sent["generateContentRequest"]["model"], "models/m");
    });
}

#[test]
fn a_stream_is_counted() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "*", Script::events().event(&answer()));
        let (gateway, key) = over(&up).await;
        let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
        let ask = Ask::post(path, &json!({"contents": [{"parts": [{"text": "a"}]}]})).bearer(&key);
        let text = ask.send(gateway.port()).await.expect(200).await.text().await;
        assert_eq!(text, format!("data: {}\n\n", answer()));
        let rows = gateway.rows("the stream", |rows| !rows.is_empty()).await;
        let row = rows.first().expect("a row");
        assert_eq!((&row["surface"], &row["operation"]), (&json!("gemini"), &json!("chat")), "{row}");
        let counted = (&row["input_tokens"], &row["output_tokens"], &row["reasoning_tokens"]);
        assert_eq!(counted, (&json!(8), &json!(10), &json!(4)), "thoughts are counted with the answer: {row}");
    });
}

#[test]
fn refusals_are_in_googles_shape() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let body = json!({"contents": [{"parts": [{"text": "a"}]}]});
        let error = gateway.post("/v1beta/models/nope-x:generateContent", &body).await.expect(404).await.json().await;
        assert_eq!(error["error"]["status"], "NOT_FOUND", "{error}");
        let error = gateway.post("/v1beta/models/m:generateContent", &json!([])).await.expect(400).await.json().await;
        assert_eq!(error["error"]["status"], "INVALID_ARGUMENT", "{error}");
        let got = gateway.get("/v1beta/models/m:generateContent").await.expect(405).await.json().await;
        assert_eq!(got["error"]["code"], 405, "{got}");
    });
}

#[test]
fn lists_in_geminis_shape() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let names = |list: &Value| -> Vec<String> {
            let rows = list["models"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
            rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
        };
        let list = gateway.get("/v1beta/models?pageSize=50").await.expect(200).await.json().await;
        assert!(names(&list).contains(&"models/m".to_owned()), "{list}");
        let one = gateway.get("/v1beta/models/up%3Am").await.expect(200).await.json().await;
        assert_eq!(one["name"], "models/up:m");
        let methods = json!(["generateContent", "streamGenerateContent", "countTokens"]);
        assert_eq!(one["supportedGenerationMethods"], methods, "{one}");
        // Google's SDK asks under /v1 too, and says who it is.
        for path in ["/v1/models", "/v1/models/m"] {
            let ask = Ask::get(path).header("x-goog-api-client", "google-genai-sdk/3.4");
            let shape = ask.send(gateway.port()).await.expect(200).await.json().await;
            assert!(shape.get("models").is_some() || shape["name"] == "models/m", "{path}: {shape}");
        }
        let error = gateway.get("/v1beta/models/nope-x").await.expect(404).await.json().await;
        assert_eq!(error["error"]["status"], "NOT_FOUND", "{error}");
    });
}
