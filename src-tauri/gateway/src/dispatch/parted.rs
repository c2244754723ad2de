//! Takes secrets out of an answer's pieces where one is cut in two by the pieces.
//!
//! The bytes of a stream are cleaned before they are read, but a secret that an upstream says in two of its events stands
//! nowhere in one piece there: only the texts that the events come to, put together, hold it. Of a text at most its end is
//! held back, as long as a secret may have begun there, and no longer than something else begins.

use std::collections::BTreeMap;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::completion::Delta;
use crate::secrets::redact::{Redactor, Streaming};

/// The cleaned texts of one answer.
pub(super) struct Parted {
    redactor: Streaming,
    /// The ends that are held back.
    held: BTreeMap<Place, Zeroizing<Vec<u8>>>,
}

/// Which text: of which answer, which part.
type Place = (u32, u32, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Thought,
    Refusal,
    Arguments,
}

impl Parted {
    pub(super) fn new(redactor: Redactor) -> Parted {
        Parted { redactor: redactor.streaming(), held: BTreeMap::new() }
    }

    /// Takes a piece and appends what can be told now.
    pub(super) fn push(&mut self, mut delta: Delta, out: &mut Vec<Delta>) {
        let Some((place, text)) = text(&mut delta) else {
            match delta {
                // They come beside a text.
                Delta::Start { .. } | Delta::Usage(_) | Delta::Logprobs { .. } => {}
                // Calls may come by turns.
                Delta::ToolCall { .. } | Delta::ThoughtState { .. } => {
                    self.release(|kind| kind != Kind::Arguments, out)
                }
                Delta::Text { .. }
                | Delta::Thought { .. }
                | Delta::Refusal { .. }
                | Delta::Arguments { .. }
                | Delta::Finish { .. }
                | Delta::Failed { .. } => self.release(|_| true, out),
            }
            return out.push(delta);
        };
        if !self.held.is_empty() {
            let mut own = self.held.remove(&place).unwrap_or_default();
            let by_turns = place.2 == Kind::Arguments;
            self.release(|kind| !(by_turns && kind == Kind::Arguments), out);
            self.redactor.exchange(&mut own);
        }
        // A piece that is empty opens its part.
        let opens = text.is_empty();
        let clean = self.redactor.push(Bytes::from(std::mem::take(text)));
        let mut rest = Zeroizing::default();
        self.redactor.exchange(&mut rest);
        if !rest.is_empty() {
            self.held.insert(place, rest);
        }
        if opens || !clean.is_empty() {
            *text = said(clean);
            out.push(delta);
        }
    }

    /// Nothing follows: appends what was held back.
    pub(super) fn finish(&mut self, out: &mut Vec<Delta>) {
        self.release(|_| true, out);
    }

    fn release(&mut self, which: impl Fn(Kind) -> bool, out: &mut Vec<Delta>) {
        for ((choice, part, kind), mut end) in self.held.extract_if(.., |(.., kind), _| which(*kind)) {
            self.redactor.exchange(&mut end);
            let text = said(self.redactor.finish());
            out.push(match kind {
                Kind::Text => Delta::Text { choice, part, text },
                Kind::Thought => Delta::Thought { choice, part, text },
                Kind::Refusal => Delta::Refusal { choice, part, text },
                Kind::Arguments => Delta::Arguments { choice, part, json: text },
            });
        }
    }
}

/// The text of a piece that has one, and whose it is.
fn text(delta: &mut Delta) -> Option<(Place, &mut String)> {
    match delta {
        Delta::Text { choice, part, text } => Some(((*choice, *part, Kind::Text), text)),
        Delta::Thought { choice, part, text } => Some(((*choice, *part, Kind::Thought), text)),
        Delta::Refusal { choice, part, text } => Some(((*choice, *part, Kind::Refusal), text)),
        Delta::Arguments { choice, part, json } => Some(((*choice, *part, Kind::Arguments), json)),
        Delta::Start { .. }
        | Delta::ThoughtState { .. }
        | Delta::ToolCall { .. }
        | Delta::Logprobs { .. }
        | Delta::Finish { .. }
        | Delta::Usage(_)
        | Delta::Failed { .. } => None,
    }
}

