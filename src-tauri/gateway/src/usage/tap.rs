//! Reads tokens and the end of an answer from its bytes as they pass.
//!
//! Forwarded bytes are never parsed as a whole: the tap keeps the first and the last few of them, looks there for the
//! counts, and knows each protocol's sign that an answer is complete. What it cannot read it leaves out; it never
//! changes, delays or refuses a byte.

use bytes::Bytes;
use memchr::memmem;
use serde::{Deserialize, Deserializer};

use crate::protocol::Protocol;

/// How much of the start is kept: enough for Anthropic's `message_start` and for embeddings' `usage`.
const HEAD: usize = 1024;
/// How much of the end is kept at least: enough for a finishing event, a usage event and `[DONE]`.
const TAIL: usize = 2048;

/// Token counts, as far as the answer tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens, cached ones included.
    pub input: Option<u32>,
    /// Answer tokens, reasoning included.
    pub output: Option<u32>,
    /// The part of `input` that came from a cache.
    pub cached: Option<u32>,
    /// The part of `output` that was reasoning.
    pub reasoning: Option<u32>,
    /// Searches or seconds of sound, where those are what is billed.
    pub units: Option<u32>,
}

/// One answer's tap.
#[derive(Debug)]
pub struct Tap {
    protocol: Protocol,
    streamed: bool,
    ended: bool,
    chunks: u32,
    /// The first piece of a short whole answer, most often all of it: held, not copied, until another one comes.
    only: Option<Bytes>,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Tap {
    /// A tap on an answer in `protocol`; `streamed` says whether it is a stream of events or one JSON object.
    pub fn new(protocol: Protocol, streamed: bool) -> Tap {
        Tap { protocol, streamed, ended: false, chunks: 0, only: None, head: Vec::new(), tail: Vec::new() }
    }

    /// Sees the next bytes.
    pub fn see(&mut self, bytes: &Bytes) {
        self.chunks = self.chunks.saturating_add(1);
        if self.chunks == 1 && !self.streamed && bytes.len() <= TAIL {
            self.only = Some(bytes.clone());
            return;
        }
        if let Some(first) = self.only.take() {
            self.keep(&first);
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.head.len() < HEAD {
            let room = HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        // A mark may stand across two chunks.
        let before = self.tail.len();
        if bytes.len() >= TAIL {
            // Marks inside the part that is not kept are looked for first.
            self.note_end(bytes);
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - TAIL..]);
            return;
        }
        self.tail.extend_from_slice(bytes);
        if self.streamed && !self.ended {
            let from = before.saturating_sub(32);
            self.ended = ends_early(self.protocol, &self.tail[from..]);
        }
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    fn note_end(&mut self, bytes: &[u8]) {
        if self.streamed && !self.ended {
            self.ended = ends_early(self.protocol, bytes);
        }
    }

    /// How many pieces passed.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Whether a stream said that it is complete, or told its own error. Always true for one JSON object, whose end the
    /// transfer itself tells.
    pub fn complete(&self) -> bool {
        !self.streamed || self.ended || ends_late(self.protocol, &self.tail)
    }

    /// The counts.
    pub fn tokens(&self) -> Tokens {
        if let Some(only) = &self.only {
            return counts(only).unwrap_or_default();
        }
        let mut tokens = counts(&self.tail).or_else(|| counts(&self.head)).unwrap_or_default();
        if self.protocol == Protocol::Anthropic && self.streamed {
            // The prompt is counted in the first event, the answer in the last.
            let end = memmem::find(&self.head, b"message_delta").unwrap_or(self.head.len());
            let first = counts(&self.head[..end]).unwrap_or_default();
            tokens.input = first.input.max(tokens.input);
            tokens.cached = first.cached.max(tokens.cached);
        }
        tokens
    }
}

/// Signs that need not stand near the end of the stream: their event goes on for long.
fn ends_early(protocol: Protocol, bytes: &[u8]) -> bool {
    match protocol {
        Protocol::OpenAiResponses => {
            [&b"\"response.completed\""[..], b"\"response.incomplete\"", b"\"response.failed\""]
                .iter()
                .any(|mark| memmem::find(bytes, mark).is_some())
        }
        // `/api/generate` ends with an array of all its tokens.
        Protocol::Ollama => memmem::find(bytes, b"\"done\":true").is_some(),
        Protocol::OpenAiChat
        | Protocol::Anthropic
        | Protocol::Gemini
        | Protocol::BedrockConverse
        | Protocol::Cohere => false,
    }
}

/// Signs near the end. An error that the upstream told itself counts: the client knows.
fn ends_late(protocol: Protocol, tail: &[u8]) -> bool {
    let has = |mark: &[u8]| memmem::find(tail, mark).is_some();
    let told = || has(b"data: {\"error\"") || has(b"data:{\"error\"") || has(b"event: error");
    match protocol {
        Protocol::OpenAiChat => {
            has(b"data: [DONE]")
                || has(b"data:[DONE]")
                || value_after(tail, b"\"finish_reason\":") == Some(b'"')
                || told()
        }
        Protocol::OpenAiResponses => told(),
        Protocol::Anthropic => has(b"message_stop") || told(),
        Protocol::Gemini => {
            [&b"\"finishReason\":"[..], b"\"blockReason\":"].iter().any(|key| value_after(tail, key) == Some(b'"'))
                || told()
        }
        // Never forwarded as a stream that is marked.
        Protocol::BedrockConverse | Protocol::Cohere => true,
        Protocol::Ollama => has(b"\"done\": true") || tail.starts_with(b"{\"error\"") || has(b"\n{\"error\""),
    }
}

/// The first byte of the last value behind a key.
fn value_after(bytes: &[u8], key: &[u8]) -> Option<u8> {
    let mut end = bytes.len();
    // The last one may be a `null` in a usage event that follows the finish.
    while let Some(at) = memmem::rfind(&bytes[..end], key) {
        match bytes[at + key.len()..].iter().find(|byte| **byte != b' ') {
            Some(b'"') => return Some(b'"'),
            _ => end = at,
        }
    }
    None
}

#[derive(Deserialize, Default)]
struct Details {
    cached_tokens: Option<u32>,
    reasoning_tokens: Option<u32>,
}

/// `usage` as OpenAI, Anthropic and those after them write it.
#[derive(Deserialize, Default)]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<u32>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Option<u32>,
    /// Alone where nothing is written in answer, as for vectors and orders.
    total_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<Details>,
    /// What a transcription is billed by, as OpenAI and as Mistral say it.
    #[serde(default, alias = "prompt_audio_seconds", deserialize_with = "whole")]
    seconds: Option<u32>,
    #[serde(default, deserialize_with = "whole")]
    search_units: Option<u32>,
}

/// A count that may be a fraction, and that is none where it is something else.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(value.as_f64().map(|count| count.round() as u32))
}

