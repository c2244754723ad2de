//! `logprobsResult`, to and from OpenAI chat's shape, which the hub keeps.

use serde_json::{Value, json};

/// Reads Gemini's.
pub(super) fn read(result: &Value) -> Option<Value> {
    let chosen = result.get("chosenCandidates")?.as_array()?;
    let tops = result.get("topCandidates").and_then(Value::as_array);
    let entries = chosen.iter().enumerate().filter_map(|(at, candidate)| {
        let top = tops.and_then(|tops| tops.get(at)?.get("candidates")?.as_array());
        let top: Vec<Value> = top.into_iter().flatten().filter_map(token).collect();
        let mut entry = token(candidate)?;
        entry["top_logprobs"] = top.into();
        Some(entry)
    });
    let entries: Vec<Value> = entries.collect();
    (!entries.is_empty()).then(|| json!({ "content": entries }))
}

fn token(candidate: &Value) -> Option<Value> {
    let token = candidate.get("token")?.as_str()?;
    let probability = candidate.get("logProbability").cloned().unwrap_or_else(|| 0.0.into());
    Some(json!({"token": token, "logprob": probability, "bytes": token.as_bytes()}))
}

/// Writes Gemini's.
pub(super) fn write(logprobs: &Value) -> Option<Value> {
    let entries = logprobs.get("content")?.as_array()?;
    let candidate = |entry: &Value| json!({"token": entry.get("token"), "logProbability": entry.get("logprob")});
    let top = |entry: &Value| {
        let list: Vec<Value> =
            entry.get("top_logprobs").and_then(Value::as_array).into_iter().flatten().map(candidate).collect();
        json!({ "candidates": list })
    };
    let chosen: Vec<Value> = entries.iter().map(candidate).collect();
    let tops: Vec<Value> = entries.iter().map(top).collect();
    Some(json!({"topCandidates": tops, "chosenCandidates": chosen}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let gemini = json!({
            "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "é", "logProbability": -2.0}]}],
            "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        });
        let openai = json!({"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [
            {"token": "a", "logprob": -0.5, "bytes": [97]}, {"token": "é", "logprob": -2.0, "bytes": [195, 169]}]}]});
        assert_eq!(read(&gemini), Some(openai.clone()));
        assert_eq!(write(&openai), Some(gemini));
        assert_eq!(read(&json!({"chosenCandidates": [{}, 7]})), None);
    }
}
