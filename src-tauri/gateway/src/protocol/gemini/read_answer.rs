//! Gemini's answer to the hub's: each event is a whole object of the same kind that holds only what is new.
//!
//! A whole answer is a stream of one event, and what came without `alt=sse` is an array of events: all are read by the same
//! hands. There is no last word: a stream is complete when each of its candidates has told why it ended.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::read_contents::fenced;
use super::{logprobs, signature, wire};
use crate::completion::{Completion, DecodeError, Delta, Finish, ToolKind, Usage};
use crate::protocol::codec::frames::{Frame, Framing};
use crate::protocol::codec::{DeltaDecoder, UpstreamError, fault, ids, json};

/// The most answers to one request; no client asks for more, and a hostile stream could claim any number.
const MOST_CANDIDATES: u32 = 128;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(default, borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counts>,
    model_version: Option<String>,
    response_id: Option<String>,
    create_time: Option<String>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    index: Option<u32>,
    #[serde(default, borrow)]
    content: Option<Content<'a>>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
    logprobs_result: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(default, borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    text: Option<String>,
    thought: Option<bool>,
    thought_signature: Option<String>,
    #[serde(default, borrow)]
    function_call: Option<Call<'a>>,
    #[serde(default, borrow)]
    inline_data: Option<&'a RawValue>,
    executable_code: Option<Code>,
    code_execution_result: Option<Code>,
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default, borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Code {
    #[serde(alias = "output")]
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Option<u32>,
    candidates_token_count: Option<u32>,
    thoughts_token_count: Option<u32>,
    cached_content_token_count: Option<u32>,
    tool_use_prompt_token_count: Option<u32>,
}

impl Counts {
    fn usage(&self) -> Usage {
        Usage {
            input: self.prompt_token_count.unwrap_or(0).saturating_add(self.tool_use_prompt_token_count.unwrap_or(0)),
            output: self.candidates_token_count.unwrap_or(0).saturating_add(self.thoughts_token_count.unwrap_or(0)),
            cache_read: self.cached_content_token_count,
            cache_write: None,
            reasoning: self.thoughts_token_count,
        }
    }
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<Completion, DecodeError> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    decoder.events(body, &mut deltas);
    decoder.finish(&mut deltas);
    match deltas.iter().find(|delta| matches!(delta, Delta::Failed { .. })) {
        Some(Delta::Failed { message, .. }) => Err(DecodeError::Malformed(message.clone())),
        _ => Ok(deltas.into_iter().collect()),
    }
}

/// Reads a count of tokens.
pub(super) fn count(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        total_tokens: u32,
    }
    serde_json::from_slice::<Count>(body).ok().map(|count| count.total_tokens)
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    started: bool,
    failed: bool,
    /// The answer's id, from which missing ids of calls are made.
    id: String,
    candidates: Vec<Reading>,
}

/// Where one candidate stands.
#[derive(Debug, Default)]
struct Reading {
    seen: bool,
    finished: bool,
    next: u32,
    open: Open,
    calls: u32,
}

/// The part that may still grow.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Open {
    #[default]
    None,
    Text(u32),
    Thought(u32),
}

impl DeltaDecoder for Decoder {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decode(&mut self, frame: &Frame, out: &mut Vec<Delta>) {
        // Google sends no such mark, servers that follow it do.
        if frame.data.trim_ascii() != b"[DONE]" {
            self.events(&frame.data, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Delta>) {
        if self.failed {
            return;
        }
        let mut seen = self.candidates.iter().filter(|reading| reading.seen).peekable();
        if seen.peek().is_none() {
            return self.fail(told("the model's server sent no answer"), out);
        }
        if !seen.all(|reading| reading.finished) {
            self.fail(told("the model's stream broke off before the answer was complete"), out);
        }
    }
}

impl Decoder {
    /// One event, or an array of them.
    fn events(&mut self, data: &[u8], out: &mut Vec<Delta>) {
        if !data.trim_ascii_start().starts_with(b"[") {
            return self.event(data, out);
        }
        match serde_json::from_slice::<Vec<&RawValue>>(data) {
            Ok(events) => events.into_iter().for_each(|event| self.event(event.get().as_bytes(), out)),
            Err(error) => self.unreadable(&error, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut Vec<Delta>) {
        if self.failed {
            return;
        }
        let event: Event<'_> = match serde_json::from_slice(data) {
            Ok(event) => event,
            Err(error) => return self.unreadable(&error, out),
        };
        if let Some(error) = &event.error {
            return self.fail(fault::of(error), out);
        }
        self.start(&event, out);
        for candidate in event.candidates.into_iter().flatten() {
            if let Err(error) = self.candidate(candidate, out) {
                return self.fail(error, out);
            }
        }
        let blocked = event.prompt_feedback.and_then(|feedback| feedback.block_reason);
        if blocked.is_some_and(|reason| !reason.is_empty()) && !self.candidates.iter().any(|reading| reading.seen) {
            let reading = self.reading(0);
            reading.seen = true;
            reading.finished = true;
            out.push(Delta::Finish { choice: 0, finish: Finish::Filtered });
        }
        out.extend(event.usage_metadata.map(|counts| Delta::Usage(counts.usage())));
    }

    fn start(&mut self, event: &Event<'_>, out: &mut Vec<Delta>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.id = event.response_id.clone().unwrap_or_default();
        let model = event.model_version.clone().unwrap_or_default();
        let created = event.create_time.as_deref().and_then(crate::timestamp::seconds);
        out.push(Delta::Start { id: self.id.clone(), model, created });
    }

    fn reading(&mut self, choice: u32) -> &mut Reading {
        let at = choice as usize;
        if self.candidates.len() <= at {
            self.candidates.resize_with(at + 1, Reading::default);
        }
        &mut self.candidates[at]
    }

    fn candidate(&mut self, candidate: Candidate<'_>, out: &mut Vec<Delta>) -> Result<(), UpstreamError> {
        let choice = candidate.index.unwrap_or(0);
        if choice >= MOST_CANDIDATES {
            return Ok(());
        }
        let answer = self.id.clone();
        let reading = self.reading(choice);
        reading.seen = true;
        for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            reading.part(choice, part, &answer, out)?;
        }
        if let Some(value) = candidate.logprobs_result.as_ref().and_then(logprobs::read) {
            out.push(Delta::Logprobs { choice, value });
        }
        let reason =
            candidate.finish_reason.filter(|reason| !matches!(reason.as_str(), "" | "FINISH_REASON_UNSPECIFIED"));
        let Some(reason) = reason.filter(|_| !reading.finished) else { return Ok(()) };
        let finish = reading.finish(&reason, candidate.finish_message)?;
        reading.finished = true;
        out.push(Delta::Finish { choice, finish });
        Ok(())
    }