/// Gemini's `usageMetadata`, which counts thoughts apart from the answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    prompt_token_count: Option<u32>,
    tool_use_prompt_token_count: Option<u32>,
    candidates_token_count: Option<u32>,
    thoughts_token_count: Option<u32>,
    cached_content_token_count: Option<u32>,
}

/// llama.cpp's `timings`, which come even where `usage` was not asked for.
#[derive(Deserialize)]
struct Timings {
    cache_n: Option<u32>,
    prompt_n: Option<u32>,
    predicted_n: Option<u32>,
}

fn counts(bytes: &[u8]) -> Option<Tokens> {
    if let Some(usage) = last_object::<Usage>(bytes, b"\"usage\":") {
        let input = usage.prompt_tokens_details.unwrap_or_default();
        let output = usage.completion_tokens_details.unwrap_or_default();
        // Anthropic counts cached tokens apart from the others.
        let apart =
            usage.cache_read_input_tokens.unwrap_or(0).saturating_add(usage.cache_creation_input_tokens.unwrap_or(0));
        let prompt = usage.prompt_tokens.or(usage.total_tokens.filter(|_| usage.completion_tokens.is_none()));
        let units = usage.seconds.or(usage.search_units);
        return Some(Tokens {
            input: prompt.map(|tokens| tokens.saturating_add(apart)),
            output: usage.completion_tokens,
            cached: usage.cache_read_input_tokens.or(input.cached_tokens),
            reasoning: output.reasoning_tokens,
            units,
        });
    }
    if let Some(counts) = last_object::<Metadata>(bytes, b"\"usageMetadata\":") {
        let sum = |one: Option<u32>, more: Option<u32>| match (one, more) {
            (None, None) => None,
            (one, more) => Some(one.unwrap_or(0).saturating_add(more.unwrap_or(0))),
        };
        return Some(Tokens {
            input: sum(counts.prompt_token_count, counts.tool_use_prompt_token_count),
            output: sum(counts.candidates_token_count, counts.thoughts_token_count),
            cached: counts.cached_content_token_count,
            reasoning: counts.thoughts_token_count,
            units: None,
        });
    }
    if let Some(timings) = last_object::<Timings>(bytes, b"\"timings\":") {
        return Some(Tokens {
            input: timings.prompt_n.map(|tokens| tokens.saturating_add(timings.cache_n.unwrap_or(0))),
            output: timings.predicted_n,
            cached: timings.cache_n,
            ..Tokens::default()
        });
    }
    let input = number(bytes, b"\"prompt_eval_count\":");
    let output = number(bytes, b"\"eval_count\":");
    // In Cohere's `meta.billed_units`.
    let units = number(bytes, b"\"search_units\":");
    let told = input.is_some() || output.is_some() || units.is_some();
    told.then_some(Tokens { input, output, units, ..Tokens::default() })
}

