//! New versions: looked for once a day where a release was built to, told in the menu, and installed when the user says so.
//!
//! A build without an address and a public key, as from a clone, looks for none. It is the window's program that looks and
//! installs, as a child without a window: what Tauri brings for it stays out of this process. Nothing is looked for in
//! local-only mode.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pointsman_shared::program;
use pointsman_shared::said::Answer;
use tokio::process::Command;

use crate::app::Word;
use crate::desk::Desk;
use crate::keeper::Sight;
use crate::system;

/// How long between two looks.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The first look is not taken while the machine starts.
const FIRST: Duration = Duration::from_secs(120);

/// The version that is newer than this one, once one is known.
#[derive(Default)]
pub(crate) struct Newer(Mutex<Option<String>>);

impl Newer {
    /// Which.
    pub(crate) fn version(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether this build can tell a true update from a false one: the build script looks.
pub(crate) fn is_set_up() -> bool {
    option_env!("POINTSMAN_LOOKS_FOR_UPDATES").is_some()
}

/// Looks until the program ends.
pub(crate) async fn run(desk: Arc<Desk>) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = DAY;
        let may = matches!(desk.sight(), Sight::Serving { snapshot, .. } if !snapshot.local_only);
        if !may {
            continue;
        }
        match ask(&desk, "--look-for-update").await {
            Ok(Some(Answer::Newer(Some(version)))) => {
                *desk.newer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
                desk.redraw.notify_one();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::info!(target: "desktop", error, "whether there is a newer version was not found out");
            }
        }
    }
}

/// Has the newer version fetched, checked and put in place of this one, and starts it.
pub(crate) async fn install(desk: &Desk) -> Result<(), String> {
    match ask(desk, "--install-update").await? {
        Some(Answer::Installed) => desk.quit_and_start_again(),
        Some(Answer::Newer(_) | Answer::Failed(_)) => return Err("there is no newer version any more".to_owned()),
        // On Windows an installer took over, which starts the new version itself and waits for us to be gone.
        None => drop(desk.tell(Word::End(0))),
    }
    Ok(())
}

/// What the window's program answers; nothing where it ended well without a word.
async fn ask(desk: &Desk, what: &str) -> Result<Option<Answer>, String> {
    let ask = async {
        let mut command = Command::new(program::window()?);
        command.arg(what).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        system::with_gl(command.as_std_mut(), &desk.world.environment);
        command.spawn()?.wait_with_output().await
    };
    let said = ask.await.map_err(|error| error.to_string())?;
    match String::from_utf8_lossy(&said.stdout).lines().find_map(Answer::read) {
        Some(Answer::Failed(problem)) => Err(problem),
        Some(answer) => Ok(Some(answer)),
        None if said.status.success() => Ok(None),
        None => Err(format!("the program that looks for it ended with {}", said.status)),
    }
}
