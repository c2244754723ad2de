//! Vectors, by each vendor's own body: Amazon's Titan and Nova take one text a call, Cohere's models a list.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::completion::{DecodeError, Encoded, Usage};
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, fault};

/// Writes a request.
pub(super) fn encode(request: &EmbeddingRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let texts = request.texts("Bedrock")?;
    let model = target.model.to_ascii_lowercase();
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
    let body = if model.contains("cohere.") {
        cohere(request, &texts)
    } else {
        let [text] = texts.as_slice() else {
            let reason = "this model takes one text in a request; ask for each apart, or a model of Cohere's";
            return Err(DecodeError::unsupported("input", reason));
        };
        if request.task.is_some() {
            note(&mut dropped, "task");
        }
        if model.contains("nova") { nova(request, text) } else { titan(request, &model, text, &mut dropped) }
    };
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

fn cohere(request: &EmbeddingRequest, texts: &[&str]) -> Map<String, Value> {
    let kind = match request.task.as_deref() {
        Some("RETRIEVAL_QUERY") => "search_query",
        Some("CLASSIFICATION") => "classification",
        Some("CLUSTERING") => "clustering",
        Some(_) | None => "search_document",
    };
    let mut body = Map::new();
    body.insert("texts".into(), json!(texts));
    body.insert("input_type".into(), kind.into());
    body.insert("embedding_types".into(), json!(["float"]));
    body.extend(request.dimensions.map(|length| ("output_dimension".to_owned(), length.into())));
    let truncate = request.truncate.map(|cut| if cut { "END" } else { "NONE" });
    body.extend(truncate.map(|word| ("truncate".to_owned(), word.into())));
    body
}

fn titan(request: &EmbeddingRequest, model: &str, text: &str, dropped: &mut Vec<String>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("inputText".into(), text.into());
    if let Some(length) = request.dimensions {
        if model.contains("titan-embed-image") {
            body.insert("embeddingConfig".into(), json!({"outputEmbeddingLength": length}));
        } else if model.contains("titan-embed-text-v1") || model.contains("titan-embed-g1") {
            // Its vectors have one length.
            note(dropped, "dimensions");
        } else {
            body.insert("dimensions".into(), length.into());
            // The default, which its SDK's example writes out.
            body.insert("normalize".into(), true.into());
        }
    }
    if request.truncate == Some(true) {
        note(dropped, "truncate");
    }
    body
}

fn nova(request: &EmbeddingRequest, text: &str) -> Map<String, Value> {
    let mut asked = Map::new();
    asked.insert("embeddingPurpose".into(), "GENERIC_INDEX".into());
    asked.extend(request.dimensions.map(|length| ("embeddingDimension".to_owned(), length.into())));
    let cut = if request.truncate == Some(true) { "END" } else { "NONE" };
    asked.insert("text".into(), json!({"value": text, "truncationMode": cut}));
    let mut body = Map::new();
    body.insert("schemaVersion".into(), "nova-multimodal-embed-v1".into());
    body.insert("taskType".into(), "SINGLE_EMBEDDING".into());
    body.insert("singleEmbeddingParams".into(), asked.into());
    body
}

/// Vectors as each vendor gives them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    embedding: Option<Vec<f32>>,
    embeddings: Option<Given>,
    input_text_token_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given {
    Lists(Vec<Vec<f32>>),
    ByType { float: Vec<Vec<f32>> },
    One(Vec<One>),
}

#[derive(Debug, Deserialize)]
struct One {
    embedding: Vec<f32>,
}

/// Reads vectors.
pub(super) fn decode(body: &[u8]) -> Result<Embeddings, DecodeError> {
    let malformed = |what: &str| DecodeError::Malformed(format!("the model's vectors cannot be read: {what}"));
    let answer: Answer = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let vectors = match (answer.embedding, answer.embeddings) {
        (Some(one), _) => vec![one],
        (None, Some(Given::Lists(lists) | Given::ByType { float: lists })) => lists,
        (None, Some(Given::One(list))) => list.into_iter().map(|one| one.embedding).collect(),
        (None, None) => {
            let told = fault::read(body).message;
            let none = || "the model's server sent no vectors".to_owned();
            return Err(DecodeError::Malformed(if told.is_empty() { none() } else { told }));
        }
    };
    let usage = answer.input_text_token_count.map(|input| Usage { input, ..Usage::default() });
    Ok(Embeddings { model: String::new(), vectors, usage })
}
