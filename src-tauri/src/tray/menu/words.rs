//! How things are called in the menu: short, and the same everywhere in it.

use pointsman_gateway::catalog::Model;
use pointsman_gateway::control::{EndpointView, Snapshot};

/// The most characters of a fault that are shown; the window has all of it.
const LONGEST: usize = 90;

/// `qwen3:8b · Ollama`, and a sign where it leaves this machine.
pub(super) fn named(model: &Model, endpoint: Option<&EndpointView>) -> String {
    let place = endpoint.map(|endpoint| format!(" · {}", endpoint.name)).unwrap_or_default();
    format!("{}{place}{}", model.id, leaves(model.local))
}

/// An endpoint's heading: `Ollama`; with its address where two have the name.
pub(super) fn heading(snapshot: &Snapshot, endpoint: &EndpointView) -> String {
    let alone = snapshot.endpoints.iter().filter(|other| other.name == endpoint.name).count() < 2;
    let address = endpoint.base_url.split_once("://").map_or(endpoint.base_url.as_str(), |(_, rest)| rest);
    let address = if alone { String::new() } else { format!(" · {address}") };
    format!("{}{address}{}", endpoint.name, leaves(endpoint.local))
}

/// The sign of what leaves this machine.
pub(super) fn leaves(local: bool) -> &'static str {
    if local { "" } else { " ↗" }
}

/// `1 model`, `5 models`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `5.2 GB`. Decimal, as file managers and vendors count.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000_000_000 => format!("{} MB", count.div_ceil(1_000_000)),
        1_000_000_000..100_000_000_000 => {
            let tenths = count / 100_000_000;
            if tenths.is_multiple_of(10) {
                format!("{} GB", tenths / 10)
            } else {
                format!("{}.{} GB", tenths / 10, tenths % 10)
            }
        }
        _ => format!("{} GB", count / 1_000_000_000),
    }
}

/// The beginning of a fault, on one line.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut cut: String = line.chars().take(LONGEST).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let check = |count, expected: &str| assert_eq!(bytes(count), expected);
        check(5_225_388_164, "5.2 GB");
        check(40_000_000_000, "40 GB");
        check(142_500_000_000, "142 GB");
        check(98_362_432, "99 MB");
        check(0, "0 MB");
    }

    #[test]
    fn a_fault_fits_the_menu() {
        assert_eq!(short("port 4747 is\ntaken"), "port 4747 is taken");
        assert_eq!(short(&"ü".repeat(200)).chars().count(), LONGEST + 1);
    }
}
