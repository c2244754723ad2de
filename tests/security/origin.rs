//! Attacks 4 to 7, 11 and 12: web pages that use the visitor's own gateway.

use serde_json::json;

use crate::harness::{Ask, Fake, Gateway, Options, Raw, bounded, chat, fake};

const CHAT: &str = "/v1/chat/completions";
const GRANTED: &str = "http://localhost:3000";

async fn start() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    let options = Options::new().top(&format!("allowed_origins = [\"{GRANTED}\"]"));
    (Gateway::over_with(&up, options).await, up)
}

async fn refused(gateway: &Gateway, up: &Fake, origin: &str) {
    for (method, path) in
        [("POST", CHAT), ("GET", "/v1/models"), ("GET", "/api/tags"), ("GET", "/"), ("POST", "/api/chat")]
    {
        // A simple request: no browser asks before it sends this.
        let ask = Ask::new(method, path).header("origin", origin).header("content-type", "text/plain");
        let ask = if method == "POST" { ask.body(chat("m").to_string()) } else { ask };
        let answer = ask.send(gateway.port()).await;
        assert_eq!(answer.status(), 403, "{method} {path} from {origin}");
        no_cors(&answer, origin);
    }
    assert!(up.requests_for(CHAT).is_empty(), "a page of {origin} made the endpoint work");
}

#[track_caller]
fn no_cors(answer: &crate::harness::Answer, origin: &str) {
    for name in answer.headers().keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{origin} is granted {name}");
    }
}

#[test]
fn attack_04_a_foreign_page_gets_403_and_makes_no_endpoint_work() {
    bounded(async {
        let (gateway, up) = start().await;
        for origin in ["http://evil.example", "https://evil.example", "https://evil.example:443", "HTTP://EVIL.EXAMPLE"]
        {
            refused(&gateway, &up, origin).await;
        }
    });
}

#[test]
fn attack_05_a_page_without_an_origin_of_its_own_gets_403() {
    bounded(async {
        let (gateway, up) = start().await;
        for origin in ["null", "NULL", "file://", "", " "] {
            refused(&gateway, &up, origin).await;
        }
    });
}

#[test]
fn attack_06_origins_that_look_like_ours_get_403() {
    bounded(async {
        let (gateway, up) = start().await;
        for origin in [
            "http://localhost.evil.com",
            "http://localhost:3000.evil.com",
            "http://localhost:3000@evil.example",
            "http://localhost:1@evil",
            "https://127.0.0.1.evil",
            "https://localhost:3000",
            "http://localhost:30000",
            "http://localhost:3001",
            "http://localhost",
            "http://127.0.0.1:3000",
            "http://localhost:3000/",
            "http://localhost:3000/path",
            "http://localhost:3000 http://evil.example",
            "chrome-extension://abcdefghijklmnop",
            "moz-extension://abcdef",
            "vscode-webview://abcdef",
            "tauri://localhost",
            "app://obsidian.md",
        ] {
            refused(&gateway, &up, origin).await;
        }
        // Even the gateway's own address: no page of ours is served there.
        refused(&gateway, &up, &format!("http://127.0.0.1:{}", gateway.port())).await;
    });
}

#[test]
fn attack_06_two_origins_get_403() {
    bounded(async {
        let (gateway, up) = start().await;
        let ask = Ask::post(CHAT, &chat("m")).header("origin", GRANTED).header("origin", "http://evil.example");
        assert_eq!(ask.send(gateway.port()).await.status(), 403);
        assert!(up.requests_for(CHAT).is_empty());
    });
}

#[test]
fn attack_07_a_preflight_grants_nothing_to_strangers() {
    bounded(async {
        let (gateway, _up) = start().await;
        for origin in ["http://evil.example", "null", "http://localhost:3001"] {
            for path in [CHAT, "/v1/models", "/api/chat", "/api/delete", "/nope", "*"] {
                let ask = Ask::new("OPTIONS", path)
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "authorization")
                    .header("access-control-request-private-network", "true");
                let answer = ask.send(gateway.port()).await;
                assert_eq!(answer.status(), 403, "{origin} {path}");
                no_cors(&answer, origin);
            }
        }
    });
}

