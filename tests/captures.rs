//! What a hosted provider is sent is what its vendor's own SDK sends for the same question.
//!
//! `captures/` has the SDKs' requests. Each question is asked here in OpenAI's form, at a scripted provider that stands where
//! the vendor's would: method, path and credential must be the same, and the body must mean the same.

use std::path::Path;

use pointsman_gateway::protocol::{Operation, Protocol};
use pointsman_gateway::provider::hosted::{Auth, ProviderSpec};
use serde_json::{Value, json};

use crate::harness::fake::Recorded;
use crate::harness::runtime::fixture;
use crate::harness::{Ask, Fake, Gateway, Options, Script, aws, bounded};

const KEY: &str = "fake-key";

/// Calls that are asked as a chat in OpenAI's form.
const CHATS: [&str; 10] = [
    "chat",
    "chat-stream",
    "tools",
    "tool-results",
    "image",
    "schema",
    "reasoning",
    "deployment-chat",
    "deployment-chat-stream",
    "deployment-tools",
];

/// Calls that are no chats, by the names of their operations.
const OTHERS: [&str; 14] = [
    "embeddings",
    "embeddings-predict",
    "rerank",
    "invoke-amazon-rerank",
    "images",
    "imagen-images",
    "image-edit",
    "speech",
    "moderation",
    "transcription",
    "deployment-embeddings",
    "deployment-images",
    "deployment-speech",
    "deployment-transcription",
];

/// Before the name of a call at Azure's older addresses.
const DATED: &str = "deployment-";

/// How a form says that it is one.
const FORM: &str = "multipart/form-data; boundary=cut";

