//! One target asked once: a lease, a credential, a connection, and what its first bytes say of it.
//!
//! Nothing of the answer is passed on here, so that another target can still be asked. Which that is is `dispatch`'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Scheme;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;

use super::Dispatch;
use super::allowance::retry_after;
use super::ask::Ask;
use crate::authority::{AuthorityError, Principal};
use crate::builtin::Lease;
use crate::catalog::{Address, Endpoint, Failure, Origin};
use crate::error::Error;
use crate::protocol::anthropic::opening;
use crate::protocol::codec::fault;
use crate::provider::Quirks;
use crate::routing::Target;
use crate::secrets::redact::Redactor;
use crate::secrets::{CredentialRef, Secret};
use crate::settings::Limits;
use crate::upstream::{SendError, UpstreamBody};

/// What one attempt came to.
pub(super) enum Attempt {
    /// An answer to pass on, good or bad.
    Answer(Box<Answer>),
    /// Nothing to pass on.
    Failed(Error, Option<Failure>),
}

/// An answer whose head came.
pub(super) struct Answer {
    pub(super) response: Response<UpstreamBody>,
    /// The first bytes of the body, which are waited for: a head alone is not yet an answer.
    pub(super) first: Option<Bytes>,
    pub(super) redactor: Option<Redactor>,
    pub(super) lease: Option<Lease>,
    /// Whether another target should be tried first, and what the catalog should hear.
    pub(super) retry: Option<Failure>,
}

impl Answer {
    /// Gives a stream of Anthropic's protocol the beginning that some runtimes leave out.
    pub(super) fn begin_message(&mut self, model: &str) {
        if let Some(first) = &mut self.first
            && let Some(start) = opening::missing(first, model)
        {
            *first = [&start[..], first].concat().into();
        }
    }
}

impl Dispatch {
    /// Asks one target, with another of its keys where one is over its limit.
    pub(super) async fn attempt(&self, ask: &Ask<'_>, target: &Target, limits: &Limits) -> Attempt {
        let endpoint = &target.endpoint;
        if endpoint.spares.is_empty() {
            return self.attempt_with(endpoint.credential.as_ref(), ask, target, limits).await;
        }
        let mut keys = self.keys.keys(endpoint).into_iter().peekable();
        loop {
            let key = keys.next();
            // In a box: most endpoints have one key, and all requests would carry the room for it.
            let attempt = Box::pin(self.attempt_with(key.map(|(_, key)| key), ask, target, limits)).await;
            match &attempt {
                Attempt::Answer(answer) if answer.response.status() == StatusCode::TOO_MANY_REQUESTS => {}
                Attempt::Answer(_) => {
                    key.into_iter().for_each(|(number, _)| self.keys.answered(endpoint, number));
                    return attempt;
                }
                Attempt::Failed(..) => return attempt,
            }
            if keys.peek().is_none() {
                return attempt;
            }
            tracing::debug!(endpoint = %endpoint.id, "one key is over its limit, trying the next");
        }
    }

