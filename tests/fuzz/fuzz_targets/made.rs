//! A whole answer that is no chat's, in any API, and all that a client can be told of it. Signs: protocol, and whether the
//! documents are wanted back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::{choose, must_be_json, surfaces};
use pointsman_gateway::picture::PictureRequest;
use pointsman_gateway::protocol::codec::{Surface, upstream};
use pointsman_gateway::protocol::{Operation, Protocol};
use pointsman_gateway::rerank::RerankRequest;
use pointsman_gateway::speech::SpeechRequest;

/// Requests that an API reads which has an answer to them.
const ORDER: &[u8] = br#"{"model":"m","query":"q","documents":["a"]}"#;
const PICTURE: &[u8] = br#"{"model":"m","prompt":"a"}"#;

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let upstream = upstream(*choose(&mut input, Protocol::ALL));
    let return_documents = *choose(&mut input, &[true, false]);
    if let Ok(ranking) = upstream.decode_ranking(input) {
        let documents = vec!["a".to_owned(), "b".to_owned()];
        let asked = RerankRequest { documents, return_documents, ..RerankRequest::default() };
        if let Some(ranking) = ranking.checked(&asked) {
            for (protocol, surface) in surfaces().filter(|(_, surface)| surface.decode_rerank(ORDER).is_ok()) {
                must_be_json(&surface.encode_ranking(&asked, &ranking), "an order", protocol);
            }
        }
    }
    if let Ok(pictures) = upstream.decode_pictures(input) {
        let asked = PictureRequest::default();
        let draws = |it: &&dyn Surface| it.decode_picture(Operation::Images, PICTURE).is_ok();
        for (protocol, surface) in surfaces().filter(|(_, surface)| draws(surface)) {
            must_be_json(&surface.encode_pictures(&asked, &pictures, 0), "pictures", protocol);
        }
    }
    if let Ok(speech) = upstream.decode_spoken(input) {
        for (_, surface) in surfaces() {
            let _ = surface.encode_speech(&SpeechRequest::default(), &speech);
        }
    }
});
