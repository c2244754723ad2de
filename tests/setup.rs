//! What a window sets up: settings one by one, endpoints by hand, tools.

use pointsman_gateway::control::{Command, ProviderView, Reply, SecretText, Setting, ToolView};
use serde_json::{Value, json};

use crate::harness::{Ask, Gateway, Options, bounded, chat, fake, files_with, within};

const CHAT: &str = "/v1/chat/completions";

async fn settings(gateway: &Gateway) -> Vec<Setting> {
    match gateway.tell(&Command::Settings).await {
        Reply::Settings { settings } => settings,
        other => panic!("no settings: {other:?}"),
    }
}

async fn value(gateway: &Gateway, key: &str) -> Value {
    settings(gateway).await.into_iter().find(|setting| setting.key == key).expect("the setting").value
}

async fn set(gateway: &Gateway, key: &str, value: Value) -> Reply {
    gateway.tell(&Command::SetSetting { key: key.to_owned(), value }).await
}

async fn providers(gateway: &Gateway) -> Vec<ProviderView> {
    match gateway.tell(&Command::Providers).await {
        Reply::Providers { rows } => rows,
        other => panic!("no providers: {other:?}"),
    }
}

async fn tools(gateway: &Gateway, route: &str, key: Option<&str>) -> Vec<ToolView> {
    let key = key.map(|key| SecretText(key.to_owned()));
    match gateway.tell(&Command::Tools { route: route.to_owned(), key }).await {
        Reply::Tools { rows } => rows,
        other => panic!("no tools: {other:?}"),
    }
}

fn why(reply: Reply) -> String {
    match reply {
        Reply::Failed { message } => message,
        other => panic!("it was done: {other:?}"),
    }
}

#[test]
fn a_setting_is_told_with_its_meaning_and_changed_in_the_file() {
    bounded(async {
        let gateway = Gateway::start(Options::new().top("# mine\nrequire_key = \"hosted\" # for now")).await;
        for setting in settings(&gateway).await {
            assert!(!setting.help.is_empty(), "{setting:?}");
        }
        assert!(matches!(set(&gateway, "require_key", json!("always")).await, Reply::Done));
        assert_eq!(value(&gateway, "require_key").await, "always", "in force once it is answered");
        gateway.get("/v1/models").await.expect(401).await;
        let text = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        assert!(text.contains("# mine\nrequire_key = \"always\" # for now"), "{text}");
        assert!(matches!(set(&gateway, "require_key", Value::Null).await, Reply::Done));
        assert_eq!(value(&gateway, "require_key").await, "hosted", "the default");
        gateway.get("/v1/models").await.expect(200).await;
        for (key, bad, said) in [
            ("require_key", json!("never"), "one of hosted, always"),
            ("limits.idle_seconds", json!(0), "from 1 to"),
            ("builtin.folders", json!("/a"), "list"),
            ("bind", json!(["0.0.0.0"]), "settings.toml"),
            ("no.such", json!(1), "no setting"),
        ] {
            let message = why(set(&gateway, key, bad).await);
            assert!(message.contains(said), "{key}: {message}");
        }
        let port = settings(&gateway).await.into_iter().find(|setting| setting.key == "port").expect("the port");
        assert!(port.restart && port.default == 4747, "{port:?}");
    });
}

