//! What keeps a real Ollama honest about its context, added to a client's own body.
//!
//! Ollama cuts a prompt that is too long, and an answer's own beginning, without a word, unless it is told not to; and it
//! loads a model anew when it is asked with another context than the loaded one. What the client says itself is never
//! changed. `write_request` says the same for requests that come from another protocol.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::protocol::Operation;

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow, default, deserialize_with = "also_null")]
    truncate: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "also_null")]
    shift: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "also_null")]
    options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow, default, deserialize_with = "also_null")]
    num_ctx: Option<&'a RawValue>,
}

/// A `null` is a value here: it says nothing to Ollama, but unsays what stands before it under the same key.
fn also_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The body as it should go to Ollama; `None` where nothing is to be added. `context` in tokens, where one is wanted.
pub fn honest(operation: Operation, body: &[u8], context: Option<u32>) -> Option<Bytes> {
    let shifts = match operation {
        Operation::Chat | Operation::Completion => true,
        Operation::Embeddings => false,
        Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Transcription
        | Operation::Translation
        | Operation::Rerank
        | Operation::Images
        | Operation::ImageEdit
        | Operation::Speech
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => return None,
    };
    let top: Top<'_> = serde_json::from_slice(body).ok()?;
    let mut said = Said { edits: Vec::new(), body };
    // A list, which serde would read as an object's values in order, is Ollama's to refuse.
    let start = body.len() - body.trim_ascii_start().len();
    if body.get(start) != Some(&b'{') {
        return None;
    }
    let mut missing = Vec::new();
    said.value(top.truncate, "truncate", "false", &mut missing);
    if shifts {
        said.value(top.shift, "shift", "false", &mut missing);
    }
    if let Some(context) = context {
        let tokens = context.to_string();
        let options = top.options.filter(|raw| raw.get() != "null");
        match options.map(|raw| (raw, serde_json::from_str::<Options<'_>>(raw.get()))) {
            None => said.value(top.options, "options", &format!("{{\"num_ctx\":{tokens}}}"), &mut missing),
            Some((raw, Ok(known))) if raw.get().starts_with('{') => {
                let mut inside = Vec::new();
                said.value(known.num_ctx, "num_ctx", &tokens, &mut inside);
                let start = said.range(raw).start;
                said.fields(start, &inside);
            }
            // Not what Ollama takes: it may say so itself.
            Some(_) => {}
        }
    }
    said.fields(start, &missing);
    said.written()
}

/// What is changed in a body: the bytes that go, and those that come instead.
struct Said<'a> {
    edits: Vec<(Range<usize>, String)>,
    body: &'a [u8],
}

impl Said<'_> {
    /// Says a value where there is none: in place of its `null`, else among the missing fields.
    fn value(&mut self, known: Option<&RawValue>, key: &str, value: &str, missing: &mut Vec<String>) {
        match known {
            None => missing.push(format!("\"{key}\":{value}")),
            Some(raw) if raw.get() == "null" => self.edits.push((self.range(raw), value.to_owned())),
            Some(_) => {}
        }
    }

    /// Adds fields to the object whose brace stands at `start`.
    fn fields(&mut self, start: usize, fields: &[String]) {
        if !fields.is_empty() {
            let inside = start + 1;
            let alone = self.body[inside..].trim_ascii_start().starts_with(b"}");
            self.edits.push((inside..inside, fields.join(",") + if alone { "" } else { "," }));
        }
    }

    /// Where a value stands. It is a slice of the body: where it begins in memory is where it stands.
    fn range(&self, raw: &RawValue) -> Range<usize> {
        let at = raw.get().as_ptr() as usize - self.body.as_ptr() as usize;
        at..at + raw.get().len()
    }

    fn written(mut self) -> Option<Bytes> {
        if self.edits.is_empty() {
            return None;
        }
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut written = Vec::with_capacity(self.body.len() + 64);
        let mut done = 0;
        for (range, text) in self.edits {
            written.extend_from_slice(&self.body[done..range.start]);
            written.extend_from_slice(text.as_bytes());
            done = range.end;
        }
        written.extend_from_slice(&self.body[done..]);
        Some(written.into())
    }
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
        check(Chat, None, r#"{"shift":null,"truncate": null}"#, Some(r#"{"shift":false,"truncate": false}"#));
        check(
            Chat,
            Some(2048),
            r#"{"shift":true,"options":null}"#,
            Some(r#"{"truncate":false,"shift":true,"options":{"num_ctx":2048}}"#),
        );
        check(
            Chat,
            Some(2048),
            r#"{"shift":true,"truncate":null,"options":{"num_ctx": null}}"#,
            Some(r#"{"shift":true,"truncate":false,"options":{"num_ctx": 2048}}"#),
        );
        check(Chat, None, "no", None);
        check(Chat, None, r#"["{"]"#, None);
        check(Chat, None, r#"{"options":[1]}"#, Some(r#"{"truncate":false,"shift":false,"options":[1]}"#));
    }
}
