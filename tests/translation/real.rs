//! Real runtimes behind every surface: a tool is called, and a prompt that is too long is never cut.

use serde_json::{Value, json};

use super::failures::exceeded;
use super::surface::Surface;
use crate::harness::runtime::{LlamaOptions, LlamaServer, Ollama, Parts, SMOL, parts};
use crate::harness::{Ask, Gateway, Options, TOOLS, bounded};

const WITH_TOOLS: &str = "smol-tools:135m";
/// Weights that mean nothing and take no time, and no context set.
const FREE: &str = "free:tiny";

/// A conversation after which the small test model calls a tool for Paris, the same at every run: two earlier calls are
/// what it needs to see.
fn weather(surface: Surface, model: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let about = "Get the current weather for a city";
    let mut turns: Vec<Value> = Vec::new();
    for (number, (city, weather)) in [("London", "rainy, 12C"), ("Rome", "sunny, 25C")].into_iter().enumerate() {
        let (id, arguments) = (format!("call_{number}"), json!({ "city": city }));
        let (question, answer) = (ask(city), format!("It is {weather} in {city}."));
        turns.extend(match surface {
            Surface::Chat => vec![
                json!({"role": "user", "content": question}),
                json!({"role": "assistant", "content": "", "tool_calls": [{"id": id, "type": "function",
                    "function": {"name": TOOLS, "arguments": arguments.to_string()}}]}),
                json!({"role": "tool", "tool_call_id": id, "content": weather}),
                json!({"role": "assistant", "content": answer}),
            ],
            Surface::Responses => vec![
                json!({"role": "user", "content": question}),
                json!({"type": "function_call", "call_id": id, "name": TOOLS, "arguments": arguments.to_string()}),
                json!({"type": "function_call_output", "call_id": id, "output": weather}),
                json!({"type": "message", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": answer, "annotations": []}]}),
            ],
            Surface::Messages => vec![
                json!({"role": "user", "content": question}),
                json!({"role": "assistant",
                    "content": [{"type": "tool_use", "id": id, "name": TOOLS, "input": arguments}]}),
                json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": weather}]}),
                json!({"role": "assistant", "content": answer}),
            ],
            Surface::Gemini => vec![
                json!({"role": "user", "parts": [{"text": question}]}),
                json!({"role": "model", "parts": [{"functionCall": {"id": id, "name": TOOLS, "args": arguments}}]}),
                json!({"role": "user", "parts": [{"functionResponse": {"id": id, "name": TOOLS,
                    "response": {"result": weather}}}]}),
                json!({"role": "model", "parts": [{"text": answer}]}),
            ],
            Surface::Native => vec![
                json!({"role": "user", "content": question}),
                json!({"role": "assistant", "content": "",
                    "tool_calls": [{"function": {"name": TOOLS, "arguments": arguments}}]}),
                json!({"role": "tool", "tool_name": TOOLS, "content": weather}),
                json!({"role": "assistant", "content": answer}),
            ],
        });
    }
    let last = ask("Paris");
    turns.push(match surface {
        Surface::Gemini => json!({"role": "user", "parts": [{"text": last}]}),
        _ => json!({"role": "user", "content": last}),
    });
    let function = json!({"type": "function",
        "function": {"name": TOOLS, "description": about, "parameters": schema}});
    match surface {
        Surface::Chat => json!({"model": model, "messages": turns, "tools": [function], "stream": true,
            "stream_options": {"include_usage": true}, "max_tokens": 200, "temperature": 0}),
        Surface::Responses => json!({"model": model, "input": turns, "stream": true, "store": false,
            "tools": [{"type": "function", "name": TOOLS, "description": about, "parameters": schema, "strict": false}],
            "max_output_tokens": 200, "temperature": 0}),
        Surface::Messages => json!({"model": model, "messages": turns, "stream": true, "max_tokens": 200,
            "tools": [{"name": TOOLS, "description": about, "input_schema": schema}], "temperature": 0}),
        Surface::Gemini => json!({"contents": turns,
            "tools": [{"functionDeclarations": [{"name": TOOLS, "description": about, "parameters": schema}]}],
            "generationConfig": {"maxOutputTokens": 200, "temperature": 0}}),
        Surface::Native => json!({"model": model, "messages": turns, "tools": [function], "stream": true,
            "options": {"num_predict": 200, "temperature": 0}}),
    }
}

fn ask(city: &str) -> String {
    format!("What is the weather in {city}?")
}

async fn calls_a_tool(gateway: &Gateway, model: &str, count: &mut usize) {
    for surface in Surface::ALL {
        let body = weather(surface, model);
        let ask = Ask::post(&surface.path(model, true), &body);
        let text = ask.send_patiently(gateway.port()).await.expect(200).await.text().await;
        let said = surface.stream(&text);
        assert_eq!(said.calls, [(TOOLS.to_owned(), json!({"city": "Paris"}))], "{surface:?}: {text}");
        assert_eq!(said.finish, surface.called(), "{surface:?}: {text}");
        assert!(said.tokens.0 > 100 && said.tokens.1 > 5, "{surface:?}: {text}");
        *count += 1;
        let row = gateway.rows("a row", |rows| rows.len() == *count).await.swap_remove(0);
        assert_eq!(
            (row["input_tokens"].as_u64(), row["output_tokens"].as_u64()),
            {
                let (input, output) = said.tokens;
                (Some(input), Some(output))
            },
            "{surface:?}: {row}"
        );
    }
}

#[test]
fn a_llamacpp_server_calls_a_tool_on_every_surface() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let options = LlamaOptions { alias: Some(SMOL.to_owned()), tools: true, ..Default::default() };
        let llama = LlamaServer::start(&parts, &parts.smol(), options).await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        gateway.ready(SMOL).await;
        calls_a_tool(&gateway, SMOL, &mut 0).await;
    });
}

