//! What the protocols' tests share: streams read in any split, answers as pieces, damaged bytes, and an answer in words.
//!
//! Laws that hold for every protocol are in `protocol::tests`, which runs them over all codecs.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use proptest::prelude::*;

use super::frames::Framer;
use super::{DeltaDecoder, DeltaEncoder, Surface, Upstream};
use crate::completion::{Completion, CompletionRequest, DecodeError, Delta, Part, Thought, ToolCall, ToolKind, Usage};
use crate::protocol::Operation;

/// Reads a stream that comes in these pieces.
pub(crate) fn read(mut decoder: Box<dyn DeltaDecoder>, pieces: &[&[u8]]) -> Vec<Delta> {
    let mut deltas = Vec::new();
    let mut framer = Framer::new(decoder.framing());
    for piece in pieces {
        framer.push(piece, |frame| decoder.decode(frame, &mut deltas)).unwrap();
    }
    framer.finish(|frame| decoder.decode(frame, &mut deltas));
    decoder.finish(&mut deltas);
    deltas
}

/// Cuts bytes at places given by chance.
pub(crate) fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// A frame of Amazon's event streams; an `error` has its words as headers.
pub(crate) fn event_frame(kind: &str, name: &str, data: &str) -> Vec<u8> {
    let header = |name: &str, value: &str| Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into()));
    let mut message = Message::new(Bytes::copy_from_slice(if kind == "error" { b"" } else { data.as_bytes() }))
        .add_header(header(":message-type", kind));
    message = match kind {
        "event" => message.add_header(header(":event-type", name)),
        "exception" => message.add_header(header(":exception-type", name)),
        _ => message.add_header(header(":error-code", name)).add_header(header(":error-message", data)),
    };
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

/// Writes an answer as a stream.
pub(crate) fn write(mut encoder: Box<dyn DeltaEncoder>, deltas: Vec<Delta>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for delta in deltas {
        encoder.encode(delta, &mut bytes);
    }
    encoder.finish(&mut bytes);
    bytes
}

/// An answer written whole and read again.
pub(crate) fn whole(
    surface: &dyn Surface,
    upstream: &dyn Upstream,
    request: &CompletionRequest,
    completion: &Completion,
) -> Result<Completion, DecodeError> {
    upstream.decode_completion(&surface.encode_completion(Operation::Chat, request, completion))
}

/// An answer written as a stream, read again and folded.
pub(crate) fn folded(
    surface: &dyn Surface,
    upstream: &dyn Upstream,
    request: &CompletionRequest,
    deltas: Vec<Delta>,
) -> Completion {
    let bytes = write(surface.encoder(Operation::Chat, request), deltas);
    let deltas = read(upstream.decoder(), &[&bytes]);
    assert!(
        !deltas.iter().any(|delta| matches!(delta, Delta::Failed { .. })),
        "a stream of our own making is complete: {deltas:?}"
    );
    deltas.into_iter().collect()
}

/// An answer in pieces of a few letters, one part after another.
pub(crate) fn pieces(completion: &Completion) -> Vec<Delta> {
    split(completion, false)
}

/// An answer in pieces of a few letters, its calls by turns.
pub(crate) fn interleaved(completion: &Completion) -> Vec<Delta> {
    split(completion, true)
}

fn split(completion: &Completion, by_turns: bool) -> Vec<Delta> {
    let Completion { id, model, created, .. } = completion.clone();
    let mut deltas = vec![Delta::Start { id, model, created }];
    for (choice, said) in completion.choices.iter().enumerate() {
        let choice = u32::try_from(choice).unwrap();
        let mut waiting: Vec<Vec<Delta>> = Vec::new();
        for (number, part) in said.parts.iter().enumerate() {
            let mut pieces = part_pieces(choice, u32::try_from(number).unwrap(), part);
            if by_turns && matches!(part, Part::ToolCall(_)) {
                // Every call begins before the first of them grows.
                deltas.push(pieces.remove(0));
                waiting.push(pieces);
            } else {
                take_turns(&mut waiting, &mut deltas);
                deltas.extend(pieces);
            }
        }
        take_turns(&mut waiting, &mut deltas);
        deltas.extend(said.logprobs.clone().map(|value| Delta::Logprobs { choice, value }));
        deltas.extend(said.finish.clone().map(|finish| Delta::Finish { choice, finish }));
    }
    deltas.extend(completion.usage.map(Delta::Usage));
    deltas
}

