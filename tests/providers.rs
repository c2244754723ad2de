//! Hosted providers by their rows: a key is added and tried, models are listed, and each is asked as its row says.
//!
//! The provider is a scripted upstream at an address of its own; what the row alone decides is the same at the vendor's.

use std::collections::BTreeMap;
use std::process::Stdio;

use pointsman_gateway::control::{Command, Reply};
use pointsman_gateway::provider::hosted::ProviderSpec;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::harness::runtime::fixture;
use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, chat, fake, files_with, readme};

const CHAT: &str = "/v1/chat/completions";
const KEY: &str = "sk-canary-provider";

/// A gateway whose settings have an endpoint at `provider`, which really is `up`.
async fn at(up: &Fake, provider: &str) -> (Gateway, String) {
    let entry =
        format!("[[endpoints]]\nprovider = \"{provider}\"\nbase_url = \"{}\"\nkey = \"env:PROVIDERS_KEY\"", up.url());
    let gateway = Gateway::start(Options::new().table(&entry).variable("PROVIDERS_KEY", KEY)).await;
    gateway.until("the endpoint", |snapshot| snapshot.endpoints.iter().any(|it| it.id == provider)).await;
    let key = gateway.client_key("tool").await;
    (gateway, key)
}

/// `pointsman` with this text piped in: whether it went well, and all it said.
async fn piped(gateway: &Gateway, arguments: &[&str], text: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = gateway.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).envs(variables.iter().copied());
    let mut child = command.spawn().expect("a command");
    // One that reads nothing may be gone already.
    let _ = child.stdin.take().expect("stdin").write_all(text.as_bytes()).await;
    let output = child.wait_with_output().await.expect("its end");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_a_provider_does_not_take_is_left_out_and_named() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = at(&up, "mistral").await;
        let mut body = chat("mistral:mistral-small-latest");
        body["store"] = true.into();
        body["seed"] = 7.into();
        body["max_completion_tokens"] = 50.into();
        body["safe_prompt"] = true.into();
        body["messages"] = json!([{"role": "developer", "content": "Be short."}, {"role": "user", "content": "Hi"}]);
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-dropped"), "store");
        assert_eq!(answer.header("x-pointsman-target"), "mistral/mistral-small-latest");
        let request = up.request(CHAT).await;
        assert_eq!(request.header("authorization"), format!("Bearer {KEY}"));
        let sent = request.json();
        assert_eq!(
            (sent["model"].as_str(), sent["random_seed"].as_u64()),
            (Some("mistral-small-latest"), Some(7)),
            "{sent}"
        );
        assert_eq!((sent["max_tokens"].as_u64(), sent["safe_prompt"].as_bool()), (Some(50), Some(true)), "{sent}");
        assert_eq!(sent["messages"][0]["role"], "system", "{sent}");
        assert!(sent.get("store").is_none() && sent.get("seed").is_none(), "{sent}");
    });
}

#[test]
fn a_translated_request_is_fitted_too() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = at(&up, "mistral").await;
        let body = json!({"model": "mistral:m", "max_tokens": 9, "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]});
        let ask = Ask::post("/v1/messages", &body).header("x-api-key", &key);
        let text = ask.send(gateway.port()).await.expect(200).await.text().await;
        assert!(text.contains("message_stop"), "{text}");
        let sent = up.request(CHAT).await.json();
        assert!(sent.get("stream_options").is_none(), "Mistral refuses what it does not know: {sent}");
    });
}

#[test]
fn what_a_model_refuses_is_left_out_of_what_is_forwarded() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = at(&up, "anthropic").await;
        let turns = json!([{"role": "user", "content": "Hi"}]);
        let body = json!({"model": "anthropic:claude-opus-4-7", "max_tokens": 9, "temperature": 0.2, "top_k": 40,
            "messages": turns});
        let answer =
            Ask::post("/v1/messages", &body).header("x-api-key", &key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-dropped"), "temperature, top_k");
        let sent = up.request("/v1/messages").await.json();
        assert_eq!(sent, json!({"model": "claude-opus-4-7", "max_tokens": 9, "messages": turns}));
    });
}

