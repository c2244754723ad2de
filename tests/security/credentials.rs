//! Attacks 13, 14, 16 and 20: a credential goes to one header of one address, and comes out nowhere else.

use pointsman_gateway::control::{Command, Reply, SecretText};
use serde_json::{Value, json};

use crate::harness::{Ask, Fake, Gateway, Options, Port, Script, bounded, chat, chat_stream, fake, files_with};

const CHAT: &str = "/v1/chat/completions";
const CANARY: &str = "sk-canary-7f3a9c51d2e84b06";

/// An endpoint with the canary as its key, and a client key for it.
async fn keyed(up: &Fake) -> (Gateway, String) {
    let options =
        Options::new().variable("UP_KEY", CANARY).endpoint_with("up", &up.url(), &["m"], "key = \"env:UP_KEY\"");
    let gateway = Gateway::start(options).await;
    gateway.ready("m").await;
    let key = gateway.client_key("editor").await;
    (gateway, key)
}

async fn ask(gateway: &Gateway, key: &str, body: &Value) -> crate::harness::Answer {
    Ask::post(CHAT, body).bearer(key).send(gateway.port()).await
}

#[test]
fn attack_13_no_secret_is_found_anywhere_it_does_not_belong() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        let mut said = String::new();
        // Everything that can be asked, faults included.
        for body in [chat("m"), chat_stream("m"), chat("nope")] {
            said.push_str(&ask(&gateway, &key, &body).await.text().await);
        }
        for script in [
            Script::closes(),
            Script::fault(401, &json!({"error": "no"})),
            Script::fault(500, &json!({})),
            Script::events().cut(),
        ] {
            up.on("POST", CHAT, script);
            said.push_str(&ask(&gateway, &key, &chat_stream("m")).await.text().await);
        }
        for path in ["/v1/models", "/api/tags", "/nope", "/.well-known/pointsman.json", "/"] {
            let answer = Ask::get(path).bearer(&key).send(gateway.port()).await;
            said.push_str(&format!("{:?}", answer.headers()));
            said.push_str(&answer.text().await);
        }
        for command in [Command::Snapshot, Command::Requests { limit: 100, before: None, filter: Default::default() }] {
            said.push_str(&format!("{:?}", gateway.tell(&command).await));
        }
        for arguments in
            [&["status", "--json"][..], &["models", "--json"], &["keys", "list"], &["doctor"], &["routes", "list"]]
        {
            let output = gateway.command(arguments).output().await.expect("a command");
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            said.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        for secret in [CANARY, key.as_str()] {
            assert!(!said.contains(secret), "{secret} was told");
            let found = files_with(gateway.root(), secret);
            assert!(found.is_empty(), "{secret} stands in {found:?}");
        }
        #[cfg(target_os = "linux")]
        {
            let arguments = std::fs::read(format!("/proc/{}/cmdline", gateway.process())).expect("its arguments");
            assert!(!String::from_utf8_lossy(&arguments).contains(CANARY));
        }
    });
}

#[test]
fn attack_13_a_stored_credential_lies_only_where_the_settings_say_and_only_for_its_owner() {
    bounded(async {
        use std::os::unix::fs::PermissionsExt as _;
        let up = fake::speaks().await;
        let options = Options::new().endpoint("up", &up.url(), "openai", &["m"]);
        let gateway = Gateway::start(options).await;
        gateway.ready("m").await;
        let store =
            Command::StoreCredential { endpoint: "up".to_owned(), spare: false, secret: SecretText(CANARY.to_owned()) };
        let reply = gateway.tell(&store).await;
        let Reply::Stored { place, note } = reply else { panic!("{reply:?}") };
        assert!(
            place.starts_with("file:") && !note.is_empty(),
            "no keychain runs here, and that is said: {place}, {note}"
        );
        let found = files_with(gateway.root(), CANARY);
        assert_eq!(found, [gateway.root().join("config/pointsman/credentials.toml")]);
        let mode = std::fs::metadata(&found[0]).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{mode:o}");
        // From now on the endpoint spends the user's money: a client key is needed, and the endpoint gets the credential.
        let key = gateway.client_key("editor").await;
        gateway
            .until("the credential", |snapshot| snapshot.endpoints.iter().any(|found| found.credential.is_some()))
            .await;
        ask(&gateway, &key, &chat("m")).await.expect(200).await;
        assert_eq!(up.requests_for(CHAT).pop().expect("a request").header("authorization"), format!("Bearer {CANARY}"));
        let reply = gateway.tell(&Command::RemoveCredential { endpoint: "up".to_owned() }).await;
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        assert!(files_with(gateway.root(), CANARY).is_empty(), "forgotten means gone");
    });
}

