//! The answer of a target that speaks the client's own protocol, on its way back.
//!
//! Most answers pass byte by byte and unread (`forward`). Read are only those that must be: what may say that the prompt
//! is too long, and what is kept. What another protocol needs is `translate`'s.

use std::sync::Arc;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::attempt::Answer;
use super::collect::{MOST_BYTES, MOST_ERROR_BYTES, collect};
use super::forward::{self, Forwarded};
use super::keeper::{Keeper, Keeping};
use super::translate::Onward;
use super::{AnswerBody, Inbound, headers, refused};
use crate::error::Error;
use crate::protocol::{Protocol, codec};
use crate::secrets::redact::Redactor;
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;
use crate::usage::tap::Tap;

/// Whether an answer comes as a stream of events or lines.
fn is_stream<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/event-stream") || kind.starts_with("application/x-ndjson")
}

/// Whether something of an answer must be known before the client has any of it: it may say that the prompt is too long,
/// or it is whole and is to be kept.
pub(super) fn must_be_read(answer: &Answer, onward: &Onward<'_>) -> bool {
    let (status, head) = (answer.response.status(), answer.response.headers());
    refused::may_be_context(onward.target, status, head) || (onward.keeper.is_some() && !is_stream(&answer.response))
}

/// The same, read.
pub(super) async fn read(
    mut answer: Box<Answer>,
    inbound: &Inbound,
    onward: Onward<'_>,
) -> Result<Response<AnswerBody>, (Error, Recorder)> {
    if onward.keeper.is_some() && answer.response.status().is_success() {
        return kept(*answer, inbound.protocol, onward).await;
    }
    let upstream = codec::upstream(inbound.protocol);
    match refused::context(upstream, onward.target, &mut answer, onward.idle).await {
        Some(error) => Err((error, onward.recorder)),
        None => Ok(pass_on(*answer, inbound, onward)),
    }
}

/// A refusal of Amazon's, told in the client's own shape.
pub(super) async fn refused(mut answer: Box<Answer>, onward: Onward<'_>) -> (Error, Recorder) {
    let Onward { target, idle, recorder, .. } = onward;
    let status = answer.response.status();
    let retry_after = answer.response.headers().get(RETRY_AFTER).cloned();
    let body = collect(&mut answer, idle, MOST_ERROR_BYTES).await.unwrap_or_default();
    let amazons = codec::upstream(Protocol::BedrockConverse);
    (refused::by_status(amazons, target, status, retry_after, &body), recorder)
}

/// An answer on its way, byte by byte.
pub(super) fn pass_on(mut answer: Answer, inbound: &Inbound, onward: Onward<'_>) -> Response<AnswerBody> {
    let protocol = inbound.protocol;
    if protocol == Protocol::Anthropic && inbound.peek.stream == Some(true) {
        answer.begin_message(&onward.target.model.id);
    }
    let Onward { target, idle, mut recorder, keeper } = onward;
    let streamed = is_stream(&answer.response);
    let (mut parts, body) = answer.response.into_parts();
    headers::strip_response(&mut parts.headers);
    if streamed || answer.redactor.is_some() {
        // A stream may get an error event added, a redacted answer may shrink.
        parts.headers.remove(http::header::CONTENT_LENGTH);
    }
    if answer.redactor.is_some() {
        redact_headers(&mut parts.headers, answer.redactor.as_ref());
    }
    let marked = streamed && parts.status.is_success() && inbound.operation.stream_ends_with_mark();
    let tap = Tap::new(protocol, marked);
    recorder.answered(parts.status.as_u16(), Some(tap));
    headers::sign(&mut parts.headers, target, recorder.attempts());
    let body = Forwarded::new(forward::Source {
        body,
        first: answer.first,
        protocol,
        endpoint: Arc::clone(&target.endpoint.id),
        streamed,
        idle,
        recorder,
        redactor: answer.redactor,
        keeping: keeper.map(|keeper| Box::new(Keeping::new(keeper))),
        lease: answer.lease,
    });
    Response::from_parts(parts, AnswerBody::Forwarded(Box::new(body)))
}

/// A whole answer that is kept: collected, so that it is on the shelf before the client has it.
async fn kept(
    mut answer: Answer,
    protocol: Protocol,
    onward: Onward<'_>,
) -> Result<Response<AnswerBody>, (Error, Recorder)> {
    let Onward { target, idle, mut recorder, keeper } = onward;
    let body = match collect(&mut answer, idle, MOST_BYTES).await {
        Ok(body) => body,
        Err(lost) => return Err((lost.of(target, idle), recorder)),
    };
    let (mut parts, _) = answer.response.into_parts();
    headers::strip_response(&mut parts.headers);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    redact_headers(&mut parts.headers, answer.redactor.as_ref());
    recorder.answered(parts.status.as_u16(), Some(Tap::new(protocol, false)));
    recorder.see(&body);
    recorder.said(&body);
    recorder.ended(Outcome::Complete, None, None);
    headers::sign(&mut parts.headers, target, recorder.attempts());
    let body = keeper.map_or_else(|| body.clone(), |keeper: Box<Keeper>| keeper.whole(body.clone()));
    Ok(Response::from_parts(parts, AnswerBody::Whole(body)))
}

fn redact_headers(headers: &mut HeaderMap, redactor: Option<&Redactor>) {
    let Some(redactor) = redactor else { return };
    for value in headers.values_mut() {
        if let std::borrow::Cow::Owned(clean) = redactor.redact(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static("[redacted]"));
        }
    }
}