/// What differs from the SDK's request and is meant to, or known: provider, place in the body, why.
type Known = (&'static str, &'static str, &'static str);

/// The same of what is no chat.
const KNOWN_OF_OTHERS: &[Known] = &[
    ("gemini", "/requests/0/content/role", "the SDK writes a role that means nothing here"),
    ("gemini", "/requests/1/content/role", "the same"),
    ("mistral", "/voiceid", "the client's own voice"),
    ("together", "/height", "OpenAI's `size` is left out, and named"),
    ("together", "/width", "the same"),
    ("together", "/dimensions", "its SDK has no such argument"),
    ("sambanova", "/dimensions", "its SDK has no such argument"),
    ("databricks", "/dimensions", "the SDK's example has none"),
    ("huggingface", "/dimensions", "its SDK has no such argument"),
    ("voyage", "/truncation", "the SDK writes its default out"),
    ("sagemaker", "/input", "a container's own form; asked in OpenAI's, as vLLM's containers take it"),
    ("sagemaker", "/dimensions", "the same"),
];

const KNOWN: &[Known] = &[
    ("cohere", "/thinking/tokenbudget", "an effort turns it on; how many tokens, the SDK's example made up"),
    ("gemini", "/systeminstruction/role", "the SDK writes a role that the API ignores"),
    (
        "gemini",
        "/contents/1/parts/0/functioncall/id",
        "ids tell two calls of one tool apart; the SDK's example had none",
    ),
    ("gemini", "/contents/2/parts/0/functionresponse/id", "the same"),
    ("vertexai", "/systeminstruction/role", "the SDK writes a role that the API ignores"),
    ("mistral", "/messages/2/toolcalls/0/index", "the SDK writes its defaults out"),
    ("mistral", "/messages/2/prefix", "the same"),
    // A vendor that cannot be made to call a tool is asked for what the client wants, and says itself that it cannot.
    ("deepinfra", "/toolchoice", "the client's own word"),
    ("deepseek", "/toolchoice", "the client's own word"),
    ("minimax", "/toolchoice", "the client's own word"),
    ("moonshot", "/toolchoice", "the client's own word"),
    ("dashscope", "/toolchoice", "the client's own word"),
    ("minimax", "/maxcompletiontokens", "it takes both names"),
    ("minimax", "/maxtokens", "it takes both names"),
    ("minimax", "/reasoningsplit", "thoughts are asked for apart in every request, not only where they are asked for"),
    ("deepseek", "/messages", "a schema, which it has no field for, is told in words before the others"),
    ("minimax", "/thinking", "the SDK's example leaves it to the model"),
    ("dashscope", "/thinkingbudget", "an effort says how much; the SDK's example leaves it open"),
    ("openrouter", "/reasoning", "its older name for an effort, which it still takes"),
    ("perplexity", "/input", "a list of items means what the lone text means"),
    ("perplexity", "/instructions", "system texts stay in their place"),
    ("perplexity", "/text", "a schema is asked for as OpenAI does, not by `response_format`"),
    ("perplexity", "/responseformat", "a schema is asked for as OpenAI does, not by `response_format`"),
    ("databricks", "/thinking/budgettokens", "an effort comes to more tokens than the SDK's example made up"),
];

struct Capture {
    provider: String,
    call: String,
    content: Value,
}

/// The captures of the rows that `providers.toml` has, of these calls.
fn captures(calls: &[&str]) -> Vec<Capture> {
    let rows = ProviderSpec::table().expect("the table");
    let mut all = Vec::new();
    for row in rows.iter() {
        for call in calls {
            let name = match (&*row.id, *call) {
                // Google's SDK asks otherwise for the vector of one text.
                ("vertexai", "embeddings") => "embeddings-many",
                // Titan takes one text a call, and the question has two.
                ("bedrock", "embeddings") => "cohere-embeddings",
                // The service's own Rerank stands at another host.
                ("bedrock", "rerank") => "invoke-rerank",
                ("openrouter", "rerank") => "own-rerank",
                _ => call,
            };
            let newest = fixture("captures").join(&*row.id).join(format!("{name}.json"));
            // Anthropic's API of 2026 refuses a temperature, so a question that has one is asked in that of 2023.
            let older = newest.with_file_name(format!("v2023-{call}.json"));
            let file = if older.exists() { older } else { newest };
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let content = serde_json::from_str(&text).expect("JSON");
            all.push(Capture { provider: row.id.to_string(), call: (*call).to_owned(), content });
        }
    }
    all
}

/// The question of a capture, for `model`.
fn question(capture: &Value, model: &str) -> Value {
    let name = capture["question"].as_str().expect("a question");
    let file = fixture("captures").join("questions").join(format!("{name}.json"));
    let mut question: Value = serde_json::from_str(&read(&file)).expect("JSON");
    question["model"] = model.into();
    let asks = question.get("voice").is_some() && question.get("input").is_some();
    if asks && capture["url"].as_str().is_some_and(|url| url.contains(":generateContent")) {
        // Google has neither OpenAI's voices nor its formats.
        (question["voice"], question["response_format"]) = ("Kore".into(), "wav".into());
    }
    question
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A gateway with an endpoint at every provider, all of them really `up`.
async fn everywhere(up: &Fake) -> Gateway {
    up.on("POST", "/token", Script::json(&json!({"access_token": "fake-access-token", "expires_in": 3600})));
    // What gcloud keeps of a user.
    let user = json!({
        "type": "authorized_user", "client_id": "fake-client", "client_secret": "fake-secret",
        "refresh_token": "fake-refresh", "token_uri": format!("{}/token", up.url()),
    });
    let tokens = format!("{}/token", up.url());
    let mut options = Options::new().variable("CAPTURES_KEY", KEY).variable("CAPTURES_USER", &user.to_string());
    options = options.variable("WATSONX_IAM_URL", &tokens).table(&format!(
        "[[endpoints]]\nname = \"dated\"\nprovider = \"azureopenai\"\nbase_url = \"{}/openai\"\nkey = \"env:CAPTURES_KEY\"\n\
         settings = {{ api_version = \"2024-10-21\" }}",
        up.url()
    ));
    options = options.variable("CAPTURES_AWS", &aws::keys());
    for row in ProviderSpec::table().expect("the table").iter() {
        let address = row.base_url.as_ref().map(ToString::to_string).or_else(|| row.base_url_like.clone());
        let path = address.and_then(|address| address.splitn(4, '/').nth(3).map(|path| format!("/{path}")));
        let key = match row.auth {
            Some(Auth::Google) => "CAPTURES_USER",
            Some(Auth::Aws { .. }) => "CAPTURES_AWS",
            _ => "CAPTURES_KEY",
        };
        let (location, project) = (if &*row.id == "vertexai" { "us-central1" } else { "us-east5" }, "fake-project");
        let said = |name: &str| match name {
            "project" => Some(project),
            "location" => Some(location),
            "region" => Some("us-east-1"),
            _ => None,
        };
        let settings = row.settings.iter().filter_map(|it| Some(format!("{} = \"{}\"", it.name, said(&it.name)?)));
        options = options.table(&format!(
            "[[endpoints]]\nprovider = \"{}\"\nbase_url = \"{}{}\"\nkey = \"env:{key}\"\nsettings = {{ {} }}",
            row.id,
            up.url(),
            path.unwrap_or_default(),
            settings.collect::<Vec<_>>().join(", "),
        ));
    }
    let gateway = Gateway::start(options).await;
    let count = ProviderSpec::table().expect("the table").len() + 1;
    gateway.until("all of them", |now| now.endpoints.iter().filter(|it| it.provider.is_some()).count() == count).await;
    gateway
}

fn path_of(url: &str) -> &str {
    url.splitn(4, '/').nth(3).unwrap_or_default()
}

/// Asks every capture's question, and says where what was sent differs from the SDK's request, but for what is known.
async fn differences(captures: Vec<Capture>, path: impl Fn(&str) -> String, known: &[Known]) -> Vec<String> {
    let up = Fake::new().await;
    up.on("POST", "*", Script::json(&json!({"usage": {}})));
    let gateway = everywhere(&up).await;
    let key = gateway.client_key("tool").await;
    let (mut wrong, mut met) = (Vec::new(), Vec::new());
    for Capture { provider, call, content } in captures {
        let model = content["model"].as_str().expect("a model");
        let before = up.requests().len();
        let account = if call.starts_with(DATED) { "dated" } else { &provider };
        let asked = format!("{account}:{model}");
        let ask = match &content["body"]["multipart"] {
            Value::Array(parts) => {
                Ask::new("POST", &path(&call)).header("content-type", FORM).body(form(parts, &asked))
            }
            _ => Ask::post(&path(&call), &question(&content, &asked)),
        };
        let answer = ask.bearer(&key).send(gateway.port()).await;
        let status = answer.status();
        let said = answer.text().await;
        let requests = up.requests();
        if provider == "perplexity" && said.contains("`stop` cannot be said") {
            // Its API has no such field; the SDK's example leaves it out.
            continue;
        }
        let Some(request) =
            requests[before..].iter().find(|request| request.method == "POST" && request.target != "/token")
        else {
            wrong.push(format!("{provider} {call}: nothing was sent: {status} {said}"));
            continue;
        };
        let wanted = path_of(content["url"].as_str().expect("a URL"));
        let sent = request.target.trim_start_matches('/');
        if sent != wanted {
            wrong.push(format!("{provider} {call}: sent to {sent}, the SDK to {wanted}"));
        }
        if content["headers"]["x-amz-date"].is_string() {
            wrong.extend(signed_otherwise(request, &content).map(|how| format!("{provider} {call}: {how}")));
        }
        for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key"] {
            if content["headers"]["x-amz-date"].is_string() {
                break;
            }
            let theirs = content["headers"][name].as_str().unwrap_or_default().replace("hf_", "");
            // Azure's Claude takes its key under either name, and the SDK sends both.
            let twice = provider == "azureanthropic" && name == "api-key";
            // Azure takes it under its own name everywhere, and as a bearer at its newer address only.
            let theirs = match (&*provider, name) {
                ("azureopenai", "authorization") => String::new(),
                ("azureopenai", "api-key") => KEY.to_owned(),
                // The SDK reads when its token ends, and so has one in which that stands.
                ("watsonx", "authorization") => "Bearer fake-access-token".to_owned(),
                _ => theirs,
            };
            if request.header(name) != theirs && !twice {
                wrong.push(format!("{provider} {call}: {name} is {:?}, the SDK's {theirs:?}", request.header(name)));
            }
        }
        if let Value::Array(parts) = &content["body"]["multipart"] {
            if (request.header("content-type"), &request.body[..]) != (FORM, form(parts, model).as_bytes()) {
                wrong.push(format!("{provider} {call}: the form is not the client's own with the model's name in it"));
            }
            continue;
        }
        let mut differences = Vec::new();
        differ("", &plain(request.json()), &plain(content["body"].clone()), &mut differences);
        differences.retain(|(place, _)| {
            let known = known.iter().find(|(at, known, _)| *at == provider && place.starts_with(known));
            met.extend(known);
            known.is_none()
        });
        wrong.extend(differences.into_iter().map(|(place, how)| format!("{provider} {call}: {place}: {how}")));
    }
    // A difference that is gone has no place in the list.
    let gone = known.iter().filter(|known| !met.contains(known));
    wrong.extend(gone.map(|(provider, place, why)| format!("{provider} {place}: no longer different ({why})")));
    wrong
}

/// How a signature differs from the SDK's, if it does: it holds a moment, so that only what it is made of is the same.
fn signed_otherwise(request: &Recorded, theirs: &Value) -> Option<String> {
    let scope = match aws::signed(request) {
        Ok(scope) => scope,
        Err(wrong) => return Some(wrong),
    };
    let told = theirs["headers"]["authorization"].as_str().unwrap_or_default();
    let wanted: Vec<&str> = told.split(['/', ',', ' ', '=']).collect();
    // The SDK names the kind of answer that it wants of a model's own API.
    let ours = scope.replace(" accept;", " ");
    let names = wanted.iter().find(|part| part.contains(";host")).copied().unwrap_or_default();
    let names = names.replace("accept;", "").replace(";x-amzn-sagemaker-accept", "");
    let wanted = format!("{}/{} {names}", wanted.get(4)?, wanted.get(5)?);
    (ours != wanted).then(|| format!("signed is {ours:?}, the SDK's {wanted:?}"))
}

/// A form with these parts, and `model` for its model's name.
fn form(parts: &[Value], model: &str) -> String {
    let part = |part: &Value| {
        let name = part["name"].as_str().expect("a name");
        let value = if name == "model" { model } else { part["value"].as_str().unwrap_or("some bytes") };
        let file = part["filename"].as_str().map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).chain(["--cut--\r\n".to_owned()]).collect()
}

#[test]
fn a_chat_is_sent_as_the_vendors_sdk_sends_it() {
    bounded(async {
        let wrong = differences(captures(&CHATS), |_| "/v1/chat/completions".to_owned(), KNOWN).await;
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    });
}

#[test]
fn what_is_no_chat_is_sent_as_the_vendors_sdk_sends_it() {
    bounded(async {
        let rows = ProviderSpec::table().expect("the table");
        let offered = |capture: &Capture| {
            let operation = operation(&capture.call);
            let row = rows.iter().find(|row| *row.id == *capture.provider).expect("a row");
            row.speaks.iter().any(|spoken| spoken.operations.contains(&operation))
        };
        let captures: Vec<Capture> = captures(&OTHERS).into_iter().filter(offered).collect();
        assert!(captures.len() > 25, "{} captures of what is no chat", captures.len());
        let path = |call: &str| format!("/v1{}", Protocol::OpenAiChat.path(operation(call)).expect("a path"));
        let wrong = differences(captures, path, KNOWN_OF_OTHERS).await;
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    });
}

/// What a call that is no chat asks.
fn operation(call: &str) -> Operation {
    let call = call.trim_start_matches(DATED).trim_start_matches("invoke-amazon-").trim_start_matches("imagen-");
    let name = call.trim_end_matches("-predict").replace('-', "_");
    serde_json::from_value(name.into()).expect("an operation")
}

/// A body with what means nothing left out.
fn plain(mut body: Value) -> Value {
    match &mut body {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                !(value.is_null()
                    || name == "stream_options"
                    // OpenAI's SDK asks for it where its caller says nothing.
                    || name == "encoding_format"
                    || (name == "stream" && *value == false)
                    || (name == "strict" && *value == false))
            });
            // Google's SDK writes both `parametersJsonSchema` and `parameters_json_schema`, and its API reads both.
            let named = |(name, value): (String, Value)| (name.replace('_', "").to_lowercase(), plain(value));
            *fields = std::mem::take(fields).into_iter().map(named).collect();
            // A lone text is the same as a string.
            for name in ["content", "system"] {
                if let Some([part]) = fields.get(name).and_then(Value::as_array).map(Vec::as_slice)
                    && part["type"] == "text"
                    && part.as_object().is_some_and(|it| it.len() == 2)
                {
                    let text = part["text"].clone();
                    fields.insert(name.to_owned(), text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = plain(item.take())),
        Value::String(text) => {
            // Arguments of a call are JSON in a string; blanks in it say nothing.
            if text.starts_with('{')
                && let Ok(inner) = serde_json::from_str::<Value>(text)
            {
                *text = inner.to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    body
}

fn differ(place: &str, ours: &Value, theirs: &Value, found: &mut Vec<(String, String)>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for name in ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name))) {
                let (own, other) = (ours.get(name).unwrap_or(&Value::Null), theirs.get(name).unwrap_or(&Value::Null));
                differ(&format!("{place}/{name}"), own, other, found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (nth, (own, other)) in ours.iter().zip(theirs).enumerate() {
                differ(&format!("{place}/{nth}"), own, other, found);
            }
        }
        (Value::Number(own), Value::Number(other)) if own.as_f64() == other.as_f64() => {}
        (own, other) if own == other => {}
        (own, other) => found.push((place.to_owned(), format!("{own}, the SDK {other}"))),
    }
}
