//! A client's tools and its choice among them.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::names::flat;
use crate::completion::{CompletionRequest, DecodeError, Tool, ToolChoice, ToolKind};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::read;

#[derive(Debug, Deserialize)]
struct ToolIn<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
    format: Option<Value>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Deserialize)]
struct ChoiceIn {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    namespace: Option<String>,
    mode: Option<String>,
    tools: Option<Vec<ChoiceIn>>,
}

/// Adds a tool, or those of a namespace. One that runs on OpenAI's servers is named as dropped.
pub(super) fn add(tool: &RawValue, at: &dyn Display, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    add_to(None, tool, at, request)
}

fn add_to(
    namespace: Option<&str>,
    tool: &RawValue,
    at: &dyn Display,
    request: &mut CompletionRequest,
) -> Result<(), DecodeError> {
    let tool: ToolIn<'_> = read(tool, at)?;
    let kind = match &*tool.kind {
        "function" => ToolKind::Function,
        "custom" => ToolKind::Custom,
        "namespace" if namespace.is_none() => {
            for (number, nested) in tool.tools.unwrap_or_default().into_iter().enumerate() {
                let name = tool.name.as_deref().unwrap_or_default();
                add_to(Some(name), nested, &format_args!("{at}.tools[{number}]"), request)?;
            }
            return Ok(());
        }
        other => {
            note(&mut request.dropped, format!("{at}.{other}"));
            return Ok(());
        }
    };
    let Some(name) = tool.name else {
        return Err(DecodeError::Malformed(format!("`{at}.name` is missing")));
    };
    request.tools.push(Tool {
        name: flat(namespace, &name),
        description: tool.description,
        parameters: tool.parameters,
        strict: tool.strict,
        kind,
        format: tool.format,
        cache: None,
    });
    Ok(())
}

/// Reads the choice. A choice of some tools leaves the others out: that is what it means.
pub(super) fn choose(choice: &RawValue, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    if choice.get().starts_with('"') {
        let word: String = read(choice, "tool_choice")?;
        return word_of(&word, request);
    }
    let choice: ChoiceIn = read(choice, "tool_choice")?;
    match choice.kind.as_str() {
        "function" | "custom" => {
            let name = flat(choice.namespace.as_deref(), choice.name.as_deref().unwrap_or_default());
            if !request.tools.iter().any(|tool| tool.name == name) {
                return Err(DecodeError::unsupported("tool_choice", format!("`{name}` is none of `tools`")));
            }
            request.tool_choice = Some(ToolChoice::Named(name));
            Ok(())
        }
        "allowed_tools" => {
            let allowed = choice.tools.unwrap_or_default();
            request.tools.retain(|tool| {
                allowed.iter().any(|choice| {
                    flat(choice.namespace.as_deref(), choice.name.as_deref().unwrap_or_default()) == tool.name
                })
            });
            word_of(choice.mode.as_deref().unwrap_or("auto"), request)
        }
        other => Err(DecodeError::unsupported(
            "tool_choice",
            format!("`{other}` runs on OpenAI's servers; choose a function or a custom tool"),
        )),
    }
}

fn word_of(word: &str, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    request.tool_choice = Some(match word {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" if request.tools.is_empty() => {
            return Err(DecodeError::unsupported("tool_choice", "no tool is left that the model can be given"));
        }
        "required" => ToolChoice::Required,
        other => {
            return Err(DecodeError::Malformed(format!("`tool_choice`: `{other}` is none of auto, none, required")));
        }
    });
    Ok(())
}
