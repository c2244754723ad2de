//! Bodies that go on as the client wrote them, but for a few bytes: JSON stays JSON, and what is done needs no doing.
//! Signs: operation, context.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{choose, json};
use pointsman_gateway::protocol::Operation;
use pointsman_gateway::protocol::anthropic::steady::steady;
use pointsman_gateway::protocol::gemini::forward;
use pointsman_gateway::protocol::ollama::honest::honest;
use serde_json::Value;

const OPERATIONS: [Operation; 4] =
    [Operation::Chat, Operation::Completion, Operation::Embeddings, Operation::SingleEmbedding];

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let operation = *choose(&mut input, &OPERATIONS);
    let context = *choose(&mut input, &[None, Some(2048)]);
    let before = json(input);

    if let Some(seen) = steady(input) {
        stays_json(&before, &seen);
        assert_eq!(steady(&seen), None, "what is steady stays as it is");
    }

    if let Some(seen) = honest(operation, input, context) {
        stays_json(&before, &seen);
        assert_eq!(honest(operation, &seen, context), None, "said once, it is said");
        // What only looks like JSON to a reader of its top level is Ollama's to refuse.
        let Some(after) = json(&seen) else { return };
        assert!(said(&after, "truncate"), "{after}");
        assert!(operation == Operation::Embeddings || said(&after, "shift"), "{after}");
        if context.is_some() {
            let options = after.get("options");
            assert!(options.is_some_and(|options| !options.is_object() || said(options, "num_ctx")), "{after}");
        }
    }

    let body = Bytes::copy_from_slice(input);
    stays_json(&before, &forward::renamed(&body, "new"));
    if let Ok(query) = std::str::from_utf8(input) {
        let kept = forward::query(query);
        assert_eq!(forward::query(&kept), kept, "what is gone is gone");
    }
});

/// Whether a reader that takes the last of equal keys, as Ollama's does, finds something under this one.
fn said(object: &Value, key: &str) -> bool {
    object.get(key).is_some_and(|value| !value.is_null())
}

fn stays_json(before: &Option<Value>, after: &[u8]) {
    assert!(before.is_none() || json(after).is_some(), "{:?}", String::from_utf8_lossy(after));
}
