//! Processes as `sysinfo` tells them, where there is no `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::Told;

/// Keeps what was read, so that a process is read once.
pub(super) struct Reader(Option<System>);

impl Default for Reader {
    fn default() -> Reader {
        Reader(System::new().ok())
    }
}

impl Reader {
    /// All processes.
    pub(super) fn read(&mut self) -> BTreeMap<u32, Told> {
        let Some(system) = &mut self.0 else {
            return BTreeMap::new();
        };
        let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::OnlyIfNotSet).without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
        let text = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
        system
            .processes()
            .iter()
            .map(|(number, process)| {
                let told = Told {
                    parent: process.parent().map_or(0, sysinfo::Pid::as_u32),
                    name: process.name().to_string_lossy().into_owned(),
                    words: process.cmd().iter().map(text).collect(),
                    variables: BTreeSet::new(),
                };
                (number.as_u32(), told)
            })
            .collect()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_itself() {
        let all = Reader::default().read();
        let me = all.get(&std::process::id()).expect("this process runs");
        assert!(!me.words.is_empty(), "with its arguments");
        assert!(me.parent > 0, "below the one that started it");
    }
}
