//! Starts the server of a runtime that is installed but off, and lets it go.
//!
//! It leads a process group of its own, writes into a log of its own and outlives Pointsman. Nobody waits for it: discovery
//! sees it when it answers. One that ends at once is told among what is not used, with the last words of its log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{Event, Installed, Refusal};
use crate::discovery::text;
use crate::environment::{Environment, Folders};
use crate::private;
use crate::provider::RuntimeId;
use crate::provider::hosted::ProviderSpec;

/// The source's name in the catalog.
const SOURCE: &str = "started";
/// How long one that was started counts as starting, should it only have asked another process to start.
const STARTING: Duration = Duration::from_secs(30);
/// How much of the end of a log is looked at.
const TAIL: u64 = 4096;

/// What a started runtime sees of the world, and where its end is told.
pub struct Yard {
    /// Environment variables.
    pub environment: Environment,
    /// Where its log is kept.
    pub folders: Folders,
    /// The catalog.
    pub events: mpsc::Sender<Event>,
    /// Processes that were started for the user and not for us, for discovery.
    pub started: watch::Sender<BTreeSet<u32>>,
}

/// What was started. Clones share one list.
#[derive(Clone)]
pub(super) struct Starts(Arc<Shared>);

struct Shared {
    yard: Yard,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    started: BTreeMap<RuntimeId, Started>,
    failed: BTreeMap<RuntimeId, Refusal>,
}

struct Started {
    at: Instant,
    runs: bool,
}

impl Starts {
    pub(super) fn new(yard: Yard) -> Starts {
        Starts(Arc::new(Shared { yard, table: Mutex::default() }))
    }

    /// Starts one, unless it is starting.
    pub(super) fn start(
        &self,
        installed: &Installed,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let mut table = self.table();
        let now = Instant::now();
        if table.started.get(&installed.runtime).is_some_and(|it| it.runs || now < it.at + STARTING) {
            return Ok(());
        }
        let log = self.0.yard.folders.logs().join(format!("{}.log", installed.runtime));
        let child = self.spawn(installed, &log);
        let child = child.map_err(|error| format!("{} cannot be started: {error}", installed.path))?;
        table.started.insert(RuntimeId::clone(&installed.runtime), Started { at: now, runs: true });
        table.failed.remove(&installed.runtime);
        drop(table);
        let process = child.id();
        self.0.yard.started.send_modify(|started| started.extend(process));
        tracing::info!(runtime = %installed.runtime, ?process, "started");
        let (this, installed, stop) = (self.clone(), installed.clone(), stop.clone());
        tasks.spawn(async move {
            this.tell().await;
            // Not killed when dropped: it is the user's now.
            stop.run_until_cancelled(this.attend(child, &installed, &log)).await;
        });
        Ok(())
    }

    fn spawn(&self, installed: &Installed, log: &Path) -> io::Result<Child> {
        let [program, arguments @ ..] = &installed.start[..] else {
            return Err(io::Error::other("no command is known for it"));
        };
        let yard = &self.0.yard;
        let output = private::log(log)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        command.env_clear().envs(variables(&yard.environment));
        if yard.folders.home.is_dir() {
            command.current_dir(&yard.folders.home);
        }
        // What is typed into the terminal that Pointsman runs in is not meant for it.
        #[cfg(unix)]
        command.process_group(0);
        // DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP: no window, and no Ctrl+C of ours.
        #[cfg(windows)]
        command.creation_flags(0x0000_0208);
        command.spawn()
    }

    /// Waits for its end, so that no dead process is left in the system's table.
    async fn attend(&self, mut child: Child, installed: &Installed, log: &Path) {
        let process = child.id();
        let ended = child.wait().await;
        self.0.yard.started.send_modify(|started| started.retain(|it| Some(*it) != process));
        if self.ended(installed, ended.ok(), log) {
            self.tell().await;
        }
    }

    /// Notes an end; says whether it was that of one that could not start.
    fn ended(&self, installed: &Installed, status: Option<ExitStatus>, log: &Path) -> bool {
        let mut table = self.table();
        let Some(started) = table.started.get_mut(&installed.runtime) else { return false };
        started.runs = false;
        // A starter that has done its work ends well; one that somebody ended has no code.
        let failed = status.filter(|status| status.code().is_some_and(|code| code != 0));
        let soon = started.at.elapsed() < STARTING;
        if failed.is_some() || !soon {
            table.started.remove(&installed.runtime);
        }
        let Some(status) = failed.filter(|_| soon) else { return false };
        let refusal = refusal(installed, status, log);
        tracing::warn!(runtime = %installed.runtime, "{}", refusal.reason);
        table.failed.insert(RuntimeId::clone(&installed.runtime), refusal);
        true
    }

    async fn tell(&self) {
        let failed = self.table().failed.values().cloned().collect();
        // A catalog that has ended needs no news.
        let _ = self.0.yard.events.send(Event::Refused(SOURCE, failed)).await;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user's own environment without the keys of hosted providers, which no runtime needs.
fn variables(environment: &Environment) -> impl Iterator<Item = (&str, &str)> {
    let providers = ProviderSpec::table().unwrap_or_default();
    // With its key Hugging Face lets models be fetched that are not for everybody.
    let private: BTreeSet<String> = providers
        .iter()
        .filter(|row| &*row.id != "huggingface")
        .flat_map(|row| row.variables.iter().cloned())
        .collect();
    environment
        .names()
        .filter(move |name| !private.contains(*name))
        .filter_map(|name| Some((name, environment.get(name)?)))
}

fn refusal(installed: &Installed, status: ExitStatus, log: &Path) -> Refusal {
    let said = last_line(log).map(|line| format!(": {line}")).unwrap_or_default();
    Refusal {
        place: installed.path.clone(),
        looked_like: Some(installed.name.clone()),
        reason: format!("it was started and ended at once ({status}){said}; its log is {}", log.display()),
    }
}

fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(text::printable(line, 200))
}
