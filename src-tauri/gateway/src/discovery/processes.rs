//! Processes of this machine: which runtime each one is, and whether its port is another runtime's private matter.
//!
//! Names, parents and a few facts from the arguments are kept, never the arguments themselves: they may hold keys. What
//! listens on a port is told by the port's answer, never by the process alone.

#[cfg(target_os = "linux")]
pub(super) mod linux;
mod portable;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use wildmatch::WildMatch;

use super::ports::Socket;
use crate::provider::RuntimeSpec;

/// A new process may still turn into another program: it is read again until it has lived so long.
const SETTLED: Duration = Duration::from_secs(10);
/// How far up parents are followed.
const MOST_ANCESTORS: usize = 64;

/// What the system tells of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Its parent's number.
    pub parent: u32,
    /// The name that the system shows.
    pub name: String,
    /// Its words: the executable and the arguments.
    pub words: Vec<String>,
    /// Names of environment variables, where they can be read.
    pub variables: BTreeSet<String>,
}

/// What is kept of one process.
#[derive(Debug, Clone)]
struct Process {
    parent: u32,
    /// The row whose process it is.
    runner: Option<Runner>,
    /// The row that hides its engines below it.
    hides: Option<usize>,
    first_seen: Instant,
}

/// A process that is a runtime by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runner {
    /// The row's place in the table.
    pub row: usize,
    /// The port in its arguments.
    pub port: Option<u16>,
    /// The path below which all of its paths are.
    pub prefix: String,
    /// It makes vectors and answers nothing else.
    pub embeddings: bool,
    /// It orders documents and answers nothing else.
    pub rerank: bool,
    /// It listens on a Unix socket, which is not looked for.
    pub unix_socket: bool,
    /// It says itself that it is another runtime's engine.
    pub engine: bool,
}

/// All processes, read a little at a time.
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: BTreeMap<u32, Process>,
    /// Who holds each socket that was asked for; `None` where that cannot be seen.
    owners: BTreeMap<u64, Option<u32>>,
    portable: portable::Reader,
}

impl Processes {
    /// Reads processes that came and forgets those that went.
    pub(super) fn refresh(&mut self, table: &[RuntimeSpec], now: Instant) {
        for (number, told) in self.read(now) {
            self.keep(number, &told, table, now);
        }
    }

