//! Looks into a request body for `model` and `stream` without parsing the rest.
//!
//! Gemini's requests say both in the path; their bodies are only looked at for being JSON.
//! The body goes upstream as it came, so only the top level is read: keys are compared as JSON means them, values are
//! skipped. What could make two readers disagree about the model is refused: a repeated `model` or `stream`, or the
//! same key in another case, which Go's decoder (Ollama's) would take for it. Whether the rest is right is upstream's
//! business.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::{memchr_iter, memmem};

use crate::protocol::gemini;

/// How deeply a body may be nested. Deeper is an attack on a recursive reader, never a request.
const DEEPEST: u32 = 512;
/// How long a model's name may be.
const LONGEST_NAME: usize = 512;

/// What was seen, and where the model's name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The name asked for, if any.
    pub model: Option<String>,
    /// Whether a stream is asked for, if said.
    pub stream: Option<bool>,
    /// Whether there is a `prompt` or there are `messages`: without, Ollama only loads or unloads the model.
    pub asks: bool,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The bytes of the name's JSON string with its quotes.
    Json(Range<usize>),
    /// No name: one can be put in at this position, right behind the opening brace.
    Behind { brace: usize, empty: bool },
    /// The bytes of a form part's value.
    Form(Range<usize>),
    /// In the path.
    Path,
}

/// Why a body cannot be passed on. The text goes to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeekError {
    /// Not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// Broken JSON at this byte.
    #[error("it is not JSON (at byte {0})")]
    Broken(usize),
    /// Nested too deeply.
    #[error("it is nested more than {DEEPEST} levels deep")]
    TooDeep,
    /// A key that decides something stands twice.
    #[error("`{0}` stands in it twice, or in another case")]
    Repeated(&'static str),
    /// A value of another type than the key wants.
    #[error("`{0}` must be {1}")]
    WrongType(&'static str, &'static str),
    /// The name holds control characters or is too long.
    #[error("`model` must be a name of at most {LONGEST_NAME} printable characters")]
    BadName,
    /// A form without the part that names the model.
    #[error("the form has no `model` part")]
    NoModelPart,
    /// A form that cannot be read.
    #[error("the form is broken")]
    BrokenForm,
}

impl Peek {
    /// A body in which nothing can be seen.
    pub fn nothing() -> Peek {
        Peek { model: None, stream: None, asks: true, place: Place::Path }
    }

    /// The same of a body in which something else was changed; `None` if it is none any more.
    pub fn again(&self, body: &[u8]) -> Option<Peek> {
        if self.place == Place::Path { Some(self.clone()) } else { json(body).ok() }
    }

    /// Whether the body is a form and not JSON.
    pub fn is_form(&self) -> bool {
        matches!(self.place, Place::Form(_))
    }
}

/// Reads the top level of a JSON object.
pub fn json(body: &[u8]) -> Result<Peek, PeekError> {
    json_with(body, |_, _| Ok(()))
}

/// The same; every key that decides nothing here is shown to `also`, as JSON means it, with the place of its value.
pub(super) fn json_with(
    body: &[u8],
    mut also: impl FnMut(&[u8], Range<usize>) -> Result<(), PeekError>,
) -> Result<Peek, PeekError> {
    let mut at = skip_space(body, 0);
    if body.get(at) != Some(&b'{') {
        return Err(PeekError::NotAnObject);
    }
    let brace = at;
    let mut seen = Peek { model: None, stream: None, asks: false, place: Place::Behind { brace, empty: true } };
    let mut named: Option<Range<usize>> = None;
    let mut streamed = false;
    at = skip_space(body, at + 1);
    if body.get(at) == Some(&b'}') {
        return end(body, at + 1).map(|()| seen);
    }
    seen.place = Place::Behind { brace, empty: false };
    loop {
        let key = string(body, at)?;
        let value = skip_space(body, colon(body, skip_space(body, key.end))?);
        let after = skip_value(body, value)?;
        let key = meant(&body[key]);
        match key.as_deref().map_or(Ok(None), decides)? {
            Some(Decides::Model) => {
                if named.is_some() {
                    return Err(PeekError::Repeated("model"));
                }
                named = Some(value..after);
            }
            Some(Decides::Question) => seen.asks |= !matches!(&body[value..after], b"\"\"" | b"[]" | b"null"),
            Some(Decides::Stream) => {
                if std::mem::replace(&mut streamed, true) {
                    return Err(PeekError::Repeated("stream"));
                }
                seen.stream = match &body[value..after] {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    b"null" => None,
                    _ => return Err(PeekError::WrongType("stream", "true or false")),
                };
            }
            None => key.map_or(Ok(()), |key| also(&key, value..after))?,
        }
        at = skip_space(body, after);
        match body.get(at) {
            Some(b',') => at = skip_space(body, at + 1),
            Some(b'}') => break,
            _ => return Err(PeekError::Broken(at)),
        }
    }
    end(body, at + 1)?;
    if let Some(range) = named {
        let text = &body[range.clone()];
        if text != b"null" {
            if text.first() != Some(&b'"') {
                return Err(PeekError::WrongType("model", "a string"));
            }
            let name: String = serde_json::from_slice(text).map_err(|_| PeekError::BadName)?;
            seen.model = Some(checked(name)?).filter(|name| !name.is_empty());
        }
        seen.place = Place::Json(range);
    }
    Ok(seen)
}

