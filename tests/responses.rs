//! The Responses API's memory: going on by an id, what is kept, whose it is, and how it is deleted.

use serde_json::{Value, json};

use crate::harness::runtime::{LlamaOptions, LlamaServer, SMOL, parts};
use crate::harness::{Ask, Fake, Gateway, Options, SAID, Script, bounded, fake, files_with};

const PATH: &str = "/v1/responses";

/// A gateway over one endpoint that speaks this protocol.
async fn over(up: &Fake, protocol: &str, options: Options) -> Gateway {
    let gateway = Gateway::start(options.endpoint("up", &up.url(), protocol, &["m"])).await;
    gateway.ready("m").await;
    gateway
}

/// Where an upstream of this protocol is asked.
fn path(protocol: &str) -> &'static str {
    match protocol {
        "openai" => "/v1/chat/completions",
        "anthropic" => "/v1/messages",
        "ollama" => "/api/chat",
        _ => PATH,
    }
}

fn ask(input: &str, previous: Option<&str>, stream: bool) -> Value {
    json!({"model": "m", "input": input, "previous_response_id": previous, "stream": stream})
}

/// The response of an answer, whole or the last one of a stream, once all of them were found to name the same.
async fn response(answer: crate::harness::Answer, stream: bool) -> Value {
    if !stream {
        return answer.expect(200).await.json().await;
    }
    let text = answer.expect(200).await.text().await;
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = events.map(|event| serde_json::from_str(event).expect("an event")).collect();
    let responses: Vec<&Value> = events.iter().map(|event| &event["response"]).filter(|it| it.is_object()).collect();
    let last = (*responses.last().expect("a response")).clone();
    for response in responses {
        assert_eq!(response["id"], last["id"], "{text}");
        assert_eq!(response["previous_response_id"], last["previous_response_id"], "{text}");
    }
    last
}

fn text_of(response: &Value) -> &Value {
    &response["output"][0]["content"][0]["text"]
}

#[test]
fn three_turns_by_id_whatever_the_upstream_speaks_and_over_a_restart() {
    bounded(async {
        for protocol in ["openai", "anthropic", "ollama", "openai-responses"] {
            let up = fake::speaks().await;
            let mut gateway = over(&up, protocol, Options::new()).await;
            let mut previous: Option<String> = None;
            for (nth, (asked, stream)) in [("one", false), ("two", true), ("three", false)].into_iter().enumerate() {
                if nth == 2 {
                    gateway.signal("TERM").await;
                    assert!(gateway.ended().await.success());
                    let options = Options::new().endpoint("up", &up.url(), protocol, &["m"]);
                    gateway = Gateway::start_in(gateway.into_root(), &options).await;
                    gateway.ready("m").await;
                }
                let answer = gateway.post(PATH, &ask(asked, previous.as_deref(), stream)).await;
                let response = response(answer, stream).await;
                let what = format!("{protocol}, turn {nth}: {response}");
                assert_eq!(text_of(&response), SAID, "{what}");
                if previous.is_some() || protocol != "openai-responses" {
                    assert_eq!(response["previous_response_id"], json!(previous), "{what}");
                }
                let id = response["id"].as_str().expect("an id").to_owned();
                assert!(id.starts_with("resp_"), "{what}");
                assert!(protocol == "openai-responses" || Some(&id) != previous.as_ref(), "an id of its own: {what}");
                previous = Some(id);
            }
            let requests = up.requests_for(path(protocol));
            assert_eq!(requests.len(), 3, "{protocol}");
            let asked = requests[2].json();
            assert!(asked["previous_response_id"].is_null(), "{protocol}: it would not know the id: {asked}");
            let text = asked.to_string();
            let places: Vec<_> = ["one", SAID, "two", "three"].map(|part| text.find(part)).into_iter().collect();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{protocol}: in order: {text}");
            assert_eq!(text.matches(SAID).count(), 2, "{protocol}: {text}");
        }
    });
}

