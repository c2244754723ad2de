//! Listening sockets as Linux' socket diagnostics tell them (`man 7 sock_diag`).
//!
//! The kernel walks its few listening sockets and nothing else, some ten microseconds a family. Its text tables also walk
//! the table of connections, which has hundreds of thousands of places on a machine with much memory: milliseconds.

use std::io;
use std::net::SocketAddr;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
use netlink_packet_sock_diag::{SockDiagMessage, SockDiagMessage::InetResponse as Told};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use super::{MOST_SOCKETS, Socket};

/// The kernel fills at most 32 KiB at a time.
const ROOM: usize = 32 * 1024;

/// All listening sockets. An error where the kernel has no socket diagnostics or a sandbox forbids them.
pub(super) fn listening() -> io::Result<Vec<Socket>> {
    let kernel = netlink_sys::Socket::new(NETLINK_SOCK_DIAG)?;
    kernel.connect(&netlink_sys::SocketAddr::new(0, 0))?;
    let mut sockets = Vec::new();
    ask(&kernel, AF_INET, SocketId::new_v4(), &mut sockets)?;
    // A kernel without IPv6 has no such sockets to tell of.
    if let Err(error) = ask(&kernel, AF_INET6, SocketId::new_v6(), &mut sockets)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    Ok(sockets)
}

fn ask(kernel: &netlink_sys::Socket, family: u8, socket_id: SocketId, sockets: &mut Vec<Socket>) -> io::Result<()> {
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::LISTEN,
        socket_id,
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    kernel.send(&bytes, 0)?;
    let mut room = Vec::with_capacity(ROOM);
    loop {
        room.clear();
        let length = kernel.recv(&mut room, 0)?;
        let mut rest = room.get(..length).unwrap_or_default();
        while !rest.is_empty() {
            let message = <NetlinkMessage<SockDiagMessage>>::deserialize(rest).map_err(io::Error::other)?;
            match message.payload {
                NetlinkPayload::InnerMessage(Told(told)) if sockets.len() < MOST_SOCKETS => sockets.push(socket(&told)),
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages stand at multiples of four bytes.
            let next = usize::try_from(message.header.length).unwrap_or(rest.len()).next_multiple_of(4).max(4);
            rest = rest.get(next..).unwrap_or_default();
        }
    }
}

fn socket(told: &InetResponse) -> Socket {
    let header = &told.header;
    Socket {
        address: SocketAddr::new(header.socket_id.source_address, header.socket_id.source_port),
        inode: header.inode.into(),
        user: header.uid,
    }
}