/// Secrets are cut out, and texts cut, between letters.
fn said(text: Bytes) -> String {
    String::from_utf8(text.into()).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::completion::{Completion, Finish, ToolKind};

    const SECRET: &str = "sk-0123456789";

    fn parted(deltas: Vec<Delta>) -> Vec<Delta> {
        let mut parted = Parted::new(Redactor::new([SECRET]));
        let mut out = Vec::new();
        deltas.into_iter().for_each(|delta| parted.push(delta, &mut out));
        parted.finish(&mut out);
        out
    }

    /// A piece from a line: whose part, what it is, its text.
    fn delta(line: &str) -> Delta {
        let (choice, part, text) = (0, line[..1].parse().unwrap(), line[2..].to_owned());
        match &line[1..2] {
            "t" => Delta::Text { choice, part, text },
            "h" => Delta::Thought { choice, part, text },
            "r" => Delta::Refusal { choice, part, text },
            "a" => Delta::Arguments { choice, part, json: text },
            "c" => Delta::ToolCall { choice, part, id: text, name: "f".into(), kind: ToolKind::Function },
            "l" => Delta::Logprobs { choice, value: text.into() },
            _ => Delta::Finish { choice, finish: Finish::Stop },
        }
    }

    fn line(delta: &Delta) -> String {
        match delta {
            Delta::Text { part, text, .. } => format!("{part}t{text}"),
            Delta::Thought { part, text, .. } => format!("{part}h{text}"),
            Delta::Refusal { part, text, .. } => format!("{part}r{text}"),
            Delta::Arguments { part, json, .. } => format!("{part}a{json}"),
            Delta::ToolCall { part, id, .. } => format!("{part}c{id}"),
            Delta::Logprobs { value, .. } => format!("0l{}", value.as_str().unwrap_or_default()),
            _ => "0.".into(),
        }
    }

    #[track_caller]
    fn check(pieces: &[&str], expected: &[&str]) {
        let seen = parted(pieces.iter().map(|piece| delta(piece)).collect());
        assert_eq!(seen.iter().map(line).collect::<Vec<_>>(), expected, "{pieces:?}");
    }

    #[test]
    fn a_secret_in_two_pieces_is_none() {
        check(&["0tmy key: sk-0123", "0t456789, see", "0."], &["0tmy key: ", "0t[redacted], see", "0."]);
        check(&["0tsk-", "0t01234567", "0t89"], &["0t[redacted]"]);
        check(&["0hsk-0123", "0h456789"], &["0h[redacted]"]);
        check(&["0rsk-0123", "0r456789"], &["0r[redacted]"]);
        check(&["0tsk-0123", "0la", "0t456789"], &["0la", "0t[redacted]"]);
        check(
            &["0ca", "1cb", "0a{\"k\":\"sk-01", "1a{\"k\":\"sk-0123", "0a23456789\"}", "1a456789\"}", "0."],
            &["0ca", "1cb", "0a{\"k\":\"", "1a{\"k\":\"", "0a[redacted]\"}", "1a[redacted]\"}", "0."],
        );
    }

    #[test]
    fn what_only_begins_like_one_is_told_in_its_place() {
        check(&["0tas", "0tk-0 ", "0tx"], &["0ta", "0tsk-0 ", "0tx"]);
        check(&["0tus", "0."], &["0tu", "0ts", "0."]);
        check(&["0tus"], &["0tu", "0ts"]);
        check(&["0h", "0hus", "1ca", "1a{}"], &["0h", "0hu", "0hs", "1ca", "1a{}"]);
        check(&["0tsk-0", "1tsk-0", "0."], &["0tsk-0", "1tsk-0", "0."]);
        check(&["0tplain", "0t", "0ttext"], &["0tplain", "0t", "0ttext"]);
    }

    proptest! {
        /// However a text is cut, the same is told.
        #[test]
        fn any_split_tells_the_same(
            text in "(sk-0123456789|sk-|s|0123|é|\\\\|%|[a-z ]){0,12}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let letters: Vec<char> = text.chars().collect();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(letters.len() + 1)).chain([0, letters.len()]).collect();
            at.sort_unstable();
            let pieces = at.windows(2).map(|pair| letters[pair[0]..pair[1]].iter().collect::<String>());
            let deltas = pieces.map(|text| Delta::Text { choice: 0, part: 0, text }).collect();
            let told: Completion = parted(deltas).into_iter().collect();
            let redactor = Redactor::new([SECRET]);
            let whole = said(redactor.redact(text.as_bytes()).into_owned().into());
            let told = told.choices.first().and_then(|choice| choice.parts.first()).map_or(String::new(), |part| match part {
                crate::completion::Part::Text(text) => text.text.to_string(),
                _ => unreachable!("there are only texts"),
            });
            prop_assert_eq!(told, whole);
        }
    }
}
