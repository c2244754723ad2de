//! Tokens of the clouds: made at a token server, put to requests, made anew, and never told.
//!
//! The token server and the provider are one scripted upstream. What is asked for a token is compared with the request that
//! the vendor's own SDK makes (`captures/`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pointsman_gateway::control::{Command, Reply};
use serde_json::{Value, json};

use crate::harness::runtime::fixture;
use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, chat};

const CHAT: &str = "/v1/chat/completions";
const TOKENS: &str = "/token";
const SECRET: &str = "canary-of-a-secret-that-nobody-may-see";
const VERTEX: &str = "/v1/projects/p/locations/global/publishers/google/models/m:generateContent";

/// A provider that answers every chat.
async fn answers() -> Fake {
    let up = Fake::new().await;
    up.on("POST", "*", Script::json(&said()));
    up
}

/// An answer in Gemini's form, in which OpenAI's is empty.
fn said() -> Value {
    let content = json!({"role": "model", "parts": [{"text": "Hi"}]});
    json!({"candidates": [{"content": content, "finishReason": "STOP"}], "choices": [], "usage": {}})
}

/// Tokens that bear a number each, and live so long.
fn numbered(up: &Fake, path: &str, life: u32) {
    let made = AtomicU32::new(0);
    up.on_with("POST", path, move |_| {
        let nth = made.fetch_add(1, Ordering::Relaxed) + 1;
        Script::json(
            &json!({"access_token": format!("token-{nth}-of-many"), "expires_in": life, "token_type": "Bearer"}),
        )
    });
}

/// A gateway with an account at `provider`, and a client key.
async fn at(up: &Fake, provider: &str, settings: &str, options: Options) -> (Gateway, String) {
    let entry = format!(
        "[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{}\"\nkey = \"env:ACCOUNT\"\nsettings = {{ {settings} }}",
        up.url()
    );
    let gateway = Gateway::start(options.table(&entry)).await;
    gateway.until("the endpoint", |snapshot| snapshot.endpoints.iter().any(|it| it.id == provider)).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

/// What gcloud keeps of a user who signed in.
fn user(up: &Fake) -> String {
    json!({
        "type": "authorized_user", "client_id": "fake-client", "client_secret": SECRET,
        "refresh_token": "fake-refresh", "token_uri": format!("{}{TOKENS}", up.url()), "quota_project_id": "fake-quota",
    })
    .to_string()
}

async fn asked(gateway: &Gateway, key: &str, model: &str) -> (u16, String) {
    let answer = Ask::post(CHAT, &chat(model)).bearer(key).send(gateway.port()).await;
    (answer.status(), answer.text().await)
}

/// The fields of a form.
fn form(body: &[u8]) -> Value {
    url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect()
}

fn capture(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture("captures").join(name)).expect("a capture");
    serde_json::from_str(&text).expect("JSON")
}

/// That a token is asked for as the vendor's SDK asks, but for what stands in `but`.
#[track_caller]
fn asks_as(name: &str, up: &Fake, path: &str, but: &[&str]) {
    let theirs = capture(name);
    let url = theirs["url"].as_str().expect("a URL");
    let request = up.requests_for(path).pop().expect("a request for a token");
    assert!(url.ends_with(path) || path == TOKENS, "{url}");
    for header in ["authorization", "content-type"] {
        let wanted = theirs["headers"][header].as_str().unwrap_or_default();
        assert_eq!(request.header(header), wanted, "{name}: {header}");
    }
    let (mut ours, mut theirs) = (form(&request.body), theirs["body"]["form"].clone());
    for field in but {
        for body in [&mut ours, &mut theirs] {
            body.as_object_mut().expect("a form").remove(*field);
        }
    }
    assert_eq!(ours, theirs, "{name}");
}

