//! A client's input items to the hub's turns.
//!
//! Items of the model that stand in a row (its reasoning, its words, its calls) are one turn.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::names::flat;
use super::super::wire::{parts, state};
use super::tools;
use crate::completion::{CompletionRequest, DecodeError, Message, Part, Role, Thought, ToolCall, ToolKind, ToolResult};
use crate::protocol::codec::carrier;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::read;

/// An item: every field of every kind that means something here.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    id: Option<String>,
    call_id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
    encrypted_content: Option<String>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
}

/// Reads the items onto the request's messages.
pub(super) fn read_items(items: Vec<Item<'_>>, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    let mut said = Vec::new();
    for (number, item) in items.into_iter().enumerate() {
        let at = format_args!("input[{number}]");
        let kind = match (&item.kind, &item.role) {
            (Some(kind), _) => kind.clone(),
            (None, Some(_)) => Cow::Borrowed("message"),
            (None, None) => Cow::Borrowed("item_reference"),
        };
        match (&*kind, item.role.as_deref()) {
            ("message", Some("assistant")) => said.extend(content(&item, &at)?),
            ("message", Some(role)) => {
                let role = match role {
                    "user" => Role::User,
                    "system" | "developer" => Role::System,
                    other => {
                        return Err(DecodeError::Malformed(format!(
                            "`{at}.role`: `{other}` is none of user, assistant, system, developer"
                        )));
                    }
                };
                let parts = content(&item, &at)?;
                flush(&mut said, request);
                request.messages.push(Message { role, parts, name: None });
            }
            ("reasoning", _) => said.extend(thought(&item, &at)?.map(Part::Thought)),
            ("function_call", _) => said.push(call(item, ToolKind::Function, &at)?),
            ("custom_tool_call", _) => said.push(call(item, ToolKind::Custom, &at)?),
            ("function_call_output", _) => result(&item, ToolKind::Function, &at, &mut said, request)?,
            ("custom_tool_call_output", _) => result(&item, ToolKind::Custom, &at, &mut said, request)?,
            ("additional_tools", _) => more_tools(&item, &at, request)?,
            ("item_reference", _) => return Err(unresolved(&item, &at)),
            (kind, _) => other(kind, &at, request)?,
        }
    }
    flush(&mut said, request);
    carrier::settle(&mut request.messages);
    Ok(())
}

/// Ends the model's turn.
fn flush(said: &mut Vec<Part>, request: &mut CompletionRequest) {
    if !said.is_empty() {
        let parts = std::mem::take(said);
        request.messages.push(Message { role: Role::Assistant, parts, name: None });
    }
}

fn content(item: &Item<'_>, at: &dyn Display) -> Result<Vec<Part>, DecodeError> {
    match item.content {
        Some(content) => parts(content, &format_args!("{at}.content")),
        None => Err(DecodeError::Malformed(format!("`{at}.content` is missing"))),
    }
}

/// A reasoning item; `None` if nothing of it is left here.
fn thought(item: &Item<'_>, at: &dyn Display) -> Result<Option<Thought>, DecodeError> {
    let mut texts = Vec::new();
    for (content, name) in [(item.summary, "summary"), (item.content, "content")] {
        let Some(content) = content else { continue };
        for part in parts(content, &format_args!("{at}.{name}"))? {
            if let Part::Text(text) = part {
                texts.push(String::from(text.text));
            }
        }
    }
    let encrypted = item.encrypted_content.as_deref().filter(|encrypted| !encrypted.is_empty());
    let thought =
        Thought { text: texts.join("\n\n"), state: encrypted.map(|encrypted| state(encrypted, item.id.as_deref())) };
    Ok(Some(thought).filter(|thought| !thought.text.is_empty() || thought.state.is_some()))
}

fn call(item: Item<'_>, kind: ToolKind, at: &dyn Display) -> Result<Part, DecodeError> {
    let written = match kind {
        ToolKind::Function => item.arguments,
        ToolKind::Custom => item.input,
    };
    let (Some(id), Some(name)) = (item.call_id.filter(|id| !id.is_empty()), item.name) else {
        return Err(DecodeError::Malformed(format!("`{at}` has no `call_id` or no `name`")));
    };
    let arguments: Option<String> = written.map(|written| read(written, at)).transpose()?;
    let name = flat(item.namespace.as_deref(), &name);
    Ok(Part::ToolCall(ToolCall { id, name, arguments: arguments.unwrap_or_default(), kind, state: None }))
}

fn result(
    item: &Item<'_>,
    kind: ToolKind,
    at: &dyn Display,
    said: &mut Vec<Part>,
    request: &mut CompletionRequest,
) -> Result<(), DecodeError> {
    let Some(call_id) = item.call_id.clone().filter(|id| !id.is_empty()) else {
        return Err(DecodeError::Malformed(format!("`{at}.call_id` is missing")));
    };
    let parts = match item.output {
        Some(output) => parts(output, &format_args!("{at}.output"))?,
        None => Vec::new(),
    };
    flush(said, request);
    let result = ToolResult { call_id, name: None, parts, is_error: false, kind, cache: None };
    request.messages.push(Message { role: Role::Tool, parts: vec![Part::ToolResult(result)], name: None });
    Ok(())
}

/// Tools given in the middle count from the start: no other API can give them later.
fn more_tools(item: &Item<'_>, at: &dyn Display, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    for (number, tool) in item.tools.iter().flatten().enumerate() {
        let at = format_args!("{at}.tools[{number}]");
        tools::add(tool, &at, request)?;
        let echoed: Value = read(tool, at)?;
        if let Value::Array(tools) = request.echo.entry("tools").or_insert_with(|| Value::Array(Vec::new())) {
            tools.push(echoed);
        }
    }
    Ok(())
}

/// A reference that the server found nothing for: those that it did are the items themselves by now.
fn unresolved(item: &Item<'_>, at: &dyn Display) -> DecodeError {
    let id = item.id.as_deref().unwrap_or_default();
    DecodeError::unsupported(at, format!("no item `{id}` is kept here, as `item_reference` says; send the item itself"))
}

fn other(kind: &str, at: &dyn Display, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    match kind {
        // What ran on OpenAI's servers; its outcome is in the model's words that follow.
        "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "image_generation_call"
        | "mcp_list_tools"
        | "mcp_call"
        | "tool_search_call"
        | "tool_search_output" => {
            note(&mut request.dropped, format!("{at}.{kind}"));
            Ok(())
        }
        "compaction" | "compaction_summary" => {
            Err(DecodeError::unsupported(at, "a compaction can be read by OpenAI only; send the turns themselves"))
        }
        _ => Err(DecodeError::unsupported(
            at,
            format!("an item of type `{kind}` is OpenAI's own; send function calls and their outputs instead"),
        )),
    }
}
