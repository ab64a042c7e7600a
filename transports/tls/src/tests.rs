//! Both roles against each other, and each against rustls' buffered connection.

mod buffered;
mod certificates;
mod damage;
mod files;
mod handover;
mod peer;
mod rules;
mod traffic;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use culvert_io::{Peer, Stream};
use rustls::{
    ClientConfig, ServerConfig, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{CipherSuiteCommon, CryptoProvider, ring},
    sign::SingleCertAndKey,
    version::TLS13,
};
use tokio::io::DuplexStream;

use crate::{TlsError, accept, connect, identity, server_name, verify::Unverified};

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

/// The same of `suite`, and its keys are worn out after `most` records.
pub(crate) fn configs_of(
    suite: &'static Tls13CipherSuite,
    most: u64,
) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let worn = Tls13CipherSuite {
        common: CipherSuiteCommon {
            confidentiality_limit: most,
            ..suite.common
        },
        ..*suite
    };
    let provider = Arc::new(CryptoProvider {
        cipher_suites: vec![SupportedCipherSuite::Tls13(Box::leak(Box::new(worn)))],
        ..ring::default_provider()
    });
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(
            identity::generate(&provider).unwrap(),
        )));
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified::new(&provider)))
        .with_no_client_auth();
    (
        server.enable_secret_extraction,
        client.enable_secret_extraction,
    ) = (true, true);
    (Arc::new(server), Arc::new(client))
}

/// The same whose keys are worn out soon.
pub(crate) fn worn_configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    configs_of(suite.tls13().unwrap(), 16)
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
