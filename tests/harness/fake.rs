//! A scripted HTTP/1.1 upstream on a port of its own, written on bare sockets so that it can misbehave.
//!
//! What it answers is a [`Script`] per method and path, set before or while it runs. It records every request, every
//! connection that its peer left in mid-answer, and how many bytes it could send.

mod answers;
mod connection;
mod kinds;
mod log;
mod script;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::Port;
pub(crate) use answers::{SAID, TOKENS, chat, speaks_on_path};
pub(crate) use kinds::*;
pub(crate) use log::{Log, Recorded};
pub(crate) use script::Script;

type Handler = Arc<dyn Fn(&Recorded) -> Script + Send + Sync>;

/// A scripted upstream. Gone, with all its connections, when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// What the connections have in common.
struct Shared {
    rules: Mutex<Vec<Rule>>,
    log: Log,
    gate: Semaphore,
}

struct Rule {
    method: String,
    path: String,
    handler: Handler,
}

impl Fake {
    /// One that answers everything with a plain 404.
    pub(crate) async fn new() -> Fake {
        Fake::on_port(Port::reserve())
    }

    /// One on a port that was reserved before, and refused until now.
    pub(crate) fn on_port(port: Port) -> Fake {
        Fake::on_listener(port.listen())
    }

    /// One on another address of this machine.
    pub(crate) fn at(address: IpAddr) -> Fake {
        let socket = match address {
            IpAddr::V4(_) => TcpSocket::new_v4(),
            IpAddr::V6(_) => TcpSocket::new_v6(),
        }
        .expect("a socket");
        socket.bind((address, 0).into()).expect("a free port");
        Fake::on_listener(socket.listen(1024).expect("a listener"))
    }

    fn on_listener(listener: TcpListener) -> Fake {
        let address = listener.local_addr().expect("the listener's address");
        let shared = Arc::new(Shared { rules: Mutex::default(), log: Log::default(), gate: Semaphore::new(0) });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Fake { address, shared, server }
    }

    /// Answers a method and path, whatever the query, with this script. The latest rule wins.
    pub(crate) fn on(&self, method: &str, path: &str, script: Script) -> &Fake {
        self.on_with(method, path, move |_| script.clone())
    }

    /// The same with an answer that depends on the request. `*` stands for every method or path.
    pub(crate) fn on_with(
        &self,
        method: &str,
        path: &str,
        handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static,
    ) -> &Fake {
        let rule = Rule { method: method.to_owned(), path: path.to_owned(), handler: Arc::new(handler) };
        self.shared.rules.lock().expect("the rules").push(rule);
        self
    }

    /// What answers a GET of this path now.
    fn handler(&self, path: &str) -> Handler {
        let probe = |method: &str| Recorded {
            method: method.to_owned(),
            target: path.to_owned(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        let rules = self.shared.rules.lock().expect("the rules");
        let rule = rules.iter().rev().find(|rule| rule.fits(&probe("GET")) || rule.fits(&probe("POST")));
        rule.map(|rule| Arc::clone(&rule.handler)).expect("a rule for this path")
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets one waiting [`Script::gate`] through, or the next one.
    pub(crate) fn go(&self) {
        self.shared.gate.add_permits(1);
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.log.read(|entries| entries.requests.clone())
    }

    /// The requests so far for a path, without its query.
    pub(crate) fn requests_for(&self, path: &str) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.path() == path).collect()
    }

    /// Waits for the first request for a path.
    pub(crate) async fn request(&self, path: &str) -> Recorded {
        self.nth_request(path, 0).await
    }

    /// Waits for the request for a path that comes after `before` others.
    pub(crate) async fn nth_request(&self, path: &str, before: usize) -> Recorded {
        let found = |entries: &log::Entries| {
            entries.requests.iter().filter(|request| request.path() == path).nth(before).cloned()
        };
        self.shared.log.wait(&format!("request {} for {path}", before + 1), found).await
    }

    /// Waits until a peer has left in mid-answer, and says when.
    pub(crate) async fn left(&self) -> Instant {
        self.shared.log.wait("the peer to leave in mid-answer", |entries| entries.left.first().copied()).await
    }

    /// Waits until one more peer than so many has left in mid-answer.
    pub(crate) async fn left_again(&self, before: usize) -> Instant {
        self.shared.log.wait("another peer to leave in mid-answer", |entries| entries.left.get(before).copied()).await
    }

    /// How many peers have left in mid-answer.
    pub(crate) fn left_count(&self) -> usize {
        self.shared.log.read(|entries| entries.left.len())
    }

    /// Waits until an endless answer could not be sent any further, and gives the bytes sent until then.
    pub(crate) async fn stalled(&self) -> u64 {
        self.shared.log.wait("the peer to stop reading", |entries| entries.stalled).await
    }

    /// How many bytes of endless answers were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.log.sent.load(Ordering::Relaxed)
    }

    /// How many connections were ever opened.
    pub(crate) fn connections(&self) -> usize {
        self.shared.log.read(|entries| entries.connections)
    }

    /// Stops listening and cuts every connection; the port may be taken again.
    pub(crate) async fn stop(self) -> u16 {
        let port = self.port();
        self.server.abort();
        // Waited for, since the sockets are closed only when the task is dropped.
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
        port
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn answer(&self, request: &Recorded) -> Script {
        let handler = {
            let rules = self.rules.lock().expect("the rules");
            rules.iter().rev().find(|rule| rule.fits(request)).map(|rule| Arc::clone(&rule.handler))
        };
        handler.map_or_else(|| Script::text(404, "404 page not found"), |handler| handler(request))
    }
}

impl Rule {
    fn fits(&self, request: &Recorded) -> bool {
        (self.method == "*" || self.method == request.method) && (self.path == "*" || self.path == request.path())
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // The set is dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        shared.log.connected();
        connections.spawn(connection::run(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests;
