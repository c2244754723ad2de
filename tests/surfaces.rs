//! What each surface says when it must refuse, in its own shape, and what is never passed on.

use serde_json::json;

use crate::harness::{Ask, Gateway, Options, Script, Surface, bounded, chat, fake};

#[test]
fn routes_that_change_an_ollamas_state_are_refused() {
    bounded(async {
        let ollama = fake::ollama(&["qwen3:8b"]).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        gateway.ready("qwen3:8b").await;
        let seen = ollama.requests().len();
        let rows = [
            ("POST", "/api/pull"),
            ("DELETE", "/api/delete"),
            ("POST", "/api/create"),
            ("POST", "/api/copy"),
            ("POST", "/api/push"),
            ("POST", "/api/blobs/sha256:00"),
            ("HEAD", "/api/blobs/sha256:00"),
        ];
        for (method, path) in rows {
            let body = json!({"model": "qwen3:8b", "source": "qwen3:8b", "destination": "x", "stream": false});
            let ask = Ask::new(method, path).header("content-type", "application/json");
            let ask = if method == "HEAD" { ask } else { ask.body(body.to_string()) };
            let answer = ask.send(gateway.port()).await;
            assert_eq!(answer.status(), 403, "{method} {path}");
            if method != "HEAD" {
                let message = Surface::Native.error(&answer.json().await);
                assert!(message.contains("not offered"), "{path}: {message}");
            }
        }
        let asked: Vec<_> =
            ollama.requests().into_iter().skip(seen).filter(|request| request.method != "GET").collect();
        assert!(asked.is_empty(), "{asked:?}");
    });
}

#[test]
fn a_body_that_only_loads_or_unloads_is_refused_too() {
    // `keep_alive: 0` without a question unloads the model under everyone else.
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for (path, question) in
            [("/api/generate", json!({"prompt": "x"})), ("/api/chat", json!({"messages": [{"role": "user"}]}))]
        {
            for keep in [json!(0), json!("0s"), json!(-1)] {
                let mut body = json!({"model": "m", "keep_alive": keep, "stream": false});
                let answer = gateway.post(path, &body).await.expect(403).await;
                assert!(Surface::Native.error(&answer.json().await).contains("not offered"), "{path}");
                // With a question it is a tool's own matter how long its model stays.
                body.as_object_mut().expect("an object").extend(question.as_object().expect("one").clone());
                gateway.post(path, &body).await.expect(200).await;
            }
            assert_eq!(up.requests_for(path).len(), 3, "{path}");
        }
    });
}

#[test]
fn the_users_order_holds_whatever_the_targets_speak() {
    bounded(async {
        let (plain, able) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new()
            .endpoint("plain", &plain.url(), "openai", &["m"])
            .endpoint("able", &able.url(), "anthropic", &["m"])
            .route("work", &["plain:m", "able:m"]);
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        for surface in Surface::ALL {
            let answer = gateway.post(surface.path(), &surface.body("work")).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "plain/m", "{surface:?} is translated for it");
        }
    });
}

#[test]
fn an_unknown_path_is_told_in_the_shape_of_its_surface() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        let rows = [
            (Surface::Chat, "/v1/nope"),
            (Surface::Chat, "/v1/fine_tuning/jobs"),
            (Surface::Native, "/api/nope"),
            (Surface::Chat, "/nope"),
            (Surface::Chat, "/v1/chat/completions/"),
        ];
        for (surface, path) in rows {
            let answer = gateway.post(path, &json!({"model": "m"})).await.expect(404).await;
            assert_eq!(answer.header("content-type"), "application/json", "{path}");
            surface.error(&answer.json().await);
        }
        let gemini = gateway.get("/v1beta/nope").await.expect(404).await.json().await;
        let error = &gemini["error"];
        assert_eq!((&error["code"], &error["status"]), (&json!(404), &json!("NOT_FOUND")), "{gemini}");
    });
}

#[test]
fn a_wrong_method_is_told_with_the_right_one() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for surface in Surface::ALL {
            for method in ["GET", "PUT", "DELETE", "PATCH"] {
                let answer = Ask::new(method, surface.path()).send(gateway.port()).await;
                assert_eq!(answer.status(), 405, "{method} {}", surface.path());
                assert_eq!(answer.header("allow"), "POST", "{surface:?}");
                surface.error(&answer.json().await);
            }
        }
        for path in ["/v1/models", "/api/tags", "/api/version"] {
            gateway.post(path, &json!({})).await.expect(405).await;
        }
    });
}

#[test]
fn a_body_that_is_no_json_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for surface in Surface::ALL {
            for body in ["", "{", "[]", "\"m\"", "nope", "{\"model\":\"m\"", "{\"model\":\"m\"} x", "\u{0}"] {
                let ask = Ask::post_bytes(surface.path(), body.to_owned());
                let answer = ask.send(gateway.port()).await;
                assert_eq!(answer.status(), 400, "{surface:?}: {body:?}");
                surface.error(&answer.json().await);
            }
            assert!(up.requests_for(surface.path()).is_empty());
        }
    });
}

#[test]
fn a_body_that_is_too_large_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().limit("body_bytes = 1000")).await;
        let mut body = chat("m");
        body["pad"] = "x".repeat(2000).into();
        let error = gateway.post("/v1/chat/completions", &body).await.expect(413).await.json().await;
        assert_eq!(error["error"]["code"], "body_too_large");
        body["pad"] = "x".into();
        gateway.post("/v1/chat/completions", &body).await.expect(200).await;
    });
}

#[test]
fn an_endpoints_error_in_another_shape_is_still_its_own() {
    // LM Studio answers errors as a string, and some of them with 200: forwarded as they are, byte for byte.
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let body = json!({"error": "The number of tokens to keep from the initial prompt is greater than the context"});
        for status in [200, 400] {
            up.on("POST", "/v1/chat/completions", Script::whole(status, "application/json", body.to_string()));
            let answer = gateway.post("/v1/chat/completions", &chat("m")).await.expect(status).await;
            assert_eq!(answer.json().await, body);
        }
    });
}

#[test]
fn a_query_that_tools_add_is_no_fault() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post("/v1/messages?beta=true", &Surface::Messages.body("m")).await.expect(200).await;
        gateway.get("/v1/models?limit=1000").await.expect(200).await;
    });
}

#[test]
fn every_answer_names_its_run() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let instance = gateway.until("a snapshot", |_| true).await.instance;
        for path in ["/v1/models", "/nope", "/api/version", "/"] {
            assert_eq!(gateway.get(path).await.header("x-pointsman-instance"), instance, "{path}");
        }
        let answer = gateway.post("/v1/chat/completions", &chat("m")).await;
        assert_eq!(answer.header("x-pointsman-instance"), instance);
    });
}

#[test]
fn a_request_that_came_through_pointsman_before_is_refused() {
    bounded(async {
        let path = "/v1/chat/completions";
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post(path, &chat("m")).await.expect(200).await;
        // An endpoint that leads back here sends what it heard, headers and all.
        let heard = up.request(path).await;
        let own = ["host", "content-length", "content-type"];
        let back = heard.headers.iter().filter(|(name, _)| !own.contains(&&**name));
        let ask = back.fold(Ask::post_bytes(path, heard.body.clone()), |ask, (name, value)| ask.header(name, value));
        let error = ask.send(gateway.port()).await.expect(508).await.json().await;
        assert_eq!(error["error"]["code"], "loop_detected");
    });
}
