//! The second port, for tools that can be told no other address than Ollama's.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Ask, EVERY_PROTOCOL, Fake, Gateway, Options, Surface, bounded, chat, elsewhere, fake, within};

const CHAT: &str = "/v1/chat/completions";

/// The second port on a free port.
const FREE: &str = "[ollama_port]\nenabled = true\nport = 0";

fn port_of(addresses: &[String]) -> u16 {
    addresses[0].rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// Waits until the second port is open.
async fn opened(gateway: &Gateway) -> u16 {
    let snapshot = gateway.until("the second port", |snapshot| !snapshot.ollama_port.addresses.is_empty()).await;
    port_of(&snapshot.ollama_port.addresses)
}

async fn over(up: &Fake, options: Options) -> (Gateway, u16) {
    let gateway = Gateway::over_with(up, options.table(FREE)).await;
    let port = opened(&gateway).await;
    (gateway, port)
}

#[test]
fn it_is_off_by_default() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let snapshot = gateway.until("a snapshot", |snapshot| snapshot.settled).await;
        assert_eq!(snapshot.ollama_port, Default::default());
    });
}

#[test]
fn only_what_an_ollama_has_is_answered_on_it() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, port) = over(&up, Options::new()).await;
        assert_ne!(port, gateway.port());
        assert_eq!(Ask::get("/").send(port).await.expect(200).await.text().await, "Ollama is running");
        assert_eq!(Ask::new("HEAD", "/").send(port).await.status(), 200);
        for path in ["/api/tags", "/api/ps", "/api/version", "/v1/models", "/v1/models/m"] {
            Ask::get(path).send(port).await.expect(200).await;
        }
        Ask::post("/api/show", &json!({"model": "m"})).send(port).await.expect(200).await;
        for surface in Surface::ALL {
            let answer = Ask::post(surface.path(), &surface.body("m")).send(port).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "up/m", "{surface:?}");
            answer.bytes().await;
        }
        Ask::post("/api/pull", &json!({"model": "m"})).send(port).await.expect(403).await;
        for path in [
            "/health",
            "/.well-known/pointsman.json",
            "/models",
            "/v1beta/models",
            "/gateway/openai/v1/models",
            "/nope",
        ] {
            assert_eq!(Ask::get(path).send(port).await.status(), 404, "{path}");
        }
        for path in ["/chat/completions", "/gateway/openai/v1/chat/completions", "/gateway/m/invocations"] {
            assert_eq!(Ask::post(path, &chat("m")).send(port).await.status(), 404, "{path}");
        }
    });
}

#[test]
fn its_host_and_origin_are_its_own() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, port) = over(&up, Options::new()).await;
        let main = gateway.port();
        for (host, status) in [
            (format!("127.0.0.1:{port}"), 200),
            (format!("localhost:{port}"), 200),
            (format!("127.0.0.1:{main}"), 421),
            ("localhost".to_owned(), 421),
            (format!("evil.example:{port}"), 421),
        ] {
            let answer = Ask::get("/api/tags").header("host", &host).send(port).await;
            assert_eq!(answer.status(), status, "{host}");
        }
        let foreign = Ask::post(CHAT, &chat("m")).header("origin", "http://evil.example");
        foreign.send(port).await.expect(403).await;
        assert!(up.requests_for(CHAT).is_empty());
    });
}

