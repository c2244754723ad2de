//! Which target answers when the first one fails: nothing is lost before the first byte, nothing is retried after it.

mod cooling;

use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Ask, Clogged, EVERY_PROTOCOL, Fake, Gateway, Options, Port, SAID, Script, Surface, bounded, chat, chat_stream,
    elsewhere, fake,
};

const CHAT: &str = "/v1/chat/completions";

/// Two endpoints, `first` and `second`, and a route `work` over both.
async fn two(first: &Fake, second: &Fake, options: Options) -> Gateway {
    let options = options
        .endpoint("first", &first.url(), EVERY_PROTOCOL, &["m"])
        .endpoint("second", &second.url(), EVERY_PROTOCOL, &["m"])
        .route("work", &["first:m", "second:m"]);
    let gateway = Gateway::start(options).await;
    gateway.until("both endpoints", |snapshot| snapshot.models.len() == 2).await;
    gateway
}

fn busy(status: u16) -> Script {
    Script::fault(status, &json!({"error": {"message": "not now", "type": "server_error", "code": status}}))
}

#[test]
fn a_target_that_answers_busy_or_broken_is_skipped() {
    bounded(async {
        for status in [429, 500, 502, 503, 504, 529] {
            let (first, second) = (fake::speaks().await, fake::speaks().await);
            let gateway = two(&first, &second, Options::new()).await;
            first.on("POST", CHAT, busy(status));
            let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "second/m", "{status}");
            assert_eq!(answer.header("x-pointsman-attempts"), "2", "{status}");
            assert_eq!(answer.header("x-pointsman-local"), "true", "{status}");
            assert_eq!(answer.json().await["choices"][0]["message"]["content"], SAID);
            assert_eq!(first.requests_for(CHAT).len(), 1, "asked once, not again");
        }
    });
}

#[test]
fn a_target_that_answers_at_once_is_the_first_attempt() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "first/m");
        assert_eq!(answer.header("x-pointsman-attempts"), "1");
        assert!(second.requests_for(CHAT).is_empty());
    });
}

#[test]
fn a_target_that_closes_without_an_answer_is_skipped_in_every_protocol() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        for surface in Surface::ALL {
            first.on("POST", surface.path(), Script::closes());
            let answer = gateway.post(surface.path(), &surface.stream("work")).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "second/m", "{surface:?}");
            assert!(answer.text().await.contains("switches"));
        }
    });
}

#[test]
fn a_target_that_refuses_is_skipped() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        // Stopped only now, so that the catalog still believes in it.
        first.stop().await;
        let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "second/m");
    });
}

#[test]
fn a_pooled_connection_that_the_endpoint_closed_costs_nothing() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        // The same port with a new server: what the gateway still holds open is dead.
        let port = up.stop().await;
        let up = fake::speaks_on(Fake::on_port(Port::take(port)));
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
        assert_eq!(up.requests_for(CHAT).len(), 1);
    });
}

#[test]
fn a_target_that_sends_nothing_in_time_is_skipped() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new().limit("first_byte_seconds = 1")).await;
        first.on("POST", CHAT, Script::hangs());
        for body in [chat("work"), chat_stream("work")] {
            let answer = gateway.post(CHAT, &body).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "second/m");
        }
        first.left().await;
    });
}

#[test]
fn a_stream_that_ends_before_its_first_byte_is_skipped() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        first.on("POST", CHAT, Script::events().cut());
        let answer = gateway.post(CHAT, &chat_stream("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "second/m", "a head is not yet a byte of the answer");
    });
}

#[test]
fn a_stream_that_begins_with_an_error_is_skipped() {
    bounded(async {
        let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "not now"}});
        for surface in [Surface::Chat, Surface::Messages, Surface::Responses] {
            let (first, second) = (fake::speaks().await, fake::speaks().await);
            let gateway = two(&first, &second, Options::new()).await;
            first.on("POST", surface.path(), Script::events().named("error", &error("overloaded_error")));
            let answer = gateway.post(surface.path(), &surface.stream("work")).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "second/m", "nothing was told yet: {surface:?}");
            assert!(answer.text().await.contains("switches"));
        }
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        first.on("POST", CHAT, Script::events().event(&error("invalid_request_error")));
        let answer = gateway.post(CHAT, &chat_stream("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "first/m", "another would say the same of a client's mistake");
        assert!(answer.text().await.contains("invalid_request_error"));
    });
}

