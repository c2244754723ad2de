//! Commands over the control socket: one JSON [`Command`] a line in, one JSON [`Reply`] a line out, in order.
//!
//! [`Command::Watch`] turns its connection into a stream of snapshots, [`Command::WatchLive`] into one of the requests that
//! are being answered, until the asker hangs up. What a command does is
//! the [`Handler`]'s business; nothing here knows the catalog or the settings, and nothing that comes in is logged.

use std::io;
use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::lines::{self, Line};
pub use super::place::{BindError, Listener, connect};
use super::{Command, LiveRequest, Reply, Snapshot};

/// The longest command in bytes: a message with its images fits, whatever of it is escaped.
const LONGEST_COMMAND: usize = 48 << 20;
/// The most connections at once; further ones wait until one ends.
const MOST_CONNECTIONS: usize = 64;
/// How long replies under way have to be read when the gateway stops.
const GRACE: Duration = Duration::from_secs(1);
/// The pause after the system refused to accept, which it does while it has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The least time between two tellings of what is being answered.
const LIVE_BEAT: Duration = Duration::from_millis(250);

/// Carries commands out.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Carries out one command. Never called with [`Command::Watch`] or [`Command::WatchLive`].
    fn call(&self, command: Command) -> impl Future<Output = Reply> + Send;
    /// Changes whenever [`Handler::snapshot`] would say something new.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Has what changes by itself read again and again while what this gives is held.
    fn look(&self) -> impl Send + 'static;
    /// The requests that are being answered.
    fn live(&self) -> Vec<LiveRequest>;
    /// Everything there is to show.
    fn snapshot(&self) -> Snapshot;
}

/// Serves until `stop` is cancelled; a command in hand is then still answered.
pub async fn serve<H: Handler>(listener: Listener, handler: H, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => accepted,
        };
        match accepted {
            Ok(stream) => {
                let (handler, stop) = (handler.clone(), stop.clone());
                connections.spawn(async move {
                    if let Err(error) = converse(&stream, &handler, &stop).await {
                        tracing::debug!(target: "control", %error, "a connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(target: "control", %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        tracing::debug!(target: "control", "connections were cut because their replies were not read");
    }
}

async fn converse<H: Handler>(stream: &Stream, handler: &H, stop: &CancellationToken) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let line = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            line = lines::read(&mut reader, LONGEST_COMMAND) => line?,
        };
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong => {
                let message = format!("the command is longer than {LONGEST_COMMAND} bytes");
                return lines::write(&mut writer, &Reply::Failed { message }).await;
            }
            Line::End => return Ok(()),
        };
        let reply = match serde_json::from_slice(&text) {
            Ok(Command::Watch) => return show(&mut reader, writer, handler, stop).await,
            Ok(Command::WatchLive) => return show_live(&mut reader, writer, handler, stop).await,
            Ok(command) => handler.call(command).await,
            Err(error) => Reply::Failed { message: format!("not a command that this Pointsman knows: {error}") },
        };
        lines::write(&mut writer, &reply).await?;
    }
}

async fn show<H: Handler>(
    reader: &mut (impl AsyncRead + Unpin),
    mut writer: &Stream,
    handler: &H,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut changes = handler.changes();
    let _look = handler.look();
    let gone = hung_up(reader);
    tokio::pin!(gone);
    loop {
        // Marked as seen first: a change while the snapshot is made shows as one more snapshot, not as a lost one.
        changes.borrow_and_update();
        lines::write(&mut writer, &Reply::Snapshot(Box::new(handler.snapshot()))).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = &mut gone => return Ok(()),
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Looks rather than waits to be told, so that a request costs nothing more while somebody watches.
async fn show_live<H: Handler>(
    reader: &mut (impl AsyncRead + Unpin),
    mut writer: &Stream,
    handler: &H,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut beat = tokio::time::interval(LIVE_BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let gone = hung_up(reader);
    tokio::pin!(gone);
    let mut told = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = &mut gone => return Ok(()),
            _ = beat.tick() => {}
        }
        let requests = handler.live();
        if told.as_ref() != Some(&requests) {
            lines::write(&mut writer, &Reply::Live { requests: requests.clone() }).await?;
            told = Some(requests);
        }
    }
}

/// Ends when the other side does. What it still says is not listened to.
async fn hung_up(reader: &mut (impl AsyncRead + Unpin)) {
    let mut ignored = [0; 256];
    while reader.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests;
