//! What a translation costs: one gateway, one upstream, the same question in each API.

use std::net::SocketAddr;
use std::time::Duration;

use crate::case::{self, Case, Rounds, Running};
use crate::cores::ProxysCore;
use crate::pointsman::{self, Discovery};
use crate::surface::Surface;

/// What was measured.
pub(crate) struct Translation {
    /// Loads, each with one result a surface.
    pub(crate) cases: Vec<(Case, Vec<Rounds<Surface>>)>,
    /// Bytes of memory after short streams, and after long ones.
    pub(crate) memory: [u64; 2],
}

/// How many events a short stream has, and a long one. What one costs must be the same in both.
const LENGTHS: [usize; 2] = [500, 20_000];

/// Measures all surfaces.
pub(crate) async fn measure(upstream: SocketAddr, rounds: usize, window: Duration) -> anyhow::Result<Translation> {
    let folder = tempfile::tempdir()?;
    let process = {
        let _core = ProxysCore::take()?;
        pointsman::start(Discovery::ByHand(upstream, "openai"), folder.path()).await?
    };
    let ways = Surface::ALL.map(|surface| Running {
        way: surface,
        surface,
        address: process.address,
        process: Some(&process),
    });
    let mut cases = Vec::new();
    for case in [Case::chat(1, 16), Case::chat(100, 16), Case::paced()] {
        eprintln!("translated: {}", case.name);
        let results = case::run(&case, &ways, rounds, window).await?;
        cases.push((case, results));
    }
    let mut memory = [0; 2];
    for (bytes, chunks) in memory.iter_mut().zip(LENGTHS) {
        let case = Case::flat_out(chunks);
        eprintln!("translated: {}", case.name);
        let results = case::run(&case, &ways, rounds, window).await?;
        *bytes = process.resident()?;
        cases.push((case, results));
    }
    process.stop().await?;
    Ok(Translation { cases, memory })
}
