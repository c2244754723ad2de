//! What the user types: a line with history, kept in memory only.

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::failure::Failure;

/// Where it is typed.
pub(super) struct Prompt {
    editor: DefaultEditor,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Something for the model.
    Question(String),
    /// `/model`, perhaps with a name.
    Model(Option<String>),
    /// `/new`.
    New,
    /// `/exit`, or Ctrl-D.
    Exit,
    /// An empty line, or Ctrl-C.
    Nothing,
    /// Another word after a slash.
    Unknown(String),
}

impl Prompt {
    /// An empty history.
    pub(super) fn new() -> Result<Prompt, Failure> {
        Ok(Prompt { editor: DefaultEditor::new().map_err(anyhow::Error::from)? })
    }

    /// The next line. The editor blocks, so it reads in a thread of its own and is handed back.
    pub(super) async fn read(mut self) -> Result<(Prompt, Said), Failure> {
        let reading = tokio::task::spawn_blocking(move || {
            let line = self.editor.readline("> ");
            (self, line)
        });
        let (mut prompt, line) = reading.await.map_err(anyhow::Error::from)?;
        let said = match line {
            Ok(line) => {
                // A history that is full only forgets.
                let _ = prompt.editor.add_history_entry(&line);
                understood(&line)
            }
            Err(ReadlineError::Eof) => Said::Exit,
            Err(ReadlineError::Interrupted) => Said::Nothing,
            Err(error) => return Err(anyhow::Error::from(error).into()),
        };
        Ok((prompt, said))
    }
}

fn understood(line: &str) -> Said {
    let line = line.trim();
    if line.is_empty() {
        return Said::Nothing;
    }
    if !line.starts_with('/') {
        return Said::Question(line.to_owned());
    }
    match line.split_once(char::is_whitespace).unwrap_or((line, "")) {
        ("/model", "") => Said::Model(None),
        ("/model", name) => Said::Model(Some(name.trim().to_owned())),
        ("/new", "") => Said::New,
        ("/exit" | "/quit", "") => Said::Exit,
        (word, _) => Said::Unknown(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        assert_eq!(understood("  why? "), Said::Question("why?".to_owned()));
        assert_eq!(understood(" "), Said::Nothing);
        assert_eq!(understood("/model"), Said::Model(None));
        assert_eq!(understood("/model  qwen3:8b "), Said::Model(Some("qwen3:8b".to_owned())));
        assert_eq!(understood("/new"), Said::New);
        assert_eq!(understood("/exit"), Said::Exit);
        assert_eq!(understood("/etc/hosts is what?"), Said::Unknown("/etc/hosts".to_owned()));
    }
}
