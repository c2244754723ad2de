//! Vectors of texts. What they are for must be said: unless the client says it, they are of documents to be found.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::Meta;
use crate::completion::{DecodeError, Encoded, Usage};
use crate::embedding::{EmbeddingInput, EmbeddingRequest, Embeddings};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, fault};

/// The most texts in a request.
const MOST_TEXTS: usize = 96;

/// Writes a request.
pub(super) fn encode(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let mut texts = Vec::with_capacity(request.input.len());
    for input in &request.input {
        match input {
            EmbeddingInput::Text(text) => texts.push(text.as_str()),
            EmbeddingInput::Tokens(_) => {
                return Err(DecodeError::unsupported("input", "Cohere takes texts and no token ids; send text"));
            }
        }
    }
    if texts.len() > MOST_TEXTS {
        let reason = format!("Cohere takes {MOST_TEXTS} texts in a request; ask several times");
        return Err(DecodeError::unsupported("input", reason));
    }
    let mut dropped = Vec::new();
    for (name, said) in [
        ("keep_alive", request.keep_alive.is_some()),
        ("user", request.user.is_some()),
        ("title", request.title.is_some()),
    ] {
        if said {
            note(&mut dropped, name);
        }
    }
    let kind = match request.task.as_deref() {
        Some("RETRIEVAL_QUERY" | "QUESTION_ANSWERING" | "FACT_VERIFICATION" | "CODE_RETRIEVAL_QUERY") => "search_query",
        Some("CLASSIFICATION") => "classification",
        Some("CLUSTERING" | "SEMANTIC_SIMILARITY") => "clustering",
        Some(_) | None => "search_document",
    };
    let mut body = Map::new();
    body.insert("model".into(), target.model.as_str().into());
    body.insert("texts".into(), json!(texts));
    body.insert("input_type".into(), kind.into());
    body.insert("embedding_types".into(), json!(["float"]));
    body.extend(request.dimensions.map(|length| ("output_dimension".to_owned(), length.into())));
    let truncate = request.truncate.map(|cut| if cut { "END" } else { "NONE" });
    body.extend(truncate.map(|word| ("truncate".to_owned(), word.into())));
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

#[derive(Debug, Deserialize)]
struct Answer {
    embeddings: Option<ByType>,
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct ByType {
    float: Vec<Vec<f32>>,
}

/// Reads vectors.
pub(super) fn decode(body: &[u8]) -> Result<Embeddings, DecodeError> {
    let malformed = |what: &str| DecodeError::Malformed(format!("the model's vectors cannot be read: {what}"));
    let answer: Answer = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let Some(ByType { float: vectors }) = answer.embeddings else {
        let told = fault::read(body).message;
        let none = || "the model's server sent no vectors".to_owned();
        return Err(DecodeError::Malformed(if told.is_empty() { none() } else { told }));
    };
    let input = answer.meta.and_then(|meta| meta.billed_units).and_then(|billed| billed.input());
    let usage = input.map(|input| Usage { input, ..Usage::default() });
    Ok(Embeddings { model: String::new(), vectors, usage })
}
