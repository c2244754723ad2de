//! What the program was asked on its command line.
//!
//! A menu entry and the login start it; a person uses `pointsman`. So there is little to say here.

/// What `--help` says.
pub(crate) const HELP: &str = "\
Pointsman's tray and window. The command line is `pointsman`.

usage: pointsman-desktop [--hidden | --version | --help]

  --hidden   only the tray, as at login; without it the window opens too";

/// What is to be started.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Tray and gateway.
    App {
        /// Whether the window waits until it is asked for.
        hidden: bool,
    },
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
        match words.as_slice() {
            [] => Ok(Arguments::App { hidden: false }),
            ["--hidden"] => Ok(Arguments::App { hidden: true }),
            ["--help" | "-h"] => Ok(Arguments::Help),
            ["--version" | "-V"] => Ok(Arguments::Version),
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
        check(&[], Arguments::App { hidden: false });
        check(&["--hidden"], Arguments::App { hidden: true });
        check(&["--version"], Arguments::Version);
        check(&["serve"], None);
        check(&["--window"], None);
        check(&["--hidden", "--version"], None);
    }
}
