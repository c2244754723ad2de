//! Times as text and back: RFC 3339, and its day alone.
//!
//! For lists and settings. Nothing here asks a clock: times come in as arguments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Seconds since 1970 of a date such as `2026-11-22T02:12:47.5+02:00`; `None` for other texts and for earlier times.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let rest = text.get(19..)?.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
    let offset = match rest.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let zone = std::str::from_utf8(zone).ok()?;
            let (hours, minutes) = zone.split_once(':')?;
            let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
            (i64::from(hours) * 60 + i64::from(minutes)) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    // Civil to days, the same author's inverse.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    u64::try_from(days * 86_400 + number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)? - offset).ok()
}

/// Milliseconds since 1970 UTC, negative before it.
pub(crate) fn milliseconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::{rfc3339, seconds};

    #[test]
    fn dates_of_other_zones() {
        for (text, expected) in [
            ("2023-08-04T08:52:19.385406455-07:00", Some(1_691_164_339)),
            ("2023-08-04T15:52:19Z", Some(1_691_164_339)),
            ("2023-08-04T17:22:19.1+01:30", Some(1_691_164_339)),
            ("2023-08-04", None),
            ("2023-08-04T15:52:19", None),
            ("2023-08-04T15:52:19+é:00", None),
            ("2023-08-04T15:52:19+65535:59", None),
            ("1969-12-31T23:59:59Z", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_313_567, "2026-11-22T02:12:47Z"),
        ] {
            assert_eq!(rfc3339(seconds), expected);
            assert_eq!(super::seconds(expected), Some(seconds));
        }
    }
}
