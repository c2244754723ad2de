//! What stands in the tray's menu, and what a click on it does: data, not widgets.

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Says something and does nothing.
    Note(String),
    /// Does something.
    Click {
        /// What is read.
        text: String,
        /// What is done.
        action: Action,
    },
    /// Does something, and is marked or not.
    Check {
        /// What is read.
        text: String,
        /// What is done.
        action: Action,
        /// Whether it is marked.
        on: bool,
    },
    /// Opens further entries.
    Menu {
        /// What it is: stays while the text changes.
        key: String,
        /// What is read.
        text: String,
        /// The entries.
        items: Vec<Item>,
    },
    /// Separates.
    Line,
}

impl Item {
    /// Whether one may become the other while the menu is open: it is the same thing, perhaps in other words. An entry
    /// never changes what a click on it does.
    pub(crate) fn is_still(&self, other: &Item) -> bool {
        match (self, other) {
            (Item::Note(_), Item::Note(_)) | (Item::Line, Item::Line) => true,
            (Item::Click { action, .. }, Item::Click { action: its, .. })
            | (Item::Check { action, .. }, Item::Check { action: its, .. }) => action == its,
            (Item::Menu { key, .. }, Item::Menu { key: its, .. }) => key == its,
            (Item::Note(_) | Item::Click { .. } | Item::Check { .. } | Item::Menu { .. } | Item::Line, _) => false,
        }
    }

    /// What is read.
    pub(crate) fn text(&self) -> &str {
        match self {
            Item::Note(text) | Item::Click { text, .. } | Item::Check { text, .. } | Item::Menu { text, .. } => text,
            Item::Line => "",
        }
    }
}

/// What a click does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Has this model answer a route from the next request on.
    Choose {
        /// The route.
        route: String,
        /// The model, as the settings name it.
        target: String,
        /// What a person reads.
        name: String,
    },
    /// Opens the window where a model is picked for this route.
    Pick {
        /// The route.
        route: String,
    },
    /// Takes a model out of memory.
    Unload {
        /// The endpoint's id.
        endpoint: String,
        /// The model's id there.
        model: String,
    },
    /// Starts a runtime's server.
    Start {
        /// Its row.
        runtime: String,
        /// What a person reads.
        name: String,
    },
    /// Turns local-only mode on or off.
    LocalOnly,
    /// Copies the base URL.
    CopyBaseUrl,
    /// Makes a client key and copies it.
    CopyNewKey,
    /// Opens the window.
    Open,
    /// Opens the window at a new chat.
    NewChat,
    /// Opens the settings file in whatever opens such files.
    OpenSettings,
    /// Stops answering inference, or goes on.
    Pause,
    /// Has the program start at login, or not.
    StartAtLogin,
    /// Installs a newer version and starts it.
    Update,
    /// Ends the program.
    Quit,
}
