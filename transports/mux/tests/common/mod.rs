//! What the tests of this crate share: a deadline, sessions, patterns of bytes.

use std::{future::Future, net::SocketAddr, time::Duration};

use culvert_io::{Io, Peer, Scope, Stream};
use culvert_mux::{MuxConfig, MuxSession, Role};
use tokio::runtime::Handle;

/// Ends a test that hangs.
#[expect(clippy::expect_used, reason = "a failed test panics")]
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work)
        .await
        .expect("test took too long")
}

pub(crate) fn stream(io: impl Io) -> Stream {
    let addr = SocketAddr::from(([127, 0, 0, 1], 9));
    Stream::new(io, Peer::new(addr, addr, "test"))
}

/// A session with a known peer.
pub(crate) fn session(io: impl Io, role: Role, config: MuxConfig) -> MuxSession {
    let scope = Scope::root(Handle::current());
    let session = MuxSession::start(stream(io), role, config, &scope);
    session.authenticate();
    session
}

/// Bytes that differ by position and by `seed`.
pub(crate) fn pattern(seed: u64, len: usize) -> Vec<u8> {
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
