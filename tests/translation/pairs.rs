//! Every surface to every upstream with everything in one request: tools, an image, a schema, thinking.

use serde_json::{Value, json};

use super::surface::{IMAGE, Said, Surface};
use super::upstream::{self, TEXT, THOUGHT, TOKENS, Upstream};
use crate::harness::fake::Recorded;
use crate::harness::{Fake, Gateway, bounded};

#[test]
fn everything_goes_there_and_back() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            let mut count = 0;
            for surface in Surface::ALL {
                for stream in [false, true] {
                    check(&gateway, &up, surface, upstream, stream).await;
                    count += 1;
                    let row = gateway.rows("a row", |rows| rows.len() == count).await.swap_remove(0);
                    let what = format!("{surface:?} to {upstream:?}, stream: {stream}: {row}");
                    assert_eq!((&row["surface"], &row["stream"]), (&json!(surface.id()), &json!(stream)), "{what}");
                    let counted = (&row["input_tokens"], &row["output_tokens"]);
                    assert_eq!(counted, (&json!(TOKENS.0), &json!(TOKENS.1)), "{what}");
                    assert_eq!((&row["outcome"], &row["status"]), (&json!("complete"), &json!(200)), "{what}");
                }
            }
        }
    });
}

async fn check(gateway: &Gateway, up: &Fake, surface: Surface, upstream: Upstream, stream: bool) {
    let what = format!("{surface:?} to {upstream:?}, stream: {stream}");
    let before = up.requests().len();
    let answer = gateway.post(&surface.path("work", stream), &surface.full("work", stream)).await.expect(200).await;
    assert_eq!(answer.header("x-pointsman-target"), format!("up/{}", upstream::model(upstream)), "{what}");
    assert_eq!((answer.header("x-pointsman-local"), answer.header("x-pointsman-attempts")), ("true", "1"), "{what}");
    let said = if stream {
        let kind = if surface == Surface::Native { "application/x-ndjson" } else { "text/event-stream" };
        assert_eq!(answer.header("content-type"), kind, "{what}");
        surface.stream(&answer.text().await)
    } else {
        assert!(answer.header("content-type").starts_with("application/json"), "{what}");
        surface.whole(&answer.json().await)
    };
    let calls = vec![("get_weather".to_owned(), json!({"city": "Oslo"}))];
    let finish = surface.called().to_owned();
    let expected = Said { thought: THOUGHT.into(), text: TEXT.into(), calls, finish, tokens: TOKENS };
    assert_eq!(said, expected, "{what}");
    let requests = up.requests();
    let request = requests.get(before).expect("the upstream is asked once");
    assert_eq!((requests.len(), request.path()), (before + 1, &*upstream::path(upstream, stream)), "{what}");
    asked(upstream, request, &what);
}

/// What the upstream was asked holds everything, in its own places.
fn asked(upstream: Upstream, request: &Recorded, what: &str) {
    let body = request.json();
    let text = body.to_string();
    for part in ["Be brief.", "What is this?", IMAGE, "get_weather", "Tells the weather.", "verdict"] {
        assert!(text.contains(part), "{what}: {part} is missing: {text}");
    }
    let (limit, schema, thinks): (&Value, &Value, &Value) = match upstream {
        Surface::Chat => {
            (&body["max_tokens"], &body["response_format"]["json_schema"]["schema"], &body["reasoning_effort"])
        }
        Surface::Responses => {
            (&body["max_output_tokens"], &body["text"]["format"]["schema"], &body["reasoning"]["effort"])
        }
        Surface::Messages => (&body["max_tokens"], &body["output_config"]["format"]["schema"], &body["thinking"]),
        Surface::Gemini => {
            let config = &body["generationConfig"];
            (&config["maxOutputTokens"], &config["responseJsonSchema"], &config["thinkingConfig"]["thinkingLevel"])
        }
        Surface::Native => (&body["options"]["num_predict"], &body["format"], &body["think"]),
    };
    assert_eq!(limit, 4096, "{what}: {text}");
    assert!(schema["properties"]["verdict"].is_object(), "{what}: the schema: {text}");
    assert!(!thinks.is_null() && *thinks != false, "{what}: thinking: {text}");
}

