//! What a coding agent changes from turn to turn, held steady for models that reuse a prompt's beginning.
//!
//! A local runtime evaluates a prompt only from the first byte that differs from the last one's. Claude Code writes a
//! billing line at its very beginning whose values change with every request (`cch`) or every prompt (`cc_prompt_id`,
//! `cc_turn_index`), and names its last answer in `diagnostics`: a turn of 20,000 tokens is then evaluated anew. Only
//! Anthropic's own servers read those; for all others they are set to a constant, and no other byte is touched. Token
//! countdowns among the messages are left where they stand: earlier ones stay, so that they spoil nothing.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How a billing line begins, as the JSON string that it is.
const LINE: &[u8] = b"\"x-anthropic-billing-header:";
/// What changes in it.
const CHANGING: [&[u8]; 3] = [b"cch=", b"cc_prompt_id=", b"cc_turn_index="];
/// What changes beside it.
const DIAGNOSTICS: &[u8] = b"\"diagnostics\"";

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    diagnostics: Option<&'a RawValue>,
}

/// A piece of the body and what stands there instead.
type Edit = (Range<usize>, &'static [u8]);

/// The body as it should go to a server that is not Anthropic's; `None` if nothing in it changes from turn to turn.
pub fn steady(body: &[u8]) -> Option<Bytes> {
    let mut edits = billing_lines(body);
    if memmem::find(body, DIAGNOSTICS).is_some()
        && let Ok(Top { diagnostics: Some(told) }) = serde_json::from_slice(body)
    {
        // A slice of the body: where it begins in memory is where it stands.
        let at = told.get().as_ptr() as usize - body.as_ptr() as usize;
        edits.push((at..at + told.get().len(), b"null"));
    }
    edit(body, edits)
}

/// The same for a body that is read here, by a reader that knows `diagnostics` and leaves it out.
pub(super) fn steady_prompt(body: &[u8]) -> Option<Bytes> {
    edit(body, billing_lines(body))
}

fn billing_lines(body: &[u8]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for start in memmem::find_iter(body, LINE) {
        // Behind a backslash it is a quote in somebody's text.
        if start > 0 && body[start - 1] == b'\\' {
            continue;
        }
        let text = start + 1;
        let Some(length) = memchr::memchr2(b'"', b'\n', &body[text..]) else { continue };
        let line = &body[text..text + length];
        for name in CHANGING {
            if let Some(at) = memmem::find(line, name) {
                let value = at + name.len();
                let end = memchr::memchr3(b';', b'\\', b' ', &line[value..]).map_or(line.len(), |end| value + end);
                edits.push((text + value..text + end, b"0"));
            }
        }
    }
    edits
}

fn edit(body: &[u8], mut edits: Vec<Edit>) -> Option<Bytes> {
    edits.retain(|(range, constant)| body[range.clone()] != **constant);
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut edited = Vec::with_capacity(body.len());
    let mut done = 0;
    for (range, constant) in edits {
        // A value that holds another's name is no line of Claude Code's; the first of the two is replaced.
        if range.start >= done {
            edited.extend_from_slice(&body[done..range.start]);
            edited.extend_from_slice(constant);
            done = range.end;
        }
    }
    edited.extend_from_slice(&body[done..]);
    Some(edited.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        let seen = steady(body.as_bytes());
        assert_eq!(seen.as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap()), expected, "{body}");
        if let Some(seen) = seen {
            assert_eq!(steady(&seen), None, "what is steady stays as it is");
        }
    }

    #[test]
    fn what_changes_becomes_a_constant() {
        check(
            r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.3; cch=ab12f; cc_prompt_id=9f-1; cc_turn_index=3;"}],"m": 1.50}"#,
            Some(
                r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.3; cch=0; cc_prompt_id=0; cc_turn_index=0;"}],"m": 1.50}"#,
            ),
        );
        check(
            r#"{"system":"x-anthropic-billing-header: cch=ab12f\nYou are"}"#,
            Some(r#"{"system":"x-anthropic-billing-header: cch=0\nYou are"}"#),
        );
        check(
            r#"{"diagnostics": {"previous_message_id": "msg_1"}, "messages": []}"#,
            Some(r#"{"diagnostics": null, "messages": []}"#),
        );
    }

    #[test]
    fn all_else_is_left_as_it_is() {
        check(r#"{"messages":[{"role":"system","content":"<total_tokens>900 tokens left</total_tokens>"}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":"\"x-anthropic-billing-header: cch=1;\" is a line"}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":"cch=1 and \"diagnostics\": 1"}]}"#, None);
        check(r#"{"tools":[{"diagnostics": {"a": 1}}]}"#, None);
        check(r#"{"diagnostics": null}"#, None);
        check("\"x-anthropic-billing-header: cch=", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(body in "(\"x-anthropic-billing-header:|cch=|cc_turn_index=|;|\"|\\\\|\"diagnostics\"|:|\\{|\\}|[a-z ]){0,30}") {
            let _ = steady(body.as_bytes());
        }
    }
}
