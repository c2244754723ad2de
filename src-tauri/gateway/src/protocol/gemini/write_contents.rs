//! The hub's turns as Gemini's contents.
//!
//! Repairs what other protocols allow and Gemini refuses: turns of one role in a row, results after other parts, empty
//! texts, calls without a signature. There is one place for system texts, at the head: those that lead go there, and one
//! that comes later stays where it stands as a marked text of the person's, because moving it to the head would change
//! what it comes after and spoil the cache of all that it was behind.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::model::Rules;
use super::read_contents::{by_ending, in_store};
use super::signature;
use super::wire::{Blob, Call, File, MADE_UP, Piece, Response};
use crate::completion::{
    DecodeError, Media, MediaKind, MediaSource, Message, Part, Role, Thought, ToolCall, ToolKind, ToolResult, Words,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, custom, json, media, system};

/// One content.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    parts: Vec<Piece<'a>>,
}

/// A conversation.
#[derive(Debug, Default)]
pub(super) struct Turns<'a> {
    /// The system texts before the first turn.
    pub(super) system: Vec<Piece<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

/// Writes the turns for a model of these rules.
pub(super) fn write<'a>(
    messages: &'a [Message],
    target: &Target,
    rules: &Rules,
    dropped: &mut Vec<String>,
) -> Result<Turns<'a>, DecodeError> {
    // Google asks for signatures since the person last spoke; it advises against its own way out where none is asked for.
    let asked = messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
    let mut writer = Writer { target, rules, asked, dropped, written: Turns::default(), calls: HashMap::new() };
    for (at, message) in messages.iter().enumerate() {
        writer.message(at, message)?;
    }
    let mut written = writer.written;
    if written.turns.is_empty() {
        // A system text alone is something to answer elsewhere.
        let parts = std::mem::take(&mut written.system);
        if parts.is_empty() {
            let reason = "Gemini's API wants at least one turn that is not empty";
            return Err(DecodeError::unsupported("messages", reason));
        }
        written.turns.push(Turn { role: USER, parts });
    }
    Ok(written)
}

const USER: &str = "user";
const MODEL: &str = "model";

