//! Tokens of the clouds: made at a token server, put to requests, made anew, and never told.
//!
//! The token server and the provider are one scripted upstream. What is asked for a token is compared with the request that
//! the vendor's own SDK makes (`captures/`).

/// AWS's profiles.
mod aws;
mod clients;
mod google;
mod life;
/// Metadata servers.
mod machines;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::harness::runtime::fixture;
use crate::harness::{Ask, Fake, Gateway, Options, Script, chat};

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
    numbered_at(up, "POST", path, life);
}

/// The same for whoever asks otherwise.
fn numbered_at(up: &Fake, method: &str, path: &str, life: u32) {
    let made = AtomicU32::new(0);
    up.on_with(method, path, move |_| {
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
