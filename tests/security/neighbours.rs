//! Where the neighbours fell when they were attacked with these very scripts: one test a fall.
//!
//! Relayed CORS and hop headers, and redirects, are in `passthrough` and `credentials`; bodies without end, hung calls
//! and forged log lines in `smuggling`, `rogue` and `log`; binding to every address in `host`.

use serde_json::json;

use crate::harness::{Ask, EVERY_PROTOCOL, Fake, Gateway, Options, Script, Surface, bounded, chat, fake};

const CANARY: &str = "sk-canary-51d2e84b067f3a9c";

async fn keyed(up: &Fake) -> (Gateway, String) {
    let table = format!(
        "[[endpoints]]\nname = \"up\"\nbase_url = \"{}\"\nprotocol = {EVERY_PROTOCOL}\nmodels = [\"m\"]\nkey = \"env:UP_KEY\"",
        up.url()
    );
    let gateway = Gateway::start(Options::new().variable("UP_KEY", CANARY).table(&table)).await;
    gateway.ready("m").await;
    let key = gateway.client_key("editor").await;
    (gateway, key)
}

#[test]
fn a_key_that_is_repeated_is_redacted_on_every_surface_and_in_every_place() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        for surface in Surface::ALL {
            for status in [200, 401, 500] {
                up.on_with("POST", surface.path(), move |request| {
                    let sent = [request.header("authorization"), request.header("x-api-key")].concat();
                    let text = format!("you sent {sent}, {CANARY}");
                    if status == 200 {
                        let lines = surface == Surface::Native;
                        let script = if lines { Script::lines() } else { Script::events() };
                        let error = json!({"error": text, "type": "error"});
                        if lines { script.line(&error) } else { script.named("error", &error) }
                    } else {
                        Script::fault(status, &json!({"error": {"message": text}})).header("X-Sent", &sent)
                    }
                });
                let ask = Ask::post(surface.path(), &surface.stream("m")).bearer(&key);
                let answer = ask.send(gateway.port()).await;
                let headers = format!("{:?}", answer.headers());
                let text = String::from_utf8_lossy(&answer.whole().await.unwrap_or_default()).into_owned();
                assert!(!headers.contains(CANARY) && !text.contains(CANARY), "{surface:?}, {status}: {headers} {text}");
            }
        }
        assert!(!gateway.log().contains(CANARY));
    });
}

#[test]
fn the_credential_goes_into_authentication_headers_and_nowhere_else() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        for surface in Surface::ALL {
            let ask = Ask::post(surface.path(), &surface.body("m")).bearer(&key);
            ask.send(gateway.port()).await.expect(200).await;
            let sent = up.request(surface.path()).await;
            let carrying =
                sent.headers.iter().filter(|(_, value)| value.contains(CANARY)).map(|(name, _)| name.as_str());
            let carrying: Vec<_> = carrying.collect();
            assert!(!carrying.is_empty(), "{surface:?}");
            assert!(
                carrying.iter().all(|name| ["authorization", "x-api-key"].contains(name)),
                "{surface:?}: {carrying:?}"
            );
            assert_eq!(sent.text().matches(CANARY).count(), carrying.len(), "{surface:?}: nor anywhere else");
            assert!(!sent.text().contains(&key), "{surface:?}");
        }
    });
}

#[test]
fn a_broken_stream_is_never_given_a_proper_end() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let ends = ["[DONE]", "message_stop", "response.completed", "\"done\":true", "\"done\": true"];
        for surface in Surface::ALL {
            let cut = Script::chunked(
                200,
                if surface == Surface::Native { "application/x-ndjson" } else { "text/event-stream" },
            );
            up.on("POST", surface.path(), cut.send(": a comment\n\n").cut());
            let answer = gateway.post(surface.path(), &surface.stream("m")).await;
            let text = String::from_utf8_lossy(&answer.whole().await.unwrap_or_default()).into_owned();
            assert!(ends.iter().all(|end| !text.contains(end)), "{surface:?}: {text}");
        }
    });
}

#[test]
fn an_endpoints_work_ends_when_its_client_leaves() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for surface in Surface::ALL {
            up.on("POST", surface.path(), Script::hangs());
            let port = gateway.port();
            let asking = tokio::spawn(async move { Ask::post(surface.path(), &surface.body("m")).send(port).await });
            up.request(surface.path()).await;
            let before = up.left_count();
            asking.abort();
            up.left_again(before).await;
        }
    });
}

#[test]
fn bodies_of_any_size_cost_no_more_than_their_size() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", "/v1/chat/completions", Script::json(&json!({})));
        let mut body = chat("m");
        body["messages"][0]["content"] = "x".repeat(60 << 20).into();
        gateway.post("/v1/chat/completions", &body).await.expect(200).await;
        #[cfg(target_os = "linux")]
        assert!(gateway.peak_memory() < 250 << 20, "{} MiB for 60", gateway.peak_memory() >> 20);
    });
}

#[test]
fn the_listing_tells_no_credential_and_no_child() {
    bounded(async {
        let up = fake::speaks().await;
        let (gateway, key) = keyed(&up).await;
        for path in ["/v1/models", "/api/tags", "/v1/models/m", "/.well-known/pointsman.json"] {
            let text = Ask::get(path).bearer(&key).send(gateway.port()).await.expect(200).await.text().await;
            for secret in [CANARY, "UP_KEY", &key, &up.url()] {
                assert!(!text.contains(secret), "{path} tells {secret}: {text}");
            }
        }
    });
}
