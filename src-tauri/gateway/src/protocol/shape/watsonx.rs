//! OpenAI's chat and embeddings as IBM's watsonx.ai has them: under other paths and some other names.
//!
//! Its answers are OpenAI's but for those with vectors, so that OpenAI's own codec reads them. It is never forwarded to:
//! what a client of OpenAI's would miss in an answer, the codec adds.

use bytes::Bytes;
use serde_json::{Value, json};

use super::edited_by;
use crate::protocol::Operation;

/// The path of an operation below the prefix.
pub(super) fn path(operation: Operation, stream: bool) -> Option<String> {
    let path = match operation {
        Operation::Chat if stream => "/chat_stream",
        Operation::Chat => "/chat",
        Operation::Embeddings => "/embeddings",
        Operation::Completion
        | Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Transcription
        | Operation::Translation
        | Operation::Rerank
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
pub(super) fn fit(body: Bytes) -> Bytes {
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

/// Vectors in OpenAI's form; anything else as it came.
pub(super) fn read(operation: Operation, body: Bytes) -> Bytes {
    if operation.as_written() != Operation::Embeddings {
        return body;
    }
    let Ok(mut said) = serde_json::from_slice::<Value>(&body) else { return body };
    let Some(results) = said.get_mut("results").and_then(Value::as_array_mut) else { return body };
    let vectors = results.iter_mut().map(|result| json!({"embedding": result["embedding"].take()}));
    let vectors: Vec<Value> = vectors.collect();
    let tokens = said.get("input_token_count").cloned().unwrap_or_default();
    json!({"data": vectors, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_names() {
        #[track_caller]
        fn check(body: &'static str, expected: &str) {
            assert_eq!(str::from_utf8(&fit(Bytes::from_static(body.as_bytes()))).unwrap(), expected);
        }
        check(r#"{"model":"m","n":1.50,"stream":true,"stream_options":{}}"#, r#"{"model_id":"m","n":1.50}"#);
        check(r#"{"tool_choice":"required"}"#, r#"{"tool_choice_option":"required"}"#);
        check(r#"{"tool_choice":{"type":"function"}}"#, r#"{"tool_choice":{"type":"function"}}"#);
        check(r#"{"input":"a"}"#, r#"{"inputs":["a"]}"#);
        check(r#"{"input":["a","b"]}"#, r#"{"inputs":["a","b"]}"#);
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
        check(Operation::Embeddings, r#"{"errors":[]}"#, r#"{"errors":[]}"#);
        check(Operation::Chat, r#"{"results":[]}"#, r#"{"results":[]}"#);
    }
}
