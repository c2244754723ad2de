//! Attacks 10 and 24: bodies that one reader reads as one thing and the next as another.

use crate::harness::{Ask, Fake, Gateway, Surface, bounded, chat, fake};

const CHAT: &str = "/v1/chat/completions";

async fn start() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    (Gateway::over(&up).await, up)
}

#[test]
fn attack_10_a_body_is_read_as_json_whatever_its_type_says_or_not_at_all() {
    bounded(async {
        let (gateway, up) = start().await;
        let kinds = [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/json;x=text/plain",
            "application/jsonp",
            "text/plain, application/json",
            "",
            "/",
        ];
        for kind in kinds {
            // Anything but JSON is never made sense of.
            for body in [
                "model=m&messages=",
                "--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x--\r\n",
                "m",
            ] {
                let ask = Ask::new("POST", CHAT).header("content-type", kind).body(body);
                let status = ask.send(gateway.port()).await.status();
                assert!([400, 415].contains(&status), "{kind}: {body}: {status}");
            }
            assert!(up.requests_for(CHAT).is_empty(), "{kind}");
        }
        for kind in kinds {
            let seen = up.requests_for(CHAT).len();
            let ask = Ask::new("POST", CHAT).header("content-type", kind).body(chat("m").to_string());
            let status = ask.send(gateway.port()).await.status();
            assert!([200, 415].contains(&status), "{kind}: {status}");
            // What goes on is said to be what it was read as, so that the next reader reads it alike.
            for sent in up.requests_for(CHAT).iter().skip(seen) {
                assert!(sent.header("content-type").eq_ignore_ascii_case("application/json"), "{kind}: {sent:?}");
            }
        }
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}

#[test]
fn attack_24_a_model_named_twice_is_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        for body in [
            r#"{"model":"m","model":"other","messages":[]}"#,
            r#"{"model":"other","model":"m","messages":[]}"#,
            r#"{"model":"m","messages":[],"model":"m"}"#,
            r#"{"model":"m","messages":[],"mod\u0065l":"other"}"#,
            r#"{"mod\u0065l":"other","model":"m"}"#,
            r#"{"model":"m","stream":true,"stream":false}"#,
        ] {
            for surface in Surface::ALL {
                let answer = Ask::post_bytes(surface.path(), body).send(gateway.port()).await;
                assert_eq!(answer.status(), 400, "{body}");
                surface.error(&answer.json().await);
            }
        }
        assert!(up.requests_for(CHAT).is_empty(), "the one checked and the one served may differ");
    });
}

#[test]
fn attack_24_a_model_in_the_depth_is_not_the_model() {
    bounded(async {
        let (gateway, up) = start().await;
        let body = r#"{"metadata":{"model":"evil"},"model":"up:m","messages":[{"role":"user","content":"{\"model\":\"evil\"}"}]}"#;
        Ask::post_bytes(CHAT, body).send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request(CHAT).await.body, body.replace("up:m", "m"));
    });
}

#[test]
fn attack_24_deep_bodies_are_refused_or_passed_but_never_a_crash() {
    bounded(async {
        let (gateway, up) = start().await;
        // What the endpoint makes of it is not the question.
        up.on("POST", CHAT, crate::harness::Script::json(&serde_json::json!({})));
        for depth in [100, 127, 10_000, 200_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let inner = if open == "[" { "" } else { "1" };
                let deep = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                let body = format!(r#"{{"model":"m","messages":[],"deep":{deep}}}"#);
                let answer = Ask::post_bytes(CHAT, body).send(gateway.port()).await;
                assert!([200, 400].contains(&answer.status()), "{depth}: {}", answer.status());
            }
        }
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}

#[test]
fn attack_24_strange_values_are_deterministic() {
    bounded(async {
        let (gateway, up) = start().await;
        // Said to be fine by JSON: they go through as they are.
        for (nth, value) in
            ["1e400", "-0", "123456789012345678901234567890", r#""\u0000""#, r#""\ud83d\ude00""#].iter().enumerate()
        {
            let body = format!(r#"{{"model":"m","messages":[],"x":{value}}}"#);
            up.on("POST", CHAT, crate::harness::Script::json(&serde_json::json!({})));
            Ask::post_bytes(CHAT, body.clone()).send(gateway.port()).await.expect(200).await;
            assert_eq!(up.nth_request(CHAT, nth).await.body, body);
        }
        // No JSON, or no text: refused, or the endpoint's to refuse. What is never made of it is another body.
        let not_json: [&[u8]; 7] = [
            br#"{"model":"m","x":01}"#,
            br#"{"model":"m","x":NaN}"#,
            br#"{"model":"m",}"#,
            br#"{'model':'m'}"#,
            b"{\"model\":\"m\",\"x\":\"\xff\xfe\"}",
            b"{\"model\":\"m\",\"x\":\"\n\"}",
            b"\xef\xbb\xbf{\"model\":\"m\"}",
        ];
        for body in not_json {
            let seen = up.requests_for(CHAT).len();
            let answer = Ask::post_bytes(CHAT, body.to_vec()).send(gateway.port()).await;
            if answer.status() == 200 {
                assert_eq!(up.nth_request(CHAT, seen).await.body, body);
            } else {
                assert_eq!(answer.status(), 400, "{}", String::from_utf8_lossy(body));
            }
        }
        // A lone surrogate is JSON's letter but no text: as a model's name it is refused.
        for name in [r"\ud800", r"m\udc00", r"\ud800\u0041"] {
            let answer = Ask::post_bytes(CHAT, format!(r#"{{"model":"{name}"}}"#)).send(gateway.port()).await;
            assert!([400, 404].contains(&answer.status()), "{name}: {}", answer.status());
        }
    });
}
