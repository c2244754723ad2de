//! Tools of free text (OpenAI's custom tools) said as functions, for protocols that know functions only.
//!
//! An encoder lowers the tool and its calls; a surface raises the call that comes back, as it alone still knows which
//! tools were custom.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::completion::{Tool, ToolKind};

/// The only argument of a lowered tool.
const INPUT: &str = "input";

/// A tool as a function: itself, or the one that stands for it.
pub(crate) fn function(tool: &Tool) -> Cow<'_, Tool> {
    match tool.kind {
        ToolKind::Function => Cow::Borrowed(tool),
        ToolKind::Custom => Cow::Owned(lower_tool(tool)),
    }
}

/// The function that stands for a custom tool.
pub fn lower_tool(tool: &Tool) -> Tool {
    let mut description = tool.description.clone().unwrap_or_default();
    if let Some(Value::Object(format)) = &tool.format {
        let definition = format.get("definition").and_then(Value::as_str);
        let syntax = format.get("syntax").and_then(Value::as_str).unwrap_or("given");
        if let Some(definition) = definition {
            if !description.is_empty() {
                description.push_str("\n\n");
            }
            description.push_str(&format!("`{INPUT}` must follow this {syntax} grammar:\n{definition}"));
        }
    }
    Tool {
        name: tool.name.clone(),
        description: (!description.is_empty()).then_some(description),
        parameters: Some(json!({
            "type": "object",
            "properties": {INPUT: {"type": "string"}},
            "required": [INPUT],
            "additionalProperties": false,
        })),
        strict: None,
        kind: ToolKind::Function,
        format: None,
        cache: tool.cache.clone(),
    }
}

/// The arguments that stand for a custom tool's text.
pub fn lower_text(text: &str) -> String {
    let mut arguments = Map::new();
    arguments.insert(INPUT.to_owned(), Value::from(text));
    Value::Object(arguments).to_string()
}

/// The text that a lowered tool was called with. A model that ignored the schema is taken by its only text, or by its
/// word.
pub fn raise_text(arguments: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(arguments) else {
        return arguments.to_owned();
    };
    let only = match fields.get(INPUT) {
        Some(text) => Some(text),
        None if fields.len() == 1 => fields.values().next(),
        None => None,
    };
    match only {
        Some(Value::String(text)) => text.clone(),
        Some(_) | None => arguments.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for text in ["", "*** Begin Patch\n+\"é\"", "{\"input\":1}"] {
            assert_eq!(raise_text(&lower_text(text)), text);
        }
        for (arguments, text) in
            [("{\"patch\":\"p\"}", "p"), ("plain", "plain"), ("{\"a\":1}", "{\"a\":1}"), ("{}", "{}")]
        {
            assert_eq!(raise_text(arguments), text);
        }
    }

    #[test]
    fn a_grammar_is_told_in_words() {
        let tool = Tool {
            name: "apply_patch".into(),
            description: Some("Edits files.".into()),
            parameters: None,
            strict: None,
            kind: ToolKind::Custom,
            format: Some(json!({"type": "grammar", "syntax": "lark", "definition": "start: WORD"})),
            cache: None,
        };
        let lowered = lower_tool(&tool);
        assert_eq!(lowered.kind, ToolKind::Function);
        assert_eq!(
            lowered.description.as_deref(),
            Some("Edits files.\n\n`input` must follow this lark grammar:\nstart: WORD")
        );
    }
}
