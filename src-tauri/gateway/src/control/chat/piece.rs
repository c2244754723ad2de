//! What one event of a streamed chat completion says.

use serde_json::Value;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The answer goes on.
    Text(String),
    /// The model thinks.
    Reasoning(String),
    /// What was counted.
    Usage {
        /// Tokens of the prompt.
        input: Option<u64>,
        /// Tokens of the answer.
        output: Option<u64>,
        /// Prompt tokens read from a cache.
        cached: Option<u64>,
    },
    /// Why it ends: `stop`, `length`, ...
    Finish(String),
    /// It is not whole.
    Fault(String),
    /// It is whole.
    End,
}

/// Reads an event's data.
pub(super) fn read(event: &str) -> Vec<Piece> {
    if event == "[DONE]" {
        return vec![Piece::End];
    }
    let Ok(event) = serde_json::from_str::<Value>(event) else {
        return vec![Piece::Fault("the answer cannot be read".to_owned())];
    };
    if let Some(message) = event["error"]["message"].as_str().or_else(|| event["error"].as_str()) {
        return vec![Piece::Fault(message.to_owned())];
    }
    let choice = &event["choices"][0];
    let text = |name: &str| choice["delta"][name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let mut pieces = Vec::new();
    // Two names for one thing: DeepSeek's, which llama.cpp and LM Studio took over, and OpenRouter's, which Ollama did.
    pieces.extend(text("reasoning_content").or_else(|| text("reasoning")).map(Piece::Reasoning));
    pieces.extend(text("content").map(Piece::Text));
    pieces.extend(choice["finish_reason"].as_str().map(|reason| Piece::Finish(reason.to_owned())));
    let usage = &event["usage"];
    if usage.is_object() {
        pieces.push(Piece::Usage {
            input: usage["prompt_tokens"].as_u64(),
            output: usage["completion_tokens"].as_u64(),
            cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: &str, expected: &[Piece]) {
        assert_eq!(read(event), expected, "of {event}");
    }

    #[test]
    fn events_are_understood() {
        check("[DONE]", &[Piece::End]);
        check(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, &[]);
        check(r#"{"choices":[{"delta":{"content":"hi"}}]}"#, &[Piece::Text("hi".to_owned())]);
        check(r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#, &[Piece::Reasoning("hm".to_owned())]);
        check(
            r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
            &[Piece::Reasoning("hm".to_owned())],
        );
        check(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#, &[Piece::Finish("length".to_owned())]);
        check(r#"{"choices":[{"delta":{},"finish_reason":null}]}"#, &[]);
        check(
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#,
            &[Piece::Usage { input: Some(3), output: Some(9), cached: None }],
        );
        check(
            r#"{"choices":[],"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}"#,
            &[Piece::Usage { input: Some(3), output: None, cached: Some(2) }],
        );
        check(r#"{"error":{"message":"broke off"}}"#, &[Piece::Fault("broke off".to_owned())]);
        check("{", &[Piece::Fault("the answer cannot be read".to_owned())]);
    }
}
