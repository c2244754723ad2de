//! One request, from its head to the head of its answer.
//!
//! Reads top-down as the checks are made: Host and Origin, path, key, body, route, dispatch. Every refusal is told in
//! the shape of the surface that the path belongs to and counted in the usage table.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::body::Body;
use super::guard::{self, Guard, Key};
use super::lists;
use super::responses;
use super::waiting::Waiting;
use crate::catalog::{Catalog, Origin};
use crate::dispatch::memory::Memory;
use crate::dispatch::{Dispatch, Inbound, headers};
use crate::error::Error;
use crate::ingress::peek::{self, Peek, PeekError};
use crate::ingress::{self, Place, mlflow};
use crate::protocol::{Operation, Protocol, gemini, refusal};
use crate::recall::Shelf;
use crate::routing::{self, Asked, Target};
use crate::settings::Settings;
use crate::usage::recorder::{Open, Recorder};
use crate::usage::{Outcome, Sink};

/// A body must go on coming: so long without a byte and it is given up.
const BODY_PAUSE: Duration = Duration::from_secs(20);

/// What holds on one port. One snapshot of each is taken at a request's start.
pub struct Door {
    /// Who may ask.
    pub guard: watch::Receiver<Arc<Guard>>,
    /// What the user decided.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Whether only that is answered which an Ollama would answer.
    pub ollama_only: bool,
}

/// What every request reads, on whichever port it comes.
pub struct Shared {
    /// What is available.
    pub catalog: watch::Receiver<Arc<Catalog>>,
    /// How targets are tried.
    pub dispatch: Dispatch,
    /// Where answers of the Responses API are kept.
    pub shelf: Shelf,
    /// Where usage goes.
    pub usage: Sink,
    /// How many requests are being answered.
    pub open: Open,
    /// This run's id.
    pub instance: HeaderValue,
    /// How many requests came so far.
    pub requests: AtomicU64,
}

