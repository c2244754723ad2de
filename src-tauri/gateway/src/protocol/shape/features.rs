//! Vectors as Hugging Face's own servers give them: texts as `inputs`, a bare list of vectors back, the model's name in the
//! path. Shape: <https://huggingface.co/docs/inference-providers/tasks/feature-extraction>.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{edited_by, named_path};
use crate::protocol::Operation;

/// The path of an operation below the prefix.
pub(super) fn path(operation: Operation, model: &str) -> Option<String> {
    let path = (operation == Operation::Embeddings).then(|| named_path(model)).flatten()?;
    Some(path + "/pipeline/feature-extraction")
}

/// The body as it is taken there. Numbers are all that comes back, and whose they are is not asked.
pub(super) fn fit(body: Bytes) -> Bytes {
    let named = |name: &str, value: &str| match name {
        "model" | "encoding_format" | "user" => None,
        "input" if value.starts_with('"') => Some(("inputs", format!("[{value}]"))),
        "input" => Some(("inputs", value.to_owned())),
        _ => Some(("", value.to_owned())),
    };
    edited_by(&body, named, &[]).unwrap_or(body)
}

/// Vectors in OpenAI's form; anything else as it came. How many tokens they took is not told.
pub(super) fn read(body: Bytes) -> Bytes {
    let Ok(Value::Array(vectors)) = serde_json::from_slice(&body) else { return body };
    let data: Vec<Value> = vectors.into_iter().map(|vector| json!({ "embedding": vector })).collect();
    json!({"data": data, "usage": {"prompt_tokens": 0, "total_tokens": 0}}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_and_bare_vectors_out() {
        #[track_caller]
        fn check(turned: fn(Bytes) -> Bytes, body: &'static str, expected: &str) {
            assert_eq!(str::from_utf8(&turned(Bytes::from_static(body.as_bytes()))).unwrap(), expected);
        }
        check(
            fit,
            r#"{"model":"m","input":"a","encoding_format":"base64","dimensions":8}"#,
            r#"{"inputs":["a"],"dimensions":8}"#,
        );
        check(fit, r#"{"input":["a","b"]}"#, r#"{"inputs":["a","b"]}"#);
        check(fit, "nonsense", "nonsense");
        check(
            read,
            "[[0.5,1],[2,3]]",
            r#"{"data":[{"embedding":[0.5,1]},{"embedding":[2,3]}],"usage":{"prompt_tokens":0,"total_tokens":0}}"#,
        );
        check(read, r#"{"error":"no such model"}"#, r#"{"error":"no such model"}"#);
    }

    #[test]
    fn the_model_is_in_the_path() {
        let path = |operation, model| path(operation, model);
        let expected = Some("/BAAI/bge-m3/pipeline/feature-extraction".to_owned());
        assert_eq!(path(Operation::Embeddings, "BAAI/bge-m3"), expected);
        assert_eq!(path(Operation::Embeddings, "../whoami"), None, "a name is no way out");
        assert_eq!(path(Operation::Chat, "BAAI/bge-m3"), None);
    }
}