#[test]
fn a_users_file_of_gclouds_gets_tokens() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        for _ in 0..3 {
            assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        }
        let sent = up.requests_for(VERTEX);
        let credentials: Vec<&str> = sent.iter().map(|request| request.header("authorization")).collect();
        assert_eq!(credentials, ["Bearer token-1-of-many"; 3], "one token for all of them");
        assert_eq!(sent[0].header("x-goog-user-project"), "fake-quota");
        assert!(!sent[0].has("x-goog-api-key"));
        asks_as("vertexai/token-user.json", &up, TOKENS, &["client_secret"]);
        for secret in [SECRET, "token-1-of-many", "fake-refresh"] {
            assert!(!gateway.log().contains(secret), "{secret} is in the log");
        }
    });
}

/// A service account's key file, and what proves its signature.
fn service_account(up: &Fake) -> (String, KeyPair) {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("its form");
    let body = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("letters")).collect();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let file = json!({
        "type": "service_account", "project_id": "p", "private_key_id": "fake-key-id", "private_key": key,
        "client_email": "fake@fake-project.iam.gserviceaccount.com", "token_uri": format!("{}{TOKENS}", up.url()),
    });
    (serde_json::to_string_pretty(&file).expect("JSON"), pair)
}

/// The head and the claims of a statement whose signature is good.
fn proved(request: &[u8], pair: &KeyPair) -> (Value, Value) {
    let form = form(request);
    let (said, signature) = form["assertion"].as_str().and_then(|it| it.rsplit_once('.')).expect("a statement");
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(said.as_bytes(), &decoded(signature)).expect("its own signature");
    let (head, claims) = said.split_once('.').expect("two parts");
    let read = |part: &str| serde_json::from_slice(&decoded(part)).expect("JSON");
    (read(head), read(claims))
}

#[test]
fn a_service_account_states_who_it_is() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (file, pair) = service_account(&up);
        let gateway = Gateway::start(Options::new()).await;
        // As a person pipes it in, with all its lines.
        let add = Command::AddProvider {
            provider: "vertexaianthropic".to_owned(),
            name: None,
            base_url: Some(up.url()),
            allow_private: false,
            settings: [("project".to_owned(), "p".to_owned())].into(),
            secret: Some(pointsman_gateway::control::SecretText(file)),
            variable: None,
        };
        assert!(matches!(gateway.tell(&add).await, Reply::Stored { .. }));
        gateway.until("the endpoint", |snapshot| !snapshot.endpoints.is_empty()).await;
        let key = gateway.client_key("tool").await;
        assert_eq!(asked(&gateway, &key, "vertexaianthropic:claude-x").await.0, 502, "what was answered is no message");
        let sent = up.request("/v1/projects/p/locations/global/publishers/anthropic/models/claude-x:rawPredict").await;
        assert_eq!(sent.header("authorization"), "Bearer token-1-of-many");
        let theirs = capture("vertexai/token-service-account.json");
        let (head, mut claims) = proved(&up.request(TOKENS).await.body, &pair);
        let mut wanted = theirs["body"]["form"]["assertion"].clone();
        assert_eq!(head, wanted["header"]);
        let now = std::time::UNIX_EPOCH.elapsed().expect("a time").as_secs();
        let (since, until) = (claims["iat"].as_u64().expect("a time"), claims["exp"].as_u64().expect("a time"));
        assert!(now.abs_diff(since) < 120 && until == since + 3600, "{claims}");
        for body in [&mut claims, &mut wanted["claims"]] {
            for field in ["iat", "exp", "aud"] {
                body[field] = Value::Null;
            }
        }
        assert_eq!(claims, wanted["claims"]);
        asks_as("vertexai/token-service-account.json", &up, TOKENS, &["assertion"]);
    });
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_who_makes_the_tokens() {
    bounded(async {
        let up = answers().await;
        let (file, pair) = service_account(&up);
        let pair = Arc::new(pair);
        let judge = Arc::clone(&pair);
        // A year in which this machine is not.
        let (date, there) = ("Fri, 01 Jan 2038 00:00:00 GMT", 2_145_916_800);
        up.on_with("POST", TOKENS, move |request| {
            let (_, claims) = proved(&request.body, &judge);
            let answer = if claims["iat"] == there {
                Script::json(&json!({"access_token": "in-time", "expires_in": 3600}))
            } else {
                let says = "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.";
                Script::fault(400, &json!({"error": "invalid_grant", "error_description": says}))
            };
            answer.header("date", date)
        });
        let file = file.replace('\n', " ");
        let (gateway, key) = at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &file)).await;
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer in-time");
        assert_eq!(up.requests_for(TOKENS).len(), 2);
    });
}