impl Shared {
    /// A number of this run's own, counted up: unique together with the instance, which stands beside it.
    fn request_id(&self) -> HeaderValue {
        HeaderValue::from(self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether a stream in `protocol` from `target` would first have to wait for a load that we know of. Ollama's
    /// protocol has no comments to tell it with, and Google's SDK for Python takes one for JSON.
    fn must_load(&self, protocol: Protocol, target: &Target) -> bool {
        !matches!(protocol, Protocol::Ollama | Protocol::Gemini)
            && target.endpoint.origin == Origin::BuiltIn
            && !self.dispatch.engine.is_up(&target.model.id)
    }
}

/// Answers one request, whatever happens.
pub(super) async fn answer(shared: &Arc<Shared>, door: &Door, request: Request<Incoming>) -> Response<Body> {
    let guard = Arc::clone(&door.guard.borrow());
    if let Err(error) = guard.host(request.uri(), request.headers()) {
        return refuse(shared, Protocol::OpenAiChat, &error);
    }
    let origin = match guard.origin(request.headers()) {
        Ok(origin) => origin.cloned(),
        Err(error) => return refuse(shared, Protocol::OpenAiChat, &error),
    };
    let mut response = if guard::is_preflight(request.method(), request.headers()) {
        preflight(shared, origin.as_ref(), &request)
    } else {
        let mut response = admitted(shared, door, &guard, request).await;
        if let Some(origin) = &origin {
            guard::grant(response.headers_mut(), origin, None);
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(headers::INSTANCE, shared.instance.clone());
    // An upstream's own id is kept: its vendor asks for it when something is wrong.
    if !headers.contains_key(headers::REQUEST_ID) {
        headers.insert(headers::REQUEST_ID, shared.request_id());
    }
    response
}

fn preflight(shared: &Shared, origin: Option<&HeaderValue>, request: &Request<Incoming>) -> Response<Body> {
    let Some(origin) = origin else { return refuse(shared, Protocol::OpenAiChat, &Error::ForeignOrigin) };
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    guard::grant(response.headers_mut(), origin, Some(request.headers()));
    response
}

/// A request whose Host and Origin are right.
async fn admitted(shared: &Arc<Shared>, door: &Door, guard: &Guard, mut request: Request<Incoming>) -> Response<Body> {
    // From here on nobody hears of a prefix.
    if !door.ollama_only
        && let Some(plain) = mlflow::plain_uri(request.uri())
    {
        *request.uri_mut() = plain;
    }
    let path = request.uri().path();
    let place = ingress::place(path).filter(|place| !door.ollama_only || place.is_ollamas(path));
    let protocol = place.map_or_else(|| ingress::protocol_of_unknown(path), Place::protocol);
    let key = guard.key(request.headers());
    if !matches!(place, Some(Place::Root | Place::Health | Place::WellKnown))
        && let Err(error) = guard.admit(&key)
    {
        return refuse(shared, protocol, &error);
    }
    let Some(place) = place else {
        let error = Error::NoSuchPath { method: request.method().to_string(), path: printable(path) };
        return refuse(shared, protocol, &error);
    };
    if request.headers().contains_key(headers::HOP) {
        return refuse(shared, protocol, &Error::Loop);
    }
    if let Err(allowed) = place.allows(request.method()) {
        let mut response = refuse(shared, protocol, &Error::WrongMethod { path: printable(path), allowed });
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    let head = request.method() == Method::HEAD;
    let catalog = || Arc::clone(&shared.catalog.borrow());
    let settings = || Arc::clone(&door.settings.borrow());
    let listed = match place {
        // In a box: an async function's state is copied each time that it is handed on, and this one's is large.
        Place::Infer(protocol, operation) => {
            return Box::pin(infer(shared, door, Question { protocol, asks: Asks::Said(operation) }, key, request))
                .await;
        }
        Place::Invoke(name) => {
            let asks = Asks::InBody { name: named(name) };
            return Box::pin(infer(shared, door, Question { protocol, asks }, key, request)).await;
        }
        Place::OllamaChange(what) => return refuse(shared, protocol, &Error::StateChanging { what }),
        Place::Response(_) | Place::ResponseItems(_) | Place::ResponseCancel(_) => {
            let query = request.uri().query().unwrap_or_default();
            match responses::answer(&shared.shelf, &responses::owner(&key), place, request.method(), query).await {
                Ok(answer) => answer,
                Err(error) => return refuse(shared, protocol, &error),
            }
        }
        Place::GeminiModels => lists::gemini(&catalog(), &settings()),
        Place::Models if is_googles(request.headers()) => lists::gemini(&catalog(), &settings()),
        Place::GeminiModel(id) => match lists::one(&catalog(), &settings(), &named(id), Protocol::Gemini) {
            Ok(model) => model,
            Err(error) => return refuse(shared, protocol, &error),
        },
        Place::Models if request.headers().contains_key("anthropic-version") => {
            lists::anthropic(&catalog(), &settings())
        }
        Place::Models => lists::openai(&catalog(), &settings()),
        Place::Model(id) => {
            let shape = match request.headers() {
                headers if is_googles(headers) => Protocol::Gemini,
                headers if headers.contains_key("anthropic-version") => Protocol::Anthropic,
                _ => protocol,
            };
            match lists::one(&catalog(), &settings(), &named(id), shape) {
                Ok(model) => model,
                Err(error) => return refuse(shared, protocol, &error),
            }
        }
        Place::OllamaTags => lists::ollama_tags(&catalog(), &settings()),
        Place::OllamaLoaded => lists::ollama_loaded(&catalog(), &settings()),
        Place::OllamaShow => return show(shared, &settings(), request).await,
        Place::OllamaVersion => lists::ollama_version(),
        Place::WellKnown => lists::well_known(shared.instance.to_str().unwrap_or_default()),
        Place::Health => Bytes::from_static(b"{\"status\":\"ok\"}"),
        Place::Root if door.ollama_only => return text("Ollama is running"),
        Place::Root => return text("Pointsman is running. Models: GET /v1/models\n"),
    };
    let mut response = json(if head { Bytes::new() } else { listed.clone() });
    if head {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(listed.len()));
    }
    response
}

/// One model's details in Ollama's shape.
async fn show(shared: &Shared, settings: &Settings, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let read = read(parts.headers.get(CONTENT_ENCODING), body, settings.limits.body_bytes).await;
    let shown = read.and_then(|body| {
        let name = peek::shown(&body).map_err(|error| Error::BadRequest { reason: error.to_string() })?;
        lists::ollama_show(&Arc::clone(&shared.catalog.borrow()), settings, &name)
    });
    match shown {
        Ok(shown) => json(shown),
        Err(error) => refuse(shared, Protocol::Ollama, &error),
    }
}

fn json(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether one of Google's SDKs asks, where its paths are OpenAI's too. Not by its key: any tool may send one that way.
fn is_googles(headers: &HeaderMap) -> bool {
    headers.contains_key("x-goog-api-client")
}

/// A name as a path has it: slashes come escaped from some clients and plain from others.
fn named(id: &str) -> String {
    gemini::path::decoded(id).map_or_else(|| id.to_owned(), Cow::into_owned)
}

/// What a path says of a question.
struct Question {
    protocol: Protocol,
    asks: Asks,
}

/// What kind of question it is.
enum Asks {
    /// The path says it.
    Said(Operation),
    /// The path names the model only, and the body says the rest.
    InBody { name: String },
}

/// A question to a model.
async fn infer(
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
        _ => routing::DEFAULT.into(),
    };
    let mut recorder =
        Recorder::new(shared.usage.clone(), shared.open.clone(), protocol, operation, Arc::clone(&asked));
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
            Box::pin(Memory::recall(&shared.shelf, *turn, owner, &settings)).await
        }
        None => None,
    };
    let query = parts.uri.query().map(|query| match protocol {
        Protocol::Gemini => gemini::forward::query(query).into_owned(),
        Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::Anthropic | Protocol::Ollama => query.to_owned(),
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
        Err((error, mut recorder)) => {
            let outcome = if recorder.attempts() == 0 { Outcome::Refused } else { Outcome::Failed };
            let attempts = u16::from(recorder.attempts());
            recorder.ended(outcome, Some(error.status().as_u16()), Some(error.to_string()));
            let mut response = refuse(shared, protocol, &error);
            let headers = response.headers_mut();
            headers.insert(headers::ATTEMPTS, HeaderValue::from(attempts));
            if let Some((endpoint, model)) = recorder.target() {
                headers::name(headers, endpoint, model);
            }
            response
        }
    }
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

/// The whole body, at most `limit` bytes.
async fn read(encoding: Option<&HeaderValue>, body: Incoming, limit: usize) -> Result<Bytes, Error> {
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Error::WrongContentType { wanted: "plain, without a content encoding" });
    }
    let expected = usize::try_from(hyper::body::Body::size_hint(&body).lower()).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    let mut body = Limited::new(body, limit);
    let mut first: Option<Bytes> = None;
    let mut rest: Option<BytesMut> = None;
    loop {
        let frame = match tokio::time::timeout(BODY_PAUSE, body.frame()).await {
            Err(_) => return Err(Error::BodyLost),
            Ok(None) => break,
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => return Err(Error::BodyTooLarge { limit }),
            Ok(Some(Err(_))) => return Err(Error::BodyLost),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(bytes) = frame.into_data() else { continue };
        match (&mut rest, &first) {
            (Some(all), _) => all.extend_from_slice(&bytes),
            // Most bodies come in one piece, which is then never copied.
            (None, None) => first = Some(bytes),
            (None, Some(start)) => {
                // What is told ahead is believed only so far: a body that never comes must cost nothing.
                let mut all = BytesMut::with_capacity((start.len() + bytes.len()).max(expected.min(1 << 20)));
                all.extend_from_slice(start);
                all.extend_from_slice(&bytes);
                rest = Some(all);
            }
        }
    }
    Ok(rest.map(BytesMut::freeze).or(first).unwrap_or_default())
}

/// What stands in the body: a form where a file is sent, else JSON whatever the content type says. Browsers' simple
/// requests were refused by their Origin before this; tools that follow Ollama's examples send no type at all.
fn look(kind: &str, operation: Operation, call: Option<gemini::path::Call>, body: &[u8]) -> Result<Peek, Error> {
    let bad = |error: PeekError| Error::BadRequest { reason: error.to_string() };
    if let Some(call) = call {
        return peek::path(body, call).map_err(bad);
    }
    match operation {
        Operation::Transcription | Operation::Translation => {
            let boundary = kind
                .strip_prefix("multipart/form-data")
                .and_then(|rest| rest.split(';').map(str::trim).find_map(|part| part.strip_prefix("boundary=")))
                .map(|boundary| boundary.trim_matches('"'))
                .filter(|boundary| (1..=70).contains(&boundary.len()));
            let Some(boundary) = boundary else {
                return Err(Error::WrongContentType { wanted: "multipart/form-data" });
            };
            peek::form(body, boundary).map_err(bad)
        }
        Operation::Chat
        | Operation::Completion
        | Operation::Embeddings
        | Operation::SingleEmbedding
        | Operation::CountTokens
        | Operation::Rerank
        | Operation::ShowModel => {
            if kind.starts_with("multipart/") {
                return Err(Error::WrongContentType { wanted: "application/json" });
            }
            peek::json(body).map_err(bad)
        }
    }
}

/// The two routes of Ollama that load a model, or unload it, when they are asked nothing.
fn operation_loads(operation: Operation) -> bool {
    matches!(operation, Operation::Chat | Operation::Completion)
}

fn refused(shared: &Shared, protocol: Protocol, error: &Error, mut recorder: Recorder) -> Response<Body> {
    recorder.ended(Outcome::Refused, Some(error.status().as_u16()), Some(error.to_string()));
    refuse(shared, protocol, error)
}

/// An error in the surface's own shape.
pub(super) fn refuse(shared: &Shared, protocol: Protocol, error: &Error) -> Response<Body> {
    // Quoted, since a client's and an upstream's own words stand in some.
    tracing::debug!(error = ?error.to_string(), "refused");
    let mut response = Response::new(Body::Whole(refusal::body(protocol, error)));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(headers::INSTANCE, shared.instance.clone());
    headers.extend(error.retry_after().map(|after| (RETRY_AFTER, after.clone())));
    response
}

fn text(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::from_static(text.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A path as it may stand in a message: bounded, and without anything that a terminal or a log would obey.
fn printable(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(120).collect()
}
