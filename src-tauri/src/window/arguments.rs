//! What the window's program was asked on its command line: by the tray's process, hardly ever by a person.

use crate::update::Wish;

/// What `--help` says.
pub(crate) const HELP: &str = "\
Pointsman's window, of a gateway that runs already. `pointsman-desktop` opens it.

usage: pointsman-window [VIEW | --look-for-update | --install-update | --version | --help]";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// The window.
    Window {
        /// What it shows first.
        view: Option<String>,
        /// Whether the tray process says on stdin what to show, and ends it by going.
        led: bool,
    },
    /// A newer version.
    Update(Wish),
    /// What can be said.
    Help,
    /// Which version it is.
    Version,
}

impl Arguments {
    /// Reads them. A word that means nothing is an error, in words for a person.
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
        let words: Vec<String> = words.into_iter().collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let window = |view: Option<&str>, led| Arguments::Window { view: view.map(str::to_owned), led };
        match words.as_slice() {
            [] => Ok(window(None, false)),
            ["--led"] => Ok(window(None, true)),
            ["--look-for-update"] => Ok(Arguments::Update(Wish::Look)),
            ["--install-update"] => Ok(Arguments::Update(Wish::Install)),
            ["--help" | "-h"] => Ok(Arguments::Help),
            ["--version" | "-V"] => Ok(Arguments::Version),
            ["--led", view] if !view.starts_with('-') => Ok(window(Some(view), true)),
            [view] if !view.starts_with('-') => Ok(window(Some(view), false)),
            words => Err(format!("`{}` means nothing here; see --help", words.join(" "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: impl Into<Option<Arguments>>) {
        let expected = expected.into();
        assert_eq!(Arguments::read(words.iter().map(ToString::to_string)).ok(), expected, "for {words:?}");
    }

    #[test]
    fn few_words_are_known() {
        let window = |view: Option<&str>, led| Arguments::Window { view: view.map(str::to_owned), led };
        check(&[], window(None, false));
        check(&["models:code"], window(Some("models:code"), false));
        check(&["--led", "chat:new"], window(Some("chat:new"), true));
        check(&["--led"], window(None, true));
        check(&["--look-for-update"], Arguments::Update(Wish::Look));
        check(&["--install-update"], Arguments::Update(Wish::Install));
        check(&["--version"], Arguments::Version);
        check(&["--hidden"], None);
        check(&["--led", "--hidden"], None);
        check(&["models:code", "chat:new"], None);
    }
}
