//! One request, from its head to the head of its answer.
//!
//! Reads top-down as the checks are made: Host and Origin, path, key. What is asked of a model goes on in `infer`, all else
//! is answered from memory. Every refusal is told in the shape of the surface that the path belongs to.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use tokio::sync::watch;

use super::body::Body;
use super::guard::{self, Guard};
use super::infer::{Asks, Question, infer};
use super::lists;
use super::proxy::{held, proxy};
use super::responses;
use super::show;
use crate::catalog::{Catalog, Origin};
use crate::dispatch::{Dispatch, headers};
use crate::error::Error;
use crate::ingress::{self, Place, mlflow};
use crate::protocol::{Protocol, gemini, refusal};
use crate::recall::Shelf;
use crate::routing::Target;
use crate::settings::Settings;
use crate::usage::Sink;
use crate::usage::bodies::Keeping;
use crate::usage::live::Live;

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
    /// What is being answered.
    pub live: Live,
    /// Whether what is asked and said is kept.
    pub bodies: Keeping,
    /// Whether no model is asked until the user goes on.
    pub paused: watch::Receiver<bool>,
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
    pub(super) fn must_load(&self, protocol: Protocol, target: &Target) -> bool {
        !matches!(protocol, Protocol::Ollama | Protocol::Gemini)
            && target.endpoint.origin == Origin::BuiltIn
            && !self.dispatch.engine.is_up(&target.model.id)
    }
}

/// Answers one request, whatever happens.
pub(super) async fn answer(shared: &Arc<Shared>, door: &Door, request: Request<Incoming>) -> Response<Body> {
    let guard = Arc::clone(&door.guard.borrow());
    if let Err(error) = guard.host(request.uri(), request.headers()) {
        return turn_away(shared, Protocol::OpenAiChat, &error, &request);
    }
    let origin = match guard.origin(request.headers()) {
        Ok(origin) => origin.cloned(),
        Err(error) => return turn_away(shared, Protocol::OpenAiChat, &error, &request),
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
        return turn_away(shared, protocol, &error, &request);
    }
    let Some(place) = place else {
        let error = Error::NoSuchPath { method: request.method().to_string(), path: printable(path) };
        return turn_away(shared, protocol, &error, &request);
    };
    if request.headers().contains_key(headers::HOP) {
        return turn_away(shared, protocol, &Error::Loop, &request);
    }
    if let Err(allowed) = place.allows(request.method()) {
        let error = Error::WrongMethod { path: printable(path), allowed };
        let mut response = turn_away(shared, protocol, &error, &request);
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
        Place::Proxy(endpoint, path) => {
            let (endpoint, path) = (named(endpoint), path.to_owned());
            return Box::pin(proxy(shared, door, key, (&endpoint, &path), request)).await;
        }
        Place::Held(protocol, holding, path) => {
            let path = path.to_owned();
            return Box::pin(held(shared, door, key, (protocol, holding, &path), request)).await;
        }
        Place::OllamaChange(what) => {
            return turn_away(shared, protocol, &Error::StateChanging { what }, &request);
        }
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
        Place::OllamaShow => return Box::pin(show::show(shared, &settings(), request)).await,
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

/// A body of ours.
pub(super) fn json(body: Bytes) -> Response<Body> {
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

/// A refusal of a request whose body was not read. What still comes of it would be taken for the next request, so the
/// connection ends with this answer, and says so: a client that is not told sends its next request into the close.
pub(super) fn turn_away(
    shared: &Shared,
    protocol: Protocol,
    error: &Error,
    request: &Request<Incoming>,
) -> Response<Body> {
    let mut response = refuse(shared, protocol, error);
    if !request.body().is_end_stream() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
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
    // Of these, part of the body may not have been read: see `turn_away`.
    if matches!(error, Error::BodyTooLarge { .. } | Error::BodyLost | Error::WrongContentType { .. }) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn text(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::from_static(text.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A path as it may stand in a message: bounded, and without anything that a terminal or a log would obey.
pub(super) fn printable(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(120).collect()
}
