//! New versions: looked for once a day where a release was built to, told in the menu, and installed when the user says so.
//!
//! A build without an address and a public key, as from a clone, looks for none. What is fetched is installed only if it
//! is signed with the key's other half. Nothing is looked for in local-only mode.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tauri::{AppHandle, Builder, Context, Wry};
use tauri_plugin_updater::UpdaterExt;

use crate::app::Desk;
use crate::keeper::Sight;

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

/// Whether this build can tell a true update from a false one.
pub(crate) fn is_set_up(context: &Context<Wry>) -> bool {
    context.config().plugins.0.contains_key("updater")
}

/// Adds what fetches and checks. Where it is not set up it would end the program.
pub(crate) fn with_updater(builder: Builder<Wry>, set_up: bool) -> Builder<Wry> {
    if set_up { builder.plugin(tauri_plugin_updater::Builder::new().build()) } else { builder }
}

/// Looks until the program ends.
pub(crate) async fn run(app: AppHandle, desk: Arc<Desk>) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = DAY;
        let may = matches!(desk.sight(), Sight::Serving { snapshot, .. } if !snapshot.local_only);
        if !may {
            continue;
        }
        match look(&app).await {
            Ok(Some(update)) => {
                *desk.newer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(update.version.clone());
                desk.redraw.notify_one();
            }
            Ok(None) => {}
            Err(error) => {
                tracing::info!(target: "desktop", %error, "whether there is a newer version was not found out")
            }
        }
    }
}

/// Fetches the newer version, checks who signed it, and starts it in place of this one.
pub(crate) async fn install(app: &AppHandle) -> Result<(), String> {
    let update = look(app).await.map_err(|error| error.to_string())?;
    let update = update.ok_or("there is no newer version any more")?;
    let done = update.download_and_install(|_, _| {}, || {}).await;
    done.map_err(|error| format!("the update was not installed: {error}"))?;
    app.request_restart();
    Ok(())
}

async fn look(app: &AppHandle) -> tauri_plugin_updater::Result<Option<tauri_plugin_updater::Update>> {
    app.updater()?.check().await
}
