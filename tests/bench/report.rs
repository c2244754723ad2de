//! The figures as Markdown tables.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::case::{Case, Rounds};
use crate::held::Memory;
use crate::leg::Leg;
use crate::load::Unit;
use crate::prefix_cache::Share;
use crate::surface::Surface;
use crate::translation::Translation;

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    /// The legs that ran.
    pub(crate) legs: Vec<Leg>,
    /// Loads, each with one result a leg.
    pub(crate) cases: Vec<(Case, Vec<Rounds<Leg>>)>,
    /// Seconds from start to listening.
    pub(crate) startup: Vec<(Leg, f64)>,
    /// Memory with open streams.
    pub(crate) memory: Vec<(Leg, Memory)>,
    /// The part of one core that discovery takes while nothing happens.
    pub(crate) discovery: Option<f64>,
    /// What a translation costs.
    pub(crate) translation: Option<Translation>,
    /// How much of an agent's session a local model need not read again.
    pub(crate) prefix_cache: Vec<Share>,
}

impl Report {
    /// All tables.
    pub(crate) fn markdown(&self) -> String {
        let tables = [
            self.aims(),
            self.rates(),
            self.cpu(),
            self.streams(),
            self.processes(),
            self.translations(),
            self.prefix_cache(),
        ];
        let mut text = format!("{}\n\n", machine());
        let told: Vec<String> = tables.iter().filter(|table| table.lines.len() > 1).map(ToString::to_string).collect();
        text.push_str(&told.join("\n"));
        text
    }

    fn aims(&self) -> Table {
        let mut table = Table::new("Aims", ["", "aim", "measured", ""].map(String::from).to_vec());
        let mut aim = |name: &str, limit: f64, unit: &str, measured: Option<f64>| {
            let Some(measured) = measured else { return };
            let verdict = if measured <= limit { "met" } else { "**missed**" };
            table.row(&[name.into(), format!("≤ {limit}{unit}"), figure(measured) + unit, verdict.into()]);
        };
        for (other, limit) in [(Leg::Bare, 1.3), (Leg::Nginx, 2.0)] {
            for (case, results) in self.cases.iter().filter(|(case, _)| matches!(case.unit, Unit::Request)) {
                let name = format!("CPU per request over {}'s, {}", other.name(), case.name);
                aim(&name, limit, "×", over(results, other));
            }
        }
        // The first case of a kind is the one with a single connection and the small body.
        let added = |wanted: fn(&Case) -> bool| {
            let (_, results) = self.cases.iter().find(|(case, _)| wanted(case))?;
            Some(of(results, Leg::Pointsman)?.added_to(of(results, Leg::Direct)?) * 1e3)
        };
        aim("p50 added to a 1 kB request", 0.15, " ms", added(|case| matches!(case.unit, Unit::Request)));
        aim("p50 added to a stream's first byte", 1.0, " ms", added(|case| matches!(case.unit, Unit::FirstByte)));
        if let Some((_, memory)) = self.memory.iter().find(|(leg, _)| *leg == Leg::Pointsman) {
            aim("memory idle", 20.0, " MB", Some(megabytes(memory.idle)));
            if let Some((count, bytes)) = memory.held.last() {
                aim(
                    &format!("memory with {} open streams", thousands(*count as f64)),
                    250.0,
                    " MB",
                    Some(megabytes(*bytes)),
                );
            }
            aim("streams dropped", 0.0, "", Some(memory.dropped as f64));
        }
        for (case, results) in self.translation.iter().flat_map(|translation| &translation.cases) {
            let unit = if matches!(case.unit, Unit::Request) { "request" } else { "chunk" };
            let most = results.iter().filter_map(|rounds| rounds.cpu_over(results.first()?)).reduce(f64::max);
            let name = format!("CPU per translated {unit} over a forwarded one's, {}", case.name);
            aim(&name, 3.0, "×", most);
        }
        for share in self.prefix_cache.iter().filter(|share| share.ours) {
            aim(&format!("tokens read anew, {}", share.way), 1.0, " %", Some((1.0 - share.session.share()) * 100.0));
        }
        let startup = self.startup.iter().find(|(leg, _)| *leg == Leg::Pointsman);
        aim("start to listening", 150.0, " ms", startup.map(|(_, seconds)| seconds * 1e3));
        table
    }

