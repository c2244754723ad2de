//! What can go wrong between two protocols, told in the surface's own way.

use serde_json::{Value, json};

use super::surface::Surface;
use super::upstream::{self, Upstream};
use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, fake};

const SECRET: &str = "sk-upstream-0123456789";

/// Asks in a surface for a stream of one line.
async fn streams(gateway: &Gateway, surface: Surface) -> crate::harness::Answer {
    gateway.post(&surface.path("work", true), &surface.plain("work", "hi", true)).await
}

#[test]
fn a_stream_that_is_cut_ends_in_the_surfaces_own_error() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            let mut count = 0;
            for script in [upstream::begun(upstream).cut(), upstream::begun(upstream)] {
                upstream::always(&up, upstream, &script);
                for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                    let text = streams(&gateway, surface).await.expect(200).await.text().await;
                    let message = surface.broken(&text);
                    assert!(message.contains("broke off"), "{surface:?} to {upstream:?}: {message}");
                    count += 1;
                    let row = gateway.rows("a row", |rows| rows.len() == count).await.swap_remove(0);
                    assert_eq!(row["outcome"], "upstream_died", "{surface:?} to {upstream:?}: {row}");
                }
            }
        }
    });
}

#[test]
fn an_error_that_comes_first_is_a_status() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            let start = if upstream == Surface::Native { Script::lines() } else { Script::events() };
            upstream::always(&up, upstream, &upstream::fails(upstream, start, "out of steam"));
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                let answer = streams(&gateway, surface).await.expect(502).await;
                assert_eq!(answer.header("content-type"), "application/json");
                let target = format!("up/{}", upstream::model(upstream));
                assert_eq!(answer.header("x-pointsman-target"), target, "an error names who made it");
                let (message, _) = surface.error(&answer.json().await);
                assert!(message.contains("out of steam"), "{surface:?} to {upstream:?}: {message}");
            }
        }
    });
}

#[test]
fn an_error_that_comes_later_is_the_surfaces_event() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            let script = upstream::fails(upstream, upstream::begun(upstream), "out of steam");
            upstream::always(&up, upstream, &script);
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                let text = streams(&gateway, surface).await.expect(200).await.text().await;
                let message = surface.broken(&text);
                assert!(message.contains("out of steam"), "{surface:?} to {upstream:?}: {message}");
            }
        }
    });
}

#[test]
fn an_error_in_a_whole_answer_with_status_200_is_an_error() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            upstream::always(&up, upstream, &Script::json(&upstream::fault(upstream, "out of steam")));
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                for stream in [false, true] {
                    let path = surface.path("work", stream);
                    let answer = gateway.post(&path, &surface.plain("work", "hi", stream)).await.expect(502).await;
                    let (message, _) = surface.error(&answer.json().await);
                    assert!(message.contains("out of steam"), "{surface:?} to {upstream:?}: {message}");
                }
            }
        }
    });
}

#[test]
fn an_overloaded_target_costs_the_client_nothing() {
    bounded(async {
        for (first, second) in [
            (Surface::Messages, Surface::Chat),
            (Surface::Chat, Surface::Gemini),
            (Surface::Gemini, Surface::Native),
            (Surface::Native, Surface::Responses),
            (Surface::Responses, Surface::Messages),
        ] {
            let (busy, able) = (Fake::new().await, upstream::speaks(second).await);
            let targets = [format!("busy:{}", upstream::model(first)), format!("able:{}", upstream::model(second))];
            for (status, surface) in [(429, Surface::Chat), (500, Surface::Messages), (503, Surface::Native)] {
                let options = Options::new()
                    .endpoint("busy", &busy.url(), first.id(), &[upstream::model(first)])
                    .endpoint("able", &able.url(), second.id(), &[upstream::model(second)])
                    .route("work", &targets.each_ref().map(String::as_str));
                let gateway = Gateway::start(options).await;
                gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
                upstream::always(&busy, first, &Script::fault(status, &upstream::fault(first, "busy")));
                let answer = streams(&gateway, surface).await.expect(200).await;
                assert_eq!(answer.header("x-pointsman-target"), targets[1].replace(':', "/"), "{first:?} {status}");
                assert_eq!(answer.header("x-pointsman-attempts"), "2");
                surface.stream(&answer.text().await);
            }
        }
    });
}

