//! An upstream's answer to the hub's: whole bodies and streams, read by the same hands.
//!
//! A whole answer is read as a stream of one chunk, so that both come to the same. Lenient: what follows is what real
//! servers send, and a field of the wrong type is as good as none. An error under status 200 is an error here.

mod choice;

use serde_json::{Map, Value};

use super::usage;
use crate::completion::{Completion, DecodeError, Delta, OpaqueState, StateKind};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault};
use choice::Reading;

/// The most answers to one request; no client asks for more, and a hostile stream could claim any number.
const MOST_CHOICES: usize = 128;

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<Completion, DecodeError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| DecodeError::Malformed(format!("the model's answer is no JSON: {error}")))?;
    let tier = value.get("service_tier").and_then(Value::as_str).map(str::to_owned);
    let mut reader = Reader { whole: true, ..Reader::default() };
    let mut deltas = Vec::new();
    reader.chunk(value, &mut deltas);
    reader.end(&mut deltas);
    if let Some(Delta::Failed { message, .. }) = deltas.iter().find(|delta| matches!(delta, Delta::Failed { .. })) {
        return Err(DecodeError::Malformed(message.clone()));
    }
    let mut completion: Completion = deltas.into_iter().collect();
    completion.service_tier = tier;
    Ok(completion)
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    reader: Reader,
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        super::FRAMING
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        if frame.data.trim_ascii() == b"[DONE]" {
            self.reader.done = true;
            return;
        }
        match serde_json::from_slice(&frame.data) {
            Ok(value) if frame.event == "error" => {
                self.reader.fail(fault::of(&value), out);
            }
            Ok(value) => self.reader.chunk(value, out),
            Err(error) => self.reader.fail(fault::event(&frame.data, &error), out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Delta>) {
        self.reader.end(out);
    }
}

/// Where one answer stands.
#[derive(Debug, Default)]
struct Reader {
    /// One object and no stream: nothing more is to come.
    whole: bool,
    /// The stream said its last word.
    done: bool,
    started: bool,
    failed: bool,
    /// The answer's id, from which missing ids of calls are made.
    id: String,
    choices: Vec<Reading>,
}

impl Reader {
    fn chunk(&mut self, value: Value, out: &mut Vec<Delta>) {
        if self.failed {
            return;
        }
        let Value::Object(mut chunk) = value else {
            return self.fail(fault::say("the model's answer is no JSON object"), out);
        };
        if let Some(error) = failure(&chunk) {
            return self.fail(error, out);
        }
        let choices = match chunk.remove("choices") {
            Some(Value::Array(choices)) => choices,
            _ => Vec::new(),
        };
        let counts = counts(&chunk, &choices);
        self.start(&chunk, !choices.is_empty() || counts.is_some(), out);
        for (at, choice) in choices.into_iter().enumerate() {
            let Value::Object(choice) = choice else { continue };
            let index = choice.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let index = index.unwrap_or(at);
            if index >= MOST_CHOICES {
                continue;
            }
            while self.choices.len() <= index {
                self.choices.push(Reading::new(u32::try_from(self.choices.len()).unwrap_or(u32::MAX), &self.id));
            }
            if let Some(reading) = self.choices.get_mut(index)
                && let Err(error) = reading.take(choice, out)
            {
                return self.fail(error, out);
            }
        }
        out.extend(counts.map(Delta::Usage));
    }

    /// Azure's first chunk tells only what its filters found; the answer begins with the first that tells of itself.
    fn start(&mut self, chunk: &Map<String, Value>, tells: bool, out: &mut Vec<Delta>) {
        let text = |name| chunk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, model) = (text("id"), text("model"));
        if self.started || !(tells || !id.is_empty() || !model.is_empty()) {
            return;
        }
        self.started = true;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let seconds = |value: &Value| value.as_u64().or_else(|| value.as_f64().map(|float| float as u64));
        let created = chunk.get("created").and_then(seconds).filter(|created| *created > 0);
        self.id = if id.is_empty() { format!("{model} {}", created.unwrap_or(0)) } else { id.clone() };
        out.push(Delta::Start { id, model, created });
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.failed, true) {
            out.push(fault::failed(error));
        }
    }

    fn end(&mut self, out: &mut Vec<Delta>) {
        if self.failed {
            return;
        }
        if self.choices.is_empty() {
            return self.fail(fault::broken(false), out);
        }
        // A failure in the middle of Ollama's stream is lost: no reason and no last word come.
        if !self.whole && !self.done && !self.choices.iter().all(Reading::ended) {
            for reading in &mut self.choices {
                reading.flush(out);
            }
            return self.fail(fault::broken(true), out);
        }
        for reading in &mut self.choices {
            reading.end(out);
        }
    }
}

/// A failure that a body tells in words of its own.
fn failure(chunk: &Map<String, Value>) -> Option<UpstreamError> {
    if let Some(error) = chunk.get("error") {
        let nothing = match error {
            Value::Null | Value::Bool(false) => true,
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.is_empty(),
            Value::Bool(true) | Value::Number(_) | Value::Array(_) => false,
        };
        if !nothing {
            return Some(fault::of(error));
        }
    }
    // MiniMax's way to fail under status 200.
    if let Some(response) = chunk.get("base_resp")
        && response.get("status_code").and_then(Value::as_i64).is_some_and(|code| code != 0)
    {
        let message = response.get("status_msg").and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = response.get("status_code").map(Value::to_string);
        return Some(UpstreamError { message, code, context_exceeded: false });
    }
    let answers = ["choices", "usage", "id"].iter().any(|name| chunk.contains_key(*name));
    let is_error = chunk.get("object").and_then(Value::as_str) == Some("error");
    if answers && !is_error { None } else { fault::find(&Value::Object(chunk.clone())) }
}

/// Token counts, wherever they stand: in the chunk, under Groq's own key, in Moonshot's choices.
fn counts(chunk: &Map<String, Value>, choices: &[Value]) -> Option<crate::completion::Usage> {
    let places = [chunk.get("usage"), chunk.get("x_groq").and_then(|groq| groq.get("usage"))];
    let inside = choices.iter().map(|choice| choice.get("usage"));
    places.into_iter().chain(inside).flatten().find_map(usage::read)
}

/// One of `reasoning_details`: its text and what must come back with it.
pub(super) fn states(detail: &Value) -> (Option<String>, Option<OpaqueState>) {
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let format = text("format").unwrap_or_default();
    let kind = match format.split('-').next() {
        Some("anthropic") => Some((StateKind::AnthropicSignature, StateKind::AnthropicRedacted)),
        Some("google") => Some((StateKind::Gemini, StateKind::Gemini)),
        Some("openai") => Some((StateKind::OpenAi, StateKind::OpenAi)),
        _ => None,
    };
    let state = kind.and_then(|(signed, encrypted)| {
        let (kind, value) = match (text("signature"), text("data")) {
            (Some(value), _) => (signed, value),
            (None, Some(value)) => (encrypted, value),
            (None, None) => return None,
        };
        Some(OpaqueState { kind, id: text("id"), value })
    });
    (text("text").or_else(|| text("summary")), state)
}