#[test]
fn a_clients_own_mistake_is_not_tried_elsewhere() {
    bounded(async {
        for status in [400, 404, 413, 422] {
            let (first, second) = (fake::speaks().await, fake::speaks().await);
            let gateway = two(&first, &second, Options::new()).await;
            first.on("POST", CHAT, busy(status));
            let answer = gateway.post(CHAT, &chat("work")).await.expect(status).await;
            assert_eq!(answer.header("x-pointsman-target"), "first/m", "the answer is the first target's");
            assert!(second.requests_for(CHAT).is_empty(), "{status}");
        }
    });
}

#[test]
fn nothing_is_retried_after_the_first_byte() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "begun"}, "finish_reason": null}]});
        // Cut only once the client has the head: a fault that comes together with it may be told in place of it.
        first.on("POST", CHAT, Script::events().event(&delta).gate().cut());
        let answer = gateway.post(CHAT, &chat_stream("work")).await.expect(200).await;
        first.go();
        let text = answer.text().await;
        assert!(text.contains("begun") && text.contains("\"error\"") && !text.contains("[DONE]"), "{text}");
        first.on("POST", CHAT, Script::claiming(900, "application/json").send("{").gate().cut());
        let answer = gateway.post(CHAT, &chat("first:m")).await.expect(200).await;
        first.go();
        assert!(answer.whole().await.is_err(), "half an answer passed for a whole one");
        assert!(second.requests_for(CHAT).is_empty(), "the second target would repeat what was said");
    });
}

#[test]
fn when_every_target_fails_it_is_told_in_the_surfaces_own_shape() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        for surface in Surface::ALL {
            first.on("POST", surface.path(), Script::closes());
            second.on("POST", surface.path(), Script::closes());
            let answer = gateway.post(surface.path(), &surface.stream("work")).await.expect(502).await;
            assert_eq!(answer.header("x-pointsman-attempts"), "2", "{surface:?}");
            let message = surface.error(&answer.json().await);
            assert!(message.contains("second") || message.contains("first"), "it names a target: {message}");
        }
    });
}

#[test]
fn a_lone_targets_own_refusal_goes_to_the_client() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, busy(429).header("Retry-After", "7"));
        let answer = gateway.post(CHAT, &chat("m")).await.expect(429).await;
        assert_eq!(answer.header("retry-after"), "7", "the client learns when to come back");
        assert_eq!(answer.json().await["error"]["message"], "not now");
    });
}

#[test]
fn a_name_never_crosses_from_this_machine_to_elsewhere() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let (here, there) = (fake::speaks().await, fake::speaks_at(address));
        let gateway = here_and_there(&here, &there, Options::new()).await;
        let key = gateway.client_key("editor").await;
        for script in [Script::closes(), busy(503), busy(429)] {
            here.on("POST", CHAT, script);
            let answer = Ask::post(CHAT, &chat("m")).bearer(&key).send(gateway.port()).await;
            assert!(answer.status() >= 400, "{}", answer.status());
            assert!(there.requests_for(CHAT).is_empty(), "a prompt left the machine because a local model failed");
        }
        // In mid-stream less than ever.
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "begun"}, "finish_reason": null}]});
        here.on("POST", CHAT, Script::events().event(&delta).cut());
        let answer = Ask::post(CHAT, &chat_stream("m")).bearer(&key).send(gateway.port()).await;
        assert!(answer.text().await.contains("\"error\""));
        assert!(there.requests_for(CHAT).is_empty());
    });
}

#[test]
fn a_route_crosses_where_the_user_put_both() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let (here, there) = (fake::speaks().await, fake::speaks_at(address));
        let options = Options::new().route("work", &["here:m", "there:m"]);
        let gateway = here_and_there(&here, &there, options).await;
        let key = gateway.client_key("editor").await;
        here.on("POST", CHAT, Script::closes());
        let answer = Ask::post(CHAT, &chat("work")).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "there/m");
        assert_eq!(answer.header("x-pointsman-local"), "false");
        // Without a client key, only what stays on the machine may be asked.
        let before = there.requests_for(CHAT).len();
        let answer = gateway.post(CHAT, &chat("work")).await;
        assert!(answer.status() >= 400, "{}", answer.status());
        assert_eq!(there.requests_for(CHAT).len(), before, "a caller without a key spent the user's money");
    });
}

