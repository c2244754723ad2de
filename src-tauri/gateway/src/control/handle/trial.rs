//! A short question to a route, asked in this process the way that a tool's question goes: routed, dispatched, counted.
//!
//! Only the HTTP port is left out, which would say nothing of the route. It tells what was found and changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Handle;
use crate::completion::Delta;
use crate::control::{Reply, Tested};
use crate::dispatch::{AnswerBody, Inbound, headers};
use crate::error::Error;
use crate::gateway::OWN_KEY;
use crate::ingress::peek;
use crate::protocol::codec::frames::Framer;
use crate::protocol::{Operation, Protocol, codec};
use crate::routing::{self, Asked};
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;

/// The longest until the first token.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest from there to the end, which an endless answer does not reach.
const REST: Duration = Duration::from_secs(30);
/// How much is asked for and listened to.
const TOKENS: u32 = 32;
/// The most that is shown of what it said, in characters.
const SHOWN: usize = 200;
/// The most that is read of an error.
const MOST_ERROR: usize = 64 << 10;

const AGENT: &str = concat!("pointsman-test/", env!("CARGO_PKG_VERSION"));

impl Handle {
    pub(super) async fn test_route(&self, name: String) -> Result<Reply, String> {
        let mut tested = Tested {
            target: None,
            local: false,
            first_token_ms: None,
            tokens_per_second: None,
            attempts: 0,
            text: String::new(),
            problem: None,
        };
        let asked = Instant::now();
        let tried = Box::pin(self.ask(&name, &mut tested));
        match timeout(PATIENCE, tried).await {
            Ok(Ok(answer)) => listen(answer, asked, &mut tested).await,
            Ok(Err(problem)) => tested.problem = Some(problem),
            Err(_) => tested.problem = Some(too_slow()),
        }
        Ok(Reply::Tested(tested))
    }

