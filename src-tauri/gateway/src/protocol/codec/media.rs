//! Media types and data URLs.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use crate::completion::{DecodeError, Media, MediaSource};

/// Where the bytes behind a URL are: in the URL itself, or elsewhere. `mime` is what bytes without a type are.
pub(crate) fn source(url: String, mime: &str, field: impl Display) -> Result<MediaSource, DecodeError> {
    let Some(rest) = url.strip_prefix("data:") else { return Ok(MediaSource::Url(url)) };
    let parts = rest.split_once(',').and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data)));
    let Some((head, data_text)) = parts else {
        return Err(DecodeError::Malformed(format!("`{field}` is a data URL without base64")));
    };
    let mime = head.split(';').next().filter(|told| !told.is_empty()).unwrap_or(mime);
    Ok(data(mime, data_text))
}

/// A URL, or the bytes as one, written without being put together first.
#[derive(Debug)]
pub(crate) enum Url<'a> {
    /// As it is.
    Plain(&'a str),
    /// A media type, and base64.
    Data(&'a str, &'a str),
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Url::Plain(url) => serializer.serialize_str(url),
            Url::Data(mime, base64) => serializer.collect_str(&format_args!("data:{mime};base64,{base64}")),
        }
    }
}

/// Bytes in the request. Some encoders break base64 into lines; the hub's has none.
pub(crate) fn data(mime: impl Into<String>, base64: &str) -> MediaSource {
    MediaSource::Data { mime: mime.into(), base64: base64.split_ascii_whitespace().collect() }
}

/// What an image is by its first bytes, where only base64 came.
pub(crate) fn image_type(base64: &str) -> &'static str {
    match base64 {
        _ if base64.starts_with("/9j/") => "image/jpeg",
        _ if base64.starts_with("R0lGOD") => "image/gif",
        _ if base64.starts_with("UklGR") => "image/webp",
        _ => "image/png",
    }
}

/// A document's type by its name.
pub(crate) fn document_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("txt" | "log" | "json" | "xml" | "rs" | "py" | "js" | "ts") => "text/plain",
        Some("md") => "text/markdown",
        Some("csv") => "text/csv",
        Some("html" | "htm") => "text/html",
        _ => "application/pdf",
    }
}

/// A document as OpenAI's `file_data`: a data URL, or base64 alone, whose type its name tells.
pub(crate) fn document(text: String, name: Option<&str>, field: impl Display) -> Result<MediaSource, DecodeError> {
    let mime = document_type(name.unwrap_or_default());
    if text.starts_with("data:") { source(text, mime, field) } else { Ok(data(mime, &text)) }
}

/// OpenAI's name for a sound's format.
pub(crate) fn audio_format(mime: &str) -> &str {
    match mime {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        _ => mime.rsplit('/').next().unwrap_or(mime),
    }
}

/// A sound's type by OpenAI's name for its format.
pub(crate) fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        "" => "audio/wav".to_owned(),
        _ => format!("audio/{format}"),
    }
}

/// A text document's text, for models that take no documents.
pub(crate) fn document_text(media: &Media) -> Option<String> {
    let MediaSource::Data { mime, base64 } = &media.source else { return None };
    if !mime.starts_with("text/") {
        return None;
    }
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}
