//! A question to a model, from its body to the head of its answer.
//!
//! Reads the body, peeks at what decides, asks `routing` who may answer and has `dispatch` ask them. Who may ask at all was
//! decided before, in `answer`.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use hyper::body::Incoming;

use super::answer::{Door, Shared, refuse};
use super::body::Body;
use super::guard::Key;
use super::read::read;
use super::responses;
use super::waiting::Waiting;
use crate::dispatch::memory::Memory;
use crate::dispatch::{Inbound, Unanswered, headers};
use crate::error::Error;
use crate::ingress::mlflow;
use crate::ingress::peek::{self, Peek, PeekError};
use crate::protocol::{Operation, Protocol, gemini};
use crate::routing::{self, Asked, Target};
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;

/// What a path says of a question.
pub(super) struct Question {
    pub(super) protocol: Protocol,
    pub(super) asks: Asks,
}

/// What kind of question it is.
pub(super) enum Asks {
    /// The path says it.
    Said(Operation),
    /// The path names the model only, and the body says the rest.
    InBody { name: String },
}

/// A question to a model.
pub(super) async fn infer(
    shared: &Arc<Shared>,
    door: &Door,
    Question { protocol, asks }: Question,
    key: Key,
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let settings = Arc::clone(&door.settings.borrow());
    let mut read = read(parts.headers.get(CONTENT_ENCODING), body, settings.limits.body_bytes).await;
    let operation = match asks {
        Asks::Said(operation) => operation,
        Asks::InBody { name } => {
            let invoked = read.and_then(|body| invoke(&name, &body));
            let operation = invoked.as_ref().map_or(Operation::Chat, |(operation, _)| *operation);
            let plain = protocol.path(operation).map(|path| format!("{}{path}", protocol.default_prefix()));
            parts.uri = plain.and_then(|path| mlflow::with_path(&parts.uri, &path)).unwrap_or(parts.uri);
            read = invoked.map(|(_, body)| body);
            operation
        }
    };
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let call = (protocol == Protocol::Gemini).then(|| gemini::path::call(path(&parts.uri))).flatten();
    let read = read.and_then(|body| {
        let (peek, turn) = match (protocol, operation) {
            (Protocol::OpenAiResponses, Operation::Chat) => responses::look(kind, &body)?,
            _ => (look(kind, operation, call, &body)?, None),
        };
        Ok((body, peek, turn))
    });
    let asked: Arc<str> = match &read {
        Ok((_, Peek { model: Some(name), .. }, _)) => name.as_str().into(),
        _ => protocol.assumed_model(operation).unwrap_or(routing::DEFAULT).into(),
    };
    let mut recorder =
        Recorder::new(shared.usage.clone(), shared.live.clone(), protocol, operation, Arc::clone(&asked));
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let (name, wrong_key) = match key {
        Key::Known(name) => (Some(name), false),
        Key::Wrong => (None, true),
        Key::None => (None, false),
    };
    let keyed = name.is_some();
    recorder.client(name.clone(), agent);
    let (body, peek, turn) = match read {
        Ok(read) => read,
        Err(error) => return refused(shared, protocol, &error, recorder),
    };
    recorder.keep(&shared.bodies, &body);
    if *shared.paused.borrow() {
        return refused(shared, protocol, &Error::Paused, recorder);
    }
    if protocol == Protocol::Ollama && operation_loads(operation) && !peek.asks {
        return refused(shared, protocol, &Error::StateChanging { what: "loading or unloading a model" }, recorder);
    }
    recorder.stream(peek.stream.unwrap_or(protocol == Protocol::Ollama && operation != Operation::Embeddings));
    let choice = {
        let catalog = Arc::clone(&shared.catalog.borrow());
        routing::route(&catalog, &settings, &Asked { name: &asked, operation, keyed, wrong_key }, Instant::now())
    };
    let choice = match choice {
        Ok(choice) => choice,
        Err(Error::LocalOnly { name }) if door.ollama_only => {
            return refused(shared, protocol, &Error::LocalPort { name }, recorder);
        }
        Err(error) => return refused(shared, protocol, &error, recorder),
    };
    let memory = match turn {
        // In a box, like all that few requests need.
        Some(turn) => {
            let owner = name.unwrap_or_default();
            Box::pin(Memory::recall(&shared.shelf, *turn, &body, owner, &settings)).await
        }
        None => None,
    };
    let query = parts.uri.query().map(|query| match protocol {
        Protocol::Gemini => gemini::forward::query(query).into_owned(),
        Protocol::OpenAiChat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
        | Protocol::Ollama
        | Protocol::BedrockConverse
        | Protocol::Cohere => query.to_owned(),
    });
    let query = query.filter(|query| !query.is_empty());
    let streams = peek.stream == Some(true);
    let context = choice.context;
    let inbound =
        Inbound { protocol, operation, uri: parts.uri, headers: parts.headers, query, body, peek, context, memory };
    if let Some(target) = choice.targets.first().filter(|target| streams && shared.must_load(protocol, target)) {
        let first = target.clone();
        return wait(shared, inbound, &first, choice.targets, recorder);
    }
    match shared.dispatch.answer(inbound, &choice.targets, recorder).await {
        Ok(response) => response.map(Body::Answer),
        Err(unanswered) => nobody(shared, protocol, &unanswered),
    }
}