#[test]
fn thinking_is_asked_for_as_the_provider_has_it() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "/chat/completions", Script::json(&json!({"usage": {}})));
        let (gateway, key) = at(&up, "deepseek").await;
        let mut body = chat("deepseek:deepseek-v4-pro");
        body["reasoning_effort"] = "none".into();
        body["response_format"] =
            json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}});
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-dropped"), "response_format.json_schema");
        let sent = up.request("/chat/completions").await.json();
        assert_eq!(sent["thinking"], json!({"type": "disabled"}), "{sent}");
        assert_eq!((sent.get("reasoning_effort"), &sent["response_format"]), (None, &json!({"type": "json_object"})));
        let told = sent["messages"][0]["content"].as_str().unwrap_or_default();
        assert!(told.contains("JSON Schema") && told.contains(r#"{"type":"object"}"#), "{sent}");
    });
}

#[test]
fn each_provider_is_asked_where_and_with_the_header_that_its_row_says() {
    bounded(async {
        for (provider, surface, path, header, value) in [
            ("openai", CHAT, CHAT, "authorization", format!("Bearer {KEY}")),
            ("anthropic", "/v1/messages", "/v1/messages", "x-api-key", KEY.to_owned()),
            ("deepinfra", CHAT, "/v1/openai/chat/completions", "authorization", format!("Bearer {KEY}")),
            ("deepseek", CHAT, "/chat/completions", "authorization", format!("Bearer {KEY}")),
            ("deepseek", "/v1/messages", "/anthropic/v1/messages", "x-api-key", KEY.to_owned()),
            ("fireworks", "/v1/messages", "/v1/messages", "authorization", format!("Bearer {KEY}")),
            ("azureopenai", CHAT, CHAT, "api-key", KEY.to_owned()),
            (
                "gemini",
                "/v1beta/models/gemini:m:generateContent",
                "/v1beta/models/m:generateContent",
                "x-goog-api-key",
                KEY.to_owned(),
            ),
        ] {
            let up = Fake::new().await;
            up.on("POST", path, Script::json(&json!({"usage": {}})));
            let (gateway, key) = at(&up, provider).await;
            let model = format!("{provider}:m");
            let mut body = chat(&model);
            if surface.contains("generateContent") {
                body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
            }
            let asked = Ask::post(surface, &body).header("x-api-key", &key).send(gateway.port()).await;
            let status = asked.status();
            let said = asked.text().await;
            assert_eq!(status, 200, "{provider}: {said}");
            let request = up.request(path).await;
            assert_eq!(request.header(header), value, "{provider} {surface}");
            let credentials = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
            let sent = credentials.iter().filter(|name| request.has(name)).count();
            assert_eq!(sent, 1, "{provider}: one credential, and not the tool's own");
            assert!(!gateway.log().contains(KEY), "{provider}: no key in a log");
        }
    });
}

#[test]
fn a_key_is_added_kept_and_tried() {
    bounded(async {
        let up = fake::speaks().await;
        up.on("GET", "/v1/models", Script::json(&json!({"object": "list", "data": [{"id": "openai/gpt-oss-20b"}]})));
        let gateway = Gateway::start(Options::new()).await;
        let url = up.url();
        let add = ["keys", "add", "groq", "--base-url", &*url];
        let (well, said) = piped(&gateway, &add, KEY, &[]).await;
        assert!(well && said.contains("Groq takes the key"), "{said}");
        assert!(!said.contains(KEY), "a key is never shown: {said}");
        let settings = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        assert!(settings.contains("provider = \"groq\"") && !settings.contains(KEY), "{settings}");
        gateway.until("its models", |now| now.models.iter().any(|model| &*model.id == "openai/gpt-oss-20b")).await;
        let (_, listed) = piped(&gateway, &["providers"], "", &[]).await;
        assert!(listed.contains("groq: ready"), "{listed}");

        up.on("GET", "/v1/models", Script::fault(401, &json!({"error": {"message": "Invalid API Key"}})));
        let (well, said) = piped(&gateway, &["keys", "check", "groq"], "", &[]).await;
        assert!(!well && said.contains("Groq refuses the key (401)"), "{said}");
    });
}

