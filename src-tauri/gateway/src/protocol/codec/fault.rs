//! What an error body says, whoever wrote it.
//!
//! Vendors agree on little: an object, a text or a list under `error`, a bare `message`, FastAPI's `detail`, plain text, an
//! HTML page. This reads the words and the code out of any of them; a code that is a number (llama.cpp, vLLM) says no more
//! than the status and is left out.

use std::fmt::Display;

use serde_json::Value;

use super::UpstreamError;
use crate::completion::Delta;

/// The longest text that is passed on where a body is no JSON.
const LONGEST: usize = 500;

/// So far into an answer the word `error` stands at the latest, if it is one.
const EARLY: usize = 120;

/// Reads an error body. Bytes that tell nothing readable give an empty message.
pub fn read(body: &[u8]) -> UpstreamError {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return of(&value);
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        return UpstreamError::default();
    }
    told(text.chars().take(LONGEST).collect(), None)
}

/// What an event that is not of its protocol says: an error in another shape, or that it cannot be read. Text that is no
/// JSON is not taken by its word, as half of a broken event would be.
pub fn event(data: &[u8], error: &impl Display) -> UpstreamError {
    let told = serde_json::from_slice::<Value>(data).ok().and_then(|value| find(&value));
    told.filter(|told| !told.message.is_empty())
        .unwrap_or_else(|| say(format!("the model's answer cannot be read: {error}")))
}

/// What a stream says that ends before it said that it was complete.
pub fn broken(started: bool) -> UpstreamError {
    say(if started {
        "the model's stream broke off before the answer was complete"
    } else {
        "the model's server sent no answer"
    })
}

/// An error in words of our own.
pub fn say(message: impl Into<String>) -> UpstreamError {
    UpstreamError { message: message.into(), ..UpstreamError::default() }
}

/// An error as the last piece of a stream. It never goes without words.
pub fn failed(error: UpstreamError) -> Delta {
    let message = match error.message {
        message if message.is_empty() => "the model's server failed without a reason".to_owned(),
        message => message,
    };
    Delta::Failed { message, code: error.code }
}

/// Reads an error that is JSON already: a whole body, or the `error` in it.
pub fn of(value: &Value) -> UpstreamError {
    find(value).unwrap_or_default()
}

