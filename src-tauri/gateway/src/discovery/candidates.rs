//! Which listening sockets are asked what they are.
//!
//! Pure: sockets, processes and settings in, addresses out. A port is a candidate because the table, a file, an
//! environment variable or the settings name it, or because a runtime's process holds it. What it is, `probe` finds out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::ports::Socket;
use super::probe::Expected;
use super::processes::{Ours, Processes, Standing};
use crate::provider::RuntimeSpec;

/// What settings, table, files and environment make worth asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// Ports with the rows that they suggest.
    pub ports: BTreeMap<u16, BTreeSet<usize>>,
    /// Ports of which a refusal is worth a note.
    pub noted: BTreeSet<u16>,
    /// Ports on which only an app listens, with its row.
    pub control: BTreeMap<u16, usize>,
    /// Rows that are not looked for.
    pub ignored: BTreeSet<usize>,
    /// Whether processes count.
    pub processes: bool,
    /// Ports that are never asked: ours, and those that the settings name as endpoints.
    pub skipped: BTreeSet<u16>,
    /// What is ours.
    pub ours: Ours,
}

/// An address worth asking.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    /// Where else it can be reached if the address does not answer.
    pub instead: Option<SocketAddr>,
    /// The sockets' numbers.
    pub inodes: BTreeSet<u64>,
    /// The process that holds it, where that can be seen.
    pub process: Option<u32>,
    /// What is known before asking.
    pub expected: Expected,
    /// The path below which all of its paths are.
    pub prefix: String,
    /// It listens on all interfaces.
    pub exposed: bool,
    /// Its process makes vectors and answers nothing else.
    pub embeddings: bool,
    /// Its process orders documents and answers nothing else.
    pub rerank: bool,
    /// A refusal is worth a note.
    pub noted: bool,
    /// It counts only if it turns out to be this row.
    pub must_be: Option<usize>,
    /// Nothing listens yet: the process of this row loads its model.
    pub starting: Option<usize>,
}

impl Candidate {
    /// Whether it is still the same server.
    pub(super) fn continues(&self, before: &Candidate) -> bool {
        let same_socket = self.inodes.is_empty() || self.inodes.iter().any(|inode| before.inodes.contains(inode));
        let same_process = match (self.process, before.process) {
            (Some(now), Some(then)) => now == then,
            (None, _) | (_, None) => true,
        };
        same_socket
            && same_process
            && self.starting == before.starting
            && self.expected.control == before.expected.control
    }
}

/// The addresses worth asking, by address.
pub(super) fn candidates(
    sockets: &[Socket],
    owners: &BTreeMap<u64, u32>,
    processes: &Processes,
    interest: &Interest,
    table: &[RuntimeSpec],
) -> BTreeMap<SocketAddr, Candidate> {
    let mut candidates: BTreeMap<SocketAddr, Candidate> = BTreeMap::new();
    let mut users: BTreeMap<SocketAddr, u32> = BTreeMap::new();
    for (address, instead, socket) in sockets.iter().filter_map(|socket| reach(socket, sockets)) {
        let process = owners.get(&socket.inode).copied();
        let Some(mut candidate) = candidate(address.port(), process, processes, interest, table) else {
            continue;
        };
        candidate.instead = instead;
        candidate.exposed = socket.address.ip().is_unspecified();
        candidate.inodes.extend((socket.inode > 0).then_some(socket.inode));
        users.insert(address, socket.user);
        let known = candidates.entry(address).or_insert_with(|| candidate.clone());
        known.inodes.extend(candidate.inodes);
        known.exposed |= candidate.exposed;
    }
    // The same server on both families is one endpoint, at 127.0.0.1.
    let doubles: Vec<SocketAddr> = candidates
        .iter()
        .filter(|(address, _)| address.is_ipv6())
        .filter(|(address, v6)| {
            let twin = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port());
            candidates.get(&twin).is_some_and(|v4| match (v4.process, v6.process) {
                (Some(a), Some(b)) => a == b,
                (None, None) => users.get(*address) == users.get(&twin),
                (Some(_), None) | (None, Some(_)) => false,
            })
        })
        .map(|(address, _)| *address)
        .collect();
    for address in doubles {
        let double = candidates.remove(&address);
        let twin = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port());
        if let (Some(double), Some(v4)) = (double, candidates.get_mut(&twin)) {
            v4.exposed |= double.exposed;
            v4.instead = Some(address);
        }
    }
    let starting = starting(&candidates, processes, interest, table);
    candidates.extend(starting);
    candidates
}