    fn rates(&self) -> Table {
        let mut table = Table::new("Requests a second · p50 / p99 in ms", self.head("chat body"));
        for (case, results) in self.cases.iter().filter(|(case, _)| matches!(case.unit, Unit::Request)) {
            table.row_of(
                &case.name,
                results.iter().map(|rounds| {
                    let (p50, p99) = (figure(rounds.p50() * 1e3), figure(rounds.p99() * 1e3));
                    format!("{} · {p50} / {p99}", thousands(rounds.rate()))
                }),
            );
        }
        table
    }

    fn cpu(&self) -> Table {
        let mut head = self.head("");
        head.extend(["over nginx", "over bare hyper"].map(String::from));
        let mut table =
            Table::new("CPU time of the proxy, µs for one request or chunk, and Pointsman's over the others'", head);
        for (case, results) in self.cases.iter().filter(|(case, _)| !matches!(case.unit, Unit::FirstByte)) {
            let each = |rounds: &Rounds<Leg>| rounds.cpu().map_or("–".into(), |seconds| figure(seconds * 1e6));
            let ratio = |other| over(results, other).map_or("–".into(), |ratio| figure(ratio) + "×");
            let ratios = [Leg::Nginx, Leg::Bare].map(ratio);
            table.row_of(&case.name, results.iter().map(each).chain(ratios));
        }
        table
    }

    fn streams(&self) -> Table {
        let mut table = Table::new("Streams: p50 / p99 in ms", self.head(""));
        for (case, results) in &self.cases {
            let name = match case.unit {
                Unit::Request | Unit::Burst => continue,
                Unit::FirstByte => format!("{}: from the request", case.name),
                Unit::Chunk => format!("{}: on the way", case.name),
            };
            let cell =
                |rounds: &Rounds<Leg>| format!("{} / {}", figure(rounds.p50() * 1e3), figure(rounds.p99() * 1e3));
            table.row_of(&name, results.iter().map(cell));
        }
        table
    }

    fn processes(&self) -> Table {
        let mut table = Table::new("The process", self.head(""));
        let row = |table: &mut Table, name: &str, cell: &dyn Fn(Leg) -> Option<String>| {
            table.row_of(name, self.legs.iter().map(|leg| cell(*leg).unwrap_or("–".into())));
        };
        row(&mut table, "start to listening, ms", &|leg| {
            self.startup.iter().find(|(other, _)| *other == leg).map(|(_, seconds)| figure(seconds * 1e3))
        });
        let memory = |leg: Leg| self.memory.iter().find(|(other, _)| *other == leg).map(|(_, memory)| memory);
        row(&mut table, "memory idle, MB", &|leg| Some(figure(megabytes(memory(leg)?.idle))));
        let counts: Option<Vec<usize>> =
            self.memory.first().map(|(_, memory)| memory.held.iter().map(|(count, _)| *count).collect());
        for (place, count) in counts.unwrap_or_default().into_iter().enumerate() {
            let name = format!("memory with {} open streams, MB", thousands(count as f64));
            row(&mut table, &name, &|leg| Some(figure(megabytes(memory(leg)?.held.get(place)?.1))));
        }
        row(&mut table, "streams dropped", &|leg| Some(memory(leg)?.dropped.to_string()));
        row(&mut table, "idle CPU with five runtimes to watch, % of a core", &|leg| {
            (leg == Leg::Pointsman).then_some(self.discovery?).map(|part| figure(part * 100.0))
        });
        table
    }

