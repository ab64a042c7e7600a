//! Both roles against each other, and each against rustls' buffered connection.

mod buffered;
mod certificates;
mod damage;
mod files;
mod traffic;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use culvert_io::{Peer, Stream};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::DuplexStream;

use crate::{TlsError, accept, connect, server_name};

pub(crate) use files::Files;

pub(crate) fn stream(io: impl culvert_io::Io) -> Stream {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7000));
    Stream::new(io, Peer::new(addr, addr, "memory"))
}

/// A server that generated its certificate, and a client that does not verify.
pub(crate) fn plain_configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    (
        crate::server_config(None, None).unwrap(),
        crate::client_config(None, None).unwrap(),
    )
}

/// Both ends of a handshake over a pipe of `room` bytes.
pub(crate) async fn shake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
    room: usize,
) -> (Result<Stream, TlsError>, Result<Stream, TlsError>) {
    let (a, b) = tokio::io::duplex(room);
    let name = server_name(name, true).unwrap();
    tokio::join!(accept(stream(a), server), connect(stream(b), client, name))
}

/// An established pair, server first.
pub(crate) async fn pair(room: usize) -> (Stream, Stream) {
    let (server, client) = plain_configs();
    let (server, client) = shake(&server, &client, "localhost", room).await;
    (server.unwrap(), client.unwrap())
}

/// A client stream whose peer is the raw pipe behind an established server connection.
pub(crate) async fn tapped(room: usize) -> (Stream, Stream, [DuplexStream; 2]) {
    let (server, client) = plain_configs();
    tapped_with(&server, &client, room).await
}

/// The same with these settings.
pub(crate) async fn tapped_with(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    room: usize,
) -> (Stream, Stream, [DuplexStream; 2]) {
    let (a, mut a2) = tokio::io::duplex(room);
    let (b, mut b2) = tokio::io::duplex(room);
    let name = server_name("localhost", true).unwrap();
    let established = {
        let both =
            async { tokio::join!(accept(stream(a), server), connect(stream(b), client, name)) };
        tokio::pin!(both);
        tokio::select! {
            got = &mut both => got,
            end = tokio::io::copy_bidirectional(&mut a2, &mut b2) => panic!("{end:?}"),
        }
    };
    (established.0.unwrap(), established.1.unwrap(), [a2, b2])
}

pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut x = seed | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out.extend_from_slice(&x.to_le_bytes());
    }
    out.truncate(len);
    out
}
