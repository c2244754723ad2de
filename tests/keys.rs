//! Who may ask: any program on this machine for what stays on it, and only those with a client key for the rest.

use pointsman_gateway::control::{Command, Reply};
use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Fake, Gateway, Options, Surface, bounded, chat, elsewhere, fake};

const CHAT: &str = "/v1/chat/completions";

/// Every way to send a key, with this key.
fn forms(key: &str) -> [(&'static str, String); 7] {
    [
        ("authorization", format!("Bearer {key}")),
        ("authorization", format!("bearer {key}")),
        ("x-api-key", key.to_owned()),
        ("api-key", key.to_owned()),
        ("x-goog-api-key", key.to_owned()),
        ("otari-key", key.to_owned()),
        ("otari-key", format!("Bearer {key}")),
    ]
}

async fn always() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    let gateway = Gateway::over_with(&up, Options::new().top("require_key = \"always\"")).await;
    (gateway, up)
}

async fn ask_with(gateway: &Gateway, path: &str, body: &Value, header: (&str, &str)) -> Answer {
    Ask::post(path, body).header(header.0, header.1).send(gateway.port()).await
}

#[test]
fn without_a_key_local_models_answer() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
        gateway.get("/v1/models").await.expect(200).await;
    });
}

#[test]
fn a_key_that_is_none_of_ours_is_refused_even_for_local_models_or_ignored_alike_on_all_forms() {
    // SDKs insist on some key, and users type anything. What matters is that no form is treated unlike another.
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let mut seen = Vec::new();
        for (name, value) in forms("sk-anything") {
            seen.push(ask_with(&gateway, CHAT, &chat("m"), (name, &value)).await.status());
        }
        seen.dedup();
        assert_eq!(seen, [200], "a tool that must send some key still gets the local models");
    });
}

#[test]
fn with_always_every_path_needs_a_key_in_its_own_shape() {
    bounded(async {
        let (gateway, up) = always().await;
        for surface in Surface::ALL {
            let answer = gateway.post(surface.path(), &surface.body("m")).await.expect(401).await;
            surface.error(&answer.json().await);
        }
        let lists = ["/v1/models", "/v1/models/m", "/api/tags", "/api/ps", "/api/version"];
        for path in lists {
            assert_eq!(gateway.get(path).await.status(), 401, "{path}");
        }
        // What is served to nobody is told to everybody.
        for path in ["/v1beta/models", "/v1/nope"] {
            assert!([401, 404].contains(&gateway.get(path).await.status()), "{path}");
        }
        let body = gateway.post(CHAT, &chat("m")).await.json().await;
        assert_eq!(body["error"]["code"], "missing_api_key");
        let body = gateway.post("/v1/messages", &Surface::Messages.body("m")).await.json().await;
        assert_eq!(body["error"]["type"], "authentication_error");
        assert!(Surface::ALL.iter().all(|surface| up.requests_for(surface.path()).is_empty()));
    });
}

#[test]
fn every_form_of_a_right_key_is_equal() {
    bounded(async {
        let (gateway, _up) = always().await;
        let key = gateway.client_key("editor").await;
        for surface in Surface::ALL {
            for (name, value) in forms(&key) {
                let answer = ask_with(&gateway, surface.path(), &surface.body("m"), (name, &value)).await;
                assert_eq!(answer.status(), 200, "{surface:?}, {name}");
            }
        }
        for (name, value) in forms(&key) {
            Ask::get("/v1/models").header(name, &value).send(gateway.port()).await.expect(200).await;
        }
    });
}

#[test]
fn every_form_of_a_wrong_key_is_equal() {
    bounded(async {
        let (gateway, up) = always().await;
        let key = gateway.client_key("editor").await;
        let (mut first, mut last) = (key.clone().into_bytes(), key.clone().into_bytes());
        first[0] ^= 1;
        *last.last_mut().expect("a key") ^= 1;
        let shorter = &key[..key.len() - 1];
        let wrong = [
            String::from_utf8_lossy(&first).into_owned(),
            String::from_utf8_lossy(&last).into_owned(),
            shorter.to_owned(),
            format!("{key}x"),
            key.to_uppercase() + "x",
            "sha256:".to_owned(),
            "' OR 1=1 --".to_owned(),
        ];
        for wrong in &wrong {
            for (name, value) in forms(wrong) {
                let answer = ask_with(&gateway, CHAT, &chat("m"), (name, &value)).await.expect(401).await;
                let text = answer.text().await;
                assert!(text.contains("invalid_api_key"), "{name}: {text}");
                assert!(!text.contains(wrong.as_str()) || wrong.is_empty(), "the key is not repeated: {text}");
            }
        }
        for (name, value) in [
            ("authorization", format!("Basic {key}")),
            ("authorization", key.clone()),
            ("authorization", "Bearer".to_owned()),
            ("authorization", "Bearer ".to_owned()),
            ("x-api-key", String::new()),
            ("proxy-authorization", format!("Bearer {key}")),
            ("cookie", format!("key={key}")),
        ] {
            assert_eq!(ask_with(&gateway, CHAT, &chat("m"), (name, &value)).await.status(), 401, "{name}: {value}");
        }
        assert!(up.requests_for(CHAT).is_empty());
    });
}

