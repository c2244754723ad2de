//! The hub's turns as an upstream's messages.
//!
//! Borrows from the request: images are megabytes, and are written straight into the body. A turn that holds results of
//! tools becomes several messages, because each result is one of its own on the wire.

use std::borrow::Cow;

use serde::Serialize;

use super::quirks::{Ids, Quirks};
use crate::completion::{
    DecodeError, Media, MediaKind, MediaSource, Message, Part, Role, StateKind, Thought, ToolCall, ToolKind,
    ToolResult, Words,
};
use crate::protocol::codec::Target;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::media::Url;
use crate::protocol::codec::{custom, ids, media, system};

/// The longest id that OpenAI takes.
const LONGEST_ID: usize = 40;

/// One message.
#[derive(Debug, Default, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    /// A user's turn that ends with a system text: what the person says next goes on in it.
    #[serde(skip)]
    instructed: bool,
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
    ImageUrl { image_url: Image<'a> },
    VideoUrl { video_url: Image<'a> },
    AudioUrl { audio_url: Image<'a> },
    InputAudio { input_audio: Audio<'a> },
    File { file: File<'a> },
}

#[derive(Debug, Serialize)]
struct Image<'a> {
    url: Url<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Audio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Debug, Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Url<'a>>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
struct Custom<'a> {
    name: &'a str,
    input: &'a str,
}

/// Writes all turns.
pub(super) fn write<'a>(
    messages: &'a [Message],
    target: &Target,
    quirks: &Quirks,
    dropped: &mut Vec<String>,
) -> Result<Vec<Turn<'a>>, DecodeError> {
    let mut writer = Writer { target, quirks, dropped, turns: Vec::with_capacity(messages.len()), media: Vec::new() };
    for (at, message) in messages.iter().enumerate() {
        writer.message(at, message)?;
    }
    writer.tool_media();
    Ok(writer.turns)
}

struct Writer<'a, 'b> {
    target: &'b Target,
    quirks: &'b Quirks,
    dropped: &'b mut Vec<String>,
    turns: Vec<Turn<'a>>,
    /// Images from results of tools: a tool's message holds text only, so they stand in the user's turn that follows.
    media: Vec<Piece<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), DecodeError> {
        if message.role == Role::System && self.quirks.one_system && self.turns.iter().any(|turn| turn.role != "system")
        {
            self.instruction(message);
            return Ok(());
        }
        let mut results = 0;
        for part in &message.parts {
            if let Part::ToolResult(result) = part {
                self.result(at, result)?;
                results += 1;
            }
        }
        if results == message.parts.len() && (message.role == Role::Tool || results > 0) {
            return Ok(());
        }
        let mut turn = Turn { name: message.name.as_deref(), ..Turn::default() };
        turn.role = match message.role {
            Role::System => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut pieces = Vec::with_capacity(message.parts.len());
        if let Some(before) = self.turns.pop_if(|before| self.quirks.one_system && before.is_joined_by(&turn)) {
            pieces = before.content.map_or_else(Vec::new, Content::into_pieces);
        }
        if turn.role == "user" {
            pieces.append(&mut self.media);
        } else {
            self.tool_media();
        }
        for part in &message.parts {
            match part {
                Part::Text(text) => {
                    self.cache(text.cache.is_some());
                    pieces.push(Piece::Text { text: Words::Kept(&text.text) });
                }
                Part::Media(media) => pieces.push(self.medium(at, media)?),
                Part::Thought(thought) => self.thought(thought, &mut turn),
                Part::ToolCall(call) => turn.tool_calls.push(self.call(call)),
                Part::Refusal(text) => turn.refusal = Some(text),
                Part::ToolResult(_) => {}
            }
        }
        if self.quirks.thoughts_with_calls && !turn.tool_calls.is_empty() && turn.reasoning_content.is_none() {
            turn.reasoning_content = Some(String::new());
        }
        turn.content = content(pieces);
        if turn.content.is_none() && turn.tool_calls.is_empty() && turn.refusal.is_none() {
            turn.content = Some(Content::Text(Words::default()));
        }
        self.turns.push(turn);
        Ok(())
    }

    /// A system text after the beginning: a part of the user's turn before it, or of one of its own.
    fn instruction(&mut self, message: &'a Message) {
        let texts = system::texts(message);
        if texts.is_empty() {
            return;
        }
        let before = self.turns.pop_if(|before| before.role == "user" && before.name.is_none());
        let mut pieces = before.and_then(|turn| turn.content).map_or_else(Vec::new, Content::into_pieces);
        pieces.append(&mut self.media);
        for text in texts {
            self.cache(text.cache.is_some());
            pieces.push(Piece::Text { text: system::marked(&text.text).into() });
        }
        self.turns.push(Turn { role: "user", content: content(pieces), instructed: true, ..Turn::default() });
    }

    fn result(&mut self, at: usize, result: &'a ToolResult) -> Result<(), DecodeError> {
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
                Part::Media(media) => match self.medium(at, media)? {
                    Piece::Text { text } => text,
                    piece => {
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
        self.turns.push(Turn {
            role: "tool",
            content: Some(Content::Text(text)),
            tool_call_id: Some(self.id(&result.call_id)),
            ..Turn::default()
        });
        Ok(())
    }

    /// An id in the form that the server takes. Calls and results change alike.
    fn id(&self, id: &'a str) -> Cow<'a, str> {
        match self.quirks.ids {
            Ids::Any => Cow::Borrowed(id),
            Ids::Safe => ids::safe(id, LONGEST_ID),
            Ids::Nine => ids::nine(id),
        }
    }

    /// Writes the images that wait, in a turn of their own.
    fn tool_media(&mut self) {
        if !self.media.is_empty() {
            let content = content(std::mem::take(&mut self.media));
            self.turns.push(Turn { role: "user", content, ..Turn::default() });
        }
    }

    fn thought(&mut self, thought: &Thought, turn: &mut Turn<'a>) {
        if thought.text.is_empty() {
            return;
        }
        let field = match self.quirks.thoughts {
            Some("reasoning") => &mut turn.reasoning,
            Some(_) => &mut turn.reasoning_content,
            None => return note(self.dropped, "messages[].reasoning_content"),
        };
        match field {
            Some(known) => {
                known.push_str("\n\n");
                known.push_str(&thought.text);
            }
            None => *field = Some(thought.text.clone()),
        }
    }

    fn call(&mut self, call: &'a ToolCall) -> Call<'a> {
        let (mut function, mut custom) = (None, None);
        let kind = match call.kind {
            ToolKind::Custom if self.quirks.openai.is_some() => {
                custom = Some(Custom { name: &call.name, input: &call.arguments });
                "custom"
            }
            kind => {
                let arguments = match kind {
                    ToolKind::Custom => Cow::Owned(custom::lower_text(&call.arguments)),
                    ToolKind::Function if call.arguments.is_empty() => Cow::Borrowed("{}"),
                    ToolKind::Function => Cow::Borrowed(call.arguments.as_str()),
                };
                function = Some(Function { name: &call.name, arguments });
                "function"
            }
        };
        // Only Google's own layer knows the field; elsewhere it is refused.
        let signed = call.state.as_ref().filter(|state| {
            state.kind == StateKind::Gemini && self.target.runtime.is_empty() && self.target.model.contains("gemini")
        });
        let extra_content = signed.map(|state| super::write_answer::signature(&state.value));
        Call { id: self.id(&call.id), r#type: kind, function, custom, extra_content }
    }

    fn medium(&mut self, at: usize, medium: &'a Media) -> Result<Piece<'a>, DecodeError> {
        self.cache(medium.cache.is_some());
        let refuse = |what: &str, reason: &str| Err(DecodeError::unsupported(format!("messages[{at}].{what}"), reason));
        let url = match &medium.source {
            MediaSource::Data { mime, base64 } => Url::Data(mime, base64),
            MediaSource::Url(url) => Url::Plain(url),
            MediaSource::File(id) => Url::Plain(id),
        };
        match (medium.kind, &medium.source) {
            (MediaKind::Image | MediaKind::Video, _) if self.target.vision == Some(false) => {
                refuse("image", &format!("`{}` sees no images; ask a model that does", self.target.model))
            }
            (MediaKind::Image, MediaSource::File(_)) => {
                refuse("image", "it lies in another vendor's store; send its bytes")
            }
            (MediaKind::Image, MediaSource::Url(_)) if !self.quirks.image_urls => {
                refuse("image", "this runtime fetches no URLs; send the image as base64")
            }
            (MediaKind::Image, _) => Ok(Piece::ImageUrl { image_url: Image { url, detail: medium.detail.as_deref() } }),
            (MediaKind::Audio, _) if !self.quirks.audio => refuse("audio", "this runtime takes no sounds"),
            (MediaKind::Audio, MediaSource::Data { mime, base64 }) => {
                Ok(Piece::InputAudio { input_audio: Audio { data: base64, format: media::audio_format(mime) } })
            }
            (MediaKind::Audio, MediaSource::Url(_)) if self.quirks.video => {
                Ok(Piece::AudioUrl { audio_url: Image { url, detail: None } })
            }
            (MediaKind::Audio, _) => refuse("audio", "this runtime takes sounds as base64 only"),
            (MediaKind::Video, MediaSource::File(_)) => refuse("video", "it lies in another vendor's store"),
            (MediaKind::Video, _) if !self.quirks.video => refuse("video", "this runtime takes no films"),
            (MediaKind::Video, _) => Ok(Piece::VideoUrl { video_url: Image { url, detail: None } }),
            (MediaKind::Document, source) => {
                if let Some(text) = media::document_text(medium) {
                    return Ok(Piece::Text { text: text.into() });
                }
                if !self.quirks.files {
                    return refuse("file", "this runtime takes no documents; send its text");
                }
                let filename = medium.name.as_deref();
                match source {
                    MediaSource::File(id) => {
                        Ok(Piece::File { file: File { file_id: Some(id), filename, file_data: None } })
                    }
                    MediaSource::Data { .. } => {
                        let filename = filename.or(Some("document.pdf"));
                        Ok(Piece::File { file: File { file_id: None, filename, file_data: Some(url) } })
                    }
                    MediaSource::Url(_) => refuse("file", "documents go as base64 only"),
                }
            }
        }
    }

    /// Local runtimes keep prefixes by themselves, and OpenAI too: a mark has no place and is missed by nobody.
    fn cache(&mut self, marked: bool) {
        if marked {
            note(self.dropped, "cache_control");
        }
    }
}

impl Turn<'_> {
    /// Whether a turn that follows this one goes on in it.
    fn is_joined_by(&self, next: &Turn<'_>) -> bool {
        let goes_on = self.role == "system" || self.instructed;
        goes_on && self.role == next.role && self.name.is_none() && next.name.is_none()
    }
}

impl<'a> Content<'a> {
    fn into_pieces(self) -> Vec<Piece<'a>> {
        match self {
            Content::Text(text) => vec![Piece::Text { text }],
            Content::Pieces(pieces) => pieces,
        }
    }
}

/// One text alone is a string: some servers take nothing else.
fn content(mut pieces: Vec<Piece<'_>>) -> Option<Content<'_>> {
    match pieces.as_mut_slice() {
        [] => None,
        [Piece::Text { text }] => Some(Content::Text(std::mem::take(text))),
        _ => Some(Content::Pieces(pieces)),
    }
}
