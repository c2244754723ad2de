//! What the system offers: a display, the library without which there is no tray icon on Linux, and another start.

use std::io;
use std::process::{Command, Stdio};

use pointsman_gateway::environment::Environment;
use pointsman_shared::program;

/// Whether there is anything to draw on.
#[cfg(target_os = "linux")]
pub(crate) fn has_display(environment: &Environment) -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.get(name).is_some())
}

/// Whether there is anything to draw on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn has_display(_environment: &Environment) -> bool {
    true
}

/// The variable by which GTK is told to leave OpenGL alone.
#[cfg(target_os = "linux")]
const GL: &str = "GDK_GL";

/// Has GTK leave OpenGL alone in this process, which draws an icon and a menu: looking at what the display can do maps the
/// whole of a driver, 50 MB that are never used. To be called while there is one thread.
#[cfg(target_os = "linux")]
pub(crate) fn without_gl(environment: &Environment) {
    if environment.get(GL).is_none() {
        let _ = gio::glib::setenv(GL, "disable", false);
    }
}

/// Has GTK leave OpenGL alone in this process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn without_gl(_environment: &Environment) {}

/// Gives the window what was taken from the tray.
#[cfg(target_os = "linux")]
pub(crate) fn with_gl(command: &mut Command, environment: &Environment) {
    match environment.get(GL) {
        Some(value) => command.env(GL, value),
        None => command.env_remove(GL),
    };
}

/// Gives the window what was taken from the tray.
#[cfg(not(target_os = "linux"))]
pub(crate) fn with_gl(_command: &mut Command, _environment: &Environment) {}

/// Starts the program once more, as this one was started: after an update it is the new one.
pub(crate) fn start_again(environment: &Environment) -> io::Result<()> {
    let mut command = Command::new(program::tray(environment)?);
    command.args(std::env::args_os().skip(1)).stdin(Stdio::null());
    with_gl(&mut command, environment);
    command.spawn().map(drop)
}

/// Whether a tray icon can be made at all. The library is opened while the program runs, and where it is missing that
/// ends the program, so it is looked for first.
#[cfg(target_os = "linux")]
pub(crate) fn can_have_tray(environment: &Environment) -> bool {
    const NAMES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
    // The linker's own cache, where it keeps one, knows every folder that it looks into but those of the environment.
    let cache = std::fs::read("/etc/ld.so.cache").unwrap_or_default();
    let cached = |name: &str| cache.windows(name.len()).any(|part| part == name.as_bytes());
    let own = environment.get("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = std::env::split_paths(own).chain(["/usr/lib", "/usr/lib64", "/lib"].map(Into::into));
    let folders: Vec<_> = folders.collect();
    NAMES.iter().any(|name| cached(name) || folders.iter().any(|folder| folder.join(name).exists()))
}

/// Whether a tray icon can be made at all.
#[cfg(not(target_os = "linux"))]
pub(crate) fn can_have_tray(_environment: &Environment) -> bool {
    true
}

/// Whether the desktop has a place that shows tray icons. GNOME without an extension has none.
#[cfg(target_os = "linux")]
pub(crate) fn shows_tray() -> bool {
    use gio::prelude::*;
    let watcher = "org.kde.StatusNotifierWatcher";
    let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else { return false };
    let call = |name: &str, path: &str, interface: &str, method: &str, asked: &gio::glib::Variant| {
        let flags = gio::DBusCallFlags::NO_AUTO_START;
        let most = 1000;
        bus.call_sync(Some(name), path, interface, method, Some(asked), None, flags, most, gio::Cancellable::NONE).ok()
    };
    let asked = (watcher, "IsStatusNotifierHostRegistered").to_variant();
    call(watcher, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties", "Get", &asked)
        .and_then(|answer| answer.child_value(0).as_variant()?.get::<bool>())
        .unwrap_or(false)
}

/// Whether the desktop has a place that shows tray icons.
#[cfg(not(target_os = "linux"))]
pub(crate) fn shows_tray() -> bool {
    true
}
