//! A measured process: started, asked for its CPU time and memory, stopped.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// A running program and the place where it listens. Ended when dropped; [`Process::stop`] also waits.
pub(crate) struct Process {
    program: Program,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the program until it listened.
    pub(crate) startup: Duration,
}

impl Process {
    /// Starts a program that prints `listening on ADDRESS`.
    pub(crate) async fn announced(command: &mut Command) -> anyhow::Result<Process> {
        let mut started = Started::new(command)?;
        let (lines, mut said) = mpsc::unbounded_channel();
        started.program.child.stdout.take().map(|out| tokio::spawn(read_lines(out, lines.clone())));
        started.program.child.stderr.take().map(|err| tokio::spawn(read_lines(err, lines)));
        let mut output = String::new();
        let found = tokio::time::timeout(Duration::from_secs(5), async {
            while let Some(line) = said.recv().await {
                if let Some(address) = announced_address(&line) {
                    return Some(address);
                }
                output = output.clone() + &line + "\n";
            }
            None
        });
        match found.await {
            Ok(Some(address)) => Ok(started.at(address)),
            Ok(None) => bail!("it ended without `listening on ADDRESS`\n{output}"),
            Err(_) => bail!("it did not print `listening on ADDRESS` within 5 s\n{output}"),
        }
    }

    /// Starts a program that says nothing, and waits until something accepts at `address`.
    pub(crate) async fn silent(command: &mut Command, address: SocketAddr) -> anyhow::Result<Process> {
        let mut started = Started::new(command)?;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if let Some(status) = started.program.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if started.since.elapsed() > Duration::from_secs(5) {
                bail!("it did not listen on {address} within 5 s");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(started.at(address))
    }

    /// CPU time since the start, user and system, all threads ever, in nanoseconds where `/proc` counts in ticks of 10 ms.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        self.family()?.into_iter().map(|pid| Ok(Duration::from(clock_gettime(clock_getcpuclockid(pid)?)?))).sum()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let one = |pid: Pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
            anyhow::Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
        };
        self.family()?.into_iter().map(one).sum()
    }

    /// Ends it and waits until it is gone.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill(self.program.pid, Signal::SIGTERM)?;
        if tokio::time::timeout(Duration::from_secs(15), self.program.child.wait()).await.is_err() {
            bail!("{} did not end within 15 s of SIGTERM", self.program.pid);
        }
        Ok(())
    }

    /// The process and its children: nginx works in one.
    fn family(&self) -> anyhow::Result<Vec<Pid>> {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.program.pid))?;
        let children = children.split_whitespace().map(|pid| Ok(Pid::from_raw(pid.parse()?)));
        std::iter::once(Ok(self.program.pid)).chain(children).collect()
    }
}

/// Ends with its owner. It is asked, not killed: a killed nginx leaves its worker behind.
struct Program {
    child: Child,
    pid: Pid,
}

impl Drop for Program {
    fn drop(&mut self) {
        // No id means that `stop` has waited for it; then the number may already be another's.
        if self.child.id().is_some() {
            let _gone = kill(self.pid, Signal::SIGTERM);
        }
    }
}

struct Started {
    program: Program,
    since: Instant,
}

impl Started {
    fn new(command: &mut Command) -> anyhow::Result<Started> {
        let since = Instant::now();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = Pid::from_raw(child.id().context("it ended at once")?.try_into()?);
        Ok(Started { program: Program { child, pid }, since })
    }

    fn at(self, address: SocketAddr) -> Process {
        Process { startup: self.since.elapsed(), program: self.program, address }
    }
}

async fn read_lines(source: impl AsyncRead + Unpin, lines: mpsc::UnboundedSender<String>) {
    let mut source = BufReader::new(source).lines();
    // Read on when nobody listens any more, or the pipe fills and stops the program.
    while let Ok(Some(line)) = source.next_line().await {
        let _unheard = lines.send(line);
    }
}

fn announced_address(line: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once("listening on ")?;
    let address = after.trim_start_matches("http://").split([' ', ',', '\u{1b}']).next()?;
    address.trim_end_matches('/').parse().ok()
}

/// The limit of open files, raised for as long as this lives.
///
/// It is put back before a proxy starts, since a child inherits it: a gateway that forgets to raise its own must fail here.
pub(crate) struct FileLimit {
    soft: u64,
    hard: u64,
}

impl FileLimit {
    /// Raises the soft limit to the hard one.
    pub(crate) fn raise() -> anyhow::Result<FileLimit> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        Ok(FileLimit { soft, hard })
    }

    /// Fails where `files` are more than the system allows.
    pub(crate) fn check(&self, files: usize) -> anyhow::Result<()> {
        if (files as u64) > self.hard {
            bail!("{files} open files are needed and the hard limit is {}: raise it with `ulimit -Hn`", self.hard);
        }
        Ok(())
    }

    /// Leaves it raised.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for FileLimit {
    fn drop(&mut self) {
        let _kept = setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard);
    }
}

/// A clock that all processes of a machine share.
pub(crate) fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}
