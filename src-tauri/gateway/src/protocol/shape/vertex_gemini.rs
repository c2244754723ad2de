//! Gemini's requests as Vertex AI takes them: without ids of calls, counted without a wrapping, and with what is said of
//! vectors apart from the text. The older models of vectors are asked by `:predict`, in a form of their own.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value, json};

use crate::protocol::Operation;

/// What is said of one text's vector, and stands beside the text elsewhere.
const OF_VECTORS: [&str; 4] = ["taskType", "title", "outputDimensionality", "autoTruncate"];

/// Whether a model's vectors are asked for by `:predict`.
pub(super) fn predicts(model: &str) -> bool {
    ["text-embedding-", "text-multilingual-embedding-", "textembedding-"].iter().any(|known| model.starts_with(known))
}

/// The body as Vertex takes it. One that is no JSON object stays.
pub(super) fn fit(operation: Operation, body: Bytes) -> Bytes {
    match operation {
        Operation::Embeddings | Operation::SingleEmbedding => changed(body, vectors),
        Operation::CountTokens => changed(body, |body| {
            let unwrapped = unwrap(body);
            without_ids(body) || unwrapped
        }),
        Operation::Chat if calls(&body) => changed(body, without_ids),
        Operation::Chat
        | Operation::Completion
        | Operation::Transcription
        | Operation::Translation
        | Operation::Rerank
        | Operation::Images
        | Operation::ImageEdit
        | Operation::Speech
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => body,
    }
}

fn changed(body: Bytes, change: impl Fn(&mut Map<String, Value>) -> bool) -> Bytes {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&body) else { return body };
    if change(&mut fields) { Value::Object(fields).to_string().into() } else { body }
}

/// Most bodies have no call, and are not read.
fn calls(body: &[u8]) -> bool {
    ["functionCall", "functionResponse", "function_call", "function_response"]
        .iter()
        .any(|name| memmem::find(body, name.as_bytes()).is_some())
}

/// Calls and their results find each other by name and order there.
fn without_ids(body: &mut Map<String, Value>) -> bool {
    let mut found = false;
    let turns = body.get_mut("contents").and_then(Value::as_array_mut).into_iter().flatten();
    let parts = turns.filter_map(|turn| turn.get_mut("parts")?.as_array_mut()).flatten();
    for part in parts.filter_map(Value::as_object_mut) {
        for name in ["functionCall", "functionResponse", "function_call", "function_response"] {
            let call = part.get_mut(name).and_then(Value::as_object_mut);
            found |= call.is_some_and(|call| call.shift_remove("id").is_some());
        }
    }
    found
}

/// A request to be counted stands as it is, where Gemini's own API wants it in a field.
fn unwrap(body: &mut Map<String, Value>) -> bool {
    for name in ["generateContentRequest", "generate_content_request"] {
        if let Some(Value::Object(mut inner)) = body.remove(name) {
            inner.shift_remove("model");
            *body = inner;
            return true;
        }
    }
    false
}

/// The model stands in the path, and what is said of a vector in an object of its own.
fn vectors(body: &mut Map<String, Value>) -> bool {
    let one = |request: &mut Map<String, Value>| {
        request.shift_remove("model");
        if let Some(content) = request.get_mut("content").and_then(Value::as_object_mut) {
            content.entry("role").or_insert_with(|| "user".into());
        }
        let said = OF_VECTORS.iter().filter_map(|name| Some(((*name).to_owned(), request.shift_remove(*name)?)));
        let said: Map<String, Value> = said.collect();
        if !said.is_empty() && !request.contains_key("embedContentConfig") {
            request.insert("embedContentConfig".to_owned(), said.into());
        }
    };
    if let Some(predicted) = predicted(body) {
        *body = predicted;
        return true;
    }
    match body.get_mut("requests").and_then(Value::as_array_mut) {
        Some(requests) => requests.iter_mut().filter_map(Value::as_object_mut).for_each(one),
        None => one(body),
    }
    true
}

/// The same for a model that is asked by `:predict`; `None` for any other.
fn predicted(body: &Map<String, Value>) -> Option<Map<String, Value>> {
    let requests = body.get("requests")?.as_array()?;
    let first = requests.first()?;
    if !predicts(first.get("model")?.as_str()?.trim_start_matches("models/")) {
        return None;
    }
    let instance = |request: &Value| {
        let text = request.pointer("/content/parts/0/text").cloned().unwrap_or_default();
        let mut instance = Map::from_iter([("content".to_owned(), text)]);
        for (theirs, name) in [("task_type", "taskType"), ("title", "title")] {
            instance.extend(request.get(name).cloned().map(|said| (theirs.to_owned(), said)));
        }
        Value::Object(instance)
    };
    let mut asked = Map::from_iter([("instances".to_owned(), requests.iter().map(instance).collect())]);
    let said = |name: &str| first.get(name).cloned().map(|value| (name.to_owned(), value));
    let parameters: Map<String, Value> =
        ["outputDimensionality", "autoTruncate"].into_iter().filter_map(said).collect();
    if !parameters.is_empty() {
        asked.insert("parameters".to_owned(), parameters.into());
    }
    Some(asked)
}

