//! What leaves the window for the rest of the system: a file that the user saves, a folder or a page that is opened.
//!
//! The page cannot name a path: it names one of our folders, or the user picks one in the system's own dialog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pointsman_shared::world::World;
use serde::Deserialize;
use tauri::{AppHandle, State, Url};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::page::Page;

/// Asks the user where, and writes it there. False where the user thought better of it.
#[tauri::command]
pub(crate) async fn save(app: AppHandle, name: String, text: String) -> Result<bool, String> {
    let (picked, place) = oneshot::channel();
    app.dialog().file().set_file_name(file_name(&name)).save_file(move |place| {
        let _ = picked.send(place);
    });
    let Some(place) = place.await.ok().flatten() else { return Ok(false) };
    let place = place.into_path().map_err(|error| error.to_string())?;
    let written = tokio::fs::write(&place, text).await;
    written.map_err(|error| format!("{} was not written: {error}", place.display()))?;
    Ok(true)
}

/// A name alone: a page does not say where.
fn file_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|sign| if sign.is_control() || "/\\:".contains(sign) { '-' } else { sign }).collect();
    let plain = plain.trim().trim_start_matches('.');
    if plain.is_empty() { "pointsman.txt".to_owned() } else { plain.to_owned() }
}

/// What can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// The settings file, in whatever edits such files.
    SettingsFile,
    /// The folder with the settings file.
    SettingsFolder,
    /// The folder with what is kept.
    DataFolder,
    /// The folder with the log.
    LogFolder,
    /// A page on the web, in the browser.
    Url(Url),
}

/// Opens something outside the window.
#[tauri::command]
pub(crate) async fn open(page: State<'_, Arc<Page>>, what: What) -> Result<(), String> {
    let opened = match &what {
        What::Url(url) if url.scheme() == "https" => open::that_detached(url.as_str()),
        What::Url(url) => return Err(format!("`{url}` is not opened: only https is")),
        What::SettingsFile | What::SettingsFolder | What::DataFolder | What::LogFolder => {
            let place = place(&page.world, &what);
            made(&place, what == What::SettingsFile).map_err(|error| error.to_string())?;
            open::that_detached(&place)
        }
    };
    opened.map_err(|error| error.to_string())
}

fn place(world: &World, what: &What) -> PathBuf {
    match what {
        What::SettingsFile => world.folders.settings(),
        What::SettingsFolder => world.folders.config.clone(),
        What::DataFolder | What::Url(_) => world.folders.data.clone(),
        What::LogFolder => world.log(),
    }
}

/// What is not there yet cannot be opened.
fn made(place: &Path, file: bool) -> std::io::Result<()> {
    if !file {
        return std::fs::create_dir_all(place);
    }
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).open(place).map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_says_not_where() {
        let check = |name: &str, expected: &str| assert_eq!(file_name(name), expected);
        check("conversation.md", "conversation.md");
        check("../../.bashrc", "-..-.bashrc");
        check("/etc/passwd", "-etc-passwd");
        check("C:\\x", "C--x");
        check(".hidden", "hidden");
        check("", "pointsman.txt");
    }

    fn check(what: &serde_json::Value, expected: Option<&What>) {
        assert_eq!(serde_json::from_value(what.clone()).ok().as_ref(), expected, "for {what}");
    }

    #[test]
    fn few_things_can_be_opened() {
        check(&json!("settings_file"), Some(&What::SettingsFile));
        check(&json!("log_folder"), Some(&What::LogFolder));
        let page = What::Url("https://example.com/a".parse().unwrap());
        check(&json!({ "url": "https://example.com/a" }), Some(&page));
        check(&json!("/etc"), None);
        check(&json!({ "url": "no address" }), None);
    }
}
