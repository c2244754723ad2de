//! One core for the proxy that is measured, another for the load and its upstream.
//!
//! Left to the system, a proxy that is a little slower finds its peers asleep more often and pays for waking them, which
//! doubled its figure on two cores: a difference of the load's, not of the proxy's. So every leg has the same core for
//! itself. A machine with one core is measured as it is.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// This process, and what it starts, on the first core that it may use. Called once, at the start.
pub(crate) fn take_first() -> anyhow::Result<()> {
    if let Some((first, _)) = two()? {
        move_to(first)?;
    }
    Ok(())
}

/// What is started while this lives runs on the proxies' core.
pub(crate) struct ProxysCore {
    back: CpuSet,
}

impl ProxysCore {
    /// Moves there.
    pub(crate) fn take() -> anyhow::Result<ProxysCore> {
        let back = sched_getaffinity(Pid::from_raw(0))?;
        if let Some((_, second)) = two()? {
            move_to(second)?;
        }
        Ok(ProxysCore { back })
    }
}

impl Drop for ProxysCore {
    fn drop(&mut self) {
        let _back = sched_setaffinity(Pid::from_raw(0), &self.back);
    }
}

/// The two cores, asked of this process' parent, which is not moved.
fn two() -> anyhow::Result<Option<(usize, usize)>> {
    let allowed = sched_getaffinity(Pid::parent())?;
    let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
    Ok(cores.next().zip(cores.next()))
}

fn move_to(core: usize) -> anyhow::Result<()> {
    let mut only = CpuSet::new();
    only.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &only)?)
}