#[test]
fn the_last_targets_own_refusal_is_told_with_its_wish_to_wait() {
    bounded(async {
        let up = Fake::new().await;
        let gateway = upstream::over(&up, Surface::Messages).await;
        let script = Script::fault(429, &upstream::fault(Surface::Messages, "slow down")).header("Retry-After", "7");
        upstream::always(&up, Surface::Messages, &script);
        for surface in [Surface::Chat, Surface::Responses, Surface::Gemini, Surface::Native] {
            let answer = streams(&gateway, surface).await.expect(429).await;
            assert_eq!(answer.header("retry-after"), "7", "{surface:?}");
            let (message, _) = surface.error(&answer.json().await);
            assert!(message.contains("slow down"), "{surface:?}: {message}");
        }
    });
}

#[test]
fn a_prompt_that_is_too_long_is_told_as_that() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = Fake::new().await;
            let gateway = upstream::over(&up, upstream).await;
            for (status, as_stream) in [(400, false), (200, true)] {
                let script = match (as_stream, upstream) {
                    (false, _) => Script::fault(status, &upstream::too_long(upstream)),
                    (true, Surface::Native) => Script::lines().line(&upstream::too_long(upstream)),
                    (true, _) => Script::events().event(&upstream::too_long(upstream)),
                };
                upstream::always(&up, upstream, &script);
                for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                    let answer = streams(&gateway, surface).await.expect(400).await;
                    exceeded(surface, &answer.json().await);
                }
            }
        }
    });
}

/// The error is the one by which the surface's clients know that they must shorten the prompt.
#[track_caller]
pub(super) fn exceeded(surface: Surface, body: &Value) {
    let (message, code) = surface.error(body);
    assert!(message.contains("longer than the context"), "{surface:?}: {body}");
    match surface {
        Surface::Chat | Surface::Responses => assert_eq!(code, "context_length_exceeded", "{body}"),
        // Claude Code looks for the words.
        Surface::Messages => {
            assert_eq!(code, "invalid_request_error", "{body}");
            assert!(message.starts_with("prompt is too long"), "{body}");
        }
        Surface::Gemini => assert_eq!(code, "INVALID_ARGUMENT", "{body}"),
        Surface::Native => {}
    }
}

/// A gateway over one endpoint that is given a credential, and a client's key for it.
async fn keyed(up: &Fake, upstream: Upstream) -> (Gateway, String) {
    let (name, target) = (upstream::model(upstream), format!("up:{}", upstream::model(upstream)));
    let table = format!(
        "[[endpoints]]\nname = \"up\"\nbase_url = \"{}\"\nprotocol = \"{}\"\nmodels = [\"{name}\"]\nkey = \"env:UP_KEY\"",
        up.url(),
        upstream.id()
    );
    let options = Options::new().variable("UP_KEY", SECRET).table(&table).route("work", &[&target]);
    let gateway = Gateway::start(options).await;
    gateway.ready(name).await;
    let key = gateway.client_key("editor").await;
    (gateway, key)
}

#[test]
fn a_refused_credential_is_our_fault_and_stays_ours() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = Fake::new().await;
            let (gateway, key) = keyed(&up, upstream).await;
            let said = format!("Incorrect API key provided: {SECRET}.");
            upstream::always(&up, upstream, &Script::fault(401, &upstream::fault(upstream, &said)));
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                let ask = Ask::post(&surface.path("work", false), &surface.plain("work", "hi", false)).bearer(&key);
                let answer = ask.send(gateway.port()).await.expect(502).await;
                assert!(!format!("{:?}", answer.headers()).contains(SECRET), "{surface:?} to {upstream:?}");
                let text = answer.text().await;
                assert!(text.contains("Incorrect API key"), "{surface:?} to {upstream:?}: {text}");
                assert!(!text.contains(SECRET), "{surface:?} to {upstream:?}: {text}");
            }
            let sent = up.requests().pop().expect("a request");
            let headers = sent.headers.iter().filter(|(_, value)| value.contains(SECRET)).count();
            assert_eq!(headers, 1, "{upstream:?}: it goes in one header: {:?}", sent.headers);
            assert!(!sent.text().contains(&key), "{upstream:?}: the client's key stays here");
            assert!(!gateway.log().contains(SECRET), "{upstream:?}: the log knows no credential");
        }
    });
}

