//! A STUN server with two addresses, as far as clients ask where they are seen from (RFC 5389,
//! RFC 5780).

use std::net::{SocketAddr, SocketAddrV4, UdpSocket as StdSocket};

use tokio::net::UdpSocket;

use crate::{Error, Result, Service};

const BINDING_REQUEST: [u8; 2] = [0, 1];
const BINDING_SUCCESS: [u8; 2] = [1, 1];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0, 0x20];
const OTHER_ADDRESS: [u8; 2] = [0x80, 0x2c];
const COOKIE: u32 = 0x2112_a442;

/// Answers on both sockets, each of which names the other.
///
/// # Errors
/// When the system does not let us use them.
pub fn server(sockets: [StdSocket; 2]) -> Result<Service> {
    let [first, second] = sockets.map(|socket| {
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        socket.local_addr().map(|at| (socket, at))
    });
    let failed = || Error::io("start a STUN server");
    let ((first, at), (second, other)) = (first.map_err(failed())?, second.map_err(failed())?);
    Ok(Service::around(at, async move {
        tokio::join!(serve(first, other), serve(second, at));
    }))
}

async fn serve(socket: UdpSocket, other: SocketAddr) {
    let mut datagram = [0; 1500];
    loop {
        if let Ok((len, from)) = socket.recv_from(&mut datagram).await
            && let Some(answer) = datagram.get(..len).and_then(|ask| answer(ask, from, other))
        {
            drop(socket.send_to(&answer, from).await);
        }
    }
}

fn answer(ask: &[u8], from: SocketAddr, other: SocketAddr) -> Option<Vec<u8>> {
    let (SocketAddr::V4(from), SocketAddr::V4(other)) = (from, other) else {
        return None;
    };
    let cookie_and_id = ask
        .get(4..20)
        .filter(|_| ask.starts_with(&BINDING_REQUEST))?;
    let [high, low, ..] = COOKIE.to_be_bytes();
    let ip = from.ip().to_bits() ^ COOKIE;
    let hidden = SocketAddrV4::new(ip.into(), from.port() ^ u16::from_be_bytes([high, low]));
    let body = [
        attribute(XOR_MAPPED_ADDRESS, hidden),
        attribute(OTHER_ADDRESS, other),
    ]
    .concat();
    let length = u16::try_from(body.len()).ok()?.to_be_bytes();
    Some([&BINDING_SUCCESS, &length, cookie_and_id, &body].concat())
}

fn attribute(kind: [u8; 2], address: SocketAddrV4) -> Vec<u8> {
    let (port, ip) = (address.port().to_be_bytes(), address.ip().octets());
    [&kind[..], &[0, 8, 0, 1], &port, &ip].concat()
}
