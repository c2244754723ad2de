//! The machine's memory, and that of its GPUs: whether a model fits.
//!
//! Read on a thread that may wait, every few seconds at most, and only while somebody looks; never on the path of a request.
//! A change that nobody would see is none.

mod gpus;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sysinfo::{Disk, DiskRefreshKind, Disks};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::gpus::Gpus;
use crate::control::Machine;

/// Between two readings.
const EVERY: Duration = Duration::from_secs(4);
/// How long one who asks once waits for a reading: the first look at a GPU may take a second.
const PATIENCE: Duration = Duration::from_millis(500);
/// A change of less than one part in so many is none.
const PARTS: u64 = 50;

/// What is known now, and the way to ask for more. Clones share it.
#[derive(Debug, Clone)]
pub struct Gauge {
    asked: Arc<Notify>,
    seen: watch::Receiver<Reading>,
    looks: watch::Sender<()>,
}

/// Somebody looks for as long as it is held.
#[derive(Debug)]
pub struct Look(#[expect(dead_code, reason = "it is counted, never read")] watch::Receiver<()>);

#[derive(Debug, Clone, Default)]
struct Reading {
    at: Option<Instant>,
    machine: Machine,
}

impl Reading {
    fn is_recent(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < EVERY)
    }
}

/// The task that reads.
#[derive(Debug)]
pub struct Reader {
    asked: Arc<Notify>,
    publish: watch::Sender<Reading>,
    looks: watch::Sender<()>,
}

