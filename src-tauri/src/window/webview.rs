//! The window: a webview with the app's own page, and the commands that the page may call.
//!
//! It holds no gateway: it asks the one that runs, over the control socket, as the command line does. So closing the
//! window gives all of the webview's memory back, and a webview that crashes takes nothing with it.

use std::io::BufRead;
use std::sync::Arc;

use anyhow::Context as _;
use pointsman_shared::said::Line;
use pointsman_shared::world::World;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Context, Manager, RunEvent, Url, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_window_state::StateFlags;

use crate::page::Page;
use crate::{ask, chat, file, login, watch};

/// The window's name: the capability file grants by it.
const LABEL: &str = "main";
/// Its size at first, and the least.
const SIZE: (f64, f64) = (1040.0, 720.0);
const LEAST: (f64, f64) = (720.0, 520.0);

/// Shows the window until it is closed.
pub(crate) fn run(context: Context, world: World, view: Option<String>, led: bool) -> anyhow::Result<i32> {
    let kept = StateFlags::all() & !StateFlags::VISIBLE;
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_window_state::Builder::new().with_state_flags(kept).build())
        .invoke_handler(tauri::generate_handler![
            ask::ask,
            watch::watch,
            watch::watch_live,
            chat::chat,
            chat::stop_chat,
            file::save,
            file::open,
            login::autostart,
            login::set_autostart,
        ])
        .setup(move |app| {
            let app = app.handle();
            // Its cache belongs to us, not to a folder of its own beside ours.
            let cache = world.folders.data.join("window");
            let known = tauri::async_runtime::block_on(watch::first(&world));
            app.manage(Arc::new(Page::new(world, view)));
            WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
                // What is known already goes with the page, which then draws it without asking.
                .initialization_script(known.as_ref().map(watch::script).unwrap_or_default())
                .title("Pointsman")
                .inner_size(SIZE.0, SIZE.1)
                .min_inner_size(LEAST.0, LEAST.1)
                .data_directory(cache)
                .zoom_hotkeys_enabled(true)
                // The page takes files and rows that are dragged itself.
                .disable_drag_drop_handler()
                .on_navigation(is_own)
                .on_new_window(|_, _| NewWindowResponse::Deny)
                .build()?;
            if led {
                let app = app.clone();
                std::thread::Builder::new().name("leader".to_owned()).spawn(move || follow(&app))?;
            }
            Ok(())
        })
        .build(context)
        .context("the window cannot be made")?;
    Ok(app.run_return(|app, event| {
        if matches!(event, RunEvent::Exit) {
            app.state::<Arc<Page>>().end();
        }
    }))
}

/// Whether an address is the app's own page: the window goes nowhere else.
fn is_own(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        "about" => url.as_str() == "about:blank",
        _ => false,
    }
}

/// Does what the tray process says, a line each, and ends with it.
fn follow(app: &AppHandle) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let page = Arc::clone(&app.state::<Arc<Page>>());
        match Line::read(&line) {
            Some(Line::Show(view)) => {
                page.show(app, view);
                if let Some(window) = app.get_webview_window(LABEL) {
                    let _ = window.unminimize();
                    let _ = window.show();
                    let _ = window.set_focus();
                }
            }
            Some(Line::Trouble(trouble)) => page.trouble.send_replace(trouble).map_or((), drop),
            None => tracing::warn!(target: "window", line, "not a line that the tray process writes"),
        }
    }
    app.exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: bool) {
        assert_eq!(is_own(&url.parse().unwrap()), expected, "for {url}");
    }

    #[test]
    fn the_window_goes_nowhere_else() {
        check("tauri://localhost/index.html#chat", true);
        check("http://tauri.localhost/", true);
        check("about:blank", true);
        check("https://example.com/", false);
        check("http://localhost/", false);
        check("http://127.0.0.1:4747/v1/models", false);
        check("file:///etc/passwd", false);
        check("data:text/html,hello", false);
        check("tauri://elsewhere/", false);
    }
}
