//! TCP and UDP sockets set up the way a tunnel wants them, the same on every system.

#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

#[cfg(target_os = "linux")]
use crate::FastPath;
use crate::FastPaths;

/// Connections that may wait to be accepted: as many as the system allows, as with Go's listeners.
/// A burst of users must not be refused while the accepting thread is busy for some milliseconds.
/// Systems cut it: Linux to `net.core.somaxconn`, which is 4096 unless set.
const BACKLOG: i32 = i32::MAX;

/// Listens at `at`, which may have port 0. Must be called on the runtime that will accept.
///
/// An address of a listener that has just gone can be bound again. `::` also takes IPv4, as Go's
/// listeners do. On Linux accepted sockets send without delay (they inherit it); elsewhere
/// [`tune`] sees to it.
///
/// # Errors
/// The system refuses the address.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if matches!(at.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(false)?;
    }
    // On Windows the option means something else: two programs could share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Dials one address, from `local` if given, and sets the socket up.
///
/// *Cancel safety*: safe; the attempt is given up.
///
/// # Errors
/// The system refuses the local address, or nobody answers at `to`.
pub async fn connect(
    to: SocketAddr,
    local: Option<IpAddr>,
    keepalive: Option<Duration>,
) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(ip) = local {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    let stream = socket.connect(to).await?;
    tune(&stream, keepalive)?;
    Ok(stream)
}

/// Makes a socket send without delay, and probe an idle peer every `keepalive`; `None` turns
/// probing off.
///
/// # Errors
/// The system refuses an option.
pub fn tune(socket: &TcpStream, keepalive: Option<Duration>) -> io::Result<()> {
    if !(cfg!(target_os = "linux") && socket.nodelay()?) {
        socket.set_nodelay(true)?;
    }
    let socket = SockRef::from(socket);
    match keepalive {
        // Upstream gives the value to Go's net.KeepAlive, which sets idle time and interval.
        Some(every) => {
            let every = every.max(Duration::from_secs(1));
            let probes = TcpKeepalive::new().with_time(every);
            #[cfg(any(target_os = "linux", target_vendor = "apple", windows))]
            let probes = probes.with_interval(every.min(LONGEST_INTERVAL));
            socket.set_tcp_keepalive(&probes)
        }
        None => socket.set_keepalive(false),
    }
}

