//! Tries a request's targets in order until one answers.
//!
//! A target that refuses, times out or is overloaded before its first byte costs the client nothing: the next one is
//! tried, and the catalog hears of it. After the first byte nothing is tried again. Who the targets are is `routing`'s
//! business, how bytes pass is `forward`'s, and `translate`'s where the protocols differ.

mod answer_body;
mod ask;
mod attempt;
mod collect;
mod context;
mod estimate;
mod forward;
pub(crate) mod headers;
mod idle;
pub mod plan;
mod refused;
mod translate;
mod translated;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Response, Uri};
use tokio::sync::{mpsc, watch};

pub use answer_body::AnswerBody;

use crate::builtin::Engine;
use crate::catalog::Event;
use crate::error::Error;
use crate::ingress::peek::Peek;
use crate::protocol::{Operation, Protocol, codec};
use crate::provider::RuntimeSpec;
use crate::routing::Target;
use crate::secrets::Vault;
use crate::secrets::redact::Redactor;
use crate::settings::{Limits, Settings};
use crate::upstream::Upstream;
use crate::usage::recorder::Recorder;
use crate::usage::tap::Tap;
use ask::Ask;
use attempt::{Answer, Attempt};
use forward::Forwarded;
use plan::{Plan, plan};
use translate::{Onward, Posed, Translation};

/// A request that was let in.
#[derive(Debug)]
pub struct Inbound {
    /// The surface it came by.
    pub protocol: Protocol,
    /// What is asked.
    pub operation: Operation,
    /// Its path and query, as they came.
    pub uri: Uri,
    /// Its headers, as they came.
    pub headers: HeaderMap,
    /// Its query, as it is forwarded.
    pub query: Option<String>,
    /// Its body, as it came.
    pub body: Bytes,
    /// What stands in the body.
    pub peek: Peek,
    /// The route's context setting.
    pub context: Option<u32>,
}

impl Inbound {
    /// Its path with its query, as they came.
    fn path(&self) -> &str {
        self.uri.path_and_query().map_or("", PathAndQuery::as_str)
    }
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

/// How one target is asked, with all that it is asked.
enum Way<'t> {
    Forward(Box<Ask<'t>>),
    Translate(&'t Translation, Box<Posed>),
    Estimate(&'t Translation),
}

impl<'t> Way<'t> {
    /// `translation` is the request as it was read for an earlier target, or is read now.
    fn find(
        plan: &Plan<'_>,
        inbound: &'t Inbound,
        target: &Target,
        translation: &'t mut Option<Translation>,
    ) -> Result<Way<'t>, Error> {
        match plan {
            Plan::Forward(speaks) => Ask::forward(inbound, target, speaks)
                .map(|ask| Way::Forward(Box::new(ask)))
                .ok_or_else(|| Error::Unreachable {
                    endpoint: Arc::clone(&target.endpoint.id),
                    reason: "its address cannot be used".to_owned(),
                }),
            Plan::Translate(speaks) => {
                let translation = Translation::once(translation, inbound)?;
                Ok(Way::Translate(translation, Box::new(translation.pose(inbound, target, speaks)?)))
            }
            Plan::Estimate => Ok(Way::Estimate(Translation::once(translation, inbound)?)),
        }
    }
}

impl Dispatch {
    /// Answers a request from the first target that can.
    pub async fn answer(
        &self,
        inbound: Inbound,
        targets: &[Target],
        mut recorder: Recorder,
    ) -> Result<Response<AnswerBody>, (Error, Recorder)> {
        let planned: Vec<(&Target, Plan<'_>)> = targets
            .iter()
            .filter_map(|target| Some((target, plan(inbound.protocol, inbound.operation, &target.endpoint)?)))
            .collect();
        let Some(last) = planned.len().checked_sub(1) else {
            return Err((not_spoken(&inbound, targets), recorder));
        };
        let limits = self.settings.borrow().limits;
        let mut translation = None;
        let mut failed = Error::Internal;
        for (nth, (target, plan)) in planned.iter().enumerate() {
            recorder.attempt(target);
            let way = match Way::find(plan, &inbound, target, &mut translation) {
                Ok(way) => way,
                // Another target may be told what this one cannot.
                Err(error @ Error::Unsayable { .. }) if nth < last => {
                    failed = error;
                    continue;
                }
                Err(error) => return Err((error, recorder)),
            };
            let ask = match &way {
                Way::Forward(ask) => &**ask,
                Way::Translate(_, posed) => &posed.ask,
                Way::Estimate(translation) => return Ok(translation.estimate(target, &mut recorder)),
            };
            match self.attempt(ask, target, &limits).await {
                Attempt::Answer(answer) => {
                    match &answer.retry {
                        Some(failure) => self.tell(Event::Failed(Arc::clone(&target.endpoint.id), failure.clone())),
                        None if !target.endpoint.health.is_clear() => {
                            self.tell(Event::Recovered(Arc::clone(&target.endpoint.id)))
                        }
                        None => {}
                    }
                    if answer.retry.is_some() && nth < last {
                        tracing::debug!(endpoint = %target.endpoint.id, status = %answer.response.status(), "trying the next target");
                        continue;
                    }
                    let idle = Duration::from_secs(limits.idle_seconds);
                    return match way {
                        Way::Translate(translation, posed) => {
                            translation.answer(&posed, *answer, Onward { target, idle, recorder }).await
                        }
                        Way::Forward(_) | Way::Estimate(_) => {
                            let mut answer = answer;
                            let (status, head) = (answer.response.status(), answer.response.headers());
                            if refused::may_be_context(target, status, head) {
                                let upstream = codec::upstream(inbound.protocol);
                                // In a box: most requests never come here, and all of them carry the room for it.
                                let told = Box::pin(refused::context(upstream, target, &mut answer, idle)).await;
                                if let Some(error) = told {
                                    return Err((error, recorder));
                                }
                            }
                            Ok(self.pass_on(*answer, &inbound, target, recorder, &limits))
                        }
                    };
                }
                Attempt::Failed(error, failure) => {
                    tracing::debug!(endpoint = %target.endpoint.id, error = ?error.to_string(), "no answer");
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

    fn pass_on(
        &self,
        mut answer: Answer,
        inbound: &Inbound,
        target: &Target,
        mut recorder: Recorder,
        limits: &Limits,
    ) -> Response<AnswerBody> {
        if inbound.protocol == Protocol::Anthropic && inbound.peek.stream == Some(true) {
            answer.begin_message(&target.model.id);
        }
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
        let tap = Tap::new(inbound.protocol, streamed && parts.status.is_success());
        recorder.answered(parts.status.as_u16(), Some(tap));
        headers::sign(&mut parts.headers, target, recorder.attempts());
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
        Response::from_parts(parts, AnswerBody::Forwarded(Box::new(body)))
    }
}

fn redact_headers(headers: &mut HeaderMap, redactor: Option<&Redactor>) {
    let Some(redactor) = redactor else { return };
    for value in headers.values_mut() {
        if let std::borrow::Cow::Owned(clean) = redactor.redact(value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static("[redacted]"));
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
