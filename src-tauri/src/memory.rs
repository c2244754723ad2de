//! What the shell itself remembers between two starts: recent choices, and what the user was told once.
//!
//! A small file in the data folder. Losing it costs nothing, so faults are only logged.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How many choices are remembered for each route.
const CHOICES: usize = 3;

/// The models chosen last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    choices: Vec<Choice>,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    route: String,
    target: String,
}

impl Recent {
    /// A choice was made.
    pub(crate) fn chose(&mut self, route: &str, target: &str) {
        self.choices.retain(|choice| choice.route != route || choice.target != target);
        self.choices.insert(0, Choice { route: route.to_owned(), target: target.to_owned() });
        let mut kept = 0;
        self.choices.retain(|choice| {
            kept += usize::from(choice.route == route);
            choice.route != route || kept <= CHOICES
        });
    }

    /// A route's choices, the latest first.
    pub(crate) fn of<'a>(&'a self, route: &'a str) -> impl Iterator<Item = &'a str> {
        self.choices.iter().filter(move |choice| choice.route == route).map(|choice| choice.target.as_str())
    }
}

/// All that is remembered.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// The models chosen last.
    pub(crate) recent: Recent,
    /// Whether the user was told that this desktop shows no tray.
    pub(crate) told_no_tray: bool,
}

impl Memory {
    /// Where it is kept.
    pub(crate) fn file(data: &Path) -> PathBuf {
        data.join("desktop.json")
    }

    /// What was written, or nothing.
    pub(crate) fn load(file: &Path) -> Memory {
        let text = std::fs::read(file).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes it.
    pub(crate) fn save(&self, file: &Path) {
        let write = || {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(file, serde_json::to_vec_pretty(self)?)
        };
        if let Err(error) = write() {
            tracing::warn!(target: "desktop", file = %file.display(), %error, "what was chosen is not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chosen: &[(&str, &str)], route: &str, expected: &[&str]) {
        let mut recent = Recent::default();
        for (route, target) in chosen {
            recent.chose(route, target);
        }
        assert_eq!(recent.of(route).collect::<Vec<_>>(), expected, "after {chosen:?}");
    }

    #[test]
    fn the_latest_choices_stand_first() {
        check(&[], "default", &[]);
        check(&[("default", "a"), ("default", "b")], "default", &["b", "a"]);
        check(&[("default", "a"), ("default", "b"), ("default", "a")], "default", &["a", "b"]);
        check(&[("default", "a"), ("code", "b")], "default", &["a"]);
        check(&[("d", "a"), ("d", "b"), ("c", "x"), ("d", "c"), ("d", "e")], "d", &["e", "c", "b"]);
        check(&[("d", "a"), ("d", "b"), ("c", "x"), ("d", "c"), ("d", "e")], "c", &["x"]);
    }

    #[test]
    fn a_file_that_says_nothing_is_no_fault() {
        assert_eq!(Memory::load(Path::new("/nowhere/desktop.json")), Memory::default());
        let folder = std::env::temp_dir().join(format!("pointsman-memory-{}", std::process::id()));
        let file = Memory::file(&folder);
        let mut memory = Memory { told_no_tray: true, ..Memory::default() };
        memory.recent.chose("default", "ollama:qwen3:8b");
        memory.save(&file);
        assert_eq!(Memory::load(&file), memory, "what was written is read");
        std::fs::write(&file, "{").unwrap();
        assert_eq!(Memory::load(&file), Memory::default());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
