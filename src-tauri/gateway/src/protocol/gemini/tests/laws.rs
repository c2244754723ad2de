//! Laws: a whole is the fold of its stream, what both sides can say comes back unchanged, and no bytes do harm.

use proptest::prelude::*;

use super::*;

fn request(array: bool) -> CompletionRequest {
    let reasoning = Some(Reasoning { include: Some(true), ..Reasoning::default() });
    let mut request = CompletionRequest { reasoning, ..CompletionRequest::default() };
    if array {
        wire::want_array(&mut request);
    }
    request
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        harmless(&bytes);
    }

    /// JSON with the right names and wrong values gets further than noise.
    #[test]
    fn no_json_does_harm(value in shapes()) {
        harmless(value.to_string().as_bytes());
    }

    #[test]
    fn no_schema_does_harm(value in schemas()) {
        let _ = schema::to_subset(&value);
        let _ = schema::from_subset(value);
    }

    #[test]
    fn no_path_does_harm(path in "(/v1beta|/v1|/models|models/|:|%[0-9A-F]{0,2}|generateContent|é|\\?|alt=sse|[a-z]){0,12}") {
        let _ = path::call(&path);
    }
}

fn harmless(bytes: &[u8]) {
    let _ = Gemini.decode_completion(bytes);
    let _ = Gemini.decode_embeddings(bytes);
    let _ = Gemini.decode_error(bytes);
    let _ = forward::renamed(&Bytes::copy_from_slice(bytes), "m");
    let stream = [b"data: ", bytes, b"\n\ndata: ", bytes, b"\n\n"].concat();
    let deltas = testing::read(Gemini.decoder(), &[&stream]);
    for array in [false, true] {
        let _ = testing::write(Gemini.encoder(Operation::Chat, &request(array)), deltas.clone());
    }
    for operation in [Operation::Chat, Operation::CountTokens] {
        if let Ok(request) = Gemini.decode_request(operation, "", bytes) {
            for model in ["gemini-2.5-flash", "gemini-3-pro", "gemma-3"] {
                let _ = Gemini.encode_request(&request, &Target { model: model.into(), ..Target::default() });
            }
        }
    }
    for operation in [Operation::Embeddings, Operation::SingleEmbedding] {
        let _ = Gemini.decode_embedding(operation, "", bytes);
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-z<>]{0,6}|user|model|AUTO|ANY|OBJECT|STRING|STOP|MAX_TOKENS|SAFETY|c2ln|image/png|#|#/a"
            .prop_map(Value::from),
    ]
}

fn shapes() -> impl Strategy<Value = Value> {
    let names = "model|contents|role|parts|text|thought|thoughtSignature|functionCall|functionResponse|name|args|id\
                 |response|inlineData|fileData|mimeType|data|fileUri|tools|functionDeclarations|parameters|toolConfig\
                 |function_calling_config|mode|allowedFunctionNames|generationConfig|thinkingConfig|thinkingBudget\
                 |responseSchema|systemInstruction|candidates|content|finishReason|index|usageMetadata\
                 |promptTokenCount|promptFeedback|blockReason|error|logprobsResult|chosenCandidates|token|requests\
                 |embeddings|embedding|values|generateContentRequest";
    leaf().prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn schemas() -> impl Strategy<Value = Value> {
    let names =
        "type|properties|items|anyOf|oneOf|allOf|enum|const|required|nullable|format|\\$ref|\\$defs|a|min_items";
    leaf().prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