/// How much room the disk has on which a folder lies; none where that cannot be told.
pub async fn free_on_disk(folder: PathBuf) -> Option<u64> {
    let look = move || {
        let folder = folder.canonicalize().ok()?;
        let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()).ok()?;
        let below = disks.iter().filter(|disk| folder.starts_with(disk.mount_point()));
        below.max_by_key(|disk| disk.mount_point().as_os_str().len()).map(Disk::available_space)
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

/// A gauge and what moves it.
pub fn gauge() -> (Gauge, Reader) {
    let asked = Arc::new(Notify::new());
    let (publish, seen) = watch::channel(Reading::default());
    let looks = watch::Sender::new(());
    (Gauge { asked: Arc::clone(&asked), seen, looks: looks.clone() }, Reader { asked, publish, looks })
}

impl Gauge {
    /// Has it read again and again while this is held. A tray, which is always there, holds none: a card is kept awake by
    /// whoever reads it.
    pub fn look(&self) -> Look {
        Look(self.looks.subscribe())
    }

    /// What was read last. Whoever asks for it has it read again soon.
    pub fn now(&self) -> Machine {
        self.asked.notify_one();
        self.seen.borrow().machine.clone()
    }

    /// Waits a moment for a reading that is not old.
    pub async fn fresh(&self) {
        if self.seen.borrow().is_recent() {
            return;
        }
        self.asked.notify_one();
        let mut seen = self.seen.clone();
        // What is late shows in the next snapshot.
        let _ = tokio::time::timeout(PATIENCE, seen.wait_for(Reading::is_recent)).await;
    }
}

impl Reader {
    /// Reads until `stop`, and counts each change into `changes`.
    pub async fn run(self, changes: watch::Sender<u64>, stop: CancellationToken) {
        let reading = async {
            let mut gpus = None;
            loop {
                let watched = self.looks.receiver_count() > 0;
                if !watched {
                    // A card is kept awake by whoever holds it open.
                    gpus = None;
                }
                tokio::select! {
                    () = self.asked.notified() => {}
                    () = tokio::time::sleep(EVERY), if watched => {}
                }
                let last = self.publish.borrow().clone();
                if let Some(at) = last.at.filter(|_| last.is_recent()) {
                    if self.looks.receiver_count() == 0 {
                        continue;
                    }
                    tokio::time::sleep_until(at + EVERY).await;
                }
                let held: Option<Gpus> = gpus.take();
                let read = tokio::task::spawn_blocking(move || {
                    let gpus = held.unwrap_or_else(Gpus::open);
                    let machine = look(&gpus);
                    (gpus, machine)
                });
                let Ok((open, machine)) = read.await else { return };
                gpus = Some(open);
                let differs = differs(&last.machine, &machine);
                let machine = if differs { machine } else { last.machine };
                self.publish.send_replace(Reading { at: Some(Instant::now()), machine });
                if differs {
                    changes.send_modify(|count| *count += 1);
                }
            }
        };
        stop.run_until_cancelled(reading).await;
    }
}

/// All memory and what programs can still have, in bytes. Asks the system, which takes a moment.
pub(crate) fn memory() -> (u64, u64) {
    let Ok(mut system) = sysinfo::System::new() else { return (0, 0) };
    system.refresh_memory();
    let (total, available) = (system.total_memory(), system.available_memory());
    // In a container the group's limit counts, not the machine's memory.
    system
        .cgroup_limits()
        .map_or((total, available), |limits| (total.min(limits.total_memory), available.min(limits.free_memory)))
}

fn look(gpus: &Gpus) -> Machine {
    let (memory_total, memory_available) = memory();
    Machine { memory_total, memory_available, gpus: gpus.read() }
}

/// Whether anybody would see it.
fn differs(a: &Machine, b: &Machine) -> bool {
    let moved = |total: u64, a: u64, b: u64| a.abs_diff(b) > total / PARTS;
    let same_gpus = a.gpus.len() == b.gpus.len()
        && a.gpus.iter().zip(&b.gpus).all(|(a, b)| {
            a.name == b.name && a.memory_total == b.memory_total && !moved(b.memory_total, a.memory_free, b.memory_free)
        });
    !same_gpus || a.memory_total != b.memory_total || moved(b.memory_total, a.memory_available, b.memory_available)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Gpu;

    #[test]
    fn a_change_that_nobody_would_see_is_none() {
        let machine = |available: u64, free: &[u64]| Machine {
            memory_total: 1000,
            memory_available: available,
            gpus: free.iter().map(|free| Gpu { name: "g".to_owned(), memory_total: 100, memory_free: *free }).collect(),
        };
        let check = |a: Machine, b: Machine, expected: bool| assert_eq!(differs(&a, &b), expected, "{a:?} {b:?}");
        check(machine(500, &[50]), machine(519, &[51]), false);
        check(machine(500, &[50]), machine(521, &[50]), true);
        check(machine(500, &[50]), machine(500, &[53]), true);
        check(machine(500, &[50]), machine(500, &[50, 50]), true);
        check(machine(500, &[]), machine(479, &[]), true);
    }

    #[tokio::test]
    async fn it_is_read_when_somebody_asks() {
        let (gauge, reader) = gauge();
        let (changes, mut seen) = watch::channel(0);
        let stop = CancellationToken::new();
        let running = tokio::spawn(reader.run(changes, stop.clone()));
        tokio::task::yield_now().await;
        assert_eq!(gauge.seen.borrow().machine, Machine::default(), "nobody has asked");
        gauge.now();
        seen.wait_for(|count| *count == 1).await.unwrap();
        gauge.fresh().await;
        let machine = gauge.now();
        assert!(machine.memory_total > machine.memory_available && machine.memory_available > 0, "{machine:?}");
        stop.cancel();
        running.await.unwrap();
    }

    /// For a person at a machine with a GPU: `cargo test --workspace gpu -- --ignored --nocapture`.
    #[test]
    #[ignore = "prints what is read, on a machine with a GPU"]
    fn gpu_memory_as_it_is_read() {
        let began = std::time::Instant::now();
        let gpus = Gpus::open();
        println!("opened in {:?}", began.elapsed());
        for _ in 0..2 {
            let began = std::time::Instant::now();
            let machine = look(&gpus);
            println!("read in {:?}: {machine:#?}", began.elapsed());
        }
    }
}
