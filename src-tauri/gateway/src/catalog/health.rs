//! Cool-down of an endpoint that refused, timed out or was overloaded.
//!
//! A value kept in the catalog's entry, changed by the catalog's task alone. It never removes a target: an endpoint that
//! cools down is tried last, so that a route with one target still gets its answer.

use std::time::{Duration, Instant};

/// The first pause after a failure, doubled with each further one.
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause that is not asked for by the endpoint itself.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is believed: an hour. More is a broken clock or a broken server.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// How many server errors in a row make an endpoint suspect. One alone is often the request's own fault: llama.cpp
/// answers 500 to an image it cannot read (`runtimes.md` 4.3).
const SUSPECT_AFTER: u32 = 3;

/// Why an attempt failed before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The connection was refused or broke.
    Unreachable,
    /// Nothing came in time.
    TimedOut,
    /// 429 or 503, with `Retry-After` where it was given.
    Overloaded(Option<Duration>),
    /// Another 5xx.
    ServerError(u16),
    /// 401 or 403: the credential is missing or wrong.
    Unauthorized,
}

/// Failures in a row and the end of the present pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    failures: u32,
    until: Option<Instant>,
}

impl Health {
    /// Whether requests should go elsewhere first.
    pub fn cooling(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// How long the pause still lasts.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// The state after a failure.
    #[must_use]
    pub fn failed(&self, failure: &Failure, now: Instant) -> Health {
        let failures = self.failures.saturating_add(1);
        let doubled = FIRST.saturating_mul(1 << (failures - 1).min(5)).min(LONGEST);
        let pause = match failure {
            Failure::Unreachable | Failure::TimedOut => Some(doubled),
            Failure::Overloaded(asked) => Some(asked.unwrap_or(doubled).min(LONGEST_ASKED)),
            Failure::ServerError(_) => (failures >= SUSPECT_AFTER).then_some(doubled),
            Failure::Unauthorized => None,
        };
        let until = pause.and_then(|pause| now.checked_add(pause)).max(self.until);
        Health { failures, until }
    }

    /// The state after a success.
    #[must_use]
    pub fn succeeded(&self) -> Health {
        Health::default()
    }

    /// Whether a success would change anything; spares the catalog's task an event per request.
    pub fn is_clear(&self) -> bool {
        self.failures == 0 && self.until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failures: &[Failure], expected: Option<u64>) {
        let now = Instant::now();
        let health = failures.iter().fold(Health::default(), |health, failure| health.failed(failure, now));
        assert_eq!(health.remaining(now).map(|left| left.as_secs()), expected, "after {failures:?}");
        assert_eq!(health.succeeded(), Health::default(), "a success clears everything");
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        check(&[], None);
        check(&[Failure::Unreachable], Some(2));
        check(&[Failure::TimedOut, Failure::TimedOut], Some(4));
        check(&vec![Failure::Unreachable; 40], Some(60));
        check(&[Failure::Overloaded(None)], Some(2));
        check(&[Failure::Overloaded(Some(Duration::from_secs(17)))], Some(17));
        check(&[Failure::Overloaded(Some(Duration::from_secs(9_999_999)))], Some(3600));
        check(&[Failure::ServerError(500)], None);
        check(&[Failure::ServerError(500), Failure::ServerError(500), Failure::ServerError(502)], Some(8));
        check(&vec![Failure::Unauthorized; 5], None);
        check(&[Failure::Overloaded(Some(Duration::from_secs(30))), Failure::Unreachable], Some(30));
    }
}
