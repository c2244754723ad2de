//! Tries a request's targets in order until one answers.
//!
//! A target that refuses, times out or is overloaded before its first byte costs the client nothing: the next one is
//! tried, and the catalog hears of it. After the first byte nothing is tried again. Who the targets are is `routing`'s
//! business, how bytes pass is `forward`'s.

mod forward;
pub(crate) mod headers;
pub mod plan;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, watch};

pub use forward::Forwarded;

use crate::builtin::{Engine, Lease};
use crate::catalog::{Endpoint, Event, Failure, Origin};
use crate::error::Error;
use crate::ingress::peek::Peek;
use crate::protocol::{Operation, Protocol, Speaks};
use crate::provider::{Quirks, RuntimeSpec};
use crate::routing::Target;
use crate::secrets::Vault;
use crate::secrets::redact::Redactor;
use crate::settings::{Limits, Settings};
use crate::upstream::{Pieces, SendError, Upstream, UpstreamBody};
use crate::usage::recorder::Recorder;
use crate::usage::tap::Tap;
use plan::{Plan, plan};

/// A request that was let in.
#[derive(Debug)]
pub struct Inbound {
    /// The surface it came by.
    pub protocol: Protocol,
    /// What is asked.
    pub operation: Operation,
    /// Its headers, as they came.
    pub headers: HeaderMap,
    /// Its query, as it came.
    pub query: Option<String>,
    /// Its body, as it came.
    pub body: Bytes,
    /// What stands in the body.
    pub peek: Peek,
}

/// All that dispatch needs of the gateway.
pub struct Dispatch {
    /// The outbound clients.
    pub upstream: Upstream,
    /// Where failures are told.
    pub events: mpsc::Sender<Event>,
    /// Where credentials come from.
    pub vault: Arc<Vault>,
    /// The built-in runtime.
    pub engine: Engine,
    /// The table of runtimes, for their quirks.
    pub runtimes: Arc<[RuntimeSpec]>,
    /// This run's id.
    pub instance: HeaderValue,
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
}

/// What one attempt came to.
enum Attempt {
    /// An answer to pass on, good or bad.
    Answer(Box<Answer>),
    /// Nothing to pass on.
    Failed(Error, Option<Failure>),
}

struct Answer {
    response: Response<UpstreamBody>,
    /// The first bytes of the body, which are waited for: a head alone is not yet an answer.
    first: Option<Bytes>,
    redactor: Option<Redactor>,
    lease: Option<Lease>,
    /// Whether another target should be tried first, and what the catalog should hear.
    retry: Option<Failure>,
}

impl Dispatch {
    /// Answers a request from the first target that can.
    pub async fn answer(
        &self,
        inbound: Inbound,
        targets: &[Target],
        mut recorder: Recorder,
    ) -> Result<Response<Forwarded>, (Error, Recorder)> {
        let spoken: Vec<(&Target, &Speaks)> = targets
            .iter()
            .filter_map(|target| match plan(inbound.protocol, inbound.operation, &target.endpoint)? {
                Plan::Forward(speaks) => Some((target, speaks)),
            })
            .collect();
        let Some(last) = spoken.len().checked_sub(1) else {
            return Err((not_spoken(&inbound, targets), recorder));
        };
        let limits = self.settings.borrow().limits;
        let mut failed = Error::Internal;
        for (nth, (target, speaks)) in spoken.iter().enumerate() {
            recorder.attempt(target);
            match self.attempt(&inbound, target, speaks, &limits).await {
                Attempt::Answer(answer) => {
                    match &answer.retry {
                        Some(failure) => self.tell(Event::Failed(Arc::clone(&target.endpoint.id), failure.clone())),
                        None if !target.endpoint.health.is_clear() => {
                            self.tell(Event::Recovered(Arc::clone(&target.endpoint.id)))
                        }
                        None => {}
                    }
                    if answer.retry.is_none() || nth == last {
                        return Ok(self.pass_on(*answer, &inbound, target, recorder, &limits));
                    }
                    tracing::debug!(endpoint = %target.endpoint.id, status = %answer.response.status(), "trying the next target");
                }
                Attempt::Failed(error, failure) => {
                    tracing::debug!(endpoint = %target.endpoint.id, %error, "no answer");
                    if let Some(failure) = failure {
                        self.tell(Event::Failed(Arc::clone(&target.endpoint.id), failure));
                    }
                    failed = error;
                }
            }
        }
        Err((failed, recorder))
    }

    /// Never waits: a full queue means that the catalog hears of it from the next request.
    fn tell(&self, event: Event) {
        let _ = self.events.try_send(event);
    }