#[test]
fn a_model_that_leaves_the_machine_is_not_answered_on_it_even_with_a_key() {
    bounded(async {
        let ollama = fake::ollama(&["qwen3:8b", "gpt-oss:120b-cloud"]).await;
        let mut options = Options::new().discovers(ollama.port()).table(FREE);
        let far = elsewhere().map(fake::speaks_at);
        if let Some(far) = &far {
            options = options.table(&format!(
                "[[endpoints]]\nname = \"far\"\nbase_url = \"{}\"\nprotocol = {EVERY_PROTOCOL}\nmodels = [\"m\"]\nallow_private = true",
                far.url()
            ));
        }
        let gateway = Gateway::start(options).await;
        gateway.ready("gpt-oss:120b-cloud").await;
        let port = opened(&gateway).await;
        let key = gateway.client_key("editor").await;
        let far = far.iter().map(|_| "far:m");
        for name in ["gpt-oss:120b-cloud"].into_iter().chain(far) {
            for ask in [Ask::post(CHAT, &chat(name)), Ask::post(CHAT, &chat(name)).bearer(&key)] {
                let error = ask.send(port).await.expect(403).await.json().await;
                assert_eq!(error["error"]["code"], "local_only", "{error}");
                let message = Surface::Chat.error(&error);
                assert!(message.contains("this port"), "what to do: {message}");
            }
            let tags = Ask::get("/api/tags").send(port).await.json().await.to_string();
            assert!(!tags.contains(name), "{tags}");
            Ask::post("/api/show", &json!({"model": name})).send(port).await.expect(404).await;
        }
        let list = Ask::get("/v1/models").send(port).await.expect(200).await.json().await.to_string();
        assert!(list.contains("qwen3:8b") && !list.contains("cloud"), "{list}");
        // The gateway's own port is as it was.
        Ask::post(CHAT, &chat("gpt-oss:120b-cloud")).bearer(&key).send(gateway.port()).await.expect(200).await;
    });
}

#[test]
fn where_every_request_needs_a_key_it_does_too() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, port) = over(&up, Options::new().top("require_key = \"always\"")).await;
        Ask::post(CHAT, &chat("m")).send(port).await.expect(401).await;
        let key = gateway.client_key("editor").await;
        within("the key to be known there too", async {
            while Ask::post(CHAT, &chat("m")).bearer(&key).send(port).await.status() != 200 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    });
}

#[test]
fn a_port_that_is_taken_is_told_and_the_gateway_serves() {
    bounded(async {
        let (up, squatter) = (fake::speaks().await, Fake::new().await);
        let port = squatter.port();
        let options = Options::new().table(&format!("[ollama_port]\nenabled = true\nport = {port}"));
        let gateway = Gateway::over_with(&up, options).await;
        let snapshot = gateway.until("the reason", |snapshot| snapshot.ollama_port.problem.is_some()).await;
        let problem = snapshot.ollama_port.problem.expect("it");
        assert!(problem.contains(&format!("port {port} is taken")) && problem.contains("ollama_port"), "{problem}");
        assert!(snapshot.ollama_port.addresses.is_empty());
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
        // Freed, it is taken by itself.
        squatter.stop().await;
        assert_eq!(opened(&gateway).await, port);
        Ask::post(CHAT, &chat("m")).send(port).await.expect(200).await;
    });
}

#[test]
fn ollamas_own_port_is_left_to_an_ollama_that_is_installed() {
    bounded(async {
        let programs = tempfile::tempdir().expect("a folder");
        let program = programs.path().join("ollama");
        std::fs::write(&program, "").expect("a program");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("one that runs");
        let options = Options::new()
            .variable("PATH", &format!("{}:/usr/bin:/bin", programs.path().display()))
            .table("[ollama_port]\nenabled = true");
        let gateway = Gateway::start(options).await;
        let snapshot = gateway.until("the reason", |snapshot| snapshot.ollama_port.problem.is_some()).await;
        let problem = snapshot.ollama_port.problem.expect("it");
        assert!(problem.contains("11434") && problem.contains("installed"), "{problem}");
        assert!(problem.contains("ollama_port.port"), "the way out: {problem}");
        let output = within("doctor", gateway.command(&["doctor"]).output()).await.expect("its output");
        assert!(String::from_utf8_lossy(&output.stdout).contains("installed"), "doctor tells it");
    });
}

#[test]
fn it_follows_the_settings() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, port) = over(&up, Options::new()).await;
        let text = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        gateway.rewrite(&text.replace("enabled = true\nport = 0", "enabled = false"));
        gateway.until("its end", |snapshot| snapshot.ollama_port.addresses.is_empty()).await;
        within("the port to close", async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        gateway.rewrite(&text);
        Ask::post(CHAT, &chat("m")).send(opened(&gateway).await).await.expect(200).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}
