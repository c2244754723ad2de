//! The hub's turns as Cohere's messages.
//!
//! Each result of a tool is a message of its own, and holds texts only: an image in it stands in the person's turn that
//! follows. What the model thought goes back as its plan where it called a tool, and as a thought where it is one that
//! thinks; any other knows no thoughts.

use std::borrow::Cow;

use serde::Serialize;

use crate::completion::{
    DecodeError, Media, MediaKind, MediaSource, Message, Part, Role, Text, Thought, ToolCall, ToolKind, ToolResult,
    Words,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::media::Url;
use crate::protocol::codec::{custom, media};

/// One message.
#[derive(Debug, Default, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    tool_plan: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Words<'a>),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: Words<'a> },
    Thinking { thinking: &'a str },
    ImageUrl { image_url: Image<'a> },
}

#[derive(Debug, Serialize)]
struct Image<'a> {
    url: Url<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

/// What a model takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Takes {
    /// Thoughts of its own.
    pub(super) thoughts: bool,
    /// Images.
    pub(super) images: bool,
}

/// Writes all turns.
pub(super) fn write<'a>(
    messages: &'a [Message],
    takes: Takes,
    dropped: &mut Vec<String>,
) -> Result<Vec<Turn<'a>>, DecodeError> {
    let mut writer = Writer { takes, dropped, turns: Vec::with_capacity(messages.len()), media: Vec::new() };
    for (number, message) in messages.iter().enumerate() {
        writer.message(number, message)?;
    }
    writer.seen();
    let mut turns = writer.turns;
    if turns.last().is_some_and(|last| last.role == "assistant") {
        // The model does not go on from a turn of its own.
        let text = Words::from("Go on exactly where you stopped, and repeat nothing.");
        turns.push(Turn { role: "user", content: Some(Content::Text(text)), ..Turn::default() });
    }
    if turns.is_empty() {
        return Err(DecodeError::unsupported("messages", "Cohere wants at least one turn that is not empty"));
    }
    Ok(turns)
}

struct Writer<'a, 'b> {
    takes: Takes,
    dropped: &'b mut Vec<String>,
    turns: Vec<Turn<'a>>,
    /// Images from results of tools, for the person's turn that follows.
    media: Vec<Piece<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, number: usize, message: &'a Message) -> Result<(), DecodeError> {
        if message.name.is_some() {
            note(self.dropped, "messages[].name");
        }
        let role = match message.role {
            Role::System => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut turn = Turn { role, ..Turn::default() };
        let calls = message.parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let mut pieces = Vec::new();
        for (place, part) in message.parts.iter().enumerate() {
            let at = || format!("messages[{number}].content[{place}]");
            match part {
                Part::Text(text) => pieces.extend(self.text(text)),
                Part::Refusal(text) if text.is_empty() => {}
                Part::Refusal(text) => pieces.push(Piece::Text { text: text.as_str().into() }),
                Part::Media(media) => pieces.push(self.medium(media, &at())?),
                Part::Thought(thought) => self.thought(thought, calls, &mut turn, &mut pieces),
                Part::ToolCall(call) => turn.tool_calls.push(said_call(call)),
                Part::ToolResult(result) => self.result(result, &at())?,
            }
        }
        if role == "user" {
            let seen = std::mem::take(&mut self.media);
            if message.role == Role::Tool && pieces.is_empty() {
                // The person has not spoken yet.
                self.media = seen;
                return Ok(());
            }
            pieces.splice(0..0, seen);
        } else {
            self.seen();
        }
        if turn.tool_calls.is_empty() && pieces.iter().all(|piece| matches!(piece, Piece::Thinking { .. })) {
            // A thought that led to nothing is no turn.
            pieces.clear();
        }
        turn.content = content(pieces);
        if turn.content.is_some() || !turn.tool_calls.is_empty() {
            self.turns.push(turn);
        }
        Ok(())
    }

