//! JSON Schemas as Anthropic's API and Bedrock's want them: of an object for a tool, closed for an answer.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::custom;
use crate::completion::{Tool, ToolKind};

/// What a tool is for, and the schema of its arguments: an object's, whatever was given.
pub(crate) fn function(tool: &Tool) -> (Option<Cow<'_, str>>, Cow<'_, Value>) {
    let empty = || Cow::Owned(json!({"type": "object", "properties": {}}));
    match tool.kind {
        ToolKind::Function => {
            let schema = match &tool.parameters {
                Some(Value::Object(schema)) if schema.get("type").is_some_and(|kind| kind == "object") => {
                    Cow::Borrowed(tool.parameters.as_ref().unwrap_or(&Value::Null))
                }
                // Other vendors take a schema without its type, or none.
                Some(Value::Object(schema)) if !schema.contains_key("type") => {
                    let mut whole = Map::new();
                    whole.insert("type".into(), "object".into());
                    whole.extend(schema.clone());
                    Cow::Owned(Value::Object(whole))
                }
                Some(_) | None => empty(),
            };
            (tool.description.as_deref().map(Cow::Borrowed), schema)
        }
        ToolKind::Custom => {
            let lowered = custom::lower_tool(tool);
            (lowered.description.map(Cow::Owned), lowered.parameters.map_or_else(empty, Cow::Owned))
        }
    }
}

/// An answer's schema with every object of it closed.
pub(crate) fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("type").is_some_and(|kind| kind == "object") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