#[test]
fn calls_and_their_outputs_go_on_and_instructions_do_not() {
    bounded(async {
        let up = fake::speaks().await;
        up.on_with("POST", "/v1/chat/completions", |request| {
            if request.text().contains("sunny") {
                return fake::chat(request);
            }
            let call = json!({"id": "call_7", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
            Script::json(&json!({"id": "x", "object": "chat.completion", "model": "m", "choices": [{"index": 0,
                "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null,
                    "reasoning_content": "I must look.", "tool_calls": [call]}}]}))
        });
        let gateway = over(&up, "openai", Options::new()).await;
        let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}]);
        let first = json!({"model": "m", "input": "How is Oslo?", "instructions": "Be brief.", "tools": tools});
        let first = gateway.post(PATH, &first).await.expect(200).await.json().await;
        assert_eq!(
            (&first["output"][0]["type"], &first["output"][1]["type"]),
            (&json!("reasoning"), &json!("function_call"))
        );
        let output = json!([{"type": "function_call_output", "call_id": "call_7", "output": "sunny"}]);
        let second = json!({"model": "m", "input": output, "previous_response_id": first["id"], "tools": tools});
        let second = gateway.post(PATH, &second).await.expect(200).await.json().await;
        assert_eq!(text_of(&second), SAID, "{second}");
        let messages = up.requests_for("/v1/chat/completions")[1].json()["messages"].clone();
        let roles: Vec<&str> =
            messages.as_array().expect("messages").iter().filter_map(|it| it["role"].as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "tool"], "no instructions of the turn before: {messages}");
        assert_eq!(messages[1]["tool_calls"][0]["id"], "call_7", "{messages}");
        assert_eq!(messages[2]["content"], "sunny", "{messages}");
    });
}

#[test]
fn what_is_kept_can_be_read_listed_and_deleted_by_its_owner() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = over(&up, "openai", Options::new()).await;
        let key = gateway.client_key("editor").await;
        gateway.until("the key", |snapshot| !snapshot.client_keys.is_empty()).await;
        let items = json!([{"role": "user", "content": "canary-one"}, {"role": "user", "content": "canary-two"}]);
        let body = json!({"model": "m", "input": items, "metadata": {"a": "b"}});
        let mine = |ask: Ask| ask.bearer(&key).send(gateway.port());
        let made = mine(Ask::post(PATH, &body)).await.expect(200).await.json().await;
        let one = format!("{PATH}/{}", made["id"].as_str().expect("an id"));
        for path in [one.clone(), one.trim_start_matches("/v1").to_owned()] {
            assert_eq!(mine(Ask::get(&path)).await.expect(200).await.json().await, made, "as it was answered");
        }
        let list = mine(Ask::get(&format!("{one}/input_items?limit=1"))).await.expect(200).await.json().await;
        assert_eq!((&list["data"][0]["content"][0]["text"], &list["has_more"]), (&json!("canary-two"), &json!(true)));
        assert_eq!((&list["first_id"], &list["object"]), (&list["data"][0]["id"], &json!("list")), "{list}");

        let refused = |answer: crate::harness::Answer, status, code: &'static str| async move {
            let body = answer.expect(status).await.json().await;
            assert_eq!(body["error"]["code"], code, "{body}");
            body["error"]["message"].as_str().expect("a message").to_owned()
        };
        for method in ["GET", "DELETE"] {
            refused(Ask::new(method, &one).send(gateway.port()).await, 404, "response_not_found").await;
        }
        refused(gateway.get(&format!("{one}/input_items")).await, 404, "response_not_found").await;
        let others = ask("go on", made["id"].as_str(), false);
        refused(gateway.post(PATH, &others).await, 400, "previous_response_not_found").await;
        let cancelled = mine(Ask::post(&format!("{one}/cancel"), &json!({}))).await;
        assert_eq!(refused(cancelled, 400, "unsupported_value").await, "Cannot cancel a synchronous response.");
        refused(mine(Ask::get(&format!("{one}/input_items?limit=0"))).await, 400, "unsupported_value").await;
        refused(mine(Ask::post(&one, &json!({}))).await, 405, "method_not_allowed").await;

        assert!(!files_with(gateway.root(), "canary-one").is_empty());
        let gone = mine(Ask::new("DELETE", &one)).await.expect(200).await.json().await;
        assert_eq!(gone, json!({"id": made["id"], "object": "response", "deleted": true}));
        refused(mine(Ask::get(&one)).await, 404, "response_not_found").await;
        let found = files_with(gateway.root(), "canary-one");
        assert!(found.is_empty(), "deleted is deleted: {found:?}");
    });
}

