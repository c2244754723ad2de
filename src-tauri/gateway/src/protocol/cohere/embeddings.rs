//! Vectors of texts and pictures. What they are for must be said: unless the client says it, they are of documents to be
//! found. Models from the fourth on take texts and pictures mixed; those before take a picture alone.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::Meta;
use crate::completion::{DecodeError, Encoded, Usage};
use crate::embedding::{EmbeddingInput, EmbeddingPart, EmbeddingRequest, Embeddings, no_tokens};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, fault};

/// The most inputs in a request.
const MOST: usize = 96;

/// Writes a request.
pub(super) fn encode(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    if request.input.len() > MOST {
        let reason = format!("Cohere takes {MOST} inputs in a request; ask several times");
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
    let (name, inputs, kind) = inputs(request, &target.model, kind)?;
    body.insert(name.into(), inputs);
    body.insert("input_type".into(), kind.into());
    body.insert("embedding_types".into(), json!(["float"]));
    body.extend(request.dimensions.map(|length| ("output_dimension".to_owned(), length.into())));
    let truncate = request.truncate.map(|cut| if cut { "END" } else { "NONE" });
    body.extend(truncate.map(|word| ("truncate".to_owned(), word.into())));
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

/// The field for the inputs, what stands in it, and what the vectors are for.
fn inputs<'a>(
    request: &EmbeddingRequest,
    model: &str,
    kind: &'a str,
) -> Result<(&'static str, Value, &'a str), DecodeError> {
    if !request.input.iter().any(|input| matches!(input, EmbeddingInput::Parts(_))) {
        return Ok(("texts", json!(request.texts("Cohere")?), kind));
    }
    if model.contains("-v3") || model.contains("-v2") {
        return match request.input.as_slice() {
            [EmbeddingInput::Parts(parts)] if let [EmbeddingPart::Picture(picture)] = parts.as_slice() => {
                Ok(("images", json!([picture.data_url()]), "image"))
            }
            _ => {
                let reason = "this model takes one picture in a request and no text with it; ask for each apart";
                Err(DecodeError::unsupported("input", reason))
            }
        };
    }
    let text = |text: &str| json!({"type": "text", "text": text});
    let part = |part: &EmbeddingPart| match part {
        EmbeddingPart::Text(words) => text(words),
        EmbeddingPart::Picture(picture) => json!({"type": "image_url", "image_url": {"url": picture.data_url()}}),
    };
    let content = |input: &EmbeddingInput| match input {
        EmbeddingInput::Text(words) => Ok(json!({"content": [text(words)]})),
        EmbeddingInput::Parts(parts) => Ok(json!({"content": parts.iter().map(part).collect::<Vec<_>>()})),
        EmbeddingInput::Tokens(_) => Err(no_tokens("Cohere")),
    };
    Ok(("inputs", request.input.iter().map(content).collect::<Result<_, _>>()?, kind))
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
