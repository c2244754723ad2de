//! A client's turns to the hub's.
//!
//! Calls need no ids here, and responses name the function only: ids are made from a call's place in the conversation,
//! which stays the same from turn to turn, and a response answers the first open call of its function. A signature on
//! a text is kept as a thought without words behind it, because the hub's texts have no place for one.

use serde_json::{Map, Value};

use super::spelling::{self, Content};
use super::{signature, wire};
use crate::completion::{
    DecodeError, Media, MediaKind, MediaSource, Message, Part, Role, Thought, ToolCall, ToolKind, ToolResult,
};
use crate::embedding::{EmbeddingInput, EmbeddingPart};
use crate::picture::Picture;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{ids, media};

/// Reads `contents`.
pub(super) fn read(contents: Vec<Content>, dropped: &mut Vec<String>) -> Result<Vec<Message>, DecodeError> {
    let mut reader = Reader { open: Vec::new(), dropped, messages: Vec::with_capacity(contents.len()) };
    for content in contents {
        reader.content(content)?;
    }
    Ok(reader.messages)
}

/// Reads `systemInstruction`: a content of texts, or a text alone.
pub(super) fn system(fields: &mut Fields, dropped: &mut Vec<String>) -> Result<Option<Message>, DecodeError> {
    let is_text = fields.is_text("systemInstruction");
    let parts = match is_text {
        true => fields.wording("systemInstruction")?.map(Part::text).into_iter().collect(),
        false => {
            let content = spelling::object(fields, "systemInstruction")?;
            let mut parts = Vec::new();
            if let Some(mut content) = content {
                for mut part in spelling::objects(&mut content, "parts")? {
                    match part.wording("text")? {
                        Some(text) if text.is_empty() => {}
                        Some(text) => parts.push(Part::text(text)),
                        None => note(dropped, "systemInstruction.parts"),
                    }
                }
            }
            parts
        }
    };
    Ok((!parts.is_empty()).then_some(Message { role: Role::System, parts, name: None }))
}

/// A content of texts and pictures, as embeddings have it: one vector.
pub(super) fn input(mut content: Fields) -> Result<EmbeddingInput, DecodeError> {
    let (mut texts, mut parts) = (Vec::new(), Vec::new());
    for mut part in spelling::objects(&mut content, "parts")? {
        let place = part.path("text");
        if let Some(text) = part.string("text")? {
            texts.push(text);
            continue;
        }
        let media = spelling::object(&mut part, "inlineData")?.map(inline).transpose()?;
        let Some(Media { kind: MediaKind::Image, source: MediaSource::Data { mime, base64 }, .. }) = media else {
            return Err(DecodeError::unsupported(&place, "only texts and pictures can be turned into vectors here"));
        };
        parts.extend((!texts.is_empty()).then(|| EmbeddingPart::Text(std::mem::take(&mut texts).join("\n"))));
        parts.push(EmbeddingPart::Picture(Picture { mime, base64 }));
    }
    if parts.is_empty() || !texts.is_empty() {
        parts.push(EmbeddingPart::Text(texts.join("\n")));
    }
    Ok(EmbeddingInput::of(parts))
}

/// A call that waits for its response: its id and its function.
type Open = (String, String);

struct Reader<'a> {
    open: Vec<Open>,
    dropped: &'a mut Vec<String>,
    messages: Vec<Message>,
}

