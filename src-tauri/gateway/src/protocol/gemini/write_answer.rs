//! An answer as Gemini's clients expect it: whole, as events, or as one array.
//!
//! Calls are whole here, so one waits until something else is said behind it or its candidate ends. Thoughts are shown to
//! who asked for them, as Google does it; their state goes along in any case, because the next request needs it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::wire::{self, Call, Piece};
use super::{logprobs, signature};
use crate::completion::{Completion, CompletionRequest, Delta, Finish, OpaqueState, Part, ToolCall, ToolKind, Usage};
use crate::protocol::codec::{DeltaEncoder, custom, json as codec};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<Value>,
    model_version: &'a str,
    response_id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs_result: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    parts: Vec<Piece<'a>>,
    role: &'static str,
}

impl<'a> Candidate<'a> {
    fn new(index: u32, parts: Vec<Piece<'a>>) -> Candidate<'a> {
        Candidate { content: Content { parts, role: "model" }, finish_reason: None, index, logprobs_result: None }
    }
}

/// Writes a whole answer.
pub(super) fn whole(request: &CompletionRequest, completion: &Completion) -> Bytes {
    let shown = shows_thoughts(request);
    let candidates = completion.choices.iter().zip(0..).map(|(choice, index)| {
        let parts = choice.parts.iter().filter_map(|part| piece(part, shown)).collect();
        Candidate {
            finish_reason: Some(reason(choice.finish.as_ref())),
            logprobs_result: choice.logprobs.as_ref().and_then(logprobs::write),
            ..Candidate::new(index, parts)
        }
    });
    let body = Body {
        candidates: candidates.collect(),
        usage_metadata: completion.usage.map(usage),
        model_version: if completion.model.is_empty() { &request.model } else { &completion.model },
        response_id: &completion.id,
    };
    serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default()
}

/// Google tells thoughts only to who asked for them.
fn shows_thoughts(request: &CompletionRequest) -> bool {
    request.reasoning.as_ref().and_then(|reasoning| reasoning.include) == Some(true)
}

fn piece(part: &Part, shown: bool) -> Option<Piece<'_>> {
    match part {
        Part::Text(text) => Some(Piece::text(&text.text)),
        Part::Refusal(words) => Some(Piece::text(words.as_str())),
        Part::Thought(thought) => {
            let text = if shown { thought.text.as_str() } else { "" };
            (!text.is_empty() || thought.state.is_some())
                .then(|| Piece { thought: true, ..signed(Piece::text(text), thought.state.as_ref()) })
        }
        Part::ToolCall(call) => Some(called(call)),
        Part::Media(_) | Part::ToolResult(_) => None,
    }
}

fn called(call: &ToolCall) -> Piece<'_> {
    let args = match call.kind {
        ToolKind::Function => codec::object(&call.arguments),
        ToolKind::Custom => codec::object(&custom::lower_text(&call.arguments)),
    };
    let function_call = Call { id: Some(Cow::Borrowed(&call.id)), name: Cow::Borrowed(&call.name), args };
    signed(Piece { function_call: Some(function_call), ..Piece::default() }, call.state.as_ref())
}

fn signed<'a>(piece: Piece<'a>, state: Option<&'a OpaqueState>) -> Piece<'a> {
    Piece { thought_signature: state.map(signature::write), ..piece }
}

/// Calls are a stop like any other.
fn reason(finish: Option<&Finish>) -> &'static str {
    match finish {
        None | Some(Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls) => "STOP",
        Some(Finish::Length) => "MAX_TOKENS",
        Some(Finish::Filtered) => "SAFETY",
    }
}

fn usage(usage: Usage) -> Value {
    let mut counts = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning.unwrap_or(0)),
        "totalTokenCount": usage.input.saturating_add(usage.output),
    });
    if let Some(tokens) = usage.cache_read {
        counts["cachedContentTokenCount"] = tokens.into();
    }
    if let Some(tokens) = usage.reasoning {
        counts["thoughtsTokenCount"] = tokens.into();
    }
    counts
}

/// Writes one stream.
#[derive(Debug)]
pub(super) struct Encoder {
    /// One array, rather than events.
    array: bool,
    shown: bool,
    /// Whether anything was written.
    begun: bool,
    id: String,
    model: String,
    usage: Option<Usage>,
    choices: BTreeMap<u32, Said>,
}

/// What was said of one choice.
#[derive(Debug, Default)]
struct Said {
    /// Calls that wait, by their part.
    calls: Vec<(u32, ToolCall)>,
    finish: Option<Finish>,
}

impl Encoder {
    pub(super) fn new(request: &CompletionRequest) -> Encoder {
        Encoder {
            array: wire::wants_array(request),
            shown: shows_thoughts(request),
            begun: false,
            id: String::new(),
            model: request.model.clone(),
            usage: None,
            choices: BTreeMap::new(),
        }
    }