/// The last object behind a key that reads as `T`. Inside a JSON string the key's quotes would be escaped, so text
/// that speaks of usage is never taken for it.
fn last_object<'a, T: Deserialize<'a>>(bytes: &'a [u8], key: &[u8]) -> Option<T> {
    // From the front, where the search is fast; a key stands there once or twice.
    let read = |at: usize| {
        let rest = bytes[at + key.len()..].trim_ascii_start();
        let value = || serde_json::Deserializer::from_slice(rest).into_iter::<T>().next();
        if rest.first() == Some(&b'{') { value()?.ok() } else { None }
    };
    memmem::find_iter(bytes, key).collect::<Vec<_>>().into_iter().rev().find_map(read)
}

fn number(bytes: &[u8], key: &[u8]) -> Option<u32> {
    let at = memmem::rfind(bytes, key)?;
    let digits = bytes[at + key.len()..].trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(protocol: Protocol, streamed: bool, pieces: &[&[u8]]) -> (bool, Tokens) {
        let mut tap = Tap::new(protocol, streamed);
        for piece in pieces {
            tap.see(&Bytes::copy_from_slice(piece));
        }
        (tap.complete(), tap.tokens())
    }

    fn check(
        protocol: Protocol,
        text: &str,
        complete: bool,
        input: Option<u32>,
        output: Option<u32>,
        cached: Option<u32>,
    ) {
        let streamed = text.contains("data:") || protocol == Protocol::Ollama;
        let seen = run(protocol, streamed, &[text.as_bytes()]);
        let Tokens { reasoning, units, .. } = seen.1;
        assert_eq!(seen, (complete, Tokens { input, output, cached, reasoning, units }), "{text}");
        for at in 0..text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            assert_eq!(run(protocol, streamed, &[a, b]), seen, "split at {at}");
        }
    }

    #[test]
    fn openai() {
        let chat = Protocol::OpenAiChat;
        check(
            chat,
            r#"{"choices":[],"usage":{"completion_tokens":8,"prompt_tokens":31,"prompt_tokens_details":{"cached_tokens":24}}}"#,
            true,
            Some(31),
            Some(8),
            Some(24),
        );
        check(chat, "data: {\"choices\":[{\"finish_reason\":null}]}\n\n", false, None, None, None);
        check(chat, "data: {\"choices\":[{\"finish_reason\": \"stop\"}]}\n\n", true, None, None, None);
        check(
            chat,
            "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
            true,
            Some(3),
            Some(2),
            None,
        );
        check(
            chat,
            "data: {\"choices\":[{\"finish_reason\":\"length\"}],\"timings\":{\"cache_n\":4,\"prompt_n\":6,\"predicted_n\":2,\"x\":1.5}}\n\n",
            true,
            Some(10),
            Some(2),
            Some(4),
        );
        check(
            chat,
            "data: {\"delta\":{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":9} data: [DONE\"}}\n\n",
            false,
            None,
            None,
            None,
        );
        check(chat, "data: {\"error\":{\"message\":\"x\"}}\n\n", true, None, None, None);
    }

    #[test]
    fn others() {
        check(
            Protocol::Anthropic,
            "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            true,
            Some(12),
            Some(9),
            Some(7),
        );
        check(Protocol::Anthropic, "event: message_start\ndata: {\"message\":{}}\n\n", false, None, None, None);
        check(
            Protocol::OpenAiResponses,
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
            true,
            Some(3),
            Some(4),
            None,
        );
        check(Protocol::OpenAiResponses, "event: response.created\ndata: {}\n\n", false, None, None, None);
        check(Protocol::Ollama, "{\"done\":false}\n", false, None, None, None);
        check(
            Protocol::Ollama,
            "{\"done\":true,\"context\":[1],\"prompt_eval_count\":26,\"eval_count\":298}\n",
            true,
            Some(26),
            Some(298),
            None,
        );
        check(Protocol::Ollama, "{\"done\":false}\n{\"error\":\"x\"}\n", true, None, None, None);
    }

    #[test]
    fn gemini() {
        check(
            Protocol::Gemini,
            "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":6,\"thoughtsTokenCount\":4,\"cachedContentTokenCount\":3}}\r\n\r\n",
            true,
            Some(8),
            Some(10),
            Some(3),
        );
        let blocked =
            "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":8}}\n\n";
        check(Protocol::Gemini, blocked, true, Some(8), None, None);
        check(Protocol::Gemini, "data: {\"candidates\":[{\"content\":{}}]}\n\n", false, None, None, None);
    }

    #[test]
    fn what_is_billed_by_other_units() {
        #[track_caller]
        fn check(text: &str, input: Option<u32>, units: Option<u32>) {
            let (_, tokens) = run(Protocol::OpenAiChat, false, &[text.as_bytes()]);
            assert_eq!((tokens.input, tokens.units), (input, units), "{text}");
        }
        check(r#"{"text":"a","usage":{"type":"duration","seconds":12}}"#, None, Some(12));
        check(r#"{"text":"a","usage":{"type":"duration","seconds":11.6}}"#, None, Some(12));
        check(r#"{"text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":3}}"#, Some(14), None);
        check(r#"{"usage":{"prompt_audio_seconds":203,"prompt_tokens":4,"completion_tokens":9}}"#, Some(4), Some(203));
        check(r#"{"usage":{"prompt_audio_seconds":{},"prompt_tokens":4,"completion_tokens":9}}"#, Some(4), None);
        check(r#"{"results":[],"usage":{"search_units":2}}"#, None, Some(2));
        check(r#"{"results":[],"meta":{"billed_units":{"search_units":1}}}"#, None, Some(1));
        check(r#"{"object":"list","data":[],"usage":{"total_tokens":26}}"#, Some(26), None);
    }

    #[test]
    fn a_long_last_event_still_ends_the_stream() {
        let context = "1,".repeat(20_000);
        let text = format!("{{\"done\":true,\"context\":[{context}0],\"prompt_eval_count\":26,\"eval_count\":298}}\n");
        for size in [1000, 4000, 100_000] {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let (complete, tokens) = run(Protocol::Ollama, true, &pieces);
            assert!(complete && tokens.input == Some(26) && tokens.output == Some(298), "in pieces of {size}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_small(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5000), 0..20)) {
            for protocol in Protocol::ALL {
                let mut tap = Tap::new(*protocol, true);
                for piece in &pieces {
                    tap.see(&Bytes::copy_from_slice(piece));
                    prop_assert!(tap.head.len() <= HEAD && tap.tail.len() <= 2 * TAIL, "an endless answer costs no memory");
                }
                let _ = (tap.complete(), tap.tokens());
            }
        }
    }
}
