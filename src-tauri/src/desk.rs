//! What all parts of the tray process share: what is known, what is remembered, and how to have something done.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pointsman_shared::login;
use pointsman_shared::world::World;
use tao::event_loop::EventLoopProxy;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::app::Word;
use crate::child::Window;
use crate::clipboard::Clipboard;
use crate::keeper::Sight;
use crate::memory::{Memory, Recent};
use crate::notices;
use crate::update::Newer;

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
    main: EventLoopProxy<Word>,
    sight: watch::Receiver<Sight>,
    memory: Mutex<Memory>,
    memory_file: PathBuf,
    window: Window,
    stop: CancellationToken,
    again: AtomicBool,
}

impl Desk {
    /// What is remembered is read, nothing else is done.
    pub(crate) fn new(
        world: World,
        main: EventLoopProxy<Word>,
        sight: watch::Receiver<Sight>,
        stop: CancellationToken,
    ) -> Desk {
        let memory_file = Memory::file(&world.folders.data);
        Desk {
            world,
            redraw: Notify::new(),
            clipboard: Clipboard::default(),
            newer: Newer::default(),
            main,
            sight,
            memory: Mutex::new(Memory::load(&memory_file)),
            memory_file,
            window: Window::default(),
            stop,
            again: AtomicBool::new(false),
        }
    }

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

    /// Whether the user was told that this desktop shows no tray.
    pub(crate) fn told_no_tray(&self) -> bool {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).told_no_tray
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

    /// Shows the window; where that fails the user is told why.
    pub(crate) async fn show_window(&self) {
        if let Err(problem) = self.open_window(None).await {
            tracing::error!(target: "desktop", problem);
            notices::show("Pointsman", &problem);
        }
    }

    /// Closes the window.
    pub(crate) async fn close_window(&self) {
        self.window.close().await;
    }

    /// Whether the program starts at login.
    pub(crate) fn starts_at_login(&self) -> bool {
        login::is_on(&self.world.environment).unwrap_or(false)
    }

    /// Tells the main thread. False where it has ended already.
    pub(crate) fn tell(&self, word: Word) -> bool {
        self.main.send_event(word).is_ok()
    }

    /// Ends the program once the answers under way are given, or their time is out.
    pub(crate) fn quit(&self) {
        self.stop.cancel();
    }

    /// Ends the program in the same way, and has it start again.
    pub(crate) fn quit_and_start_again(&self) {
        self.again.store(true, Ordering::Relaxed);
        self.quit();
    }

    /// Whether it is to start again when it has ended.
    pub(crate) fn starts_again(&self) -> bool {
        self.again.load(Ordering::Relaxed)
    }
}
