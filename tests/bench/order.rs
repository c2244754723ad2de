//! The order of the run.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::case::{self, Case, Running, median};
use crate::held;
use crate::leg::{Leg, own_role};
use crate::pointsman::{self, Discovery};
use crate::process::Process;
use crate::report::Report;
use crate::surface::Surface;
use crate::{prefix_cache, translation};

/// How much is done.
pub(crate) struct Effort {
    rounds: usize,
    window: Duration,
    starts: usize,
    held: [usize; 2],
    idle: Duration,
}

/// What the README's figures are made with: some five minutes.
pub(crate) const FULL: Effort = Effort {
    rounds: 20,
    window: Duration::from_millis(125),
    starts: 5,
    held: [1000, 5000],
    idle: Duration::from_secs(20),
};

/// Whether everything still runs: under a minute.
pub(crate) const QUICK: Effort =
    Effort { rounds: 3, window: Duration::from_millis(50), starts: 1, held: [100, 500], idle: Duration::from_secs(2) };

/// Measures everything. The flag tells whether every leg could be.
pub(crate) async fn run(effort: &Effort) -> anyhow::Result<(Report, bool)> {
    let upstream = Process::announced(&mut own_role("upstream")?).await?;
    let mut report = Report::default();
    let mut whole = true;

    let mut legs = Vec::new();
    for leg in Leg::ALL {
        let folder = tempfile::tempdir()?;
        match leg.start(upstream.address, folder.path()).await {
            Ok(process) => legs.push((leg, process, folder)),
            Err(error) => {
                eprintln!("{error:#}");
                whole = false;
            }
        }
    }
    report.legs = legs.iter().map(|(leg, ..)| *leg).collect();
    let ways: Vec<Running<'_, Leg>> = legs
        .iter()
        .map(|(leg, process, _)| Running {
            way: *leg,
            surface: Surface::Chat,
            address: process.as_ref().map_or(upstream.address, |process| process.address),
            process: process.as_ref(),
        })
        .collect();
    for case in cases() {
        eprintln!("{}", case.name);
        let results = case::run(&case, &ways, effort.rounds, effort.window).await?;
        report.cases.push((case, results));
    }
    for (_, process, _folder) in legs {
        if let Some(process) = process {
            process.stop().await?;
        }
    }
    if report.legs.contains(&Leg::Pointsman) {
        report.translation = Some(translation::measure(upstream.address, effort.rounds, effort.window).await?);
    }
    match prefix_cache::measure().await {
        Ok(shares) => report.prefix_cache = shares,
        Err(error) => {
            eprintln!("{error:#}");
            whole = false;
        }
    }

    for leg in report.legs.iter().filter(|leg| **leg != Leg::Direct) {
        eprintln!("{}: start and memory", leg.name());
        let folder = tempfile::tempdir()?;
        let mut startups = Vec::new();
        for _ in 0..effort.starts {
            if let Some(process) = leg.start(upstream.address, folder.path()).await? {
                startups.push(process.startup.as_secs_f64());
                process.stop().await?;
            }
        }
        report.startup.push((*leg, median(startups.into_iter())));
        if let Some(process) = leg.start(upstream.address, folder.path()).await? {
            report.memory.push((*leg, held::measure(&process, upstream.address, &effort.held).await?));
            process.stop().await?;
        }
    }
    if report.legs.contains(&Leg::Pointsman) {
        eprintln!("discovery while nothing happens");
        report.discovery = Some(idle_discovery(effort.idle).await?);
    }
    upstream.stop().await?;
    Ok((report, whole))
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kilobytes in [1, 100] {
        cases.extend([1, 16, 64].map(|connections| Case::chat(kilobytes, connections)));
    }
    cases.extend([Case::first_byte(), Case::paced(), Case::flat_out(2000)]);
    cases
}

/// The part of one core that Pointsman takes with five idle runtimes and no request.
async fn idle_discovery(span: Duration) -> anyhow::Result<f64> {
    let mut runtimes = Vec::new();
    for _ in 0..5 {
        runtimes.push(Process::announced(&mut own_role("upstream")?).await?);
    }
    let addresses: Vec<SocketAddr> = runtimes.iter().map(|runtime| runtime.address).collect();
    let folder = tempfile::tempdir()?;
    let pointsman = pointsman::start(Discovery::DefaultsAnd(&addresses), folder.path()).await?;
    // The first look round, which is the thorough one, is not idleness.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, since) = (pointsman.cpu()?, Instant::now());
    tokio::time::sleep(span).await;
    let part = pointsman.cpu()?.saturating_sub(before).as_secs_f64() / since.elapsed().as_secs_f64();
    pointsman.stop().await?;
    for runtime in runtimes {
        runtime.stop().await?;
    }
    Ok(part)
}
