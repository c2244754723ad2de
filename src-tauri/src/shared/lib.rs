//! What the tray's program and the window's have in common: where they run, their log, what they say to each other, and
//! starting at login. No GTK and no Tauri, so that what only one of them needs is linked into that one alone.

pub mod logging;
pub mod login;
pub mod program;
pub mod said;
pub mod world;