    async fn attempt(&self, inbound: &Inbound, target: &Target, speaks: &Speaks, limits: &Limits) -> Attempt {
        let endpoint = &target.endpoint;
        let mut lease = match self.lease(target).await {
            Ok(lease) => lease,
            Err(error) => return Attempt::Failed(error, None),
        };
        let secret = match &endpoint.credential {
            None => None,
            Some(reference) => match self.vault.lookup(reference).await {
                Ok(Some(secret)) => Some(secret),
                Ok(None) => return self.no_credential(endpoint, "nothing is stored there"),
                Err(error) => return self.no_credential(endpoint, &error.to_string()),
            },
        };
        let first_byte = Duration::from_secs(limits.first_byte_seconds);
        let mut tries = [true, false].into_iter();
        // A kept connection may have died unseen, most often because the runtime restarted: one new try finds out.
        let error = loop {
            let first = tries.next() == Some(true);
            let key = secret.as_ref().map(|secret| secret.expose()).or_else(|| lease.as_ref().map(Lease::key));
            let Some(request) = self.request(inbound, target, speaks, lease.as_ref(), key) else {
                let reason = "its address cannot be used".to_owned();
                return Attempt::Failed(Error::Unreachable { endpoint: Arc::clone(&endpoint.id), reason }, None);
            };
            // The head and the first bytes of the body have one time together.
            let asked = async {
                let mut response = self.upstream.send(request, endpoint.local).await?;
                let first = if response.status().is_success() { first_bytes(response.body_mut()).await } else { None };
                Ok((response, first))
            };
            let sent = match tokio::time::timeout(first_byte, asked).await {
                Ok(sent) => sent,
                Err(_) => {
                    let error = Error::TimedOut { endpoint: Arc::clone(&endpoint.id), waited: first_byte };
                    return Attempt::Failed(error, Some(Failure::TimedOut));
                }
            };
            match (sent, &lease) {
                (Ok((response, first)), _) => {
                    let redactor = secret.map(|secret| Redactor::new([secret.expose()]));
                    return self.judge(endpoint, Answer { response, first, redactor, lease, retry: None });
                }
                // A child that fell leaves its connections broken or its port closed; a new one is somewhere else. While
                // it lives the lease is kept: who waits for a second one with the first in hand may wait for ever.
                (Err(SendError::Broken | SendError::Connect(_)), Some(held)) if first && held.is_lost().await => {
                    lease = match self.lease(target).await {
                        Ok(lease) => lease,
                        Err(error) => return Attempt::Failed(error, None),
                    };
                }
                (Err(SendError::Broken), _) if endpoint.local && first => {}
                (Err(error), _) => break error,
            }
        };
        match error {
            SendError::LocalOnly => Attempt::Failed(Error::LocalOnly { name: endpoint.id.to_string() }, None),
            SendError::Connect(_) | SendError::Broken => Attempt::Failed(
                Error::Unreachable { endpoint: Arc::clone(&endpoint.id), reason: error.to_string() },
                Some(Failure::Unreachable),
            ),
        }
    }

    async fn lease(&self, target: &Target) -> Result<Option<Lease>, Error> {
        if target.endpoint.origin != Origin::BuiltIn {
            return Ok(None);
        }
        let lease = self.engine.ready(&target.model.id).await;
        lease
            .map(Some)
            .map_err(|error| Error::EngineFailed { model: Arc::clone(&target.model.id), reason: error.to_string() })
    }

    fn no_credential(&self, endpoint: &Endpoint, reason: &str) -> Attempt {
        let error = Error::NoCredential { endpoint: Arc::clone(&endpoint.id), reason: reason.to_owned() };
        Attempt::Failed(error, Some(Failure::Unauthorized))
    }

    /// The request as the target should see it.
    fn request(
        &self,
        inbound: &Inbound,
        target: &Target,
        speaks: &Speaks,
        lease: Option<&Lease>,
        secret: Option<&str>,
    ) -> Option<Request<Pieces>> {
        let path = inbound.protocol.path(inbound.operation)?;
        let base = &target.endpoint.base_url;
        let query = inbound.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let uri: Uri = match lease {
            Some(lease) => format!("http://{}{}{path}{query}", lease.address(), speaks.prefix),
            None => format!(
                "{}{}{}{path}{query}",
                &base[..url::Position::AfterPort],
                base.path().trim_end_matches('/'),
                speaks.prefix
            ),
        }
        .parse()
        .ok()?;
        let mut request = Request::new(Pieces::new(inbound.peek.renamed(&inbound.body, &target.model.id)));
        *request.method_mut() = Method::POST;
        let mut headers = inbound.headers.clone();
        headers::strip_request(&mut headers);
        headers.insert(HOST, HeaderValue::from_str(uri.authority()?.as_str()).ok()?);
        headers.insert(headers::HOP, self.instance.clone());
        if inbound.operation != Operation::Transcription && inbound.operation != Operation::Translation {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(secret) = secret {
            let (name, value) = credential(inbound.protocol, target.endpoint.origin.runtime(), secret)?;
            headers.insert(name, value);
        }
        *request.headers_mut() = headers;
        *request.uri_mut() = uri;
        Some(request)
    }

    /// What an answer's head and first bytes say of its target.
    fn judge(&self, endpoint: &Endpoint, mut answer: Answer) -> Attempt {
        let status = answer.response.status();
        if status.is_redirection() || status.is_informational() {
            // The prompt is never sent to an address that an answer names.
            let reason = "redirects and switches of protocol are not followed".to_owned();
            let error = Error::BadAnswer { endpoint: Arc::clone(&endpoint.id), status: status.as_u16(), reason };
            return Attempt::Failed(error, Some(Failure::ServerError(status.as_u16())));
        }
        answer.retry = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Some(Failure::Overloaded(retry_after(answer.response.headers())))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if endpoint.credential.is_some() => {
                Some(Failure::Unauthorized)
            }
            // This runtime answers 500 to a client's own mistake.
            StatusCode::INTERNAL_SERVER_ERROR if self.quirks(endpoint).server_error_is_clients => None,
            StatusCode::NOT_IMPLEMENTED => None,
            status if status.is_server_error() => Some(Failure::ServerError(status.as_u16())),
            _ => None,
        };
        if status.is_success() {
            let Some(bytes) = &answer.first else {
                let error = Error::BrokeOff { endpoint: Arc::clone(&endpoint.id) };
                return Attempt::Failed(error, Some(Failure::Unreachable));
            };
            if bytes.trim_ascii_start().starts_with(b"{\"error\"") && self.quirks(endpoint).error_in_200 {
                // Told as what it is: a client that reads only the status must not take it for an answer.
                *answer.response.status_mut() = StatusCode::BAD_REQUEST;
            }
        }
        Attempt::Answer(Box::new(answer))
    }

