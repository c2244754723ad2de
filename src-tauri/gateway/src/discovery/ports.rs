//! Listening sockets of this machine.
//!
//! On Linux the kernel is asked, which costs some ten microseconds and asks no server anything; where a sandbox forbids
//! that, its table is read. Elsewhere each port of interest is tried with a connection. Whose socket it is, is
//! `processes`' business.

#[cfg(target_os = "linux")]
mod diag;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

/// How long a connection to this machine may take; on Windows a closed port answers only after two seconds.
const CONNECTING: Duration = Duration::from_millis(250);
/// A page of the kernel's table.
const PAGE: usize = 4096;
/// The most sockets that are read: more is no laptop.
const MOST_SOCKETS: usize = 4096;

/// A listening TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Socket {
    /// Where it listens.
    pub address: SocketAddr,
    /// The kernel's number of it: another one is another server. 0 where the system does not tell.
    pub inode: u64,
    /// The user who opened it; 0 where the system does not tell.
    pub user: u32,
}

/// All listening sockets, in order. An error where the system has no such table.
pub(super) fn listening() -> io::Result<Vec<Socket>> {
    #[cfg(target_os = "linux")]
    if let Ok(mut sockets) = diag::listening() {
        sockets.sort_unstable();
        return Ok(sockets);
    }
    table()
}

/// The same from the kernel's text tables.
fn table() -> io::Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    read(File::open("/proc/self/net/tcp")?, &mut sockets)?;
    // A kernel without IPv6 has no such file.
    if let Ok(file) = File::open("/proc/self/net/tcp6") {
        read(file, &mut sockets)?;
    }
    sockets.sort_unstable();
    Ok(sockets)
}

/// Those of the addresses that take a connection, where the system has no table.
pub(super) async fn answering(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<Socket> {
    let mut tries: FuturesUnordered<_> = addresses
        .into_iter()
        .map(async |address| {
            let connected = tokio::time::timeout(CONNECTING, TcpStream::connect(address)).await;
            matches!(connected, Ok(Ok(_))).then_some(Socket { address, inode: 0, user: 0 })
        })
        .collect();
    let mut sockets = Vec::new();
    while let Some(answer) = tries.next().await {
        sockets.extend(answer);
    }
    sockets.sort_unstable();
    sockets
}

/// Reads one table as far as its listening sockets go: they come first, and thousands of connections may follow.
fn read(mut file: File, sockets: &mut Vec<Socket>) -> io::Result<()> {
    let mut text = Vec::with_capacity(2 * PAGE);
    let mut page = [0; PAGE];
    loop {
        let length = file.read(&mut page)?;
        text.extend_from_slice(&page[..length]);
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let before = sockets.len();
        sockets.extend(String::from_utf8_lossy(&text[..complete]).lines().filter_map(line));
        text.drain(..complete);
        if length == 0 || (complete > 0 && sockets.len() == before) || sockets.len() >= MOST_SOCKETS {
            return Ok(());
        }
    }
}

/// A line of the table, if it is a listening socket.
fn line(line: &str) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace();
    let address = words.nth(1)?;
    let state = words.nth(1)?;
    if state != "0A" {
        return None;
    }
    let user = words.nth(3)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let (ip, port) = address.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Socket { address: SocketAddr::new(self::ip(ip)?, port), inode, user })
}

/// An address as the kernel prints it: words of 32 bits in the machine's own byte order.
fn ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let octets: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u64, u32)>) {
        let seen = line(text).map(|socket| (socket.address.to_string(), socket.inode, socket.user));
        assert_eq!(seen, expected.map(|(address, inode, user)| (address.to_owned(), inode, user)), "{text}");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn reads_the_kernels_table() {
        check(
            "   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1455 1 000 100 0",
            Some(("0.0.0.0:2024", 1455, 0)),
        );
        check(
            "   3: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 67964 1 000 100",
            Some(("127.0.0.1:11434", 67964, 1000)),
        );
        check(
            "   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 998 0 42 1",
            Some(("[::1]:8080", 42, 998)),
        );
        check("   1: 0100007F:9118 507100CB:01BB 01 00000000:00000000 00:00000000 00000000 0 0 67964 1", None);
        check("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", None);
        check("", None);
        check("0: XX:YY 0 0A 0 0 0 0 0 0 0 0", None);
    }

    #[tokio::test]
    async fn a_new_listener_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let v6 = std::net::TcpListener::bind("[::1]:0").ok();
        if let Ok(sockets) = listening() {
            assert!(sockets.iter().any(|socket| socket.address == address), "among what the kernel tells");
        }
        #[cfg(target_os = "linux")]
        {
            let ours = |sockets: Vec<Socket>| {
                let mine = [Some(address), v6.as_ref().map(|socket| socket.local_addr().unwrap())];
                let of_mine = |socket: &Socket| mine.contains(&Some(socket.address));
                let mut ours: Vec<Socket> = sockets.into_iter().filter(of_mine).collect();
                ours.sort_unstable();
                ours
            };
            assert_eq!(ours(diag::listening().unwrap()), ours(table().unwrap()), "told alike both ways");
        }
        let seen = answering([address]).await;
        assert_eq!(seen.len(), 1, "by a connection");
        drop(listener);
        assert_eq!(answering([address]).await, [], "and then no more");
        if let Ok(sockets) = listening() {
            assert!(!sockets.iter().any(|socket| socket.address == address), "not in the table either");
        }
    }
}
