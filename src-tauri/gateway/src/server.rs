//! The HTTP port: accepts connections, lets requests in or refuses them, and hands them on.
//!
//! Every request passes [`guard`] before anything else is looked at. This module holds no model and knows no endpoint;
//! what may be asked is `ingress`' table, who answers is `routing`'s.

mod answer;
mod batches;
mod body;
pub mod guard;
mod infer;
mod lists;
pub mod ollama_port;
mod proxy;
mod read;
mod responses;
mod show;
mod waiting;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use answer::{Door, Shared};
pub(crate) use body::Body;

/// Connections held at once. More wait in the system's queue; a laptop's tools need a few dozen.
const MOST_CONNECTIONS: usize = 10_000;
/// A request's head must have come after this time.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request's head may be this large and have a hundred lines, hyper answers 431 beyond; a body is read in pieces of at most this size, so that
/// an agent's usual body is read at once.
const READ_BYTES: usize = 256 * 1024;

/// Sockets on the same port, one an address.
pub struct Listeners {
    sockets: Vec<TcpListener>,
    /// The port that all share.
    pub port: u16,
}

/// Why the port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Someone else has it.
    #[error("port {port} is taken")]
    Taken {
        /// The port.
        port: u16,
    },
    /// Another reason.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Listeners {
    /// Binds every address. Port 0 takes one that is free on all.
    pub async fn bind(addresses: &[IpAddr], port: u16) -> Result<Listeners, BindError> {
        let mut tries = 0;
        loop {
            match Listeners::bind_once(addresses, port).await {
                // The port that was free on the first address is not on another.
                Err(BindError::Taken { .. }) if port == 0 && tries < 20 => tries += 1,
                bound => return bound,
            }
        }
    }

    async fn bind_once(addresses: &[IpAddr], mut port: u16) -> Result<Listeners, BindError> {
        let mut sockets = Vec::with_capacity(addresses.len());
        for ip in addresses {
            let address = SocketAddr::new(*ip, port);
            match TcpListener::bind(address).await {
                Ok(socket) => {
                    port = socket.local_addr().map(|bound| bound.port()).unwrap_or(port);
                    sockets.push(socket);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(BindError::Taken { port }),
                // A machine without IPv6 still has IPv4: the loopback address of the other family may be missing.
                Err(error) if ip.is_loopback() && !sockets.is_empty() => {
                    tracing::info!(%address, %error, "not listening there");
                }
                Err(source) => return Err(BindError::Other { address, source }),
            }
        }
        Ok(Listeners { sockets, port })
    }

    /// What is listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }
}

/// Lets this process open as many files as the system allows it. A stream holds two sockets, and the usual soft limit of
/// 1,024 would end at five hundred. Changes the whole process: called by the program's edge, before it serves.
#[cfg(unix)]
pub fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn allow_many_files() {}

/// Serves until `stop` is cancelled, then lets open requests end for at most `drain`. Returns how many were cut off.
pub async fn serve(
    listeners: Listeners,
    shared: Arc<Shared>,
    door: Arc<Door>,
    stop: CancellationToken,
    drain: Duration,
) -> usize {
    let tracker = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let cut = CancellationToken::new();
    let accepting: Vec<_> = listeners
        .sockets
        .into_iter()
        .map(|socket| {
            let asked = (Arc::clone(&shared), Arc::clone(&door));
            let (stop, tracker, permits, cut) = (stop.clone(), tracker.clone(), Arc::clone(&permits), cut.clone());
            tokio::spawn(accept(socket, asked, stop, cut, tracker, permits))
        })
        .collect();
    for task in accepting {
        let _ = task.await;
    }
    tracker.close();
    if tokio::time::timeout(drain, tracker.wait()).await.is_ok() {
        return 0;
    }
    let left = tracker.len();
    cut.cancel();
    tracker.wait().await;
    left
}

async fn accept(
    socket: TcpListener,
    (shared, door): (Arc<Shared>, Arc<Door>),
    stop: CancellationToken,
    cut: CancellationToken,
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: wait for one to be given back rather than spin.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
        let (shared, door, stop, cut) = (Arc::clone(&shared), Arc::clone(&door), stop.clone(), cut.clone());
        tracker.spawn(async move {
            connection(stream, shared, door, stop, cut).await;
            drop(permit);
        });
    }
}

async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    door: Arc<Door>,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, door) = (Arc::clone(&shared), Arc::clone(&door));
        async move { Ok::<Response<Body>, Infallible>(shielded(shared, door, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(READ_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // One signal at a time is waited for: each costs at every wake.
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = cut.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
}

/// A fault in one request is that request's alone.
async fn shielded(shared: Arc<Shared>, door: Arc<Door>, request: Request<Incoming>) -> Response<Body> {
    match AssertUnwindSafe(answer::answer(&shared, &door, request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request met a fault inside Pointsman");
            answer::refuse(&shared, crate::protocol::Protocol::OpenAiChat, &crate::error::Error::Internal)
        }
    }
}
