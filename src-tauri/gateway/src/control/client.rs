//! The other end of the control socket: how the command line and the window ask a running gateway.
//!
//! It starts nothing: where no gateway runs, that is the answer.

use std::io;

use futures_util::stream::{self, Stream as Sequence, StreamExt};
use interprocess::local_socket::tokio::Stream;
use tokio::io::BufReader;

use super::lines::{self, Line};
use super::{Command, LiveRequest, Reply, Snapshot, place};
use crate::environment::Folders;

/// The longest reply in bytes: several endpoints full of models fit many times over.
const LONGEST_REPLY: usize = 256 << 20;

/// Why a gateway could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None runs.
    #[error("Pointsman is not running; start it with `pointsman serve`")]
    NotRunning,
    /// The socket is there but may not be opened.
    #[error("the control socket cannot be opened: {0}")]
    Refused(io::Error),
    /// It stopped in the middle.
    #[error("Pointsman stopped before it answered")]
    HungUp,
    /// The connection broke.
    #[error("the connection to Pointsman broke: {0}")]
    Broken(#[from] io::Error),
    /// It answers something else: two versions at once.
    #[error("Pointsman answered something that this version does not understand: {0}; restart it after an update")]
    NotUnderstood(String),
}

/// A connection to a running gateway.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Stream>,
}

impl Client {
    /// Connects to the gateway that serves these folders.
    pub async fn connect(folders: &Folders) -> Result<Client, Error> {
        match place::connect(folders, place::CONTROL).await {
            Ok(stream) => Ok(Client { stream: BufReader::new(stream) }),
            // A socket file without a listener is what a killed gateway leaves.
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NotRunning,
                _ => Error::Refused(error),
            }),
        }
    }

    /// Asks one thing. For [`Command::Watch`] there is [`Client::watch`].
    pub async fn call(&mut self, command: &Command) -> Result<Reply, Error> {
        match lines::write(self.stream.get_mut(), command).await {
            // A gateway that hung up may still have said why; that is read first.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Error::Broken(error)),
            Ok(()) | Err(_) => {}
        }
        self.reply().await
    }

    /// The snapshot now and after each change, until the gateway stops or the stream is dropped.
    pub async fn watch(self) -> Result<impl Sequence<Item = Snapshot> + Unpin + Send, Error> {
        self.sequence(&Command::Watch, |reply| match reply {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            other => Err(other),
        })
        .await
    }

    /// The requests that are being answered, now and after each change, until the gateway stops or the stream is dropped.
    pub async fn watch_live(self) -> Result<impl Sequence<Item = Vec<LiveRequest>> + Unpin + Send, Error> {
        self.sequence(&Command::WatchLive, |reply| match reply {
            Reply::Live { requests } => Ok(requests),
            other => Err(other),
        })
        .await
    }

    /// Asks for replies without end; one that `read` cannot tell ends them.
    async fn sequence<T: Send + 'static>(
        mut self,
        command: &Command,
        read: fn(Reply) -> Result<T, Reply>,
    ) -> Result<impl Sequence<Item = T> + Unpin + Send, Error> {
        lines::write(self.stream.get_mut(), command).await?;
        let items = stream::unfold(self, move |mut client| async move {
            match read(client.reply().await.ok()?) {
                Ok(item) => Some((item, client)),
                Err(other) => {
                    tracing::warn!(target: "control", reply = ?other, "not what was asked for");
                    None
                }
            }
        });
        // Whoever drains what is ready may ask once more after the end.
        Ok(Box::pin(items.fuse()))
    }

    async fn reply(&mut self) -> Result<Reply, Error> {
        match lines::read(&mut self.stream, LONGEST_REPLY).await? {
            Line::Text(text) => serde_json::from_slice(&text).map_err(|error| Error::NotUnderstood(error.to_string())),
            Line::TooLong => Err(Error::NotUnderstood("an endless line".to_owned())),
            Line::End => Err(Error::HungUp),
        }
    }
}
