//! The tray process: it holds the gateway and the tray, and opens the window. No page is ever loaded here.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tauri::{AppHandle, RunEvent};
use tauri_plugin_autostart::ManagerExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::clipboard::Clipboard;
use crate::keeper::{self, Sight};
use crate::memory::{Memory, Recent};
use crate::signals::Signals;
use crate::update::Newer;
use crate::window::child::Window;
use crate::world::World;
use crate::{notices, system, tray, update, wake};

/// At login the panel may come after us: so long it is waited for before the user is told that there is none.
const PANEL: Duration = Duration::from_secs(15);
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// What all parts of the tray process share.
pub(crate) struct Desk {
    /// Where it runs.
    pub(crate) world: World,
    /// Has the menu drawn again though the gateway shows nothing new.
    pub(crate) redraw: Notify,
    /// What the user copies.
    pub(crate) clipboard: Clipboard,
    /// A newer version, where one is known.
    pub(crate) newer: Newer,
    app: AppHandle,
    sight: watch::Receiver<Sight>,
    memory: Mutex<Memory>,
    memory_file: PathBuf,
    window: Window,
    stop: CancellationToken,
}

/// Runs until the user quits.
pub(crate) fn run(world: World, hidden: bool) -> anyhow::Result<i32> {
    let mut signals = Some({
        // Signals are heard by the runtime's own thread.
        let runtime = tauri::async_runtime::handle();
        let _inside = runtime.inner().enter();
        Signals::new()?
    });
    pointsman_gateway::server::allow_many_files();
    let context = tauri::generate_context!();
    let updates = update::is_set_up(&context);
    let builder = tauri::Builder::default()
        // The first of all, so that a second start does nothing else before it hands over.
        .plugin(tauri_plugin_single_instance::init(|app, words, _folder| asked_again(app, words)))
        .plugin(tauri_plugin_autostart::Builder::new().args(["--hidden"]).build())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init());
    let app = update::with_updater(builder, updates)
        .setup(move |app| {
            let app = app.handle();
            let (sight, seen) = watch::channel(Sight::default());
            let stop = CancellationToken::new();
            let memory_file = Memory::file(&world.folders.data);
            let desk = Arc::new(Desk {
                redraw: Notify::new(),
                clipboard: Clipboard::default(),
                newer: Newer::default(),
                app: app.clone(),
                sight: seen,
                memory: Mutex::new(Memory::load(&memory_file)),
                memory_file,
                window: Window::default(),
                stop: stop.clone(),
                world: world.clone(),
            });
            tauri::Manager::manage(app, Arc::clone(&desk));
            let first_time = !world.folders.settings().exists() && !world.folders.usage().exists();
            let keeping = tauri::async_runtime::spawn(keeper::run(world, sight, stop));
            tauri::async_runtime::spawn(end(app.clone(), Arc::clone(&desk), keeping));
            if let Some(signals) = signals.take() {
                tauri::async_runtime::spawn(hear(app.clone(), Arc::clone(&desk), signals));
            }
            tauri::async_runtime::spawn(notices::run(app.clone(), Arc::clone(&desk)));
            tauri::async_runtime::spawn(wake::run(Arc::clone(&desk)));
            if updates {
                tauri::async_runtime::spawn(update::run(app.clone(), Arc::clone(&desk)));
            }
            let has_tray = system::can_have_tray(&desk.world.environment);
            if has_tray {
                tray::start(app, &desk)?;
            } else {
                tracing::warn!(target: "desktop", "no tray: libayatana-appindicator3 is not installed");
            }
            tauri::async_runtime::spawn(first_window(Arc::clone(&desk), hidden && !first_time, has_tray));
            Ok(())
        })
        .build(context)
        .context("the desktop cannot be reached")?;
    Ok(app.run_return(|_app, event| {
        // There is no window here, so nobody but us ends the program.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    }))
}

/// A second start shows the window, as the user meant.
fn asked_again(app: &AppHandle, words: Vec<String>) {
    let hidden = match Arguments::read(words.into_iter().skip(1)) {
        Ok(Arguments::App { hidden }) => hidden,
        Ok(Arguments::Window { .. } | Arguments::Help | Arguments::Version) | Err(_) => false,
    };
    if hidden {
        return;
    }
    let desk = Arc::clone(&tauri::Manager::state::<Arc<Desk>>(app));
    tauri::async_runtime::spawn(async move { desk.show_window().await });
}

/// Opens the window, unless the program was started at login; then only where there is no tray, and the first time.
async fn first_window(desk: Arc<Desk>, hidden: bool, has_tray: bool) {
    if !hidden {
        desk.show_window().await;
    }
    if has_tray && tray_shows().await {
        return;
    }
    let told = desk.memory.lock().unwrap_or_else(PoisonError::into_inner).told_no_tray;
    if told {
        return;
    }
    desk.remember(|memory| memory.told_no_tray = true);
    let text = "This desktop shows no tray icons. Pointsman serves all the same: open it from the list of programs.";
    notices::show(&desk.app, "Pointsman is running", text);
    if hidden {
        desk.show_window().await;
    }
}

async fn tray_shows() -> bool {
    let looked = async {
        loop {
            if tokio::task::spawn_blocking(system::shows_tray).await.unwrap_or(false) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PANEL, looked).await.is_ok()
}

/// Ends the program when the gateway has: after the user quit, or because somebody had it stop.
async fn end(app: AppHandle, desk: Arc<Desk>, keeping: tauri::async_runtime::JoinHandle<()>) {
    let code = i32::from(keeping.await.is_err());
    desk.window.close().await;
    app.exit(code);
}

/// A signal ends the program as Quit does; a second one at once.
async fn hear(app: AppHandle, desk: Arc<Desk>, mut signals: Signals) {
    signals.asked_to_stop().await;
    desk.quit();
    signals.asked_to_stop().await;
    app.exit(1);
}

impl Desk {
    /// What is known of the gateway now.
    pub(crate) fn sight(&self) -> Sight {
        self.sight.borrow().clone()
    }

    /// What is known of the gateway, as it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Sight> {
        self.sight.clone()
    }

    /// The models chosen last.
    pub(crate) fn recent(&self) -> Recent {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).recent.clone()
    }

    /// Remembers something for the next start.
    pub(crate) fn remember(&self, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut memory);
        memory.save(&self.memory_file);
    }

    /// Shows the window, at a view where one is named.
    pub(crate) async fn open_window(&self, view: Option<String>) -> Result<(), String> {
        self.window
            .open(&self.world, view, self.watch())
            .await
            .map_err(|error| format!("the window cannot be opened: {error}"))
    }

    async fn show_window(&self) {
        if let Err(problem) = self.open_window(None).await {
            tracing::error!(target: "desktop", problem);
            notices::show(&self.app, "Pointsman", &problem);
        }
    }

    /// Whether the program starts at login.
    pub(crate) fn starts_at_login(&self) -> bool {
        self.app.autolaunch().is_enabled().unwrap_or(false)
    }

    /// Has the program start at login, or not.
    pub(crate) fn start_at_login(&self, on: bool) -> Result<(), String> {
        let autolaunch = self.app.autolaunch();
        if on { autolaunch.enable() } else { autolaunch.disable() }.map_err(|error| error.to_string())
    }

    /// Ends the program once the answers under way are given, or their time is out.
    pub(crate) fn quit(&self) {
        self.stop.cancel();
    }
}