#[test]
fn what_a_model_costs_is_listed_and_counted() {
    bounded(async {
        let up = fake::speaks().await;
        let listed = json!({"object": "list", "data": [{"id": "gpt-4o"}, {"id": "gpt-of-tomorrow"}]});
        up.on("GET", "/v1/models", Script::json(&listed));
        let (gateway, key) = at(&up, "openai").await;
        gateway.until("its models", |now| now.models.iter().any(|model| &*model.id == "gpt-of-tomorrow")).await;
        let models = gateway.get("/v1/models").await.expect(200).await.json().await;
        let of = |id: &str| models["data"].as_array().expect("rows").iter().find(|row| row["id"] == id).cloned();
        let known = of("gpt-4o").expect("gpt-4o");
        assert_eq!(known["pricing"], json!({"input": 2.5, "output": 10.0, "cached_input": 1.25}), "{known}");
        assert_eq!((&known["context_length"], &known["max_output_tokens"]), (&json!(128_000), &json!(16_384)));
        let unknown = of("gpt-of-tomorrow").expect("it is listed all the same");
        assert!(unknown.get("pricing").is_none(), "nothing is made up: {unknown}");

        Ask::post(CHAT, &chat("openai:gpt-4o")).bearer(&key).send(gateway.port()).await.expect(200).await.text().await;
        let (input, output) = fake::TOKENS;
        let dollars = input as f64 * 2.5e-6 + output as f64 * 10e-6;
        let rows = gateway.rows("a cost", |rows| rows.iter().any(|row| row["cost_usd"].is_string())).await;
        let told = rows[0]["cost_usd"].as_str().and_then(|cost| cost.parse::<f64>().ok()).expect("a number");
        assert!((told - dollars).abs() < 1e-12, "{told} for {input} and {output} tokens");
    });
}

#[test]
fn what_is_sold_by_other_units_is_counted_by_them() {
    bounded(async {
        let up = Fake::new().await;
        let ranked = json!({"id": "r", "results": [{"index": 0, "relevance_score": 0.5}],
            "meta": {"billed_units": {"search_units": 3}}});
        up.on("POST", "/v2/rerank", Script::json(&ranked));
        let (gateway, key) = at(&up, "cohere").await;
        let body = json!({"model": "cohere:rerank-v3.5", "query": "q", "documents": ["a"]});
        let answer = Ask::post("/v1/rerank", &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.json().await["meta"]["billed_units"]["search_units"], 3);
        let rows = gateway.rows("a cost", |rows| rows.iter().any(|row| row["cost_usd"].is_string())).await;
        assert_eq!((&rows[0]["units"], &rows[0]["cost_usd"]), (&json!(3), &json!("0.006")), "{}", rows[0]);
        assert_eq!(rows[0]["input_tokens"], json!(null), "nobody told any");

        let up = Fake::new().await;
        let heard = json!({"text": "hello", "usage": {"type": "duration", "seconds": 90}});
        up.on("POST", "/v1/audio/transcriptions", Script::json(&heard));
        let (gateway, key) = at(&up, "openai").await;
        let form = "--cut\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nopenai:whisper-1\r\n--cut\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--cut--\r\n";
        let asked = Ask::new("POST", "/v1/audio/transcriptions").bearer(&key);
        let asked = asked.header("content-type", "multipart/form-data; boundary=cut").body(form);
        asked.send(gateway.port()).await.expect(200).await.text().await;
        let rows = gateway.rows("a cost", |rows| rows.iter().any(|row| row["cost_usd"].is_string())).await;
        assert_eq!((&rows[0]["units"], &rows[0]["cost_usd"]), (&json!(90), &json!("0.009")), "{}", rows[0]);
    });
}

