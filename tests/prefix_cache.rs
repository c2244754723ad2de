//! What a coding agent changes from turn to turn does not make a local model read its prompt anew.

use serde_json::{Value, json};

use crate::harness::runtime::{LlamaOptions, LlamaServer, SMOL, parts};
use crate::harness::{Gateway, Options, bounded};

/// A turn of a session as Claude Code sends it towards its maker: the billing line's values are other ones at every
/// request, the last answer is named, a countdown stands among the messages, and only the newest turn is marked.
fn turn(nth: usize, history: &[Value]) -> Value {
    let line = format!(
        "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli; cch={:05x}; cc_prompt_id=p{nth}; cc_turn_index={nth};",
        nth * 7919
    );
    let rules = "Read a file before you change it. Say what you did in one line. ".repeat(60);
    let mut messages = history.to_vec();
    messages.push(json!({"role": "user", "content": [
        {"type": "text", "text": format!("Step {nth}: what is next?"), "cache_control": {"type": "ephemeral"}}]}));
    messages.push(json!({"role": "system",
        "content": format!("<total_tokens>{} tokens left</total_tokens>", 9000 - nth * 100)}));
    json!({
        "model": SMOL, "max_tokens": 8, "temperature": 0,
        "diagnostics": {"previous_message_id": format!("msg_{nth}")},
        "system": [{"type": "text", "text": line}, {"type": "text", "text": rules}],
        "messages": messages,
    })
}

/// Tokens of ten turns: those that the last turn had already, and those of them that came from the cache.
async fn session(gateway: &Gateway, surface: &str) -> (u64, u64) {
    let (mut history, mut last, mut reusable, mut cached) = (Vec::new(), 0, 0, 0);
    for nth in 1..=10 {
        let body = turn(nth, &history);
        let answer = gateway.post(surface, &body).await.expect(200).await.json().await;
        let usage = &answer["usage"];
        let count = |name: &str| usage[name].as_u64().unwrap_or(0);
        let read = count("cache_read_input_tokens");
        if nth > 1 {
            reusable += last;
            cached += read.min(last);
        }
        last = read + count("input_tokens");
        // The turn loses its mark and becomes a plain string, as it does at Claude Code.
        history = body["messages"].as_array().expect("messages").clone();
        let at = history.len() - 2;
        history[at]["content"] = body["messages"][at]["content"][0]["text"].clone();
        history.push(json!({"role": "assistant", "content": answer["content"][0]["text"].as_str().unwrap_or("-")}));
    }
    (reusable, cached)
}

#[test]
fn a_changing_session_is_read_from_the_cache() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let llama = LlamaServer::start(
            &parts,
            &parts.smol(),
            LlamaOptions { alias: Some(SMOL.into()), ..LlamaOptions::default() },
        )
        .await;
        // Once in its own Messages API, and once through the hub to its chat completions.
        let messages = Gateway::start(Options::new().endpoint("lab", &llama.url(), "anthropic", &[SMOL])).await;
        messages.ready(SMOL).await;
        let chat = Gateway::start(Options::new().discovers(llama.port())).await;
        chat.ready(SMOL).await;
        for (way, gateway) in [("forwarded", &messages), ("translated", &chat)] {
            let (reusable, cached) = session(gateway, "/v1/messages").await;
            assert!(reusable > 5000, "{way}: a session of {reusable} tokens says nothing");
            let part = cached as f64 / reusable as f64;
            assert!(part > 0.97, "{way}: {cached} of {reusable} tokens came from the cache ({part:.3})");
        }
    });
}
