//! A whole answer, in any API, and all that a client can be told of it. Signs: protocol, operation, kind of request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{CHATS, VECTORS, choose, must_be_json, request, surfaces};
use pointsman_gateway::embedding::EmbeddingRequest;
use pointsman_gateway::protocol::Protocol;
use pointsman_gateway::protocol::codec::upstream;

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let upstream = upstream(*choose(&mut input, Protocol::ALL));
    let operation = *choose(&mut input, &CHATS);
    let request = request(&mut input);
    let _ = upstream.decode_error(input);
    let _ = upstream.decode_count(input);
    if let Ok(completion) = upstream.decode_completion(input) {
        for (protocol, surface) in surfaces() {
            must_be_json(&surface.encode_completion(operation, &request, &completion), "an answer", protocol);
        }
    }
    if let Ok(embeddings) = upstream.decode_embeddings(input) {
        let asked = EmbeddingRequest { base64: request.stream, ..EmbeddingRequest::default() };
        for (protocol, surface) in surfaces() {
            for operation in VECTORS {
                // An API without vectors is never asked for any.
                if surface.decode_embedding(operation, "", b"{\"input\":\"a\",\"prompt\":\"a\"}").is_ok() {
                    must_be_json(&surface.encode_embeddings(operation, &asked, &embeddings), "vectors", protocol);
                }
            }
        }
    }
});
