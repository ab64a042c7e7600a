//! Taking the layers off: from an accepted stream to a link that carries messages.

use std::{fmt, future::Future, sync::Arc};

use bytes::Bytes;
use culvert_conf::ServerTransport;
use culvert_io::{Scope, Stream};
use culvert_tls::{FIRST_BYTE, ServerConfig, accept, server_config};
use culvert_transport::{DynMux, Link, Result, TransportError};
use tokio::{io::AsyncReadExt, time::Instant};

use super::{failed, identity, websocket};
use crate::Yamux;

/// Everything between an accepted stream and the links of a server.
pub struct ServerStack {
    tls: Arc<ServerConfig>,
    force: bool,
    mux: Option<Yamux>,
}

impl ServerStack {
    /// Reads the certificate files, or generates a certificate.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn new(transport: &ServerTransport) -> Result<Self> {
        let own = transport.tls.identity.as_ref().map(identity);
        let ca = transport.tls.trusted_ca.as_deref();
        Ok(Self {
            tls: server_config(own.as_ref(), ca).map_err(failed)?,
            // Asking for certificates means nothing to those who speak plainly.
            force: transport.tls.force || ca.is_some(),
            mux: transport
                .tcp_mux
                .map(|mux| Yamux::new(mux.keepalive_interval)),
        })
    }

    /// Serves a stream that begins with a ClientHello; a 0x17 in front of it is gone already. What
    /// follows the handshake may be the request of a wss client. The mux driver lives in `scope`.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// The handshake fails, or is not done by `deadline`.
    pub async fn tls(&self, stream: Stream, scope: &Scope, deadline: Instant) -> Result<Link> {
        // Boxed: handshakes are large and over when the connection begins its long life.
        let shaken = Box::pin(accept(stream, &self.tls));
        let stream = by(deadline, "tls handshake", shaken)
            .await?
            .map_err(failed)?;
        let stream = Box::pin(websocket::terminate(stream, deadline)).await?;
        self.split(stream, scope)
    }

    /// Serves a stream that begins with the request of a websocket client (protocol 2.6). The mux
    /// driver lives in `scope`.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// The handshake fails or is not done by `deadline`, what follows in the frames is refused, or
    /// this build has no websocket.
    pub async fn websocket(
        &self,
        stream: Stream,
        scope: &Scope,
        deadline: Instant,
    ) -> Result<Link> {
        let stream = Box::pin(websocket::upgrade(stream, deadline)).await?;
        self.carried(stream, scope, deadline).await
    }

    /// Serves a stream that carries what a client would send on a bare socket: TLS with or without
    /// a 0x17 in front, or neither (protocol 1.2). The mux driver lives in `scope`.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// Nothing comes by `deadline`, or as for [`tls`](Self::tls) and [`plain`](Self::plain).
    pub async fn carried(
        &self,
        mut stream: Stream,
        scope: &Scope,
        deadline: Instant,
    ) -> Result<Link> {
        match by(deadline, "first byte", stream.read_u8()).await?? {
            FIRST_BYTE => self.tls(stream, scope, deadline).await,
            first @ TLS_HANDSHAKE => {
                let stream = stream.rewind(Bytes::copy_from_slice(&[first]));
                self.tls(stream, scope, deadline).await
            }
            first => self.plain(stream.rewind(Bytes::copy_from_slice(&[first])), scope),
        }
    }

    /// Serves a stream that begins with neither of the two TLS bytes. The mux driver lives in
    /// `scope`.
    ///
    /// # Errors
    /// `transport.tls.force` is set.
    pub fn plain(&self, stream: Stream, scope: &Scope) -> Result<Link> {
        if self.force {
            let text = "transport.tls.force is set and the client does not use tls";
            return Err(TransportError::Refused(text.to_owned()));
        }
        self.split(stream, scope)
    }

    /// Serves a stream that needs no TLS, because its transport encrypts by itself or because TLS
    /// is done. The mux driver lives in `scope`.
    ///
    /// # Errors
    /// The mux settings do not fit.
    pub fn split(&self, stream: Stream, scope: &Scope) -> Result<Link> {
        match &self.mux {
            Some(mux) => Ok(Link::Session(DynMux::server(mux, stream, scope)?)),
            None => Ok(Link::Pipe(stream)),
        }
    }
}

/// The record type that begins a TLS handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Does `work`, unless the deadline comes first.
pub(super) async fn by<T>(
    deadline: Instant,
    what: &str,
    work: impl Future<Output = T>,
) -> Result<T> {
    let begun = Instant::now();
    tokio::time::timeout_at(deadline, work)
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: what.to_owned(),
            after: begun.elapsed(),
        })
}

impl fmt::Debug for ServerStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStack")
            .field("force", &self.force)
            .field("mux", &self.mux)
            .finish_non_exhaustive()
    }
}