    fn event(&mut self, value: &impl Serialize, out: &mut Vec<u8>) {
        let begun = std::mem::replace(&mut self.begun, true);
        out.extend_from_slice(match (self.array, begun) {
            (true, false) => b"[",
            (true, true) => b",\r\n",
            (false, _) => b"data: ",
        });
        // Writing to memory cannot fail, and no key here is anything but text.
        let _ = serde_json::to_writer(&mut *out, value);
        if !self.array {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    fn candidates(&mut self, candidates: Vec<Candidate<'_>>, usage_metadata: Option<Value>, out: &mut Vec<u8>) {
        let (id, model) = (std::mem::take(&mut self.id), std::mem::take(&mut self.model));
        let body = Body { candidates, usage_metadata, model_version: &model, response_id: &id };
        self.event(&body, out);
        (self.id, self.model) = (id, model);
    }

    fn piece(&mut self, choice: u32, piece: Piece<'_>, out: &mut Vec<u8>) {
        self.candidates(vec![Candidate::new(choice, vec![piece])], None, out);
    }

    /// Tells the calls that wait. Something else begins: one that is not whole yet waits on, with those behind it.
    fn tell(&mut self, choice: u32, out: &mut Vec<u8>) {
        let calls = &mut self.choices.entry(choice).or_default().calls;
        let whole = calls.iter().take_while(|(_, call)| is_whole(call)).count();
        let calls: Vec<(u32, ToolCall)> = calls.drain(..whole).collect();
        for (_, call) in calls {
            self.piece(choice, called(&call), out);
        }
    }

    fn call(&mut self, choice: u32, part: u32) -> Option<&mut ToolCall> {
        let calls = &mut self.choices.entry(choice).or_default().calls;
        calls.iter_mut().find(|(known, _)| *known == part).map(|(_, call)| call)
    }
}

fn is_whole(call: &ToolCall) -> bool {
    call.kind == ToolKind::Function && serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok()
}

impl DeltaEncoder for Encoder {
    fn encode(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model, .. } => {
                self.id = id;
                if !model.is_empty() {
                    self.model = model;
                }
            }
            Delta::Text { choice, text, .. } | Delta::Refusal { choice, text, .. } => {
                self.tell(choice, out);
                if !text.is_empty() {
                    self.piece(choice, Piece::text(text), out);
                }
            }
            Delta::Thought { choice, text, .. } => {
                self.tell(choice, out);
                if self.shown && !text.is_empty() {
                    self.piece(choice, Piece { thought: true, ..Piece::text(text) }, out);
                }
            }
            Delta::ThoughtState { choice, part, state } => {
                if let Some(call) = self.call(choice, part) {
                    call.state = Some(state);
                } else {
                    self.tell(choice, out);
                    let piece = Piece { thought: true, ..signed(Piece::text(""), Some(&state)) };
                    self.piece(choice, piece, out);
                }
            }
            Delta::ToolCall { choice, part, id, name, kind } => {
                let call = ToolCall { id, name, arguments: String::new(), kind, state: None };
                self.choices.entry(choice).or_default().calls.push((part, call));
            }
            Delta::Arguments { choice, part, json } => {
                if let Some(call) = self.call(choice, part) {
                    call.arguments.push_str(&json);
                }
            }
            Delta::Logprobs { choice, value } => {
                self.choices.entry(choice).or_default();
                if let Some(result) = logprobs::write(&value) {
                    let candidate = Candidate { logprobs_result: Some(result), ..Candidate::new(choice, Vec::new()) };
                    self.candidates(vec![candidate], None, out);
                }
            }
            Delta::Finish { choice, finish } => self.choices.entry(choice).or_default().finish = Some(finish),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Failed { message, code } => {
                let status = code.filter(|code| is_status(code)).unwrap_or_else(|| "INTERNAL".into());
                let error = json!({"code": number(&status), "message": message, "status": status});
                self.event(&json!({ "error": error }), out);
                if self.array {
                    out.push(b']');
                }
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let mut choices = std::mem::take(&mut self.choices);
        choices.entry(0).or_default();
        let mut ends = Vec::with_capacity(choices.len());
        for (index, said) in choices {
            for (_, call) in said.calls {
                self.piece(index, called(&call), out);
            }
            let finish_reason = Some(reason(said.finish.as_ref()));
            ends.push(Candidate { finish_reason, ..Candidate::new(index, vec![Piece::text("")]) });
        }
        let counts = self.usage.map(usage);
        self.candidates(ends, counts, out);
        if self.array {
            out.push(b']');
        }
    }
}

/// Whether a code is one of google.rpc.Code's names, by which SDKs decide whether to ask again.
fn is_status(code: &str) -> bool {
    number(code) != 500 || code == "INTERNAL"
}

/// The HTTP status of a google.rpc.Code (googleapis, `google/rpc/code.proto`).
fn number(status: &str) -> u16 {
    match status {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "ALREADY_EXISTS" | "ABORTED" => 409,
        "RESOURCE_EXHAUSTED" => 429,
        "CANCELLED" => 499,
        "UNIMPLEMENTED" => 501,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 500,
    }
}