#[test]
fn attack_07_a_granted_origin_gets_what_it_needs_and_by_name() {
    bounded(async {
        let (gateway, _up) = start().await;
        let ask = Ask::new("OPTIONS", CHAT)
            .header("origin", GRANTED)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type");
        let answer = ask.send(gateway.port()).await;
        assert!([200, 204].contains(&answer.status()), "{}", answer.status());
        assert_eq!(answer.header("access-control-allow-origin"), GRANTED);
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert!(answer.header("access-control-allow-headers").to_lowercase().contains("authorization"));
        assert!(answer.header("vary").to_lowercase().contains("origin"));
        assert_ne!(answer.header("access-control-allow-credentials"), "true");
        let answer = Ask::post(CHAT, &chat("m")).header("origin", GRANTED).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("access-control-allow-origin"), GRANTED);
        assert!(answer.header("vary").to_lowercase().contains("origin"), "else a cache serves it to another page");
    });
}

#[test]
fn attack_07_without_a_grant_nobody_is_granted_anything() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        refused(&gateway, &up, GRANTED).await;
        let answer = gateway.post(CHAT, &chat("m")).await.expect(200).await;
        no_cors(&answer, "a tool");
    });
}

#[test]
fn attack_11_get_and_head_change_nothing() {
    bounded(async {
        let ollama = fake::ollama(&["qwen3:8b"]).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        gateway.ready("qwen3:8b").await;
        let before = std::fs::read(gateway.settings_file()).expect("settings");
        for method in ["GET", "HEAD"] {
            for path in [
                "/api/pull?model=x",
                "/api/delete?model=qwen3:8b",
                "/api/create",
                "/api/copy",
                "/api/push",
                CHAT,
                "/api/generate?model=qwen3:8b&keep_alive=0",
                "/models/load?model=x",
                "/settings",
                "/keys",
                "/stop",
                "/shutdown",
            ] {
                let answer = Ask::new(method, path).send(gateway.port()).await;
                assert!(answer.status() >= 400, "{method} {path}: {}", answer.status());
            }
        }
        assert!(ollama.requests().iter().all(|request| request.method == "GET" || request.path() == "/api/show"));
        assert_eq!(std::fs::read(gateway.settings_file()).expect("settings"), before);
        gateway.until("it to be there", |snapshot| snapshot.models.len() == 1).await;
    });
}

#[test]
fn attack_11_settings_and_keys_are_not_on_the_http_port() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let key = gateway.client_key("editor").await;
        for path in
            ["/settings", "/api/settings", "/keys", "/v1/keys", "/admin", "/control", "/usage", "/routes", "/config"]
        {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let ask = Ask::new(method, path).bearer(&key).header("content-type", "application/json");
                let ask = if method == "GET" { ask } else { ask.body(json!({"command": "stop"}).to_string()) };
                assert_eq!(ask.send(gateway.port()).await.status(), 404, "{method} {path}");
            }
        }
    });
}

#[test]
fn attack_12_a_websocket_is_refused_and_an_event_source_from_a_page_too() {
    bounded(async {
        let (gateway, up) = start().await;
        let host = format!("127.0.0.1:{}", gateway.port());
        for origin in ["http://evil.example", GRANTED] {
            let mut raw = Raw::connect(gateway.port()).await;
            raw.send(format!(
                "GET {CHAT} HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ))
            .await;
            let answer = raw.answer().await;
            assert!(answer.status >= 400, "{origin}: {answer:?}");
        }
        let ask = Ask::get(CHAT).header("origin", "http://evil.example").header("accept", "text/event-stream");
        assert_eq!(ask.send(gateway.port()).await.status(), 403);
        // What a browser adds to a request from another site, where the request itself carries no Origin.
        let ask = Ask::get("/v1/models").header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "no-cors");
        assert_eq!(ask.send(gateway.port()).await.status(), 403, "an image tag of a foreign page");
        assert!(up.requests_for(CHAT).is_empty());
    });
}
