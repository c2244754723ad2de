//! Paths and the names in them: what is written is read again. No signs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_gateway::ingress::{self, mlflow};
use pointsman_gateway::protocol::gemini::path;
use pointsman_gateway::protocol::{Operation, Protocol};

const OPERATIONS: [Operation; 4] =
    [Operation::Chat, Operation::CountTokens, Operation::Embeddings, Operation::SingleEmbedding];

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let _ = (ingress::place(text), ingress::protocol_of_unknown(text), path::call(text), path::decoded(text));
    if let Some(plain) = mlflow::plain(text) {
        assert!(ingress::place(plain).is_some(), "{plain}");
    }
    if let Ok(uri) = text.parse::<http::Uri>() {
        let _ = mlflow::plain_uri(&uri);
    }

    let name = text.strip_prefix("models/").unwrap_or(text);
    let nested = ["models/", "tunedModels/"].iter().any(|collection| name.starts_with(collection));
    if name.is_empty() || nested {
        return;
    }
    for operation in OPERATIONS {
        let Some(path) = Protocol::Gemini.path_to(operation, name, true) else { continue };
        let path = format!("/v1beta{path}");
        assert_eq!(path.parse::<http::Uri>().map(|uri| uri.to_string()).ok().as_ref(), Some(&path), "a path is a path");
        let call = path::call(&path).expect("what is written is read");
        assert_eq!((call.model.as_str(), call.verb.operation()), (name, operation), "{path}");
    }
});