struct Writer<'a, 'b> {
    target: &'b Target,
    rules: &'b Rules,
    /// Where the person last spoke.
    asked: usize,
    dropped: &'b mut Vec<String>,
    written: Turns<'a>,
    /// The functions of the calls so far, by id: results name them.
    calls: HashMap<&'a str, &'a str>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), DecodeError> {
        if message.name.is_some() {
            note(self.dropped, "messages[].name");
        }
        let role = match message.role {
            Role::System => {
                self.system(message);
                return Ok(());
            }
            Role::User | Role::Tool => USER,
            Role::Assistant => MODEL,
        };
        for part in &message.parts {
            match part {
                Part::Text(text) => {
                    self.cache(text.cache.is_some());
                    self.text(role, &text.text);
                }
                Part::Refusal(words) => self.text(role, words.as_str()),
                Part::Media(medium) => {
                    let piece = self.medium(at, medium)?;
                    self.turn(role).push(piece);
                }
                Part::Thought(thought) => self.thought(thought),
                Part::ToolCall(call) => self.call(at, call),
                Part::ToolResult(result) => self.result(at, result)?,
            }
        }
        Ok(())
    }

    fn system(&mut self, message: &'a Message) {
        for part in &message.parts {
            let Part::Text(text) = part else { continue };
            self.cache(text.cache.is_some());
            if text.text.is_empty() {
                continue;
            }
            if self.written.turns.is_empty() {
                self.written.system.push(Piece::text(&text.text));
            } else {
                let marked = system::marked(&text.text);
                self.turn(USER).push(Piece::text(marked));
            }
        }
    }

    /// The turn that is being said, or a new one.
    fn turn(&mut self, role: &'static str) -> &mut Vec<Piece<'a>> {
        let turns = &mut self.written.turns;
        let at = match turns.last() {
            Some(turn) if turn.role == role => turns.len() - 1,
            Some(_) | None => {
                turns.push(Turn { role, parts: Vec::new() });
                turns.len() - 1
            }
        };
        &mut turns[at].parts
    }

    fn text(&mut self, role: &'static str, text: impl Into<Words<'a>>) {
        let text = text.into();
        if !text.is_empty() {
            self.turn(role).push(Piece::text(text));
        }
    }

    /// A thought goes back only with a signature of Gemini's own: without, it is taken for the model's answer.
    fn thought(&mut self, thought: &'a Thought) {
        let Some(signature) = signature::own(thought.state.as_ref()) else {
            return note(self.dropped, "messages[].reasoning_content");
        };
        self.turn(MODEL).push(Piece {
            text: Some(thought.text.as_str().into()),
            thought: !thought.text.is_empty(),
            thought_signature: Some(Cow::Borrowed(signature)),
            ..Piece::default()
        });
    }

    fn call(&mut self, at: usize, call: &'a ToolCall) {
        self.calls.insert(&call.id, &call.name);
        let args = match call.kind {
            ToolKind::Function => json::object(&call.arguments),
            ToolKind::Custom => json::object(&custom::lower_text(&call.arguments)),
        };
        let (signed, current) = (self.rules.signed, at > self.asked);
        let turn = self.turn(MODEL);
        // Of calls side by side only the first has one.
        let first = !turn.iter().any(|piece| piece.function_call.is_some());
        let missing = (signed && current && first).then_some(signature::NONE);
        let signature = signature::own(call.state.as_ref()).or(missing);
        turn.push(Piece {
            function_call: Some(Call { id: id(&call.id).map(Cow::Borrowed), name: Cow::Borrowed(&call.name), args }),
            thought_signature: signature.map(Cow::Borrowed),
            ..Piece::default()
        });
    }

    /// Results open the turn right after their calls; what was said between waits behind them.
    fn result(&mut self, at: usize, result: &'a ToolResult) -> Result<(), DecodeError> {
        self.cache(result.cache.is_some());
        let known = self.calls.get(result.call_id.as_str()).copied();
        let Some(name) = known.or(result.name.as_deref()) else {
            let field = format!("messages[{at}].tool_call_id");
            return Err(DecodeError::unsupported(
                &field,
                "it answers no call of this conversation, and Gemini wants its name",
            ));
        };
        let mut texts: Vec<Words<'a>> = Vec::new();
        let (mut inside, mut beside) = (Vec::new(), Vec::new());
        for part in &result.parts {
            match part {
                Part::Text(text) => {
                    self.cache(text.cache.is_some());
                    texts.push(Words::Kept(&text.text));
                }
                Part::Refusal(words) => texts.push(words.as_str().into()),
                Part::Media(medium) => match self.medium(at, medium)? {
                    Piece { text: Some(text), .. } => texts.push(text),
                    piece if self.rules.result_media && piece.inline_data.is_some() => inside.push(piece),
                    piece => beside.push(piece),
                },
                Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
            }
        }
        let response = Response {
            id: id(&result.call_id),
            name,
            response: response(&texts.iter().map(|text| &**text).collect::<Vec<_>>().join("\n"), result.is_error),
            parts: inside,
        };
        let turn = self.turn(USER);
        let results = turn.iter().take_while(|piece| piece.function_response.is_some()).count();
        turn.insert(results, Piece { function_response: Some(response), ..Piece::default() });
        turn.extend(beside);
        Ok(())
    }

    fn medium(&mut self, at: usize, medium: &'a Media) -> Result<Piece<'a>, DecodeError> {
        self.cache(medium.cache.is_some());
        if medium.detail.as_deref().is_some_and(|detail| detail != "auto") {
            note(self.dropped, "detail");
        }
        let refuse =
            |what: &str, reason: String| Err(DecodeError::unsupported(format!("messages[{at}].{what}"), reason));
        let seen = matches!(medium.kind, MediaKind::Image | MediaKind::Video);
        if seen && self.target.vision == Some(false) {
            return refuse("image", format!("`{}` sees no images; ask a model that does", self.target.model));
        }
        match &medium.source {
            MediaSource::Data { mime, base64 } => {
                let mime_type = match (mime.as_str(), medium.kind) {
                    ("", MediaKind::Image) => Cow::Borrowed(media::image_type(base64)),
                    ("", _) => Cow::Borrowed(media::document_type(medium.name.as_deref().unwrap_or_default())),
                    (mime, _) => Cow::Borrowed(mime),
                };
                Ok(Piece { inline_data: Some(Blob { mime_type, data: base64 }), ..Piece::default() })
            }
            MediaSource::File(uri) if !in_store(uri) => {
                refuse("file", "it lies in another vendor's store; send its bytes".into())
            }
            MediaSource::File(uri) | MediaSource::Url(uri) => {
                let file = File { mime_type: by_ending(uri), file_uri: uri };
                Ok(Piece { file_data: Some(file), ..Piece::default() })
            }
        }
    }

    /// Gemini keeps prefixes by itself: a mark has no place and is missed by nobody.
    fn cache(&mut self, marked: bool) {
        if marked {
            note(self.dropped, "cache_control");
        }
    }
}

/// An id that someone gave; Vertex refuses any, and gives none.
fn id(id: &str) -> Option<&str> {
    (!id.starts_with(MADE_UP)).then_some(id)
}

/// A result as the object that it must be.
fn response(text: &str, is_error: bool) -> Box<RawValue> {
    if is_error {
        let value = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
        return raw(&json!({ "error": value.unwrap_or_else(|| text.into()) }));
    }
    let object = text.trim();
    if object.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(object).is_ok() {
        return RawValue::from_string(object.to_owned()).unwrap_or_default();
    }
    raw(&json!({ "result": text }))
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap_or_default()
}
