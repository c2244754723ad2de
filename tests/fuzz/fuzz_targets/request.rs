//! A client's request, in any API, and all that it can be written as. Signs: protocol, operation, target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{choose, must_be_json, targets, upstreams};
use pointsman_gateway::protocol::codec::surface;
use pointsman_gateway::protocol::{Operation, Protocol};

const OPERATIONS: [Operation; 5] =
    [Operation::Chat, Operation::Completion, Operation::CountTokens, Operation::Embeddings, Operation::SingleEmbedding];

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let Some(surface) = surface(*choose(&mut input, Protocol::SURFACES)) else { return };
    let operation = *choose(&mut input, &OPERATIONS);
    let targets = targets();
    let target = choose(&mut input, &targets);
    let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
    if matches!(operation, Operation::Embeddings | Operation::SingleEmbedding) {
        let Ok(request) = surface.decode_embedding(operation, path, input) else { return };
        for (protocol, upstream) in upstreams() {
            if let Some(Ok(encoded)) = upstream.encode_embedding(&request, target) {
                must_be_json(&encoded.body, "a request for vectors", protocol);
            }
        }
        return;
    }
    let Ok(request) = surface.decode_request(operation, path, input) else { return };
    for (protocol, upstream) in upstreams() {
        if let Ok(encoded) = upstream.encode_request(&request, target) {
            must_be_json(&encoded.body, "a request", protocol);
        }
        if let Some(Ok(encoded)) = upstream.encode_counting(&request, target) {
            must_be_json(&encoded.body, "a question for a count", protocol);
        }
    }
});
