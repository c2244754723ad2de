//! Starting at login, as the page shows and changes it.

use std::sync::Arc;

use pointsman_shared::login;
use tauri::State;

use crate::page::Page;

/// Whether the program starts at login.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(crate) fn autostart(page: State<'_, Arc<Page>>) -> Result<bool, String> {
    login::is_on(&page.world.environment)
}

/// Has it start at login, or not.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(crate) fn set_autostart(page: State<'_, Arc<Page>>, on: bool) -> Result<(), String> {
    login::set(&page.world.environment, on)
}
