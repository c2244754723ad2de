use std::sync::Arc;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::client::{Client, Error};
use super::super::place;
use super::*;
use crate::control::SecretText;
use crate::environment::Folders;
use interprocess::local_socket::tokio::prelude::*;

/// Answers as a test wants it and tells what was asked.
#[derive(Clone)]
struct Script {
    asked: mpsc::UnboundedSender<Command>,
    revision: Arc<watch::Sender<u64>>,
}

impl Handler for Script {
    async fn call(&self, command: Command) -> Reply {
        let reply = match &command {
            Command::Snapshot => Reply::Snapshot(Box::new(self.snapshot())),
            Command::AddClientKey { name } => Reply::ClientKey { key: SecretText(format!("key-of-{name}")) },
            _ => Reply::Done,
        };
        self.asked.send(command).unwrap();
        reply
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn look(&self) -> impl Send + 'static {}

    fn live(&self) -> Vec<LiveRequest> {
        Vec::new()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { revision: *self.revision.borrow(), ..Snapshot::default() }
    }
}

struct Served {
    folders: Folders,
    asked: mpsc::UnboundedReceiver<Command>,
    revision: Arc<watch::Sender<u64>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _root: tempfile::TempDir,
}

fn serving() -> Served {
    let root = tempfile::tempdir().unwrap();
    let folders = Folders::below(root.path());
    let listener = Listener::bind(&folders).unwrap();
    let (sender, asked) = mpsc::unbounded_channel();
    let revision = Arc::new(watch::Sender::new(1));
    let stop = CancellationToken::new();
    let script = Script { asked: sender, revision: Arc::clone(&revision) };
    let task = tokio::spawn(serve(listener, script, stop.clone()));
    Served { folders, asked, revision, stop, task, _root: root }
}

async fn stopped(served: Served) {
    served.stop.cancel();
    served.task.await.unwrap();
}

#[tokio::test]
async fn commands_are_answered_in_order() {
    let mut served = serving();
    let mut client = Client::connect(&served.folders).await.unwrap();
    let key = client.call(&Command::AddClientKey { name: "editor".to_owned() }).await.unwrap();
    assert!(matches!(key, Reply::ClientKey { key } if key.0 == "key-of-editor"), "the handler's own answer");
    let snapshot = client.call(&Command::Snapshot).await.unwrap();
    assert!(
        matches!(snapshot, Reply::Snapshot(snapshot) if snapshot.revision == 1),
        "the second answer is the second's"
    );
    assert!(matches!(served.asked.recv().await, Some(Command::AddClientKey { name }) if name == "editor"));
    assert!(matches!(served.asked.recv().await, Some(Command::Snapshot)));
    stopped(served).await;
}

#[tokio::test]
async fn watching_shows_each_change_until_the_asker_hangs_up() {
    let served = serving();
    let before = served.revision.receiver_count();
    let mut snapshots = Client::connect(&served.folders).await.unwrap().watch().await.unwrap();
    assert_eq!(snapshots.next().await.unwrap().revision, 1, "the first comes at once");
    served.revision.send_replace(2);
    assert_eq!(snapshots.next().await.unwrap().revision, 2, "and one for a change");
    assert_eq!(served.revision.receiver_count(), before + 1, "the server holds a receiver while it shows");
    drop(snapshots);
    served.revision.closed().await;
    assert_eq!(served.revision.receiver_count(), 0, "and drops it when the client hangs up");
    stopped(served).await;
}

#[tokio::test]
async fn watching_ends_when_the_gateway_stops() {
    let served = serving();
    let mut snapshots = Client::connect(&served.folders).await.unwrap().watch().await.unwrap();
    assert!(snapshots.next().await.is_some());
    stopped(served).await;
    assert!(snapshots.next().await.is_none(), "a stopped gateway ends the stream");
}

async fn raw(folders: &Folders) -> BufReader<Stream> {
    let path = folders.control();
    BufReader::new(Stream::connect(place::name(&path).unwrap()).await.unwrap())
}

async fn answer(stream: &mut BufReader<Stream>) -> Option<Reply> {
    match lines::read(stream, 1 << 20).await.unwrap() {
        Line::Text(text) => Some(serde_json::from_slice(&text).unwrap()),
        Line::TooLong | Line::End => None,
    }
}

#[tokio::test]
async fn broken_lines_are_answered() {
    let served = serving();
    let mut stream = raw(&served.folders).await;
    for line in ["{\n", "\n", "[]\n", "{\"command\":\"fly\"}\n", "{\"command\":\"remove_route\"}\n", "\u{0}\u{7f}\n"] {
        stream.get_mut().write_all(line.as_bytes()).await.unwrap();
        assert!(matches!(answer(&mut stream).await, Some(Reply::Failed { .. })), "for {line:?}");
    }
    stream.get_mut().write_all(b"\xff\xfe\n{\"command\":\"stop\"}\n").await.unwrap();
    assert!(matches!(answer(&mut stream).await, Some(Reply::Failed { .. })), "bytes that are no text");
    assert!(matches!(answer(&mut stream).await, Some(Reply::Done)), "a good line after broken ones still counts");
    stopped(served).await;
}

#[tokio::test]
async fn an_endless_line_ends_the_connection() {
    let served = serving();
    let mut stream = raw(&served.folders).await;
    stream.get_mut().write_all(&vec![b'x'; LONGEST_COMMAND + 1]).await.unwrap();
    assert!(matches!(answer(&mut stream).await, Some(Reply::Failed { .. })), "it is told why");
    assert!(answer(&mut stream).await.is_none(), "and then hung up on");
    stopped(served).await;
}

#[tokio::test]
async fn nothing_of_a_secret_comes_back() {
    let mut served = serving();
    let mut stream = raw(&served.folders).await;
    let line = "{\"command\":\"store_credential\",\"endpoint\":\"lab\",\"secret\":\"sk-canary\",\"more\":true}\n";
    stream.get_mut().write_all(line.as_bytes()).await.unwrap();
    let Some(Reply::Failed { message }) = answer(&mut stream).await else { panic!("not refused") };
    assert!(!message.contains("canary"), "{message}");
    let mut client = Client::connect(&served.folders).await.unwrap();
    let secret = SecretText("sk-canary".to_owned());
    client.call(&Command::StoreCredential { endpoint: "lab".to_owned(), spare: false, secret }).await.unwrap();
    let asked = served.asked.recv().await.unwrap();
    assert!(!format!("{asked:?}").contains("canary"), "debug output is what logs show");
    stopped(served).await;
}

#[tokio::test]
async fn a_second_gateway_is_refused_and_told_the_first() {
    let served = serving();
    let second = Listener::bind(&served.folders).unwrap_err();
    assert_eq!(second.to_string(), format!("Pointsman is already running as process {}", std::process::id()));
    let mut client = Client::connect(&served.folders).await.unwrap();
    assert!(client.call(&Command::Rescan).await.is_ok(), "the first one's socket is untouched");
    let folders = served.folders.clone();
    served.stop.cancel();
    served.task.await.unwrap();
    assert!(matches!(Client::connect(&folders).await, Err(Error::NotRunning)), "a stopped one leaves nothing behind");
    drop(Listener::bind(&folders).unwrap());
}

#[tokio::test]
async fn without_a_gateway_the_client_says_so() {
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(Client::connect(&Folders::below(root.path())).await, Err(Error::NotRunning)));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn only_the_owner_gets_in() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        std::fs::create_dir_all(&folders.run).unwrap();
        std::fs::set_permissions(&folders.run, std::fs::Permissions::from_mode(0o755)).unwrap();
        let _listener = Listener::bind(&folders).unwrap();
        assert_eq!(mode(&folders.control()), 0o600, "the socket");
        assert_eq!(mode(&folders.run), 0o700, "its folder, even if it was wider before");
    }

    #[tokio::test]
    async fn what_a_dead_gateway_left_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        std::fs::create_dir_all(&folders.run).unwrap();
        drop(std::os::unix::net::UnixListener::bind(folders.control()).unwrap());
        std::fs::write(folders.run.join("control.lock"), "4294967295").unwrap();
        assert!(folders.control().exists(), "a socket file outlives its process");
        assert!(matches!(Client::connect(&folders).await, Err(Error::NotRunning)), "nobody listens there");
        let _listener = Listener::bind(&folders).unwrap();
        assert!(Client::connect(&folders).await.is_ok());
    }
}
