//! Starting at login, as the page shows and changes it.

use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt;

/// Whether the program starts at login.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(super) fn autostart(app: AppHandle) -> Result<bool, String> {
    app.autolaunch().is_enabled().map_err(|error| error.to_string())
}

/// Has it start at login, or not.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(super) fn set_autostart(app: AppHandle, on: bool) -> Result<(), String> {
    let autolaunch = app.autolaunch();
    if on { autolaunch.enable() } else { autolaunch.disable() }.map_err(|error| error.to_string())
}
