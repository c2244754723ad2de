//! Blocks of a turn as they are written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::completion::{CacheMark, DecodeError, Media, MediaKind, MediaSource, Words};
use crate::protocol::codec::media;

/// A block. Each is an object with one name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block<'a> {
    Text(Words<'a>),
    Image(Source<'a>),
    Document(Document<'a>),
    Video(Source<'a>),
    Audio(Source<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Reasoning<'a>),
    CachePoint(CachePoint<'a>),
}

/// A medium.
#[derive(Debug, Serialize)]
pub(super) struct Source<'a> {
    format: Cow<'a, str>,
    source: Bytes<'a>,
}

/// A document.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    format: Cow<'a, str>,
    pub(super) name: String,
    source: Bytes<'a>,
}

/// Where bytes are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Bytes<'a> {
    Bytes(&'a str),
    S3Location { uri: &'a str },
}

/// A call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    pub(super) tool_use_id: Cow<'a, str>,
    pub(super) name: &'a str,
    pub(super) input: Box<RawValue>,
}

/// What a call came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    pub(super) tool_use_id: Cow<'a, str>,
    pub(super) content: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
}

/// A thought.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reasoning<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

/// A mark up to which the prompt is cached.
#[derive(Debug, Serialize)]
pub(super) struct CachePoint<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CachePoint<'a> {
    pub(super) fn of(mark: &'a CacheMark) -> CachePoint<'a> {
        // Five minutes are the default, and the word for them is not known to older models.
        let ttl = mark.ttl.as_deref().filter(|ttl| *ttl != "5m");
        CachePoint { kind: "default", ttl }
    }
}

/// A medium as a block.
pub(super) fn media<'a>(media: &'a Media, at: &str) -> Result<Block<'a>, DecodeError> {
    let (mime, source) = match &media.source {
        MediaSource::Data { mime, base64 } => (mime.as_str(), Bytes::Bytes(base64)),
        MediaSource::Url(uri) if uri.starts_with("s3://") => (by_name(uri), Bytes::S3Location { uri }),
        MediaSource::Url(_) => {
            return Err(DecodeError::unsupported(at, "Bedrock fetches nothing from the web; send its bytes"));
        }
        MediaSource::File(_) => {
            return Err(DecodeError::unsupported(
                at,
                "a file in another vendor's store cannot be read; send its bytes",
            ));
        }
    };
    let unknown = || DecodeError::unsupported(at, format!("Bedrock takes no `{mime}`"));
    let last = mime.rsplit('/').next().unwrap_or_default();
    Ok(match media.kind {
        MediaKind::Image => {
            let format = match last {
                "jpg" | "jpeg" => "jpeg",
                "png" | "gif" | "webp" => last,
                _ => return Err(unknown()),
            };
            Block::Image(Source { format: format.into(), source })
        }
        MediaKind::Document => {
            let format = document_format(mime).ok_or_else(unknown)?;
            Block::Document(Document { format: format.into(), name: name(media.name.as_deref()), source })
        }
        MediaKind::Video => {
            let format = match last {
                "quicktime" => "mov",
                "x-matroska" => "mkv",
                "x-flv" => "flv",
                "x-ms-wmv" => "wmv",
                "3gpp" => "three_gp",
                other => other,
            };
            Block::Video(Source { format: format.into(), source })
        }
        MediaKind::Audio => Block::Audio(Source { format: media::audio_format(mime).into(), source }),
    })
}

/// What a file is by its name's ending.
fn by_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn document_format(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "application/pdf" | "pdf" => "pdf",
        "text/csv" | "csv" => "csv",
        "text/html" | "html" => "html",
        "text/markdown" | "md" => "md",
        "application/msword" | "doc" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" | "docx" => "docx",
        "application/vnd.ms-excel" | "xls" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" | "xlsx" => "xlsx",
        "application/json" | "application/xml" | "txt" => "txt",
        _ if mime.starts_with("text/") => "txt",
        _ => return None,
    })
}

/// A document's name in the few signs that Bedrock takes.
fn name(told: Option<&str>) -> String {
    let mut name = String::new();
    for letter in told.unwrap_or_default().chars() {
        match letter {
            _ if letter.is_ascii_alphanumeric() || "-()[]".contains(letter) => name.push(letter),
            _ if name.is_empty() || name.ends_with(' ') => {}
            _ => name.push(' '),
        }
    }
    // Room for a number, where two have the same.
    name.truncate(190);
    let name = name.trim_end();
    if name.is_empty() { "document".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents() {
        let check = |told, expected| assert_eq!(name(told), expected, "{told:?}");
        check(None, "document");
        check(Some("..."), "document");
        check(Some("Quarter 3 (final).pdf"), "Quarter 3 (final) pdf");
        check(Some("a  b_c/é"), "a b c");
    }
}