#[test]
fn what_google_keeps_on_this_machine_is_found() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("application_default_credentials.json");
        let entry = |name: &str| {
            format!(
                "[[endpoints]]\nname = \"{name}\"\nprovider = \"vertexai\"\nbase_url = \"{}\"\nsettings = {{ project = \"p\" }}",
                up.url()
            )
        };
        let options = Options::new().variable("CLOUDSDK_CONFIG", folder.path().to_str().expect("a path"));
        let gateway = Gateway::start(options.table(&entry("cloud"))).await;
        gateway.until("the endpoint", |snapshot| !snapshot.endpoints.is_empty()).await;
        let key = gateway.client_key("tool").await;
        let (status, said) = asked(&gateway, &key, "cloud:m").await;
        assert!(status == 502 && said.contains("gcloud auth application-default login"), "{status} {said}");
        std::fs::write(&file, user(&up)).expect("the file");
        let (status, said) = asked(&gateway, &key, "cloud:m").await;
        assert_eq!(status, 200, "it is looked for again at each request: {said}");
        assert_eq!(up.request(VERTEX).await.header("authorization"), "Bearer token-1-of-many");
    });
}

#[test]
fn an_application_has_a_token_of_entra() {
    bounded(async {
        let up = answers().await;
        let path = "/fake-tenant/oauth2/v2.0/token";
        for (provider, fixture) in
            [("azureopenai", "azureopenai/token-client.json"), ("azureanthropic", "azureanthropic/token-client.json")]
        {
            numbered(&up, path, 3600);
            let options = Options::new().variable("ACCOUNT", "fake-secret").variable("AZURE_AUTHORITY_HOST", &up.url());
            let settings = "client_id = \"fake-client\", tenant = \"fake-tenant\"";
            let (gateway, key) = at(&up, provider, settings, options).await;
            let before = up.requests().len();
            asked(&gateway, &key, &format!("{provider}:m")).await;
            let requests = up.requests();
            let chat = requests[before..].iter().find(|it| it.method == "POST" && it.path() != path).expect("the chat");
            assert!(chat.header("authorization").starts_with("Bearer token-"), "{provider}");
            assert!(!chat.has("api-key") && !chat.has("x-api-key"), "{provider}: the secret goes to Entra only");
            // Which library asks only matters to that library.
            asks_as(fixture, &up, path, &["client_info"]);
        }
    });
}

#[test]
fn a_service_principal_has_a_token_of_its_workspace() {
    bounded(async {
        let up = answers().await;
        let path = "/oidc/v1/token";
        numbered(&up, path, 3600);
        let options = Options::new().variable("ACCOUNT", "fake-secret");
        let (gateway, key) = at(&up, "databricks", "client_id = \"fake-client\"", options).await;
        assert_eq!(asked(&gateway, &key, "databricks:m").await.0, 200);
        let sent = up.request("/serving-endpoints/chat/completions").await;
        assert_eq!(sent.header("authorization"), "Bearer token-1-of-many");
        asks_as("databricks/token-client.json", &up, path, &[]);
    });
}

