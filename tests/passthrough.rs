//! What a client says and what an endpoint answers, when both speak the same protocol: every byte goes through, but for
//! the model's name, the credential and what belongs to one connection.

use serde_json::json;

use crate::harness::{Ask, Fake, Gateway, Options, Raw, Script, Surface, bounded, chat, chat_stream, fake};

const CHAT: &str = "/v1/chat/completions";

/// A body such as only a machine with odd habits writes: spaces, escapes, numbers that no parser writes back as they
/// came, unknown fields, in an order of its own.
const ODD: &str = r#" {"zzz" : {"b":1, "a":[1.0, 1e5, 12345678901234567890, -0.0]} ,
  "messages":[ {"role":"user","content":"h\u00e9 é \ud83d\ude00 \/"} ],"temperature":0.70,
	"model" :  "NAME"  , "stream":false, "logit_bias":{},"x_vendor":{"model":"other","deep":[[[{}]]]}, "seed":null}
"#;

#[test]
fn a_body_keeps_every_byte_but_the_models_name() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().route("work", &["up:m"])).await;
        for (nth, name) in ["m", "up:m", "up/m", "work"].into_iter().enumerate() {
            let body = ODD.replace("NAME", name);
            Ask::post_bytes(CHAT, body).send(gateway.port()).await.expect(200).await;
            let sent = up.nth_request(CHAT, nth).await;
            let expected = ODD.replace("NAME", "m");
            assert_eq!(String::from_utf8_lossy(&sent.body), expected, "asked as `{name}`");
            assert_eq!(sent.header("content-length"), expected.len().to_string(), "the length is the new body's");
            assert!(!sent.has("transfer-encoding"), "a body of known length is not sent in chunks");
        }
    });
}

#[test]
fn a_name_with_an_escape_in_it_is_read_and_replaced() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let body = r#"{"model":"u\u0070:\u006d","messages":[]}"#;
        Ask::post_bytes(CHAT, body).send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request(CHAT).await.body, r#"{"model":"m","messages":[]}"#);
    });
}

#[test]
fn a_body_in_chunks_arrives_whole() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let mut raw = Raw::connect(gateway.port()).await;
        let host = format!("127.0.0.1:{}", gateway.port());
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
        raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n9\r\n{{\"model\":\r\n")).await;
        raw.send("12\r\n\"m\",\"messages\":[]}\r\n0\r\n\r\n").await;
        assert_eq!(raw.answer().await.status, 200);
        assert_eq!(up.request(CHAT).await.body, r#"{"model":"m","messages":[]}"#);
    });
}

#[test]
fn every_protocol_reaches_its_own_path_unchanged() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let rows = [
            (CHAT, json!({"model": "m", "messages": [], "tools": [], "my_field": 1})),
            ("/v1/completions", json!({"model": "m", "prompt": "x", "my_field": 1})),
            ("/v1/embeddings", json!({"model": "m", "input": ["x"], "my_field": 1})),
            ("/v1/responses", json!({"model": "m", "input": "x", "my_field": 1})),
            ("/v1/messages", json!({"model": "m", "max_tokens": 1, "messages": [], "my_field": 1})),
            ("/v1/messages/count_tokens", json!({"model": "m", "messages": [], "my_field": 1})),
            (
                "/api/chat",
                json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": false, "my_field": 1}),
            ),
            ("/api/generate", json!({"model": "m", "prompt": "x", "stream": false, "my_field": 1})),
        ];
        for (path, body) in rows {
            gateway.post(path, &body).await.expect(200).await;
            assert_eq!(up.request(path).await.body, body.to_string(), "{path}");
        }
    });
}

#[test]
fn an_answer_keeps_every_byte() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let odd = "\t{ \"id\":\"x\",\"n\":1.50, \"choices\":[ ], \"e\":\"\\u00e9é\" ,\"model\":\"m\" }\n\n";
        for (status, framed) in [(200, true), (200, false), (400, true), (422, false), (404, true)] {
            let script = if framed {
                Script::whole(status, "application/json; charset=utf-8", odd)
            } else {
                Script::chunked(status, "application/json; charset=utf-8").send(&odd[..10]).send(&odd[10..])
            };
            up.on("POST", CHAT, script.header("X-Request-Id", "r-1"));
            let answer = gateway.post(CHAT, &chat("m")).await.expect(status).await;
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            assert_eq!(answer.header("x-request-id"), "r-1", "a header that belongs to the answer comes along");
            if framed {
                assert_eq!(answer.header("content-length"), odd.len().to_string());
            }
            assert_eq!(answer.text().await, odd, "status {status}");
        }
    });
}

