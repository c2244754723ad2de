//! An order of documents as DeepInfra has it: a query for each document in, a score for each out. The model's name stands
//! in the path.

use bytes::Bytes;
use serde_json::{Value, json};

use super::named_path;
use crate::protocol::Operation;

/// The path of an operation below the prefix.
pub(super) fn path(operation: Operation, model: &str) -> Option<String> {
    (operation == Operation::Rerank).then(|| named_path(model)).flatten()
}

/// The body as it is taken there. One that asks for no order stays.
pub(super) fn fit(body: Bytes) -> Bytes {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else { return body };
    let (Some(query), Some(documents)) = (asked["query"].as_str(), asked["documents"].as_array()) else { return body };
    json!({"queries": vec![query; documents.len()], "documents": documents}).to_string().into()
}

/// An order in Cohere's form; anything else as it came.
pub(super) fn read(body: Bytes) -> Bytes {
    let Ok(said) = serde_json::from_slice::<Value>(&body) else { return body };
    let Some(scores) = said["scores"].as_array() else { return body };
    let ranked = scores.iter().enumerate().map(|(index, score)| json!({"index": index, "relevance_score": score}));
    let ranked: Vec<Value> = ranked.collect();
    let (id, tokens) = (&said["request_id"], &said["input_tokens"]);
    json!({"id": id, "results": ranked, "usage": {"total_tokens": tokens}}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_each_document() {
        #[track_caller]
        fn check(turned: fn(Bytes) -> Bytes, body: &'static str, expected: &str) {
            assert_eq!(str::from_utf8(&turned(Bytes::from_static(body.as_bytes()))).unwrap(), expected);
        }
        let asked = r#"{"model":"m","query":"q","documents":["a","b"],"top_n":1}"#;
        check(fit, asked, r#"{"queries":["q","q"],"documents":["a","b"]}"#);
        check(fit, "nonsense", "nonsense");
        check(
            read,
            r#"{"scores":[0.5,0.25],"input_tokens":9,"request_id":"x"}"#,
            r#"{"id":"x","results":[{"index":0,"relevance_score":0.5},{"index":1,"relevance_score":0.25}],"usage":{"total_tokens":9}}"#,
        );
        check(read, r#"{"detail":"no such model"}"#, r#"{"detail":"no such model"}"#);
    }

    #[test]
    fn a_name_is_no_way_out() {
        for (model, expected) in [
            ("Qwen/Qwen3-Reranker-8B", Some("/Qwen/Qwen3-Reranker-8B")),
            ("a?b#c", Some("/a%3Fb%23c")),
            ("../../me", None),
            ("a//b", None),
        ] {
            assert_eq!(path(Operation::Rerank, model).as_deref(), expected, "{model}");
        }
        assert_eq!(path(Operation::Chat, "m"), None);
    }
}
