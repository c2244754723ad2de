//! The tray process: its main thread has the tray, as every desktop wants it, and all else runs beside it. No page is ever
//! loaded here; the window is a child.

use std::sync::Arc;
use std::time::Duration;

use pointsman_shared::world::World;
use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoopBuilder};
use tao::platform::run_return::EventLoopExtRunReturn;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tray_icon::menu::{MenuEvent, MenuId};

use crate::desk::Desk;
use crate::instance::{self, Start};
use crate::keeper::{self, Sight};
use crate::signals::Signals;
use crate::tray::{self, Shown, Tray};
use crate::{notices, system, update, wake};

/// At login the panel may come after us: so long it is waited for before the user is told that there is none.
const PANEL: Duration = Duration::from_secs(15);
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// What the main thread is told.
#[derive(Debug)]
pub(crate) enum Word {
    /// The tray is to show this.
    Draw(Shown),
    /// An entry of the menu was clicked.
    Clicked(MenuId),
    /// The program ends with this code.
    End(i32),
}

/// How it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// What the system is told.
    pub(crate) code: i32,
    /// Whether the program is to start again.
    pub(crate) again: bool,
}

impl Ended {
    /// For good.
    pub(crate) fn with(code: i32) -> Ended {
        Ended { code, again: false }
    }
}

/// Runs until the user quits.
pub(crate) fn run(runtime: &Runtime, world: World, hidden: bool) -> anyhow::Result<Ended> {
    // The first of all, so that a second start does nothing else before it hands over.
    let others = match runtime.block_on(instance::take(&world.folders, hidden))? {
        Start::First(others) => others,
        Start::Second => return Ok(Ended::with(0)),
    };
    let signals = Signals::new()?;
    pointsman_gateway::server::allow_many_files();
    let mut main = EventLoopBuilder::<Word>::with_user_event().build();
    let (sight, seen) = watch::channel(Sight::default());
    let stop = CancellationToken::new();
    let first_time = !world.folders.settings().exists() && !world.folders.usage().exists();
    let keeping = tokio::spawn(keeper::run(world.clone(), sight, stop.clone()));
    let desk = Arc::new(Desk::new(world, main.create_proxy(), seen, stop));
    tokio::spawn(end(Arc::clone(&desk), keeping));
    tokio::spawn(hear(Arc::clone(&desk), signals));
    tokio::spawn(notices::run(Arc::clone(&desk)));
    tokio::spawn(wake::run(Arc::clone(&desk)));
    if let Some(others) = others {
        tokio::spawn(instance::hear(others, Arc::clone(&desk)));
    }
    if update::is_set_up() {
        tokio::spawn(update::run(Arc::clone(&desk)));
    }
    let clicks = main.create_proxy();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let _ = clicks.send_event(Word::Clicked(event.id));
    }));

    let mut shown = None;
    let code = main.run_return(|event, _, flow| {
        *flow = ControlFlow::Wait;
        match event {
            // Before that there is no tray to be put up on macOS.
            Event::NewEvents(StartCause::Init) => {
                shown = tray(&desk);
                tokio::spawn(first_window(Arc::clone(&desk), hidden && !first_time, shown.is_some()));
            }
            Event::UserEvent(Word::Draw(now)) => shown.iter_mut().for_each(|tray| tray.draw(&now)),
            Event::UserEvent(Word::Clicked(id)) => shown.iter().for_each(|tray| tray.clicked(&desk, &id)),
            Event::UserEvent(Word::End(code)) => {
                // Its picture's file goes with it.
                shown = None;
                *flow = ControlFlow::ExitWithCode(code);
            }
            // macOS starts no second process of an app; it says so to the first.
            Event::Reopen { .. } => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move { desk.show_window().await });
            }
            _ => {}
        }
    });
    Ok(Ended { code, again: desk.starts_again() })
}

/// Puts the tray up, where there can be one, and has it follow what happens.
fn tray(desk: &Arc<Desk>) -> Option<Tray> {
    if !system::can_have_tray(&desk.world.environment) {
        tracing::warn!(target: "desktop", "no tray: libayatana-appindicator3 is not installed");
        return None;
    }
    let tray = Tray::new(&desk.world.folders.run, &Shown::of(desk));
    match tray {
        Ok(_) => drop(tokio::spawn(tray::follow(Arc::clone(desk)))),
        Err(ref error) => tracing::warn!(target: "desktop", %error, "no tray: it could not be put up"),
    }
    tray.ok()
}

/// Opens the window, unless the program was started at login; then only where there is no tray, and the first time.
async fn first_window(desk: Arc<Desk>, hidden: bool, has_tray: bool) {
    if !hidden {
        desk.show_window().await;
    }
    if has_tray && tray_shows().await {
        return;
    }
    if desk.told_no_tray() {
        return;
    }
    desk.remember(|memory| memory.told_no_tray = true);
    let text = "This desktop shows no tray icons. Pointsman serves all the same: open it from the list of programs.";
    notices::show("Pointsman is running", text);
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
async fn end(desk: Arc<Desk>, keeping: JoinHandle<()>) {
    let code = i32::from(keeping.await.is_err());
    desk.close_window().await;
    desk.tell(Word::End(code));
}

/// A signal ends the program as Quit does; a second one at once.
async fn hear(desk: Arc<Desk>, mut signals: Signals) {
    signals.asked_to_stop().await;
    desk.quit();
    signals.asked_to_stop().await;
    desk.tell(Word::End(1));
}
