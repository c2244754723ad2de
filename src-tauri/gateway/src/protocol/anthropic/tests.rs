//! Requests and answers in both directions, each with its own habits. Laws that hold for every protocol are in
//! `protocol::tests`.

mod answers;
mod reading;
mod writing;

use super::*;
use crate::completion::*;

const STREAM: &[u8] = include_bytes!("../fixtures/anthropic/answer.sse");
const WHOLE: &[u8] = include_bytes!("../fixtures/anthropic/answer.json");
const CLAUDE_CODE: &[u8] = include_bytes!("../fixtures/anthropic/claude-code.json");

fn asked() -> CompletionRequest {
    let messages = vec![Message { role: Role::User, parts: vec![Part::text("hi")], name: None }];
    CompletionRequest { model: "asked".into(), messages, ..CompletionRequest::default() }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        kind: ToolKind::Function,
        state: None,
    })
}

fn result(call_id: &str, parts: Vec<Part>) -> ToolResult {
    ToolResult { call_id: call_id.into(), name: None, parts, is_error: false, kind: ToolKind::Function, cache: None }
}
