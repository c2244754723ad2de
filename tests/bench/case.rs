//! One load, run through every way in turn, several times.
//!
//! The machine may do other work: ways alternate in short rounds, so that a slow moment meets all of them, and the
//! median round is told. CPU time depends on who else is running, too (a cold cache triples it), so they are compared
//! round by round: on two cores at a load of 10, the bare proxy's requests against its own came out between 0.97 and 1.04
//! that way, and between 0.8 and 1.6 when each one's rounds were summed first.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::{Pool, Question, Unit};
use crate::process::Process;
use crate::surface::{Surface, Wish};

/// A load.
pub(crate) struct Case {
    /// The row's head.
    pub(crate) name: String,
    /// What is counted.
    pub(crate) unit: Unit,
    connections: usize,
    bytes: usize,
    wish: Option<Wish>,
}

impl Case {
    /// Chats without a stream.
    pub(crate) fn chat(kilobytes: usize, connections: usize) -> Case {
        let name = format!("{kilobytes} kB, {connections} connection{}", if connections == 1 { "" } else { "s" });
        Case { name, unit: Unit::Request, connections, bytes: kilobytes * 1000, wish: None }
    }

    /// Short streams, one after the other.
    pub(crate) fn first_byte() -> Case {
        let wish = Some(Wish { chunks: 8, interval: Duration::ZERO, hold: false });
        let name = "first byte, 1 connection".to_owned();
        Case { name, unit: Unit::FirstByte, connections: 1, bytes: 1000, wish }
    }

    /// Streams at the pace of a fast model: events come one by one.
    pub(crate) fn paced() -> Case {
        let wish = Some(Wish { chunks: 50, interval: Duration::from_millis(4), hold: false });
        let name = "32 streams, 250 chunks/s each".to_owned();
        Case { name, unit: Unit::Chunk, connections: 32, bytes: 1000, wish }
    }

    /// Streams of so many events as fast as they go: they come many at a time.
    pub(crate) fn flat_out(chunks: usize) -> Case {
        let wish = Some(Wish { chunks, interval: Duration::ZERO, hold: false });
        let name = format!("4 streams of {chunks}, flat out");
        Case { name, unit: Unit::Burst, connections: 4, bytes: 1000, wish }
    }

    /// What it asks in an API.
    fn question(&self, surface: Surface) -> Question {
        Question { surface, body: surface.body(self.bytes, self.wish) }
    }
}

/// A way to the upstream that runs.
pub(crate) struct Running<'p, Way> {
    /// Which.
    pub(crate) way: Way,
    /// The API in which it is asked.
    pub(crate) surface: Surface,
    /// Where it is asked.
    pub(crate) address: SocketAddr,
    /// Its proxy, if it has one.
    pub(crate) process: Option<&'p Process>,
}

/// What one way did in one round.
pub(crate) struct Round {
    units: usize,
    wall: Duration,
    p50: Duration,
    p99: Duration,
    cpu: Option<Duration>,
}

impl Round {
    fn cpu_each(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() / self.units as f64)
    }
}

/// What one way did in all rounds.
pub(crate) struct Rounds<Way> {
    /// Which way.
    pub(crate) way: Way,
    rounds: Vec<Round>,
}

impl<Way> Rounds<Way> {
    /// Units a second in the median round.
    pub(crate) fn rate(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.units as f64 / round.wall.as_secs_f64()))
    }

    /// The median of the rounds' medians, in seconds.
    pub(crate) fn p50(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.p50.as_secs_f64()))
    }

    /// The median of the rounds' 99th percentiles, in seconds.
    pub(crate) fn p99(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.p99.as_secs_f64()))
    }

    /// The proxy's CPU time for one unit, in seconds, over all rounds.
    pub(crate) fn cpu(&self) -> Option<f64> {
        let cpu: Option<Duration> = self.rounds.iter().map(|round| round.cpu).sum();
        let units: usize = self.rounds.iter().map(|round| round.units).sum();
        Some(cpu?.as_secs_f64() / units as f64)
    }

    /// This way's CPU time over another's: the median of the ratios round by round.
    pub(crate) fn cpu_over(&self, other: &Rounds<Way>) -> Option<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        let each: Option<Vec<f64>> = pairs.map(|(own, other)| Some(own.cpu_each()? / other.cpu_each()?)).collect();
        each.map(|each| median(each.into_iter()))
    }

    /// What this way adds to another's median, in seconds: the median of the differences round by round.
    pub(crate) fn added_to(&self, other: &Rounds<Way>) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        median(pairs.map(|(own, other)| own.p50.as_secs_f64() - other.p50.as_secs_f64()))
    }
}

/// Runs a case through every way.
pub(crate) async fn run<Way: Copy>(
    case: &Case,
    ways: &[Running<'_, Way>],
    rounds: usize,
    window: Duration,
) -> anyhow::Result<Vec<Rounds<Way>>> {
    let mut asking = Vec::new();
    for running in ways {
        let mut pool = Pool::open(running.address, case.connections).await?;
        let question = case.question(running.surface);
        pool.ask(&question, case.unit, window / 5).await?;
        asking.push((pool, question));
    }
    let mut results: Vec<Rounds<Way>> =
        ways.iter().map(|running| Rounds { way: running.way, rounds: Vec::new() }).collect();
    for round in 0..rounds {
        for place in 0..ways.len() {
            // Each round begins with another one.
            let turn = (place + round) % ways.len();
            let (pool, question) = &mut asking[turn];
            let measured = one_round(case, ways[turn].process, pool, question, window).await?;
            results[turn].rounds.push(measured);
        }
    }
    Ok(results)
}

async fn one_round(
    case: &Case,
    process: Option<&Process>,
    pool: &mut Pool,
    question: &Question,
    window: Duration,
) -> anyhow::Result<Round> {
    let cpu = || process.map(Process::cpu).transpose();
    let (cpu_before, since) = (cpu()?, Instant::now());
    let mut seen = pool.ask(question, case.unit, window).await?;
    let wall = since.elapsed();
    let cpu = cpu()?.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    seen.times.sort_unstable();
    let at = |part: f64| seen.times.get((seen.times.len() as f64 * part) as usize).copied().unwrap_or_default();
    Ok(Round { units: seen.units, wall, p50: at(0.5), p99: at(0.99), cpu })
}

/// The middle value.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