#[test]
fn an_endpoint_is_added_with_its_key_and_removed_with_it() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::start(Options::new()).await;
        let add = |name: &str, url: &str, protocol: &str| Command::AddEndpoint {
            name: name.to_owned(),
            base_url: url.to_owned(),
            protocol: vec![protocol.to_owned()],
            models: vec!["m".to_owned()],
            allow_private: false,
            secret: Some(SecretText("sk-canary-setup".to_owned())),
        };
        for (name, url, protocol, said) in [
            ("lab", "no address", "openai", "cannot be read"),
            ("lab", &*up.url(), "soap", "it speaks openai"),
            ("l a b", &*up.url(), "openai", "`l a b` cannot"),
            ("openai", &*up.url(), "openai", "call it `my-openai`"),
            ("ollama", &*up.url(), "openai", "call this endpoint `my-ollama`"),
            ("lab", "http://169.254.169.254", "openai", ""),
        ] {
            let message = why(gateway.tell(&add(name, url, protocol)).await);
            assert!(message.contains(said), "{name} {url}: {message}");
        }
        assert!(files_with(gateway.root(), "sk-canary-setup").is_empty(), "what was refused left no key behind");
        let problem = gateway.until("why not", |snapshot| snapshot.keychain_problem.is_some()).await.keychain_problem;
        assert!(problem.is_some_and(|problem| problem.contains("keychain")), "a window can say so beforehand");
        let added = gateway.tell(&add("lab", &up.url(), "openai")).await;
        assert!(
            matches!(&added, Reply::Stored { place, .. } if place == "file:lab"),
            "no keychain runs here: {added:?}"
        );
        gateway.ready("m").await;
        let key = gateway.client_key("editor").await;
        Ask::post(CHAT, &chat("lab:m")).bearer(&key).send(gateway.port()).await.expect(200).await.bytes().await;
        assert_eq!(up.request(CHAT).await.header("authorization"), "Bearer sk-canary-setup");
        let again = why(gateway.tell(&add("lab", &up.url(), "openai")).await);
        assert!(again.contains("already"), "{again}");
        let remove = Command::RemoveEndpoint { name: "lab".to_owned() };
        assert!(matches!(gateway.tell(&remove).await, Reply::Done));
        gateway.until("its end", |snapshot| snapshot.endpoints.is_empty()).await;
        assert!(files_with(gateway.root(), "sk-canary-setup").is_empty(), "its key went with it");
        assert!(why(gateway.tell(&remove).await).contains("no endpoint named `lab`"));
    });
}

#[test]
fn providers_are_told_with_what_is_there_of_them() {
    bounded(async {
        let options = Options::new()
            .variable("GROQ_API_KEY", "gsk-canary")
            .top("local_only = true")
            .table("[[endpoints]]\nprovider = \"mistral\"\nname = \"work\"\nkey = \"env:MISTRAL\"");
        let gateway = Gateway::start(options).await;
        let rows = providers(&gateway).await;
        let row = |id: &str| rows.iter().find(|row| row.id == id).expect("its row");
        assert_eq!((row("groq").found.as_deref(), row("groq").endpoints.len()), (Some("GROQ_API_KEY"), 0));
        assert_eq!((row("mistral").found.as_deref(), &row("mistral").endpoints[..]), (None, &["work".to_owned()][..]));
        assert!(row("azureopenai").base_url.is_none() && row("azureopenai").base_url_like.is_some());
        assert!(!format!("{rows:?}").contains("gsk-canary"), "a key is found, not told");
    });
}

#[test]
fn tools_are_told_what_to_write_and_when_they_were_seen() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let port = gateway.port().to_string();
        let rows = tools(&gateway, "work", Some("pm-key")).await;
        for row in &rows {
            assert!(row.steps.is_empty() || row.steps.iter().any(|step| step.text.contains(&port)), "{row:?}");
        }
        let claude = rows.iter().find(|row| row.id == "claude-code").expect("its row");
        let text = &claude.steps[0].text;
        for line in ["ANTHROPIC_AUTH_TOKEN=pm-key", "ANTHROPIC_MODEL=work"] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(claude.seen_ms, None);
        let ask = Ask::post(CHAT, &chat("m")).header("user-agent", "claude-cli/2.1.330 (external, cli)");
        ask.send(gateway.port()).await.expect(200).await.bytes().await;
        let rows = tools(&gateway, "work", None).await;
        let seen: Vec<&str> = rows.iter().filter(|row| row.seen_ms.is_some()).map(|row| row.id.as_str()).collect();
        assert_eq!(seen, ["claude-code"]);

        let connect = async |arguments: &[&str]| {
            let output = within("`pointsman connect`", gateway.command(arguments).output()).await.expect("it");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (code, said) = connect(&["connect", "codex", "--route", "work"]).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("    model = \"work\"") && said.contains(&format!("127.0.0.1:{port}/v1")), "{said}");
        let (_, listed) = connect(&["connect"]).await;
        assert!(listed.contains("claude-code") && listed.lines().count() > 25, "{listed}");
        assert_eq!(connect(&["connect", "nope"]).await.0, Some(4), "no such name");
    });
}
