//! A newer version: looked for, or installed, without a window. The answer is one line on stdout, for the tray's process.
//!
//! What is fetched is installed only if it is signed with the other half of the key that a release was built with; a build
//! without one, as from a clone, finds none.

use anyhow::Context as _;
use pointsman_shared::said::Answer;
use tauri::{AppHandle, Context, RunEvent};
use tauri_plugin_updater::{Result, Update, UpdaterExt};

use crate::say;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To know whether there is one.
    Look,
    /// To have it.
    Install,
}

/// Does it, answers, and ends.
pub(crate) fn run(context: Context, wish: Wish) -> anyhow::Result<i32> {
    // Without it the plugin would end the program.
    if !context.config().plugins.0.contains_key("updater") {
        say(&Answer::Failed("this build looks for no newer versions".to_owned()).write());
        return Ok(0);
    }
    let app = tauri::Builder::default().plugin(tauri_plugin_updater::Builder::new().build());
    let app = app.setup(move |app| {
        let app = app.handle().clone();
        tauri::async_runtime::spawn(async move {
            let answer = answer(&app, wish).await;
            say(&answer.unwrap_or_else(|error| Answer::Failed(error.to_string())).write());
            app.exit(0);
        });
        Ok(())
    });
    #[cfg_attr(not(target_os = "macos"), expect(unused_mut, reason = "macOS is told that there is nothing to see"))]
    let mut app = app.build(context).context("the desktop cannot be reached")?;
    #[cfg(target_os = "macos")]
    app.set_activation_policy(tauri::ActivationPolicy::Prohibited);
    Ok(app.run_return(|_, event| {
        // There is no window here, so nobody but us ends the program.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    }))
}

async fn answer(app: &AppHandle, wish: Wish) -> Result<Answer> {
    let update = look(app).await?;
    match (wish, update) {
        (Wish::Look, update) => Ok(Answer::Newer(update.map(|update| update.version))),
        (Wish::Install, None) => Ok(Answer::Failed("there is no newer version any more".to_owned())),
        (Wish::Install, Some(update)) => {
            let done = update.restart_after_install(false).download_and_install(|_, _| {}, || {}).await;
            done.map_or_else(
                |error| Ok(Answer::Failed(format!("the update was not installed: {error}"))),
                |()| Ok(Answer::Installed),
            )
        }
    }
}

async fn look(app: &AppHandle) -> Result<Option<Update>> {
    // Windows' installer starts the tray again. It would hand on our own arguments, which are none of the tray's.
    app.updater_builder().installer_arg("AUTOLAUNCHAPP=True").build()?.check().await
}
