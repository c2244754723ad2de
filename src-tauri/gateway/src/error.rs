//! What can go wrong with a request, told to the tool that asked.
//!
//! Each variant has one status and one code; each surface writes it in its own shape (`protocol::error_body`). A message
//! names the thing and the way out. It never holds a credential, and nothing that an upstream said is in it unredacted.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::address::Forbidden;
use crate::catalog::EndpointId;
use crate::protocol::{Holding, Operation, Protocol};
use crate::provider::hosted::ProviderSpec;

/// A request's failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The Host header is not ours: DNS rebinding or a wrong address.
    #[error("this Host is not served here; use http://127.0.0.1:{port} or http://localhost:{port}")]
    ForeignHost {
        /// Our port.
        port: u16,
    },
    /// A web page asked whose origin has no grant.
    #[error(
        "web pages of this origin may not call Pointsman; the user can allow it as `allowed_origins` in the settings"
    )]
    ForeignOrigin,
    /// No client key where one is needed.
    #[error("a client key is needed{}: make one with `pointsman keys add TOOL` and send it as a bearer token", .why)]
    KeyMissing {
        /// ` for models that leave this machine`, or empty.
        why: &'static str,
    },
    /// No endpoint of that name is in the settings.
    #[error("no endpoint named `{name}` is in the settings{}; add one with `pointsman keys add PROVIDER`", there_are(.known))]
    EndpointNotFound {
        /// The name.
        name: String,
        /// Those that are.
        known: Vec<EndpointId>,
    },
    /// Several endpoints, or none, hold what is asked for, and the request does not say which is meant.
    #[error("{}", whose(*.holding, .known))]
    HolderUnclear {
        /// What.
        holding: Holding,
        /// Those that do.
        known: Vec<EndpointId>,
    },
    /// The endpoint that the request names holds no such thing.
    #[error("{endpoint} holds no {} in the shape of {}; {}", .holding.id(), .protocol.title(), own_way(.endpoint, .elsewhere.as_deref()))]
    NotHeld {
        /// The endpoint.
        endpoint: EndpointId,
        /// What.
        holding: Holding,
        /// In which protocol.
        protocol: Protocol,
        /// Where it has them in a form of its own: a path below its address, or a whole address.
        elsewhere: Option<String>,
    },
    /// A batch is not done, or has come to nothing. In the words that Otari's clients read the state from.
    #[error("Batch '{id}' has no results (status: {status}); ask again when it is done")]
    BatchUnfinished {
        /// The batch.
        id: String,
        /// Its state, in its provider's word.
        status: String,
    },
    /// A client key that is none of ours.
    #[error("this client key is not known here; make one with `pointsman keys add TOOL`")]
    KeyUnknown,
    /// The path is no route of ours.
    #[error("no such path: {method} {path}")]
    NoSuchPath {
        /// The method as sent.
        method: String,
        /// The path, without its query, bounded and printable.
        path: String,
    },
    /// The path exists for another method.
    #[error("{path} is asked with {allowed}")]
    WrongMethod {
        /// The path.
        path: String,
        /// The methods it has.
        allowed: &'static str,
    },
    /// An operation that changes a runtime's state.
    #[error("{what} is not offered through Pointsman; ask the runtime itself")]
    StateChanging {
        /// Which.
        what: &'static str,
    },
    /// The body is larger than the limit.
    #[error("the body is larger than {limit} bytes (`limits.body_bytes` in the settings)")]
    BodyTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The body is not the JSON that the path wants.
    #[error("the request body cannot be read: {reason}")]
    BadRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// The content type is not the one that the path wants.
    #[error("the content type must be {wanted}")]
    WrongContentType {
        /// The one wanted.
        wanted: &'static str,
    },
    /// The body came too slowly or broke off.
    #[error("the request body did not arrive")]
    BodyLost,
    /// The request went through a Pointsman already.
    #[error("this request has come through Pointsman before: an endpoint leads back here")]
    Loop,
    /// The name matches nothing.
    #[error("no model named `{name}`{}", did_you_mean(.near))]
    ModelNotFound {
        /// The name asked for.
        name: String,
        /// Up to three that look like it.
        near: Vec<Arc<str>>,
    },
    /// The route exists but nothing can answer it now.
    #[error("nothing can answer the route `{route}` now: {reason}")]
    RouteEmpty {
        /// The route asked for.
        route: String,
        /// Why, and the way out.
        reason: String,
    },
    /// Local-only mode is on and every target leaves the machine.
    #[error("`{name}` leaves this machine and local-only mode is on; turn it off with `pointsman local-only off`")]
    LocalOnly {
        /// The name asked for.
        name: String,
    },
    /// The port gives local models only and every target leaves the machine.
    #[error(
        "`{name}` leaves this machine, and this port gives local models only; ask on Pointsman's own port, with a key"
    )]
    LocalPort {
        /// The name asked for.
        name: String,
    },
    /// The chosen target does not speak the protocol or cannot do the operation.
    #[error("{endpoint} cannot answer {} in {} for `{model}`: it speaks {speaks}", .operation.id(), .protocol.title())]
    NotSpoken {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// The target's model.
        model: Arc<str>,
        /// What was asked.
        operation: Operation,
        /// In which protocol.
        protocol: Protocol,
        /// What it does speak.
        speaks: String,
    },
    /// Something in the request cannot be said to the target in its protocol, and leaving it out would change the meaning.
    #[error("{reason}")]
    Unsayable {
        /// What, why, and the way out.
        reason: String,
    },
    /// No such response is kept for this caller.
    #[error("Response with id '{id}' not found.")]
    ResponseNotFound {
        /// The id asked for.
        id: String,
    },
    /// A request goes on from a response that is not kept for this caller.
    #[error("Previous response with id '{id}' not found{why}.")]
    PreviousNotFound {
        /// The id asked for.
        id: String,
        /// `: ` and why, or empty.
        why: &'static str,
    },
    /// The prompt does not fit into the model's context.
    #[error("the prompt is longer than the context of `{model}` on {endpoint}{}{}", tokens(.context), detail(.said))]
    ContextExceeded {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// The target's model.
        model: Arc<str>,
        /// The context in force, where it is known.
        context: Option<u32>,
        /// What the endpoint said, redacted.
        said: String,
    },
    /// The target refused in words of its own.
    #[error("{endpoint} answered {status}: {said}")]
    Refused {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// Its status.
        status: u16,
        /// Its own code, where it told one.
        code: Option<String>,
        /// What it said, redacted.
        said: String,
        /// When it wants to be asked again, as it said it.
        retry_after: Option<HeaderValue>,
    },
    /// The target refused the connection or it broke before the first byte.
    #[error("{endpoint} did not answer: {reason}")]
    Unreachable {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// What the connection said.
        reason: String,
    },
    /// The target's name leads where its endpoint may not be.
    #[error("{endpoint} is not asked: {why}")]
    AddressForbidden {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// What address that is, and the way out.
        why: Forbidden,
    },
    /// Nothing came in time.
    #[error("{endpoint} sent nothing for {} seconds", .waited.as_secs())]
    TimedOut {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// How long was waited.
        waited: Duration,
    },
    /// The target's answer cannot be passed on: a redirect, a switch of protocols, headers beyond bounds.
    #[error("{endpoint} answered {status}: {reason}")]
    BadAnswer {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// Its status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The target broke off in mid-answer.
    #[error("{endpoint} broke off before the answer was complete")]
    BrokeOff {
        /// The target's endpoint.
        endpoint: EndpointId,
    },
    /// The target's credential cannot be had.
    #[error("the key of {endpoint} cannot be read: {reason}")]
    NoCredential {
        /// The target's endpoint.
        endpoint: EndpointId,
        /// Why: keychain locked, variable not set.
        reason: String,
    },
    /// The built-in runtime could not bring the model up.
    #[error("the built-in runtime could not start `{model}`: {reason}")]
    EngineFailed {
        /// The model.
        model: Arc<str>,
        /// What it said, shortened.
        reason: String,
    },
    /// Too many requests are being held.
    #[error("too many requests at once")]
    Busy,
    /// The user gave the request up.
    #[error("the user cancelled this request in Pointsman")]
    Cancelled,
    /// The user paused the gateway.
    #[error("Pointsman is paused: no model is asked until the user goes on in its tray menu or window, or restarts it")]
    Paused,
    /// Pointsman is stopping.
    #[error("Pointsman is stopping")]
    Stopping,
    /// A fault of our own.
    #[error("a fault inside Pointsman; its log says more")]
    Internal,
}

