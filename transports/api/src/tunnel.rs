//! A session between two peers that have met on a UDP socket, without a server in between (xtcp).

use std::{
    fmt,
    net::{SocketAddr, UdpSocket},
};

use culvert_io::Scope;

use crate::{BoxFuture, BoxSession, Result};

/// A socket on which datagrams of the peer arrive, and ours there.
#[derive(Debug)]
pub struct Hole {
    /// The socket; it does not block. Late datagrams of the meeting may still come.
    pub socket: UdpSocket,
    /// Where the peer is.
    pub peer: SocketAddr,
    /// The word for what both peers speak; `kcp`, or anything else for QUIC (protocol 6.5).
    pub protocol: String,
}

/// Makes a session of a hole. The peer is trusted as far as the meeting went: whoever knows the
/// proxy's secret.
pub trait Tunnels: fmt::Debug + Send + Sync + 'static {
    /// As the visitor, who opens streams. The session's tasks live in `scope`.
    ///
    /// *Cancel safety*: the attempt is given up.
    fn dial<'a>(&'a self, hole: Hole, scope: &'a Scope) -> BoxFuture<'a, Result<BoxSession>>;

    /// As the proxy's client, who accepts streams. The session's tasks live in `scope`.
    ///
    /// *Cancel safety*: the attempt is given up.
    fn accept<'a>(&'a self, hole: Hole, scope: &'a Scope) -> BoxFuture<'a, Result<BoxSession>>;
}
