//! A real llama.cpp server behind the gateway: what a scripted one could not know.

use serde_json::{Value, json};

use crate::harness::runtime::{LlamaOptions, LlamaServer, Parts, SMOL, parts, strict};
use crate::harness::{Ask, Gateway, Options, TOOLS, bounded, chat, tool_chat};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// A server with the small model, and a gateway that found it.
async fn smol(parts: &Parts, options: LlamaOptions) -> (LlamaServer, Gateway) {
    let llama =
        LlamaServer::start(parts, &parts.smol(), LlamaOptions { alias: Some(SMOL.to_owned()), ..options }).await;
    let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
    gateway.ready(SMOL).await;
    (llama, gateway)
}

/// A gateway that is told to speak to it in its own Messages API.
async fn forwarding(llama: &LlamaServer) -> Gateway {
    let gateway = Gateway::start(Options::new().endpoint("own", &llama.url(), "anthropic", &[SMOL])).await;
    gateway.ready(SMOL).await;
    gateway
}

fn short(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12, "temperature": 0})
}

#[test]
fn is_found_with_what_it_tells_of_itself() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let snapshot = gateway.until("a snapshot", |_| true).await;
        let found = &snapshot.endpoints[0];
        assert_eq!(
            (found.id.as_str(), found.runtime.as_deref()),
            (&*format!("llamacpp@{}", llama.port()), Some("llamacpp"))
        );
        let model = &snapshot.models[0];
        assert_eq!((model.context.effective, model.context.trained), (Some(4096), Some(8192)));
        assert!(model.is_loaded() && model.local && model.size.is_some_and(|size| size > 50_000_000), "{model:?}");
    });
}

#[test]
fn chats_whole_and_as_a_stream() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let whole = gateway.post(CHAT, &short(SMOL)).await.expect(200).await;
        assert_eq!(whole.header("x-pointsman-target"), format!("llamacpp@{}/{SMOL}", llama.port()));
        let whole = whole.json().await;
        let said = whole["choices"][0]["message"]["content"].as_str().expect("text").to_owned();
        assert!(!said.is_empty() && whole.get("timings").is_some(), "what only llama.cpp tells comes along: {whole}");
        let mut body = short("default");
        body["stream"] = true.into();
        let text = gateway.post(CHAT, &body).await.expect(200).await.text().await;
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        let streamed: String = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(streamed, said, "at temperature 0 both say the same");
        let rows = gateway.rows("two rows", |rows| rows.len() == 2).await;
        for row in rows {
            assert_eq!((&row["outcome"], &row["model"]), (&json!("complete"), &json!(SMOL)), "{row}");
            assert!(row["input_tokens"].as_u64() > Some(5) && row["output_tokens"].as_u64() > Some(1), "{row}");
        }
    });
}

#[test]
fn every_surface_that_it_speaks_answers() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let body = json!({"model": SMOL, "input": "Say hello.", "max_output_tokens": 12, "temperature": 0});
        let answer = gateway.post("/v1/responses", &body).await.expect(200).await.json().await;
        assert_eq!(answer["object"], "response", "{answer}");
        let mut body = short(SMOL);
        let answer = gateway.post(MESSAGES, &body).await.expect(200).await.json().await;
        assert_eq!((&answer["type"], &answer["role"]), (&json!("message"), &json!("assistant")), "{answer}");
        body["stream"] = true.into();
        let text = gateway.post(MESSAGES, &body).await.expect(200).await.text().await;
        assert!(
            text.contains("event: message_start") && text.trim_end().ends_with("{\"type\":\"message_stop\"}"),
            "{text}"
        );
        let counted = gateway.post("/v1/messages/count_tokens", &short(SMOL)).await.expect(200).await.json().await;
        assert!(counted["input_tokens"].as_u64() > Some(5), "{counted}");
        let body = json!({"model": SMOL, "prompt": "Once", "max_tokens": 4});
        gateway.post("/v1/completions", &body).await.expect(200).await;
    });
}