impl Error {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::ForeignHost { .. } => StatusCode::MISDIRECTED_REQUEST,
            Error::ForeignOrigin
            | Error::StateChanging { .. }
            | Error::LocalOnly { .. }
            | Error::LocalPort { .. }
            | Error::AddressForbidden { .. } => StatusCode::FORBIDDEN,
            Error::KeyMissing { .. } | Error::KeyUnknown => StatusCode::UNAUTHORIZED,
            Error::NoSuchPath { .. }
            | Error::ModelNotFound { .. }
            | Error::EndpointNotFound { .. }
            | Error::ResponseNotFound { .. } => StatusCode::NOT_FOUND,
            Error::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Error::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::BadRequest { .. }
            | Error::Unsayable { .. }
            | Error::PreviousNotFound { .. }
            | Error::ContextExceeded { .. } => StatusCode::BAD_REQUEST,
            // The client's own mistakes and limits stay what they are; all else is a fault behind us.
            Error::Refused { status, .. } => StatusCode::from_u16(*status)
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .filter(|status| !matches!(status.as_u16(), 401 | 403 | 407))
                .unwrap_or(StatusCode::BAD_GATEWAY),
            Error::WrongContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::BatchUnfinished { .. } => StatusCode::CONFLICT,
            Error::BodyLost => StatusCode::REQUEST_TIMEOUT,
            Error::Loop => StatusCode::LOOP_DETECTED,
            // What Google's APIs answer for it. SDKs ask again after a 5xx, which nobody wants here.
            Error::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Error::RouteEmpty { .. } | Error::Busy | Error::Paused | Error::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Error::HolderUnclear { known, .. } if !known.is_empty() => StatusCode::BAD_REQUEST,
            Error::NotSpoken { .. } | Error::NotHeld { .. } | Error::HolderUnclear { .. } => {
                StatusCode::NOT_IMPLEMENTED
            }
            Error::Unreachable { .. }
            | Error::BadAnswer { .. }
            | Error::BrokeOff { .. }
            | Error::NoCredential { .. }
            | Error::EngineFailed { .. } => StatusCode::BAD_GATEWAY,
            Error::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When to ask again, where somebody said so.
    pub fn retry_after(&self) -> Option<&HeaderValue> {
        match self {
            Error::Refused { retry_after, .. } => retry_after.as_ref(),
            _ => None,
        }
    }

