//! What recording costs: the time of a `send`, and the CPU time of the usage thread per record, at several rates.
//!
//! `cargo run --release -p pointsman-gateway --example usage_load`. The thread's CPU time is read from `/proc`, so on
//! Linux only; elsewhere it says 0.
#![expect(clippy::print_stdout, reason = "it is here to print")]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use pointsman_gateway::usage::{Outcome, Record, Sink, Store};

const LENGTH: Duration = Duration::from_secs(4);
const TICK: Duration = Duration::from_millis(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("pointsman-usage-load-{}", std::process::id()));
    println!(
        "{:>10} {:>9} {:>8} {:>12} {:>17}",
        "per second", "records", "dropped", "ns per send", "CPU us per record"
    );
    for rate in [20, 200, 2_000, 20_000, 100_000] {
        measure(&folder.join(format!("{rate}.db")), rate)?;
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}

fn measure(path: &Path, rate: u32) -> Result<(), Box<dyn std::error::Error>> {
    let (sink, store) = Store::open(path, Duration::from_secs(90 * 24 * 60 * 60))?;
    store.flush();
    let before = cpu();
    let sending = send(&sink, rate);
    store.flush();
    let spent = cpu().saturating_sub(before);
    let stats = store.stats();
    let records = stats.written + stats.dropped;
    let each = |time: Duration, unit: f64| time.as_secs_f64() * unit / records.max(1) as f64;
    println!("{rate:>10} {records:>9} {:>8} {:>12.0} {:>17.2}", stats.dropped, each(sending, 1e9), each(spent, 1e6));
    store.close();
    Ok(())
}

/// Sends at a steady rate, and says how long it spent in `send`.
fn send(sink: &Sink, rate: u32) -> Duration {
    let start = Instant::now();
    let mut sending = Duration::ZERO;
    let mut sent = 0;
    let model = record();
    while start.elapsed() < LENGTH {
        let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u32;
        let records: Vec<Record> =
            (sent..due).map(|_| Record { started: SystemTime::now(), ..model.clone() }).collect();
        let burst = Instant::now();
        records.into_iter().for_each(|record| sink.send(record));
        sending += burst.elapsed();
        sent = due.max(sent);
        thread::park_timeout(TICK);
    }
    sending
}

fn record() -> Record {
    Record {
        started: SystemTime::UNIX_EPOCH,
        client: Some("editor".into()),
        tool: Some("claude-cli/1.0.83".into()),
        surface: "anthropic",
        operation: "chat",
        asked: "claude-sonnet-4-5".into(),
        endpoint: Some("ollama@127.0.0.1:11434".into()),
        model: Some("qwen3-coder:30b".into()),
        local: true,
        stream: true,
        input_tokens: Some(12_345),
        output_tokens: Some(678),
        cached_tokens: Some(12_000),
        reasoning_tokens: None,
        units: None,
        first_byte: Some(Duration::from_millis(230)),
        total: Duration::from_millis(7_654),
        status: 200,
        outcome: Outcome::Complete,
        attempts: 1,
        error: None,
        chunks: 680,
        missed: Vec::new(),
        dropped: Vec::new(),
        bodies: None,
    }
}

/// The CPU time of the thread named `usage` so far.
fn cpu() -> Duration {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let nanoseconds = tasks.flatten().find_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        (name.trim() == "usage").then(|| times.split_whitespace().next()?.parse().ok())?
    });
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
