//! An upstream that plays a model: one tool call after the other, each once the agent has told what the last one gave.
//!
//! It speaks OpenAI's chat only, so that what an agent of another surface sees was translated.

use serde_json::{Value, json};

use crate::harness::fake::Recorded;
use crate::harness::{Fake, Script};

/// Where it is asked.
pub(super) const PATH: &str = "/v1/chat/completions";

/// What it says at the end.
pub(super) const DONE: &str = "The switch is set.";

/// What the model does in one turn.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Calls this tool with these arguments.
    Call(&'static str, Value),
    /// Says this and what it says at the end, and calls nothing.
    Say(String),
}

/// Makes the upstream play these turns.
pub(super) fn play(fake: &Fake, steps: Vec<Step>) {
    fake.on_with("POST", PATH, move |request| answer(request, &steps));
}

/// What it answers: which turn it is is told by how many results the conversation holds.
fn answer(request: &Recorded, steps: &[Step]) -> Script {
    let body = request.json();
    match steps.get(results_in(&body).len()) {
        Some(Step::Call(tool, arguments)) if offers(&body, tool) => called(&body, tool, arguments),
        Some(Step::Say(text)) => said(&body, &format!("{text}\n{DONE}")),
        // A title for the conversation is asked for without tools.
        Some(Step::Call(..)) | None => said(&body, DONE),
    }
}

fn offers(body: &Value, tool: &str) -> bool {
    body["tools"].as_array().is_some_and(|tools| tools.iter().any(|known| known["function"]["name"] == tool))
}

/// The results of calls that a request tells, in order.
fn results_in(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    messages.iter().filter(|message| message["role"] == "tool").map(|message| message["content"].to_string()).collect()
}

/// The results that the last request with any tells; `None` where no tools were offered.
pub(super) fn results(asked: &[Value]) -> Option<Vec<String>> {
    asked.iter().any(|body| body["tools"].is_array()).then(|| asked.last().map(results_in).unwrap_or_default())
}

/// What was asked, for whoever reads a failed test.
pub(super) fn told(asked: &[Value]) -> String {
    let told = |body: &Value| {
        let tools: Vec<&Value> =
            body["tools"].as_array().into_iter().flatten().map(|tool| &tool["function"]["name"]).collect();
        let last = body["messages"].as_array().and_then(|messages| messages.last());
        format!("tools {tools:?}, results {:?}, last {last:?}\n", results_in(body))
    };
    asked.iter().map(told).collect()
}

fn chunk(body: &Value, delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_313_075, "model": body["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

fn ended(script: Script, body: &Value, finish: &str) -> Script {
    let mut last = chunk(body, &json!({}), None);
    last["choices"] = json!([]);
    last["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020});
    script.event(&chunk(body, &json!({}), Some(finish))).event(&last).done()
}

fn called(body: &Value, tool: &str, arguments: &Value) -> Script {
    let id = format!("call_{tool}_{}", results_in(body).len());
    let arguments = arguments.to_string();
    // In two pieces, as a model writes them.
    let (one, two) = arguments.split_at(arguments.len() / 2);
    let call = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
    let mut first = call(json!({"name": tool, "arguments": ""}));
    first["role"] = "assistant".into();
    first["tool_calls"][0]["id"] = id.into();
    first["tool_calls"][0]["type"] = "function".into();
    let script = Script::events()
        .event(&chunk(body, &first, None))
        .event(&chunk(body, &call(json!({"arguments": one})), None))
        .event(&chunk(body, &call(json!({"arguments": two})), None));
    ended(script, body, "tool_calls")
}

fn said(body: &Value, text: &str) -> Script {
    if body["stream"] != true {
        return Script::json(&json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1_795_313_075,
            "model": body["model"], "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}}));
    }
    let script = Script::events().event(&chunk(body, &json!({"role": "assistant", "content": text}), None));
    ended(script, body, "stop")
}