    /// The request's field that it is about, where that is one.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Error::PreviousNotFound { .. } => Some("previous_response_id"),
            _ => None,
        }
    }

    /// The machine-readable name, the same on every surface that has a place for one.
    pub fn code(&self) -> &'static str {
        match self {
            Error::ForeignHost { .. } => "foreign_host",
            Error::ForeignOrigin => "foreign_origin",
            Error::KeyMissing { .. } => "missing_api_key",
            Error::KeyUnknown => "invalid_api_key",
            Error::NoSuchPath { .. } => "unknown_path",
            Error::EndpointNotFound { .. } => "endpoint_not_found",
            Error::HolderUnclear { .. } => "provider_unclear",
            Error::WrongMethod { .. } => "method_not_allowed",
            Error::StateChanging { .. } => "state_changing",
            Error::BodyTooLarge { .. } => "body_too_large",
            Error::BadRequest { .. } => "bad_request",
            Error::WrongContentType { .. } => "unsupported_content_type",
            Error::BatchUnfinished { .. } => "batch_not_complete",
            Error::BodyLost => "body_lost",
            Error::Loop => "loop_detected",
            Error::ModelNotFound { .. } => "model_not_found",
            Error::RouteEmpty { .. } => "route_empty",
            Error::LocalOnly { .. } | Error::LocalPort { .. } => "local_only",
            Error::NotSpoken { .. } | Error::NotHeld { .. } => "not_supported_by_target",
            Error::Unsayable { .. } => "unsupported_value",
            Error::ResponseNotFound { .. } => "response_not_found",
            Error::PreviousNotFound { .. } => "previous_response_not_found",
            Error::ContextExceeded { .. } => "context_length_exceeded",
            Error::Refused { status: 429, .. } => "rate_limit_exceeded",
            Error::Refused { .. } => "upstream_refused",
            Error::Unreachable { .. } => "upstream_unreachable",
            Error::AddressForbidden { .. } => "address_forbidden",
            Error::TimedOut { .. } => "upstream_timeout",
            Error::BadAnswer { .. } => "upstream_bad_answer",
            Error::BrokeOff { .. } => "upstream_broke_off",
            Error::NoCredential { .. } => "upstream_key_unavailable",
            Error::EngineFailed { .. } => "engine_failed",
            Error::Busy => "busy",
            Error::Cancelled => "cancelled",
            Error::Paused => "paused",
            Error::Stopping => "stopping",
            Error::Internal => "internal_error",
        }
    }
}

fn tokens(context: &Option<u32>) -> String {
    context.map(|tokens| format!(", which is {tokens} tokens")).unwrap_or_default()
}

fn detail(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn there_are(known: &[EndpointId]) -> String {
    if known.is_empty() { String::new() } else { format!(" (there are {})", known.join(", ")) }
}

/// How to reach what a provider has in a form of its own.
fn own_way(endpoint: &str, elsewhere: Option<&str>) -> String {
    match elsewhere {
        Some(path) if path.starts_with('/') => {
            format!("it has them in a form of its own: `/gateway/proxy/{endpoint}{path}` reaches them")
        }
        Some(address) => format!("it has them in a form of its own at {address}, which is not reached from here"),
        None => format!("`/gateway/proxy/{endpoint}/PATH` reaches its own API"),
    }
}

fn whose(holding: Holding, known: &[EndpointId]) -> String {
    let what = holding.id();
    if known.is_empty() {
        let others = ProviderSpec::holding(holding).join(", ");
        return format!(
            "no provider in the settings holds {what}; {others} do: `pointsman keys add PROVIDER` adds one"
        );
    }
    let known = known.join(", ");
    format!(
        "whose {what} are meant? {known} hold some: add `?provider=NAME` or the header `x-pointsman-provider: NAME`"
    )
}

fn did_you_mean(near: &[Arc<str>]) -> String {
    match near {
        [] => "; `GET /v1/models` lists what there is".to_owned(),
        names => {
            format!("; did you mean {}?", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
