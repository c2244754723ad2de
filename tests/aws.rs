//! Amazon Bedrock and SageMaker: signed, asked in Converse, in Anthropic's API and in OpenAI's, and read back from binary
//! frames, through every surface.
//!
//! The provider is a scripted upstream that answers what Bedrock answers; its frames are made by a script of the fixtures,
//! which knows nothing of the crate that reads them. A signature is computed anew from the request that came.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::aws::{keys, signed};
use crate::harness::runtime::fixture;
use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, chat};

const NOVA: &str = "amazon.nova-pro-v1:0";
const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const CONVERSE: &str = "/model/amazon.nova-pro-v1%3A0/converse";
const STREAM: &str = "/model/amazon.nova-pro-v1%3A0/converse-stream";
const FRAMES: &str = "application/vnd.amazon.eventstream";
const CHAT: &str = "/v1/chat/completions";

/// A file of the codec's own fixtures.
fn golden(path: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src/protocol/fixtures").join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Bedrock, which gives one answer whole and as a stream, its frames cut where they please.
async fn bedrock() -> Fake {
    let up = Fake::new().await;
    up.on("POST", CONVERSE, Script::whole(200, "application/json", golden("bedrock/answer.json")));
    up.on("POST", STREAM, frames(&golden("bedrock/answer.eventstream"), 100));
    up
}

/// A stream in pieces of a length that fits no frame.
fn frames(bytes: &[u8], length: usize) -> Script {
    bytes.chunks(length).fold(Script::chunked(200, FRAMES), |script, piece| script.send(piece.to_vec()))
}

/// A gateway with an account at `provider`, and a client key.
async fn at(up: &Fake, provider: &str, options: Options) -> (Gateway, String) {
    let entry = format!(
        "[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{}\"\nkey = \"env:ACCOUNT\"\n\
         settings = {{ region = \"eu-west-1\" }}",
        up.url()
    );
    start(provider, options.table(&entry).variable("ACCOUNT", &keys())).await
}

async fn start(endpoint: &str, options: Options) -> (Gateway, String) {
    let gateway = Gateway::start(options).await;
    gateway.until("the endpoint", |snapshot| snapshot.endpoints.iter().any(|it| it.id == endpoint)).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

/// Each surface's question to a model, whole or streamed: its path and body.
fn questions(model: &str, stream: bool) -> Vec<(String, Value)> {
    let turn = json!([{"role": "user", "content": "Hi"}]);
    let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    vec![
        (CHAT.to_owned(), json!({"model": model, "messages": turn, "stream": stream})),
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
fn converse_is_asked_and_answers_through_every_surface() {
    bounded(async {
        let up = bedrock().await;
        let (gateway, key) = at(&up, "bedrock", Options::new()).await;
        for stream in [false, true] {
            for (path, body) in questions(&format!("bedrock:{NOVA}"), stream) {
                let asked = Ask::post(&path, &body).header("x-api-key", &key).send(gateway.port()).await;
                assert_eq!(asked.header("x-pointsman-target"), format!("bedrock/{NOVA}"), "{path}");
                let (status, said) = (asked.status(), asked.text().await);
                assert_eq!(status, 200, "{path} {stream}: {said}");
                // The thought, the text, the call and its arguments, in whatever pieces.
                for wanted in ["Two files ", "Reading", "read_file", "12345678901234567890123", "list"] {
                    assert!(said.contains(wanted), "{path} {stream}: no {wanted:?} in {said}");
                }
                assert!(!said.contains("\"id\":\"\""), "{path} {stream}: an answer has an id: {said}");
                let request = up.requests_for(if stream { STREAM } else { CONVERSE }).pop().expect("a request");
                let scope = signed(&request).unwrap_or_else(|wrong| panic!("{path}: {wrong}"));
                assert_eq!(scope, "eu-west-1/bedrock content-type;host;x-amz-date", "{path}");
                assert_eq!(request.json()["messages"], json!([{"role": "user", "content": [{"text": "Hi"}]}]));
                assert!(!request.text().contains(&key), "{path}: the tool's own key stays here");
            }
        }
        let rows = gateway.rows("tokens", |rows| rows.len() >= 10).await;
        assert!(rows.iter().all(|row| row["input_tokens"] == 105 && row["output_tokens"] == 42), "{rows:?}");
        assert!(!gateway.log().contains(crate::harness::aws::SECRET), "no key in a log");
    });
}

#[test]
fn claudes_own_clients_are_forwarded() {
    bounded(async {
        let up = Fake::new().await;
        let path = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0";
        let (whole, streamed) = (format!("{path}/invoke"), format!("{path}/invoke-with-response-stream"));
        up.on("POST", &whole, Script::whole(200, "application/json", golden("anthropic/answer.json")));
        up.on("POST", &streamed, frames(&golden("bedrock/claude.eventstream"), 77));
        up.on("POST", &format!("{path}/count-tokens"), Script::json(&json!({"inputTokens": 7})));
        let (gateway, key) = at(&up, "bedrock", Options::new()).await;
        let ask = |path: &str, body: &Value| {
            let ask = Ask::post(path, body).header("x-api-key", &key).header("anthropic-version", "2023-06-01");
            ask.header("anthropic-beta", "interleaved-thinking-2025-05-14,not-of-bedrocks").send(gateway.port())
        };
        let mut body = json!({"model": format!("bedrock:{CLAUDE}"), "max_tokens": 9, "of_tomorrow": {"b": 1, "a": 2.0},
            "messages": [{"role": "user", "content": "Hi"}]});
        let answer = ask("/v1/messages", &body).await.expect(200).await.bytes().await;
        assert_eq!(answer, golden("anthropic/answer.json"), "byte by byte");
        let request = up.request(&whole).await;
        assert_eq!(
            request.json(),
            json!({"max_tokens": 9, "of_tomorrow": {"b": 1, "a": 2.0}, "messages": body["messages"],
                "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["interleaved-thinking-2025-05-14"]})
        );
        assert_eq!(signed(&request).as_deref(), Ok("eu-west-1/bedrock accept;content-type;host;x-amz-date"));
        assert!(!request.has("anthropic-version") && !request.has("anthropic-beta"));

        body["stream"] = true.into();
        let answer = ask("/v1/messages", &body).await.expect(200).await;
        assert_eq!(answer.header("content-type"), "text/event-stream");
        let events = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.starts_with("data: ")).map(str::to_owned).collect()
        };
        let theirs = String::from_utf8(golden("anthropic/answer.sse")).expect("text");
        assert_eq!(events(&answer.text().await), events(&theirs), "each event is Claude's own");
        assert!(up.request(&streamed).await.json().get("stream").is_none(), "the path says it");

        let counted = ask("/v1/messages/count_tokens", &body).await.expect(200).await.json().await;
        assert_eq!(counted["input_tokens"], 7);
        let refusal = json!({"message": "max_tokens: Input should be less than 65536"});
        up.on("POST", &whole, Script::fault(400, &refusal));
        body["stream"] = false.into();
        let said = ask("/v1/messages", &body).await.expect(400).await.json().await;
        assert_eq!(said["error"]["type"], "invalid_request_error", "in the client's own shape: {said}");
        assert!(said["error"]["message"].as_str().is_some_and(|it| it.contains("Input should be less")), "{said}");

        // Other models know nothing of Anthropic's API.
        let other = Fake::new().await;
        other.on("POST", CONVERSE, Script::whole(200, "application/json", golden("bedrock/answer.json")));
        let (gateway, key) = at(&other, "bedrock", Options::new()).await;
        body["model"] = format!("bedrock:{NOVA}").into();
        body["stream"] = false.into();
        let ask = Ask::post("/v1/messages", &body).header("x-api-key", &key);
        ask.send(gateway.port()).await.expect(200).await;
        assert_eq!(other.requests_for(CONVERSE).len(), 1);
    });
}

#[test]
fn a_stream_that_breaks_says_so() {
    bounded(async {
        let up = Fake::new().await;
        let whole = golden("bedrock/answer.eventstream");
        let (gateway, key) = at(&up, "bedrock", Options::new()).await;
        let body = json!({"model": format!("bedrock:{NOVA}"), "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]});
        let ask = || Ask::post(CHAT, &body).bearer(&key).send(gateway.port());
        let mut hit = whole.clone();
        let at = whole.len() - 20;
        hit[at] ^= 1;
        for (bytes, wanted) in [
            (&whole[..whole.len() - 3], "the model's stream was cut within a frame"),
            (&whole[..whole.len() / 2], "the model's stream"),
            (&hit[..], "the model's stream is damaged"),
        ] {
            up.on("POST", STREAM, frames(bytes, 1000));
            let said = ask().await.expect(200).await.text().await;
            assert!(said.contains("\"error\"") && said.contains(wanted), "{wanted}: {said}");
            assert!(!said.contains("[DONE]"), "what broke is not done: {said}");
        }
        // What fails before it says anything is an error with a status still.
        let told = json!({"message": "Too many requests, please wait."}).to_string();
        up.on(
            "POST",
            STREAM,
            Script::whole(429, "application/json", told).header("x-amzn-errortype", "ThrottlingException"),
        );
        let answer = ask().await.expect(429).await.text().await;
        assert!(answer.contains("Too many requests, please wait."), "{answer}");
    });
}

#[test]
fn where_keys_come_from() {
    bounded(async {
        let up = bedrock().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("credentials");
        let (id, secret) = (crate::harness::aws::ID, crate::harness::aws::SECRET);
        std::fs::write(&file, format!("[work]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"))
            .expect("a file");
        let file = file.to_str().expect("text");
        let entry = |settings: &str| {
            let settings = format!("region = \"us-east-1\"{settings}");
            format!("[[endpoints]]\nprovider = \"bedrock\"\nbase_url = \"{}\"\nsettings = {{ {settings} }}", up.url())
        };
        let asked = async |options: Options| {
            let (gateway, key) = start("bedrock", options.variable("AWS_SHARED_CREDENTIALS_FILE", file)).await;
            let answer = Ask::post(CHAT, &chat(&format!("bedrock:{NOVA}"))).bearer(&key).send(gateway.port()).await;
            (answer.status(), answer.text().await)
        };
        let last = || up.requests_for(CONVERSE).pop().expect("a request");

        let named = Options::new().table(&entry(", profile = \"work\""));
        assert_eq!(asked(named).await.0, 200);
        assert_eq!(signed(&last()).as_deref(), Ok("us-east-1/bedrock content-type;host;x-amz-date"));

        let keys = Options::new().table(&entry("")).variable("AWS_ACCESS_KEY_ID", id);
        let session = keys.variable("AWS_SECRET_ACCESS_KEY", secret).variable("AWS_SESSION_TOKEN", "session-canary");
        assert_eq!(asked(session).await.0, 200);
        let wanted = "us-east-1/bedrock content-type;host;x-amz-date;x-amz-security-token";
        assert_eq!(signed(&last()).as_deref(), Ok(wanted));
        assert_eq!(last().header("x-amz-security-token"), "session-canary");
        up.on("POST", CONVERSE, Script::fault(403, &json!({"message": format!("not {secret} of session-canary")})));
        let keys = Options::new().table(&entry("")).variable("AWS_ACCESS_KEY_ID", id);
        let session = keys.variable("AWS_SECRET_ACCESS_KEY", secret).variable("AWS_SESSION_TOKEN", "session-canary");
        let (_, said) = asked(session).await;
        assert!(said.contains("not [redacted] of [redacted]"), "an answer repeats neither: {said}");
        up.on("POST", CONVERSE, Script::whole(200, "application/json", golden("bedrock/answer.json")));

        let bearer = Options::new().table(&entry("")).variable("AWS_BEARER_TOKEN_BEDROCK", "ABSK-canary");
        assert_eq!(asked(bearer).await.0, 200);
        assert_eq!(last().header("authorization"), "Bearer ABSK-canary");
        assert!(!last().has("x-amz-date"), "a bearer is not signed");

        let before = up.requests_for(CONVERSE).len();
        let (status, said) = asked(Options::new().table(&entry(""))).await;
        assert!(status >= 400 && said.contains("there is no profile `default` with keys"), "{status}: {said}");
        assert_eq!(up.requests_for(CONVERSE).len(), before, "nothing goes out unsigned");
    });
}

#[test]
fn a_container_on_sagemaker_is_asked_in_openais_form() {
    bounded(async {
        let up = Fake::new().await;
        let (whole, streamed) = ("/endpoints/mine/invocations", "/endpoints/mine/invocations-response-stream");
        up.on("POST", whole, Script::whole(200, "application/json", golden("openai/answer.json")));
        up.on("POST", streamed, frames(&golden("bedrock/container.eventstream"), 50));
        let (gateway, key) = at(&up, "sagemaker", Options::new()).await;
        let mut body = json!({"model": "sagemaker:mine", "temperature": 0.5,
            "messages": [{"role": "user", "content": "Hi"}]});
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.bytes().await, golden("openai/answer.json"), "byte by byte");
        let request = up.request(whole).await;
        assert_eq!(
            request.json(),
            json!({"temperature": 0.5, "messages": body["messages"]}),
            "the endpoint is the model"
        );
        assert_eq!(signed(&request).as_deref(), Ok("eu-west-1/sagemaker accept;content-type;host;x-amz-date"));

        body["stream"] = true.into();
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.text().await.as_bytes(), golden("openai/answer.sse"), "without its frames");
        // And for who speaks another API.
        let asked = json!({"model": "sagemaker:mine", "max_tokens": 9, "stream": true, "messages": body["messages"]});
        let ask = Ask::post("/v1/messages", &asked).header("x-api-key", &key);
        let said = ask.send(gateway.port()).await.expect(200).await.text().await;
        assert!(said.contains("message_stop"), "{said}");
        assert_eq!(up.request(streamed).await.json()["stream"], true, "a container streams when its body says so");
    });
}

#[test]
fn claude_on_bedrock_is_asked_as_anthropics_own_sdk_asks() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "*", Script::whole(200, "application/json", golden("anthropic/answer.json")));
        let (gateway, key) = at(&up, "bedrock", Options::new()).await;
        let mut compared = 0;
        for entry in std::fs::read_dir(fixture("captures/bedrock")).expect("captures") {
            let file = entry.expect("a file").path();
            let capture: Value = serde_json::from_slice(&std::fs::read(&file).expect("a capture")).expect("JSON");
            let url = capture["url"].as_str().expect("a URL");
            if !url.contains("/invoke") || capture["sdk"] != "anthropic" {
                continue;
            }
            let mut body = capture["body"].clone();
            body["model"] = format!("bedrock:{}", capture["model"].as_str().expect("a model")).into();
            let version = body.as_object_mut().and_then(|body| body.remove("anthropic_version")).expect("a version");
            let version = version.as_str().filter(|it| !it.starts_with("bedrock")).unwrap_or("2023-06-01").to_owned();
            body["stream"] = url.ends_with("stream").into();
            let before = up.requests().len();
            let ask = Ask::post("/v1/messages", &body).header("x-api-key", &key).header("anthropic-version", &version);
            ask.send(gateway.port()).await.expect(200).await;
            let requests = up.requests();
            let request = requests[before..].first().expect("a request");
            // The SDK leaves a colon as it is, as AWS's own does not.
            let path = url.splitn(4, '/').nth(3).expect("a path").replace(':', "%3A");
            assert_eq!(request.target, format!("/{path}"), "{}", file.display());
            assert_eq!(request.json(), capture["body"], "{}", file.display());
            assert_eq!(request.header("accept"), capture["headers"]["accept"].as_str().unwrap_or_default());
            signed(request).unwrap_or_else(|wrong| panic!("{}: {wrong}", file.display()));
            compared += 1;
        }
        assert!(compared > 12, "{compared} requests compared");
    });
}
