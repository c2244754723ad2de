//! A child that outlived a gateway that was killed.
//!
//! llama-server does not notice that its parent has gone, and goes on holding gigabytes. So its process is noted in a
//! file while it runs, and the next gateway of the same user ends it: only if the process has the noted number, began at
//! the noted time and still has the noted arguments.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Clocks are set while a machine runs, and the time of a start is counted from the machine's own.
const SAME_START: u64 = 2;

/// What is noted of a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    process: u32,
    /// Seconds since 1970.
    started: u64,
    port: u16,
    alias: String,
}

impl Note {
    /// A note of a child that was just started; `None` if it has ended already. Asks the system: for a thread that may
    /// wait, like all here.
    pub(super) fn of(process: u32, port: u16, alias: &str) -> Option<Note> {
        let (started, _) = look(process)?;
        Some(Note { process, started, port, alias: alias.to_owned() })
    }

    /// Writes it down. Without it a leftover is merely not found.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, serde_json::to_vec(self)?)
    }

    fn is_alive(&self) -> bool {
        let Some((started, arguments)) = look(self.process) else { return false };
        let follows = |flag: &str, value: &str| arguments.windows(2).any(|pair| pair[0] == flag && pair[1] == value);
        started.abs_diff(self.started) <= SAME_START
            && follows("--alias", &self.alias)
            && follows("--port", &self.port.to_string())
    }
}

/// The child has ended.
pub(super) fn forget(file: &Path) {
    let _ = std::fs::remove_file(file);
}

/// The child that the file notes, if it still runs.
pub(super) fn find(file: &Path) -> Option<Note> {
    let note: Note = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    note.is_alive().then_some(note)
}

/// Ends what an earlier gateway left behind.
pub(super) async fn clear(file: &Path, grace: Duration) {
    let look_at = |file: &Path| {
        let file = file.to_path_buf();
        tokio::task::spawn_blocking(move || find(&file))
    };
    if let Ok(Some(note)) = look_at(file).await {
        tracing::info!(process = note.process, "ending a llama-server that an earlier Pointsman left behind");
        super::child::end_process(note.process);
        let gone = async {
            // It is not our child, so that nobody tells when it ends.
            while let Ok(Some(_)) = look_at(file).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(grace, gone).await.is_err() {
            super::child::kill_process(note.process);
        }
    }
    forget(file);
}

/// When a process began, and its arguments.
fn look(process: u32) -> Option<(u64, Vec<String>)> {
    let pid = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    let process = system.process(pid)?;
    let ended = matches!(process.status(), sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead);
    let arguments = process.cmd().iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    (!ended).then_some((process.start_time(), arguments))
}

/// Bytes of memory that a process holds now.
pub(super) fn memory(process: u32) -> Option<u64> {
    let pid = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing().with_memory(),
    );
    system.process(pid).map(sysinfo::Process::memory).filter(|bytes| *bytes > 0)
}
