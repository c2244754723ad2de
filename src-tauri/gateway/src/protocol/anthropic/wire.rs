//! Anthropic's blocks as they stand on the wire, and what they are in the hub.
//!
//! Shared by requests and answers, which hold the same blocks. A call's `input` is kept as the text that it was: order,
//! spaces and numbers of any length survive.

use std::borrow::Cow;
use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::completion::{
    CacheMark, DecodeError, Media, MediaKind, MediaSource, OpaqueState, Part, StateKind, Text, Thought, ToolCall,
    ToolKind, ToolResult, Wording, Words,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::{TextOr, object, read};
use crate::protocol::codec::{carrier, custom, ids, media as bytes};

/// A block as it is read: every field of every kind that means something here.
#[derive(Debug, Deserialize)]
pub(super) struct BlockIn<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) text: Option<Wording>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    title: Option<String>,
    context: Option<String>,
    tool_use_id: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    is_error: Option<bool>,
    #[serde(borrow)]
    pub(super) tool: Option<&'a RawValue>,
    cache_control: Option<CacheControl>,
}

/// A cache mark.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct CacheControl {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
}

/// Where bytes are.
#[derive(Debug, Deserialize)]
struct SourceIn<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    file_id: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// A block as it is written.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockOut<'a> {
    Text {
        text: Words<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: SourceOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Document {
        source: SourceOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Thinking {
        thinking: &'a str,
        signature: String,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<BlockOut<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

/// Where bytes are.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SourceOut<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'a str, data: String },
    Url { url: &'a str },
}

impl CacheControl {
    pub(super) fn mark(&self) -> CacheMark {
        CacheMark { ttl: self.ttl.clone() }
    }

    pub(super) fn of(mark: Option<&CacheMark>) -> Option<CacheControl> {
        mark.map(|mark| CacheControl { kind: "ephemeral".into(), ttl: mark.ttl.clone() })
    }
}

/// Reads a text or a list of blocks.
pub(super) fn parts(
    content: TextOr<BlockIn<'_>>,
    at: &dyn Display,
    dropped: &mut Vec<String>,
) -> Result<Vec<Part>, DecodeError> {
    match content {
        TextOr::Text(text) => Ok(vec![Part::text(text)]),
        TextOr::List(blocks) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for (number, block) in blocks.into_iter().enumerate() {
                block.parts(&format_args!("{at}[{number}]"), &mut parts, dropped)?;
            }
            Ok(parts)
        }
    }
}

impl BlockIn<'_> {
    /// Appends what the block is. One that belongs to Anthropic's own servers is named as dropped.
    pub(super) fn parts(
        self,
        at: &dyn Display,
        parts: &mut Vec<Part>,
        dropped: &mut Vec<String>,
    ) -> Result<(), DecodeError> {
        let cache = self.cache_control.as_ref().map(CacheControl::mark);
        let part = match &*self.kind {
            "text" => Part::Text(Text { text: self.text.unwrap_or_default(), cache }),
            "thinking" | "redacted_thinking" => match self.thought() {
                Some(thought) => Part::Thought(thought),
                None => return Ok(()),
            },
            "tool_use" => Part::ToolCall(self.call(at)?),
            "tool_result" => {
                let content = match self.content {
                    Some(content) => self::parts(TextOr::read(content, format_args!("{at}.content"))?, at, dropped)?,
                    None => Vec::new(),
                };
                let Some(call_id) = self.tool_use_id.filter(|id| !id.is_empty()) else {
                    return Err(DecodeError::Malformed(format!("`{at}.tool_use_id` is missing")));
                };
                Part::ToolResult(ToolResult {
                    call_id,
                    name: None,
                    parts: content,
                    is_error: self.is_error.unwrap_or(false),
                    kind: ToolKind::Function,
                    cache,
                })
            }
            "image" => self.media(MediaKind::Image, at)?,
            "document" => return self.document(at, parts, dropped),
            "search_result" => return self.search_result(at, parts),
            // The summary of turns that Anthropic's servers took out.
            "compaction" => match self.content.map(|content| read::<Option<Wording>>(content, at)).transpose()? {
                Some(Some(text)) => Part::Text(Text { text, cache }),
                Some(None) | None => return Ok(()),
            },
            "container_upload" => {
                return Err(DecodeError::unsupported(
                    at,
                    "a file in Anthropic's container cannot be read elsewhere; send its text",
                ));
            }
            // Calls and results of tools that ran on Anthropic's servers, and marks that are for those servers.
            _ => {
                note(dropped, format!("{at}.{}", self.kind));
                return Ok(());
            }
        };
        parts.push(part);
        Ok(())
    }

    /// The thought of a `thinking` or `redacted_thinking` block.
    pub(super) fn thought(&self) -> Option<Thought> {
        if self.kind == "redacted_thinking" {
            let data = self.data.as_deref().filter(|data| !data.is_empty())?;
            return Some(Thought { text: String::new(), state: Some(state(data, StateKind::AnthropicRedacted)) });
        }
        let signature = self.signature.as_deref().filter(|signature| !signature.is_empty());
        Some(Thought {
            text: self.thinking.clone().unwrap_or_default(),
            state: signature.map(|signature| state(signature, StateKind::AnthropicSignature)),
        })
    }

    fn call(self, at: &dyn Display) -> Result<ToolCall, DecodeError> {
        let (Some(id), Some(name)) = (self.id.filter(|id| !id.is_empty()), self.name) else {
            return Err(DecodeError::Malformed(format!("`{at}` has no `id` or no `name`")));
        };
        let arguments = self.input.map_or("{}", RawValue::get).to_owned();
        Ok(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None })
    }

    fn media(self, kind: MediaKind, at: &dyn Display) -> Result<Part, DecodeError> {
        let at = format_args!("{at}.source");
        let Some(source) = self.source else {
            return Err(DecodeError::Malformed(format!("`{at}` is missing")));
        };
        let source: SourceIn<'_> = read(source, at)?;
        let source_kind = source.kind.clone();
        let source = match (&*source_kind, source) {
            ("base64", SourceIn { media_type, data: Some(base64), .. }) => {
                bytes::data(media_type.unwrap_or_else(|| "application/pdf".into()), &base64)
            }
            ("text", SourceIn { media_type, data: Some(text), .. }) => MediaSource::Data {
                mime: media_type.unwrap_or_else(|| "text/plain".into()),
                base64: STANDARD.encode(text),
            },
            ("url", SourceIn { url: Some(url), .. }) => MediaSource::Url(url),
            ("file", SourceIn { file_id: Some(file), .. }) => MediaSource::File(file),
            _ => return Err(DecodeError::Malformed(format!("`{at}` is of no known type"))),
        };
        let cache = self.cache_control.as_ref().map(CacheControl::mark);
        Ok(Part::Media(Media { kind, source, name: self.title, detail: None, cache }))
    }

    /// A document; one that is given as blocks is those blocks.
    fn document(self, at: &dyn Display, parts: &mut Vec<Part>, dropped: &mut Vec<String>) -> Result<(), DecodeError> {
        if let Some(context) = self.context.as_ref().filter(|context| !context.is_empty()) {
            parts.push(Part::text(context.clone()));
        }
        let inner = format_args!("{at}.source");
        let given = match self.source {
            Some(source) => read::<SourceIn<'_>>(source, inner)?,
            None => return Err(DecodeError::Malformed(format!("`{inner}` is missing"))),
        };
        match (&*given.kind, given.content) {
            ("content", Some(content)) => {
                parts.extend(self.title.map(Part::text));
                parts.extend(self::parts(TextOr::read(content, inner)?, &inner, dropped)?);
            }
            _ => parts.push(self.media(MediaKind::Document, at)?),
        }
        Ok(())
    }

    /// A search result that the client gives: its title, its source and its text.
    fn search_result(self, at: &dyn Display, parts: &mut Vec<Part>) -> Result<(), DecodeError> {
        let source: Option<String> = self.source.map(|source| read(source, format_args!("{at}.source"))).transpose()?;
        parts.extend(self.title.map(Part::text));
        parts.extend(source.map(Part::text));
        if let Some(content) = self.content {
            parts.extend(self::parts(TextOr::read(content, format_args!("{at}.content"))?, at, &mut Vec::new())?);
        }
        Ok(())
    }
}