    /// What is new, after what is gone was forgotten.
    #[cfg(target_os = "linux")]
    fn read(&mut self, now: Instant) -> BTreeMap<u32, Told> {
        let Some(numbers) = linux::numbers() else { return self.read_portably() };
        self.known.retain(|number, _| numbers.contains(number));
        let settled =
            |number: &u32| self.known.get(number).is_some_and(|it| now.duration_since(it.first_seen) > SETTLED);
        let fresh = numbers.into_iter().filter(|number| !settled(number));
        fresh.filter_map(|number| Some((number, linux::read(number)?))).collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn read(&mut self, _: Instant) -> BTreeMap<u32, Told> {
        self.read_portably()
    }

    fn read_portably(&mut self) -> BTreeMap<u32, Told> {
        let all = self.portable.read();
        self.known.retain(|number, _| all.contains_key(number));
        all
    }

    pub(super) fn keep(&mut self, number: u32, told: &Told, table: &[RuntimeSpec], now: Instant) {
        let first_seen = self.known.get(&number).map_or(now, |it| it.first_seen);
        let words = program(&told.words);
        let runner = runner(told, &words, table);
        let hides = hides(told, &words, table).or(runner.as_ref().map(|runner| runner.row));
        self.known.insert(number, Process { parent: told.parent, runner, hides, first_seen });
    }

    /// The processes that hold these sockets, where that can be seen: of several, the one above the others.
    pub(super) fn owners(&mut self, sockets: &[Socket]) -> BTreeMap<u64, u32> {
        let Processes { known, owners, .. } = self;
        owners.retain(|inode, owner| {
            sockets.iter().any(|socket| socket.inode == *inode) && owner.is_none_or(|owner| known.contains_key(&owner))
        });
        // To look through all descriptors of all processes is dear: it is done once for each socket.
        let new: Vec<Socket> =
            sockets.iter().filter(|socket| !self.owners.contains_key(&socket.inode)).copied().collect();
        if !new.is_empty() {
            let holders = self.holders(&new);
            let owner = |socket: &Socket| (socket.inode, holders.get(&socket.inode).and_then(|it| self.topmost(it)));
            let found: Vec<(u64, Option<u32>)> = new.iter().map(owner).collect();
            self.owners.extend(found);
        }
        self.owners.iter().filter_map(|(inode, owner)| Some((*inode, (*owner)?))).collect()
    }

    #[cfg(target_os = "linux")]
    fn holders(&self, sockets: &[Socket]) -> BTreeMap<u64, Vec<u32>> {
        linux::holders(sockets, self.known.keys().copied())
    }

    /// Elsewhere a port's process is known by its arguments alone.
    #[cfg(not(target_os = "linux"))]
    fn holders(&self, _: &[Socket]) -> BTreeMap<u64, Vec<u32>> {
        BTreeMap::new()
    }

    fn topmost(&self, holders: &[u32]) -> Option<u32> {
        let above_all = |holder: &u32| !self.ancestors(*holder).any(|it| holders.contains(&it));
        holders.iter().copied().find(above_all).or(holders.first().copied())
    }

    /// The runtime that a process is by its name.
    pub(super) fn runner(&self, process: u32) -> Option<&Runner> {
        self.known.get(&process)?.runner.as_ref()
    }

    /// Every process that is a runtime by its name.
    pub(super) fn runners(&self) -> impl Iterator<Item = (u32, &Runner)> {
        self.known.iter().filter_map(|(number, process)| Some((*number, process.runner.as_ref()?)))
    }

    /// Whether a process of the same runtime is above it: a worker.
    pub(super) fn is_below_its_like(&self, process: u32) -> bool {
        let row = self.runner(process).map(|runner| runner.row);
        self.ancestors(process).any(|above| row.is_some() && self.runner(above).map(|runner| runner.row) == row)
    }

    /// How far a process may be used, given what runs above it.
    pub(super) fn standing(&self, process: u32, ours: &Ours, table: &[RuntimeSpec]) -> Standing {
        let runner = self.runner(process);
        if runner.is_some_and(|runner| runner.engine) {
            return Standing::Private;
        }
        let mut let_go = ours.let_go.contains(&process);
        for ancestor in self.ancestors(process) {
            if Some(ancestor) == ours.process {
                return if let_go { Standing::Free } else { Standing::Private };
            }
            let_go |= ours.let_go.contains(&ancestor);
            let Some(above) = self.known.get(&ancestor).and_then(|it| it.hides) else {
                continue;
            };
            match runner {
                // A helper of an app may well be the one that holds the app's own port.
                None => return Standing::Helper(above),
                Some(runner) if runner.row != above || table[above].private_below_itself => return Standing::Private,
                Some(_) => {}
            }
        }
        Standing::Free
    }

    fn ancestors(&self, process: u32) -> impl Iterator<Item = u32> {
        let above = move |number: &u32| {
            let parent = self.known.get(number)?.parent;
            // Numbers are used again: a process may seem to be its own ancestor.
            (parent > 0 && parent != process && parent != *number).then_some(parent)
        };
        std::iter::successors(above(&process), above).take(MOST_ANCESTORS)
    }
}

/// What is ours among the processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// Our own process, whose children are private.
    pub process: Option<u32>,
    /// Those below it that were started for the user, as runtimes like any other.
    pub let_go: BTreeSet<u32>,
}

/// How far a process may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing speaks against it.
    Free,
    /// It is below this row's process: only if its port turns out to be that runtime's own.
    Helper(usize),
    /// It is another runtime's engine, or ours.
    Private,
}

