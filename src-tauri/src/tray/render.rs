//! Draws entries as a native menu, and keeps it true.
//!
//! An open menu must not flicker, and an entry must not change under the pointer into one that does something else. So
//! entries that are still the same are changed in place; only what came or went is put in or taken out. To be called on
//! the main thread, where menus live.

use tray_icon::menu::{CheckMenuItem, IsMenuItem, Menu, MenuId, MenuItem, PredefinedMenuItem, Result, Submenu};

use super::item::{Action, Item};

/// A native menu that shows entries.
pub(crate) struct Rendered {
    menu: Menu,
    shown: Vec<Shown>,
    /// The next entry's id. None is used twice: a late click on an entry that is gone must not hit another.
    next: u64,
}

/// An entry with its widget.
struct Shown {
    item: Item,
    native: Native,
}

enum Native {
    Text(MenuItem),
    Check(CheckMenuItem),
    Menu(Submenu, Vec<Shown>),
    Line(PredefinedMenuItem),
}

impl Native {
    fn widget(&self) -> &dyn IsMenuItem {
        match self {
            Native::Text(item) => item,
            Native::Check(item) => item,
            Native::Menu(menu, _) => menu,
            Native::Line(line) => line,
        }
    }
}

impl Rendered {
    /// An empty one.
    pub(crate) fn new() -> Rendered {
        Rendered { menu: Menu::new(), shown: Vec::new(), next: 0 }
    }

    /// The native menu.
    pub(crate) fn menu(&self) -> &Menu {
        &self.menu
    }

    /// Shows these entries instead.
    pub(crate) fn show(&mut self, items: &[Item]) -> Result<()> {
        let mut making = Making { next: &mut self.next };
        making.level(Level::Top(&self.menu), &mut self.shown, items)
    }

    /// What a click on an entry does, and whether the entry is marked.
    pub(crate) fn clicked(&self, id: &MenuId) -> Option<(Action, bool)> {
        let shown = find(&self.shown, id)?;
        // The system marks an entry by itself when it is clicked; what holds is what the gateway says.
        if let (Native::Check(native), Item::Check { on, .. }) = (&shown.native, &shown.item) {
            native.set_checked(*on);
        }
        match &shown.item {
            Item::Click { action, .. } => Some((action.clone(), false)),
            Item::Check { action, on, .. } => Some((action.clone(), *on)),
            Item::Note(_) | Item::Menu { .. } | Item::Line => None,
        }
    }
}

fn find<'a>(shown: &'a [Shown], id: &MenuId) -> Option<&'a Shown> {
    shown.iter().find_map(|shown| match &shown.native {
        Native::Menu(_, below) => find(below, id),
        Native::Text(_) | Native::Check(_) | Native::Line(_) => (shown.native.widget().id() == id).then_some(shown),
    })
}

/// Where entries stand.
#[derive(Clone, Copy)]
enum Level<'a> {
    Top(&'a Menu),
    Below(&'a Submenu),
}

impl Level<'_> {
    fn insert(self, item: &dyn IsMenuItem, place: usize) -> Result<()> {
        match self {
            Level::Top(menu) => menu.insert(item, place),
            Level::Below(menu) => menu.insert(item, place),
        }
    }

    fn remove(self, item: &dyn IsMenuItem) -> Result<()> {
        match self {
            Level::Top(menu) => menu.remove(item),
            Level::Below(menu) => menu.remove(item),
        }
    }
}

struct Making<'a> {
    next: &'a mut u64,
}

impl Making<'_> {
    fn level(&mut self, level: Level<'_>, shown: &mut Vec<Shown>, wanted: &[Item]) -> Result<()> {
        let same = |(shown, wanted): &(&Shown, &Item)| {
            // On GTK muda puts a submenu's label beside an icon into a box, and then no longer finds it to change it.
            let stuck = cfg!(target_os = "linux") && matches!(shown.native, Native::Menu(..));
            shown.item.is_still(wanted) && !(stuck && shown.item.text() != wanted.text())
        };
        let front = shown.iter().zip(wanted).take_while(same).count();
        let rest = shown.len().min(wanted.len()) - front;
        let back = shown.iter().rev().zip(wanted.iter().rev()).take(rest).take_while(same).count();

        let gone = shown.len() - back;
        for gone in shown.splice(front..gone, []) {
            level.remove(gone.native.widget())?;
        }
        for (place, item) in wanted.iter().enumerate().take(wanted.len() - back).skip(front) {
            let made = self.make(item)?;
            level.insert(made.native.widget(), place)?;
            shown.insert(place, made);
        }
        for (shown, wanted) in shown.iter_mut().zip(wanted) {
            self.update(shown, wanted)?;
        }
        Ok(())
    }

    fn make(&mut self, item: &Item) -> Result<Shown> {
        *self.next += 1;
        let id = format!("entry-{}", self.next);
        let text = escaped(item.text());
        let native = match item {
            Item::Note(_) => Native::Text(MenuItem::with_id(id, text, false, None)),
            Item::Click { .. } => Native::Text(MenuItem::with_id(id, text, true, None)),
            Item::Check { on, .. } => Native::Check(CheckMenuItem::with_id(id, text, true, *on, None)),
            Item::Menu { items, .. } => {
                let menu = Submenu::with_id(id, text, true);
                let mut below = Vec::new();
                self.level(Level::Below(&menu), &mut below, items)?;
                Native::Menu(menu, below)
            }
            Item::Line => Native::Line(PredefinedMenuItem::separator()),
        };
        Ok(Shown { item: item.clone(), native })
    }

    fn update(&mut self, shown: &mut Shown, wanted: &Item) -> Result<()> {
        if shown.item == *wanted {
            return Ok(());
        }
        let reworded = shown.item.text() != wanted.text();
        let text = escaped(wanted.text());
        match (&mut shown.native, wanted) {
            (Native::Text(native), _) if reworded => native.set_text(text),
            (Native::Check(native), Item::Check { on, .. }) => {
                if reworded {
                    native.set_text(text);
                }
                native.set_checked(*on);
            }
            (Native::Menu(native, below), Item::Menu { items, .. }) => {
                if reworded {
                    native.set_text(text);
                }
                self.level(Level::Below(native), below, items)?;
            }
            (Native::Text(_) | Native::Check(_) | Native::Menu(..) | Native::Line(_), _) => {}
        }
        shown.item = wanted.clone();
        Ok(())
    }
}

/// `&` would mark the next letter as the entry's key.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}
