//! What the tests share: a listener, a pair of sessions, patterns of bytes.

mod carry;
mod datagrams;
mod ends;
mod hole;
mod moves;
mod strangers;

use std::{future::Future, net::Ipv4Addr, net::SocketAddr, sync::Arc, time::Duration};

use culvert_io::Stream;
use culvert_transport::{
    BoxConnector, BoxHandshake, BoxListener, BoxSession, DynTransport, Link, Options, Target,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use crate::{Quic, QuicOptions};

/// Ends a test that hangs.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work)
        .await
        .expect("test took too long")
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn options(quic: &QuicOptions) -> Options {
    Options::default().with_table(quic.to_table().unwrap())
}

fn connector(opts: &Options) -> BoxConnector {
    let transport: &dyn DynTransport = &Quic;
    transport.connector(opts).unwrap()
}

/// A listener and where to dial it.
async fn listener(opts: &Options) -> (BoxListener, Target) {
    let transport: &dyn DynTransport = &Quic;
    let listener = transport.bind(loopback(), opts).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Target::new("127.0.0.1", port))
}

fn session(link: Link) -> BoxSession {
    match link {
        Link::Session(session) => session,
        other => panic!("{other:?}"),
    }
}

async fn shake(handshake: BoxHandshake) -> BoxSession {
    session(handshake.await.unwrap())
}

/// Two sessions that know each other: who dialled, who accepted.
async fn pair(quic: &QuicOptions) -> (BoxSession, BoxSession) {
    let (ours, theirs) = strangers(quic).await;
    ours.authenticate();
    theirs.authenticate();
    (ours, theirs)
}

/// The same before a login.
async fn strangers(quic: &QuicOptions) -> (BoxSession, BoxSession) {
    let opts = options(quic);
    let (mut listener, target) = listener(&opts).await;
    let connector = connector(&opts);
    let (dialled, accepted) = tokio::join!(connector.connect(&target), async {
        let (handshake, _) = listener.accept().await.unwrap();
        shake(handshake).await
    });
    (session(dialled.unwrap()), accepted)
}

/// Bytes that differ by position and by `seed`.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend_from_slice(&x.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Echoes every stream of a session.
fn echo(session: BoxSession) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut streams = JoinSet::new();
        while let Ok(stream) = session.accept().await {
            streams.spawn(async move {
                let (mut r, mut w) = tokio::io::split(stream);
                if tokio::io::copy(&mut r, &mut w).await.is_ok() {
                    w.shutdown().await.unwrap();
                }
            });
        }
    });
    tasks
}

/// Sends `bytes` and reads them back.
async fn exchange(stream: Stream, bytes: Arc<Vec<u8>>) {
    let (mut r, mut w) = tokio::io::split(stream);
    let mut got = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            w.write_all(&bytes).await?;
            w.shutdown().await
        },
        r.read_to_end(&mut got)
    );
    sent.unwrap();
    read.unwrap();
    assert!(got == *bytes, "{} of {} bytes", got.len(), bytes.len());
}
