//! Listening sockets for proxies.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, UdpSocket};

/// Connections that the kernel holds for us between two accepts; the kernel cuts it down to its
/// own limit (4096 on Linux), as Go does by reading that limit.
const BACKLOG: i32 = 4096;

/// Idle time and interval of keepalive probes on user connections: Go's default for listeners,
/// which upstream keeps.
const USER_KEEPALIVE: Duration = Duration::from_secs(15);

/// A TCP listener whose accepted sockets have Nagle off and keepalive on.
pub(super) fn tcp(addr: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = bound(addr, port, Type::STREAM, |socket| {
        // On Windows the option would let other programs steal the port.
        if cfg!(unix) {
            socket.set_reuse_address(true)
        } else {
            Ok(())
        }
    })?;
    // Accepted sockets inherit both on Linux: two system calls less for each user.
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(USER_KEEPALIVE)
        .with_interval(USER_KEEPALIVE);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A UDP socket.
pub(super) fn udp(addr: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = bound(addr, port, Type::DGRAM, |_| Ok(()))?;
    UdpSocket::from_std(socket.into())
}

/// A wildcard address takes both IPv4 and IPv6, as Go's listeners do.
fn bound(
    addr: IpAddr,
    port: u16,
    kind: Type,
    prepare: impl Fn(&Socket) -> io::Result<()>,
) -> io::Result<Socket> {
    let open = |addr: IpAddr, both: bool| {
        let at = SocketAddr::new(addr, port);
        let protocol = if kind == Type::STREAM {
            Protocol::TCP
        } else {
            Protocol::UDP
        };
        let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
        if both {
            socket.set_only_v6(false)?;
        }
        prepare(&socket)?;
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        Ok(socket)
    };
    if !addr.is_unspecified() {
        return open(addr, false);
    }
    match open(Ipv6Addr::UNSPECIFIED.into(), true) {
        // Somebody has the port, or we may not: IPv4 alone would hide that.
        Err(error) if is_refusal(&error) => Err(error),
        // The system has no IPv6.
        Err(_) => open(addr, false),
        done => done,
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}
