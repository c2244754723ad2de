//! The control socket as a shell sees it: one JSON object a line, a command up, replies down.

use std::path::Path;

use pointsman_gateway::control::{Command, Reply, Snapshot};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::within;

/// One connection to the control socket.
pub(crate) struct Control {
    replies: Lines<BufReader<OwnedReadHalf>>,
    commands: OwnedWriteHalf,
}

impl Control {
    /// Connects.
    pub(crate) async fn connect(socket: &Path) -> Control {
        let stream = within("the control socket", UnixStream::connect(socket))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        let (replies, commands) = stream.into_split();
        Control { replies: BufReader::new(replies).lines(), commands }
    }

    /// Sends a command.
    pub(crate) async fn send(&mut self, command: &Command) {
        let mut line = serde_json::to_string(command).expect("a command as JSON");
        line.push('\n');
        self.commands.write_all(line.as_bytes()).await.expect("a control socket that reads");
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Reply {
        let line = within("a reply on the control socket", self.replies.next_line())
            .await
            .expect("a control socket that answers")
            .expect("a control socket that stays open");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no reply: {error}: {line}"))
    }

    /// Sends a command and waits for its reply.
    pub(crate) async fn ask(&mut self, command: &Command) -> Reply {
        self.send(command).await;
        self.reply().await
    }

    /// Follows the snapshots until one is as wanted.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut last = None;
        let found = tokio::time::timeout(super::STEP, async {
            self.send(&Command::Watch).await;
            loop {
                let line = self.replies.next_line().await.expect("a control socket").expect("an open control socket");
                let reply = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no reply: {error}: {line}"));
                let Reply::Snapshot(snapshot) = reply else { panic!("no snapshot: {line}") };
                if wanted(&snapshot) {
                    return *snapshot;
                }
                last = Some(snapshot);
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("waited {} s in vain for {what}; the last: {last:#?}", super::STEP.as_secs()))
    }
}