    fn unreadable(&mut self, error: &serde_json::Error, out: &mut Vec<Delta>) {
        self.fail(told(&format!("the model's answer is not Gemini's: {error}")), out);
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Delta>) {
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        let UpstreamError { message, code, .. } = error;
        let message = if message.is_empty() { "the model's server reported an error".to_owned() } else { message };
        out.push(Delta::Failed { message, code });
    }
}

impl Reading {
    fn part(&mut self, choice: u32, part: Part<'_>, answer: &str, out: &mut Vec<Delta>) -> Result<(), UpstreamError> {
        let state = part.thought_signature.and_then(signature::read);
        if let Some(call) = part.function_call {
            let number = self.begin();
            let arguments = call.args.map_or("{}", RawValue::get);
            let place = (choice, self.calls);
            self.calls += 1;
            let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| {
                ids::made_up(wire::MADE_UP, &[answer, &format!("{}.{}", place.0, place.1), &call.name, arguments])
            });
            out.push(Delta::ToolCall { choice, part: number, id, name: call.name, kind: ToolKind::Function });
            out.extend(state.map(|state| Delta::ThoughtState { choice, part: number, state }));
            let json = json::object(if arguments == "null" { "" } else { arguments }).get().to_owned();
            out.push(Delta::Arguments { choice, part: number, json });
            return Ok(());
        }
        if part.inline_data.is_some() && part.thought != Some(true) {
            return Err(told("the model answered with an image or a sound, which only Gemini's own API can carry"));
        }
        let code =
            [part.executable_code, part.code_execution_result].into_iter().flatten().filter_map(|code| code.code);
        let text = code.fold(part.text.unwrap_or_default(), |text, code| text + &fenced(&code));
        if part.thought == Some(true) {
            if !text.is_empty() || state.is_some() {
                let number = match self.open {
                    Open::Thought(number) => number,
                    Open::None | Open::Text(_) => self.begin(),
                };
                self.open = if state.is_some() { Open::None } else { Open::Thought(number) };
                out.push(Delta::Thought { choice, part: number, text });
                out.extend(state.map(|state| Delta::ThoughtState { choice, part: number, state }));
            }
            return Ok(());
        }
        if !text.is_empty() {
            let number = match self.open {
                Open::Text(number) => number,
                Open::None | Open::Thought(_) => self.begin(),
            };
            self.open = Open::Text(number);
            out.push(Delta::Text { choice, part: number, text });
        }
        if let Some(state) = state {
            // The hub's texts have no place for a signature: it stands behind as a thought without words.
            let part = self.begin();
            out.push(Delta::Thought { choice, part, text: String::new() });
            out.push(Delta::ThoughtState { choice, part, state });
        }
        Ok(())
    }

    fn begin(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        self.open = Open::None;
        number
    }

    /// Why it ended. A call that could not be read is a failure: as a mere stop it would leave an agent without a word.
    fn finish(&self, reason: &str, message: Option<String>) -> Result<Finish, UpstreamError> {
        let silent = self.next == 0;
        match reason {
            "STOP" if self.calls > 0 => Ok(Finish::ToolCalls),
            "STOP" => Ok(Finish::Stop),
            "MAX_TOKENS" => Ok(Finish::Length),
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => Ok(Finish::Filtered),
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE"
            | "MISSING_THOUGHT_SIGNATURE" => Err(stopped(reason, message)),
            _ if silent => Err(stopped(reason, message)),
            _ => Ok(if self.calls > 0 { Finish::ToolCalls } else { Finish::Stop }),
        }
    }
}

fn stopped(reason: &str, message: Option<String>) -> UpstreamError {
    let told = message.filter(|message| !message.is_empty()).map(|message| format!(": {message}"));
    let message = format!("the model stopped with {reason}{}", told.unwrap_or_default());
    UpstreamError { message, code: Some(reason.to_owned()), context_exceeded: false }
}

fn told(message: &str) -> UpstreamError {
    UpstreamError { message: message.to_owned(), ..UpstreamError::default() }
}