#[test]
fn a_credential_that_is_repeated_is_taken_out() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = Fake::new().await;
            let (gateway, key) = keyed(&up, upstream).await;
            let leaky = |request: &fake::Recorded| {
                // Whatever header it came in.
                let header = request.headers.iter().find(|(_, value)| value.contains(SECRET)).cloned();
                header.map(|(_, value)| value.trim_start_matches("Bearer ").to_owned()).unwrap_or_default()
            };
            for streams in [false, true] {
                up.on_with("POST", &upstream::path(upstream, streams), move |request| {
                    let asked = request.json()["stream"] == true || request.path().contains(":stream");
                    let script = if asked { upstream::stream(upstream) } else { upstream::whole(upstream) };
                    script.replaced(upstream::TEXT.split_at(4).1, &leaky(request))
                });
            }
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                for stream in [false, true] {
                    let body = surface.plain("work", "hi", stream);
                    let ask = Ask::post(&surface.path("work", stream), &body).bearer(&key);
                    let text = ask.send(gateway.port()).await.expect(200).await.text().await;
                    assert!(!text.contains(SECRET), "{surface:?} to {upstream:?}: {text}");
                    assert!(text.contains("redacted"), "{surface:?} to {upstream:?}: {text}");
                }
            }
        }
    });
}

#[test]
fn a_client_that_leaves_takes_the_upstreams_request_with_it() {
    bounded(async {
        let mut left = 0;
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            upstream::always(&up, upstream, &upstream::begun(upstream).hang());
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                let mut answer = streams(&gateway, surface).await.expect(200).await;
                while answer.event_line().await.is_some_and(|line| !line.contains("Let")) {}
                answer.leave();
                up.left_again(left).await;
                left += 1;
                let row = gateway.rows("a row", |rows| rows.len() == left).await.swap_remove(0);
                assert_eq!(row["outcome"], "client_gone", "{surface:?} to {upstream:?}: {row}");
            }
            left = 0;
        }
    });
}

#[test]
fn pieces_come_as_soon_as_the_upstream_sends_them() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            upstream::always(&up, upstream, &upstream::begun(upstream).gate().cut());
            for surface in Surface::ALL.into_iter().filter(|surface| *surface != upstream) {
                let mut answer = streams(&gateway, surface).await.expect(200).await;
                // Before the gate is opened: nothing waits for the end.
                while !answer.event_line().await.expect("the text's second half").contains("look.") {}
                up.go();
                answer.bytes().await;
            }
        }
    });
}

#[test]
fn what_no_protocol_carries_across_is_refused() {
    bounded(async {
        let up = upstream::speaks(Surface::Messages).await;
        let gateway = upstream::over(&up, Surface::Messages).await;
        let body = json!({"model": "work", "query": "a", "documents": ["b"]});
        let error = gateway.post("/v1/rerank", &body).await.expect(501).await.json().await;
        let (message, code) = Surface::Chat.error(&error);
        assert!(message.contains("up") && message.contains("Anthropic"), "who, and what it speaks: {message}");
        assert_eq!(code, "not_supported_by_target");
        let form = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwork\r\n\
                    --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nx\r\n--b--\r\n";
        let ask =
            Ask::new("POST", "/v1/audio/transcriptions").header("content-type", "multipart/form-data; boundary=b");
        ask.body(form).send(gateway.port()).await.expect(501).await;
        let body = json!({"model": "work", "input": "a"});
        gateway.post("/v1/embeddings", &body).await.expect(501).await;
        assert!(up.requests().iter().all(|request| request.method == "GET"), "nobody is asked what he cannot answer");
    });
}

#[test]
fn what_would_change_the_meaning_is_refused_or_asked_of_another() {
    bounded(async {
        let (strict, able) = (upstream::speaks(Surface::Responses).await, upstream::speaks(Surface::Messages).await);
        let targets = [("strict", Surface::Responses), ("able", Surface::Messages)]
            .map(|(name, upstream)| format!("{name}:{}", upstream::model(upstream)));
        let options = Options::new()
            .endpoint("strict", &strict.url(), "openai-responses", &[upstream::model(Surface::Responses)])
            .endpoint("able", &able.url(), "anthropic", &[upstream::model(Surface::Messages)])
            .route("one", &[&targets[0]])
            .route("both", &[&targets[0], &targets[1]]);
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let mut body = Surface::Chat.plain("one", "hi", false);
        body["stop"] = json!(["END"]);
        let error = gateway.post("/v1/chat/completions", &body).await.expect(400).await.json().await;
        let (message, code) = Surface::Chat.error(&error);
        assert!(message.contains("`stop`") && code == "unsupported_value", "{error}");
        body["model"] = "both".into();
        let answer = gateway.post("/v1/chat/completions", &body).await.expect(200).await;
        assert!(answer.header("x-pointsman-target").starts_with("able/"), "another target may be told it");
    });
}
