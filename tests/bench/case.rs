//! One load, run through every leg in turn, several times.
//!
//! The machine may do other work: legs alternate in short rounds, so that a slow moment meets all of them, and the
//! median round is told. CPU time depends on who else is running, too (a cold cache triples it), so legs are compared
//! round by round: on two cores at a load of 10, the bare proxy's requests against its own came out between 0.97 and 1.04
//! that way, and between 0.8 and 1.6 when each leg's rounds were summed first.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::leg::Leg;
use crate::load::{Pool, Unit, chat_body, stream_body};
use crate::process::Process;

/// A load.
pub(crate) struct Case {
    /// The row's head.
    pub(crate) name: String,
    /// What is counted.
    pub(crate) unit: Unit,
    connections: usize,
    body: Bytes,
}

impl Case {
    /// Chats without a stream.
    pub(crate) fn chat(kilobytes: usize, connections: usize) -> Case {
        let name = format!("{kilobytes} kB, {connections} connection{}", if connections == 1 { "" } else { "s" });
        Case { name, unit: Unit::Request, connections, body: chat_body(kilobytes * 1000) }
    }

    /// Short streams, one after the other.
    pub(crate) fn first_byte() -> Case {
        let body = stream_body(8, Duration::ZERO, false);
        Case { name: "first byte, 1 connection".into(), unit: Unit::FirstByte, connections: 1, body }
    }

    /// Streams at the pace of a fast model: events come one by one.
    pub(crate) fn paced() -> Case {
        let body = stream_body(50, Duration::from_millis(4), false);
        Case { name: "32 streams, 250 chunks/s each".into(), unit: Unit::Chunk, connections: 32, body }
    }

    /// Streams as fast as they go: events come many at a time.
    pub(crate) fn flat_out() -> Case {
        let body = stream_body(2000, Duration::ZERO, false);
        Case { name: "4 streams, flat out".into(), unit: Unit::Burst, connections: 4, body }
    }
}

/// A leg that runs.
pub(crate) struct Running {
    /// Which.
    pub(crate) leg: Leg,
    /// Where it is asked.
    pub(crate) address: SocketAddr,
    /// Its proxy, if it has one.
    pub(crate) process: Option<Process>,
}

/// What one leg did in one round.
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

/// What one leg did in all rounds.
pub(crate) struct Rounds {
    /// Which leg.
    pub(crate) leg: Leg,
    rounds: Vec<Round>,
}

impl Rounds {
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

    /// This leg's CPU time over another's: the median of the ratios round by round.
    pub(crate) fn cpu_over(&self, other: &Rounds) -> Option<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        let each: Option<Vec<f64>> = pairs.map(|(own, other)| Some(own.cpu_each()? / other.cpu_each()?)).collect();
        each.map(|each| median(each.into_iter()))
    }

    /// What this leg adds to another's median, in seconds: the median of the differences round by round.
    pub(crate) fn added_to(&self, other: &Rounds) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        median(pairs.map(|(own, other)| own.p50.as_secs_f64() - other.p50.as_secs_f64()))
    }
}

/// Runs a case through every leg.
pub(crate) async fn run(case: &Case, legs: &[Running], rounds: usize, window: Duration) -> anyhow::Result<Vec<Rounds>> {
    let mut pools = Vec::new();
    for running in legs {
        let mut pool = Pool::open(running.address, case.connections).await?;
        pool.ask(&case.body, case.unit, window / 5).await?;
        pools.push(pool);
    }
    let mut results: Vec<Rounds> = legs.iter().map(|running| Rounds { leg: running.leg, rounds: Vec::new() }).collect();
    for round in 0..rounds {
        for place in 0..legs.len() {
            // Each round begins with another leg.
            let turn = (place + round) % legs.len();
            let measured = one_round(case, &legs[turn], &mut pools[turn], window).await?;
            results[turn].rounds.push(measured);
        }
    }
    Ok(results)
}

async fn one_round(case: &Case, running: &Running, pool: &mut Pool, window: Duration) -> anyhow::Result<Round> {
    let cpu = || running.process.as_ref().map(Process::cpu).transpose();
    let (cpu_before, since) = (cpu()?, Instant::now());
    let mut seen = pool.ask(&case.body, case.unit, window).await?;
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
