//! The one place that prints.
//!
//! Results go to stdout, everything else to stderr. Names and answers come from programs and models that Pointsman does
//! not trust: what could steer a terminal is taken out of every text here. Style is never the only sign of anything.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};

use comfy_table::Table;
use pointsman_gateway::environment::Environment;
use serde::Serialize;

use crate::failure::Failure;
use crate::table;

const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// What stdin, stdout and stderr are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Whether a person types.
    pub(crate) asks: bool,
    /// Whether a person reads stdout.
    pub(crate) shows: bool,
    style: bool,
    error_style: bool,
}

impl Terminal {
    /// This process's own.
    pub(crate) fn of_process(environment: &Environment) -> Terminal {
        let style = environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb");
        Terminal {
            asks: io::stdin().is_terminal(),
            shows: io::stdout().is_terminal(),
            style: style && io::stdout().is_terminal(),
            error_style: style && io::stderr().is_terminal(),
        }
    }

    /// Whether stderr takes colours: for the log.
    pub(crate) fn error_style(self) -> bool {
        self.error_style
    }

    /// A line of the result.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        written(writeln!(io::stdout().lock(), "{}", prose(text)))
    }

    /// A piece of the result, at once and without a line's end.
    pub(crate) fn piece(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        written(write!(stdout, "{}", prose(text)).and_then(|()| stdout.flush()))
    }

    /// The same, stepping back behind the rest.
    pub(crate) fn dim_piece(self, text: &str) -> Result<(), Failure> {
        let (on, off) = if self.style { (DIM, PLAIN) } else { ("", "") };
        let mut stdout = io::stdout().lock();
        written(write!(stdout, "{on}{}{off}", prose(text)).and_then(|()| stdout.flush()))
    }

    /// A table of the result. In a pipe it is as wide as it is.
    pub(crate) fn table(self, mut table: Table) -> Result<(), Failure> {
        // A terminal that has no width does not know it.
        if self.shows
            && let Some(width) = table.width().filter(|width| *width > 0)
        {
            table::fit(&mut table, width);
        }
        written(writeln!(io::stdout().lock(), "{}", table.trim_fmt()))
    }

    /// The result for a script.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
        written(writeln!(io::stdout().lock(), "{text}"))
    }

    /// A result that is bytes of our own making or the user's own file.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        written(io::stdout().lock().write_all(bytes))
    }

    /// Something to know that is not the result.
    pub(crate) fn note(self, text: &str) {
        let (on, off) = if self.error_style { (DIM, PLAIN) } else { ("", "") };
        // Nobody is left to be told where stderr is gone.
        let _ = writeln!(io::stderr().lock(), "{on}{}{off}", prose(text));
    }

    /// Asks for a line. It is shown as it is typed: never for a key.
    pub(crate) fn ask(self, text: &str) -> Result<String, Failure> {
        let mut stderr = io::stderr().lock();
        written(write!(stderr, "{}", prose(text)).and_then(|()| stderr.flush()))?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok(line)
    }

    /// Why it did not work.
    pub(crate) fn error(self, text: &str) {
        let (on, off) = if self.error_style { (RED, PLAIN) } else { ("", "") };
        let _ = writeln!(io::stderr().lock(), "{on}pointsman:{off} {}", prose(text));
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => error.into(),
    })
}

/// A text without what could steer a terminal; lines and tabs stay.
pub(crate) fn prose(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

/// A name without what could steer a terminal or break a line.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

fn clean(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let steers = |c: char| (c.is_control() && !keep(c)) || turns_text(c);
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if c == '\r' { None } else { Some(if steers(c) { char::REPLACEMENT_CHARACTER } else { c }) };
    Cow::Owned(text.chars().filter_map(shown).collect())
}

/// Characters that reorder what stands around them: `gpj.exe` read as `exe.jpg`.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, as_prose: &str, as_name: &str) {
        assert_eq!(prose(text), as_prose);
        assert_eq!(name(text), as_name);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        check("qwen3:8b", "qwen3:8b", "qwen3:8b");
        check("a\u{1b}[31mb", "a\u{fffd}[31mb", "a\u{fffd}[31mb");
        check("a\u{202e}b", "a\u{fffd}b", "a\u{fffd}b");
        check("a\r\n\tb", "a\n\tb", "a\u{fffd}\u{fffd}b");
        check("日本 ü", "日本 ü", "日本 ü");
        check("\u{9b}31m", "\u{fffd}31m", "\u{fffd}31m");
    }
}
