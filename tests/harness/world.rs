//! The machine around a test: ports that nobody else takes, and an address that is not the loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A port that is ours and on which nobody listens: whoever connects is refused, until [`Port::listen`].
pub(crate) struct Port {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Port {
    /// A free one.
    pub(crate) fn reserve() -> Port {
        Port::take(0)
    }

    /// This very one, which a runtime had before.
    pub(crate) fn take(port: u16) -> Port {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an address that can be used again");
        socket.bind((Ipv4Addr::LOCALHOST, port).into()).expect("a free port");
        let address = socket.local_addr().expect("the socket's address");
        Port { socket, address }
    }

    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        self.address.port()
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on connections are taken.
    pub(crate) fn listen(self) -> TcpListener {
        self.socket.listen(1024).expect("a listener")
    }
}

/// A port whose queue of connections is full: whoever connects waits until giving up.
pub(crate) struct Clogged {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Clogged {
    /// A new one.
    pub(crate) async fn new() -> Clogged {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("the listener's address");
        let mut queue = Vec::new();
        // Each one that gets through fills the queue by one, until one has to wait.
        while let Ok(connected) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            queue.push(connected.expect("a connection"));
        }
        Clogged { address, _listener: listener, _queue: queue }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An address of this machine that is not the loopback, so that what listens there counts as elsewhere. `None` on a
/// machine without a network. Nothing is sent to find it.
pub(crate) fn elsewhere() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// A name that leads to this machine and is not `localhost`, so that it counts as elsewhere, and its address. `None` on a
/// machine that has none.
pub(crate) fn elsewhere_by_name() -> Option<(String, IpAddr)> {
    let own = std::process::Command::new("hostname").output().ok();
    let own = own.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    [own.trim(), "localhost.localdomain", "a.localhost"].into_iter().filter(|name| !name.is_empty()).find_map(|name| {
        let address = (name, 0).to_socket_addrs().ok()?.next()?.ip();
        std::net::TcpListener::bind((address, 0)).ok().map(|_| (name.to_lowercase(), address))
    })
}