/// Reads an error that may be none.
pub fn find(value: &Value) -> Option<UpstreamError> {
    match value {
        Value::String(text) if !text.is_empty() => Some(told(text.clone(), None)),
        Value::Array(list) => list.iter().find_map(find),
        Value::Object(map) => {
            if let Some(inner) = map.get("error").and_then(find) {
                return Some(inner);
            }
            let text = |name: &&str| map.get(*name).and_then(find).map(|inner| inner.message);
            let words = ["message", "detail", "msg", "errors", "error_msg"]
                .iter()
                .filter_map(text)
                .find(|message| !message.is_empty());
            let name =
                |name: &&str| map.get(*name).and_then(Value::as_str).filter(|code| !matches!(*code, "" | "error"));
            let code = ["code", "type", "error_code", "status"].iter().find_map(name);
            (words.is_some() || code.is_some()).then(|| told(words.unwrap_or_default(), code.map(str::to_owned)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// An error by its words and its code.
pub fn told(message: String, code: Option<String>) -> UpstreamError {
    let context_exceeded = exceeds(&message) || code.as_deref().is_some_and(exceeds);
    UpstreamError { message, code, context_exceeded }
}

/// The HTTP status that an error's code stands for, where it was told inside a stream and so without one.
pub fn status(code: &str) -> Option<u16> {
    Some(match code {
        "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => 429,
        "overloaded_error" | "server_overloaded" | "UNAVAILABLE" | "unavailable_error" => 503,
        "invalid_request_error" | "INVALID_ARGUMENT" | "BadRequestError" => 400,
        "not_found_error" | "model_not_found" | "NOT_FOUND" => 404,
        _ => return None,
    })
}

/// The HTTP status that an answer's first bytes stand for, where they tell an error although the answer's status is that of
/// a success: one that is told as the first event of a stream, or in place of a list. `None` where they do not say which.
pub fn status_of_first(bytes: &[u8]) -> Option<u16> {
    // Where the word can stand: most answers begin otherwise, and are not looked into.
    let early = bytes.get(..bytes.len().min(EARLY)).unwrap_or_default();
    memchr::memmem::find(early, b"error")?;
    let line = bytes.trim_ascii_start().strip_prefix(b"event:").map_or(bytes, |rest| {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        rest.get(end..).unwrap_or_default()
    });
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"data:").unwrap_or(line);
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let line = line.strip_prefix(b"[").map_or(line, |list| list.strip_suffix(b",").unwrap_or(list));
    let event: Value = serde_json::from_slice(line).ok()?;
    let told = event.get("error").filter(|error| !error.is_null());
    let error = told.or_else(|| Some(&event).filter(|event| event.get("type").is_some_and(|kind| kind == "error")))?;
    // OpenRouter and Google say the status as a number.
    let number = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    number.filter(|code| (400..600).contains(code)).or_else(|| {
        let code = find(error)?.code?;
        let broken = ["api_error", "server_error", "internal_server_error", "InternalServerError", "INTERNAL"];
        status(&code).or_else(|| broken.contains(&&*code).then_some(502))
    })
}

/// Whether a message or code says that the prompt is longer than the context.
fn exceeds(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "context_length_exceeded",
        "exceed_context_size",
        "prompt is too long",
        "input is too long",
        "maximum context length",
        "available context size",
        "exceeds the context length",
        "context size has been exceeded",
        "exceed context limit",
        "tokens to keep from the initial prompt",
    ]
    .iter()
    .any(|known| text.contains(known))
        || (text.contains("input token count") && text.contains("exceeds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, message: &str, code: Option<&str>, context_exceeded: bool) {
        let expected = UpstreamError { message: message.into(), code: code.map(str::to_owned), context_exceeded };
        assert_eq!(read(body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn what_is_told_first() {
        #[track_caller]
        fn check(first: &str, expected: Option<u16>) {
            assert_eq!(status_of_first(first.as_bytes()), expected, "{first}");
        }
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        check(&format!("event: error\ndata: {overloaded}\n\n"), Some(503));
        check(&format!("data: {overloaded}\n\n"), Some(503));
        check("data: {\"error\":{\"code\":429,\"message\":\"busy\"}}\n\ndata: [DONE]\n\n", Some(429));
        check("data:{\"id\":\"gen-1\",\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[]}\n\n", Some(502));
        check("event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\"}\n\n", Some(502));
        check("[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}", Some(503));
        check("{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}", Some(400));
        // It does not say whose fault it is.
        check("{\"error\":\"the runner stopped\"}\n", None);
        check("data: {\"error\":null,\"choices\":[]}\n\n", None);
        check("data: {\"choices\":[{\"delta\":{\"content\":\"an error\"}}]}\n\n", None);
        check("event: message_start\ndata: {\"type\":\"message_start\"}\n\n", None);
        check("event: error\ndata: {\"type\":\"err", None);
        check("event: error", None);
    }

    #[test]
    fn shapes() {
        check("", "", None, false);
        check("upstream connect error", "upstream connect error", None, false);
        check("<html><body>502</body></html>", "", None, false);
        check(r#"{"message":"m"}"#, "m", None, false);
        check(r#"{"detail":[{"loc":["body","x"],"msg":"extra","type":"extra_forbidden"}]}"#, "extra", None, false);
        check(r#"{"errors":[{"message":"m"}]}"#, "m", None, false);
        check(
            r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#,
            "m",
            Some("BadRequestError"),
            false,
        );
        check(r#"{"code":"InvalidParameter","message":"m","request_id":"r"}"#, "m", Some("InvalidParameter"), false);
        check(r#"{"error_code":"BAD","message":"m"}"#, "m", Some("BAD"), false);
        check(
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
            "m",
            Some("INVALID_ARGUMENT"),
            false,
        );
        check("[]", "", None, false);
        check(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"r"}"#,
            "busy",
            Some("overloaded_error"),
            false,
        );
        check(r#"{"error":"Unauthorized"}"#, "Unauthorized", None, false);
        check(r#"{"detail":"Not Found"}"#, "Not Found", None, false);
        check(
            r#"{"error":{"code":400,"message":"request (911 tokens) exceeds the available context size (512 tokens)","type":"exceed_context_size_error"}}"#,
            "request (911 tokens) exceeds the available context size (512 tokens)",
            Some("exceed_context_size_error"),
            true,
        );
        check(
            r#"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            "too long",
            Some("context_length_exceeded"),
            true,
        );
        check(
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}"#,
            "prompt is too long: 9 tokens > 8 maximum",
            Some("invalid_request_error"),
            true,
        );
    }
}
