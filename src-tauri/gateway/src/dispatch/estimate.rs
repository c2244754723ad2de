//! About how many tokens something has, where nobody can be asked.
//!
//! Four bytes a token, which is about right for English and code and too few for other scripts; an image is what most
//! models make of one. Good enough to choose a context's size by and for a tool's own bookkeeping, and always marked.

use crate::completion::{CompletionRequest, Part};

/// What models make of an image of usual size.
const IMAGE_TOKENS: usize = 1000;

/// The tokens of a conversation with its tools.
pub(super) fn tokens(chat: &CompletionRequest) -> u32 {
    let messages: usize = chat.messages.iter().map(|message| 4 + message.parts.iter().map(weight).sum::<usize>()).sum();
    let tools = chat.tools.iter().map(|tool| {
        let schema = tool.parameters.as_ref().map_or(0, |schema| schema.to_string().len());
        (tool.name.len() + tool.description.as_ref().map_or(0, String::len) + schema) / 4 + 8
    });
    u32::try_from(messages + tools.sum::<usize>()).unwrap_or(u32::MAX)
}

fn weight(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.text.size() / 4 + 1,
        Part::Thought(thought) => thought.text.len() / 4,
        Part::Refusal(text) => text.len() / 4,
        Part::ToolCall(call) => (call.name.len() + call.arguments.len()) / 4 + 8,
        Part::ToolResult(result) => result.parts.iter().map(weight).sum::<usize>() + 8,
        Part::Media(_) => IMAGE_TOKENS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::{Media, MediaKind, MediaSource, Message, Role, Tool, ToolKind};

    #[test]
    fn grows_with_what_is_said() {
        let check = |parts: Vec<Part>, tools: Vec<Tool>, expected| {
            let messages = vec![Message { role: Role::User, parts, name: None }];
            assert_eq!(tokens(&CompletionRequest { messages, tools, ..CompletionRequest::default() }), expected);
        };
        check(vec![], vec![], 4);
        check(vec![Part::text("x".repeat(400))], vec![], 105);
        let source = MediaSource::Data { mime: String::new(), base64: "x".repeat(100_000) };
        let image = Part::Media(Media { kind: MediaKind::Image, source, name: None, detail: None, cache: None });
        check(vec![image], vec![], 1004);
        let parameters = Some(serde_json::json!({"type": "object"}));
        let (name, description) = ("four".to_owned(), None);
        let (strict, kind, format, cache) = (None, ToolKind::Function, None, None);
        check(vec![], vec![Tool { name, description, parameters, strict, kind, format, cache }], 4 + 5 + 8);
    }
}
