//! Processes as `/proc` tells them.
//!
//! Nothing is read of a process that is known already, and no file of another user's process that is not readable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use procfs::process::Process;

use super::Told;
use crate::discovery::ports::Socket;

/// The numbers of all processes.
pub(super) fn numbers() -> Option<BTreeSet<u32>> {
    let entries = fs::read_dir("/proc").ok()?;
    Some(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// One process; `None` when it has gone.
pub(super) fn read(number: u32) -> Option<Told> {
    let process = Process::new(i32::try_from(number).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let words = process.cmdline().unwrap_or_default();
    // Reading the environment costs a page or two, and only a router's child has something to tell there.
    let could_be_child = words.first().is_some_and(|path| path.contains("llama"));
    let variables = match process.environ() {
        Ok(environ) if could_be_child => environ.into_keys().filter_map(|name| name.into_string().ok()).collect(),
        Ok(_) | Err(_) => BTreeSet::new(),
    };
    Some(Told { parent: u32::try_from(stat.ppid).unwrap_or(0), name: stat.comm, words, variables })
}

/// Which processes hold which of the sockets.
pub(in crate::discovery) fn holders(
    sockets: &[Socket],
    processes: impl Iterator<Item = u32>,
) -> BTreeMap<u64, Vec<u32>> {
    let mut holders: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let me = fs::metadata("/proc/self").map(|it| it.uid()).unwrap_or(0);
    // Other users' descriptors cannot be read, unless by root.
    let wanted: BTreeSet<u64> =
        sockets.iter().filter(|socket| me == 0 || socket.user == me).map(|socket| socket.inode).collect();
    if wanted.is_empty() {
        return holders;
    }
    for process in processes {
        let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(target) = fs::read_link(entry.path()) else {
                continue;
            };
            let inode = target
                .to_str()
                .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
                .filter(|inode| wanted.contains(inode));
            if let Some(inode) = inode {
                let holders = holders.entry(inode).or_default();
                if holders.last() != Some(&process) {
                    holders.push(process);
                }
            }
        }
    }
    holders
}
