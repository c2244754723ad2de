//! The hub's messages as Anthropic's turns: system texts that lead, then turns of the person and the model by turns.

use serde::Serialize;

use super::super::claude::{Rules, Thinking};
use super::super::wire::{self, BlockOut, CacheControl};
use crate::completion::{DecodeError, Message, Part, Role, StateKind, Text, Thought, ToolResult, Words};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{ids, system};

/// A turn.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) content: Vec<BlockOut<'a>>,
}

/// A conversation.
#[derive(Debug, Default)]
pub(super) struct Turns<'a> {
    /// The system texts before the first turn.
    pub(super) system: Vec<BlockOut<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) dropped: Vec<String>,
}

/// Writes the messages for a model of these rules.
pub(super) fn turns<'a>(messages: &'a [Message], rules: &Rules) -> Result<Turns<'a>, DecodeError> {
    let mut written = Turns::default();
    for (number, message) in messages.iter().enumerate() {
        if message.name.is_some() {
            note(&mut written.dropped, "messages[].name");
        }
        match message.role {
            Role::System => written.system(message, rules),
            Role::User | Role::Tool => written.said("user", message, number, rules)?,
            Role::Assistant => written.said("assistant", message, number, rules)?,
        }
    }
    written.end(rules);
    if written.turns.is_empty() {
        return Err(DecodeError::unsupported(
            "messages",
            "Anthropic's API wants at least one turn that is not empty and not the system's",
        ));
    }
    Ok(written)
}

impl<'a> Turns<'a> {
    /// A system text leads, or stands where it stands: as a turn of its own where the model knows such, else marked
    /// within the person's turn.
    fn system(&mut self, message: &'a Message, rules: &Rules) {
        for part in &message.parts {
            let Part::Text(text) = part else { continue };
            if self.turns.is_empty() {
                self.system.extend(block(text));
            } else if rules.system_turns {
                if let Some(block) = block(text) {
                    self.turn("system").content.push(block);
                }
            } else if !text.text.is_blank() {
                let marked = system::marked(&text.text);
                let cache_control = CacheControl::of(text.cache.as_ref());
                self.turn("user").content.push(BlockOut::Text { text: marked.into(), cache_control });
            }
        }
    }

    fn said(
        &mut self,
        role: &'static str,
        message: &'a Message,
        number: usize,
        rules: &Rules,
    ) -> Result<(), DecodeError> {
        for (place, part) in message.parts.iter().enumerate() {
            let at = format!("messages[{number}].content[{place}]");
            match part {
                Part::Text(text) => {
                    if let Some(block) = block(text) {
                        self.turn(role).content.push(block);
                    }
                }
                Part::Refusal(text) => {
                    if !text.trim().is_empty() {
                        let block = BlockOut::Text { text: text.as_str().into(), cache_control: None };
                        self.turn(role).content.push(block);
                    }
                }
                Part::Media(media) => {
                    let block = wire::media(media, &at)?;
                    self.turn(role).content.push(block);
                    if media.detail.as_ref().is_some_and(|detail| detail != "auto") {
                        note(&mut self.dropped, "detail");
                    }
                }
                Part::Thought(thought) => match said_thought(thought, rules) {
                    Some(block) => self.turn(role).content.push(block),
                    None => note(&mut self.dropped, "messages[].reasoning_content"),
                },
                Part::ToolCall(call) => self.turn("assistant").content.push(wire::tool_use(call)),
                Part::ToolResult(result) => {
                    let block = said_result(result, &at)?;
                    self.result(block);
                }
            }
        }
        Ok(())
    }

