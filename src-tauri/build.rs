//! Reads Tauri's configuration into the programs, and sees to it that there is a page.

use std::path::Path;
use std::{env, fs, io};

use serde_json::Value;

/// Where the window's page is built.
const PAGE: &str = "../ui/dist";

/// Shown where the page was not built: the tray and the gateway are whole without it.
const PLACEHOLDER: &str = "<!doctype html><meta charset=\"utf-8\"><title>Pointsman</title>\
    <main><h1>Pointsman</h1><p id=\"placeholder\">This build has no window page: build it with \
    <code>npm ci &amp;&amp; npm run build</code> in <code>ui/</code>, then build the program again.</p></main>\n";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed={PAGE}");
    let index = Path::new(PAGE).join("index.html");
    if !index.exists() {
        fs::create_dir_all(PAGE)?;
        fs::write(index, PLACEHOLDER)?;
    }
    if looks_for_updates()? {
        println!("cargo:rustc-env=POINTSMAN_LOOKS_FOR_UPDATES=1");
    }
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(&[
        "ask",
        "watch",
        "watch_live",
        "chat",
        "stop_chat",
        "save",
        "open",
        "autostart",
        "set_autostart",
    ])))
    .map_err(io::Error::other)
}

/// Whether this is built as a release that looks for newer ones: the tray, which knows no Tauri, is told here.
fn looks_for_updates() -> io::Result<bool> {
    println!("cargo:rerun-if-changed=tauri.conf.json");
    println!("cargo:rerun-if-env-changed=TAURI_CONFIG");
    let own = fs::read_to_string("tauri.conf.json")?;
    #[expect(clippy::disallowed_methods, reason = "a build script has no other environment")]
    let given = env::var("TAURI_CONFIG").unwrap_or_else(|_| "{}".to_owned());
    let mut updater = false;
    for text in [own, given] {
        let config: Value = serde_json::from_str(&text).map_err(io::Error::other)?;
        updater |= config.pointer("/plugins/updater").is_some_and(|updater| !updater.is_null());
    }
    Ok(updater)
}
