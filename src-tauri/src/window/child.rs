//! The window as the tray process has it: a child that is told what to show, a line each on its stdin.
//!
//! One at a time: a second request changes what the first window shows. A child that ends, by itself or not, is started
//! anew when it is asked for.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::keeper::Sight;
use crate::system;
use crate::world::World;

/// How long a window may take to close when the program ends.
const GRACE: Duration = Duration::from_secs(3);
/// Lines that wait to be read.
const LINES: usize = 16;

/// What the tray process says to the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Come forward, and show this view where one is named.
    Show(Option<String>),
    /// Why no gateway serves; none once one does again.
    Trouble(Option<String>),
}

impl Line {
    /// As it is written.
    fn write(&self) -> String {
        let (word, rest) = match self {
            Line::Show(view) => ("show", view),
            Line::Trouble(trouble) => ("trouble", trouble),
        };
        // A line is a line.
        let rest = rest.as_deref().unwrap_or_default().replace(['\n', '\r'], " ");
        format!("{word} {rest}\n")
    }

    /// As it is read.
    pub(super) fn read(line: &str) -> Option<Line> {
        let (word, rest) = line.split_once(' ')?;
        let rest = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
        match word {
            "show" => Some(Line::Show(rest)),
            "trouble" => Some(Line::Trouble(rest)),
            _ => None,
        }
    }
}

/// The window, open or not.
#[derive(Default)]
pub(crate) struct Window(Mutex<Option<Open>>);

struct Open {
    lines: mpsc::Sender<Line>,
    led: JoinHandle<()>,
}

impl Window {
    /// Opens it, or brings it forward.
    pub(crate) async fn open(
        &self,
        world: &World,
        view: Option<String>,
        sight: watch::Receiver<Sight>,
    ) -> io::Result<()> {
        let mut window = self.0.lock().await;
        if let Some(open) = &*window
            && !open.led.is_finished()
            && open.lines.send(Line::Show(view.clone())).await.is_ok()
        {
            return Ok(());
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--window", "--led"]).args(view).stdin(Stdio::piped()).kill_on_drop(true);
        system::with_gl(&mut command, &world.environment);
        let child = command.spawn()?;
        let (lines, said) = mpsc::channel(LINES);
        *window = Some(Open { lines, led: tokio::spawn(lead(child, said, sight)) });
        Ok(())
    }

    /// Closes it.
    pub(crate) async fn close(&self) {
        let Some(open) = self.0.lock().await.take() else { return };
        drop(open.lines);
        let _ = open.led.await;
    }
}

async fn lead(mut child: Child, mut said: mpsc::Receiver<Line>, mut sight: watch::Receiver<Sight>) {
    let Some(mut stdin) = child.stdin.take() else { return };
    sight.mark_changed();
    let mut told = None;
    loop {
        let line = tokio::select! {
            ended = child.wait() => {
                tracing::debug!(target: "desktop", ?ended, "the window closed");
                return;
            }
            line = said.recv() => match line {
                Some(line) => line,
                None => break,
            },
            Ok(()) = sight.changed() => {
                let trouble = match &*sight.borrow_and_update() {
                    Sight::Trouble(trouble) => Some(trouble.to_string()),
                    Sight::Starting | Sight::Serving { .. } => None,
                };
                if told == trouble {
                    continue;
                }
                told.clone_from(&trouble);
                Line::Trouble(trouble)
            }
        };
        if stdin.write_all(line.write().as_bytes()).await.is_err() {
            break;
        }
    }
    // It ends when nobody speaks to it any more.
    drop(stdin);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &Line, written: &str) {
        assert_eq!(line.write(), format!("{written}\n"));
        assert_eq!(Line::read(written).as_ref(), Some(line), "what is written is read");
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        check(&Line::Show(None), "show ");
        check(&Line::Show(Some("models:my route".to_owned())), "show models:my route");
        check(&Line::Trouble(Some("port 4747 is taken".to_owned())), "trouble port 4747 is taken");
        check(&Line::Trouble(None), "trouble ");
        assert_eq!(Line::Trouble(Some("one\ntwo".to_owned())).write(), "trouble one two\n", "a line is a line");
        assert_eq!(Line::read("quit now"), None);
    }
}
