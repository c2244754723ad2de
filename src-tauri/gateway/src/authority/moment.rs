//! Moments as clouds write them, and how long what they give is good.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::exchange::UNSAID;
use super::question::apart;

/// A moment as AWS and Google write it.
pub(super) fn moment(text: &str) -> Option<SystemTime> {
    // AWS's own command wrote `UTC` for a while.
    let text = text.trim().replace("UTC", "Z");
    let moment = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(moment).ok()
}

/// The same the other way round.
pub(super) fn written(moment: SystemTime) -> Option<String> {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    DateTime::from_secs(i64::try_from(seconds).ok()?).fmt(Format::DateTime).ok()
}

/// How long something is good that says until when. `there` is what time it is for whoever gave it, who is right.
pub(super) fn life(until: Option<SystemTime>, there: Option<SystemTime>) -> Duration {
    let here = SystemTime::now();
    let now = there.filter(|there| apart(here, *there)).unwrap_or(here);
    until.map_or(UNSAID, |until| until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_clouds_write_them() {
        let check = |text: &str, expected: Option<u64>| {
            let read = moment(text).map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(read, expected, "{text}");
        };
        check("2026-01-02T03:04:05Z", Some(1_767_323_045));
        check("2026-01-02T03:04:05.678Z", Some(1_767_323_045));
        check("2026-01-02T03:04:05UTC", Some(1_767_323_045));
        check("2026-01-02T05:04:05+02:00", Some(1_767_323_045));
        check("tomorrow", None);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        assert_eq!(written(at).as_deref(), Some("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn how_long_something_is_good_is_told_by_the_clock_that_is_right() {
        let check = |until: Option<i64>, there: Option<i64>, expected: u64, why: &str| {
            let now = SystemTime::now();
            let at = |seconds: i64| {
                let by = Duration::from_secs(seconds.unsigned_abs());
                if seconds < 0 { now - by } else { now + by }
            };
            let life = life(until.map(at), there.map(at)).as_secs();
            assert!(life.abs_diff(expected) <= 2, "{why}: {life}");
        };
        check(Some(3600), None, 3600, "nobody tells another time");
        check(Some(3600), Some(3), 3600, "an answer takes a moment");
        check(Some(7200), Some(3600), 3600, "this clock is an hour late");
        check(Some(-3600), Some(-7200), 3600, "this clock is two hours early");
        check(Some(-5), None, 0, "they ran out");
        check(None, None, 300, "who does not say it is asked again soon");
    }
}