#[test]
fn attack_13_the_control_socket_and_the_data_are_the_users_own() {
    bounded(async {
        use std::os::unix::fs::PermissionsExt as _;
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        gateway.rows("a row", |rows| !rows.is_empty()).await;
        for path in ["run/pointsman/control.sock", "data/pointsman/usage.db"] {
            let mode = std::fs::metadata(gateway.root().join(path)).expect(path).permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
        }
        let folder = std::fs::metadata(gateway.root().join("run/pointsman")).expect("a folder").permissions().mode();
        assert_eq!(folder & 0o077, 0, "{folder:o}");
    });
}

#[test]
fn attack_14_an_endpoint_that_repeats_our_key_is_redacted_before_relay() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        for status in [401, 403, 400, 429, 500, 200] {
            up.on_with("POST", CHAT, move |request| {
                let sent = request.header("authorization");
                let body = json!({"error": {"message": format!("Incorrect API key provided: {sent}"), "raw": CANARY}});
                Script::fault(status, &body)
                    .header("X-Echo", sent)
                    .header("WWW-Authenticate", &format!("Bearer x=\"{CANARY}\""))
            });
            let answer = ask(&gateway, &key, &chat("m")).await;
            let headers = format!("{:?}", answer.headers());
            let text = String::from_utf8_lossy(&answer.whole().await.unwrap_or_default()).into_owned();
            assert!(!headers.contains(CANARY), "{status}, in a header: {headers}");
            assert!(!text.contains(CANARY), "{status}, in the body: {text}");
        }
        assert!(!gateway.log().contains(CANARY), "in the log");
        let rows = gateway.rows("rows", |rows| rows.len() >= 6).await;
        assert!(!json!(rows).to_string().contains(CANARY), "in the usage rows");
    });
}

#[test]
fn attack_14_our_key_in_a_stream_is_redacted_even_in_pieces() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        let event = format!("data: {{\"error\":{{\"message\":\"bad key {CANARY}\",\"type\":\"x\"}}}}\n\n");
        for cut in [1, 10, 30, 40, 50] {
            let (first, second) = event.split_at(cut);
            up.on("POST", CHAT, Script::events().send(first.to_owned()).gate().send(second.to_owned()));
            up.go();
            let text = String::from_utf8_lossy(
                &ask(&gateway, &key, &chat_stream("m")).await.whole().await.unwrap_or_default(),
            )
            .into_owned();
            assert!(!text.contains(CANARY), "cut at {cut}: {text}");
        }
    });
}

#[test]
fn attack_16_a_redirect_is_not_followed_and_its_place_not_told() {
    bounded(async {
        let other = fake::speaks().await;
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        let places = [
            format!("{}{CHAT}", other.url()),
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "https://evil.example/".to_owned(),
            "/elsewhere".to_owned(),
        ];
        for status in [301, 302, 303, 307, 308] {
            for place in &places {
                up.on("POST", CHAT, Script::redirect(status, place));
                let answer = ask(&gateway, &key, &chat("m")).await.expect(502).await;
                assert!(!answer.has("location"), "{status}: the client would follow it");
                let text = answer.text().await;
                assert!(!text.contains(place.as_str()), "{status}: {text}");
            }
        }
        assert_eq!(other.connections(), 0, "the prompt was posted again, to another address");
        assert!(up.requests_for("/elsewhere").is_empty());
    });
}

#[test]
fn attack_20_a_discovered_endpoint_never_gets_a_credential() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let names =
            ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LLAMA_API_KEY", "VLLM_API_KEY", "LM_API_TOKEN", "OLLAMA_API_KEY"];
        let options =
            names.iter().fold(Options::new().discovers(llama.port()), |options, name| options.variable(name, CANARY));
        let gateway = Gateway::start(options).await;
        gateway.ready("tiny").await;
        gateway.post(CHAT, &chat("tiny")).await.expect(200).await;
        assert!(
            llama.requests().iter().all(|request| !request.text().contains(CANARY) && !request.has("authorization"))
        );
    });
}

#[test]
fn attack_20_a_port_that_changes_what_it_is_gets_nothing_meant_for_the_other() {
    bounded(async {
        let llama = fake::llamacpp("m").await;
        let here = llama.url();
        // A credential for an endpoint at another port of this machine.
        let up = fake::speaks().await;
        let options = Options::new()
            .variable("UP_KEY", CANARY)
            .endpoint_with("up", &up.url(), &["m"], "key = \"env:UP_KEY\"")
            .discovers(llama.port());
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.endpoints.len() == 2).await;
        let key = gateway.client_key("editor").await;
        let port = llama.stop().await;
        let imitation = Fake::on_port(Port::take(port));
        fake::make_ollama(&imitation, &["m"]);
        gateway
            .until("the imitation", |snapshot| {
                snapshot
                    .endpoints
                    .iter()
                    .any(|found| found.base_url.starts_with(&here) && found.id.starts_with("ollama"))
            })
            .await;
        for model in ["m", "ollama:m", "up:m"] {
            ask(&gateway, &key, &chat(model)).await;
        }
        assert!(
            imitation
                .requests()
                .iter()
                .all(|request| !request.text().contains(CANARY) && !request.text().contains(&key))
        );
    });
}
