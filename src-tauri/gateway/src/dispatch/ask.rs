//! What one target is asked: path, headers and body, before its address and credential are put to it.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};

use super::{Inbound, context, headers};
use crate::catalog::{Address, Endpoint};
use crate::protocol::anthropic::{self, steady::steady};
use crate::protocol::fitted::{Fit, fitted};
use crate::protocol::foreign;
use crate::protocol::ollama::honest::honest;
use crate::protocol::shape::Shape;
use crate::protocol::shape::unwrapped::{Unwrapped, WRAPPED};
use crate::protocol::{Operation, Protocol, Speaks};
use crate::provider::hosted::{HostedQuirks, KeyHeader};
use crate::routing::Target;
use crate::upstream::{Pieces, UpstreamBody};

/// A request to one target.
pub(super) struct Ask<'a> {
    /// The protocol in which it is asked.
    protocol: Protocol,
    method: Method,
    /// Whether an answer without a body is one.
    pub(super) may_be_empty: bool,
    /// Everything behind the endpoint's base URL, query included.
    path: String,
    /// The client's own where it is forwarded. What must not go up is left out when the request is made.
    headers: Cow<'a, HeaderMap>,
    /// Whether the body is JSON, whatever the client said of it.
    json: bool,
    body: [Bytes; 3],
    /// How a cloud changes the protocol.
    shape: Option<Shape>,
    /// What its provider does not take, by the client's own field names.
    pub(super) dropped: Vec<String>,
}

impl<'a> Ask<'a> {
    /// The client's own bytes, or those to which the turns before it were joined, with the target's name for the model.
    pub(super) fn forward(
        inbound: &'a Inbound,
        target: &Target,
        speaks: &Speaks,
        joined: Option<Bytes>,
    ) -> Option<Ask<'a>> {
        let stream = inbound.peek.stream == Some(true);
        let mut path = speaks.path_to(inbound.operation, &target.model.id, stream)?;
        // A cloud has queries of its own.
        if let Some(query) = inbound.query.as_ref().filter(|_| speaks.takes_query()) {
            path = [&path, "?", query].concat();
        }
        let json = !inbound.peek.is_form();
        let mut edited = joined.or_else(|| edited(inbound, target));
        let mut dropped = Vec::new();
        if json
            && let Some((body, left_out)) =
                fitting(speaks, inbound.operation, target, edited.as_ref().unwrap_or(&inbound.body))
        {
            (edited, dropped) = (Some(body), left_out);
        }
        let anew = edited.and_then(|body| inbound.peek.again(&body).map(|peek| (body, peek)));
        let body = match anew {
            Some((body, peek)) => peek.renamed(&body, &target.model.id),
            None => inbound.peek.renamed(&inbound.body, &target.model.id),
        };
        let (method, mut headers) = (Method::POST, Cow::Borrowed(&inbound.headers));
        let body = if speaks.is_plain() {
            body
        } else {
            let whole = speaks.fit(inbound.operation, Pieces::new(body).joined(), headers.to_mut());
            [whole, Bytes::new(), Bytes::new()]
        };
        let (protocol, shape) = (inbound.protocol, speaks.shape);
        Some(Ask { protocol, method, may_be_empty: false, path, headers, json, body, shape, dropped })
    }

    /// The client's own request as it came, at another place.
    pub(super) fn raw(inbound: &'a Inbound, method: Method, path: String) -> Ask<'a> {
        let body = [inbound.body.clone(), Bytes::new(), Bytes::new()];
        let (protocol, headers) = (inbound.protocol, Cow::Borrowed(&inbound.headers));
        let (shape, dropped) = (None, Vec::new());
        Ask { protocol, method, may_be_empty: true, path, headers, json: false, body, shape, dropped }
    }

    /// A body of our own in another protocol. Of the client's headers only its name goes along: the others belong to the
    /// protocol that it speaks.
    pub(super) fn translated(
        inbound: &Inbound,
        target: &Target,
        speaks: &Speaks,
        asked: (Operation, String),
        body: Bytes,
    ) -> Ask<'static> {
        let (protocol, (operation, path)) = (speaks.protocol, asked);
        let (body, dropped) = fitting(speaks, operation, target, &body).unwrap_or((body, Vec::new()));
        let mut headers = HeaderMap::with_capacity(8);
        if let Some(agent) = inbound.headers.get(USER_AGENT) {
            headers.insert(USER_AGENT, agent.clone());
        }
        if protocol == Protocol::Anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
        }
        let body = speaks.fit(operation, body, &mut headers);
        let body = [body, Bytes::new(), Bytes::new()];
        let (method, headers, shape) = (Method::POST, Cow::Owned(headers), speaks.shape);
        Ask { protocol, method, may_be_empty: false, path, headers, json: true, body, shape, dropped }
    }

    /// Whether a refusal with this status is in a cloud's own words, which tools of the protocol do not know.
    pub(super) fn is_refused_otherwise(&self, status: StatusCode) -> bool {
        !status.is_success() && matches!(self.shape, Some(Shape::BedrockInvoke | Shape::Sagemaker))
    }

    /// An answer with the stream in it that the protocol's maker sends.
    pub(super) fn unwrapped(&self, response: Response<UpstreamBody>) -> Response<UpstreamBody> {
        let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let wrapped = kind.starts_with(WRAPPED.as_bytes());
        let Some(unwrapped) = self.shape.filter(|_| wrapped).and_then(Unwrapped::of) else { return response };
        let mut response = response.map(|body| body.unwrapped(unwrapped));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response.headers_mut().remove(CONTENT_LENGTH);
        response
    }

    /// Its body, in order.
    pub(super) fn body(&self) -> &[Bytes] {
        &self.body
    }

    /// The request as the target should see it, its URI a path; `None` if that is none.
    pub(super) fn request(
        &self,
        target: &Target,
        address: &Address,
        instance: &HeaderValue,
        secret: Option<&str>,
    ) -> Option<Request<Pieces>> {
        let uri = match target.endpoint.base_url.prefix() {
            "" => Bytes::copy_from_slice(self.path.as_bytes()),
            prefix => Bytes::from([prefix, &self.path].concat()),
        };
        let mut request = Request::new(Pieces::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(PathAndQuery::from_maybe_shared(uri).ok()?);
        let mut headers = headers::upwards(&self.headers);
        if self.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(HOST, address.host.clone());
        headers.insert(headers::HOP, instance.clone());
        let signed = target.endpoint.provider.as_ref().is_some_and(|account| account.signs());
        if let Some(secret) = secret.filter(|_| !signed) {
            let (name, value) = credential(self.protocol, &target.endpoint, secret)?;
            headers.insert(name, value);
        }
        *request.headers_mut() = headers;
        Some(request)
    }
}