/// A state as Anthropic's field says it: its own, or one that was carried.
pub(super) fn state(text: &str, kind: StateKind) -> OpaqueState {
    carrier::recover(text).unwrap_or_else(|| OpaqueState { kind, id: None, value: text.to_owned() })
}

/// A state as a signature.
pub(super) fn signature(state: Option<&OpaqueState>) -> String {
    match state {
        Some(OpaqueState { kind: StateKind::AnthropicSignature, id: None, value }) => value.clone(),
        Some(state) => carrier::carry(state),
        None => String::new(),
    }
}

/// The data of a thought that is redacted and nothing else.
pub(super) fn redacted(text: &str, state: Option<&OpaqueState>) -> Option<String> {
    match state {
        Some(OpaqueState { kind: StateKind::AnthropicRedacted, id: None, value }) if text.is_empty() => {
            Some(value.clone())
        }
        Some(_) | None => None,
    }
}

/// A call as a block.
pub(super) fn tool_use(call: &ToolCall) -> BlockOut<'_> {
    let input = match call.kind {
        ToolKind::Function => object(&call.arguments),
        ToolKind::Custom => object(&custom::lower_text(&call.arguments)),
    };
    BlockOut::ToolUse { id: ids::safe(&call.id, LONGEST_ID), name: &call.name, input }
}

/// No length is documented; every vendor's ids are far shorter.
pub(super) const LONGEST_ID: usize = 256;

/// A medium as a block.
pub(super) fn media<'a>(media: &'a Media, at: &str) -> Result<BlockOut<'a>, DecodeError> {
    let cache_control = CacheControl::of(media.cache.as_ref());
    let source = match &media.source {
        MediaSource::Data { mime, .. } if mime.starts_with("text/") => {
            let Some(data) = bytes::document_text(media) else {
                return Err(DecodeError::Malformed(format!("`{at}` is no text in base64")));
            };
            SourceOut::Text { media_type: "text/plain", data }
        }
        MediaSource::Data { mime, base64 } => SourceOut::Base64 { media_type: mime, data: base64 },
        MediaSource::Url(url) => SourceOut::Url { url },
        MediaSource::File(_) => {
            return Err(DecodeError::unsupported(
                at,
                "a file in another vendor's store cannot be read; send its bytes",
            ));
        }
    };
    match media.kind {
        MediaKind::Image => Ok(BlockOut::Image { source, cache_control }),
        MediaKind::Document => Ok(BlockOut::Document { source, title: media.name.as_deref(), cache_control }),
        MediaKind::Audio => Err(DecodeError::unsupported(at, "Anthropic's models hear no sound; send its text")),
        MediaKind::Video => Err(DecodeError::unsupported(at, "Anthropic's models see no film; send pictures")),
    }
}
