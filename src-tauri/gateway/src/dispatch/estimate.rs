//! About how many tokens something has, where nobody can be asked.
//!
//! By script: four letters a token in English and code, two in scripts whose letters have two bytes in UTF-8, one where
//! they have three, as in Chinese, and two tokens for what has four, as emoji; tokenizers of the last years need fewer, so
//! that it errs on the side of too many. An image is what most models make of one. Good enough to choose a context's size
//! by and for a tool's own bookkeeping, and always marked.

use crate::completion::{CompletionRequest, Part};

/// What models make of an image of usual size.
const IMAGE_TOKENS: usize = 1000;

/// The tokens of a conversation with its tools.
pub(super) fn tokens(chat: &CompletionRequest) -> u32 {
    let messages: usize = chat.messages.iter().map(|message| 4 + message.parts.iter().map(weight).sum::<usize>()).sum();
    let tools = chat.tools.iter().map(|tool| {
        let schema = tool.parameters.as_ref().map_or(0, |schema| of_text(&schema.to_string()));
        of_text(&tool.name) + tool.description.as_deref().map_or(0, of_text) + schema + 8
    });
    u32::try_from(messages + tools.sum::<usize>()).unwrap_or(u32::MAX)
}

/// By the first bytes of its letters, a pass that the compiler makes over many at once.
fn of_text(text: &str) -> usize {
    // In quarters of a token.
    let quarters = text.bytes().map(|byte| match byte {
        0x00..0x80 => 1,
        // The rest of a letter.
        0x80..0xc0 => 0,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 4,
        0xf0.. => 8usize,
    });
    quarters.sum::<usize>() / 4
}

fn weight(part: &Part) -> usize {
    match part {
        Part::Text(text) => of_text(text.text.written()) + 1,
        Part::Thought(thought) => of_text(&thought.text),
        Part::Refusal(text) => of_text(text),
        Part::ToolCall(call) => of_text(&call.name) + of_text(&call.arguments) + 8,
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
        check(vec![Part::text("ж".repeat(40))], vec![], 4 + 20 + 1);
        check(vec![Part::text("東京".repeat(40))], vec![], 4 + 80 + 1);
        check(vec![Part::text("😀".repeat(40))], vec![], 4 + 80 + 1);
        let source = MediaSource::Data { mime: String::new(), base64: "x".repeat(100_000) };
        let image = Part::Media(Media { kind: MediaKind::Image, source, name: None, detail: None, cache: None });
        check(vec![image], vec![], 1004);
        let parameters = Some(serde_json::json!({"type": "object"}));
        let (name, description) = ("four".to_owned(), None);
        let (strict, kind, format, cache) = (None, ToolKind::Function, None, None);
        check(vec![], vec![Tool { name, description, parameters, strict, kind, format, cache }], 4 + 1 + 4 + 8);
    }
}
