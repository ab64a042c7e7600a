//! UDP sockets with upstream's buffers.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// Bytes of each socket buffer (protocol 2.4). Systems may grant less.
const BUFFER: usize = 4 << 20;

/// A socket bound at `at`; `::` also takes IPv4. Must be called on the runtime that will use it.
///
/// # Errors
/// The system refuses the address.
pub(crate) fn bind(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if matches!(at.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    for (what, set) in [
        ("receive", socket.set_recv_buffer_size(BUFFER)),
        ("send", socket.set_send_buffer_size(BUFFER)),
    ] {
        if let Err(err) = set {
            tracing::debug!("cannot enlarge the {what} buffer of a udp socket: {err}");
        }
    }
    socket.bind(&at.into())?;
    UdpSocket::from_std(socket.into())
}
