//! After the machine slept, everything may be different: runtimes were stopped, networks changed. So it is looked at once
//! more, at once rather than at the next turn.
//!
//! No system tells this in the same way; a clock that jumps does.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pointsman_gateway::control::Command;

use crate::desk::Desk;
use crate::keeper::Sight;

/// How often the clock is read.
const TICK: Duration = Duration::from_secs(15);
/// So much more than a tick is a sleep, and not a busy machine.
const SLEPT: Duration = Duration::from_secs(30);

/// Looks until the program ends.
pub(crate) async fn run(desk: Arc<Desk>) {
    let mut before = SystemTime::now();
    loop {
        tokio::time::sleep(TICK).await;
        let now = SystemTime::now();
        if slept(before, now)
            && let Sight::Serving { link, .. } = desk.sight()
        {
            tracing::info!(target: "desktop", "the machine slept: looking for runtimes");
            let _ = link.ask(Command::Rescan).await;
        }
        before = now;
    }
}

/// Whether more time went by than was waited for. A clock that was set back says nothing.
fn slept(before: SystemTime, now: SystemTime) -> bool {
    now.duration_since(before).is_ok_and(|gone| gone > TICK + SLEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_tells_of_a_sleep() {
        let before = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let check = |after: u64, expected| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(after);
            assert_eq!(slept(before, now), expected, "after {after}");
        };
        check(1_015, false);
        check(1_030, false);
        check(1_060, true);
        check(90_000, true);
        check(500, false);
    }
}
