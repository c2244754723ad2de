//! Documents in order of relevance, by `invoke`: Cohere's models and Amazon's take nearly the same body.
//!
//! The service's own Rerank stands at another host and takes no API key of Bedrock's, so that it is not used.

use serde_json::{Map, Value, json};

use crate::completion::{DecodeError, Encoded};
use crate::protocol::codec::Target;
use crate::protocol::codec::dropped::note;
use crate::protocol::openai_chat::rerank::read;
use crate::rerank::{Ranking, RerankRequest};

/// Writes a request.
pub(super) fn encode(request: &RerankRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let model = target.model.to_ascii_lowercase();
    let cohere = model.contains("cohere.");
    if !cohere && !model.contains("amazon.rerank") {
        let reason = "it orders no documents; ask a model of Cohere's or Amazon's that does, as `amazon.rerank-v1:0`";
        return Err(DecodeError::unsupported("documents", reason));
    }
    let mut dropped = Vec::new();
    let mut body = Map::new();
    body.insert("query".into(), request.query.as_str().into());
    body.insert("documents".into(), json!(request.documents));
    body.extend(request.top.map(|top| ("top_n".to_owned(), top.into())));
    if cohere {
        body.insert("api_version".into(), 2.into());
        body.extend(request.max_tokens_per_document.map(|most| ("max_tokens_per_doc".to_owned(), most.into())));
    } else if request.max_tokens_per_document.is_some() {
        note(&mut dropped, "max_tokens_per_doc");
    }
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

/// Reads an order: Cohere's shape, whosever the model is.
pub(super) fn decode(body: &[u8]) -> Result<Ranking, DecodeError> {
    read(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendors_body() {
        #[track_caller]
        fn check(model: &str, expected: Result<Value, &str>, lost: &[&str]) {
            let request = RerankRequest {
                query: "q".into(),
                documents: vec!["a".into()],
                top: Some(1),
                max_tokens_per_document: Some(9),
                ..RerankRequest::default()
            };
            let encoded = encode(&request, &Target { model: model.into(), ..Target::default() });
            let dropped = encoded.as_ref().map(|it| it.dropped.clone()).unwrap_or_default();
            let written = encoded.map(|it| serde_json::from_slice::<Value>(&it.body).unwrap());
            assert_eq!(written.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{model}");
            assert_eq!(dropped, lost, "{model}");
        }
        let plain = json!({"query": "q", "documents": ["a"], "top_n": 1});
        check("amazon.rerank-v1:0", Ok(plain), &["max_tokens_per_doc"]);
        let cohere = json!({"query": "q", "documents": ["a"], "top_n": 1, "api_version": 2, "max_tokens_per_doc": 9});
        check("arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0", Ok(cohere), &[]);
        let words = "`documents` cannot be said to this model: it orders no documents; ask a model of Cohere's or \
                     Amazon's that does, as `amazon.rerank-v1:0`";
        check("amazon.nova-pro-v1:0", Err(words), &[]);
    }
}
