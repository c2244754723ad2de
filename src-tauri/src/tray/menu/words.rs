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

/// Weights on disk, as runtimes list them: `5.2 GB` in decimal steps.
pub(super) fn size(count: u64) -> String {
    scaled(count, 1000)
}

/// Memory, as machines are sold: `16 GB` in steps of 1024. The window counts both alike.
pub(super) fn memory(count: u64) -> String {
    scaled(count, 1024)
}

fn scaled(count: u64, step: u64) -> String {
    let giga = step.pow(3);
    // In tenths, rounded.
    let tenths = (u128::from(count) * 10 + u128::from(giga) / 2) / u128::from(giga);
    match tenths {
        0..10 => format!("{} MB", count.div_ceil(step.pow(2))),
        10..100 if !tenths.is_multiple_of(10) => format!("{}.{} GB", tenths / 10, tenths % 10),
        _ => format!("{} GB", (tenths + 5) / 10),
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
        let check = |count, on_disk: &str, in_memory: &str| {
            assert_eq!((&*size(count), &*memory(count)), (on_disk, in_memory), "{count} bytes");
        };
        check(5_225_388_164, "5.2 GB", "4.9 GB");
        check(40_000_000_000, "40 GB", "37 GB");
        check(142_500_000_000, "143 GB", "133 GB");
        check(98_362_432, "99 MB", "94 MB");
        check(17_179_869_184, "17 GB", "16 GB");
        check(2_000_000_000, "2 GB", "1.9 GB");
        check(0, "0 MB", "0 MB");
    }

    #[test]
    fn a_fault_fits_the_menu() {
        assert_eq!(short("port 4747 is\ntaken"), "port 4747 is taken");
        assert_eq!(short(&"ü".repeat(200)).chars().count(), LONGEST + 1);
    }
}