#[test]
fn a_llamacpp_server_told_to_speak_one_protocol_calls_a_tool_on_every_surface() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let options = LlamaOptions { alias: Some(SMOL.to_owned()), tools: true, ..Default::default() };
        let llama = LlamaServer::start(&parts, &parts.smol(), options).await;
        let name = format!("one:{SMOL}");
        for protocol in ["openai", "openai-responses", "anthropic"] {
            let options = Options::new().endpoint("one", &llama.url(), protocol, &[SMOL]);
            let gateway = Gateway::start(options).await;
            gateway.ready(SMOL).await;
            calls_a_tool(&gateway, &name, &mut 0).await;
        }
    });
}

async fn ollama(parts: &Parts) -> (Ollama, Gateway) {
    let ollama = Ollama::start(parts).await;
    ollama.create(WITH_TOOLS, &parts.smol(), Some("parts/smol-tools.gotmpl")).await;
    ollama.create_free(FREE, &parts.tiny()).await;
    let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
    let known = |snapshot: &pointsman_gateway::control::Snapshot| {
        snapshot.models.len() == 2 && snapshot.models.iter().all(|model| model.capabilities.tools.is_some())
    };
    gateway.until("its models and what they can do", known).await;
    (ollama, gateway)
}

#[test]
fn an_ollama_calls_a_tool_on_every_surface() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_ollama, gateway) = ollama(&parts).await;
        calls_a_tool(&gateway, WITH_TOOLS, &mut 0).await;
    });
}

#[test]
fn an_ollama_cuts_no_prompt() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_ollama, gateway) = ollama(&parts).await;
        // Longer than the 2048 tokens that its owner set.
        let long = "word ".repeat(3000);
        for surface in Surface::ALL {
            for stream in [true, false] {
                let body = surface.plain(WITH_TOOLS, &long, stream);
                let answer = gateway.post(&surface.path(WITH_TOOLS, stream), &body).await.expect(400).await;
                exceeded(surface, &answer.json().await);
            }
        }
    });
}

#[test]
fn an_ollama_that_was_told_no_size_gets_one_that_fits() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_ollama, gateway) = ollama(&parts).await;
        // With room for the answer it is more than Ollama's usual context, and more than this one gives by itself.
        let mut body = Surface::Chat.plain(FREE, &"word ".repeat(2400), false);
        body["max_tokens"] = 1500.into();
        let ask = Ask::post("/v1/chat/completions", &body);
        let answer = ask.send_patiently(gateway.port()).await.expect(200).await.json().await;
        let said = Surface::Chat.whole(&answer);
        assert!(said.tokens.0 > 2400, "all of it was read: {answer}");
    });
}
