//! What the window process knows of its page: what it is to show, and what runs for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pointsman_shared::world::World;
use tauri::async_runtime::JoinHandle;
use tauri::{AppHandle, Emitter};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The page's side of things.
pub(crate) struct Page {
    /// Where it runs.
    pub(crate) world: World,
    /// Why no gateway serves, as the tray process said.
    pub(crate) trouble: watch::Sender<Option<String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What it is to show once it listens.
    view: Option<String>,
    listens: bool,
    watching: Option<JoinHandle<()>>,
    watching_live: Option<JoinHandle<()>>,
    chats: HashMap<String, CancellationToken>,
    /// A key for the page's own chat, and the gateway's run that gave it.
    own_key: Option<(String, String)>,
}

impl Page {
    /// A page that is to show this view first.
    pub(crate) fn new(world: World, view: Option<String>) -> Page {
        let state = Mutex::new(State { view, ..State::default() });
        Page { world, trouble: watch::Sender::new(None), state }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it show a view, at once or as soon as it listens.
    pub(crate) fn show(&self, app: &AppHandle, view: Option<String>) {
        let Some(view) = view else { return };
        let now = self.with(|state| {
            if state.listens {
                return Some(view);
            }
            state.view = Some(view);
            None
        });
        emit_view(app, now);
    }

    /// The page listens from now on; what it was told for before runs no longer, as after a reload.
    pub(crate) fn listens(&self, app: &AppHandle, watching: JoinHandle<()>) {
        let (view, before) = self.with(|state| {
            state.listens = true;
            (state.view.take(), state.watching.replace(watching))
        });
        before.iter().for_each(JoinHandle::abort);
        tracing::info!(target: "window", "the page listens");
        emit_view(app, view);
    }

    /// It is told of live requests by this task and no other.
    pub(crate) fn listens_live(&self, watching: JoinHandle<()>) {
        self.with(|state| state.watching_live.replace(watching)).iter().for_each(JoinHandle::abort);
    }

    /// A chat begins; what is returned is cancelled when the user stops it.
    pub(crate) fn chat_begins(&self, id: &str) -> CancellationToken {
        let stop = CancellationToken::new();
        let before = self.with(|state| state.chats.insert(id.to_owned(), stop.clone()));
        before.iter().for_each(CancellationToken::cancel);
        stop
    }

    /// A chat is over, or is to be.
    pub(crate) fn chat_ends(&self, id: &str) {
        self.with(|state| state.chats.remove(id)).iter().for_each(CancellationToken::cancel);
    }

    /// The key that this run of the gateway gave.
    pub(crate) fn own_key(&self, instance: &str) -> Option<String> {
        self.with(|state| state.own_key.as_ref().filter(|(from, _)| from == instance).map(|(_, key)| key.clone()))
    }

    /// Keeps it until the window closes.
    pub(crate) fn keep_own_key(&self, instance: String, key: String) {
        self.with(|state| state.own_key = Some((instance, key)));
    }

    /// Nothing runs for it any more.
    pub(crate) fn end(&self) {
        let State { watching, watching_live, chats, .. } = self.with(std::mem::take);
        watching.iter().chain(&watching_live).for_each(JoinHandle::abort);
        chats.values().for_each(CancellationToken::cancel);
    }
}

fn emit_view(app: &AppHandle, view: Option<String>) {
    let Some(view) = view else { return };
    if let Err(error) = app.emit("view", view) {
        tracing::warn!(target: "window", %error, "the page could not be told what to show");
    }
}
