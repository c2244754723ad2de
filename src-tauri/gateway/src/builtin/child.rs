//! One child process, from its start to its end.
//!
//! A task of its own minds it: it chooses a port, waits until the child answers, sees its end at once whatever the
//! reason, and ends it when told to. It knows of no request; whether there is a child at all is the keeper's decision.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::command::{Launch, Machine, alias};
use super::leftover::{self, Note};
use super::tail::Tail;
use super::{Pace, ask};

/// Ports tried: between our choice and the child's start another program may take one.
const PORTS: usize = 3;

/// A child that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    /// Where.
    pub(super) address: SocketAddr,
    /// Its process.
    pub(super) process: u32,
    /// The context that one request has.
    pub(super) context: Option<u32>,
    /// Its version.
    pub(super) version: Option<String>,
}

/// What the minder tells.
#[derive(Debug)]
pub(super) enum Report {
    /// It answers.
    Up(Running),
    /// It is gone; `None` if we ended it, else why.
    Ended(Option<String>),
}

/// What a minder needs beside the launch.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    /// Ends the child when cancelled.
    pub(super) end: CancellationToken,
    /// How long it may take until it answers.
    pub(super) patience: Duration,
    /// Where it is noted while it runs.
    pub(super) note: PathBuf,
    pub(super) pace: Pace,
}

enum End {
    /// We wanted it.
    Asked,
    /// It did.
    Itself(io::Result<ExitStatus>),
    /// It did not answer in time.
    Slow,
}

/// Minds one child until it is gone. The last report is always [`Report::Ended`], and then no process is left.
pub(super) async fn mind(launch: Launch, orders: Orders, tell: impl Fn(Report)) {
    let machine = tokio::task::spawn_blocking(Machine::look).await;
    let machine = machine.unwrap_or(Machine { memory: 0, threads: 1, cores: None });
    for attempt in 1..=PORTS {
        let tail = Tail::default();
        let (end, answered) = match one(&launch, &orders, &machine, &tail, &tell).await {
            Ok(ended) => ended,
            Err(error) => {
                return tell(Report::Ended(Some(format!(
                    "{} cannot be started: {error}",
                    launch.program.path.display()
                ))));
            }
        };
        let reason = match end {
            End::Asked => None,
            End::Itself(_) if !answered && attempt < PORTS && tail.port_was_taken() => continue,
            End::Itself(status) => Some(told(answered, status, &tail)),
            End::Slow => Some(format!("llama-server did not answer in {} seconds", orders.patience.as_secs())),
        };
        return tell(Report::Ended(reason));
    }
}

fn told(answered: bool, status: io::Result<ExitStatus>, tail: &Tail) -> String {
    let when = if answered { "llama-server ended by itself" } else { "llama-server ended before it answered" };
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    match tail.reason() {
        Some(reason) => format!("{when} ({status}): {reason}"),
        None => format!("{when} ({status}) and said nothing"),
    }
}

/// One child on one port, and whether it ever answered.
async fn one(
    launch: &Launch,
    orders: &Orders,
    machine: &Machine,
    tail: &Tail,
    tell: &impl Fn(Report),
) -> io::Result<(End, bool)> {
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let began = Instant::now();
    let mut child = launch.command(port, machine).spawn()?;
    // From here on the whole group ends with this future, also when the runtime is shut down under it.
    let group = Group { process: child.id() };
    let Some(process) = child.id() else { return Ok((End::Itself(child.wait().await), false)) };
    tracing::debug!(model = %launch.model.id, process, port, "llama-server started");
    note(process, port, launch, orders);

    let stderr = child.stderr.take();
    let read = async {
        if let Some(stderr) = stderr {
            tail.clone().read(stderr).await;
        }
    };
    let lived = async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let up = tokio::time::timeout(orders.patience, answers(address, process, launch, orders.pace.poll));
        let running = tokio::select! {
            biased;
            () = orders.end.cancelled() => return (End::Asked, false),
            status = child.wait() => return (End::Itself(status), false),
            up = up => up,
        };
        let Ok(running) = running else { return (End::Slow, false) };
        tracing::info!(model = %launch.model.id, process, took_ms = began.elapsed().as_millis(), context = running.context, "llama-server is up");
        tell(Report::Up(running));
        tokio::select! {
            biased;
            status = child.wait() => (End::Itself(status), true),
            () = orders.end.cancelled() => (End::Asked, true),
        }
    };
    let mut read = std::pin::pin!(read);
    let ((end, answered), all_read) = alongside(lived, read.as_mut()).await;
    match &end {
        // What it wrote last may still be in the pipe, which a grandchild may hold open for ever.
        End::Itself(_) if !all_read => drop(tokio::time::timeout(Duration::from_millis(200), read).await),
        End::Itself(_) => {}
        End::Asked | End::Slow => finish(&mut child, process, orders.pace.grace).await,
    }
    drop(group);
    leftover::forget(&orders.note);
    Ok((end, answered))
}