#[test]
fn what_cannot_be_said_is_named() {
    bounded(async {
        let check = async |surface: Surface, upstream: Upstream, more: Value, dropped: &[&str]| {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            for stream in [false, true] {
                let mut body = surface.plain("work", "hi", stream);
                body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
                let answer = gateway.post(&surface.path("work", stream), &body).await.expect(200).await;
                let named: Vec<&str> = answer.header("x-pointsman-dropped").split(", ").collect();
                for name in dropped {
                    assert!(named.contains(name), "{surface:?} to {upstream:?}: {name} is not in {named:?}");
                }
            }
        };
        let bias = json!({"logit_bias": {"7": 5}, "user": "u"});
        check(Surface::Chat, Surface::Gemini, bias.clone(), &["logit_bias", "user"]).await;
        check(Surface::Chat, Surface::Messages, bias, &["logit_bias"]).await;
        check(Surface::Messages, Surface::Responses, json!({"top_k": 5}), &["top_k"]).await;
        check(
            Surface::Gemini,
            Surface::Chat,
            json!({"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]}),
            &["safetySettings"],
        )
        .await;
        check(Surface::Native, Surface::Chat, json!({"keep_alive": "5m"}), &["keep_alive"]).await;
        check(Surface::Responses, Surface::Native, json!({"metadata": {"a": "b"}}), &["metadata"]).await;
        let up = upstream::speaks(Surface::Chat).await;
        let gateway = upstream::over(&up, Surface::Chat).await;
        let answer = gateway.post("/v1/messages", &Surface::Messages.plain("work", "hi", false)).await;
        assert!(!answer.has("x-pointsman-dropped"), "nothing was dropped, so nothing is named");
    });
}

#[test]
fn a_conversation_goes_on_after_its_tool_was_called() {
    bounded(async {
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            let gateway = upstream::over(&up, upstream).await;
            for surface in Surface::ALL {
                let first = gateway.post(&surface.path("work", false), &surface.full("work", false)).await;
                let answer = first.expect(200).await.json().await;
                let body = next(surface, surface.full("work", false), &answer);
                gateway.post(&surface.path("work", false), &body).await.expect(200).await.bytes().await;
                let requests = up.requests();
                let sent = requests.last().expect("a request").json().to_string();
                assert!(sent.contains("4 degrees"), "{surface:?} to {upstream:?}: the result goes along: {sent}");
                assert!(sent.contains("Oslo"), "{surface:?} to {upstream:?}: the call goes along: {sent}");
            }
        }
    });
}

/// The conversation with the answer and the tool's result at its end, as the surface's clients write it.
fn next(surface: Surface, mut body: Value, answer: &Value) -> Value {
    let result = "4 degrees";
    let (turns, more) = match surface {
        Surface::Chat => {
            let message = answer["choices"][0]["message"].clone();
            let id = message["tool_calls"][0]["id"].clone();
            ("messages", vec![message, json!({"role": "tool", "tool_call_id": id, "content": result})])
        }
        Surface::Responses => {
            let mut items = answer["output"].as_array().cloned().unwrap_or_default();
            let call = items.iter().find(|item| item["type"] == "function_call").expect("a call")["call_id"].clone();
            items.push(json!({"type": "function_call_output", "call_id": call, "output": result}));
            ("input", items)
        }
        Surface::Messages => {
            let blocks = answer["content"].clone();
            let id = blocks.as_array().and_then(|blocks| blocks.last()).expect("a call")["id"].clone();
            let results = json!([{"type": "tool_result", "tool_use_id": id, "content": result}]);
            (
                "messages",
                vec![json!({"role": "assistant", "content": blocks}), json!({"role": "user", "content": results})],
            )
        }
        Surface::Gemini => {
            let content = answer["candidates"][0]["content"].clone();
            let call =
                content["parts"].as_array().and_then(|parts| parts.last()).expect("a call")["functionCall"].clone();
            let response = json!({"id": call["id"], "name": "get_weather", "response": {"result": result}});
            ("contents", vec![content, json!({"role": "user", "parts": [{"functionResponse": response}]})])
        }
        Surface::Native => {
            let tool = json!({"role": "tool", "tool_name": "get_weather", "content": result});
            ("messages", vec![answer["message"].clone(), tool])
        }
    };
    body[turns].as_array_mut().expect("turns").extend(more);
    body
}
