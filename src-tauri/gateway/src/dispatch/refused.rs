//! What an upstream said instead of an answer, as the error that the client is told.
//!
//! In our words where we know what it means, in its own else. Its bytes were redacted before.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::attempt::Answer;
use super::collect::collect;
use crate::completion::DecodeError;
use crate::error::Error;
use crate::protocol::codec::{Upstream, UpstreamError, fault};
use crate::routing::Target;

/// An answer with a status that says that it is none.
pub(super) fn by_status(
    upstream: &dyn Upstream,
    target: &Target,
    status: StatusCode,
    retry_after: Option<HeaderValue>,
    body: &[u8],
) -> Error {
    error(target, status.as_u16(), upstream.decode_error(body), retry_after)
}

/// The most bytes of a forwarded error that are read: a runtime says it in a line.
const MOST_FORWARDED: u64 = 64 << 10;

/// Whether a forwarded answer may be a local runtime's way to say that a prompt is too long. Each has its own, and tools
/// know their vendor's only; a vendor's own stays as it is.
pub(super) fn may_be_context(target: &Target, status: StatusCode, headers: &HeaderMap) -> bool {
    // Ollama's native API and older llama.cpp servers say it with a 500.
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INTERNAL_SERVER_ERROR)
        && target.endpoint.origin.runtime().is_some()
        && length(headers).is_none_or(|length| length <= MOST_FORWARDED)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The error that says so in the client's own shape. What is something else is left in `answer` as it came.
pub(super) async fn context(
    upstream: &dyn Upstream,
    target: &Target,
    answer: &mut Answer,
    idle: Duration,
) -> Option<Error> {
    let body = match collect(answer, idle, MOST_FORWARDED as usize).await {
        Ok(body) => body,
        Err(lost) => return Some(lost.of(target, idle)),
    };
    let said = upstream.decode_error(&body);
    if said.context_exceeded {
        return Some(error(target, answer.response.status().as_u16(), said, None));
    }
    answer.first = Some(body);
    None
}

/// An answer with a status that says that it is one, and cannot be read. Some servers tell their errors so.
pub(super) fn in_body(upstream: &dyn Upstream, target: &Target, body: &[u8], unread: &DecodeError) -> Error {
    let is_json = serde_json::from_slice::<Value>(body).is_ok_and(|value| value.is_object() || value.is_array());
    let said = if is_json { upstream.decode_error(body) } else { UpstreamError::default() };
    if said.message.is_empty() { unreadable(target, &unread.to_string()) } else { untold(target, said) }
}

/// An error that a stream tells before anything else.
pub(super) fn in_stream(target: &Target, message: String, code: Option<String>) -> Error {
    untold(target, fault::told(message, code))
}

/// An answer that nobody can read.
pub(super) fn unreadable(target: &Target, reason: &str) -> Error {
    let reason = format!("its answer cannot be read: {reason}");
    Error::BadAnswer { endpoint: Arc::clone(&target.endpoint.id), status: 200, reason }
}

/// An answer in which the upstream says that it will not make what was asked for.
pub(super) fn withheld(target: &Target, reason: &str) -> Error {
    let code = Some("content_policy_violation".to_owned());
    error(target, StatusCode::BAD_REQUEST.as_u16(), fault::told(format!("it made nothing: {reason}"), code), None)
}

/// An error without a status of its own.
fn untold(target: &Target, said: UpstreamError) -> Error {
    let status = said.code.as_deref().and_then(fault::status);
    error(target, status.unwrap_or(StatusCode::BAD_GATEWAY.as_u16()), said, None)
}

fn error(target: &Target, status: u16, said: UpstreamError, retry_after: Option<HeaderValue>) -> Error {
    let endpoint = Arc::clone(&target.endpoint.id);
    if said.context_exceeded {
        let (model, context) = (Arc::clone(&target.model.id), target.model.context.effective);
        return Error::ContextExceeded { model, endpoint, context, said: said.message };
    }
    let message = if said.message.is_empty() { "it said nothing readable".to_owned() } else { said.message };
    Error::Refused { endpoint, status, code: said.code, said: message, retry_after }
}
