//! A moment as RFC 3339 writes it, in seconds since 1970.

/// The seconds; `None` for anything else and for moments before 1970.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let number = |at: std::ops::Range<usize>| -> Option<i64> {
        text.get(at).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // The year starts in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 153 + 2) / 5 + day
            - 719_469;
    let zone = text[19..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes().first()? {
        b'Z' | b'z' => 0,
        sign @ (b'+' | b'-') => {
            let digits = |at: std::ops::Range<usize>| zone.get(at)?.parse::<i64>().ok();
            let minutes = digits(1..3)? * 60 + digits(4..6)?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second - offset).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(seconds(text), expected, "{text}");
    }

    #[test]
    fn reads_what_runtimes_write() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:00:00Z", Some(951_825_600));
        check("2026-05-10T08:06:48-07:00", Some(1_778_425_608));
        check("2026-06-04T14:38:31.83753-07:00", Some(1_780_609_111));
        check("2026-05-10T08:06:48.123456789Z", Some(1_778_400_408));
        check("0001-01-01T00:00:00Z", None);
        check("2026-13-01T00:00:00Z", None);
        check("2026-05-10T08:06:48", None);
        check("2026-05-10", None);
        check("", None);
        check("日本語日本語日本語日本語", None);
    }
}
