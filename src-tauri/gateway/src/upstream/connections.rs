//! Connections to servers on this machine: kept open, and lent to one request at a time.
//!
//! HTTP/1 in the clear and nothing else, so that a request costs little more than its bytes. A connection comes back when
//! the answer on it was read to its end; one whose answer is dropped before is closed, which is how a runtime hears that
//! nobody waits. What goes further than this machine is `upstream`'s other client's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::uri::{Authority, Scheme};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Pieces, SendError};
use crate::catalog::Address;

/// How long a connection is kept that nobody asks on.
const KEPT: Duration = Duration::from_secs(60);
/// The most connections kept to one server: more were open at once, and so many will hardly be again.
const MOST: usize = 128;

/// All of them. Clones share one.
#[derive(Clone)]
pub(super) struct Connections {
    limit: Duration,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// The connections to one server on which nobody asks, the one used last at the end.
struct Idle {
    authority: Authority,
    senders: Vec<(SendRequest<Pieces>, Instant)>,
}

/// A connection that is lent, on its way back.
pub(super) struct Lent {
    sender: SendRequest<Pieces>,
    authority: Authority,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl Connections {
    /// None yet; each is given up if it is not there within `limit`.
    pub(super) fn new(limit: Duration) -> Connections {
        Connections { limit, idle: Arc::default() }
    }

    /// Sends a request, whose URI is a path, and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        mut request: Request<Pieces>,
        address: &Address,
    ) -> Result<(Response<Incoming>, Lent), SendError> {
        loop {
            let (mut sender, fresh) = match self.take(&address.authority) {
                Some(sender) => (sender, false),
                None => (self.connect(address).await?, true),
            };
            // One that the server closed meanwhile says so here, or gives the request back unsent.
            if sender.ready().await.is_err() {
                if fresh {
                    return Err(SendError::Broken);
                }
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let lent = Lent { sender, authority: address.authority.clone(), idle: Arc::clone(&self.idle) };
                    return Ok((response, lent));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    Some(_) | None => return Err(SendError::Broken),
                },
            }
        }
    }

    fn take(&self, authority: &Authority) -> Option<SendRequest<Pieces>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = &mut idle.iter_mut().find(|idle| idle.authority == *authority)?.senders;
        while let Some((sender, since)) = senders.pop() {
            if since.elapsed() > KEPT {
                // Those below are older still.
                senders.clear();
            } else if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    async fn connect(&self, address: &Address) -> Result<SendRequest<Pieces>, SendError> {
        if address.scheme != Scheme::HTTP {
            let reason = "a server on this machine is asked by http:// only";
            return Err(SendError::Connect(reason.to_owned()));
        }
        let (host, port) = (address.authority.host(), address.authority.port_u16().unwrap_or(80));
        // Only an IPv6 address has brackets, and only where a port may follow it.
        let connecting = TcpStream::connect((host.trim_matches(['[', ']']), port));
        let failed = |error: std::io::Error| SendError::Connect(error.to_string());
        let stream = match tokio::time::timeout(self.limit, connecting).await {
            Ok(connected) => connected.map_err(failed)?,
            Err(_) => return Err(SendError::Connect("it did not accept a connection in time".to_owned())),
        };
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| SendError::Broken)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a local server broke");
            }
        });
        Ok(sender)
    }
}

impl Lent {
    /// Gives it back: the answer was read to its end.
    pub(super) fn give_back(self) {
        if self.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (self.sender, Instant::now());
        match idle.iter_mut().find(|idle| idle.authority == self.authority) {
            Some(idle) if idle.senders.len() < MOST => idle.senders.push(entry),
            Some(_) => {}
            None => {
                // Servers come and go: those nobody asks any more leave with their connections.
                idle.retain(|idle| idle.senders.last().is_some_and(|(_, since)| since.elapsed() <= KEPT));
                idle.push(Idle { authority: self.authority, senders: vec![entry] });
            }
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("authority", &self.authority).finish_non_exhaustive()
    }
}