#[test]
fn calls_tools_whole_and_as_a_stream() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = smol(&parts, LlamaOptions { tools: true, ..Default::default() }).await;
        let answer = gateway.post(CHAT, &tool_chat(SMOL, false)).await.expect(200).await.json().await;
        let call = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(call["name"], TOOLS, "{answer}");
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().expect("arguments")).expect("JSON");
        assert_eq!(arguments, json!({"city": "Paris"}));
        let text = gateway.post(CHAT, &tool_chat(SMOL, true)).await.expect(200).await.text().await;
        assert!(text.contains("\"tool_calls\"") && text.contains("\"finish_reason\":\"tool_calls\""), "{text}");
    });
}

#[test]
fn makes_embeddings() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = smol(&parts, LlamaOptions { embeddings: true, ..Default::default() }).await;
        let body = json!({"model": SMOL, "input": ["one", "two"]});
        let answer = gateway.post("/v1/embeddings", &body).await.expect(200).await.json().await;
        let rows = answer["data"].as_array().expect("rows");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["embedding"].as_array().map(Vec::len), Some(576));
    });
}

#[test]
fn started_for_vectors_it_is_not_chatted_with() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let pooling = ["--pooling", "mean"].map(str::to_owned).to_vec();
        for (options, expected) in [
            (LlamaOptions::default(), (true, false)),
            (LlamaOptions { more: pooling, ..Default::default() }, (true, false)),
            (LlamaOptions { more: vec!["--embedding".to_owned()], ..Default::default() }, (false, true)),
            (LlamaOptions { embeddings: true, ..Default::default() }, (false, true)),
        ] {
            let options = LlamaOptions { alias: Some(SMOL.to_owned()), ..options };
            let llama = LlamaServer::start(&parts, &parts.smol(), options).await;
            let table = format!("[[endpoints]]\nname = \"mine\"\nbase_url = \"{}\"", llama.url());
            // Neither sees the process: one found it at its port, the other was told of it.
            for options in [Options::new().discovers(llama.port()), Options::new().table(&table)] {
                let gateway = Gateway::start(options).await;
                let snapshot = gateway.until("its model", |snapshot| !snapshot.models.is_empty()).await;
                let can = &snapshot.models[0].capabilities;
                assert_eq!((can.chat, can.embeddings), expected, "it says itself what it was started for");
                let status = gateway.post(CHAT, &short("default")).await.status();
                assert_eq!(status == 200, expected.0, "only a model that chats is the default: {status}");
            }
            let slots = Ask::get("/slots").send(llama.port()).await.json().await;
            if !expected.0 {
                assert!(slots[0]["id_task"].as_i64().is_none_or(|task| task < 0), "nothing was computed: {slots}");
            }
        }
    });
}

#[test]
fn what_it_says_of_a_mistake_comes_through() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let mut body = short(SMOL);
        body["messages"] = "none".into();
        let error = gateway.post(CHAT, &body).await.expect(400).await.json().await;
        assert_eq!(error["error"]["code"], 400, "its own words and its own number: {error}");
        // A mistake of the client's is no fault of the server's.
        gateway.post(CHAT, &short(SMOL)).await.expect(200).await;
    });
}

#[test]
fn a_prompt_that_is_too_long_is_told_as_each_tools_vendor_would() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let forwards = forwarding(&llama).await;
        let mut body = short(SMOL);
        body["messages"][0]["content"] = "word ".repeat(6000).into();
        for stream in [false, true] {
            body["stream"] = stream.into();
            let error = gateway.post(CHAT, &body).await.expect(400).await.json().await;
            assert_eq!(error["error"]["code"], "context_length_exceeded", "{error}");
            for (way, gateway) in [("translated", &gateway), ("forwarded", &forwards)] {
                let error = gateway.post(MESSAGES, &body).await.expect(400).await.json().await;
                assert_eq!(error["error"]["type"], "invalid_request_error", "{way}: {error}");
                let message = error["error"]["message"].as_str().unwrap_or_default();
                assert!(message.starts_with("prompt is too long") && message.contains("4096"), "{way}: {error}");
            }
        }
    });
}

