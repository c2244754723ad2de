//! Compares versions as far as runtimes write them: numbers with dots, perhaps a `v` before and a tail behind.
//!
//! Not semantic versioning: a tail such as `-rc2` counts for nothing.

/// Whether `version` is `least` or newer; `None` where one of them is no version.
pub fn at_least(version: &str, least: &str) -> Option<bool> {
    Some(numbers(version)? >= numbers(least)?)
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let version = version.trim().trim_start_matches('v');
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let mut parts = version[..end].trim_end_matches('.').split('.');
    let mut numbers = [0; 3];
    numbers[0] = parts.next()?.parse().ok()?;
    for number in &mut numbers[1..] {
        let Some(part) = parts.next() else { break };
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, least: &str, expected: Option<bool>) {
        assert_eq!(at_least(version, least), expected, "{version} against {least}");
    }

    #[test]
    fn compares_as_numbers() {
        check("0.16.2", "0.16.2", Some(true));
        check("0.16.1", "0.16.2", Some(false));
        check("0.9.0", "0.16.2", Some(false));
        check("1", "0.16.2", Some(true));
        check("v0.33.0-rc2", "0.33", Some(true));
        check("0.32.0+cpu", "0.32.0", Some(true));
        check("b10573-abcdef0", "1", None);
        check("", "1", None);
        check("1..2", "1", None);
        check("99999999999999999999999", "1", None);
    }
}
