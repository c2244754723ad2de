//! The hub's messages as Converse's turns: system texts that lead, then turns of the person and the model by turns, the
//! person's first.

use std::collections::BTreeSet;

use serde::Serialize;

use super::blocks::{self, Block, CachePoint, Reasoning, ToolUse};
use super::family::Family;
use crate::completion::{
    CacheMark, DecodeError, Message, Part, Role, StateKind, Text, Thought, ToolCall, ToolChoice, ToolKind, ToolResult,
    Words,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{custom, ids, json, system};

/// The longest id of a call.
const LONGEST_ID: usize = 64;

/// A turn.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) content: Vec<Block<'a>>,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    family: Family,
    /// The system texts before the first turn.
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) dropped: Vec<String>,
    /// The names of the tools that were called.
    pub(super) called: BTreeSet<&'a str>,
}

/// Writes the messages for a family's model.
pub(super) fn turns(messages: &[Message], family: Family) -> Result<Turns<'_>, DecodeError> {
    let mut written =
        Turns { family, system: Vec::new(), turns: Vec::new(), dropped: Vec::new(), called: BTreeSet::new() };
    for (number, message) in messages.iter().enumerate() {
        if message.name.is_some() {
            note(&mut written.dropped, "messages[].name");
        }
        match message.role {
            Role::System => written.system(message),
            Role::User | Role::Tool => written.said("user", message, number)?,
            Role::Assistant => written.said("assistant", message, number)?,
        }
    }
    written.settle();
    if written.turns.is_empty() {
        return Err(DecodeError::unsupported(
            "messages",
            "Bedrock wants at least one turn that is not empty and not the system's",
        ));
    }
    Ok(written)
}

impl<'a> Turns<'a> {
    /// A system text leads, or stands where it stands, marked within the person's turn.
    fn system(&mut self, message: &'a Message) {
        for part in &message.parts {
            let Part::Text(text) = part else { continue };
            if text.text.is_blank() {
                continue;
            }
            let mark = self.mark(text.cache.as_ref());
            if self.turns.is_empty() {
                self.system.push(Block::Text(Words::Kept(&text.text)));
                self.system.extend(mark);
            } else {
                let turn = self.turn("user");
                turn.push(Block::Text(system::marked(&text.text).into()));
                turn.extend(mark);
            }
        }
    }

    fn said(&mut self, role: &'static str, message: &'a Message, number: usize) -> Result<(), DecodeError> {
        for (place, part) in message.parts.iter().enumerate() {
            let at = format!("messages[{number}].content[{place}]");
            match part {
                Part::Text(text) => self.push(role, said_text(text), text.cache.as_ref()),
                Part::Refusal(text) => {
                    let block = (!text.trim().is_empty()).then(|| Block::Text(text.as_str().into()));
                    self.push(role, block, None);
                }
                Part::Media(media) => {
                    // Models' turns hold none, and what a model drew may be shown to it by the person.
                    self.push("user", Some(blocks::media(media, &at)?), media.cache.as_ref());
                    if media.detail.as_ref().is_some_and(|detail| detail != "auto") {
                        note(&mut self.dropped, "detail");
                    }
                }
                Part::Thought(thought) => match self.thought(thought) {
                    Some(block) => self.turn(role).push(block),
                    None => note(&mut self.dropped, "messages[].reasoning_content"),
                },
                Part::ToolCall(call) => {
                    self.called.insert(&call.name);
                    self.turn("assistant").push(said_call(call));
                }
                Part::ToolResult(result) => self.result(result, &at)?,
            }
        }
        Ok(())
    }

    fn push(&mut self, role: &'static str, block: Option<Block<'a>>, cache: Option<&'a CacheMark>) {
        let Some(block) = block else { return };
        let mark = self.mark(cache);
        let turn = self.turn(role);
        turn.push(block);
        turn.extend(mark);
    }

