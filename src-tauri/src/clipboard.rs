//! The desktop's clipboard, written to and never read.

use std::sync::{Mutex, PoisonError};

/// Where copied text goes. What was copied is there for others as long as this is.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Puts a text there. The desktop is asked for its clipboard when something is copied first.
    pub(crate) fn write(&self, text: &str) -> Result<(), String> {
        let told = |error: arboard::Error| format!("it could not be copied: {error}");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match known.take() {
            Some(clipboard) => clipboard,
            None => arboard::Clipboard::new().map_err(told)?,
        };
        known.insert(clipboard).set_text(text).map_err(told)
    }
}
