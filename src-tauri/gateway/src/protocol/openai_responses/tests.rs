//! Requests and answers in both directions, each with its own habits. Laws that hold for every protocol are in
//! `protocol::tests`.

mod answers;
mod ladder;
mod reading;
mod writing;

use super::*;
use crate::completion::*;

const STREAM: &[u8] = include_bytes!("../fixtures/openai-responses/answer.sse");
const WHOLE: &[u8] = include_bytes!("../fixtures/openai-responses/answer.json");
const CODEX: &[u8] = include_bytes!("../fixtures/openai-responses/codex.json");

fn codex() -> CompletionRequest {
    OpenAiResponses.decode_request(Operation::Chat, "/v1/responses", CODEX).unwrap()
}

fn asked() -> CompletionRequest {
    let messages = vec![Message { role: Role::User, parts: vec![Part::text("hi")], name: None }];
    CompletionRequest { model: "asked".into(), messages, ..CompletionRequest::default() }
}

fn call(id: &str, name: &str, arguments: &str, kind: ToolKind) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), kind, state: None })
}

fn result(call_id: &str, parts: Vec<Part>, kind: ToolKind) -> Part {
    let call_id = call_id.into();
    Part::ToolResult(ToolResult { call_id, name: None, parts, is_error: false, kind, cache: None })
}

fn image(source: MediaSource, detail: Option<&str>) -> Part {
    let detail = detail.map(str::to_owned);
    Part::Media(Media { kind: MediaKind::Image, source, name: None, detail, cache: None })
}
