//! A client's request for what is no chat, forms included, and all that it can be written as. Signs: protocol, operation,
//! target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{choose, must_be_json, targets, upstreams};
use pointsman_gateway::protocol::codec::surface;
use pointsman_gateway::protocol::{Operation, Protocol};

const OPERATIONS: [Operation; 4] = [Operation::Rerank, Operation::Images, Operation::ImageEdit, Operation::Speech];

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let Some(surface) = surface(*choose(&mut input, Protocol::SURFACES)) else { return };
    let operation = *choose(&mut input, &OPERATIONS);
    let targets = targets();
    let target = choose(&mut input, &targets);
    for (protocol, upstream) in upstreams() {
        let (encoded, what) = match operation {
            Operation::Rerank => {
                let Ok(request) = surface.decode_rerank(input) else { return };
                (upstream.encode_rerank(&request, target), "a request for an order")
            }
            Operation::Speech => {
                let Ok(request) = surface.decode_speech(input) else { return };
                (upstream.encode_speaking(&request, target), "a request for speech")
            }
            _ => {
                let Ok(request) = surface.decode_picture(operation, input) else { return };
                (upstream.encode_picture(&request, target), "a request for pictures")
            }
        };
        if let Some(Ok(encoded)) = encoded {
            must_be_json(&encoded.body, what, protocol);
        }
    }
});