/// Polls `other` as long as `first` runs, and says whether it ended as well.
async fn alongside<T>(first: impl Future<Output = T>, other: impl Future<Output = ()>) -> (T, bool) {
    let mut first = std::pin::pin!(first);
    tokio::select! {
        ended = &mut first => return (ended, false),
        () = other => {}
    }
    (first.await, true)
}

/// Waits until the child answers, and asks what it has made of its arguments.
async fn answers(address: SocketAddr, process: u32, launch: &Launch, poll: Duration) -> Running {
    loop {
        if ask::is_up(address, &launch.key).await {
            let props = ask::props(address, &launch.key).await;
            // If another program took the port in between, its file is another one, and our child is about to end.
            if props.model_path.as_deref().is_none_or(|path| launch.model.path.as_os_str() == path) {
                return Running { address, process, context: props.context(), version: props.build_info };
            }
        }
        tokio::time::sleep(poll).await;
    }
}

fn note(process: u32, port: u16, launch: &Launch, orders: &Orders) {
    let (alias, file) = (alias(&launch.model.id), orders.note.clone());
    tokio::task::spawn_blocking(move || {
        if let Some(Err(error)) = Note::of(process, port, &alias).map(|note| note.write(&file)) {
            tracing::debug!(%error, "the child is not noted");
        }
    });
}

/// Asks it to end, and kills it if it does not.
async fn finish(child: &mut Child, process: u32, grace: Duration) {
    end_process(process);
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        kill_process(process);
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
}

/// A child's process group, which ends when this is dropped.
struct Group {
    process: Option<u32>,
}

impl Drop for Group {
    fn drop(&mut self) {
        // Elsewhere than on Unix a number of a process that has ended may be another one's already; there the handle
        // that `kill_on_drop` has is enough.
        if let Some(process) = self.process.filter(|_| cfg!(unix)) {
            kill_process(process);
        }
    }
}

/// Whether a child of ours has ended, though that may not have been told yet.
#[cfg(unix)]
pub(super) fn has_ended(process: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return false };
    // It is only looked at: whoever waits for it finds it as it is. An error says that it was found already.
    !matches!(waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT), Ok(None))
}

/// Elsewhere it is told as fast as it can be asked.
#[cfg(not(unix))]
pub(super) fn has_ended(_process: u32) -> bool {
    false
}

/// Asks a process and all of its group to end.
#[cfg(unix)]
pub(super) fn end_process(process: u32) {
    signal(process, rustix::process::Signal::TERM);
}

/// Ends a process and all of its group.
#[cfg(unix)]
pub(super) fn kill_process(process: u32) {
    signal(process, rustix::process::Signal::KILL);
}

#[cfg(unix)]
fn signal(process: u32, signal: rustix::process::Signal) {
    // Each child leads a group of its own, so that a script's own children are reached as well.
    if let Some(group) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Windows has no way to ask a program without a window.
#[cfg(not(unix))]
pub(super) fn end_process(process: u32) {
    kill_process(process);
}

/// Ends a process.
#[cfg(not(unix))]
pub(super) fn kill_process(process: u32) {
    let pid = sysinfo::Pid::from_u32(process);
    let Ok(mut system) = sysinfo::System::new() else { return };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    if let Some(process) = system.process(pid) {
        process.kill();
    }
}
