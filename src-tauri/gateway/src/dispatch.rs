//! Tries a request's targets in order until one answers.
//!
//! A target that refuses, times out or is overloaded before its first byte costs the client nothing: the next one is
//! tried, and the catalog hears of it. After the first byte nothing is tried again. Who the targets are is `routing`'s
//! business, how bytes pass is `forward`'s, and `translate`'s where the protocols differ.

pub mod allowance;
mod answer_body;
mod ask;
mod attempt;
mod collect;
mod context;
mod estimate;
mod forward;
pub(crate) mod headers;
mod idle;
mod keeper;
pub mod key_ring;
pub mod memory;
mod parted;
mod passing;
pub mod plan;
mod refused;
mod translate;
mod translated;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Response, Uri};
use tokio::sync::{mpsc, watch};

pub use answer_body::AnswerBody;

use crate::authority::Authority;
use crate::builtin::Engine;
use crate::catalog::{Event, Failure};
use crate::error::Error;
use crate::ingress::peek::Peek;
use crate::protocol::{Operation, Protocol};
use crate::provider::RuntimeSpec;
use crate::provider::hosted::ProviderSpec;
use crate::routing::Target;
use crate::secrets::Vault;
use crate::settings::Settings;
use crate::upstream::Upstream;
use crate::usage::Outcome;
use crate::usage::live::Cancelled;
use crate::usage::recorder::Recorder;
use allowance::Allowances;
use ask::Ask;
use attempt::Attempt;
use key_ring::KeyRing;
use memory::Memory;
use plan::{Plan, plan};
use translate::{Onward, Posed, Translation};

/// A request that was let in.
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
    /// What is remembered for it, and whether its answer is to be.
    pub memory: Option<Box<Memory>>,
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
    /// Proves who asks where a credential does not.
    pub authority: Authority,
    /// The built-in runtime.
    pub engine: Engine,
    /// The table of runtimes, for their quirks.
    pub runtimes: Arc<[RuntimeSpec]>,
    /// This run's id.
    pub instance: HeaderValue,
    /// What providers say is left.
    pub allowances: Allowances,
    /// Which of several keys is used.
    pub keys: KeyRing,
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
}

/// Why nobody answered, and who was asked last. The request's row says so already.
#[derive(Debug)]
pub struct Unanswered {
    /// Why.
    pub error: Error,
    /// How many targets were tried.
    pub attempts: u8,
    /// The endpoint and the model that were tried last.
    pub target: Option<(Arc<str>, Arc<str>)>,
}

impl Unanswered {
    /// Ends a request's row.
    pub fn because(error: Error, mut recorder: Recorder) -> Unanswered {
        let attempts = recorder.attempts();
        let outcome = if attempts == 0 { Outcome::Refused } else { Outcome::Failed };
        recorder.ended(outcome, Some(error.status().as_u16()), Some(error.to_string()));
        Unanswered { error, attempts, target: recorder.target() }
    }
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
            Plan::Forward(speaks) => {
                let joined = match &inbound.memory {
                    Some(memory) => memory.forwarded(&inbound.body, target)?,
                    None => None,
                };
                let ask = Ask::forward(inbound, target, speaks, joined).map(|ask| Way::Forward(Box::new(ask)));
                ask.ok_or_else(|| Error::Unreachable {
                    endpoint: Arc::clone(&target.endpoint.id),
                    reason: "its address cannot be used".to_owned(),
                })
            }
            Plan::Translate(speaks) => {
                if let Some(memory) = &inbound.memory {
                    memory.tellable(target)?;
                }
                let translation = Translation::once(translation, inbound)?;
                Ok(Way::Translate(translation, Box::new(translation.pose(inbound, target, speaks)?)))
            }
            Plan::Estimate => Ok(Way::Estimate(Translation::once(translation, inbound)?)),
        }
    }
}

impl Dispatch {
    /// Answers a request from the first target that can, unless the user gives it up first.
    pub async fn answer(
        &self,
        inbound: Inbound,
        targets: &[Target],
        recorder: Recorder,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        let cancelled = recorder.cancelled();
        unless(cancelled, self.ask_in_turn(inbound, targets, recorder)).await
    }

