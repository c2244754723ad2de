//! OpenAI's chat and embeddings, and `/v1/rerank`, as IBM's watsonx.ai has them: under other paths and some other names.
//!
//! Its answers are OpenAI's but for those with vectors, so that OpenAI's own codec reads them. It is never forwarded to:
//! what a client of OpenAI's would miss in an answer, the codec adds.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::edited_by;
use crate::protocol::Operation;

/// The path of an operation below the prefix.
pub(super) fn path(operation: Operation, stream: bool) -> Option<String> {
    let path = match operation {
        Operation::Chat if stream => "/chat_stream",
        Operation::Chat => "/chat",
        Operation::Embeddings => "/embeddings",
        Operation::Rerank => "/rerank",
        Operation::Completion
        | Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Transcription
        | Operation::Translation
        | Operation::Images
        | Operation::ImageEdit
        | Operation::Speech
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => return None,
    };
    Some(path.to_owned())
}

/// The body as watsonx takes it. One that is no JSON object stays.
pub(super) fn fit(operation: Operation, body: Bytes) -> Bytes {
    if operation == Operation::Rerank {
        return ordering(&body).unwrap_or(body);
    }
    let named = |name: &str, value: &str| match name {
        "model" => Some(("model_id", value.to_owned())),
        // Which of the two it is says the path.
        "stream" | "stream_options" => None,
        // A word has a field of its own, beside the one for a certain tool.
        "tool_choice" if value.starts_with('"') => Some(("tool_choice_option", value.to_owned())),
        "input" if value.starts_with('"') => Some(("inputs", format!("[{value}]"))),
        "input" => Some(("inputs", value.to_owned())),
        _ => Some(("", value.to_owned())),
    };
    edited_by(&body, named, &[]).unwrap_or(body)
}

/// A request for an order, whose documents are objects there and whose limits stand apart.
fn ordering(body: &[u8]) -> Option<Bytes> {
    let Ok(Value::Object(mut asked)) = serde_json::from_slice(body) else { return None };
    let documents = asked.shift_remove("documents")?;
    let inputs: Vec<Value> = documents.as_array()?.iter().map(|text| json!({ "text": text })).collect();
    let mut fitted = Map::new();
    fitted.extend(asked.shift_remove("model").map(|model| ("model_id".to_owned(), model)));
    fitted.extend(asked.shift_remove("query").map(|query| ("query".to_owned(), query)));
    fitted.insert("inputs".to_owned(), inputs.into());
    let top = asked.shift_remove("top_n");
    fitted.extend(top.map(|top| ("parameters".to_owned(), json!({"return_options": {"top_n": top}}))));
    Some(Value::Object(fitted).to_string().into())
}

/// Vectors in OpenAI's form and an order in Cohere's; anything else as it came.
pub(super) fn read(operation: Operation, body: Bytes) -> Bytes {
    let (vectors, order) = (operation.as_written() == Operation::Embeddings, operation == Operation::Rerank);
    if !vectors && !order {
        return body;
    }
    let Ok(mut said) = serde_json::from_slice::<Value>(&body) else { return body };
    let tokens = said.get("input_token_count").cloned();
    let Some(results) = said.get_mut("results").and_then(Value::as_array_mut) else { return body };
    if order {
        let ranked = results.iter_mut().map(|result| {
            let (index, score) = (result["index"].take(), result["score"].take());
            json!({"index": index, "relevance_score": score})
        });
        let ranked: Vec<Value> = ranked.collect();
        return json!({"results": ranked, "usage": {"total_tokens": tokens}}).to_string().into();
    }
    let vectors = results.iter_mut().map(|result| json!({"embedding": result["embedding"].take()}));
    let vectors: Vec<Value> = vectors.collect();
    let tokens = tokens.unwrap_or_default();
    json!({"data": vectors, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_names() {
        #[track_caller]
        fn check(body: &'static str, expected: &str) {
            let fitted = fit(Operation::Chat, Bytes::from_static(body.as_bytes()));
            assert_eq!(str::from_utf8(&fitted).unwrap(), expected);
        }
        check(r#"{"model":"m","n":1.50,"stream":true,"stream_options":{}}"#, r#"{"model_id":"m","n":1.50}"#);
        check(r#"{"tool_choice":"required"}"#, r#"{"tool_choice_option":"required"}"#);
        check(r#"{"tool_choice":{"type":"function"}}"#, r#"{"tool_choice":{"type":"function"}}"#);
        check(r#"{"input":"a"}"#, r#"{"inputs":["a"]}"#);
        check(r#"{"input":["a","b"]}"#, r#"{"inputs":["a","b"]}"#);
        check("nonsense", "nonsense");
    }

    #[test]
    fn an_order_is_asked_for_in_its_own_form() {
        #[track_caller]
        fn check(body: &'static str, expected: &str) {
            let fitted = fit(Operation::Rerank, Bytes::from_static(body.as_bytes()));
            assert_eq!(str::from_utf8(&fitted).unwrap(), expected);
        }
        check(
            r#"{"model":"m","query":"q","documents":["a"],"top_n":2}"#,
            r#"{"model_id":"m","query":"q","inputs":[{"text":"a"}],"parameters":{"return_options":{"top_n":2}}}"#,
        );
        check(r#"{"model":"m","documents":["a"]}"#, r#"{"model_id":"m","inputs":[{"text":"a"}]}"#);
        check("nonsense", "nonsense");
    }

    #[test]
    fn vectors_are_read() {
        let check = |operation, body: &'static str, expected: &str| {
            assert_eq!(str::from_utf8(&read(operation, Bytes::from_static(body.as_bytes()))).unwrap(), expected);
        };
        check(
            Operation::Embeddings,
            r#"{"results":[{"embedding":[0.5]},{"embedding":[1.0]}],"input_token_count":4}"#,
            r#"{"data":[{"embedding":[0.5]},{"embedding":[1.0]}],"usage":{"prompt_tokens":4,"total_tokens":4}}"#,
        );
        check(
            Operation::Rerank,
            r#"{"model_id":"m","results":[{"index":1,"score":-2.5}],"input_token_count":9}"#,
            r#"{"results":[{"index":1,"relevance_score":-2.5}],"usage":{"total_tokens":9}}"#,
        );
        check(Operation::Embeddings, r#"{"errors":[]}"#, r#"{"errors":[]}"#);
        check(Operation::Chat, r#"{"results":[]}"#, r#"{"results":[]}"#);
    }
}