#[test]
fn an_id_that_nobody_knows_is_an_error_or_the_upstreams_own() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = over(&up, "openai", Options::new()).await;
        let body = gateway.post(PATH, &ask("hi", Some("resp_no"), false)).await.expect(400).await.json().await;
        let expected = json!({"message": "Previous response with id 'resp_no' not found.",
            "type": "invalid_request_error", "param": "previous_response_id", "code": "previous_response_not_found"});
        assert_eq!(body["error"], expected);
        assert!(up.requests_for("/v1/chat/completions").is_empty(), "nothing is asked without what was said before");

        let gateway = over(&up, "openai-responses", Options::new()).await;
        let theirs = ask("hi", Some("resp_theirs"), false).to_string();
        let answer = Ask::post_bytes(PATH, theirs.clone()).send(gateway.port()).await.expect(200).await;
        let made = answer.json().await;
        assert_eq!(
            up.requests_for(PATH)[0].body,
            theirs.as_bytes(),
            "it may keep answers itself, and is asked as it was meant"
        );
        let answer = gateway.get(&format!("{PATH}/{}", made["id"].as_str().expect("an id"))).await;
        answer.expect(404).await;
        let ours = ask("hi", Some("resp_pm0"), false);
        gateway.post(PATH, &ours).await.expect(400).await;
    });
}

#[test]
fn nothing_is_kept_that_should_not_be() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = over(&up, "openai-responses", Options::new()).await;
        let file = gateway.root().join("data/pointsman/responses.db");
        for stream in [false, true] {
            let mut body = ask("canary", None, stream);
            body["store"] = false.into();
            response(gateway.post(PATH, &body).await, stream).await;
        }
        gateway.post(PATH, &ask("x", Some("resp_1"), false)).await.expect(200).await.bytes().await;
        assert!(!file.exists(), "`store: false` leaves no trace");

        // A stream that breaks off, one that fails, and an answer that is an error.
        let created = json!({"type": "response.created", "response": {"id": "resp_2", "status": "in_progress"}});
        let failed = json!({"type": "response.failed", "response": {"id": "resp_2", "status": "failed"}});
        let begun = || Script::events().named("response.created", &created);
        for (script, stream) in [
            (begun().cut(), true),
            (begun().named("response.failed", &failed), true),
            (Script::fault(400, &json!({"error": {"message": "no"}})), false),
        ] {
            up.on("POST", PATH, script);
            let answer = gateway.post(PATH, &ask("canary", None, stream)).await;
            answer.whole().await.expect("an answer's end");
            gateway.get(&format!("{PATH}/resp_2")).await.expect(404).await;
        }
        up.on("POST", PATH, Script::claiming(1000, "application/json").send("{\"id\":\"resp_2\",").cut());
        let body = gateway.post(PATH, &ask("canary", None, false)).await.expect(502).await.json().await;
        assert_eq!(body["error"]["code"], "upstream_broke_off", "told in words, since nothing was sent yet");
        assert!(!file.exists(), "nobody could go on from that");

        let up = fake::speaks().await;
        let gateway = over(&up, "openai", Options::new().table("[responses]\nstore = false")).await;
        let made = gateway.post(PATH, &ask("canary", None, false)).await.expect(200).await.json().await;
        let body = gateway.post(PATH, &ask("x", made["id"].as_str(), false)).await.expect(400).await.json().await;
        assert_eq!(body["error"]["code"], "previous_response_not_found");
        assert!(files_with(gateway.root(), "canary").is_empty(), "the user said so");
    });
}

