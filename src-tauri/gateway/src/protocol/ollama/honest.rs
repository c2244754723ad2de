//! What keeps a real Ollama honest about its context, added to a client's own body.
//!
//! Ollama cuts a prompt that is too long, and an answer's own beginning, without a word, unless it is told not to; and it
//! loads a model anew when it is asked with another context than the loaded one. What the client says itself is never
//! changed. `write_request` says the same for requests that come from another protocol.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::Operation;

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    truncate: Option<&'a RawValue>,
    #[serde(borrow)]
    shift: Option<&'a RawValue>,
    #[serde(borrow)]
    options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow)]
    num_ctx: Option<&'a RawValue>,
}

/// The body as it should go to Ollama; `None` where nothing is to be added. `context` in tokens, where one is wanted.
pub(crate) fn honest(operation: Operation, body: &[u8], context: Option<u32>) -> Option<Bytes> {
    let shifts = match operation {
        Operation::Chat | Operation::Completion => true,
        Operation::Embeddings => false,
        Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Transcription
        | Operation::Translation
        | Operation::Rerank
        | Operation::ShowModel => return None,
    };
    let top: Top<'_> = serde_json::from_slice(body).ok()?;
    let brace = body.iter().position(|byte| *byte == b'{')?;
    let empty = body[brace + 1..].trim_ascii_start().starts_with(b"}");
    let mut front = String::new();
    if top.truncate.is_none() {
        front.push_str("\"truncate\":false,");
    }
    if shifts && top.shift.is_none() {
        front.push_str("\"shift\":false,");
    }
    let mut inside = None;
    if let Some(context) = context {
        match top.options {
            None => front.push_str(&format!("\"options\":{{\"num_ctx\":{context}}},")),
            Some(raw) => {
                let options = serde_json::from_str::<Options<'_>>(raw.get()).ok();
                if options.is_some_and(|options| options.num_ctx.is_none()) {
                    // A slice of the body: where it begins in memory is where it stands.
                    let at = raw.get().as_ptr() as usize - body.as_ptr() as usize + 1;
                    let alone = raw.get()[1..].trim_start().starts_with('}');
                    inside = Some((at, format!("\"num_ctx\":{context}{}", if alone { "" } else { "," })));
                }
            }
        }
    }
    if front.is_empty() && inside.is_none() {
        return None;
    }
    if empty {
        front.pop();
    }
    let mut honest = Vec::with_capacity(body.len() + 64);
    honest.extend_from_slice(&body[..=brace]);
    honest.extend_from_slice(front.as_bytes());
    let (at, text) = inside.unwrap_or((brace + 1, String::new()));
    honest.extend_from_slice(&body[brace + 1..at]);
    honest.extend_from_slice(text.as_bytes());
    honest.extend_from_slice(&body[at..]);
    Some(honest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: Operation, context: Option<u32>, body: &str, expected: Option<&str>) {
        let seen = honest(operation, body.as_bytes(), context);
        assert_eq!(seen.as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap()), expected, "{body}");
        if let Some(seen) = seen {
            serde_json::from_slice::<serde_json::Value>(&seen).unwrap();
            assert_eq!(honest(operation, &seen, context), None, "said once, it is said");
        }
    }

    #[test]
    fn adds_what_the_client_did_not_say() {
        use Operation::{Chat, Completion, Embeddings, SingleEmbedding};
        check(Chat, None, r#"{"model":"m"}"#, Some(r#"{"truncate":false,"shift":false,"model":"m"}"#));
        check(Completion, None, r#" { "truncate":true }"#, Some(r#" {"shift":false, "truncate":true }"#));
        check(Chat, None, r#"{"shift":true,"truncate":false}"#, None);
        check(
            Chat,
            Some(2048),
            r#"{"model":"m"}"#,
            Some(r#"{"truncate":false,"shift":false,"options":{"num_ctx":2048},"model":"m"}"#),
        );
        check(
            Chat,
            Some(2048),
            r#"{"shift":true,"truncate":true,"options":{"seed":1}}"#,
            Some(r#"{"shift":true,"truncate":true,"options":{"num_ctx":2048,"seed":1}}"#),
        );
        check(
            Chat,
            Some(2048),
            r#"{"shift":true,"truncate":true,"options": { }}"#,
            Some(r#"{"shift":true,"truncate":true,"options": {"num_ctx":2048 }}"#),
        );
        check(Chat, Some(2048), r#"{"shift":true,"truncate":true,"options":{"num_ctx":64}}"#, None);
        check(Embeddings, None, r#"{"input":"a"}"#, Some(r#"{"truncate":false,"input":"a"}"#));
        check(Chat, None, "{}", Some(r#"{"truncate":false,"shift":false}"#));
        check(SingleEmbedding, Some(1), r#"{"prompt":"a"}"#, None);
        check(Chat, None, "no", None);
        check(Chat, None, r#"{"options":[1]}"#, Some(r#"{"truncate":false,"shift":false,"options":[1]}"#));
    }
}
