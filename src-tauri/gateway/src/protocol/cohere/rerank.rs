//! A request for documents in order of relevance. Its answer is the shape that OpenAI-like servers took over.

use serde_json::{Map, Value, json};

use crate::completion::Encoded;
use crate::protocol::codec::Target;
use crate::rerank::RerankRequest;

/// Writes a request.
pub(super) fn encode(request: &RerankRequest, target: &Target) -> Encoded {
    let mut body = Map::new();
    body.insert("model".into(), target.model.as_str().into());
    body.insert("query".into(), request.query.as_str().into());
    body.insert("documents".into(), json!(request.documents));
    body.extend(request.top.map(|top| ("top_n".to_owned(), top.into())));
    body.extend(request.max_tokens_per_document.map(|most| ("max_tokens_per_doc".to_owned(), most.into())));
    Encoded { body: Value::Object(body).to_string().into(), dropped: Vec::new() }
}