/// The words from the program's name on: without the interpreter that runs it, without folders and `.exe`.
fn program(words: &[String]) -> Vec<String> {
    let Some(first) = words.first() else { return Vec::new() };
    let mut rest = &words[1..];
    let mut name = base(first);
    if is_interpreter(&name) {
        let at = rest.iter().position(|word| !word.starts_with('-') || word == "-m" || word == "-c");
        match at.map(|at| (&*rest[at], at)) {
            Some(("-m", at)) if rest.len() > at + 1 => {
                name.clone_from(&rest[at + 1]);
                rest = &rest[at + 2..];
            }
            Some((script, at)) if !script.starts_with('-') => {
                name = base(script);
                rest = &rest[at + 1..];
            }
            Some(_) | None => {}
        }
    }
    std::iter::once(name).chain(rest.iter().cloned()).collect()
}

fn base(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".EXE")).unwrap_or(name);
    name.to_owned()
}

/// Programs whose first argument is the program that counts. `ape` loads llamafiles on Linux.
fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_start_matches('.').trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    matches!(plain, "python" | "pypy" | "node" | "ape" | "bash" | "sh" | "dash" | "zsh")
}

fn runner(told: &Told, words: &[String], table: &[RuntimeSpec]) -> Option<Runner> {
    let row = table.iter().position(|spec| {
        spec.processes.iter().any(|pattern| {
            let [name, subcommand @ ..] = &pattern[..] else {
                return false;
            };
            named(told, words, name) && subcommand.first().is_none_or(|wanted| words.get(1) == Some(wanted))
        })
    })?;
    let spec = &table[row];
    let arguments = words.get(1..).unwrap_or(&[]);
    let has = |names: &[&str]| arguments.iter().any(|word| names.contains(&&**word));
    let host = value(arguments, &["--host".to_owned()]);
    let model = value(arguments, &["--model".to_owned(), "-m".to_owned()]);
    let below_ollama = told.words.first().is_some_and(|path| path.replace('\\', "/").contains("/lib/ollama/"))
        || model.is_some_and(|path| path.replace('\\', "/").contains("/models/blobs/sha256-"));
    Some(Runner {
        row,
        port: value(arguments, &spec.port_flags)
            .and_then(|value| value.rsplit(':').next()?.parse().ok())
            .filter(|port| *port > 0),
        prefix: value(arguments, &spec.prefix_flags).map(prefix).unwrap_or_default(),
        embeddings: has(&["--embedding", "--embeddings"]) || told.variables.contains("LLAMA_ARG_EMBEDDINGS"),
        rerank: has(&["--reranking", "--rerank"]) || told.variables.contains("LLAMA_ARG_RERANKING"),
        unix_socket: has(&["--uds"]) || host.is_some_and(|host| host.ends_with(".sock")),
        engine: below_ollama || told.variables.contains("LLAMA_SERVER_ROUTER_PORT"),
    })
}

fn hides(told: &Told, words: &[String], table: &[RuntimeSpec]) -> Option<usize> {
    table.iter().position(|spec| spec.parents.iter().any(|name| named(told, words, name)))
}

fn named(told: &Told, words: &[String], pattern: &str) -> bool {
    let pattern = WildMatch::new_case_insensitive(pattern);
    words.first().is_some_and(|name| pattern.matches(name)) || pattern.matches(&told.name)
}

/// The value of a flag, written `--port 8080` or `--port=8080`; the last one counts.
fn value<'a>(arguments: &'a [String], flags: &[String]) -> Option<&'a str> {
    arguments.iter().enumerate().rev().find_map(|(at, word)| match word.split_once('=') {
        Some((flag, value)) if flags.iter().any(|it| it == flag) => Some(value),
        _ if flags.contains(word) => arguments.get(at + 1).map(String::as_str),
        Some(_) | None => None,
    })
}

/// `/pp` from `pp/`, bounded to what a path may be.
fn prefix(value: &str) -> String {
    let value = value.trim_matches('/');
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
    if value.is_empty() || !plain || value.split('/').any(|part| part == "..") {
        String::new()
    } else {
        format!("/{value}")
    }
}

#[cfg(test)]
mod tests;
