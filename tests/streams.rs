//! Streams that do not end as they should: clients that leave, endpoints that die, readers that are slow.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Gateway, Options, Script, Surface, bounded, chat, chat_stream, fake};

const CHAT: &str = "/v1/chat/completions";

/// How soon an endpoint must notice that its client's client has left.
const AT_ONCE: Duration = Duration::from_secs(1);

fn delta(text: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

/// The beginning of an answer in a surface's own protocol.
fn begun(surface: Surface) -> Script {
    match surface {
        Surface::Chat => Script::events().event(&delta("begun")),
        Surface::Responses => Script::events()
            .named(
                "response.created",
                &json!({"type": "response.created", "sequence_number": 0, "response": {"id": "r"}}),
            )
            .named("response.output_text.delta", &json!({"type": "response.output_text.delta", "delta": "begun"})),
        Surface::Messages => Script::events()
            .named(
                "message_start",
                &json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}}),
            )
            .named(
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "begun"}}),
            ),
        Surface::Native => Script::lines()
            .line(&json!({"model": "m", "message": {"role": "assistant", "content": "begun"}, "done": false})),
    }
}

/// Fails unless the last thing in a stream is this surface's own error, and nothing says that it is complete.
#[track_caller]
fn told(surface: Surface, text: &str) -> String {
    assert!(text.contains("begun"), "what came before the fault was delivered: {text}");
    for end in ["[DONE]", "message_stop", "response.completed", "\"done\":true", "\"finish_reason\":\"stop\""] {
        assert!(!text.contains(end), "{surface:?}: it ends as if complete: {text}");
    }
    let last =
        text.trim_end().rsplit(if surface == Surface::Native { "\n" } else { "\n\n" }).next().unwrap_or_default();
    let data = match surface {
        Surface::Chat => last.strip_prefix("data: "),
        Surface::Responses | Surface::Messages => last.strip_prefix("event: error\ndata: "),
        Surface::Native => Some(last),
    };
    let data = data.unwrap_or_else(|| panic!("{surface:?}: the last event is no error: {last}"));
    let error: Value = serde_json::from_str(data).unwrap_or_else(|fault| panic!("{fault}: {data}"));
    let message = match surface {
        Surface::Chat => {
            assert!(error["error"]["type"].is_string() && error["error"]["code"].is_string(), "{error}");
            &error["error"]["message"]
        }
        Surface::Responses => {
            assert_eq!(error["type"], "error", "{error}");
            assert!(error.get("code").is_some(), "{error}");
            &error["message"]
        }
        Surface::Messages => {
            assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!("api_error")), "{error}");
            &error["error"]["message"]
        }
        Surface::Native => &error["error"],
    };
    let message = message.as_str().unwrap_or_else(|| panic!("an error without a message: {error}"));
    assert!(message.contains("up"), "it names the endpoint: {message}");
    message.to_owned()
}

#[test]
fn a_client_that_leaves_in_mid_stream_closes_the_endpoints_connection_at_once() {
    bounded(async {
        for surface in Surface::ALL {
            let up = fake::speaks().await;
            let gateway = Gateway::over(&up).await;
            up.on("POST", surface.path(), begun(surface).hang());
            let mut answer = gateway.post(surface.path(), &surface.stream("m")).await.expect(200).await;
            assert!(answer.event_line().await.is_some());
            let gone = answer.leave();
            let noticed = up.left().await.saturating_duration_since(gone);
            assert!(noticed < AT_ONCE, "{surface:?}: after {noticed:?}");
        }
    });
}

#[test]
fn a_client_that_leaves_before_the_first_byte_closes_the_endpoints_connection_at_once() {
    bounded(async {
        for body in [chat("m"), chat_stream("m")] {
            let up = fake::speaks().await;
            let gateway = Gateway::over(&up).await;
            up.on("POST", CHAT, Script::hangs());
            let port = gateway.port();
            let asking = tokio::spawn(async move { crate::harness::Ask::post(CHAT, &body).send(port).await });
            up.request(CHAT).await;
            asking.abort();
            let gone = std::time::Instant::now();
            let noticed = up.left().await.saturating_duration_since(gone);
            assert!(noticed < AT_ONCE, "after {noticed:?}");
        }
    });
}

#[test]
fn a_client_that_leaves_in_mid_answer_closes_the_endpoints_connection_at_once() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::chunked(200, "application/json").send("{\"choices\":").hang());
        let mut answer = gateway.post(CHAT, &chat("m")).await.expect(200).await;
        assert!(answer.chunk().await.is_some());
        let gone = answer.leave();
        let noticed = up.left().await.saturating_duration_since(gone);
        assert!(noticed < AT_ONCE, "after {noticed:?}");
    });
}