    fn mark(&self, cache: Option<&'a CacheMark>) -> Option<Block<'a>> {
        let mark = cache.filter(|_| self.family.caches())?;
        Some(Block::CachePoint(CachePoint::of(mark)))
    }

    /// The blocks of the turn that is being said, or of a new one.
    fn turn(&mut self, role: &'static str) -> &mut Vec<Block<'a>> {
        let at = match self.turns.last() {
            Some(turn) if turn.role == role => self.turns.len() - 1,
            Some(_) | None => {
                self.turns.push(Turn { role, content: Vec::new() });
                self.turns.len() - 1
            }
        };
        &mut self.turns[at].content
    }

    /// A thought, if the model would believe it.
    fn thought(&self, thought: &'a Thought) -> Option<Block<'a>> {
        let state = thought.state.as_ref().filter(|_| self.family.believes())?;
        let reasoning = match state.kind {
            StateKind::AnthropicSignature => Reasoning::ReasoningText { text: &thought.text, signature: &state.value },
            StateKind::AnthropicRedacted => Reasoning::RedactedContent(&state.value),
            StateKind::Gemini | StateKind::OpenAi => return None,
        };
        Some(Block::ReasoningContent(reasoning))
    }

    /// A tool's result opens the turn right after the call's.
    fn result(&mut self, result: &'a ToolResult, at: &str) -> Result<(), DecodeError> {
        let mut content = Vec::with_capacity(result.parts.len());
        for part in &result.parts {
            match part {
                Part::Text(text) => content.extend(said_text(text)),
                Part::Media(media) => content.push(blocks::media(media, at)?),
                Part::Refusal(text) if text.trim().is_empty() => {}
                Part::Refusal(text) => content.push(Block::Text(text.as_str().into())),
                Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
            }
        }
        if content.is_empty() {
            // A result without content is refused.
            content.push(Block::Text("(nothing)".into()));
        }
        let block = Block::ToolResult(blocks::ToolResult {
            tool_use_id: ids::safe(&result.call_id, LONGEST_ID),
            content,
            status: result.is_error.then_some("error"),
        });
        let mark = self.mark(result.cache.as_ref());
        let turn = self.turn("user");
        let is_result = |block: &Block| matches!(block, Block::ToolResult(_) | Block::CachePoint(_));
        let results = turn.iter().take_while(|block| is_result(block)).count();
        turn.splice(results..results, std::iter::once(block).chain(mark));
        Ok(())
    }

    /// A model that cannot be made to call is asked in words, last, where no cached prefix ends.
    pub(super) fn ask_for_a_call(&mut self, choice: &ToolChoice) {
        let text = match choice {
            ToolChoice::Named(name) => format!("Answer with a call of the tool `{name}`."),
            ToolChoice::Required => "Answer with a call of one of the tools.".to_owned(),
            ToolChoice::Auto | ToolChoice::None => return,
        };
        self.turn("user").push(Block::Text(text.into()));
    }

    /// Whether a model that is given a budget may not think at this: its half turn, or the calls that it is in the midst
    /// of, began without a thought that it believes.
    pub(super) fn forbids_thinking(&self) -> bool {
        let last = self.turns.iter().rev().find(|turn| turn.role == "assistant");
        let begun = last.is_some_and(|turn| {
            let thought = matches!(turn.content.first(), Some(Block::ReasoningContent(_)));
            turn.content.iter().any(|block| matches!(block, Block::ToolUse(_))) && !thought
        });
        begun || self.turns.last().is_some_and(|turn| turn.role == "assistant")
    }

    /// What Converse wants of the whole: the person begins and, for most models, ends; a document has a text beside it
    /// and a name of its own.
    fn settle(&mut self) {
        if self.turns.first().is_some_and(|turn| turn.role == "assistant") {
            let content = vec![Block::Text("Go on.".into())];
            self.turns.insert(0, Turn { role: "user", content });
        }
        let mut names = BTreeSet::new();
        for turn in &mut self.turns {
            name_apart(&mut turn.content, &mut names);
            let has = |kind: fn(&Block) -> bool| turn.content.iter().any(kind);
            if has(|block| matches!(block, Block::Document(_))) && !has(|block| matches!(block, Block::Text(_))) {
                turn.content.push(Block::Text("This is the document.".into()));
            }
        }
        let Some(last) = self.turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
        if let Some(Block::Text(text)) = last.content.last_mut() {
            *text = text.trim_end().to_owned().into();
        }
        if !self.family.goes_on() {
            let text = Words::from("Go on exactly where you stopped, and repeat nothing.");
            self.turn("user").push(Block::Text(text));
        }
    }
}

/// Gives documents of one name numbers.
fn name_apart(blocks: &mut [Block<'_>], names: &mut BTreeSet<String>) {
    for block in blocks {
        match block {
            Block::Document(document) => {
                let told = document.name.clone();
                let mut number = 1;
                while !names.insert(document.name.clone()) {
                    number += 1;
                    document.name = format!("{told} {number}");
                }
            }
            Block::ToolResult(result) => name_apart(&mut result.content, names),
            Block::Text(_)
            | Block::Image(_)
            | Block::Video(_)
            | Block::Audio(_)
            | Block::ToolUse(_)
            | Block::ReasoningContent(_)
            | Block::CachePoint(_) => {}
        }
    }
}

/// A text; an empty one is refused and says nothing.
fn said_text(text: &Text) -> Option<Block<'_>> {
    (!text.text.is_blank()).then_some(Block::Text(Words::Kept(&text.text)))
}

fn said_call(call: &ToolCall) -> Block<'_> {
    let input = match call.kind {
        ToolKind::Function => json::object(&call.arguments),
        ToolKind::Custom => json::object(&custom::lower_text(&call.arguments)),
    };
    Block::ToolUse(ToolUse { tool_use_id: ids::safe(&call.id, LONGEST_ID), name: &call.name, input })
}
