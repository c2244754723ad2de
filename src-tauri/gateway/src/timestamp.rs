//! Times as text: RFC 3339 in UTC, and its day alone.
//!
//! For lists and settings. Nothing here asks a clock: times come in as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 as a date that every client parses (days from civil, Howard Hinnant's algorithm).
pub(crate) fn rfc3339(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let rest = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// The day of a moment in UTC, `2026-11-22`.
pub(crate) fn day(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0);
    rfc3339(seconds)[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_313_567, "2026-11-22T02:12:47Z"),
        ] {
            assert_eq!(rfc3339(seconds), expected);
        }
    }
}
