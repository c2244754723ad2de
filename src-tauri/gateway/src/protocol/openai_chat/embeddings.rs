//! Embeddings, on both sides: vectors as numbers or as base64 of little-endian floats.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::usage;
use crate::completion::{DecodeError, Encoded, MediaSource};
use crate::embedding::{EmbeddingInput, EmbeddingPart, EmbeddingRequest, Embeddings};
use crate::picture::Picture;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{Target, fault, media};

/// Reads a client's request.
pub(super) fn read_request(body: &[u8]) -> Result<EmbeddingRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = EmbeddingRequest { model: fields.required("model")?, ..EmbeddingRequest::default() };
    let shapes = "a string, a list of strings or of objects with `content`, or lists of token ids";
    let malformed = |fields: &Fields| fields.wrong("input", shapes);
    // `inputs` is Voyage's and Cohere's name for inputs with pictures, `messages` vLLM's.
    let told = fields.take("input").or_else(|| fields.take("inputs"));
    match told.or_else(|| fields.take("messages").map(said)) {
        Some(one @ (Value::String(_) | Value::Object(_))) => {
            request.single = true;
            request.input = vec![entry(one)?.ok_or_else(|| malformed(&fields))?];
        }
        Some(Value::Array(list)) if list.first().is_some_and(Value::is_number) => {
            request.single = true;
            request.input = vec![EmbeddingInput::Tokens(tokens(&list).ok_or_else(|| malformed(&fields))?)];
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            for one in list {
                request.input.push(entry(one)?.ok_or_else(|| malformed(&fields))?);
            }
        }
        _ => return Err(malformed(&fields)),
    }
    request.dimensions = fields.u32("dimensions")?;
    request.user = fields.string("user")?;
    // Not OpenAI's: Cohere's name for what vectors are for, and Voyage's.
    request.task = match fields.string("input_type")?.as_deref() {
        Some("search_query" | "query") => Some("RETRIEVAL_QUERY".to_owned()),
        Some("search_document" | "document" | "passage") => Some("RETRIEVAL_DOCUMENT".to_owned()),
        Some("classification") => Some("CLASSIFICATION".to_owned()),
        Some("clustering") => Some("CLUSTERING".to_owned()),
        Some(_) => return Err(fields.wrong("input_type", "`query`, `document`, `classification` or `clustering`")),
        None => None,
    };
    request.base64 = match fields.string("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(fields.wrong("encoding_format", "`float` or `base64`")),
    };
    Ok(request)
}

/// vLLM's conversation, of which one message of a user's has the form of an input.
fn said(messages: Value) -> Value {
    match messages {
        Value::Array(mut list) if list.len() == 1 => list.remove(0),
        _ => Value::Null,
    }
}

/// An input: a text, a picture as a data URL, token ids, or an object: Jina's has `text` or `image`, Voyage's and Cohere's
/// the parts of a message as `content`.
fn entry(value: Value) -> Result<Option<EmbeddingInput>, DecodeError> {
    let mut parts = Vec::new();
    match value {
        Value::Array(list) => return Ok(tokens(&list).map(EmbeddingInput::Tokens)),
        Value::String(text) if text.starts_with("data:image/") => parts.push(picture(text)?),
        Value::String(text) => parts.push(EmbeddingPart::Text(text)),
        Value::Object(mut object) => match object.remove("content") {
            Some(Value::String(text)) => parts.push(EmbeddingPart::Text(text)),
            Some(Value::Array(list)) => {
                for part in list {
                    pieces(part, &mut parts)?;
                }
            }
            Some(_) => {}
            None => pieces(Value::Object(object), &mut parts)?,
        },
        _ => {}
    }
    Ok((!parts.is_empty()).then(|| EmbeddingInput::of(parts)))
}

/// A part's text and picture.
fn pieces(part: Value, parts: &mut Vec<EmbeddingPart>) -> Result<(), DecodeError> {
    let before = parts.len();
    if let Value::Object(mut part) = part {
        if let Some(Value::String(text)) = part.remove("text") {
            parts.push(EmbeddingPart::Text(text));
        }
        for name in ["image", "image_url", "image_base64"] {
            match part.remove(name) {
                Some(Value::String(url)) => parts.push(picture(url)?),
                Some(Value::Object(mut object)) => {
                    if let Some(Value::String(url)) = object.remove("url") {
                        parts.push(picture(url)?);
                    }
                }
                _ => {}
            }
        }
    }
    if parts.len() > before {
        return Ok(());
    }
    Err(DecodeError::unsupported("input", "only texts and pictures can be turned into vectors here"))
}

