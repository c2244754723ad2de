//! A streamed answer, in any API: any split gives the same, and what a client gets of it is a stream that can be read.
//! Signs: protocol, the client's protocol, operation, kind of request, three cuts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{CHATS, choose, cuts, deltas, failed, framed, frames, json, pieces, request};
use pointsman_gateway::completion::{Completion, Delta};
use pointsman_gateway::protocol::codec::{surface, upstream};
use pointsman_gateway::protocol::{Operation, Protocol};

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let theirs = upstream(*choose(&mut input, Protocol::ALL));
    let protocol = *choose(&mut input, Protocol::SURFACES);
    let operation = *choose(&mut input, &CHATS);
    let request = request(&mut input);
    let signs = cuts(&mut input);
    let bytes = framed(theirs.decoder().framing(), input);
    let pieces = pieces(signs, &bytes);

    let said = deltas(theirs.decoder(), &[&bytes]);
    assert_eq!(deltas(theirs.decoder(), &pieces), said, "any split gives the same");
    let _: Completion = said.iter().cloned().collect();

    let complete = !failed(&said);
    let Some(surface) = surface(protocol) else { return };
    let mut encoder = surface.encoder(operation, &request);
    let mut written = Vec::new();
    for delta in said {
        let last = matches!(delta, Delta::Failed { .. });
        encoder.encode(delta, &mut written);
        if last {
            break;
        }
    }
    if complete {
        encoder.finish(&mut written);
    }
    let ours = upstream(protocol);
    for frame in frames(ours.decoder().framing(), &[&written]) {
        let readable = frame.data == b"[DONE]" || json(&frame.data).is_some();
        assert!(readable, "an event is JSON: {:?}", String::from_utf8_lossy(&frame.data));
    }
    if complete && operation == Operation::Chat {
        let read = deltas(ours.decoder(), &[&written]);
        assert!(!failed(&read), "what is complete stays complete: {read:?}\n{}", String::from_utf8_lossy(&written));
    }
});
