//! The API's parts of content as they stand on the wire, and what they are in the hub.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::completion::{
    CacheMark, DecodeError, Media, MediaKind, MediaSource, OpaqueState, Part, StateKind, Text, Wording,
};
use crate::protocol::codec::json::{TextOr, read};
use crate::protocol::codec::{carrier, media};

/// A part of a message's content, of a tool's output or of a reasoning item.
#[derive(Debug, Deserialize)]
pub(super) struct ContentIn<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    pub(super) text: Option<Wording>,
    refusal: Option<String>,
    #[serde(borrow)]
    image_url: Option<&'a RawValue>,
    detail: Option<String>,
    file_id: Option<String>,
    file_data: Option<String>,
    file_url: Option<String>,
    filename: Option<String>,
    input_audio: Option<AudioIn>,
    #[serde(borrow)]
    prompt_cache_breakpoint: Option<&'a RawValue>,
    pub(super) logprobs: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct AudioIn {
    data: String,
    #[serde(default)]
    format: String,
}

#[derive(Debug, Deserialize)]
struct UrlIn {
    url: String,
}

/// Reads a text or a list of parts.
pub(super) fn parts(content: &RawValue, at: &dyn Display) -> Result<Vec<Part>, DecodeError> {
    match TextOr::<ContentIn<'_>>::read(content, at)? {
        TextOr::Text(text) => Ok(vec![Part::text(text)]),
        TextOr::List(list) => list
            .into_iter()
            .enumerate()
            .map(|(number, content)| content.part(&format_args!("{at}[{number}]")))
            .collect(),
    }
}

impl ContentIn<'_> {
    /// What the part is.
    pub(super) fn part(self, at: &dyn Display) -> Result<Part, DecodeError> {
        let cache = self.prompt_cache_breakpoint.map(|_| CacheMark::default());
        let (kind, source) = match &*self.kind {
            "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
                return Ok(Part::Text(Text { text: self.text.unwrap_or_default(), cache }));
            }
            "refusal" => return Ok(Part::Refusal(self.refusal.unwrap_or_default())),
            "input_image" | "image_url" => (MediaKind::Image, self.image(at)?),
            "input_file" => (MediaKind::Document, self.file(at)?),
            "input_audio" => (MediaKind::Audio, self.audio()),
            other => {
                return Err(DecodeError::unsupported(at, format!("content of type `{other}` is not known here")));
            }
        };
        let Some(source) = source else {
            return Err(DecodeError::Malformed(format!("`{at}` names neither bytes nor a place")));
        };
        Ok(Part::Media(Media { kind, source, name: self.filename, detail: self.detail, cache }))
    }

    fn image(&self, at: &dyn Display) -> Result<Option<MediaSource>, DecodeError> {
        let url = match self.image_url {
            // Chat completions' shape, which some clients send here too.
            Some(raw) if raw.get().starts_with('{') => Some(read::<UrlIn>(raw, at)?.url),
            Some(raw) => read::<Option<String>>(raw, at)?,
            None => None,
        };
        let source = url.map(|url| media::source(url, "image/png", at)).transpose()?;
        Ok(source.or_else(|| self.file_id.clone().map(MediaSource::File)))
    }

    fn file(&self, at: &dyn Display) -> Result<Option<MediaSource>, DecodeError> {
        let name = self.filename.as_deref();
        match (&self.file_data, &self.file_url, &self.file_id) {
            (Some(data), ..) => media::document(data.clone(), name, at).map(Some),
            (None, Some(url), _) => media::source(url.clone(), "application/pdf", at).map(Some),
            (None, None, file) => Ok(file.clone().map(MediaSource::File)),
        }
    }

    fn audio(&self) -> Option<MediaSource> {
        let audio = self.input_audio.as_ref()?;
        Some(media::data(media::audio_type(&audio.format), &audio.data))
    }
}

/// A part of what is said to the model: a person's turn or a tool's output. `None` for what has no place there.
pub(super) fn input(part: &Part, at: &str) -> Result<Option<Value>, DecodeError> {
    match part {
        Part::Text(text) => Ok(Some(json!({"type": "input_text", "text": text.text}))),
        Part::Refusal(text) => Ok(Some(json!({"type": "input_text", "text": text}))),
        Part::Media(medium) => self::medium(medium, at).map(Some),
        Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => Ok(None),
    }
}

fn medium(medium: &Media, at: &str) -> Result<Value, DecodeError> {
    let place = match &medium.source {
        MediaSource::Data { mime, base64 } => format!("data:{mime};base64,{base64}"),
        MediaSource::Url(url) => url.clone(),
        MediaSource::File(file) if file.starts_with("file") => String::new(),
        MediaSource::File(_) => {
            return Err(DecodeError::unsupported(
                at,
                "a file in another vendor's store cannot be read; send its bytes",
            ));
        }
    };
    match (medium.kind, &medium.source) {
        (MediaKind::Image, source) => {
            let mut image = json!({"type": "input_image", "detail": medium.detail.as_deref().unwrap_or("auto")});
            match source {
                MediaSource::File(file) => image["file_id"] = file.as_str().into(),
                MediaSource::Data { .. } | MediaSource::Url(_) => image["image_url"] = place.into(),
            }
            Ok(image)
        }
        (MediaKind::Document, MediaSource::File(file)) => Ok(json!({"type": "input_file", "file_id": file})),
        (MediaKind::Document, MediaSource::Url(_)) => Ok(json!({"type": "input_file", "file_url": place})),
        (MediaKind::Document, MediaSource::Data { mime, .. }) => {
            let ending = if mime.starts_with("text/") { "txt" } else { "pdf" };
            let name = medium.name.clone().unwrap_or_else(|| format!("document.{ending}"));
            Ok(json!({"type": "input_file", "filename": name, "file_data": place}))
        }
        (MediaKind::Audio, MediaSource::Data { mime, base64 }) => {
            let format = media::audio_format(mime);
            Ok(json!({"type": "input_audio", "input_audio": {"data": base64, "format": format}}))
        }
        (MediaKind::Audio, _) => Err(DecodeError::unsupported(at, "a sound must be sent as its bytes")),
        (MediaKind::Video, _) => Err(DecodeError::unsupported(at, "OpenAI's models see no film; send pictures")),
    }
}

/// A state as the `encrypted_content` of a reasoning item: OpenAI's own, or one that was carried.
pub(super) fn state(encrypted: &str, id: Option<&str>) -> OpaqueState {
    carrier::recover(encrypted).unwrap_or_else(|| OpaqueState {
        kind: StateKind::OpenAi,
        id: id.filter(|id| !id.is_empty()).map(str::to_owned),
        value: encrypted.to_owned(),
    })
}
