//! What is below every transport: the name, the bare connection, the certificate, UDP, and what
//! else may answer on the port.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use culvert_conf::{ClientConfig, Protocol};
use culvert_io::{Meter, Peer, Scope, Stream, connect_in_small_packets};
use culvert_transport::TransportError;
use culvert_transports::{ClientStack, Inspection, Resolver, Transports};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
    time::{Instant, timeout},
};

use super::{
    greeting::{Greeting, MOST},
    seen::{Handshake, Udp},
};
use crate::Cause;

/// How long an ICMP message that refuses a datagram may take; with it, a round trip to anywhere.
const ICMP: Duration = Duration::from_millis(500);

/// The addresses of the server, and how long they took.
pub(super) async fn lookup(
    config: &ClientConfig,
    limit: Duration,
) -> Result<(Vec<SocketAddr>, Duration), Cause> {
    let begun = Instant::now();
    let resolver = Resolver::new(config.dns_server.as_deref());
    let asked = resolver.resolve(&config.server_addr, config.server_port);
    match timeout(limit, asked).await {
        Ok(Ok(found)) => Ok((found, begun.elapsed())),
        Ok(Err(_)) | Err(_) => Err(Cause::NoName),
    }
}

/// A bare connection as the tcp transport makes it, through the proxy if there is one.
async fn bare(
    config: &ClientConfig,
    transports: &Transports,
    scope: &Scope,
) -> Result<Stream, TransportError> {
    let mut config = config.clone();
    config.transport.protocol = Protocol::Tcp;
    config.transport.tls.enabled = None;
    config.transport.tcp_mux = None;
    let stack = ClientStack::with(&config, transports)?;
    stack.connect(scope).await?.open().await
}

/// How long a bare connection takes, and what the server shows in a handshake of TLS on it.
pub(super) async fn knock(
    config: &ClientConfig,
    transports: &Transports,
    scope: &Scope,
) -> (Result<Duration, Cause>, Option<Handshake>) {
    let begun = Instant::now();
    match bare(config, transports, scope).await {
        Ok(stream) => {
            let took = begun.elapsed();
            (Ok(took), shake(stream, config).await)
        }
        Err(err) => (Err(Cause::of_dial(&Protocol::Tcp, &err)), None),
    }
}

/// A handshake of TLS; `None` when a file of ours cannot be used, which trials tell.
async fn shake(stream: Stream, config: &ClientConfig) -> Option<Handshake> {
    let inspection = Inspection::new(config).ok()?;
    let meter = Arc::new(Meter::new());
    let stream = stream.counted(Arc::clone(&meter));
    let (begun, limit) = (Instant::now(), config.transport.dial_timeout);
    let outcome = match timeout(limit, inspection.shake(stream)).await {
        Ok(Ok(mut stream)) => {
            let took = begun.elapsed();
            // The server hears that it was not cut off; nothing hangs on that.
            let _gone = timeout(limit, stream.shutdown()).await;
            Ok(took)
        }
        Ok(Err(err)) => Err(Cause::of_dial(&Protocol::Tcp, &err)),
        Err(_elapsed) => Err(Cause::Stalled),
    };
    Some(Handshake {
        outcome,
        received: meter.bytes_out(),
        certificate: inspection.certificate(),
    })
}

/// Whether a handshake gets through in small packets.
pub(super) async fn small_passes(config: &ClientConfig, to: SocketAddr) -> bool {
    let local = config.transport.connect_local_ip;
    let limit = config.transport.dial_timeout;
    let dialled = timeout(limit, connect_in_small_packets(to, local)).await;
    let Ok(Ok(socket)) = dialled else {
        return false;
    };
    let Ok(from) = socket.local_addr() else {
        return false;
    };
    let stream = Stream::tcp(socket, Peer::new(to, from, "tcp"));
    let shaken = shake(stream, config).await;
    shaken.is_some_and(|shaken| shaken.outcome.is_ok())
}

/// What the port says to somebody who asks for a web page.
pub(super) async fn greeting(
    config: &ClientConfig,
    transports: &Transports,
    scope: &Scope,
) -> Option<Greeting> {
    let stream = bare(config, transports, scope).await.ok()?;
    let mut heard = Vec::new();
    let ended = timeout(
        config.transport.dial_timeout,
        talk(stream, &config.server_addr, &mut heard),
    );
    let ended = ended.await;
    if !heard.is_empty() {
        return Some(Greeting::read(&heard));
    }
    Some(match ended {
        Ok(_closed) => Greeting::Closed,
        Err(_elapsed) => Greeting::Silent,
    })
}

async fn talk(mut stream: Stream, host: &str, heard: &mut Vec<u8>) -> io::Result<()> {
    let ask = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    stream.flush().await?;
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    let mut stream = stream.take(most);
    while !Greeting::is_whole(heard) && stream.read_buf(heard).await? > 0 {}
    Ok(())
}

/// What the machine says to a datagram that means nothing.
pub(super) async fn udp(to: SocketAddr) -> Udp {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let asked = async {
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(to).await?;
        socket.send(&[0]).await?;
        socket.recv(&mut [0; 64]).await
    };
    match timeout(ICMP, asked).await {
        Ok(Err(err)) if err.kind() == io::ErrorKind::ConnectionRefused => Udp::Refused,
        _ => Udp::Silent,
    }
}