fn take_turns(waiting: &mut Vec<Vec<Delta>>, deltas: &mut Vec<Delta>) {
    while waiting.iter().any(|pieces| !pieces.is_empty()) {
        for pieces in waiting.iter_mut().filter(|pieces| !pieces.is_empty()) {
            deltas.push(pieces.remove(0));
        }
    }
    waiting.clear();
}

fn part_pieces(choice: u32, part: u32, said: &Part) -> Vec<Delta> {
    let mut pieces = Vec::new();
    match said {
        Part::Text(said) => pieces.extend(few(&said.text).map(|text| Delta::Text { choice, part, text })),
        Part::Refusal(said) => pieces.extend(few(said).map(|text| Delta::Refusal { choice, part, text })),
        Part::Thought(said) => {
            if said.text.is_empty() {
                pieces.push(Delta::Thought { choice, part, text: String::new() });
            }
            pieces.extend(few(&said.text).map(|text| Delta::Thought { choice, part, text }));
            pieces.extend(said.state.clone().map(|state| Delta::ThoughtState { choice, part, state }));
        }
        Part::ToolCall(call) => {
            let ToolCall { id, name, arguments, kind, state } = call.clone();
            pieces.push(Delta::ToolCall { choice, part, id, name, kind });
            pieces.extend(state.map(|state| Delta::ThoughtState { choice, part, state }));
            pieces.extend(few(&arguments).map(|json| Delta::Arguments { choice, part, json }));
        }
        Part::Media(_) | Part::ToolResult(_) => {}
    }
    pieces
}

fn few(text: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(3).map(|few| few.iter().collect()).collect::<Vec<String>>().into_iter()
}

/// A body with a few of its bytes changed or gone.
pub(crate) fn damaged(whole: &[u8], hits: &[(prop::sample::Index, Option<u8>)]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for (at, byte) in hits {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match byte {
            Some(byte) => bytes[at] = *byte,
            None => bytes.truncate(at),
        }
    }
    bytes
}

/// Hits for [`damaged`]: JSON's own signs more often than others.
pub(crate) fn hits() -> impl Strategy<Value = Vec<(prop::sample::Index, Option<u8>)>> {
    let sign = prop_oneof![
        prop::sample::select(b"{}[]\",:0-ntf \n\\".as_slice()).prop_map(Some),
        any::<u8>().prop_map(Some),
        Just(None)
    ];
    proptest::collection::vec((any::<prop::sample::Index>(), sign), 0..4)
}

/// Pieces in words, one line a part: what a fixture says of an answer.
pub(crate) fn words(deltas: &[Delta]) -> Vec<String> {
    let completion: Completion = deltas.iter().cloned().collect();
    let mut lines = Vec::new();
    for (at, choice) in completion.choices.iter().enumerate() {
        if completion.choices.len() > 1 {
            lines.push(format!("choice {at}"));
        }
        for part in &choice.parts {
            lines.push(match part {
                Part::Text(text) => format!("text {}", &*text.text),
                Part::Thought(Thought { text, state: None }) => format!("thought {text}"),
                Part::Thought(Thought { text, state: Some(state) }) => {
                    format!("thought {text} [{:?} {}]", state.kind, state.value)
                }
                Part::Refusal(text) => format!("refusal {text}"),
                Part::ToolCall(call) => {
                    let state = call.state.as_ref().map(|state| format!(" [{:?} {}]", state.kind, state.value));
                    let kind = if call.kind == ToolKind::Custom { "custom" } else { "call" };
                    format!("{kind} {} {} {}{}", call.id, call.name, call.arguments, state.unwrap_or_default())
                }
                Part::Media(_) | Part::ToolResult(_) => "?".into(),
            });
        }
        if let Some(logprobs) = &choice.logprobs {
            lines.push(format!("logprobs {logprobs}"));
        }
        if let Some(finish) = &choice.finish {
            lines.push(format!("finish {finish:?}"));
        }
    }
    if let Some(Usage { input, output, cache_read, reasoning, .. }) = completion.usage {
        let extra = |name, count: Option<u32>| count.map(|count| format!(" {name} {count}")).unwrap_or_default();
        lines.push(format!("usage {input} {output}{}{}", extra("cached", cache_read), extra("reasoning", reasoning)));
    }
    for delta in deltas {
        if let Delta::Failed { message, code } = delta {
            lines.push(format!("failed {message} {}", code.as_deref().unwrap_or("-")));
        }
    }
    lines
}
