//! Numbers as a person reads them.

use std::time::Duration;

/// `5.2 GB`. Decimal, as file managers and vendors count.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} kB", count.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => {
            let tenths = count / 100_000_000;
            if tenths >= 1000 { format!("{} GB", tenths / 10) } else { format!("{}.{} GB", tenths / 10, tenths % 10) }
        }
    }
}

/// `12.3k`.
pub(crate) fn tokens(count: u32) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => {
            let tenths = count / 100;
            if tenths.is_multiple_of(10) {
                format!("{}k", tenths / 10)
            } else {
                format!("{}.{}k", tenths / 10, tenths % 10)
            }
        }
        _ => format!("{}k", count / 1_000),
    }
}

/// A context length: `40k` for 40960, as model cards write it.
pub(crate) fn context(count: u32) -> String {
    if count >= 1024 && count.is_multiple_of(1024) { format!("{}k", count / 1024) } else { tokens(count) }
}

/// `1 model`, `5 models`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `420 ms`, `2.50 s`, `1 min 5 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{}.{:02} s", time.as_secs(), time.subsec_millis() / 10),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `3 min ago`.
pub(crate) fn ago(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{} s ago", time.as_secs()),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(bytes(5_225_388_164), "5.2 GB");
        assert_eq!(bytes(142_000_000_000), "142 GB");
        assert_eq!(bytes(274_302_450), "274 MB");
        assert_eq!(bytes(1), "1 kB");
        assert_eq!(tokens(999), "999");
        assert_eq!(tokens(12_345), "12.3k");
        assert_eq!(tokens(40_000), "40k");
        assert_eq!(tokens(1_234_567), "1234k");
        assert_eq!(context(40_960), "40k");
        assert_eq!(context(131_072), "128k");
        assert_eq!(context(200_000), "200k");
        assert_eq!(count(1, "model"), "1 model");
        assert_eq!(count(0, "model"), "0 models");
        assert_eq!(duration(Duration::from_millis(420)), "420 ms");
        assert_eq!(duration(Duration::from_millis(2_500)), "2.50 s");
        assert_eq!(duration(Duration::from_secs(65)), "1 min 5 s");
        assert_eq!(ago(Duration::from_secs(200)), "3 min ago");
        assert_eq!(ago(Duration::from_secs(90_000)), "1 d ago");
    }
}
