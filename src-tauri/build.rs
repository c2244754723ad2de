//! Reads Tauri's configuration into the program, and sees to it that there is a page.

use std::path::Path;
use std::{fs, io};

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
