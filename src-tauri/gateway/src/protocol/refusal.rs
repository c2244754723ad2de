//! An [`Error`] in each surface's own shape, as a whole answer and as the last event of a stream.
//!
//! Shapes are those of the vendors' API references; the text is the same on all, but for words that clients look for.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::Protocol;
use crate::error::Error;

/// The body of an error answer.
pub fn body(protocol: Protocol, error: &Error) -> Bytes {
    let message = message(protocol, error);
    let value = match protocol {
        Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::BedrockConverse | Protocol::Cohere => {
            openai(error, &message)
        }
        Protocol::Anthropic => anthropic(error, &message),
        Protocol::Gemini => json!({"error": {
            "code": error.status().as_u16(), "message": message, "status": google_status(error.status()),
        }}),
        Protocol::Ollama => json!({"error": message}),
    };
    Bytes::from(value.to_string())
}

/// The event that ends a stream which cannot be completed. It always starts a new line or event, whatever came before.
pub fn event(protocol: Protocol, error: &Error) -> Bytes {
    let message = message(protocol, error);
    Bytes::from(match protocol {
        // The last two are no surfaces: they stand here for whoever is passed through to them.
        Protocol::OpenAiChat | Protocol::BedrockConverse | Protocol::Cohere => {
            format!("\n\ndata: {}\n\n", openai(error, &message))
        }
        Protocol::OpenAiResponses => {
            let value = json!({"type": "error", "code": error.code(), "message": message, "param": null});
            format!("\n\nevent: error\ndata: {value}\n\n")
        }
        Protocol::Anthropic => format!("\n\nevent: error\ndata: {}\n\n", anthropic(error, &message)),
        Protocol::Gemini => {
            let value = json!({"error": {"code": error.status().as_u16(), "message": message, "status": google_status(error.status())}});
            format!("\n\ndata: {value}\n\n")
        }
        Protocol::Ollama => format!("\n{}\n", json!({"error": message})),
    })
}

fn message(protocol: Protocol, error: &Error) -> String {
    match (protocol, error) {
        // Anthropic has no code for it: Claude Code shortens the conversation when it reads these words.
        (Protocol::Anthropic, Error::ContextExceeded { .. }) => format!("prompt is too long: {error}"),
        _ => error.to_string(),
    }
}

fn openai(error: &Error, message: &str) -> Value {
    let kind = match error.status().as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"error": {"message": message, "type": kind, "param": error.param(), "code": error.code()}})
}

fn anthropic(error: &Error, message: &str) -> Value {
    let kind = match error.status().as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// google.rpc.Code names for HTTP statuses (googleapis, `google/rpc/code.proto`).
fn google_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_holds_the_message() {
        let error = Error::ModelNotFound { name: "nope".into(), near: vec!["nape".into()] };
        for protocol in Protocol::ALL {
            for bytes in [body(*protocol, &error), event(*protocol, &error)] {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                assert!(text.contains("no model named `nope`; did you mean `nape`?"), "{protocol:?}: {text}");
            }
            let whole: Value = serde_json::from_slice(&body(*protocol, &error)).unwrap();
            assert!(whole.get("error").is_some(), "{protocol:?} keeps its error under `error`");
        }
    }
}