/// Where a socket is asked, and where else; `None` where it cannot be reached on this machine's own addresses.
fn reach<'s>(socket: &'s Socket, all: &[Socket]) -> Option<(SocketAddr, Option<SocketAddr>, &'s Socket)> {
    let port = socket.address.port();
    let v4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    let v6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
    match socket.address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Some((v4, None, socket)),
        // A socket on all of IPv6 mostly takes IPv4 too; another one on IPv4 says that this one does not.
        IpAddr::V6(ip) if ip.is_unspecified() => {
            let taken = all.iter().any(|other| {
                other.address.port() == port
                    && other.address.is_ipv4()
                    && (other.address.ip().is_unspecified() || other.address.ip() == Ipv4Addr::LOCALHOST)
            });
            Some(if taken { (v6, None, socket) } else { (v4, Some(v6), socket) })
        }
        ip if ip.is_loopback() => Some((socket.address, None, socket)),
        _ => None,
    }
}

fn candidate(
    port: u16,
    process: Option<u32>,
    processes: &Processes,
    interest: &Interest,
    table: &[RuntimeSpec],
) -> Option<Candidate> {
    if interest.skipped.contains(&port) {
        return None;
    }
    let process = process.filter(|_| interest.processes);
    let standing = process.map_or(Standing::Free, |process| processes.standing(process, &interest.ours, table));
    let runner = process.and_then(|process| processes.runner(process));
    let must_be = match standing {
        Standing::Private => return None,
        Standing::Helper(row) => Some(row),
        Standing::Free => None,
    };
    let by_port = interest.ports.get(&port);
    let by_process = runner.filter(|runner| {
        let spec = &table[runner.row];
        !interest.ignored.contains(&runner.row)
            && (spec.any_port || runner.port.map_or(spec.ports.contains(&port), |named| named == port))
    });
    let control = interest.control.get(&port).copied().filter(|_| by_port.is_none());
    if by_port.is_none() && by_process.is_none() && control.is_none() {
        return None;
    }
    let mut hinted: Vec<usize> = by_port.into_iter().flatten().copied().collect();
    hinted.extend(control);
    Some(Candidate {
        process,
        expected: Expected {
            last: None,
            process: runner.map(|runner| runner.row),
            hinted,
            only: by_port.is_none(),
            control: control.is_some(),
        },
        prefix: runner.map(|runner| runner.prefix.clone()).unwrap_or_default(),
        embeddings: runner.is_some_and(|runner| runner.embeddings),
        rerank: runner.is_some_and(|runner| runner.rerank),
        noted: interest.noted.contains(&port),
        must_be,
        ..Candidate::default()
    })
}

/// Processes that listen on nothing yet, of runtimes that do so only when their model is loaded.
fn starting(
    candidates: &BTreeMap<SocketAddr, Candidate>,
    processes: &Processes,
    interest: &Interest,
    table: &[RuntimeSpec],
) -> Vec<(SocketAddr, Candidate)> {
    let waits = |process: u32, row: usize| {
        interest.processes
            && table[row].listens_when_ready
            && !interest.ignored.contains(&row)
            && !processes.is_below_its_like(process)
            && !candidates.values().any(|candidate| candidate.process == Some(process))
            && processes.standing(process, &interest.ours, table) == Standing::Free
    };
    processes
        .runners()
        .filter(|(process, runner)| !runner.unix_socket && waits(*process, runner.row))
        .filter_map(|(process, runner)| {
            let port = runner.port.or(table[runner.row].ports.first().copied())?;
            let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
            let free = !candidates.contains_key(&address) && !interest.skipped.contains(&port);
            let candidate = Candidate { process: Some(process), starting: Some(runner.row), ..Candidate::default() };
            free.then_some((address, candidate))
        })
        .collect()
}

#[cfg(test)]
mod tests;