/// What `:predict` answers as a list of vectors; anything else as it came.
pub(super) fn read(body: Bytes) -> Bytes {
    let Ok(mut said) = serde_json::from_slice::<Value>(&body) else { return body };
    let Some(predictions) = said.get_mut("predictions").and_then(Value::as_array_mut) else { return body };
    let mut tokens = 0;
    let vectors = predictions.iter_mut().map(|prediction| {
        let made = &mut prediction["embeddings"];
        tokens += made["statistics"]["token_count"].as_u64().unwrap_or(0);
        json!({"values": made["values"].take()})
    });
    let vectors: Vec<Value> = vectors.collect();
    json!({"embeddings": vectors, "usageMetadata": {"promptTokenCount": tokens}}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: Operation, body: &'static str, expected: &str) {
        let fitted = fit(operation, Bytes::from_static(body.as_bytes()));
        assert_eq!(str::from_utf8(&fitted).unwrap(), expected);
    }

    #[test]
    fn ids_of_calls_are_left_out() {
        let chat = Operation::Chat;
        check(chat, r#"{ "contents":[{"parts":[{"text":"a"}]}]}"#, r#"{ "contents":[{"parts":[{"text":"a"}]}]}"#);
        check(
            chat,
            r#"{"contents":[{"parts":[{"functionCall":{"id":"1","name":"f","args":{"id":2}}}]}]}"#,
            r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":{"id":2}}}]}]}"#,
        );
        check(
            chat,
            r#"{"contents":[{"parts":[{"functionResponse":{"id":"1","name":"f","response":{"id":2}}}]}]}"#,
            r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"id":2}}}]}]}"#,
        );
        check(chat, r#"{"contents":"functionCall""#, r#"{"contents":"functionCall""#);
    }

    #[test]
    fn predicted_vectors_are_read() {
        let check = |body: &'static str, expected: &str| {
            assert_eq!(str::from_utf8(&read(Bytes::from_static(body.as_bytes()))).unwrap(), expected);
        };
        check(
            r#"{"predictions":[{"embeddings":{"values":[0.5],"statistics":{"token_count":3}}},{"embeddings":{"values":[1]}}]}"#,
            r#"{"embeddings":[{"values":[0.5]},{"values":[1]}],"usageMetadata":{"promptTokenCount":3}}"#,
        );
        check(r#"{"error":{"message":"no"}}"#, r#"{"error":{"message":"no"}}"#);
        check("nonsense", "nonsense");
    }

    #[test]
    fn a_count_is_asked_for_without_a_wrapping() {
        let count = Operation::CountTokens;
        check(count, r#"{"generateContentRequest":{"model":"models/m","contents":[]}}"#, r#"{"contents":[]}"#);
        check(count, r#"{"contents":[ ]}"#, r#"{"contents":[ ]}"#);
    }

    #[test]
    fn what_is_said_of_vectors_stands_apart() {
        check(
            Operation::Embeddings,
            r#"{"requests":[{"model":"models/m","content":{"parts":[]},"outputDimensionality":9}]}"#,
            r#"{"requests":[{"content":{"parts":[],"role":"user"},"embedContentConfig":{"outputDimensionality":9}}]}"#,
        );
        check(
            Operation::SingleEmbedding,
            r#"{"content":{"parts":[]},"taskType":"X"}"#,
            r#"{"content":{"parts":[],"role":"user"},"embedContentConfig":{"taskType":"X"}}"#,
        );
        let predicted = r#"{"instances":[{"content":"a","task_type":"X"},{"content":"b"}],"parameters":{"outputDimensionality":9}}"#;
        check(
            Operation::Embeddings,
            r#"{"requests":[
                {"model":"models/text-embedding-005","content":{"parts":[{"text":"a"}]},"taskType":"X","outputDimensionality":9},
                {"model":"models/text-embedding-005","content":{"parts":[{"text":"b"}]}}]}"#,
            predicted,
        );
        check(Operation::SingleEmbedding, r#"{"content":{}}"#, r#"{"content":{"role":"user"}}"#);
    }
}
