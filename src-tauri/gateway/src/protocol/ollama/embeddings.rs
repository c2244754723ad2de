//! Vectors: `/api/embed` for lists, `/api/embeddings` for one text.
//!
//! As an upstream only the first is asked. A text that does not fit is an error unless the client said that it may be cut.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::completion::{DecodeError, Encoded, Usage};
use crate::embedding::{EmbeddingInput, EmbeddingRequest, Embeddings};
use crate::protocol::Operation;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{Target, fault};

/// Reads a client's request.
pub(super) fn read_request(operation: Operation, body: &[u8]) -> Result<EmbeddingRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = EmbeddingRequest { model: fields.required("model")?, ..EmbeddingRequest::default() };
    request.keep_alive = fields.take("keep_alive");
    if operation == Operation::SingleEmbedding {
        request.single = true;
        request.input = vec![EmbeddingInput::Text(fields.required("prompt")?)];
        return Ok(request);
    }
    request.truncate = fields.bool("truncate")?;
    request.dimensions = fields.u32("dimensions")?;
    match fields.take("input") {
        Some(Value::String(text)) => {
            request.single = true;
            request.input = vec![EmbeddingInput::Text(text)];
        }
        Some(Value::Array(list)) => {
            for entry in list {
                let Value::String(text) = entry else { return Err(fields.wrong("input", "a list of strings")) };
                request.input.push(EmbeddingInput::Text(text));
            }
        }
        _ => return Err(fields.wrong("input", "a string or a list of strings")),
    }
    Ok(request)
}

/// Writes vectors for a client.
pub(super) fn write(operation: Operation, request: &EmbeddingRequest, embeddings: &Embeddings) -> Bytes {
    #[derive(Serialize)]
    struct Single<'a> {
        embedding: &'a [f32],
    }
    #[derive(Serialize)]
    struct List<'a> {
        model: &'a str,
        embeddings: &'a [Vec<f32>],
        total_duration: u64,
        load_duration: u64,
        prompt_eval_count: u32,
    }
    let bytes = if operation == Operation::SingleEmbedding {
        serde_json::to_vec(&Single { embedding: embeddings.vectors.first().map(Vec::as_slice).unwrap_or_default() })
    } else {
        serde_json::to_vec(&List {
            model: if embeddings.model.is_empty() { &request.model } else { &embeddings.model },
            embeddings: &embeddings.vectors,
            total_duration: 0,
            load_duration: 0,
            prompt_eval_count: embeddings.usage.map_or(0, |usage| usage.input),
        })
    };
    // Numbers that JSON cannot say (NaN) come out as null, so that this does not fail.
    bytes.map(Bytes::from).unwrap_or_default()
}

/// Writes a request for an upstream.
pub(super) fn write_request(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: Vec<&'a str>,
        truncate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        keep_alive: Option<&'a Value>,
    }
    let input = request.texts("Ollama")?;
    let mut dropped = Vec::new();
    for (name, said) in
        [("taskType", request.task.is_some()), ("title", request.title.is_some()), ("user", request.user.is_some())]
    {
        if said {
            note(&mut dropped, name);
        }
    }
    let body = Body {
        model: &target.model,
        input,
        truncate: request.truncate.unwrap_or(false),
        dimensions: request.dimensions,
        keep_alive: request.keep_alive.as_ref(),
    };
    let bytes = serde_json::to_vec(&body).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    Ok(Encoded { body: Bytes::from(bytes), dropped })
}

/// Reads an upstream's vectors.
pub(super) fn read(body: &[u8]) -> Result<Embeddings, DecodeError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        model: String,
        embeddings: Option<Vec<Vec<f32>>>,
        embedding: Option<Vec<f32>>,
        prompt_eval_count: Option<u32>,
        error: Option<Value>,
    }
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| DecodeError::Malformed(format!("the model's vectors cannot be read: {error}")))?;
    if let Some(error) = answer.error {
        return Err(DecodeError::Malformed(fault::of(&error).message));
    }
    let vectors = answer.embeddings.or(answer.embedding.map(|vector| vec![vector]));
    Ok(Embeddings {
        model: answer.model,
        vectors: vectors.ok_or_else(|| DecodeError::Malformed("the model's server sent no vectors".into()))?,
        usage: answer.prompt_eval_count.map(|input| Usage { input, ..Usage::default() }),
    })
}
