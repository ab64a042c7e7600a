//! The client's half of a proxy kind.

use std::{fmt, net::SocketAddr, sync::Arc};

use culvert_io::{Peer, Scope, Stream};
use culvert_wire::{Codec, msg::StartWorkConn};

use crate::{BoxFuture, ProxyError};

/// A work connection that the server has put to use.
#[derive(Debug)]
pub struct Work {
    /// The stream to the server, with encryption and compression already put on.
    pub stream: Stream,
    /// What the server said of the user.
    pub start: StartWorkConn,
    /// How messages inside the payload are written: in the version of the session (protocol 3.7).
    pub codec: Codec,
}

impl Work {
    /// The user at the other end; the server, when it did not say who that is.
    #[must_use]
    pub fn user(&self) -> Peer {
        let peer = *self.stream.peer();
        let text = &self.start.src_addr;
        // A zone says which interface of the server it was.
        let ip = text.split_once('%').map_or(text.as_str(), |(ip, _zone)| ip);
        ip.parse().map_or(peer, |ip| {
            let addr = SocketAddr::new(ip, self.start.src_port);
            Peer::new(addr, peer.local, peer.transport)
        })
    }
}

/// One configured proxy at the client: serves its work connections, many at once.
pub trait ClientProxy: fmt::Debug + Send + Sync + 'static {
    /// Serves one work connection to its end. Further tasks live in `scope`, which ends with the
    /// proxy.
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>>;
}

/// A client proxy shared by its work connections.
pub type BoxClientProxy = Arc<dyn ClientProxy>;