#[test]
fn what_only_openais_servers_do_is_refused_in_words() {
    bounded(async {
        let up = fake::speaks().await;
        for protocol in ["openai", "openai-responses"] {
            let gateway = over(&up, protocol, Options::new()).await;
            for (field, value, word) in [
                ("background", json!(true), "stream"),
                ("conversation", json!("conv_1"), "previous_response_id"),
                ("store", json!("yes"), "true or false"),
            ] {
                let mut body = ask("hi", None, false);
                body[field] = value;
                let body = gateway.post(PATH, &body).await.expect(400).await.json().await;
                assert!(
                    body["error"]["message"].as_str().is_some_and(|text| text.contains(word)),
                    "{protocol}: {body}"
                );
            }
        }
        for path in [PATH, "/v1/chat/completions"] {
            assert!(up.requests_for(path).is_empty(), "nobody was asked");
        }
    });
}

#[test]
fn a_kept_answer_passes_as_it_came() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = over(&up, "openai-responses", Options::new()).await;
        let odd = "{ \"id\" : \"resp_9\",\"status\":\"completed\", \"output\":[ ],\"x\":1.50 }";
        up.on("POST", PATH, Script::whole(200, "application/json", odd));
        let answer = gateway.post(PATH, &ask("hi", None, false)).await.expect(200).await;
        assert_eq!(answer.header("content-length"), odd.len().to_string());
        assert_eq!(answer.text().await, odd, "byte for byte");
        assert_eq!(gateway.get(&format!("{PATH}/resp_9")).await.expect(200).await.text().await, odd);
        let events = format!(
            ": hello\n\nevent:response.completed\ndata:{{\"type\":\"response.completed\",\"response\":{odd}}}\n\n"
        );
        up.on("POST", PATH, Script::events().send(events.clone()));
        assert_eq!(gateway.post(PATH, &ask("hi", None, true)).await.expect(200).await.text().await, events);
    });
}

#[test]
fn a_real_llamacpp_goes_on_in_both_protocols_and_from_one_to_the_other() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let options = LlamaOptions { alias: Some(SMOL.to_owned()), ..Default::default() };
        let llama = LlamaServer::start(&parts, &parts.smol(), options).await;
        let options = Options::new().endpoint("chat", &llama.url(), "openai", &[SMOL]);
        let options = options.endpoint("own", &llama.url(), "openai-responses", &[SMOL]);
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let body = |model: &str, input: &str, previous: &Value, stream: bool| {
            json!({"model": format!("{model}:{SMOL}"), "input": input, "previous_response_id": previous,
                "stream": stream, "max_output_tokens": 16, "temperature": 0})
        };
        let tokens = |response: &Value| response["usage"]["input_tokens"].as_u64().expect("tokens");
        for models in [["chat"; 3], ["own"; 3], ["chat", "own", "chat"], ["own", "chat", "own"]] {
            let first = gateway.post(PATH, &body(models[0], "Say hello.", &Value::Null, false)).await;
            let mut last = response(first, false).await;
            for (model, stream) in [(models[1], true), (models[2], false)] {
                let next = gateway.post(PATH, &body(model, "And now?", &last["id"], stream)).await;
                assert!(next.header("x-pointsman-target").starts_with(model));
                let next = response(next, stream).await;
                assert_eq!(next["previous_response_id"], last["id"], "{models:?}: {next}");
                assert!(tokens(&next) > tokens(&last) + 10, "{models:?}: it read what was said before: {next}");
                last = next;
            }
        }
    });
}