/// Sets up a socket that carries a tunnel: what is written beyond what the network can take waits
/// with us, where small frames overtake large ones, and not in the kernel. What the network can
/// take has room there, if we are privileged. Systems that do not know the options keep their own
/// measure.
pub fn hold_back(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    if FastPaths::default().takes(FastPath::Unsent) {
        use rustix::net::sockopt::set_socket_send_buffer_size_force;
        let limited = SockRef::from(socket).set_tcp_notsent_lowat(UNSENT);
        // Without the limit, all of the room would fill.
        let done = limited.and_then(|()| Ok(set_socket_send_buffer_size_force(socket, FLIGHT)?));
        if let Err(err) = done {
            tracing::debug!("the system keeps its own measure of unsent bytes: {err}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Takes a socket whose peer is on this host off the pacing that the system's congestion control
/// may do: a timer for every few packets, for the sake of a network that is not there.
///
/// Measured where BBR is the default: half of all CPU of a relay on loopback was these timers, and
/// two relays in a row, on the default settings, moved a byte for 0.68 to 0.78 of it without.
pub(crate) fn unpace(socket: &TcpStream, paths: FastPaths) {
    #[cfg(target_os = "linux")]
    if paths.takes(FastPath::Unpaced)
        && (paces(socket) || paths.forces(FastPath::Unpaced))
        && let Err(err) = SockRef::from(socket).set_tcp_congestion(UNPACED)
    {
        tracing::debug!("the system paces what goes to itself: {err}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, paths);
}

/// Whether the congestion control that sockets of this process begin with paces; it is asked of
/// the first.
#[cfg(target_os = "linux")]
fn paces(first: &TcpStream) -> bool {
    static PACES: OnceLock<bool> = OnceLock::new();
    // Of those in Linux only the generations of BBR do (net/ipv4/tcp_bbr.c).
    *PACES.get_or_init(|| {
        let name = SockRef::from(first).tcp_congestion();
        name.is_ok_and(|name| name.starts_with(b"bbr"))
    })
}

/// The congestion control that every Linux has and lets everyone choose (net/ipv4/tcp_cong.c).
#[cfg(target_os = "linux")]
const UNPACED: &[u8] = b"reno";

/// Unsent bytes that the kernel keeps of a tunnel, if it has a choice: at 100 Mbit/s it is 10 ms.
/// With much less, the system's congestion control finds nothing to send when a busy machine wakes
/// us late (measured: with 16 KiB a small request took 178 ms beside bulk, in place of 76).
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// Room for bytes that are sent and not acknowledged yet, with what the kernel needs beside them:
/// three times what 100 Mbit/s and 200 ms hold, as the system's BBR begins with so much, and stays
/// at it as long as it cannot have it (docs/PERFORMANCE.md). The kernel doubles it; its own limit
/// is 4 MB (`net.ipv4.tcp_wmem`).
#[cfg(target_os = "linux")]
const FLIGHT: usize = 16 << 20;

/// Linux refuses intervals above MAX_TCP_KEEPINTVL (include/net/tcp.h).
#[cfg(any(target_os = "linux", target_vendor = "apple", windows))]
const LONGEST_INTERVAL: Duration = Duration::from_secs(32_767);

/// A UDP socket at `at`, which may have port 0, with room for `buffer` bytes in each direction as
/// far as the system gives it. `::` also takes IPv4. It does not block.
///
/// # Errors
/// The system refuses the address.
pub fn udp(at: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if matches!(at.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    enlarge(&socket, buffer);
    socket.bind(&at.into())?;
    Ok(socket.into())
}

/// Asks for larger buffers. Only the privileged may have more than the system's limit
/// (`net.core.rmem_max`, `wmem_max`); everybody else gets that much.
fn enlarge(socket: &Socket, buffer: usize) {
    #[cfg(target_os = "linux")]
    let forced = (
        rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, buffer).is_ok(),
        rustix::net::sockopt::set_socket_send_buffer_size_force(socket, buffer).is_ok(),
    );
    #[cfg(not(target_os = "linux"))]
    let forced = (false, false);
    let asked = (
        forced.0 || socket.set_recv_buffer_size(buffer).is_ok(),
        forced.1 || socket.set_send_buffer_size(buffer).is_ok(),
    );
    if asked != (true, true) {
        tracing::debug!("the system gives no larger socket buffers");
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_those_that_want_it_are_unpaced() {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let at = listener.local_addr().unwrap();
        let (dialled, accepted) = tokio::join!(connect(at, None, None), listener.accept());
        let (dialled, (accepted, _)) = (dialled.unwrap(), accepted.unwrap());
        let of = |socket: &TcpStream| SockRef::from(socket).tcp_congestion().unwrap();
        let usual = of(&accepted);
        unpace(&accepted, FastPaths::NONE);
        assert_eq!(of(&accepted), usual);
        unpace(&dialled, FastPaths::ALL);
        assert!(of(&dialled).starts_with(UNPACED), "{:?}", of(&dialled));
    }

    #[tokio::test]
    async fn listeners_accept_dials_with_options_set() {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let at = listener.local_addr().unwrap();
        let local = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)));
        let local = local.filter(|_| cfg!(target_os = "linux"));
        let every = Duration::from_secs(7200);
        let (dialled, accepted) = tokio::join!(connect(at, local, Some(every)), listener.accept());
        let (dialled, (accepted, from)) = (dialled.unwrap(), accepted.unwrap());
        if let Some(local) = local {
            assert_eq!(from.ip(), local);
        }
        tune(&accepted, None).unwrap();
        hold_back(&dialled);
        #[cfg(target_os = "linux")]
        if FastPaths::default().takes(FastPath::Unsent) {
            assert_eq!(SockRef::from(&dialled).tcp_notsent_lowat().unwrap(), UNSENT);
        }
        assert!(dialled.nodelay().unwrap() && accepted.nodelay().unwrap());
        assert!(SockRef::from(&dialled).keepalive().unwrap());
        assert!(!SockRef::from(&accepted).keepalive().unwrap());
    }

    #[tokio::test]
    async fn a_taken_port_is_refused() {
        let first = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let err = listen(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn the_unspecified_v6_address_takes_v4_too() {
        let Ok(listener) = listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))) else {
            return; // no IPv6 here
        };
        let port = listener.local_addr().unwrap().port();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (dialled, accepted) = tokio::join!(connect(to, None, None), listener.accept());
        dialled.unwrap();
        accepted.unwrap();
    }

    #[tokio::test]
    async fn a_udp_socket_has_room() {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = udp(at, 1 << 20).unwrap();
        let plain = UdpSocket::bind(at).unwrap();
        let room = |socket| SockRef::from(socket).recv_buffer_size().unwrap();
        assert!(room(&socket) >= room(&plain));
        let err = udp(socket.local_addr().unwrap(), 0).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::AddrInUse);
    }
}