/// Reads the `model` and `stream` parts of a multipart form (RFC 7578), as audio transcription sends it.
pub fn form(body: &[u8], boundary: &str) -> Result<Peek, PeekError> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    // The first delimiter has no line break before it.
    if !body.starts_with(&delimiter.as_bytes()[2..]) {
        return Err(PeekError::BrokenForm);
    }
    let mut at = delimiter.len() - 2;
    let mut model: Option<Range<usize>> = None;
    let mut stream = None;
    while body.get(at..at + 2) == Some(b"\r\n") {
        let head = at + 2;
        let blank = memmem::find(&body[head..], b"\r\n\r\n").ok_or(PeekError::BrokenForm)? + head;
        let value = blank + 4;
        let end = finder.find(&body[value..]).ok_or(PeekError::BrokenForm)? + value;
        match part_name(&body[head..blank])? {
            Some("model") if model.is_some() => return Err(PeekError::Repeated("model")),
            Some("model") => model = Some(value..end),
            Some("stream") if stream.is_some() => return Err(PeekError::Repeated("stream")),
            Some("stream") => stream = Some(matches!(&body[value..end], b"true" | b"True" | b"1")),
            Some(_) | None => {}
        }
        at = end + delimiter.len();
    }
    if body.get(at..at + 2) != Some(b"--") {
        return Err(PeekError::BrokenForm);
    }
    let place = model.ok_or(PeekError::NoModelPart)?;
    let name = std::str::from_utf8(&body[place.clone()]).map_err(|_| PeekError::BadName)?;
    let name = checked(name.to_owned())?;
    Ok(Peek { model: Some(name).filter(|name| !name.is_empty()), stream, asks: true, place: Place::Form(place) })
}

/// Checks the body of a request whose path says it all.
pub fn path(body: &[u8], call: gemini::path::Call) -> Result<Peek, PeekError> {
    let at = skip_space(body, 0);
    if body.get(at) != Some(&b'{') {
        return Err(PeekError::NotAnObject);
    }
    end(body, skip_value(body, at)?)?;
    let stream = Some(call.streams());
    let model = checked(call.model)?;
    Ok(Peek { model: Some(model).filter(|name| !name.is_empty()), stream, asks: true, place: Place::Path })
}

/// The name that Ollama's `/api/show` asks for: `model`, or `name` as older clients write it.
pub fn shown(body: &[u8]) -> Result<String, PeekError> {
    #[derive(serde::Deserialize)]
    struct Named {
        name: Option<String>,
    }
    let named = json(body)?
        .model
        .map_or_else(|| serde_json::from_slice::<Named>(body).map(|named| named.name.unwrap_or_default()), Ok);
    named.map_err(|_| PeekError::WrongType("name", "a string")).and_then(checked)
}

impl Peek {
    /// The body with another model's name and every other byte as it was, in up to three pieces.
    pub fn renamed(&self, body: &Bytes, model: &str) -> [Bytes; 3] {
        if self.model.as_deref() == Some(model) {
            return [body.clone(), Bytes::new(), Bytes::new()];
        }
        let (head, name, tail) = match &self.place {
            Place::Json(range) => (body.slice(..range.start), quoted(model), body.slice(range.end..)),
            Place::Path => (gemini::forward::renamed(body, model), Bytes::new(), Bytes::new()),
            Place::Form(range) => {
                (body.slice(..range.start), Bytes::copy_from_slice(model.as_bytes()), body.slice(range.end..))
            }
            Place::Behind { brace, empty } => {
                let mut name = BytesMut::from(&b"\"model\":"[..]);
                name.extend_from_slice(&quoted(model));
                if !empty {
                    name.extend_from_slice(b",");
                }
                (body.slice(..=*brace), name.freeze(), body.slice(brace + 1..))
            }
        };
        [head, name, tail]
    }
}