#[test]
fn a_first_token_of_half_a_character_still_begins_a_message() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        let (ask, smile) = (said("user", "Repeat this: 😀"), said("assistant", "😀"));
        let messages = [&ask, &smile, &ask, &smile, &ask];
        let body = json!({"model": SMOL, "messages": messages, "max_tokens": 8, "temperature": 0, "stream": true});
        let forwards = forwarding(&llama).await;
        for (way, gateway) in [("translated", &gateway), ("forwarded", &forwards)] {
            let text = gateway.post(MESSAGES, &body).await.expect(200).await.text().await;
            assert!(text.contains("\"😀\""), "{way}: the model says what was asked for: {text}");
            assert!(text.starts_with("event: message_start\n"), "{way}: {text}");
            assert_eq!(text.matches("message_start\n").count(), 1, "{way}: {text}");
        }
    });
}

#[test]
fn a_system_text_in_the_middle_reaches_a_template_that_allows_none() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let more = strict(folder.path());
        let (llama, gateway) = smol(&parts, LlamaOptions { more, ..Default::default() }).await;
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        // As Claude Code sends it.
        let messages = [
            said("user", "What is the way?"),
            said("system", "Be brief."),
            said("assistant", "Left."),
            said("user", "And now?"),
            said("system", "<total_tokens>900 tokens left</total_tokens>"),
        ];
        let mut body = json!({"model": SMOL, "system": "You help.", "messages": messages, "max_tokens": 8,
            "temperature": 0});
        let refused = forwarding(&llama).await.post(MESSAGES, &body).await.expect(400).await.text().await;
        assert!(refused.contains("at the beginning"), "the template is strict, or this test shows nothing: {refused}");
        let whole = gateway.post(MESSAGES, &body).await.expect(200).await.json().await;
        assert!(whole["content"][0]["text"].as_str().is_some_and(|text| !text.is_empty()), "{whole}");
        body["stream"] = true.into();
        let text = gateway.post(MESSAGES, &body).await.expect(200).await.text().await;
        assert!(text.trim_end().ends_with("{\"type\":\"message_stop\"}"), "{text}");
        let told: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
        let end = told.iter().find(|event| event["type"] == "message_delta").expect("its end");
        let tokens = |usage: &Value| {
            let names = ["input_tokens", "cache_read_input_tokens"];
            (names.iter().filter_map(|name| usage[*name].as_u64()).sum::<u64>(), usage["output_tokens"].as_u64())
        };
        assert_eq!(tokens(&end["usage"]), tokens(&whole["usage"]), "a stream's end counts all: {end}");
        assert!(end["usage"]["cache_read_input_tokens"].as_u64() > Some(10), "the second asks the same: {end}");
        let counting = json!({"model": SMOL, "system": "You help.", "messages": body["messages"]});
        let counted = gateway.post("/v1/messages/count_tokens", &counting).await.expect(200).await.json().await;
        assert_eq!(counted["input_tokens"].as_u64(), Some(tokens(&whole["usage"]).0), "{counted}");
        // Another surface's, too.
        let body = json!({"model": SMOL, "messages": body["messages"], "max_tokens": 4});
        for path in ["/api/chat", "/v1/responses"] {
            let body = if path == "/api/chat" {
                body.clone()
            } else {
                json!({"model": SMOL, "input": body["messages"], "max_output_tokens": 4})
            };
            gateway.post(path, &body).await.expect(200).await;
        }
    });
}