    async fn ask_in_turn(
        &self,
        inbound: Inbound,
        targets: &[Target],
        mut recorder: Recorder,
    ) -> Result<Response<AnswerBody>, (Error, Recorder)> {
        let planned: Vec<(&Target, Plan<'_>)> = targets
            .iter()
            .filter_map(|target| {
                Some((target, plan(inbound.protocol, inbound.operation, &target.endpoint, &target.model.id)?))
            })
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
                Err(error @ (Error::Unsayable { .. } | Error::PreviousNotFound { .. })) if nth < last => {
                    recorder.missed(error.to_string());
                    failed = error;
                    continue;
                }
                Err(error) => return Err((error, recorder)),
            };
            let (ask, dropped) = match &way {
                Way::Forward(ask) => (&**ask, &ask.dropped),
                Way::Translate(_, posed) => (&posed.ask, &posed.dropped),
                Way::Estimate(translation) => return Ok(translation.estimate(target, &mut recorder)),
            };
            match self.attempt(ask, target, &limits).await {
                Attempt::Answer(answer) => {
                    self.heard(target, answer.retry.as_ref());
                    if answer.retry.is_some() && nth < last {
                        tracing::debug!(endpoint = %target.endpoint.id, status = %answer.response.status(), "trying the next target");
                        recorder.missed(match answer.response.status() {
                            status if status.is_success() => "its answer began with an error".to_owned(),
                            status => format!("it answered {status}"),
                        });
                        continue;
                    }
                    recorder.dropped(dropped);
                    let keeper = |forwarded| {
                        let memory = inbound.memory.as_ref().filter(|_| answer.response.status().is_success());
                        memory.and_then(|memory| memory.keeper(&inbound, target, forwarded))
                    };
                    let idle = Duration::from_secs(limits.idle_seconds);
                    return match &way {
                        Way::Translate(translation, posed) => {
                            let onward = Onward { target, idle, recorder, keeper: keeper(false) };
                            translation.answer(posed, *answer, onward).await
                        }
                        Way::Forward(ask) if ask.is_refused_otherwise(answer.response.status()) => {
                            let onward = Onward { target, idle, recorder, keeper: None };
                            Err(Box::pin(passing::refused(answer, onward)).await)
                        }
                        Way::Forward(_) | Way::Estimate(_) => {
                            let onward = Onward { target, idle, recorder, keeper: keeper(true) };
                            let mut response = if passing::must_be_read(&answer, &onward) {
                                // In a box: most requests never come here, and all of them would carry the room for it.
                                Box::pin(passing::read(answer, &inbound, onward)).await?
                            } else {
                                passing::pass_on(*answer, &inbound, onward)
                            };
                            if let Way::Forward(ask) = &way {
                                headers::dropped(response.headers_mut(), &ask.dropped);
                            }
                            Ok(response)
                        }
                    };
                }
                Attempt::Failed(error, failure) => {
                    tracing::debug!(endpoint = %target.endpoint.id, error = ?error.to_string(), "no answer");
                    self.failed(target, failure);
                    recorder.missed(error.to_string());
                    failed = error;
                }
            }
        }
        Err((failed, recorder))
    }

    /// Passes a request on to one target as it came, `path` behind the endpoint's base URL. Nothing else is tried.
    pub async fn pass(
        &self,
        method: Method,
        path: String,
        inbound: Inbound,
        target: &Target,
        mut recorder: Recorder,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        recorder.attempt(target);
        let limits = self.settings.borrow().limits;
        let cancelled = recorder.cancelled();
        let asked = async {
            match self.attempt(&Ask::raw(&inbound, method, path), target, &limits).await {
                Attempt::Answer(answer) => {
                    self.heard(target, answer.retry.as_ref());
                    let idle = Duration::from_secs(limits.idle_seconds);
                    Ok(passing::pass_on(*answer, &inbound, Onward { target, idle, recorder, keeper: None }))
                }
                Attempt::Failed(error, failure) => {
                    self.failed(target, failure);
                    recorder.missed(error.to_string());
                    Err((error, recorder))
                }
            }
        };
        unless(cancelled, asked).await
    }

    /// Tells the catalog how a target that answered fares.
    fn heard(&self, target: &Target, failure: Option<&Failure>) {
        match failure {
            Some(failure) => self.failed(target, Some(failure.clone())),
            None if !target.endpoint.health.is_clear() => self.tell(Event::Recovered(Arc::clone(&target.endpoint.id))),
            None => {}
        }
    }

    /// Tells the catalog how a target failed, where that says something of it.
    fn failed(&self, target: &Target, failure: Option<Failure>) {
        if let Some(failure) = failure {
            self.tell(Event::Failed(Arc::clone(&target.endpoint.id), failure));
        }
    }

    /// Never waits: a full queue means that the catalog hears of it from the next request.
    fn tell(&self, event: Event) {
        let _ = self.events.try_send(event);
    }
}

/// What comes of a request that the user may give up. What was under way is then dropped with its recorder, which knows why.
async fn unless<T>(
    cancelled: Cancelled,
    asked: impl Future<Output = Result<T, (Error, Recorder)>>,
) -> Result<T, Unanswered> {
    tokio::select! {
        biased;
        answered = asked => answered.map_err(|(error, recorder)| Unanswered::because(error, recorder)),
        () = cancelled => Err(Unanswered { error: Error::Cancelled, attempts: 0, target: None }),
    }
}

/// Who else can be asked what is not translated.
pub(crate) fn elsewhere(operation: Operation) -> String {
    let who = ProviderSpec::offering(operation);
    if who.is_empty() { String::new() } else { format!("; {} can, by `provider:model`", who.join(", ")) }
}

fn not_spoken(inbound: &Inbound, targets: &[Target]) -> Error {
    let Some(target) = targets.first() else { return Error::Internal };
    let mut spoken: Vec<&str> = target.endpoint.speaks.iter().map(|speaks| speaks.protocol.title()).collect();
    spoken.dedup();
    let mut speaks = if spoken.is_empty() { "nothing yet".to_owned() } else { spoken.join(", ") };
    if inbound.operation.is_rare() {
        speaks.push_str(&elsewhere(inbound.operation));
    }
    Error::NotSpoken {
        endpoint: Arc::clone(&target.endpoint.id),
        model: Arc::clone(&target.model.id),
        operation: inbound.operation,
        protocol: inbound.protocol,
        speaks,
    }
}
