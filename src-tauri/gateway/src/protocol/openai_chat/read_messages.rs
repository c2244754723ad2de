//! The turns of a client's chat request.
//!
//! The wire keeps a turn's parts in fields of their own; here they stand in the order in which models say them: thought,
//! text, refusal, calls.

use serde_json::Value;
use serde_json::value::RawValue;

use super::read_answer::states;
use crate::completion::{
    CacheMark, DecodeError, Media, MediaKind, MediaSource, Message, OpaqueState, Part, Role, StateKind, Text, Thought,
    ToolCall, ToolKind, ToolResult,
};
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{ids, media};

/// A call that was made: its id, its tool, its kind.
type Made = (String, String, ToolKind);

/// Reads the turns.
pub(super) fn read(list: Vec<Fields<'_>>, dropped: &mut Vec<String>) -> Result<Vec<Message>, DecodeError> {
    let mut made: Vec<Made> = Vec::new();
    let mut messages = Vec::with_capacity(list.len());
    for mut fields in list {
        let role = fields.required("role")?;
        let (role, parts) = match role.as_str() {
            "system" | "developer" => (Role::System, content(&mut fields)?),
            "user" => (Role::User, content(&mut fields)?),
            "assistant" => (Role::Assistant, assistant(&mut fields, &mut made)?),
            "tool" => {
                let call_id = fields.required("tool_call_id")?;
                let kind = made.iter().rev().find(|(id, ..)| *id == call_id).map_or(ToolKind::Function, |made| made.2);
                (Role::Tool, vec![result(&mut fields, call_id, kind)?])
            }
            // Before `tools` a result named its function only; it answers that function's last call.
            "function" => {
                let name = fields.required("name")?;
                let call = made.iter().rev().find(|(_, known, _)| *known == name);
                let call_id = call.map(|(id, ..)| id.clone()).unwrap_or_else(|| ids::made_up("call_", &[&name]));
                (Role::Tool, vec![result(&mut fields, call_id, ToolKind::Function)?])
            }
            _ => return Err(fields.wrong("role", "`system`, `developer`, `user`, `assistant` or `tool`")),
        };
        // A tool's name stands at its result.
        let name = fields.string("name")?;
        fields.rest(dropped);
        messages.push(Message { role, parts, name });
    }
    Ok(messages)
}

/// Reads a mark up to which the prompt is to be cached, as OpenRouter and others take it.
pub(super) fn cache(fields: &mut Fields<'_>) -> Result<Option<CacheMark>, DecodeError> {
    match fields.object("cache_control")? {
        Some(mut mark) => Ok(Some(CacheMark { ttl: mark.string("ttl")? })),
        None => Ok(None),
    }
}

fn result(fields: &mut Fields<'_>, call_id: String, kind: ToolKind) -> Result<Part, DecodeError> {
    Ok(Part::ToolResult(ToolResult {
        call_id,
        name: fields.string("name")?,
        parts: content(fields)?,
        is_error: false,
        kind,
        cache: cache(fields)?,
    }))
}

fn assistant(fields: &mut Fields<'_>, made: &mut Vec<Made>) -> Result<Vec<Part>, DecodeError> {
    if fields.has("audio") {
        return Err(DecodeError::unsupported(
            fields.path("audio"),
            "it stands for a sound that another vendor keeps; send its transcript as `content`",
        ));
    }
    let mut parts = Vec::new();
    if let Some(thought) = thought(fields)? {
        parts.push(Part::Thought(thought));
    }
    parts.extend(content(fields)?);
    if let Some(refusal) = fields.string("refusal")?.filter(|text| !text.is_empty()) {
        parts.push(Part::Refusal(refusal));
    }
    for mut entry in fields.objects("tool_calls")? {
        parts.push(Part::ToolCall(call(&mut entry)?));
    }
    if let Some(mut older) = fields.object("function_call")? {
        let name = older.required("name")?;
        let arguments = arguments(older.raw("arguments"));
        let id = ids::made_up("call_", &[&fields.path("function_call"), &name]);
        parts.push(Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None }));
    }
    for part in &parts {
        if let Part::ToolCall(call) = part {
            made.push((call.id.clone(), call.name.clone(), call.kind));
        }
    }
    Ok(parts)
}

fn thought(fields: &mut Fields<'_>) -> Result<Option<Thought>, DecodeError> {
    let mut thought = Thought::default();
    for name in ["reasoning_content", "reasoning", "thinking", "reasoning_text"] {
        let text = fields.take(name);
        if let Some(Value::String(text)) = text
            && thought.text.is_empty()
        {
            thought.text = text;
        }
    }
    for detail in fields.list("reasoning_details")?.unwrap_or_default() {
        let (text, state) = states(&detail);
        if thought.text.is_empty() {
            thought.text = text.unwrap_or_default();
        }
        thought.state = state.or(thought.state);
    }
    Ok((thought != Thought::default()).then_some(thought))
}