#[test]
fn killed_it_vanishes_and_started_again_it_is_back() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let port = llama.kill().await;
        gateway.until("no model", |snapshot| snapshot.models.is_empty()).await;
        gateway.post(CHAT, &short(SMOL)).await.expect(404).await;
        let options = LlamaOptions { alias: Some(SMOL.to_owned()), port, ..Default::default() };
        let _llama = LlamaServer::start(&parts, &parts.smol(), options).await;
        gateway.ready(SMOL).await;
        gateway.post(CHAT, &short(SMOL)).await.expect(200).await;
    });
}

#[test]
fn killed_in_mid_stream_it_is_told() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (llama, gateway) = smol(&parts, LlamaOptions::default()).await;
        let mut body = chat(SMOL);
        body["stream"] = true.into();
        body["max_tokens"] = 3000.into();
        body["ignore_eos"] = true.into();
        let mut answer = gateway.post(CHAT, &body).await.expect(200).await;
        for _ in 0..3 {
            assert!(answer.event_line().await.is_some());
        }
        llama.kill().await;
        let text = answer.text().await;
        assert!(text.contains("\"error\"") && !text.contains("[DONE]"), "{}", &text[text.len().saturating_sub(500)..]);
    });
}

#[test]
fn behind_a_key_it_needs_one() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let options =
            LlamaOptions { alias: Some(SMOL.to_owned()), key: Some("sk-llama".to_owned()), ..Default::default() };
        let llama = LlamaServer::start(&parts, &parts.tiny(), options).await;
        let table = format!("[[endpoints]]\nname = \"mine\"\nbase_url = \"{}\"\nkey = \"env:LLAMA\"", llama.url());
        let gateway = Gateway::start(Options::new().variable("LLAMA", "sk-llama").table(&table)).await;
        gateway.ready(SMOL).await;
        let key = gateway.client_key("editor").await;
        let mut body = short(SMOL);
        body["max_tokens"] = 4.into();
        Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
    });
}

#[test]
fn a_router_offers_its_models_and_hides_its_children() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let Some(server) = parts.static_llama_server() else {
            return;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let preset = folder.path().join("router.ini");
        let row = |name: &str, model: &std::path::Path| {
            format!("[{name}]\nmodel = {}\nctx-size = 2048\nthreads = 1\n\n", model.display())
        };
        std::fs::write(&preset, row("one", &parts.tiny()) + &row("two", &parts.tiny())).expect("a preset");
        let llama = LlamaServer::start_router(&parts, server, &preset).await;
        let gateway = Gateway::start(Options::new().processes().discovers(llama.port())).await;
        let ours = |snapshot: &pointsman_gateway::control::Snapshot| {
            let id = format!("llamacpp@{}", llama.port());
            snapshot
                .models
                .iter()
                .filter(|model| *model.endpoint == *id)
                .map(|model| model.id.to_string())
                .collect::<Vec<_>>()
        };
        gateway.until("two models", |snapshot| ours(snapshot).len() == 2).await;
        for name in ["one", "two"] {
            let mut body = short(&format!("llamacpp@{}:{name}", llama.port()));
            body["max_tokens"] = 4.into();
            gateway.post(CHAT, &body).await.expect(200).await;
        }
        // Its children listen on ports of their own and are nobody's business.
        gateway.tell(&pointsman_gateway::control::Command::Rescan).await;
        let snapshot = gateway
            .until("both loaded", |snapshot| {
                snapshot.models.iter().filter(|model| model.is_loaded() && ["one", "two"].contains(&&*model.id)).count()
                    == 2
            })
            .await;
        let children = snapshot.endpoints.iter().filter(|found| {
            found.id != format!("llamacpp@{}", llama.port()) && found.runtime.as_deref() == Some("llamacpp")
        });
        for child in children {
            assert!(
                !snapshot
                    .models
                    .iter()
                    .any(|model| *model.endpoint == *child.id && ["one", "two"].contains(&&*model.id))
            );
        }
    });
}
