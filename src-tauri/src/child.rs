//! The window as the tray process has it: a child that is told what to show, a line each on its stdin.
//!
//! One at a time: a second request changes what the first window shows. A child that ends, by itself or not, is started
//! anew when it is asked for.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use pointsman_shared::program;
use pointsman_shared::said::Line;
use pointsman_shared::world::World;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::keeper::Sight;
use crate::system;

/// How long a window may take to close when the program ends.
const GRACE: Duration = Duration::from_secs(3);
/// Lines that wait to be read.
const LINES: usize = 16;

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
        let mut command = Command::new(program::window()?);
        command.arg("--led").args(view).stdin(Stdio::piped()).kill_on_drop(true);
        system::with_gl(command.as_std_mut(), &world.environment);
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
