//! `POST /api/show`: one model's details in Ollama's shape.
//!
//! What is known of every model comes from memory. A model's template, parameters and licence only an Ollama knows, and editors
//! choose by the template how they complete code: where one has the model it is asked, and what it says of the context is
//! replaced by what a request has. One that does not answer at once costs only what it alone knows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::answer::{self, Shared};
use super::body::Body;
use super::lists;
use super::read::read;
use crate::error::Error;
use crate::ingress::peek;
use crate::protocol::{Operation, Protocol};
use crate::routing::Target;
use crate::settings::Settings;
use crate::upstream::Pieces;

/// How long the runtime may take.
const LONGEST: Duration = Duration::from_secs(2);
/// The most that it may say: a verbose answer lists the tokens of the vocabulary.
const MOST: usize = 64 << 20;
/// What stands in `parameters` for the context.
const CONTEXT: &str = "num_ctx";

/// Answers it.
pub(super) async fn show(shared: &Shared, settings: &Settings, request: Request<Incoming>) -> Response<Body> {
    match shown(shared, settings, request).await {
        Ok(shown) => answer::json(Bytes::from(shown.to_string())),
        Err(error) => answer::refuse(shared, Protocol::Ollama, &error),
    }
}

async fn shown(shared: &Shared, settings: &Settings, request: Request<Incoming>) -> Result<Value, Error> {
    let (parts, body) = request.into_parts();
    let body = read(parts.headers.get(CONTENT_ENCODING), body, settings.limits.body_bytes).await?;
    let name = peek::shown(&body).map_err(|error| Error::BadRequest { reason: error.to_string() })?;
    let (known, target) = lists::ollama_show(&Arc::clone(&shared.catalog.borrow()), settings, &name)?;
    let verbose = serde_json::from_slice::<Value>(&body).is_ok_and(|asked| asked["verbose"] == true);
    let told = tokio::time::timeout(LONGEST, ask(shared, &target, verbose)).await.ok().flatten();
    Ok(match told {
        Some(told) => merged(told, known),
        None => known,
    })
}

/// What the runtime itself says; `None` where it speaks otherwise, wants a key or fails.
async fn ask(shared: &Shared, target: &Target, verbose: bool) -> Option<Map<String, Value>> {
    let endpoint = &target.endpoint;
    let speaks = endpoint.speaks.iter().find(|speaks| speaks.protocol == Protocol::Ollama)?;
    let path = speaks.path_to(Operation::ShowModel, &target.model.id, false)?;
    if endpoint.credential.is_some() || !speaks.operations.contains(&Operation::ShowModel) {
        return None;
    }
    let address = endpoint.base_url.address();
    let asked = Bytes::from(json!({"model": &*target.model.id, "verbose": verbose}).to_string());
    let request = Request::builder()
        .method(Method::POST)
        .uri([endpoint.base_url.prefix(), &path].concat())
        .header(HOST, address.host.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(Pieces::new([asked, Bytes::new(), Bytes::new()]))
        .ok()?;
    let answer = shared.dispatch.upstream.send(request, address, endpoint.bounds()).await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let body = Limited::new(answer.into_body(), MOST).collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

/// What a runtime tells, with what a request to us has in place of what it would have there.
fn merged(mut told: Map<String, Value>, known: Value) -> Value {
    let Value::Object(known) = known else { return known };
    for (name, ours) in known {
        match (name.as_str(), told.get_mut(&name), ours) {
            ("model_info" | "details", Some(Value::Object(theirs)), Value::Object(ours)) => theirs.extend(ours),
            ("parameters", Some(Value::String(theirs)), Value::String(ours)) => *theirs = parameters(theirs, &ours),
            ("capabilities", Some(Value::Array(theirs)), Value::Array(ours)) => {
                // Those that we tell of, we decide.
                theirs.retain(|one| !lists::OLLAMA_CAPABILITIES.iter().any(|known| one == known));
                theirs.splice(..0, ours);
            }
            ("license" | "modelfile" | "template" | "modified_at", Some(_), _) => {}
            (_, _, ours) => {
                told.insert(name, ours);
            }
        }
    }
    Value::Object(told)
}

/// The runtime's parameters, one a line, with our line of the context in place of its own.
fn parameters(theirs: &str, ours: &str) -> String {
    let sets_context = |line: &&str| line.split_whitespace().next() == Some(CONTEXT);
    let rest = theirs.lines().filter(|line| ours.is_empty() || !sets_context(line));
    rest.chain(ours.lines()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_tells_is_kept_but_for_the_context() {
        #[track_caller]
        fn check([told, known, expected]: [Value; 3]) {
            let Value::Object(told) = told else { panic!("an object") };
            assert_eq!(merged(told, known), expected);
        }
        check([
            json!({"template": "t", "tensors": []}),
            json!({"template": ""}),
            json!({"template": "t", "tensors": []}),
        ]);
        check([json!({}), json!({"template": "", "capabilities": []}), json!({"template": "", "capabilities": []})]);
        check([
            json!({"model_info": {"a.context_length": 9, "a.block_count": 2}}),
            json!({"model_info": {"a.context_length": 4}}),
            json!({"model_info": {"a.context_length": 4, "a.block_count": 2}}),
        ]);
        check([
            json!({"capabilities": ["completion", "vision", "insert"]}),
            json!({"capabilities": ["completion", "tools"]}),
            json!({"capabilities": ["completion", "tools", "insert"]}),
        ]);
        check([
            json!({"parameters": "num_ctx 2048\nstop \"x\""}),
            json!({"parameters": "num_ctx 8192"}),
            json!({"parameters": "stop \"x\"\nnum_ctx 8192"}),
        ]);
        check([
            json!({"parameters": "num_ctx 2048"}),
            json!({"parameters": ""}),
            json!({"parameters": "num_ctx 2048"}),
        ]);
    }
}