/// Nobody answered: why, and who was asked last.
pub(super) fn nobody(shared: &Shared, protocol: Protocol, unanswered: &Unanswered) -> Response<Body> {
    let mut response = refuse(shared, protocol, &unanswered.error);
    // Given up: nobody failed.
    if matches!(unanswered.error, Error::Cancelled) {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(headers::ATTEMPTS, HeaderValue::from(u16::from(unanswered.attempts)));
    if let Some((endpoint, model)) = &unanswered.target {
        headers::name(headers, endpoint, model);
    }
    response
}

/// What an invocation asks, and its body with the model's name in it.
fn invoke(name: &str, body: &Bytes) -> Result<(Operation, Bytes), Error> {
    let bad = |reason: String| Error::BadRequest { reason };
    let peek = peek::json(body).map_err(|error| bad(error.to_string()))?;
    let operation =
        mlflow::operation(body).ok_or_else(|| bad("it has no `messages`, no `prompt` and no `input`".to_owned()))?;
    Ok((operation, peek.renamed(body, name).concat().into()))
}

/// A path with its query.
fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", PathAndQuery::as_str)
}

/// A stream that starts with comments, since its model must be loaded first.
fn wait(
    shared: &Arc<Shared>,
    inbound: Inbound,
    first: &Target,
    targets: Vec<Target>,
    recorder: Recorder,
) -> Response<Body> {
    let protocol = inbound.protocol;
    let shared = Arc::clone(shared);
    let answer = async move { shared.dispatch.answer(inbound, &targets, recorder).await };
    let waiting = Waiting::new(protocol, &first.model.id, Box::pin(answer));
    let mut response = Response::new(Body::Waiting(Box::new(waiting)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    headers::name(headers, &first.endpoint.id, &first.model.id);
    headers.insert(headers::LOCAL, headers::flag(first.local()));
    response
}

/// What stands in the body: a form where a file is sent, else JSON whatever the content type says. Browsers' simple
/// requests were refused by their Origin before this; tools that follow Ollama's examples send no type at all.
fn look(kind: &str, operation: Operation, call: Option<gemini::path::Call>, body: &[u8]) -> Result<Peek, Error> {
    let bad = |error: PeekError| Error::BadRequest { reason: error.to_string() };
    if let Some(call) = call {
        return peek::path(body, call).map_err(bad);
    }
    let form = match operation {
        Operation::Transcription | Operation::Translation => true,
        // Its images come as parts of a form, or as addresses in JSON.
        Operation::ImageEdit => kind.starts_with("multipart/"),
        Operation::Chat
        | Operation::Completion
        | Operation::Embeddings
        | Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Rerank
        | Operation::Images
        | Operation::Speech
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => false,
    };
    if form {
        let boundary = kind
            .strip_prefix("multipart/form-data")
            .and_then(|rest| rest.split(';').map(str::trim).find_map(|part| part.strip_prefix("boundary=")))
            .map(|boundary| boundary.trim_matches('"'))
            .filter(|boundary| (1..=70).contains(&boundary.len()));
        let Some(boundary) = boundary else {
            return Err(Error::WrongContentType { wanted: "multipart/form-data" });
        };
        return peek::form(body, boundary).map_err(bad);
    }
    if kind.starts_with("multipart/") {
        return Err(Error::WrongContentType { wanted: "application/json" });
    }
    peek::json(body).map_err(bad)
}

/// The two routes of Ollama that load a model, or unload it, when they are asked nothing.
fn operation_loads(operation: Operation) -> bool {
    matches!(operation, Operation::Chat | Operation::Completion)
}

pub(super) fn refused(shared: &Shared, protocol: Protocol, error: &Error, mut recorder: Recorder) -> Response<Body> {
    recorder.ended(Outcome::Refused, Some(error.status().as_u16()), Some(error.to_string()));
    refuse(shared, protocol, error)
}