#[test]
fn two_keys_are_judged_alike_whichever_header_has_the_right_one() {
    // Some tools send the user's key in one header and a placeholder in the other.
    bounded(async {
        let (gateway, _up) = always().await;
        let key = gateway.client_key("editor").await;
        let mut seen = Vec::new();
        for (right, value) in forms(&key) {
            for (wrong, other) in forms("sk-wrong") {
                if wrong == right {
                    continue;
                }
                for turned in [false, true] {
                    let ask = Ask::post(CHAT, &chat("m"));
                    let (first, second) =
                        if turned { ((wrong, &other), (right, &value)) } else { ((right, &value), (wrong, &other)) };
                    let ask = ask.header(first.0, first.1).header(second.0, second.1);
                    seen.push(ask.send(gateway.port()).await.status());
                }
            }
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "one extractor, one result: {seen:?}");
        // The same key in two forms is what some tools send.
        let ask = Ask::post(CHAT, &chat("m")).bearer(&key).header("x-api-key", &key);
        ask.send(gateway.port()).await.expect(200).await;
    });
}

#[test]
fn a_key_in_the_query_is_refused() {
    bounded(async {
        let (gateway, up) = always().await;
        let key = gateway.client_key("editor").await;
        for name in ["key", "api_key", "api-key", "access_token", "token"] {
            let answer = gateway.post(&format!("{CHAT}?{name}={key}"), &chat("m")).await;
            assert!([400, 401].contains(&answer.status()), "{name}: {}", answer.status());
            assert!(!answer.text().await.contains(&key));
        }
        assert!(up.requests_for(CHAT).is_empty());
        assert!(!gateway.log().contains(&key), "what stands in a query ends in logs");
    });
}

#[test]
fn what_leaves_the_machine_needs_a_key() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let (up, there) = (fake::speaks().await, fake::speaks_at(address));
        let options = Options::new()
            .endpoint_with("there", &there.url(), &["far"], "allow_private = true")
            .route("work", &["there:far"]);
        let gateway = Gateway::over_with(&up, options).await;
        gateway.ready("far").await;
        for model in ["far", "there:far", "work"] {
            let error = gateway.post(CHAT, &chat(model)).await.expect(401).await.json().await;
            assert_eq!(error["error"]["code"], "missing_api_key", "{model}");
            let answer = ask_with(&gateway, CHAT, &chat(model), ("authorization", "Bearer sk-wrong")).await;
            assert_eq!(answer.status(), 401, "{model}");
        }
        assert!(there.requests_for(CHAT).is_empty());
        let key = gateway.client_key("editor").await;
        let answer = ask_with(&gateway, CHAT, &chat("work"), ("x-api-key", &key)).await.expect(200).await;
        assert_eq!((answer.header("x-pointsman-target"), answer.header("x-pointsman-local")), ("there/far", "false"));
    });
}

#[test]
fn a_key_is_made_per_tool_shown_once_and_revoked_at_once() {
    bounded(async {
        let (gateway, _up) = always().await;
        let editor = gateway.client_key("editor").await;
        let chat_tool = gateway.client_key("chat").await;
        assert_ne!(editor, chat_tool);
        assert!(editor.len() >= 40, "random, 256 bits: {} characters", editor.len());
        let settings = std::fs::read_to_string(gateway.settings_file()).expect("settings");
        assert!(!settings.contains(&editor) && settings.contains("sha256:"), "only the hash is kept");
        let names: Vec<_> = gateway
            .until("both keys", |snapshot| snapshot.client_keys.len() == 2)
            .await
            .client_keys
            .into_iter()
            .map(|key| key.name)
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let again = gateway.tell(&Command::AddClientKey { name: "editor".to_owned() }).await;
        assert!(matches!(again, Reply::Failed { .. }), "one key a tool: {again:?}");
        let reply = gateway.tell(&Command::RemoveClientKey { name: "editor".to_owned() }).await;
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        gateway.until("one key", |snapshot| snapshot.client_keys.len() == 1).await;
        assert_eq!(ask_with(&gateway, CHAT, &chat("m"), ("x-api-key", &editor)).await.status(), 401);
        assert_eq!(ask_with(&gateway, CHAT, &chat("m"), ("x-api-key", &chat_tool)).await.status(), 200);
        let reply = gateway.tell(&Command::RemoveClientKey { name: "nobody".to_owned() }).await;
        assert!(matches!(reply, Reply::Failed { .. }), "{reply:?}");
    });
}

#[test]
fn the_key_of_a_tool_names_it_in_the_usage_rows() {
    bounded(async {
        let (gateway, _up) = always().await;
        let key = gateway.client_key("editor").await;
        ask_with(&gateway, CHAT, &chat("m"), ("x-api-key", &key)).await.expect(200).await.bytes().await;
        let rows = gateway.rows("a row of `editor`", |rows| rows.iter().any(|row| row["client"] == "editor")).await;
        assert!(!json!(rows).to_string().contains(&key));
    });
}