#[test]
fn a_token_that_was_taken_back_is_made_anew_once() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
        up.on_with("POST", VERTEX, |request| match request.header("authorization") {
            "Bearer token-1-of-many" => Script::fault(401, &json!({"error": {"message": "taken back"}})),
            _ => Script::json(&said()),
        });
        assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200, "the tool hears nothing of it");
        up.on("POST", VERTEX, Script::fault(401, &json!({"error": {"message": "not with token-3-of-many"}})));
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("answered 401"), "{status} {said}");
        assert!(!said.contains("token-3-of-many"), "an answer does not repeat a token: {said}");
        assert_eq!(up.requests_for(TOKENS).len(), 3, "a new token that is refused too is the end");
    });
}

#[test]
fn a_token_that_ran_out_is_made_anew() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 0);
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        for nth in 0..2 {
            assert_eq!(asked(&gateway, &key, "vertexai:m").await.0, 200);
            let sent = up.nth_request(VERTEX, nth).await;
            assert_eq!(sent.header("authorization"), format!("Bearer token-{}-of-many", nth + 1));
        }
    });
}

#[test]
fn many_requests_at_once_have_one_token_made() {
    bounded(async {
        let up = answers().await;
        up.on(
            "POST",
            TOKENS,
            Script::chunked(200, "application/json")
                .gate()
                .send(json!({"access_token": "the-only-token", "expires_in": 3600}).to_string()),
        );
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        let ask = || asked(&gateway, &key, "vertexai:m");
        let go = async {
            up.request(TOKENS).await;
            up.go();
        };
        let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), go);
        assert_eq!([one.0, two.0, three.0], [200; 3]);
        assert_eq!(up.requests_for(TOKENS).len(), 1);
    });
}

#[test]
fn a_refused_token_is_told_in_the_tools_own_shape_without_the_secret() {
    bounded(async {
        let up = answers().await;
        up.on_with("POST", TOKENS, |request| {
            let says = format!("no such client: {}\r\nTrace: 1", String::from_utf8_lossy(&request.body));
            Script::fault(401, &json!({"error": "invalid_client", "error_description": says}))
        });
        let (gateway, key) =
            at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 502 && said.contains("refuses a token (401): no such client"), "{status} {said}");
        assert!(!said.contains(SECRET) && !said.contains("Trace"), "{said}");
        let anthropics = Ask::post("/v1/messages", &json!({"model": "vertexai:m", "max_tokens": 9, "messages": []}))
            .header("x-api-key", &key);
        let said = anthropics.send(gateway.port()).await.json().await;
        assert_eq!(said["type"], "error", "{said}");
        assert!(up.requests_for(VERTEX).is_empty(), "nothing is asked without a token");
        let checked = gateway.tell(&Command::CheckKey { endpoint: "vertexai".to_owned() }).await;
        assert!(
            matches!(&checked, Reply::Checked { good: Some(false), says } if says.contains("refuses the key (401)")),
            "{checked:?}"
        );
        assert!(!gateway.log().contains(SECRET));
    });
}

#[test]
fn local_only_mode_keeps_the_question_for_a_token_here() {
    bounded(async {
        let up = answers().await;
        // Google's own address, which is not here.
        let file = user(&up).replace(&format!("{}{TOKENS}", up.url()), "https://oauth2.googleapis.com/token");
        let options = Options::new().top("local_only = true").variable("ACCOUNT", &file);
        let (gateway, key) = at(&up, "vertexai", "project = \"p\"", options).await;
        let (status, said) = asked(&gateway, &key, "vertexai:m").await;
        assert!(status == 403 && said.contains("local-only"), "{status} {said}");
        assert!(up.requests_for(VERTEX).is_empty(), "and nothing is asked without it");
    });
}

