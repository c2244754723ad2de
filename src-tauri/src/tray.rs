//! The tray: an icon that says how things stand, and a menu that switches models.
//!
//! [`menu`] says what the menu shows, [`render`] draws it, [`click`] does what an entry says. It follows what the gateway
//! shows; it keeps no state of its own but recent choices.

mod click;
mod icon;
mod item;
mod menu;
mod render;

use std::sync::{Arc, Mutex, PoisonError};

use tauri::menu::MenuEvent;
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Wry};
use tokio::sync::watch;

use crate::app::Desk;
use crate::keeper::Sight;
use icon::Look;
use item::{Action, Item};
use render::Rendered;

/// The icon's name. Another program's of the same name would share its picture's file.
const ID: &str = "pointsman";

/// Puts the icon up and keeps it true until the program ends.
pub(crate) fn start(app: &AppHandle, desk: &Arc<Desk>) -> tauri::Result<()> {
    let mut rendered = Rendered::new(app)?;
    rendered.show(&items(desk))?;
    let look = Look::of(&desk.sight());
    // A picture's file lies in a folder of its own, or two programs would write the same one.
    let pictures = desk.world.folders.run.join("tray");
    let tray = TrayIconBuilder::with_id(ID)
        .temp_dir_path(pictures)
        .icon(look.picture())
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip(look.words())
        .menu(rendered.menu())
        .build(app)?;
    let rendered = Arc::new(Mutex::new(rendered));

    let (shown, its_desk) = (Arc::clone(&rendered), Arc::clone(desk));
    app.on_menu_event(move |app, event: MenuEvent| {
        let clicked = shown.lock().unwrap_or_else(PoisonError::into_inner).clicked(event.id());
        if let Some((action, on)) = clicked {
            click::act(app, &its_desk, action, on);
        }
    });
    let (app, desk) = (app.clone(), Arc::clone(desk));
    tauri::async_runtime::spawn(async move { follow(&app, &desk, &tray, &rendered, look).await });
    Ok(())
}

/// Draws what changes. Bursts were drawn together by whoever tells us.
async fn follow(
    app: &AppHandle,
    desk: &Arc<Desk>,
    tray: &TrayIcon<Wry>,
    rendered: &Arc<Mutex<Rendered>>,
    mut look: Look,
) {
    let mut sight: watch::Receiver<Sight> = desk.watch();
    loop {
        tokio::select! {
            changed = sight.changed() => if changed.is_err() { return },
            () = desk.redraw.notified() => {}
        }
        let items = items(desk);
        let now = Look::of(&sight.borrow_and_update());
        if now != look {
            look = now;
            let drawn = tray.set_icon_with_as_template(Some(look.picture()), cfg!(target_os = "macos"));
            let drawn = drawn.and_then(|()| tray.set_tooltip(Some(look.words())));
            if let Err(error) = drawn {
                tracing::warn!(target: "desktop", %error, "the tray icon could not be changed");
            }
        }
        let rendered = Arc::clone(rendered);
        let drawn = app.run_on_main_thread(move || {
            if let Err(error) = rendered.lock().unwrap_or_else(PoisonError::into_inner).show(&items) {
                tracing::warn!(target: "desktop", %error, "the tray's menu could not be changed");
            }
        });
        if let Err(error) = drawn {
            tracing::debug!(target: "desktop", %error, "the program ends");
            return;
        }
    }
}

fn items(desk: &Desk) -> Vec<Item> {
    let at_login = desk.starts_at_login();
    let mut items = match desk.sight() {
        Sight::Starting => menu::without_gateway(None, at_login),
        Sight::Trouble(trouble) => menu::without_gateway(Some(&trouble), at_login),
        Sight::Serving { snapshot, .. } => menu::menu(&snapshot, &desk.recent(), at_login),
    };
    if let Some(version) = desk.newer.version() {
        let text = format!("Update to {version} and start again");
        items.insert(items.len() - 1, Item::Click { text, action: Action::Update });
    }
    items
}
