//! Local services learn who their users are, by the PROXY protocol.

use std::net::SocketAddr;

use culvert_kit::{
    Error, Result, connected, eventually, free_port, recording_web, udp_echo, within,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
    time,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// The bytes that open version 2, command PROXY.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21";

/// The header of version 2 for two IPv4 addresses; `transport` is 1 for TCP and 2 for UDP.
fn binary(transport: u8, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut out = V2.to_vec();
    out.extend_from_slice(&[0x10 | transport, 0, 12]);
    for addr in [from, to] {
        if let SocketAddr::V4(addr) = addr {
            out.extend_from_slice(&addr.ip().octets());
        }
    }
    for addr in [from, to] {
        out.extend_from_slice(&addr.port().to_be_bytes());
    }
    out
}

/// Headers of both versions stand in front of what users of tcp and http proxies send.
///
/// # Errors
/// When a header is missing or says something else.
pub async fn streams(pairing: Pairing) -> Result {
    let (web, seen) = recording_web().await?;
    let (vhost, first, second) = (free_port()?, free_port()?, free_port()?);
    let lines =
        |version, more: String| format!("transport.proxyProtocolVersion = \"{version}\"\n{more}");
    let port = |port| format!("remotePort = {port}");
    let site = "customDomains = [\"site.test\"]".to_owned();
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {vhost}"))
        .proxy("text", "tcp", web.addr(), &lines("v1", port(first)))
        .proxy("binary", "tcp", web.addr(), &lines("v2", port(second)))
        .proxy("site", "http", web.addr(), &lines("v1", site))
        .start()
        .await?;
    for remote in [first, second, vhost] {
        let mut user = connected(local(remote), SOON).await?;
        let from = user.local_addr().map_err(Error::io("read an address"))?;
        let expected = if remote == second {
            String::from_utf8_lossy(&binary(1, from, local(remote))).into_owned()
        } else {
            // The address that http users came to is not told.
            let to = if remote == vhost { 0 } else { remote };
            format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {to}\r\n", from.port())
        };
        ask(&mut user).await?;
        eventually(SOON, "the header", || async {
            let seen = seen.text();
            if seen.contains(&format!("{expected}GET /")) {
                Ok(())
            } else {
                Err(Error::wrong(format!("{expected:?} is not in {seen:?}")))
            }
        })
        .await?;
    }
    Ok(())
}

async fn ask(user: &mut TcpStream) -> Result {
    user.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        .await
        .map_err(Error::io("send a request"))
}

/// The header of version 2 stands in front of a udp user's first datagram, and of no other.
///
/// # Errors
/// When it is missing or comes twice.
pub async fn datagrams(pairing: Pairing) -> Result {
    let echo = udp_echo().await?;
    let remote = free_port()?;
    let lines = format!("remotePort = {remote}\ntransport.proxyProtocolVersion = \"v2\"");
    let _pair = scene!(pairing)
        .proxy("dns", "udp", echo.addr(), &lines)
        .start()
        .await?;
    let (user, from) = first_answer(remote).await?;
    let expected = [binary(2, from, echo.addr()), b"hello".to_vec()].concat();
    for expected in [expected, b"hello".to_vec()] {
        let mut got = vec![0; 1500];
        let len = within(SOON, "an answer", async {
            user.send(b"hello").await.map_err(Error::io("send"))?;
            user.recv(&mut got).await.map_err(Error::io("receive"))
        })
        .await?;
        if got.get(..len) != Some(&*expected) {
            return Err(Error::wrong(format!("{got:?} is not {expected:?}")));
        }
    }
    Ok(())
}

/// A user of its own, once the tunnel of others has shown that it works: a datagram that is lost
/// on the way would take the header with it.
async fn first_answer(remote: u16) -> Result<(UdpSocket, SocketAddr)> {
    let socket = || async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(local(remote)).await?;
        Ok(socket)
    };
    let failed = || Error::io("a UDP user");
    let probe = &socket().await.map_err(failed())?;
    eventually(SOON, "a UDP answer", || async move {
        probe.send(b"probe").await.map_err(Error::io("send"))?;
        time::timeout(time::Duration::from_millis(500), probe.recv(&mut [0; 1500]))
            .await
            .map_err(|_| Error::wrong("no answer"))?
            .map_err(Error::io("receive"))
            .map(drop)
    })
    .await?;
    let user = socket().await.map_err(failed())?;
    let addr = user.local_addr().map_err(failed())?;
    Ok((user, addr))
}
