//! How long a token lives, and what is said where there is none, whoever makes it.

use pointsman_gateway::control::{Command, Reply};
use serde_json::json;

use super::{SECRET, TOKENS, VERTEX, answers, asked, at, numbered, said, user};
use crate::harness::{Ask, Options, Script, bounded};

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