    fn quirks(&self, endpoint: &Endpoint) -> Quirks {
        let runtime = endpoint.origin.runtime();
        self.runtimes.iter().find(|row| Some(&*row.id) == runtime).map(|row| row.quirks).unwrap_or_default()
    }

    fn pass_on(
        &self,
        answer: Answer,
        inbound: &Inbound,
        target: &Target,
        mut recorder: Recorder,
        limits: &Limits,
    ) -> Response<Forwarded> {
        let (mut parts, body) = answer.response.into_parts();
        headers::strip_response(&mut parts.headers);
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let streamed = kind.starts_with("text/event-stream") || kind.starts_with("application/x-ndjson");
        if streamed || answer.redactor.is_some() {
            // A stream may get an error event added, a redacted answer may shrink.
            parts.headers.remove(http::header::CONTENT_LENGTH);
        }
        if answer.redactor.is_some() {
            redact_headers(&mut parts.headers, answer.redactor.as_ref());
        }
        recorder.answered(parts.status.as_u16(), Tap::new(inbound.protocol, streamed && parts.status.is_success()));
        let name = format!("{}/{}", target.endpoint.id, target.model.id);
        if let Ok(name) = HeaderValue::from_str(&name) {
            parts.headers.insert(headers::TARGET, name);
        }
        parts.headers.insert(headers::LOCAL, headers::flag(target.local()));
        parts.headers.insert(headers::ATTEMPTS, HeaderValue::from(u16::from(recorder.attempts())));
        let body = Forwarded::new(forward::Source {
            body,
            first: answer.first,
            protocol: inbound.protocol,
            endpoint: Arc::clone(&target.endpoint.id),
            streamed,
            idle: Duration::from_secs(limits.idle_seconds),
            recorder,
            redactor: answer.redactor,
            lease: answer.lease,
        });
        Response::from_parts(parts, body)
    }
}

/// The one header that carries a credential: `x-api-key` for Anthropic's protocol, but for vLLM, which knows bearers only.
fn credential(protocol: Protocol, runtime: Option<&str>, secret: &str) -> Option<(HeaderName, HeaderValue)> {
    let own_header = protocol == Protocol::Anthropic && runtime != Some("vllm");
    let (name, value) = if own_header {
        (HeaderName::from_static("x-api-key"), HeaderValue::from_str(secret))
    } else {
        (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {secret}")))
    };
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

fn redact_headers(headers: &mut HeaderMap, redactor: Option<&Redactor>) {
    let Some(redactor) = redactor else { return };
    for value in headers.values_mut() {
        if let std::borrow::Cow::Owned(clean) = redactor.redact(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static("[redacted]"));
        }
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    })
}

/// The first bytes of a body; `None` if it ends or breaks before there are any.
async fn first_bytes(body: &mut UpstreamBody) -> Option<Bytes> {
    loop {
        let bytes = body.frame().await?.ok()?.into_data();
        if let Ok(bytes) = bytes
            && !bytes.is_empty()
        {
            return Some(bytes);
        }
    }
}

fn not_spoken(inbound: &Inbound, targets: &[Target]) -> Error {
    let Some(target) = targets.first() else { return Error::Internal };
    let mut spoken: Vec<&str> = target.endpoint.speaks.iter().map(|speaks| speaks.protocol.title()).collect();
    spoken.dedup();
    let speaks = if spoken.is_empty() { "nothing yet".to_owned() } else { spoken.join(", ") };
    Error::NotSpoken {
        endpoint: Arc::clone(&target.endpoint.id),
        model: Arc::clone(&target.model.id),
        operation: inbound.operation,
        protocol: inbound.protocol,
        speaks,
    }
}