fn call(entry: &mut Fields<'_>) -> Result<ToolCall, DecodeError> {
    let (kind, inner) = match entry.object("custom")? {
        Some(custom) => (ToolKind::Custom, custom),
        None => {
            let function = entry.object("function")?.ok_or_else(|| entry.wrong("function", "an object"))?;
            (ToolKind::Function, function)
        }
    };
    let mut inner = inner;
    let name = inner.required("name")?;
    let arguments = match kind {
        ToolKind::Custom => inner.string("input")?.unwrap_or_default(),
        ToolKind::Function => arguments(inner.raw("arguments")),
    };
    let id = match entry.string("id")? {
        Some(id) if !id.is_empty() => id,
        _ => ids::made_up("call_", &[&entry.path(""), &name]),
    };
    Ok(ToolCall { id, name, arguments, kind, state: signature(entry.take("extra_content").as_ref()) })
}

/// A call's arguments as text, byte for byte.
fn arguments(raw: Option<&RawValue>) -> String {
    let Some(raw) = raw else { return "{}".to_owned() };
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) if !text.trim().is_empty() => text,
        Err(_) if raw.get().starts_with(['{', '[']) => raw.get().to_owned(),
        Ok(_) | Err(_) => "{}".to_owned(),
    }
}

/// Gemini's thought signature, where Google's own layer puts it.
pub(super) fn signature(extra: Option<&Value>) -> Option<OpaqueState> {
    let value = extra?.get("google")?.get("thought_signature")?.as_str()?;
    Some(OpaqueState { kind: StateKind::Gemini, id: None, value: value.to_owned() })
}

fn content(fields: &mut Fields<'_>) -> Result<Vec<Part>, DecodeError> {
    if fields.is_text("content") {
        let text = fields.wording("content")?.filter(|text| !text.is_empty());
        return Ok(text.map(Part::text).into_iter().collect());
    }
    let Some(raw) = fields.raw("content") else { return Ok(Vec::new()) };
    if !raw.get().starts_with('[') {
        return Err(fields.wrong("content", "a string or a list of parts"));
    }
    let place = fields.place("content");
    let list: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| fields.wrong("content", "a list of parts"))?;
    let entry = |(at, raw)| part(Fields::of(place.entry(at), raw)?);
    list.into_iter().enumerate().map(entry).collect()
}

fn part(mut fields: Fields<'_>) -> Result<Part, DecodeError> {
    let cache = cache(&mut fields)?;
    let kind = fields.required("type")?;
    let medium = |kind, source, name, detail| Part::Media(Media { kind, source, name, detail, cache: cache.clone() });
    Ok(match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            Part::Text(Text { text: fields.wording("text")?.ok_or_else(|| fields.wrong("text", "a string"))?, cache })
        }
        "refusal" => Part::Refusal(fields.required("refusal")?),
        "image_url" | "input_image" => {
            let (source, detail) = url(&mut fields, "image_url")?;
            let detail = detail.or(fields.string("detail")?);
            medium(MediaKind::Image, source, None, detail)
        }
        "video_url" => medium(MediaKind::Video, url(&mut fields, "video_url")?.0, None, None),
        "audio_url" => medium(MediaKind::Audio, url(&mut fields, "audio_url")?.0, None, None),
        "input_audio" => {
            let mut audio = fields.object("input_audio")?.ok_or_else(|| fields.wrong("input_audio", "an object"))?;
            let mime = media::audio_type(&audio.string("format")?.unwrap_or_default());
            medium(MediaKind::Audio, media::data(mime, &audio.required("data")?), None, None)
        }
        "file" | "input_file" => {
            let mut file = fields.object("file")?.unwrap_or(fields);
            let name = file.string("filename")?;
            let source = match file.string("file_id")? {
                Some(id) => MediaSource::File(id),
                None => {
                    let place = file.path("file_data");
                    let data = file.required("file_data")?;
                    media::document(data, name.as_deref(), &place)?
                }
            };
            medium(MediaKind::Document, source, name, None)
        }
        // Mistral's and Databricks' thoughts.
        "thinking" | "reasoning" => {
            let (text, state) = read_thought(&fields.take("thinking").or_else(|| fields.take("summary")));
            Part::Thought(Thought { text, state })
        }
        _ => {
            return Err(DecodeError::unsupported(
                fields.path("type"),
                format!("no other protocol knows parts of type `{kind}`; send text, an image, a sound or a file"),
            ));
        }
    })
}

/// A thought that is a text, or a list of texts with a signature.
pub(super) fn read_thought(value: &Option<Value>) -> (String, Option<OpaqueState>) {
    match value {
        Some(Value::String(text)) => (text.clone(), None),
        Some(Value::Array(list)) => {
            let texts = list.iter().filter_map(|entry| entry.get("text").and_then(Value::as_str));
            let signature = list.iter().find_map(|entry| entry.get("signature").and_then(Value::as_str));
            let state = signature.map(|value| OpaqueState {
                kind: StateKind::AnthropicSignature,
                id: None,
                value: value.to_owned(),
            });
            (texts.collect(), state)
        }
        _ => (String::new(), None),
    }
}

fn url(fields: &mut Fields<'_>, name: &'static str) -> Result<(MediaSource, Option<String>), DecodeError> {
    let Some(raw) = fields.raw(name) else {
        return Err(fields.wrong(name, "an object with a `url`"));
    };
    if let Ok(url) = serde_json::from_str::<String>(raw.get()) {
        return Ok((media::source(url, "image/png", fields.path(name))?, None));
    }
    let mut inner = Fields::of(fields.place(name), raw)?;
    let place = inner.path("url");
    Ok((media::source(inner.required("url")?, "image/png", &place)?, inner.string("detail")?))
}
