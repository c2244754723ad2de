//! Other vendors' opaque states in a body that goes to its protocol's own maker as it came.
//!
//! A conversation whose model was switched holds thoughts that another vendor's model had: under a mark of ours, or, from a
//! model that signs nothing, without a signature. Vendors check what they signed and answer 400 to all else, so that such
//! thoughts are cut out of the raw body. What is translated never comes here: encoders write no foreign state.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Protocol, gemini};
use crate::protocol::codec::carrier::MARK;

/// What stands in a body's bytes, and what shall stand there.
type Edit = (Range<usize>, String);

/// The body without them; `None` if there are none, which is nearly always.
pub(crate) fn without(protocol: Protocol, body: &[u8]) -> Option<Bytes> {
    let edits = match protocol {
        Protocol::Anthropic if says(body, "signature", is_foreign) || says(body, "data", is_marked) => blocks(body)?,
        Protocol::OpenAiResponses if says(body, "encrypted_content", is_foreign) => items(body)?,
        Protocol::Gemini => signatures(body),
        Protocol::OpenAiChat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
        | Protocol::Ollama
        | Protocol::BedrockConverse
        | Protocol::Cohere => return None,
    };
    if edits.is_empty() {
        return None;
    }
    let mut edited = Vec::with_capacity(body.len());
    let mut done = 0;
    for (range, text) in edits {
        edited.extend_from_slice(&body[done..range.start]);
        edited.extend_from_slice(text.as_bytes());
        done = range.end;
    }
    edited.extend_from_slice(&body[done..]);
    Some(edited.into())
}

/// Whether a text is a carried state.
fn is_marked(text: &[u8]) -> bool {
    text.starts_with(MARK.as_bytes()) || text.starts_with(br"pointsman\/")
}

/// Whether it is no vendor's signature.
fn is_foreign(text: &[u8]) -> bool {
    text.is_empty() || is_marked(text)
}

/// The texts that a field has, wherever it stands, each with its place. A cheap look: what it finds may be a quote.
fn texts<'b>(body: &'b [u8], field: &str) -> impl Iterator<Item = (usize, &'b [u8])> {
    let field = format!("\"{field}\"");
    let places: Vec<usize> = memmem::find_iter(body, &field).map(|at| at + field.len()).collect();
    places.into_iter().filter_map(|at| {
        let rest = body[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', rest)?;
        Some((body.len() - rest.len(), &rest[..end]))
    })
}

fn says(body: &[u8], field: &str, of: fn(&[u8]) -> bool) -> bool {
    texts(body, field).any(|(_, text)| of(text))
}

/// A part of a body, and where it stands in it.
fn range(body: &[u8], raw: &RawValue) -> Range<usize> {
    // A slice of the body: where it begins in memory is where it stands.
    let at = raw.get().as_ptr() as usize - body.as_ptr() as usize;
    at..at + raw.get().len()
}

/// A list of what is kept of another; `None` where that is all.
fn kept(list: &[&RawValue], instead: Option<&str>, foreign: impl Fn(&RawValue) -> bool) -> Option<String> {
    let mut kept: Vec<&str> = list.iter().filter(|one| !foreign(one)).map(|one| one.get()).collect();
    if kept.len() == list.len() {
        return None;
    }
    if kept.is_empty() {
        kept.extend(instead);
    }
    Some(format!("[{}]", kept.join(",")))
}

#[derive(Deserialize)]
struct Turns<'a> {
    #[serde(borrow)]
    messages: Vec<Turn<'a>>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    role: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
}

impl Block {
    fn is_foreign(&self) -> bool {
        match self.kind.as_str() {
            "thinking" => self.signature.as_ref().is_none_or(|text| is_foreign(text.as_bytes())),
            "redacted_thinking" => self.data.as_ref().is_none_or(|text| is_foreign(text.as_bytes())),
            _ => false,
        }
    }
}