    /// The turn that is being said, or a new one.
    fn turn(&mut self, role: &'static str) -> &mut Turn<'a> {
        let at = match self.turns.last() {
            Some(turn) if turn.role == role => self.turns.len() - 1,
            Some(_) | None => {
                self.turns.push(Turn { role, content: Vec::new() });
                self.turns.len() - 1
            }
        };
        &mut self.turns[at]
    }

    /// A tool's result must open the turn right after the call's; a system turn between them waits.
    fn result(&mut self, block: BlockOut<'a>) {
        let said = self.turns.iter().rposition(|turn| turn.role != "system");
        let at = match said {
            Some(at) if self.turns[at].role == "user" => at,
            Some(at) => {
                self.turns.insert(at + 1, Turn { role: "user", content: Vec::new() });
                at + 1
            }
            None => {
                self.turns.insert(0, Turn { role: "user", content: Vec::new() });
                0
            }
        };
        let content = &mut self.turns[at].content;
        let results = content.iter().take_while(|block| matches!(block, BlockOut::ToolResult { .. })).count();
        content.insert(results, block);
    }

    /// Whether a model that is given a budget may not think at this: its half turn, or the calls that it is in the midst
    /// of, began without a thought that it believes. They were another model's.
    pub(super) fn forbids_thinking(&self, rules: &Rules) -> bool {
        let last = self.turns.iter().rev().find(|turn| turn.role == "assistant");
        let begun = last.is_some_and(|turn| {
            let begins_with_thought =
                matches!(turn.content.first(), Some(BlockOut::Thinking { .. } | BlockOut::RedactedThinking { .. }));
            let calls = turn.content.iter().any(|block| matches!(block, BlockOut::ToolUse { .. }));
            calls && !begins_with_thought
        });
        let half = self.turns.last().is_some_and(|turn| turn.role == "assistant");
        rules.signed && rules.thinking == Thinking::Budget && (begun || half)
    }

    /// A last turn of the model's may not end in white space; newer models refuse to go on from one at all and are asked.
    fn end(&mut self, rules: &Rules) {
        let Some(last) = self.turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
        if let Some(BlockOut::Text { text, .. }) = last.content.last_mut() {
            *text = text.trim_end().to_owned().into();
        }
        if !rules.prefill {
            let text = Words::from("Go on exactly where you stopped, and repeat nothing.");
            self.turn("user").content.push(BlockOut::Text { text, cache_control: None });
        }
    }
}

/// A text; an empty one is a 400 and says nothing.
fn block(text: &Text) -> Option<BlockOut<'_>> {
    let said = !text.text.is_blank();
    said.then(|| BlockOut::Text { text: Words::Kept(&text.text), cache_control: CacheControl::of(text.cache.as_ref()) })
}

/// A thought, if the model would believe it.
fn said_thought<'a>(thought: &'a Thought, rules: &Rules) -> Option<BlockOut<'a>> {
    match &thought.state {
        // Only Claude can read it.
        Some(state) if state.kind == StateKind::AnthropicRedacted && rules.signed => {
            Some(BlockOut::RedactedThinking { data: &state.value })
        }
        Some(state) if state.kind == StateKind::AnthropicSignature => {
            Some(BlockOut::Thinking { thinking: &thought.text, signature: state.value.clone() })
        }
        // A local model reads its thoughts without a signature.
        Some(_) | None if !rules.signed && !thought.text.is_empty() => {
            Some(BlockOut::Thinking { thinking: &thought.text, signature: String::new() })
        }
        Some(_) | None => None,
    }
}

fn said_result<'a>(result: &'a ToolResult, at: &str) -> Result<BlockOut<'a>, DecodeError> {
    let mut content = Vec::with_capacity(result.parts.len());
    for part in &result.parts {
        match part {
            Part::Text(text) => content.extend(block(text)),
            Part::Media(media) => content.push(wire::media(media, at)?),
            Part::Refusal(text) if text.trim().is_empty() => {}
            Part::Refusal(text) => content.push(BlockOut::Text { text: text.as_str().into(), cache_control: None }),
            Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
        }
    }
    Ok(BlockOut::ToolResult {
        tool_use_id: ids::safe(&result.call_id, wire::LONGEST_ID),
        content,
        is_error: result.is_error,
        cache_control: CacheControl::of(result.cache.as_ref()),
    })
}