#[test]
fn a_key_is_tried_with_a_token() {
    bounded(async {
        let up = answers().await;
        numbered(&up, TOKENS, 3600);
        let (gateway, _) = at(&up, "vertexai", "project = \"p\"", Options::new().variable("ACCOUNT", &user(&up))).await;
        let path = "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:countTokens";
        for (status, expected) in [(400, Some(true)), (403, Some(false)), (404, None)] {
            up.on("POST", path, Script::fault(status, &json!({"error": {}})));
            let checked = gateway.tell(&Command::CheckKey { endpoint: "vertexai".to_owned() }).await;
            assert!(matches!(&checked, Reply::Checked { good, .. } if *good == expected), "{status}: {checked:?}");
        }
        assert_eq!(up.request(path).await.header("authorization"), "Bearer token-1-of-many");
        assert_eq!(up.requests_for(TOKENS).len(), 1);
    });
}

#[test]
fn an_api_key_of_ibms_becomes_a_token() {
    bounded(async {
        let up = Fake::new().await;
        numbered(&up, TOKENS, 3600);
        let chat = json!({"model_id": "m", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hi"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
        let vectors = json!({"results": [{"embedding": [0.5, 1.0]}], "input_token_count": 4});
        let piece =
            |delta: Value, reason: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
        let stream = Script::events()
            .named("message", &piece(json!({"role": "assistant", "content": "He"}), Value::Null))
            .named("message", &piece(json!({"content": "llo"}), "stop".into()));
        up.on("POST", "/ml/v1/text/chat", Script::json(&chat));
        up.on("POST", "/ml/v1/text/embeddings", Script::json(&vectors));
        up.on("POST", "/ml/v1/text/chat_stream", stream);
        let options = Options::new()
            .variable("ACCOUNT", "fake-key")
            .variable("WATSONX_IAM_URL", &format!("{}{TOKENS}", up.url()));
        let (gateway, key) = at(&up, "watsonx", "project = \"p\"", options).await;
        let (status, said) = asked(&gateway, &key, "watsonx:m").await;
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(
            (status, said["object"].as_str()),
            (200, Some("chat.completion")),
            "as OpenAI's clients want it: {said}"
        );
        assert_eq!(up.request("/ml/v1/text/chat").await.header("authorization"), "Bearer token-1-of-many");
        let body = json!({"model": "watsonx:m", "input": "a"});
        let answer = Ask::post("/v1/embeddings", &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        let made = answer.json().await;
        assert_eq!((&made["data"][0]["embedding"], &made["usage"]["prompt_tokens"]), (&json!([0.5, 1.0]), &json!(4)));
        let body = json!({"model": "watsonx:m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        let text = answer.text().await;
        assert!(text.contains("llo") && text.contains("[DONE]"), "a stream without a last word is whole: {text}");
        asks_as("watsonx/token-api-key.json", &up, TOKENS, &[]);
    });
}

#[test]
fn every_account_is_asked_where_its_vendors_sdk_asks() {
    use pointsman_gateway::provider::hosted::{Account, ProviderSpec};
    for (provider, location, name) in [
        ("vertexai", "us-central1", "vertexai/chat.json"),
        ("vertexai", "global", "vertexai/chat-global.json"),
        ("vertexai", "eu", "vertexai/chat-eu.json"),
        ("vertexaianthropic", "us-east5", "vertexaianthropic/chat.json"),
        ("vertexaianthropic", "global", "vertexaianthropic/global-chat.json"),
        ("vertexaianthropic", "eu", "vertexaianthropic/eu-chat.json"),
        ("watsonx", "us-south", "watsonx/chat.json"),
    ] {
        let theirs = capture(name);
        let row = ProviderSpec::find(provider).expect("a row");
        let place = if provider == "watsonx" { "region" } else { "location" };
        let settings = [("project", "fake-project"), (place, location)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let account = Account::new(row, settings).expect("good settings");
        let model = theirs["model"].as_str().expect("a model");
        let path = account.speaks()[0].path_to(pointsman_gateway::protocol::Operation::Chat, model, false);
        let url = format!(
            "{}{}",
            account.usual_address().expect("an address"),
            path.expect("a path").trim_start_matches('/')
        );
        assert_eq!(theirs["url"], url, "{name}");
    }
}
