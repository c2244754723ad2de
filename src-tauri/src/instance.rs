//! One tray process for each user: a second start has the first show its window, and ends.
//!
//! They meet at a socket beside the control socket, which is kept in the same way: only the owner reaches it, and what a
//! dead process left is cleared away.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pointsman_gateway::control::socket::{self, BindError, Listener};
use pointsman_gateway::environment::Folders;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::desk::Desk;

/// The socket's name.
const NAME: &str = "desktop";
/// What a second start says: come forward.
const SHOW: &str = "show\n";
/// What one says that was started at login, or again after an update: nothing is to be seen.
const HIDDEN: &str = "hidden\n";
/// What the first answers.
const DONE: &str = "done\n";
/// The longest that is said, in bytes.
const LONGEST: u64 = 16;
/// How long a first one may take that is about to listen, or about to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(3);
/// The pause before the next.
const PAUSE: Duration = Duration::from_millis(100);

/// Which start this is.
pub(crate) enum Start {
    /// The first: it serves, and hears the others where it can.
    First(Option<Listener>),
    /// Another one serves, and knows what was asked.
    Second,
}

/// Becomes the first, or hands over to it.
pub(crate) async fn take(folders: &Folders, hidden: bool) -> anyhow::Result<Start> {
    let begun = Instant::now();
    loop {
        let process = match Listener::bind_as(folders, NAME) {
            Ok(listener) => return Ok(Start::First(Some(listener))),
            Err(BindError::AlreadyRunning { process }) => process,
            // What is wrong with the folder the gateway's own socket tells.
            Err(error @ (BindError::ForeignFolder { .. } | BindError::Refused { .. })) => {
                tracing::warn!(target: "desktop", %error, "a second start will not be heard");
                return Ok(Start::First(None));
            }
        };
        let word = if hidden { HIDDEN } else { SHOW };
        if let Ok(Ok(())) = tokio::time::timeout(TRY, hand_over(folders, word)).await {
            return Ok(Start::Second);
        }
        if begun.elapsed() > PATIENCE {
            let process = process.map(|id| format!(" as process {id}")).unwrap_or_default();
            anyhow::bail!("Pointsman is already running{process}, but does not answer");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hand_over(folders: &Folders, word: &str) -> io::Result<()> {
    let mut stream = socket::connect(folders, NAME).await?;
    stream.write_all(word.as_bytes()).await?;
    let answer = line(&mut stream).await?;
    if answer == DONE { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).await?;
    Ok(line)
}

/// Hears further starts until the program ends.
pub(crate) async fn hear(listener: Listener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            Ok(mut stream) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    match answer(&mut stream).await {
                        Ok(true) => desk.show_window().await,
                        Ok(false) => {}
                        Err(error) => tracing::debug!(target: "desktop", %error, "a second start was not heard"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(target: "desktop", %error, "a second start could not be heard");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the window is wanted. It is answered before that opens: whoever asks need not wait for it.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<bool> {
    let word = line(stream).await?;
    stream.write_all(DONE.as_bytes()).await?;
    Ok(word == SHOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(hidden: bool, shows: bool) {
        let root = std::env::temp_dir().join(format!("pointsman-instance-{}-{hidden}", std::process::id()));
        let folders = Folders::below(&root);
        let first = take(&folders, false).await.unwrap();
        let Start::First(Some(listener)) = first else { panic!("nobody was there before") };
        let heard = tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap();
            answer(&mut stream).await.unwrap()
        });
        assert!(matches!(take(&folders, hidden).await.unwrap(), Start::Second), "it hands over");
        assert_eq!(heard.await.unwrap(), shows, "the window is wanted unless the start is a hidden one");
        assert!(matches!(take(&folders, hidden).await.unwrap(), Start::First(_)), "the first one is gone");
        std::fs::remove_dir_all(root).unwrap();
    }

    #[tokio::test]
    async fn a_second_start_hands_over() {
        check(false, true).await;
        check(true, false).await;
    }
}