    async fn attempt_with(
        &self,
        key: Option<&CredentialRef>,
        ask: &Ask<'_>,
        target: &Target,
        limits: &Limits,
    ) -> Attempt {
        let endpoint = &target.endpoint;
        let mut lease = match self.lease(target).await {
            Ok(lease) => lease,
            Err(error) => return Attempt::Failed(error, None),
        };
        let secret = match key {
            None => None,
            Some(reference) => match self.vault.lookup(reference).await {
                Ok(Some(secret)) => Some(secret),
                Ok(None) => return self.no_credential(endpoint, "nothing is stored there"),
                Err(error) => return self.no_credential(endpoint, &error.to_string()),
            },
        };
        let account = endpoint.provider.as_deref().filter(|account| account.signs());
        let first_byte = Duration::from_secs(limits.first_byte_seconds);
        let asked_at = Instant::now();
        let mut tries = [true, false].into_iter();
        // A kept connection may have died unseen, most often because the runtime restarted: one new try finds out.
        let error = loop {
            let first = tries.next() == Some(true);
            let key = secret.as_ref().map(|secret| secret.expose()).or_else(|| lease.as_ref().map(Lease::key));
            let leased = lease.as_ref().and_then(|lease| Address::new(Scheme::HTTP, &lease.address().to_string()));
            let address = leased.as_ref().unwrap_or_else(|| endpoint.base_url.address());
            let Some(mut request) = ask.request(target, address, &self.instance, key) else {
                let reason = "its address cannot be used".to_owned();
                return Attempt::Failed(Error::Unreachable { endpoint: Arc::clone(&endpoint.id), reason }, None);
            };
            let mut told: Vec<Secret> = secret.iter().cloned().collect();
            let who = account.map(|account| Principal {
                account,
                base: &endpoint.base_url,
                bounds: endpoint.bounds(),
                secret: key,
            });
            if let Some(who) = &who {
                // In a box: most requests need none, and all of them would carry the room for it.
                match Box::pin(self.authority.authorize(who, &mut request, ask.body())).await {
                    Ok(token) => told.extend(token),
                    Err(error) => return unproved(endpoint, error),
                }
            }
            // The head and the first bytes of the body have one time together.
            let asked = async {
                let mut response = ask.unwrapped(self.upstream.send(request, address, endpoint.bounds()).await?);
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
                // A token may be taken back before it runs out.
                (Ok((response, _)), _) if who.is_some_and(|who| self.authority.refused(&who, &response, asked_at)) => {}
                (Ok((response, first)), _) => {
                    let redactor = (!told.is_empty()).then(|| Redactor::new(told.iter().map(Secret::expose)));
                    let answer = Answer { response, first, redactor, lease, retry: None };
                    return self.judge(endpoint, answer, ask.may_be_empty);
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
            SendError::Forbidden(why) => Attempt::Failed(
                Error::AddressForbidden { endpoint: Arc::clone(&endpoint.id), why },
                Some(Failure::Unreachable),
            ),
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

    /// What an answer's head and first bytes say of its target.
    fn judge(&self, endpoint: &Endpoint, mut answer: Answer, may_be_empty: bool) -> Attempt {
        let status = answer.response.status();
        if status.is_redirection() || status.is_informational() {
            // The prompt is never sent to an address that an answer names.
            let reason = "redirects and switches of protocol are not followed".to_owned();
            let error = Error::BadAnswer { endpoint: Arc::clone(&endpoint.id), status: status.as_u16(), reason };
            return Attempt::Failed(error, Some(Failure::ServerError(status.as_u16())));
        }
        if !endpoint.local {
            self.allowances.note(&endpoint.id, answer.response.headers());
        }
        answer.retry = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Some(Failure::Overloaded(retry_after(answer.response.headers())))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if endpoint.credential.is_some() || endpoint.provider.is_some() =>
            {
                Some(Failure::Unauthorized)
            }
            // This runtime answers 500 to a client's own mistake.
            StatusCode::INTERNAL_SERVER_ERROR if self.quirks(endpoint).server_error_is_clients => None,
            StatusCode::NOT_IMPLEMENTED => None,
            status if status.is_server_error() => Some(Failure::ServerError(status.as_u16())),
            _ => None,
        };
        if status.is_success() && !may_be_empty {
            let Some(bytes) = &answer.first else {
                let error = Error::BrokeOff { endpoint: Arc::clone(&endpoint.id) };
                return Attempt::Failed(error, Some(Failure::Unreachable));
            };
            if bytes.trim_ascii_start().starts_with(b"{\"error\"") && self.quirks(endpoint).error_in_200 {
                // Told as what it is: a client that reads only the status must not take it for an answer.
                *answer.response.status_mut() = StatusCode::BAD_REQUEST;
            }
            // A stream that begins with an error has told the client nothing yet.
            answer.retry = answer.retry.or(match fault::status_of_first(bytes) {
                Some(429 | 503 | 529) => Some(Failure::Overloaded(None)),
                Some(status) if status >= 500 => Some(Failure::ServerError(status)),
                Some(_) | None => None,
            });
        }
        Attempt::Answer(Box::new(answer))
    }

    fn quirks(&self, endpoint: &Endpoint) -> Quirks {
        let runtime = endpoint.origin.runtime();
        self.runtimes.iter().find(|row| Some(&*row.id) == runtime).map(|row| row.quirks).unwrap_or_default()
    }
}

/// What it comes to that nobody could prove who asks.
fn unproved(endpoint: &Endpoint, error: AuthorityError) -> Attempt {
    let id = Arc::clone(&endpoint.id);
    match error {
        AuthorityError::LocalOnly(_) => Attempt::Failed(Error::LocalOnly { name: id.to_string() }, None),
        AuthorityError::Unusable(reason) => {
            Attempt::Failed(Error::NoCredential { endpoint: id, reason }, Some(Failure::Unauthorized))
        }
        AuthorityError::Refused { .. } => {
            let reason = error.to_string();
            Attempt::Failed(Error::NoCredential { endpoint: id, reason }, Some(Failure::Unauthorized))
        }
        AuthorityError::Silent { .. } => {
            let reason = error.to_string();
            Attempt::Failed(Error::Unreachable { endpoint: id, reason }, Some(Failure::Unreachable))
        }
    }
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