#[test]
fn an_answer_that_ends_with_the_connection_keeps_every_byte() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::until_close(200, "application/json").send("{\"choices\"").send(":[]}"));
        assert_eq!(gateway.post(CHAT, &chat("m")).await.expect(200).await.text().await, "{\"choices\":[]}");
    });
}

#[test]
fn a_stream_keeps_every_byte() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let pieces = [
            ": a comment\n\n",
            "id: 7\nretry: 10\nevent: odd\r\ndata: {\"unknown\":1}\r\n\r\n",
            "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n",
            "\ndata: [DONE]\n\n",
        ];
        let script = pieces.iter().fold(Script::events(), |script, piece| script.send(*piece));
        up.on("POST", CHAT, script);
        let answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.text().await, pieces.concat());
    });
}

#[test]
fn a_stream_in_every_protocol_keeps_every_byte() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for surface in Surface::ALL {
            let body = surface.stream("m");
            let direct = Ask::post(surface.path(), &body).send(up.port()).await.text().await;
            let through = gateway.post(surface.path(), &body).await.expect(200).await.text().await;
            assert_eq!(through, direct, "{surface:?}");
        }
    });
}

#[test]
fn the_first_chunk_arrives_before_the_endpoint_sends_the_second() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let delta = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        up.on("POST", CHAT, Script::events().event(&delta("1")).gate().event(&delta("2")).gate().event(&end).done());
        let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert!(answer.event_line().await.is_some_and(|line| line.contains("\"1\"")), "sent before the first gate");
        up.go();
        assert!(answer.event_line().await.is_some_and(|line| line.contains("\"2\"")), "sent before the second gate");
        up.go();
        assert!(answer.text().await.ends_with("data: [DONE]\n\n"));
    });
}

#[test]
fn a_whole_answer_comes_in_the_pieces_in_which_it_was_sent() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::chunked(200, "application/json").send("{\"choices\":").gate().send("[]}"));
        let mut answer = gateway.post(CHAT, &chat("m")).await.expect(200).await;
        assert_eq!(answer.chunk().await.as_deref(), Some(&b"{\"choices\":"[..]));
        up.go();
        assert_eq!(answer.text().await, "[]}");
    });
}

/// An answer with every header that has no business beyond its own connection or its own origin.
fn hostile(script: Script) -> Script {
    script
        .header("Access-Control-Allow-Origin", "*")
        .header("Access-Control-Allow-Credentials", "true")
        .header("Access-Control-Allow-Headers", "*")
        .header("Access-Control-Allow-Methods", "*")
        .header("Access-Control-Allow-Private-Network", "true")
        .header("Access-Control-Expose-Headers", "*")
        .header("Access-Control-Max-Age", "86400")
        .header("Connection", "X-Named, keep-alive")
        .header("X-Named", "1")
        .header("Keep-Alive", "timeout=99")
        .header("Proxy-Authenticate", "Basic")
        .header("Proxy-Connection", "keep-alive")
        .header("Trailer", "X-Trailer")
        .header("Upgrade", "h2c")
        .header("Alt-Svc", "h2=\":443\"")
        .header("Set-Cookie", "session=1")
        .header("Strict-Transport-Security", "max-age=1")
}

#[test]
fn an_endpoints_cors_hop_and_connection_named_headers_stay_behind() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on_with("POST", CHAT, |request| hostile(fake::chat(request)));
        for body in [chat("m"), chat_stream("m")] {
            let answer = gateway.post(CHAT, &body).await.expect(200).await;
            for (name, value) in answer.headers() {
                let name = name.as_str();
                let known = name.starts_with("access-control-")
                    || ["x-named", "proxy-authenticate", "proxy-connection", "trailer", "upgrade", "alt-svc"]
                        .contains(&name)
                    || ["set-cookie", "strict-transport-security"].contains(&name)
                    || value == "timeout=99"
                    || value.to_str().is_ok_and(|value| value.contains("X-Named"));
                assert!(!known, "{name}: {value:?} belongs to the endpoint's own connection or origin");
            }
        }
    });
}