/// Anthropic's: the model's turns without foreign thoughts.
fn blocks(body: &[u8]) -> Option<Vec<Edit>> {
    let Turns { messages, thinking } = serde_json::from_slice(body).ok()?;
    let mut edits = Vec::new();
    let last = messages.iter().rposition(|turn| turn.role == "assistant");
    let mut last_lost = false;
    for (number, turn) in messages.iter().enumerate().filter(|(_, turn)| turn.role == "assistant") {
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(turn.content.get()) else { continue };
        let block = |raw: &RawValue| serde_json::from_str::<Block>(raw.get()).ok().filter(Block::is_foreign);
        // A turn may not be empty: what was only thought is then said.
        let thought = list.iter().filter_map(|raw| block(raw)?.thinking).find(|text| !text.trim().is_empty());
        let instead = json!({"type": "text", "text": thought.as_deref().unwrap_or("...")}).to_string();
        if let Some(text) = kept(&list, Some(&instead), |raw| block(raw).is_some()) {
            edits.push((range(body, turn.content), text));
            last_lost |= Some(number) == last;
        }
    }
    // A turn that goes on must begin with a thought where a budget for them is given: then it goes on without.
    let thinks = |raw: &&RawValue| serde_json::from_str::<Block>(raw.get()).is_ok_and(|it| it.kind == "enabled");
    if let Some(thinking) = thinking.filter(thinks).filter(|_| last_lost) {
        edits.push((range(body, thinking), r#"{"type":"disabled"}"#.to_owned()));
    }
    edits.sort_by_key(|(range, _)| range.start);
    Some(edits)
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: Option<String>,
    encrypted_content: Option<String>,
}

/// OpenAI's: the items without foreign thoughts.
fn items(body: &[u8]) -> Option<Vec<Edit>> {
    let Input { input } = serde_json::from_slice(body).ok()?;
    let list: Vec<&RawValue> = serde_json::from_str(input.get()).ok()?;
    let foreign = |raw: &RawValue| {
        let item = serde_json::from_str::<Item>(raw.get()).ok().filter(|it| it.kind.as_deref() == Some("reasoning"));
        item.and_then(|item| item.encrypted_content).is_some_and(|text| is_foreign(text.as_bytes()))
    };
    Some(kept(&list, None, foreign).map(|text| (range(body, input), text)).into_iter().collect())
}

/// Gemini's: what says that there is none in place of a foreign signature.
fn signatures(body: &[u8]) -> Vec<Edit> {
    let found = ["thoughtSignature", "thought_signature"].into_iter().flat_map(|field| texts(body, field));
    let foreign = found.filter(|(_, text)| gemini::signature::is_foreign(text));
    let none = || gemini::signature::NONE.to_owned();
    let mut edits: Vec<Edit> = foreign.map(|(at, text)| (at..at + text.len(), none())).collect();
    edits.sort_by_key(|(range, _)| range.start);
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, body: &str, expected: Option<&str>) {
        let cut = without(protocol, body.as_bytes());
        assert_eq!(cut.as_deref().map(|bytes| str::from_utf8(bytes).unwrap()), expected, "{body}");
        if let Some(cut) = cut {
            assert_eq!(without(protocol, &cut), None, "what is cut stays so");
        }
    }

    #[test]
    fn anthropics_models_get_their_own_thoughts_alone() {
        let check = |body: &str, expected: Option<&str>| check(Protocol::Anthropic, body, expected);
        check(
            r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"EqQB"},{"type":"text","text":"b"}]}]}"#,
            None,
        );
        check(
            r#"{"n": 1.50,"messages":[{"role":"assistant","content":[ {"type":"thinking","thinking":"a","signature":"pointsman/gemini//x"}, {"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#,
            Some(
                r#"{"n": 1.50,"messages":[{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#,
            ),
        );
        check(
            r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":""}]}]}"#,
            Some(r#"{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"}]}]}"#),
        );
        check(
            r#"{"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"pointsman\/openai/rs_1/x"},{"type":"tool_use","id":"t","name":"f","input":{"n":1.0}}]}],"thinking":{"type":"enabled","budget_tokens":2000}}"#,
            Some(
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"n":1.0}}]}],"thinking":{"type":"disabled"}}"#,
            ),
        );
        check(r#"{"messages":[{"role":"user","content":"\"signature\":\"\""}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":[{"type":"x","signature":""}]}]}"#, None);
        check("\"signature\":\"\"", None);
    }

    #[test]
    fn openais_models_get_their_own_thoughts_alone() {
        let check = |body: &str, expected: Option<&str>| check(Protocol::OpenAiResponses, body, expected);
        check(
            r#"{"input":[{"type":"reasoning","id":"rs_1","encrypted_content":"pointsman/anthropic//x"},{"role":"user","content":"a"}],"model":"m"}"#,
            Some(r#"{"input":[{"role":"user","content":"a"}],"model":"m"}"#),
        );
        check(r#"{"input":[{"type":"reasoning","id":"rs_1","encrypted_content":"gAAA"}]}"#, None);
        check(r#"{"input":[{"type":"reasoning","id":"rs_1","encrypted_content":null}]}"#, None);
        check(r#"{"input":"\"encrypted_content\":\"\""}"#, None);
    }

    #[test]
    fn googles_models_are_told_that_there_is_none() {
        let check = |body: &str, expected: Option<&str>| check(Protocol::Gemini, body, expected);
        // `pointsman/anthropic//x` as base64.
        check(
            r#"{"contents":[{"parts":[{"functionCall":{"name":"f"},"thoughtSignature":"cG9pbnRzbWFuL2FudGhyb3BpYy8veA=="}]}]}"#,
            Some(
                r#"{"contents":[{"parts":[{"functionCall":{"name":"f"},"thoughtSignature":"skip_thought_signature_validator"}]}]}"#,
            ),
        );
        check(r#"{"contents":[{"parts":[{"text":"a","thought_signature":"CiQB"}]}]}"#, None);
    }

    #[test]
    fn others_are_not_looked_at() {
        check(Protocol::OpenAiChat, r#"{"signature":""}"#, None);
        check(Protocol::Ollama, r#"{"signature":""}"#, None);
    }
}
