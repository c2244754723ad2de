//! Pauses between starts that fail, one for each model.
//!
//! The first failure costs no pause: the next request may try at once. From the second in a row on it doubles. A value
//! with time as an argument; the keeper owns it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{EngineError, Pace};

/// Failures of one model in a row.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    failures: u32,
    until: Instant,
    reason: Arc<str>,
}

impl Pause {
    /// The pause after one more failure. `lived` is how long it had served; after a long life it is no repetition.
    pub(super) fn after(before: Option<&Pause>, reason: Arc<str>, lived: Duration, now: Instant, pace: &Pace) -> Pause {
        let before = before.filter(|_| lived < pace.longest_pause).map_or(0, |pause| pause.failures);
        let failures = before.saturating_add(1);
        let length = match failures {
            1 => Duration::ZERO,
            _ => pace.first_pause.saturating_mul(1 << (failures - 2).min(10)).min(pace.longest_pause),
        };
        Pause { failures, until: now + length, reason }
    }

    /// What a request that comes too early is told.
    pub(super) fn refusal(&self, now: Instant) -> Option<EngineError> {
        let left = self.until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Some(EngineError::Paused { reason: Arc::clone(&self.reason), failures: self.failures, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pauses_double_and_are_bounded() {
        let now = Instant::now();
        let pace = Pace::default();
        let check = |failures: usize, lived: u64, expected: Option<u64>| {
            let lived = Duration::from_secs(lived);
            let pause = (0..failures).fold(None, |pause: Option<Pause>, _| {
                Some(Pause::after(pause.as_ref(), "it fell".into(), lived, now, &pace))
            });
            let seconds = pause.and_then(|pause| pause.refusal(now)).map(|error| match error {
                EngineError::Paused { seconds, .. } => seconds,
                other => panic!("{other}"),
            });
            assert_eq!(seconds, expected, "after {failures} failures, each after {lived:?}");
        };
        check(1, 0, None);
        check(2, 0, Some(1));
        check(3, 0, Some(2));
        check(4, 59, Some(4));
        check(8, 0, Some(60));
        check(50, 0, Some(60));
        check(50, 60, None);
    }
}