#[test]
fn an_endpoint_that_dies_in_mid_stream_is_told_in_every_protocol() {
    bounded(async {
        for surface in Surface::ALL {
            let up = fake::speaks().await;
            let gateway = Gateway::over(&up).await;
            for (how, script) in [("cut", begun(surface).gate().cut()), ("reset", begun(surface).gate().reset())] {
                up.on("POST", surface.path(), script);
                let mut answer = gateway.post(surface.path(), &surface.stream("m")).await.expect(200).await;
                let mut text = answer.line().await.expect("the first line");
                up.go();
                text.push('\n');
                text.push_str(&answer.text().await);
                told(surface, &text);
                assert!(!text.is_empty(), "{how}");
            }
        }
    });
}

#[test]
fn a_stream_that_ends_properly_but_too_soon_is_told_in_every_protocol() {
    // What Ollama does when its runner dies, seen on `/v1`: the stream just ends, with a proper last chunk.
    bounded(async {
        for surface in Surface::ALL {
            let up = fake::speaks().await;
            let gateway = Gateway::over(&up).await;
            up.on("POST", surface.path(), begun(surface));
            let text = gateway.post(surface.path(), &surface.stream("m")).await.expect(200).await.text().await;
            told(surface, &text);
        }
    });
}

#[test]
fn an_event_that_breaks_off_in_its_middle_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, begun(Surface::Chat).send("data: {\"choices\":[{\"ind").cut());
        let text = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await.text().await;
        // The half event may go out before it is known to be one; the error must still be an event of its own.
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        assert!(last.starts_with("data: {\"error\":"), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
    });
}

#[test]
fn a_stream_without_done_but_with_a_finish_is_complete() {
    // transformers serve and MLflow's gateway never send `[DONE]`.
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        up.on("POST", CHAT, begun(Surface::Chat).event(&end));
        let text = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await.text().await;
        assert_eq!(text, format!("data: {}\n\ndata: {end}\n\n", delta("begun")), "not a byte more");
    });
}

#[test]
fn an_error_that_the_endpoint_tells_in_mid_stream_goes_through_and_is_not_told_twice() {
    // llama.cpp: `data: {"error":…}`, then the end, with no `[DONE]`.
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let error = json!({"error": {"code": 500, "message": "out of slots", "type": "server_error"}});
        up.on("POST", CHAT, begun(Surface::Chat).event(&error));
        let text = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await.text().await;
        assert_eq!(text.matches("\"error\"").count(), 1, "{text}");
        assert!(text.contains("out of slots") && !text.contains("[DONE]"), "{text}");
    });
}

#[test]
fn an_endpoint_that_falls_silent_in_mid_stream_is_told() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().limit("idle_seconds = 1")).await;
        up.on("POST", CHAT, begun(Surface::Chat).hang());
        let text = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await.text().await;
        told(Surface::Chat, &text);
        up.left().await;
    });
}

#[test]
fn a_whole_answer_that_is_cut_breaks_the_clients_connection() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for surface in Surface::ALL {
            for script in [
                Script::claiming(1000, "application/json").send("{\"choices\":[").gate().cut(),
                Script::chunked(200, "application/json").send("{\"choices\":[").gate().cut(),
                Script::chunked(200, "application/json").send("{\"choices\":[").gate().reset(),
            ] {
                up.on("POST", surface.path(), script);
                let mut body = surface.body("m");
                if surface == Surface::Responses {
                    // One that is kept is collected before the client hears of it.
                    body["store"] = false.into();
                }
                let answer = gateway.post(surface.path(), &body).await.expect(200).await;
                up.go();
                assert!(answer.whole().await.is_err(), "{surface:?}: half an answer passed for a whole one");
            }
        }
    });
}

#[test]
fn a_slow_reader_holds_the_endpoint_back() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let event = format!("data: {}\n\n", delta(&"x".repeat(8000)));
        up.on("POST", CHAT, Script::events().forever(event, 256 << 20));
        let mut answer = gateway.post(CHAT, &chat_stream("m")).await.expect(200).await;
        assert!(answer.chunk().await.is_some());
        let sent = up.stalled().await;
        assert!(sent < 32 << 20, "{sent} bytes were taken from the endpoint while the client read nothing");
        #[cfg(target_os = "linux")]
        {
            let peak = gateway.peak_memory() >> 20;
            assert!(peak < 200, "{peak} MiB to hold a stream that nobody reads");
        }
        let gone = answer.leave();
        let noticed = up.left().await.saturating_duration_since(gone);
        assert!(noticed < AT_ONCE, "after {noticed:?}");
    });
}

#[test]
fn other_requests_go_on_beside_a_slow_reader() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", "/v1/completions", Script::events().forever(vec![b'\n'; 65_536], 256 << 20));
        let body = json!({"model": "m", "prompt": "x", "stream": true});
        let mut answer = gateway.post("/v1/completions", &body).await.expect(200).await;
        assert!(answer.chunk().await.is_some());
        up.stalled().await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}