fn quoted(text: &str) -> Bytes {
    Bytes::from(serde_json::Value::from(text).to_string())
}

fn checked(name: String) -> Result<String, PeekError> {
    let fits = name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(PeekError::BadName) }
}

enum Decides {
    Model,
    Question,
    Stream,
}

/// A key as JSON means it; `None` for one with a lone surrogate, which no reader takes for one of ours.
fn meant(key: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = &key[1..key.len() - 1];
    if !inner.contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_slice::<String>(key).ok().map(|text| Cow::Owned(text.into_bytes()))
}

/// Whether a key decides something.
fn decides(text: &[u8]) -> Result<Option<Decides>, PeekError> {
    let stream = || {
        // Go folds U+017F to `s` when it matches keys.
        text.eq_ignore_ascii_case(b"stream")
            || text.strip_prefix("ſ".as_bytes()).is_some_and(|rest| rest.eq_ignore_ascii_case(b"tream"))
    };
    if text == b"model" {
        Ok(Some(Decides::Model))
    } else if text == b"stream" {
        Ok(Some(Decides::Stream))
    } else if text.eq_ignore_ascii_case(b"prompt") || text.eq_ignore_ascii_case(b"messages") {
        Ok(Some(Decides::Question))
    } else if text.eq_ignore_ascii_case(b"model") {
        Err(PeekError::Repeated("model"))
    } else if stream() {
        Err(PeekError::Repeated("stream"))
    } else {
        Ok(None)
    }
}

fn skip_space(body: &[u8], mut at: usize) -> usize {
    while matches!(body.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn end(body: &[u8], at: usize) -> Result<(), PeekError> {
    let at = skip_space(body, at);
    if at == body.len() { Ok(()) } else { Err(PeekError::Broken(at)) }
}

fn colon(body: &[u8], at: usize) -> Result<usize, PeekError> {
    if body.get(at) == Some(&b':') { Ok(at + 1) } else { Err(PeekError::Broken(at)) }
}

/// The range of the string that starts at `at`, quotes included.
///
/// Only quotes are looked for, since prompts are full of `\n`: what stands before one says whether it ends the string.
fn string(body: &[u8], at: usize) -> Result<Range<usize>, PeekError> {
    if body.get(at) != Some(&b'"') {
        return Err(PeekError::Broken(at));
    }
    let text = &body[at + 1..];
    let escaped = |quote: usize| text[..quote].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let end = memchr_iter(b'"', text).find(|quote| !escaped(*quote)).ok_or(PeekError::Broken(body.len()))?;
    Ok(at..at + 1 + end + 1)
}

/// The position behind the value that starts at `at`.
fn skip_value(body: &[u8], mut at: usize) -> Result<usize, PeekError> {
    let mut depth = 0_u32;
    loop {
        match body.get(at) {
            Some(b'"') => at = string(body, at)?.end,
            Some(b'{' | b'[') => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(PeekError::TooDeep);
                }
                at += 1;
            }
            Some(b'}' | b']') if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            Some(b',' | b':' | b' ' | b'\t' | b'\n' | b'\r') if depth > 0 => at += 1,
            Some(_) => {
                let start = at;
                while body
                    .get(at)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
                {
                    at += 1;
                }
                if at == start {
                    return Err(PeekError::Broken(at));
                }
            }
            None => return Err(PeekError::Broken(at)),
        }
        if depth == 0 {
            return Ok(at);
        }
    }
}

/// The `name` of a form part's Content-Disposition.
fn part_name(head: &[u8]) -> Result<Option<&str>, PeekError> {
    let head = std::str::from_utf8(head).map_err(|_| PeekError::BrokenForm)?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let parameters = disposition.unwrap_or_default().split(';').skip(1);
    Ok(parameters.map(str::trim).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.eq_ignore_ascii_case("name").then(|| value.trim_matches('"'))
    }))
}

#[cfg(test)]
mod tests;