/// A picture as a data URL, or as base64 alone.
fn picture(url: String) -> Result<EmbeddingPart, DecodeError> {
    let source = match media::source(url, "image/png", "input")? {
        MediaSource::Url(base64) if !base64.contains("://") => media::data(media::image_type(&base64), &base64),
        source => source,
    };
    match source {
        MediaSource::Data { mime, base64 } if mime.starts_with("image/") => {
            Ok(EmbeddingPart::Picture(Picture { mime, base64 }))
        }
        MediaSource::Data { .. } => {
            Err(DecodeError::unsupported("input", "only texts and pictures can be turned into vectors here"))
        }
        MediaSource::Url(_) | MediaSource::File(_) => {
            Err(DecodeError::unsupported("input", "no picture is fetched for it; send it as a data URL"))
        }
    }
}

fn tokens(list: &[Value]) -> Option<Vec<u32>> {
    list.iter().map(|token| u32::try_from(token.as_u64()?).ok()).collect()
}

/// Writes vectors for a client.
pub(super) fn write(request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
    #[derive(Serialize)]
    struct Entry<'a> {
        object: &'static str,
        index: usize,
        embedding: Vector<'a>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Vector<'a> {
        Numbers(&'a [f32]),
        Base64(String),
    }
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: Vec<Entry<'a>>,
        model: &'a str,
        usage: Value,
    }
    let mut data = Vec::with_capacity(embeddings.vectors.len());
    for (index, vector) in embeddings.vectors.iter().enumerate() {
        let embedding = if request.base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        } else {
            Vector::Numbers(vector)
        };
        data.push(Entry { object: "embedding", index, embedding });
    }
    let input = embeddings.usage.map_or(0, |usage| usage.input);
    let list = List {
        object: "list",
        data,
        model: if embeddings.model.is_empty() { &request.model } else { &embeddings.model },
        usage: json!({"prompt_tokens": input, "total_tokens": input}),
    };
    // Numbers that JSON cannot say (NaN) come out as null, so that this does not fail.
    serde_json::to_vec(&list).map(Bytes::from).unwrap_or_default()
}

/// Writes a request for an upstream. Vectors are asked for as numbers: not every server knows base64.
pub(super) fn write_request(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let mut texts = Vec::new();
    let mut ids = Vec::new();
    for input in &request.input {
        match input {
            EmbeddingInput::Text(text) => texts.push(text.as_str()),
            EmbeddingInput::Tokens(tokens) => ids.push(tokens.as_slice()),
            EmbeddingInput::Parts(_) => {
                let reason = "servers of OpenAI's API have no common form for pictures here; ask a model of Gemini's or Cohere's";
                return Err(DecodeError::unsupported("input", reason));
            }
        }
    }
    let input = match (texts.as_slice(), ids.as_slice()) {
        ([text], []) if request.single => json!(text),
        (texts, []) => json!(texts),
        ([], [ids]) if request.single => json!(ids),
        ([], ids) => json!(ids),
        _ => return Err(DecodeError::unsupported("input", "texts and token ids do not mix in one request")),
    };
    let mut dropped = Vec::new();
    let mut body = Map::from_iter([("model".to_owned(), target.model.as_str().into()), ("input".to_owned(), input)]);
    body.extend(request.dimensions.map(|length| ("dimensions".to_owned(), length.into())));
    // `truncate` says whether an over-long text may be cut. Not to cut it is what servers do unasked.
    for (name, said) in [
        ("truncate", request.truncate == Some(true)),
        ("taskType", request.task.is_some()),
        ("title", request.title.is_some()),
        ("keep_alive", request.keep_alive.is_some()),
        ("user", request.user.is_some()),
    ] {
        if said {
            note(&mut dropped, name);
        }
    }
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

/// Reads an upstream's vectors.
pub(super) fn read(body: &[u8]) -> Result<Embeddings, DecodeError> {
    let malformed = |what: &str| DecodeError::Malformed(format!("the model's vectors cannot be read: {what}"));
    let value: Value = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let Some(data) = value.get("data").and_then(Value::as_array) else {
        let told = Some(fault::of(&value).message).filter(|message| !message.is_empty());
        return Err(DecodeError::Malformed(told.unwrap_or_else(|| "the model's server sent no vectors".into())));
    };
    let mut vectors = Vec::with_capacity(data.len());
    for (at, entry) in data.iter().enumerate() {
        let index = entry.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
        let vector = entry.get("embedding").and_then(vector).ok_or_else(|| malformed("no list of numbers"))?;
        vectors.push((index, vector));
    }
    vectors.sort_by_key(|(index, _)| *index);
    Ok(Embeddings {
        model: value.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
        vectors: vectors.into_iter().map(|(_, vector)| vector).collect(),
        usage: value.get("usage").and_then(usage::read),
    })
}

fn vector(value: &Value) -> Option<Vec<f32>> {
    match value {
        Value::String(base64) => {
            let bytes = STANDARD.decode(base64).ok()?;
            let (numbers, rest) = bytes.as_chunks::<4>();
            rest.is_empty().then(|| numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
        }
        #[expect(clippy::cast_possible_truncation, reason = "vectors are f32 at their source")]
        Value::Array(list) => list.iter().map(|number| number.as_f64().map(|number| number as f32)).collect(),
        _ => None,
    }
}
