//! The tray: an icon that says how things stand, and a menu that switches models.
//!
//! [`menu`] says what the menu shows, [`render`] draws it, [`click`] does what an entry says. It follows what the gateway
//! shows; it keeps no state of its own but recent choices. What it is made of lives on the main thread.

mod click;
mod icon;
mod item;
mod menu;
mod render;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tray_icon::menu::MenuId;
use tray_icon::{TrayIcon, TrayIconBuilder};

use crate::app::Word;
use crate::desk::Desk;
use crate::keeper::Sight;
use icon::Look;
use item::{Action, Item};
use render::Rendered;

/// The icon's name. Another program's of the same name would share its picture's file.
const ID: &str = "pointsman";

/// What the tray shows.
#[derive(Debug)]
pub(crate) struct Shown {
    look: Look,
    items: Vec<Item>,
}

impl Shown {
    /// What there is to show now.
    pub(crate) fn of(desk: &Desk) -> Shown {
        let sight = desk.sight();
        Shown { look: Look::of(&sight), items: items(desk, &sight) }
    }
}

/// The icon and its menu.
pub(crate) struct Tray {
    icon: TrayIcon,
    rendered: Rendered,
    look: Look,
}

impl Tray {
    /// Puts it up, until it is dropped. A picture's file lies below this folder, our own, or two programs would write the
    /// same one.
    pub(crate) fn new(folder: &Path, shown: &Shown) -> anyhow::Result<Tray> {
        let mut rendered = Rendered::new();
        rendered.show(&shown.items)?;
        let icon = TrayIconBuilder::new()
            .with_id(ID)
            .with_temp_dir_path(folder.join("tray"))
            .with_icon(shown.look.picture()?)
            .with_icon_as_template(cfg!(target_os = "macos"))
            .with_tooltip(shown.look.words())
            .with_menu(Box::new(rendered.menu().clone()))
            .build()?;
        Ok(Tray { icon, rendered, look: shown.look })
    }

    /// Changes what is not as it was.
    pub(crate) fn draw(&mut self, shown: &Shown) {
        if shown.look != self.look {
            self.look = shown.look;
            if let Err(error) = self.wear(shown.look) {
                tracing::warn!(target: "desktop", %error, "the tray icon could not be changed");
            }
        }
        if let Err(error) = self.rendered.show(&shown.items) {
            tracing::warn!(target: "desktop", %error, "the tray's menu could not be changed");
        }
    }

    fn wear(&self, look: Look) -> anyhow::Result<()> {
        self.icon.set_icon_with_as_template(Some(look.picture()?), cfg!(target_os = "macos"))?;
        Ok(self.icon.set_tooltip(Some(look.words()))?)
    }

    /// Does what an entry says.
    pub(crate) fn clicked(&self, desk: &Arc<Desk>, id: &MenuId) {
        if let Some((action, on)) = self.rendered.clicked(id) {
            click::act(desk, action, on);
        }
    }
}

/// Has what changes drawn. Bursts were drawn together by whoever tells us.
pub(crate) async fn follow(desk: Arc<Desk>) {
    let mut sight: watch::Receiver<Sight> = desk.watch();
    // Something may have changed since it was put up.
    sight.mark_changed();
    loop {
        tokio::select! {
            changed = sight.changed() => if changed.is_err() { return },
            () = desk.redraw.notified() => {}
        }
        sight.mark_unchanged();
        if !desk.tell(Word::Draw(Shown::of(&desk))) {
            tracing::debug!(target: "desktop", "the program ends");
            return;
        }
    }
}

fn items(desk: &Desk, sight: &Sight) -> Vec<Item> {
    let at_login = desk.starts_at_login();
    let mut items = match sight {
        Sight::Starting => menu::without_gateway(None, at_login),
        Sight::Trouble(trouble) => menu::without_gateway(Some(trouble), at_login),
        Sight::Serving { snapshot, .. } => menu::menu(snapshot, &desk.recent(), at_login),
    };
    if let Some(version) = desk.newer.version() {
        let text = format!("Update to {version} and start again");
        items.insert(items.len() - 1, Item::Click { text, action: Action::Update });
    }
    items
}
