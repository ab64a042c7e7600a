//! A connection whose packets are all small, for those who look for a path that swallows large
//! ones.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

/// What every path takes in one piece without asking (RFC 9293, section 3.7.1).
#[cfg(unix)]
const SEGMENT: u32 = 536;

/// Dials one address, from `local` if given. Neither side sends segments above 536 bytes.
///
/// *Cancel safety*: safe; the attempt is given up.
///
/// # Errors
/// Nobody answers, or the system cannot do it: Windows cannot.
pub async fn connect_in_small_packets(
    to: SocketAddr,
    local: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    limit(&SockRef::from(&socket))?;
    if let Some(ip) = local {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    socket.connect(to).await
}

#[cfg(unix)]
fn limit(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_mss(SEGMENT)
}

#[cfg(not(unix))]
fn limit(_: &SockRef<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::SockRef;

    use super::{SEGMENT, connect_in_small_packets};

    #[tokio::test]
    async fn both_sides_agree_on_small_segments() {
        let at = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = crate::socket::listen(at).unwrap();
        let to = listener.local_addr().unwrap();
        let (dialled, accepted) =
            tokio::join!(connect_in_small_packets(to, None), listener.accept());
        for socket in [dialled.unwrap(), accepted.unwrap().0] {
            assert!(SockRef::from(&socket).tcp_mss().unwrap() <= SEGMENT);
        }
    }
}