/// The client's body with what this kind of server needs changed in it; `None` where nothing is.
fn edited(inbound: &Inbound, target: &Target) -> Option<Bytes> {
    let edited = match inbound.protocol {
        Protocol::Anthropic if !is_anthropics(target) => steady(&inbound.body),
        Protocol::Ollama if target.endpoint.origin.runtime() == Some("ollama") => {
            honest(inbound.operation, &inbound.body, context::kept(inbound, &target.model))
        }
        Protocol::OpenAiChat
        | Protocol::OpenAiResponses
        | Protocol::Anthropic
        | Protocol::Gemini
        | Protocol::Ollama
        | Protocol::BedrockConverse
        | Protocol::Cohere => None,
    };
    let body = edited.as_ref().unwrap_or(&inbound.body);
    let cut = checks_signatures(inbound.protocol, target).then(|| foreign::without(inbound.protocol, body)).flatten();
    cut.or(edited)
}

/// Whether a target refuses what it did not sign itself. Other vendors that speak these protocols sign nothing.
fn checks_signatures(protocol: Protocol, target: &Target) -> bool {
    match protocol {
        Protocol::Anthropic => !target.endpoint.local && target.model.id.contains("claude"),
        Protocol::OpenAiResponses | Protocol::Gemini => !target.endpoint.local,
        Protocol::OpenAiChat | Protocol::Ollama | Protocol::BedrockConverse | Protocol::Cohere => false,
    }
}

/// A body as a hosted provider takes it for the model, and what they do not; `None` where nothing is to be changed.
fn fitting(speaks: &Speaks, operation: Operation, target: &Target, body: &[u8]) -> Option<(Bytes, Vec<String>)> {
    let habits = target.endpoint.provider.as_deref()?.quirks.in_operation(operation);
    let protocol = speaks.protocol;
    let habits = match protocol {
        // Which of two names a dated version knows depends on the model.
        Protocol::OpenAiChat | Protocol::OpenAiResponses => {
            habits.filter(|_| speaks.shape != Some(Shape::AzureDeployment))
        }
        // The rows say what is not taken of OpenAI's form.
        Protocol::Anthropic => None,
        Protocol::Gemini | Protocol::Ollama | Protocol::BedrockConverse | Protocol::Cohere => return None,
    };
    if habits.is_none() && operation != Operation::Chat {
        return None;
    }
    let none = HostedQuirks::default();
    fitted(body, Fit { protocol, operation, model: &target.model.id, quirks: habits.unwrap_or(&none) })
}

/// Whether a target is one of Anthropic's own servers.
fn is_anthropics(target: &Target) -> bool {
    let host = target.endpoint.base_url.host_str().unwrap_or_default();
    host == "anthropic.com" || host.ends_with(".anthropic.com")
}

/// The one header that carries a credential: as the provider's row has it, else each protocol's own, but for vLLM, which
/// knows bearers only.
fn credential(protocol: Protocol, endpoint: &Endpoint, secret: &str) -> Option<(HeaderName, HeaderValue)> {
    match &endpoint.provider {
        Some(row) => row.credential(protocol, secret),
        None if endpoint.origin.runtime() == Some("vllm") => KeyHeader::Bearer.carrying(secret),
        None => KeyHeader::of(protocol).carrying(secret),
    }
}