#[test]
fn a_key_of_the_environment_is_taken_only_when_the_user_says_so() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::start(Options::new().variable("GROQ_API_KEY", KEY)).await;
        let (_, listed) = piped(&gateway, &["providers"], "", &[("GROQ_API_KEY", KEY)]).await;
        assert!(listed.contains("$GROQ_API_KEY is set") && !listed.contains(KEY), "{listed}");
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert!(snapshot.endpoints.iter().all(|endpoint| endpoint.provider.is_none()), "nothing is used by itself");
        let url = up.url();
        let add = ["keys", "add", "groq", "--name", "work", "--base-url", &*url, "--from-env"];
        let (well, said) = piped(&gateway, &add, "", &[("GROQ_API_KEY", KEY)]).await;
        assert!(well, "{said}");
        let key = gateway.client_key("tool").await;
        // The name of the account or that of the provider: both mean it.
        for model in ["work:a-model", "groq:a-model"] {
            let answer = Ask::post(CHAT, &chat(model)).bearer(&key).send(gateway.port()).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "work/a-model");
        }
    });
}

#[test]
fn an_account_of_a_cloud_says_where_it_is() {
    bounded(async {
        let gateway = Gateway::start(Options::new().top("local_only = true")).await;
        let file = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"canary-key\\n\"\n}\n";
        let add = ["keys", "add", "vertexai", "--set", "project=p-1", "--set", "location=eu"];
        let (well, said) = piped(&gateway, &add, file, &[]).await;
        assert!(well && said.contains("local-only mode is on: the key was not tried"), "{said}");
        let settings = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        assert!(settings.contains("project = \"p-1\"") && !settings.contains("canary"), "{settings}");
        let known = gateway.until("the endpoint", |now| !now.endpoints.is_empty()).await;
        assert_eq!(known.endpoints[0].base_url, "https://aiplatform.eu.rep.googleapis.com");
        for family in ["gemini-", "text-embedding-"] {
            assert!(known.models.iter().any(|model| model.id.starts_with(family)), "{family} is known of it");
        }
        let googles = ["gemini-", "text-embedding-", "text-multilingual-embedding-"];
        let asked_so = |id: &str| googles.iter().any(|family| id.starts_with(family));
        assert!(known.models.iter().all(|model| asked_so(&model.id)), "and none that is asked otherwise");

        // A second time only the key is new, and here there is none.
        let (well, said) = piped(&gateway, &["keys", "add", "vertexai", "--set", "location=us-east5"], "", &[]).await;
        assert!(well && said.contains("its own tools keep"), "{said}");
        let known = gateway
            .until("the other place", |now| now.endpoints.iter().any(|it| it.base_url.contains("us-east5")))
            .await;
        assert!(known.endpoints[0].credential.is_none(), "the old key is not used any more");
        assert!(files_with(gateway.root(), "canary-key").is_empty(), "and not kept");

        let variables = [("GOOGLE_CLOUD_PROJECT", "from-env"), ("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")];
        let add = ["keys", "add", "vertexai", "--name", "second", "--from-env"];
        let (well, said) = piped(&gateway, &add, "", &variables).await;
        assert!(well, "{said}");
        let settings = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        assert!(
            settings.contains("from-env") && !settings.contains("/nowhere"),
            "where a file lies is no key: {settings}"
        );
    });
}

#[test]
fn a_key_stays_in_the_environment_where_the_user_wants_that() {
    bounded(async {
        let up = fake::speaks().await;
        up.on("GET", "/v1/models", Script::json(&json!({"object": "list", "data": [{"id": "openai/gpt-oss-20b"}]})));
        let gateway =
            Gateway::start(Options::new().variable("GROQ_API_KEY", KEY).variable("PRIVATE", "another-secret")).await;
        let add = |variable: Option<&str>| Command::AddProvider {
            provider: "groq".to_owned(),
            name: None,
            base_url: Some(up.url()),
            allow_private: false,
            settings: Default::default(),
            secret: None,
            variable: variable.map(str::to_owned),
        };
        // No variable but the provider's own is for its eyes, and none that is not there.
        for (variable, reason) in [(Some("PRIVATE"), "GROQ_API_KEY"), (None, "with a key, or with the variable")] {
            let reply = gateway.tell(&add(variable)).await;
            assert!(matches!(&reply, Reply::Failed { message } if message.contains(reason)), "{reply:?}");
        }
        let reply = gateway.tell(&add(Some("GROQ_API_KEY"))).await;
        let Reply::Stored { place, note } = reply else { panic!("not added: {reply:?}") };
        assert_eq!(place, "env:GROQ_API_KEY");
        assert!(note.contains("kept nowhere") && !note.contains(KEY), "{note}");
        let checked = gateway.tell(&Command::CheckKey { endpoint: "groq".to_owned() }).await;
        assert!(matches!(checked, Reply::Checked { good: Some(true), .. }), "{checked:?}");
        assert_eq!(up.request("/v1/models").await.header("authorization"), format!("Bearer {KEY}"));
        gateway.until("its models", |now| now.models.iter().any(|model| &*model.id == "openai/gpt-oss-20b")).await;
        assert!(files_with(gateway.root(), KEY).is_empty(), "it is on no disk");
    });
}