    fn text(&mut self, text: &'a Text) -> Option<Piece<'a>> {
        self.cache(text.cache.is_some());
        (!text.text.is_empty()).then_some(Piece::Text { text: Words::Kept(&text.text) })
    }

    fn thought(&mut self, thought: &'a Thought, calls: bool, turn: &mut Turn<'a>, pieces: &mut Vec<Piece<'a>>) {
        match thought.text.as_str() {
            "" => {}
            text if self.takes.thoughts => pieces.push(Piece::Thinking { thinking: text }),
            text if calls => {
                if !turn.tool_plan.is_empty() {
                    turn.tool_plan.push('\n');
                }
                turn.tool_plan.push_str(text);
            }
            _ => note(self.dropped, "messages[].reasoning_content"),
        }
    }

    fn result(&mut self, result: &'a ToolResult, at: &str) -> Result<(), DecodeError> {
        self.cache(result.cache.is_some());
        if result.is_error {
            // The result's own words tell it.
            note(self.dropped, "is_error");
        }
        let mut text = Words::default();
        for part in &result.parts {
            let more = match part {
                Part::Text(part) => {
                    self.cache(part.cache.is_some());
                    Words::Kept(&part.text)
                }
                Part::Refusal(words) => words.as_str().into(),
                Part::Media(media) => match self.medium(media, at)? {
                    Piece::Text { text } => text,
                    piece @ (Piece::ImageUrl { .. } | Piece::Thinking { .. }) => {
                        self.media.push(piece);
                        continue;
                    }
                },
                Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => continue,
            };
            if text.is_empty() {
                text = more;
            } else {
                text.push_str("\n");
                text.push_str(&more);
            }
        }
        if text.is_empty() {
            text = "(nothing)".into();
        }
        let (content, tool_call_id) = (Some(Content::Text(text)), Some(result.call_id.as_str()));
        self.turns.push(Turn { role: "tool", content, tool_call_id, ..Turn::default() });
        Ok(())
    }

    /// Writes the images that wait, in a turn of their own.
    fn seen(&mut self) {
        if !self.media.is_empty() {
            let content = content(std::mem::take(&mut self.media));
            self.turns.push(Turn { role: "user", content, ..Turn::default() });
        }
    }

    fn medium(&mut self, medium: &'a Media, at: &str) -> Result<Piece<'a>, DecodeError> {
        self.cache(medium.cache.is_some());
        let refuse = |reason: &str| Err(DecodeError::unsupported(at, reason));
        match (medium.kind, &medium.source) {
            (MediaKind::Image, _) if !self.takes.images => refuse("this model sees no images; ask one that does"),
            (MediaKind::Image, MediaSource::File(_)) => refuse("it lies in another vendor's store; send its bytes"),
            (MediaKind::Image, MediaSource::Data { mime, base64 }) => {
                let image_url = Image { url: Url::Data(mime, base64), detail: medium.detail.as_deref() };
                Ok(Piece::ImageUrl { image_url })
            }
            (MediaKind::Image, MediaSource::Url(url)) => {
                Ok(Piece::ImageUrl { image_url: Image { url: Url::Plain(url), detail: medium.detail.as_deref() } })
            }
            (MediaKind::Document, _) => match media::document_text(medium) {
                Some(text) => Ok(Piece::Text { text: text.into() }),
                None => refuse("Cohere reads no such documents in a chat; send the text"),
            },
            (MediaKind::Audio | MediaKind::Video, _) => refuse("Cohere takes neither sounds nor films"),
        }
    }

    /// Nothing of a prompt is marked to be kept there.
    fn cache(&mut self, marked: bool) {
        if marked {
            note(self.dropped, "cache_control");
        }
    }
}

fn said_call(call: &ToolCall) -> Call<'_> {
    let arguments = match call.kind {
        ToolKind::Custom => Cow::Owned(custom::lower_text(&call.arguments)),
        ToolKind::Function if call.arguments.is_empty() => Cow::Borrowed("{}"),
        ToolKind::Function => Cow::Borrowed(call.arguments.as_str()),
    };
    Call { id: &call.id, r#type: "function", function: Function { name: &call.name, arguments } }
}

/// One text alone is a string.
fn content(mut pieces: Vec<Piece<'_>>) -> Option<Content<'_>> {
    match pieces.as_mut_slice() {
        [] => None,
        [Piece::Text { text }] => Some(Content::Text(std::mem::take(text))),
        _ => Some(Content::Pieces(pieces)),
    }
}
