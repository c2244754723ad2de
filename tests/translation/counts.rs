//! A prompt counted without an answer: by whoever counts, else estimated and said so.

use serde_json::{Value, json};

use super::surface::Surface;
use super::upstream::{self, Upstream};
use crate::harness::{Answer, Gateway, Script, bounded};

/// Asks both surfaces that have such a thing; gives what they count.
async fn counted(gateway: &Gateway, surface: Surface) -> (u64, Answer) {
    let (path, name) = match surface {
        Surface::Gemini => ("/v1beta/models/work:countTokens", "totalTokens"),
        _ => ("/v1/messages/count_tokens", "input_tokens"),
    };
    let mut body = surface.full("work", false);
    if surface == Surface::Gemini {
        // Tools and system texts are counted only in this form.
        body["model"] = "models/work".into();
        body = json!({ "generateContentRequest": body });
    }
    let answer = gateway.post(path, &body).await.expect(200).await;
    let estimated = answer.header("x-pointsman-estimated").to_owned();
    let target = answer.header("x-pointsman-target").to_owned();
    let again = gateway.post(path, &body).await;
    assert_eq!((again.header("x-pointsman-estimated"), again.header("x-pointsman-target")), (&*estimated, &*target));
    let count: Value = answer.json().await;
    (count[name].as_u64().unwrap_or_else(|| panic!("{surface:?}: no count: {count}")), again)
}

#[test]
fn by_an_upstream_that_counts() {
    bounded(async {
        for (upstream, path, answer) in [
            (Surface::Messages, "/v1/messages/count_tokens", json!({"input_tokens": 31})),
            (Surface::Gemini, "/v1beta/models/gemini-3-pro:countTokens", json!({"totalTokens": 31})),
        ] {
            let up = upstream::speaks(upstream).await;
            up.on("POST", path, Script::json(&answer));
            let gateway = upstream::over(&up, upstream).await;
            for surface in [Surface::Messages, Surface::Gemini] {
                let (count, answer) = counted(&gateway, surface).await;
                assert_eq!(count, 31, "{surface:?} of {upstream:?}");
                assert!(!answer.has("x-pointsman-estimated"), "{surface:?} of {upstream:?}");
                let sent = up.requests_for(path).pop().expect("it is asked").json();
                let text = sent.to_string();
                for part in ["Be brief.", "get_weather", "What is this?"] {
                    assert!(text.contains(part), "{surface:?} of {upstream:?}: {part} is counted: {text}");
                }
                if surface != upstream {
                    assert!(!text.contains("\"max_tokens\""), "what only an answer needs is refused there: {text}");
                }
            }
        }
    });
}

#[test]
fn by_estimate_where_nobody_counts() {
    bounded(async {
        for upstream in [Upstream::Chat, Upstream::Responses, Upstream::Native] {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            for surface in [Surface::Messages, Surface::Gemini] {
                let (count, answer) = counted(&gateway, surface).await;
                assert!(
                    (1000..1200).contains(&count),
                    "{surface:?} of {upstream:?}: an image and a few words: {count}"
                );
                assert_eq!(answer.header("x-pointsman-estimated"), "true");
                assert_eq!(answer.header("x-pointsman-target"), format!("up/{}", upstream::model(upstream)));
            }
            assert!(up.requests().iter().all(|request| request.method == "GET"), "an estimate asks nobody");
        }
    });
}