impl Reader<'_> {
    fn content(&mut self, Content { fields: mut content, parts: told }: Content) -> Result<(), DecodeError> {
        let role = match content.string("role")?.as_deref() {
            // `function` is what a turn of responses was called first.
            None | Some("" | "user" | "function" | "tool") => Role::User,
            Some("model" | "assistant") => Role::Assistant,
            Some(_) => return Err(content.wrong("role", "`user` or `model`")),
        };
        let mut parts = Vec::new();
        for mut part in told {
            if let Some(response) = spelling::object(&mut part, "functionResponse")? {
                // Each result is a turn of its own in the hub.
                self.push(role, std::mem::take(&mut parts));
                let result = self.response(response)?;
                self.push(Role::Tool, vec![Part::ToolResult(result)]);
            } else {
                self.part(&mut part, &mut parts)?;
            }
            part.rest(self.dropped);
        }
        self.push(role, parts);
        content.rest(self.dropped);
        Ok(())
    }

    /// Adds a turn. Google's SDK gives a stream back in the pieces in which it came, each a content of its own: the model's
    /// are joined again.
    fn push(&mut self, role: Role, parts: Vec<Part>) {
        if parts.is_empty() {
            return;
        }
        if role != Role::Assistant {
            self.messages.push(Message { role, parts, name: None });
            return;
        }
        if self.messages.last().is_none_or(|last| last.role != role) {
            self.messages.push(Message { role, parts: Vec::new(), name: None });
        }
        if let Some(last) = self.messages.last_mut() {
            parts.into_iter().for_each(|part| join(&mut last.parts, part));
        }
    }

    fn part(&mut self, part: &mut Fields, parts: &mut Vec<Part>) -> Result<(), DecodeError> {
        let state = part.string("thoughtSignature")?.and_then(signature::read);
        let thought = part.bool("thought")? == Some(true);
        let text = part.wording("text")?;
        if let Some(call) = spelling::object(part, "functionCall")? {
            let call = self.call(call)?;
            parts.push(Part::ToolCall(ToolCall { state, ..call }));
            return Ok(());
        }
        if thought {
            let text = text.unwrap_or_default();
            if !text.is_empty() || state.is_some() {
                parts.push(Part::Thought(Thought { text: text.into(), state }));
            }
            return Ok(());
        }
        parts.extend(text.filter(|text| !text.is_empty()).map(Part::text));
        if let Some(blob) = spelling::object(part, "inlineData")? {
            parts.push(Part::Media(inline(blob)?));
        }
        if let Some(file) = spelling::object(part, "fileData")? {
            parts.push(Part::Media(elsewhere(file)?));
        }
        if let Some(mut code) = spelling::object(part, "executableCode")? {
            parts.extend(code.string("code")?.map(|code| Part::text(fenced(&code))));
        }
        if let Some(mut result) = spelling::object(part, "codeExecutionResult")? {
            parts.extend(result.string("output")?.map(|output| Part::text(fenced(&output))));
        }
        parts.extend(state.map(|state| Part::Thought(Thought { text: String::new(), state: Some(state) })));
        Ok(())
    }

    fn call(&mut self, mut call: Fields) -> Result<ToolCall, DecodeError> {
        let name = call.required("name")?;
        let arguments = match call.take("args") {
            None => "{}".to_owned(),
            Some(value @ Value::Object(_)) => value.to_string(),
            Some(_) => return Err(call.wrong("args", "an object")),
        };
        let id = match call.string("id")? {
            Some(id) if !id.is_empty() => id,
            _ => ids::made_up(wire::MADE_UP, &[&call.path("id"), &name]),
        };
        call.rest(self.dropped);
        self.open.push((id.clone(), name.clone()));
        Ok(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None })
    }

    fn response(&mut self, mut response: Fields) -> Result<ToolResult, DecodeError> {
        let name = response.required("name")?;
        let told = response.string("id")?.filter(|id| !id.is_empty());
        let by_id = told.as_ref().and_then(|told| self.open.iter().position(|(id, _)| id == told));
        let at = by_id.or_else(|| self.open.iter().position(|(_, function)| *function == name));
        let known = at.map(|at| self.open.remove(at).0);
        let (text, is_error) = words(response.map("response")?);
        let mut parts: Vec<Part> = (!text.is_empty()).then(|| Part::text(text)).into_iter().collect();
        for mut part in spelling::objects(&mut response, "parts")? {
            if let Some(blob) = spelling::object(&mut part, "inlineData")? {
                parts.push(Part::Media(inline(blob)?));
            }
            if let Some(file) = spelling::object(&mut part, "fileData")? {
                parts.push(Part::Media(elsewhere(file)?));
            }
            part.rest(self.dropped);
        }
        let call_id = known.or(told).unwrap_or_else(|| ids::made_up(wire::MADE_UP, &[&response.path("name"), &name]));
        response.rest(self.dropped);
        Ok(ToolResult { call_id, name: Some(name), parts, is_error, kind: ToolKind::Function, cache: None })
    }
}

/// Adds a part, or a piece to the part that it goes on with. A signature ends a thought.
fn join(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Text(known)), Part::Text(more)) => known.text.push_str(&more.text),
        (Some(Part::Thought(known)), Part::Thought(more)) if known.state.is_none() => {
            known.text.push_str(&more.text);
            known.state = more.state;
        }
        (_, part) => parts.push(part),
    }
}

/// A response's words. A function's bare result stands under `result` or `output`, a failure under `error`, as Google's
/// SDKs write them; any other object is the result itself.
fn words(mut response: Map<String, Value>) -> (String, bool) {
    if response.len() == 1 {
        let only = ["result", "output", "error"].iter().find_map(|name| Some((*name, response.shift_remove(*name)?)));
        match only {
            Some((name, Value::String(text))) => return (text, name == "error"),
            Some((name, value)) => return (value.to_string(), name == "error"),
            None => {}
        }
    }
    if response.is_empty() { (String::new(), false) } else { (Value::Object(response).to_string(), false) }
}

fn inline(mut blob: Fields) -> Result<Media, DecodeError> {
    let base64 = blob.required("data")?;
    let mime = blob.string("mimeType")?.unwrap_or_default();
    let mime = if mime.is_empty() { media::image_type(&base64).to_owned() } else { mime };
    let name = blob.string("displayName")?;
    Ok(Media { kind: kind(&mime), source: media::data(mime, &base64), name, detail: None, cache: None })
}

fn elsewhere(mut file: Fields) -> Result<Media, DecodeError> {
    let uri = file.required("fileUri")?;
    let mime = file.string("mimeType")?.unwrap_or_default();
    let film = uri.contains("youtube.com/") || uri.contains("youtu.be/");
    let kind = match (film, mime.is_empty()) {
        (true, _) => MediaKind::Video,
        (false, true) => kind(by_ending(&uri).unwrap_or("image/jpeg")),
        (false, false) => kind(&mime),
    };
    let source = if in_store(&uri) { MediaSource::File(uri) } else { MediaSource::Url(uri) };
    Ok(Media { kind, source, name: file.string("displayName")?, detail: None, cache: None })
}

fn kind(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// Whether only Google can read what is there.
pub(super) fn in_store(uri: &str) -> bool {
    uri.starts_with("gs://")
        || uri.starts_with("files/")
        || uri.starts_with("https://generativelanguage.googleapis.com/")
}

/// A media type by a URL's ending.
pub(super) fn by_ending(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => return None,
    })
}

/// Code that ran on Google's servers, and what it printed: texts to everyone else.
pub(super) fn fenced(text: &str) -> String {
    format!("```\n{}\n```\n", text.trim_end_matches('\n'))
}