#[test]
fn what_cannot_be_added_is_told() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        for (arguments, wanted) in [
            (&["keys", "add", "azureopenai"][..], "--base-url, like https://NAME.openai.azure.com"),
            (&["keys", "add", "nobody", "--name", "x"], "`pointsman providers` lists them"),
            (&["keys", "add", "groq", "--from-env"], "GROQ_API_KEY"),
            (&["keys", "add", "groq", "--base-url", "http://10.1.2.3"], "private network"),
            (&["keys", "check", "groq"], "no endpoint named `groq`"),
            (&["keys", "add", "vertexai"], "needs --set project=...: the Google Cloud project"),
            (&["keys", "add", "vertexai", "--set", "project"], "--set NAME=VALUE"),
            (&["keys", "add", "vertexai", "--set", "project=p", "--set", "location=evil.example/"], "letters, digits"),
            (&["keys", "add", "groq", "--set", "region=eu"], "Groq has no setting `region`"),
        ] {
            let (well, said) = piped(&gateway, arguments, KEY, &[]).await;
            assert!(!well && said.contains(wanted), "{arguments:?}: {said}");
        }
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert!(snapshot.endpoints.iter().all(|endpoint| endpoint.provider.is_none()), "nothing was added");
    });
}

#[test]
fn the_readme_lists_every_provider() {
    let mut table = String::from("| provider | asked as | key in | speaks | compared with |\n|---|---|---|---|---|\n");
    for row in ProviderSpec::table().expect("the table").iter() {
        // What one protocol can do may stand in several entries.
        let mut spoken: Vec<(&str, Vec<&str>)> = Vec::new();
        for entry in row.speaks.iter().filter(|spoken| spoken.with.is_none()) {
            let asked = entry.operations.iter().map(|operation| operation.id());
            let all = asked.chain(entry.holds.iter().map(|holding| holding.id()));
            match spoken.iter_mut().find(|(title, _)| *title == entry.protocol.title()) {
                Some((_, known)) => known.extend(all),
                None => spoken.push((entry.protocol.title(), all.collect())),
            }
        }
        let spoken = spoken.iter().map(|(title, all)| format!("{title} ({})", all.join(", ").replace('_', " ")));
        let spoken = spoken.collect::<Vec<_>>().join("; ");
        let keys = row.variables.join("`, `");
        let sdks = captured(&row.id);
        table += &format!("| {} | `{}:MODEL` | `{keys}` | {spoken} | {sdks} |\n", row.name, row.id);
    }
    readme::says("providers", &table);
}

/// The SDKs whose requests to a provider were recorded, with their versions and how many there are.
fn captured(provider: &str) -> String {
    let mut sdks = BTreeMap::<String, usize>::new();
    let folder = std::fs::read_dir(fixture("captures").join(provider));
    for file in folder.into_iter().flatten().flatten() {
        let capture = std::fs::read_to_string(file.path()).expect("a capture");
        let capture: Value = serde_json::from_str(&capture).expect("a capture in JSON");
        let word = |name: &str| capture[name].as_str().expect("who sent it").to_owned();
        *sdks.entry(format!("{} {}", word("sdk"), word("version"))).or_default() += 1;
    }
    let sdks: Vec<String> = sdks.into_iter().map(|(sdk, requests)| format!("{sdk} ({requests})")).collect();
    sdks.join(", ")
}
