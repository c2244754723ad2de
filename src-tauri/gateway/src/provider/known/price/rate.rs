//! Amounts of US dollars: a price for a million tokens, and a sum.
//!
//! Both are counted in millionths of a millionth of a dollar. A price in the table has at most twelve digits behind its
//! point that mean something, so nothing is lost when it is read; a sum of sixteen million dollars fits.

use std::fmt;

/// How many of our units are a dollar.
const DOLLAR: u64 = 1_000_000_000_000;

/// A price for a million tokens, in 10⁻¹² US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub u64);

/// A sum, in 10⁻¹² US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub u64);

impl Rate {
    /// Reads dollars such as `3.75`. What is behind the twelfth digit rounds: it comes from a source's floating point.
    pub fn read(text: &str) -> Option<Rate> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return None;
        }
        let (kept, cut) = part.split_at(part.len().min(12));
        let units = format!("{kept:0<12}").parse::<u64>().ok()? + u64::from(cut.starts_with(['5', '6', '7', '8', '9']));
        Some(Rate(whole.parse::<u64>().ok()?.checked_mul(DOLLAR)?.checked_add(units)?))
    }

    /// A factor of so many thousandths.
    pub(super) const fn thousandths(count: u64) -> Rate {
        Rate(DOLLAR / 1000 * count)
    }

    /// This price by a factor, rounded.
    pub(super) fn times(self, factor: Rate) -> Rate {
        let product = u128::from(self.0) * u128::from(factor.0) + u128::from(DOLLAR / 2);
        Rate(u64::try_from(product / u128::from(DOLLAR)).unwrap_or(u64::MAX))
    }
}

impl Money {
    /// A sum of tokens by their rates, rounded.
    pub(super) fn of_millionths(sum: u128) -> Money {
        Money(u64::try_from(sum.saturating_add(500_000) / 1_000_000).unwrap_or(u64::MAX))
    }

    /// Both.
    pub fn saturating_add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Rate {
    /// Dollars as the table writes them: `3.75`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(self.0, f)
    }
}

impl fmt::Display for Money {
    /// Dollars with every digit that is not zero: `0.010125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(self.0, f)
    }
}

fn write_dollars(units: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = format!("{}.{:012}", units / DOLLAR, units % DOLLAR);
    f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Rate::read(text).map(|rate| rate.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn dollars_are_read_and_written_exactly() {
        check("0", Some("0"));
        check("3", Some("3"));
        check("10", Some("10"));
        check("3.75", Some("3.75"));
        check("0.00000015", Some("0.00000015"));
        check("0.000000000001", Some("0.000000000001"));
        check("8.800000000000001", Some("8.8"));
        check("0.0000000000005", Some("0.000000000001"));
        check("0.9999999999999", Some("1"));
        check("999.5", Some("999.5"));
        check("99999999999", None);
        check("", None);
        check(".5", None);
        check("5.", None);
        check("-1", None);
        check("+1", None);
        check("1e3", None);
        check("1.2.3", None);
    }

    #[test]
    fn a_factor_rounds_the_last_digit() {
        let check = |price: &str, factor: &str, expected: &str| {
            let product = Rate::read(price).zip(Rate::read(factor)).map(|(price, factor)| price.times(factor));
            assert_eq!(product.map(|it| it.to_string()).as_deref(), Some(expected), "{price} x{factor}");
        };
        check("2.5", "0.5", "1.25");
        check("0.05", "1.6667", "0.083335");
        check("0.000000000001", "0.5", "0.000000000001");
        check("0.000000000001", "0.4", "0");
    }
}