#[test]
fn a_clients_credentials_and_hop_headers_are_never_forwarded() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway =
            Gateway::over_with(&up, Options::new().top("allowed_origins = [\"http://localhost:3000\"]")).await;
        let secret = [
            ("cookie", "canary-cookie=1"),
            ("proxy-authorization", "Basic canary"),
            ("proxy-connection", "keep-alive"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-host", "canary.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=203.0.113.9"),
            ("x-real-ip", "203.0.113.9"),
            ("origin", "http://localhost:3000"),
            ("referer", "http://localhost:3000/canary"),
            ("te", "trailers"),
            ("connection", "x-named"),
            ("x-named", "canary"),
            ("upgrade", "h2c"),
        ];
        let plain = secret.iter().fold(Ask::post(CHAT, &chat("m")), |ask, (name, value)| ask.header(name, value));
        plain.send(gateway.port()).await.expect(200).await;
        let sent = up.request(CHAT).await;
        for (name, _) in secret.iter().filter(|(name, _)| *name != "connection") {
            assert!(!sent.has(name), "{name} went to the endpoint: {:?}", sent.headers);
        }
        assert!(!sent.text().contains("canary"), "{}", sent.text());
        assert_eq!(sent.header("host"), up.url().trim_start_matches("http://"), "the endpoint's own name");
    });
}

#[test]
fn no_form_of_client_key_is_forwarded() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let key = gateway.client_key("editor").await;
        let forms = ["x-api-key", "api-key", "x-goog-api-key"];
        let bearer = format!("Bearer {key}");
        let asks = std::iter::once(("authorization", bearer.as_str())).chain(forms.map(|form| (form, key.as_str())));
        for (nth, (name, value)) in asks.enumerate() {
            Ask::post(CHAT, &chat("m")).header(name, value).send(gateway.port()).await.expect(200).await;
            let sent = up.nth_request(CHAT, nth).await;
            assert!(!sent.has(name) && !sent.text().contains(&key), "{name} went to the endpoint: {}", sent.text());
        }
    });
}

#[test]
fn headers_that_belong_to_the_protocol_go_along() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let rows =
            [("anthropic-version", "2023-06-01"), ("anthropic-beta", "tools-2024-05-16,x"), ("openai-beta", "a=1")];
        let ask = Ask::post("/v1/messages", &Surface::Messages.body("m"));
        let ask = rows.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        ask.send(gateway.port()).await.expect(200).await;
        let sent = up.request("/v1/messages").await;
        for (name, value) in rows {
            assert_eq!(sent.header(name), value, "{name}");
        }
        assert_eq!(sent.header("content-type"), "application/json");
    });
}

#[test]
fn an_endpoints_own_key_replaces_the_clients() {
    bounded(async {
        let up = fake::speaks().await;
        let options = Options::new().variable("UP_KEY", "sk-upstream-1").endpoint_with(
            "up",
            &up.url(),
            &["m"],
            "key = \"env:UP_KEY\"",
        );
        let gateway = Gateway::start(options).await;
        gateway.ready("m").await;
        let key = gateway.client_key("editor").await;
        Ask::post(CHAT, &chat("m")).bearer(&key).send(gateway.port()).await.expect(200).await;
        let sent = up.request(CHAT).await;
        assert_eq!(sent.header("authorization"), "Bearer sk-upstream-1");
        assert!(!sent.text().contains(&key));
    });
}

#[test]
fn a_base_url_with_a_path_is_kept() {
    bounded(async {
        let up = Fake::new().await;
        up.on_with("POST", "/engines/v1/chat/completions", fake::chat);
        let base = format!("{}/engines", up.url());
        let gateway = Gateway::start(Options::new().endpoint("up", &base, "openai", &["m"])).await;
        gateway.ready("m").await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}