    /// The head of an answer, or why there is none.
    async fn ask(&self, name: &str, tested: &mut Tested) -> Result<AnswerBody, String> {
        let shared = &self.0.shared;
        let (protocol, operation) = (Protocol::OpenAiChat, Operation::Chat);
        let mut recorder =
            Recorder::new(shared.usage.clone(), shared.live.clone(), protocol, operation, Arc::from(name));
        recorder.client(Some(OWN_KEY.into()), Some(AGENT));
        recorder.stream(true);
        let mut refused = |error: &Error, mut recorder: Recorder| {
            let outcome = if recorder.attempts() == 0 { Outcome::Refused } else { Outcome::Failed };
            recorder.ended(outcome, Some(error.status().as_u16()), Some(error.to_string()));
            tested.attempts = recorder.attempts();
            tested.target = recorder.target().map(|(endpoint, model)| format!("{endpoint}/{model}"));
            error.to_string()
        };
        if *shared.paused.borrow() {
            return Err(refused(&Error::Paused, recorder));
        }
        let settings = Arc::clone(&self.0.settings.borrow());
        let choice = routing::route(
            &self.catalog(),
            &settings,
            &Asked { name, operation, keyed: true, wrong_key: false },
            Instant::now(),
        );
        let choice = match choice {
            Ok(choice) => choice,
            Err(error) => return Err(refused(&error, recorder)),
        };
        let Some(inbound) = question(name, choice.context) else { return Err(refused(&Error::Internal, recorder)) };
        let cancelled = recorder.cancelled();
        let answered = tokio::select! {
            answered = shared.dispatch.answer(inbound, &choice.targets, recorder) => answered,
            () = cancelled => return Err(Error::Cancelled.to_string()),
        };
        let response = match answered {
            Ok(response) => response,
            Err((error, recorder)) => return Err(refused(&error, recorder)),
        };
        let (parts, body) = response.into_parts();
        let told = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        tested.target = told(headers::TARGET).map(str::to_owned);
        tested.local = told(headers::LOCAL) == Some("true");
        tested.attempts = told(headers::ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or_default();
        if parts.status.is_success() { Ok(body) } else { Err(said_no(parts.status, body).await) }
    }
}

fn question(name: &str, context: Option<u32>) -> Option<Inbound> {
    let body = json!({
        "model": name,
        "messages": [{"role": "user", "content": "Say hello in one short sentence."}],
        "stream": true,
        "max_tokens": TOKENS,
    });
    let body = Bytes::from(body.to_string());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Some(Inbound {
        protocol: Protocol::OpenAiChat,
        operation: Operation::Chat,
        uri: Uri::from_static("/v1/chat/completions"),
        headers,
        query: None,
        peek: peek::json(&body).ok()?,
        body,
        context,
        memory: None,
    })
}

/// What a target said instead of an answer.
async fn said_no(status: StatusCode, mut body: AnswerBody) -> String {
    let mut text = Vec::new();
    while text.len() < MOST_ERROR
        && let Some(Ok(frame)) = body.frame().await
    {
        text.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    let told: Value = serde_json::from_slice(&text).unwrap_or_default();
    match told["error"]["message"].as_str().or_else(|| told["error"].as_str()) {
        Some(message) => format!("it answered {status}: {message}"),
        None => format!("it answered {status}"),
    }
}

/// Listens to an answer for as long as it says something that is needed.
async fn listen(mut body: AnswerBody, asked: Instant, tested: &mut Tested) {
    let mut decoder = codec::upstream(Protocol::OpenAiChat).decoder();
    let mut framer = Framer::new(decoder.framing());
    let mut deltas = Vec::new();
    let (mut text, mut thought) = (String::new(), String::new());
    let (mut first, mut last) = (None, asked);
    let (mut pieces, mut counted, mut done) = (0_u32, None, false);
    while !done && pieces < TOKENS {
        let end = first.map_or(asked + PATIENCE, |first| first + REST);
        let bytes = match timeout(end.saturating_duration_since(Instant::now()), body.frame()).await {
            Err(_) if first.is_some() => break,
            Err(_) => {
                tested.problem = Some(too_slow());
                return;
            }
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(Some(Err(_)) | None) => {
                framer.finish(|frame| decoder.decode(frame, &mut deltas));
                decoder.finish(&mut deltas);
                done = true;
                Bytes::new()
            }
        };
        if framer.push(&bytes, |frame| decoder.decode(frame, &mut deltas)).is_err() {
            done = true;
        }
        for delta in deltas.drain(..) {
            let said = match delta {
                Delta::Text { text: piece, .. } => {
                    text.push_str(&piece);
                    !piece.is_empty()
                }
                Delta::Thought { text: piece, .. } => {
                    thought.push_str(&piece);
                    !piece.is_empty()
                }
                Delta::Usage(usage) => {
                    counted = Some(usage.output);
                    false
                }
                Delta::Failed { message, .. } => {
                    tested.problem = Some(message);
                    done = true;
                    false
                }
                Delta::Start { .. }
                | Delta::ThoughtState { .. }
                | Delta::ToolCall { .. }
                | Delta::Arguments { .. }
                | Delta::Refusal { .. }
                | Delta::Logprobs { .. }
                | Delta::Finish { .. } => false,
            };
            if said {
                last = Instant::now();
                first.get_or_insert(last);
                pieces += 1;
            }
        }
    }
    let said = if text.trim().is_empty() { thought } else { text };
    tested.text = said.trim().chars().take(SHOWN).collect();
    let Some(first) = first else {
        tested.problem.get_or_insert_with(|| "it answered, but said nothing".to_owned());
        return;
    };
    tested.first_token_ms = Some(first.duration_since(asked).as_secs_f64() * 1e3);
    // The first token came at the start of the time that is measured.
    let after = counted.unwrap_or(pieces).saturating_sub(1);
    let seconds = last.duration_since(first).as_secs_f64();
    tested.tokens_per_second = (after > 0 && seconds > 0.0).then(|| f64::from(after) / seconds);
}

fn too_slow() -> String {
    let seconds = PATIENCE.as_secs();
    format!("nothing came within {seconds} seconds; a model that has to be loaded first may need longer: try again")
}
