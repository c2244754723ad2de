//! What a runtime answers to what it was told: what it says it did, or why it did not.
//!
//! A failure may come under 200 (Ollama, LM Studio), and in three shapes. What it says is made harmless, and a credential
//! that it repeats is taken out.

use serde_json::Value;

use crate::discovery::client::{Answer, Fault, Site};
use crate::discovery::text;

/// The longest message that is told.
const LONGEST: usize = 300;

/// The answer's JSON, or why it is a refusal.
pub(super) fn accepted(site: &Site, answer: Result<Answer, Fault>) -> Result<Value, String> {
    let answer = answer.map_err(|fault| fault.to_string())?;
    let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    match refusal(site, &value) {
        Some(message) => Err(message),
        None if (200..300).contains(&answer.status) => Ok(value),
        None => Err(format!("it answered {}", answer.status)),
    }
}

/// What an answer names as its error.
pub(super) fn refusal(site: &Site, value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let message = error.as_str().or_else(|| error.get("message")?.as_str()).unwrap_or("it names no reason");
    Some(told(site, message))
}

/// What a runtime said, fit to be shown.
pub(super) fn told(site: &Site, message: &str) -> String {
    let mut message = message.to_owned();
    for value in site.headers.values().filter_map(|value| value.to_str().ok()) {
        let secret = value.strip_prefix("Bearer ").unwrap_or(value);
        if !secret.is_empty() {
            message = message.replace(secret, "<key>");
        }
    }
    text::printable(&message, LONGEST)
}