#[test]
fn local_only_mode_keeps_a_route_on_this_machine() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let (here, there) = (fake::speaks().await, fake::speaks_at(address));
        let options = Options::new().top("local_only = true").route("work", &["here:m", "there:m"]);
        let gateway = here_and_there(&here, &there, options).await;
        let key = gateway.client_key("editor").await;
        let ask = |model: &str| Ask::post(CHAT, &chat(model)).bearer(&key).send(gateway.port());
        ask("work").await.expect(200).await;
        here.on("POST", CHAT, Script::closes());
        assert!(ask("work").await.status() >= 400);
        let refused = ask("there:m").await.expect(403).await.json().await;
        assert_eq!(refused["error"]["code"], "local_only", "{refused}");
        assert_eq!(there.connections(), 0, "not even a probe left the machine");
    });
}

/// An endpoint `here` on the loopback, and one `there` that counts as elsewhere.
async fn here_and_there(here: &Fake, there: &Fake, options: Options) -> Gateway {
    let options = options.endpoint("here", &here.url(), "openai", &["m"]).endpoint_with(
        "there",
        &there.url(),
        &["m"],
        "allow_private = true",
    );
    let gateway = Gateway::start(options).await;
    gateway.until("both endpoints", |snapshot| snapshot.endpoints.len() == 2 && !snapshot.models.is_empty()).await;
    gateway
}

#[test]
fn connecting_has_an_end_of_its_own() {
    bounded(async {
        let (clogged, second) = (Clogged::new().await, fake::speaks().await);
        let options = Options::new()
            .endpoint("first", &clogged.url(), "openai", &["m"])
            .endpoint("second", &second.url(), "openai", &["m"])
            .limit("connect_ms = 300")
            .route("work", &["first:m", "second:m"]);
        let gateway = Gateway::start(options).await;
        gateway.until("`second`", |snapshot| snapshot.models.iter().any(|model| &*model.endpoint == "second")).await;
        let started = std::time::Instant::now();
        let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "second/m");
        assert!(started.elapsed() < Duration::from_secs(5), "after {:?}", started.elapsed());
    });
}

#[test]
fn what_was_tried_in_vain_is_kept_with_the_row() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        first.on("POST", CHAT, busy(429));
        gateway.post(CHAT, &chat("work")).await.expect(200).await.bytes().await;
        let rows = gateway.rows("its row", |rows| rows.len() == 1).await;
        let story = &rows[0]["story"];
        let missed = &story["missed"][0];
        assert_eq!(
            (&missed["endpoint"], &missed["model"], &missed["local"], &story["missed"][1]),
            (&json!("first"), &json!("m"), &json!(true), &json!(null)),
            "who answered stands in the row: {story}"
        );
        assert_eq!(missed["reason"], "it answered 429 Too Many Requests");
        assert!(
            missed["ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms * 1e3 <= rows[0]["total_us"].as_f64().unwrap_or(0.0))
        );

        // The first rests now, and who is asked first and answers has no story.
        gateway.post(CHAT, &chat("second:m")).await.expect(200).await.bytes().await;
        let rows = gateway.rows("two rows", |rows| rows.len() == 2).await;
        assert_eq!(rows[0]["story"], json!(null));

        // Nobody answers: both stand there.
        second.on("POST", CHAT, Script::closes());
        let gateway = two(&first, &second, Options::new()).await;
        gateway.post(CHAT, &chat("work")).await.bytes().await;
        let rows = gateway.rows("its row", |rows| rows.len() == 1).await;
        let missed = &rows[0]["story"]["missed"];
        assert_eq!((&missed[0]["endpoint"], &missed[1]["endpoint"]), (&json!("first"), &json!("second")), "{rows:?}");
    });
}

#[test]
fn what_could_not_be_told_is_kept_with_the_row() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::start(Options::new().endpoint("up", &up.url(), "openai", &["m"])).await;
        gateway.ready("m").await;
        for surface_stream in [false, true] {
            let mut body = if surface_stream { Surface::Messages.stream("m") } else { Surface::Messages.body("m") };
            body["top_k"] = json!(40);
            let answer = gateway.post(Surface::Messages.path(), &body).await.expect(200).await;
            let told = answer.header("x-pointsman-dropped").to_owned();
            answer.bytes().await;
            let rows = gateway.rows("its row", |rows| rows.len() == 1 + usize::from(surface_stream)).await;
            assert_eq!(rows[0]["story"]["dropped"], json!([told]), "as the header says it: {rows:?}");
        }
    });
}
