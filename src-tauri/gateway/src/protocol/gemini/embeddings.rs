//! Vectors: `:embedContent` for one text, `:batchEmbedContents` for several.
//!
//! As an upstream only the second is asked. Google tells token counts for few models.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::path::{self, resource};
use super::{read_contents, spelling};
use crate::completion::{DecodeError, Encoded, Usage};
use crate::embedding::{EmbeddingInput, EmbeddingPart, EmbeddingRequest, Embeddings, no_tokens};
use crate::picture::Picture;
use crate::protocol::Operation;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{Target, fault};

/// Reads a client's request.
pub(super) fn read_request(operation: Operation, path: &str, body: &[u8]) -> Result<EmbeddingRequest, DecodeError> {
    let mut fields = spelling::parse(body)?;
    let model = path::call(path).map(|call| call.model);
    if operation == Operation::SingleEmbedding {
        let mut request = one(fields)?;
        request.single = true;
        request.model = model.unwrap_or(request.model);
        return Ok(request);
    }
    let mut whole: Option<EmbeddingRequest> = None;
    for entry in spelling::objects(&mut fields, "requests")? {
        let next = one(entry)?;
        match &mut whole {
            None => whole = Some(next),
            Some(whole) => {
                let known = (&whole.task, &whole.title, whole.dimensions);
                if known != (&next.task, &next.title, next.dimensions) {
                    let reason =
                        "all must have the same taskType, title and outputDimensionality; ask for each kind apart";
                    return Err(DecodeError::unsupported("requests", reason));
                }
                whole.input.extend(next.input);
            }
        }
    }
    let mut request = whole.ok_or_else(|| fields.wrong("requests", "a list of at least one request"))?;
    request.model = model.unwrap_or(request.model);
    Ok(request)
}

fn one(mut fields: Fields) -> Result<EmbeddingRequest, DecodeError> {
    let model = fields.string("model")?.unwrap_or_default();
    let content = spelling::object(&mut fields, "content")?.ok_or_else(|| fields.wrong("content", "an object"))?;
    Ok(EmbeddingRequest {
        model: model.strip_prefix("models/").unwrap_or(&model).to_owned(),
        input: vec![read_contents::input(content)?],
        dimensions: fields.u32("outputDimensionality")?,
        task: fields.string("taskType")?,
        title: fields.string("title")?,
        ..EmbeddingRequest::default()
    })
}

/// Writes vectors for a client.
pub(super) fn write(request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
    #[derive(Serialize)]
    struct Vector<'a> {
        values: &'a [f32],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        embedding: Option<Vector<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        embeddings: Option<Vec<Vector<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage_metadata: Option<Value>,
    }
    let mut vectors = embeddings.vectors.iter().map(|values| Vector { values });
    let usage = embeddings.usage;
    let (embedding, embeddings) = if request.single {
        (Some(vectors.next().unwrap_or(Vector { values: &[] })), None)
    } else {
        (None, Some(vectors.collect()))
    };
    let count = |usage: Usage| json!({"promptTokenCount": usage.input, "totalTokenCount": usage.input});
    let body = Body { embedding, embeddings, usage_metadata: usage.map(count) };
    // Numbers that JSON cannot say (NaN) come out as null, so that this does not fail.
    serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default()
}

/// Writes a request for an upstream.
pub(super) fn write_request(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let model = resource(&target.model);
    let mut requests = Vec::with_capacity(request.input.len());
    for input in &request.input {
        let part = |part: &EmbeddingPart| match part {
            EmbeddingPart::Text(text) => json!({"text": text}),
            EmbeddingPart::Picture(Picture { mime, base64 }) => {
                json!({"inlineData": {"mimeType": mime, "data": base64}})
            }
        };
        let parts: Vec<Value> = match input {
            EmbeddingInput::Text(text) => vec![json!({"text": text})],
            EmbeddingInput::Parts(parts) => parts.iter().map(part).collect(),
            EmbeddingInput::Tokens(_) => return Err(no_tokens("Gemini")),
        };
        let mut entry = Map::new();
        entry.insert("model".into(), (*model).into());
        entry.insert("content".into(), json!({"parts": parts}));
        entry.extend(request.task.as_deref().map(|task| ("taskType".to_owned(), task.into())));
        entry.extend(request.title.as_deref().map(|title| ("title".to_owned(), title.into())));
        entry.extend(request.dimensions.map(|length| ("outputDimensionality".to_owned(), length.into())));
        requests.push(Value::Object(entry));
    }
    let mut dropped = Vec::new();
    for (name, said) in [
        // Google cuts over-long texts by itself.
        ("truncate", request.truncate == Some(false)),
        ("keep_alive", request.keep_alive.is_some()),
        ("user", request.user.is_some()),
    ] {
        if said {
            note(&mut dropped, name);
        }
    }
    Ok(Encoded { body: json!({ "requests": requests }).to_string().into(), dropped })
}

/// Reads an upstream's vectors.
pub(super) fn read(body: &[u8]) -> Result<Embeddings, DecodeError> {
    let malformed = |what: &str| DecodeError::Malformed(format!("the model's vectors cannot be read: {what}"));
    let value: Value = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let list = match (value.get("embeddings"), value.get("embedding")) {
        (Some(Value::Array(list)), _) => list.as_slice(),
        (_, Some(one)) => std::slice::from_ref(one),
        _ => {
            let told = Some(fault::of(&value).message).filter(|message| !message.is_empty());
            return Err(DecodeError::Malformed(told.unwrap_or_else(|| "the model's server sent no vectors".into())));
        }
    };
    let vectors = list.iter().map(|entry| vector(entry).ok_or_else(|| malformed("no list of numbers")));
    let input = value.pointer("/usageMetadata/promptTokenCount").and_then(Value::as_u64);
    let usage = input.map(|input| Usage { input: u32::try_from(input).unwrap_or(u32::MAX), ..Usage::default() });
    Ok(Embeddings { model: String::new(), vectors: vectors.collect::<Result<_, _>>()?, usage })
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are f32 at their source")]
fn vector(entry: &Value) -> Option<Vec<f32>> {
    let values = entry.get("values")?.as_array()?;
    values.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
}
