//! What reads bytes as they pass, whole or in pieces: framing, the redactor, the tap that counts tokens.
//! Signs: protocol, whole or streamed, three cuts.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{choose, cuts, frames, pieces};
use pointsman_gateway::protocol::Protocol;
use pointsman_gateway::protocol::codec::frames::Framing;
use pointsman_gateway::secrets::redact::Redactor;
use pointsman_gateway::usage::tap::Tap;

const SECRETS: [&str; 2] = ["sk-secret", "a%41\\/aa%"];

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let protocol = *choose(&mut input, Protocol::ALL);
    let streamed = *choose(&mut input, &[true, false]);
    let signs = cuts(&mut input);
    let pieces = pieces(signs, input);

    for framing in [Framing::Sse, Framing::Lines, Framing::EventStream] {
        assert_eq!(frames(framing, &pieces), frames(framing, &[input]), "any split gives the same frames");
    }

    let redactor = Redactor::new(SECRETS);
    let mut streaming = redactor.clone().streaming();
    let mut clean: Vec<u8> = Vec::new();
    for piece in &pieces {
        clean.extend_from_slice(&streaming.push(Bytes::copy_from_slice(piece)));
    }
    clean.extend_from_slice(&streaming.finish());
    assert_eq!(clean, *redactor.redact(input), "any split hides the same");

    let mut tap = Tap::new(protocol, streamed);
    for piece in &pieces {
        tap.see(&Bytes::copy_from_slice(piece));
    }
    let _ = (tap.complete(), tap.tokens());
});