    fn translations(&self) -> Table {
        let head = std::iter::once("").chain(Surface::ALL.map(Surface::name)).map(String::from).collect();
        let title = "Translation: CPU time, µs for one request or chunk, and times what passing it through takes";
        let mut table = Table::new(title, head);
        let Some(translation) = &self.translation else { return table };
        for (case, results) in &translation.cases {
            let cell = |rounds: &Rounds<Surface>| {
                let cpu = rounds.cpu().map_or("–".into(), |seconds| figure(seconds * 1e6));
                let over = results.first().filter(|first| first.way != rounds.way);
                let over = over.and_then(|first| rounds.cpu_over(first)).map(|ratio| format!(" ({}×)", figure(ratio)));
                cpu + &over.unwrap_or_default()
            };
            table.row_of(&case.name, results.iter().map(cell));
        }
        let [short, long] = translation.memory.map(|bytes| format!("{} MB", figure(megabytes(bytes))));
        table.row(&["memory after all of these, and after the last".into(), short, long]);
        table
    }

    fn prefix_cache(&self) -> Table {
        let title = "A coding agent's ten turns on a real llama-server: tokens that could come from its cache, and did";
        let head = ["", "could", "did", ""].map(String::from).to_vec();
        let mut table = Table::new(title, head);
        for share in &self.prefix_cache {
            let part = format!("{} %", figure(share.session.share() * 100.0));
            let count = |tokens: u64| thousands(tokens as f64);
            table.row(&[share.way.into(), count(share.session.reusable), count(share.session.cached), part]);
        }
        table
    }

    fn head(&self, first: &str) -> Vec<String> {
        std::iter::once(first).chain(self.legs.iter().map(|leg| leg.name())).map(String::from).collect()
    }
}

/// Puts `tables` between the two marks of a README.
pub(crate) fn write_into(file: &Path, tables: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let marks = || format!("{} has no `{BEGIN}` before `{END}`", file.display());
    let (before, rest) = text.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    std::fs::write(file, format!("{before}{BEGIN}\n{tables}\n{END}{after}"))?;
    Ok(())
}

struct Table {
    title: &'static str,
    lines: Vec<Vec<String>>,
}

impl Table {
    fn new(title: &'static str, head: Vec<String>) -> Table {
        Table { title, lines: vec![head] }
    }

    fn row(&mut self, cells: &[String]) {
        self.lines.push(cells.to_vec());
    }

    fn row_of(&mut self, name: &str, cells: impl Iterator<Item = String>) {
        self.lines.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "**{}**\n", self.title)?;
        for (place, cells) in self.lines.iter().enumerate() {
            writeln!(out, "| {} |", cells.join(" | "))?;
            if place == 0 {
                writeln!(out, "|---{}|", "|---:".repeat(cells.len() - 1))?;
            }
        }
        Ok(())
    }
}

/// One sentence about the machine, since figures of another are not comparable.
fn machine() -> String {
    let mut text = String::from("One run on ");
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    // Of the machine: this process has kept to one of them.
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let _infallible = write!(text, "{cores} cores of {}", model.map_or("an unnamed processor", |(_, name)| name));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    if let Some(load) = load.split(' ').next() {
        let _infallible = write!(text, ", load {load} at the end (the bench itself makes about 2)");
    }
    text + "."
}

fn of(results: &[Rounds<Leg>], leg: Leg) -> Option<&Rounds<Leg>> {
    results.iter().find(|rounds| rounds.way == leg)
}

fn over(results: &[Rounds<Leg>], other: Leg) -> Option<f64> {
    of(results, Leg::Pointsman)?.cpu_over(of(results, other)?)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Three digits at most: more would be noise.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size > 0.0 => format!("{value:.3}"),
        _ => "0".into(),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    match digits.len() {
        4.. => format!("{},{}", &digits[..digits.len() - 3], &digits[digits.len() - 3..]),
        _ => digits,
    }
}
