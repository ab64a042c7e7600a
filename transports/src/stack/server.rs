//! Taking the layers off: from an accepted stream to a link that carries messages.

use std::{fmt, sync::Arc};

use culvert_conf::ServerTransport;
use culvert_io::{Scope, Stream};
use culvert_tls::{ServerConfig, accept, server_config};
use culvert_transport::{DynMux, Link, Result, TransportError};
use tokio::time::Instant;

use super::{failed, identity};
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

    /// Serves a stream that begins with a ClientHello; a 0x17 in front of it is gone already. The
    /// mux driver lives in `scope`.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// The handshake fails, or is not done by `deadline`.
    pub async fn tls(&self, stream: Stream, scope: &Scope, deadline: Instant) -> Result<Link> {
        let begun = Instant::now();
        let stream = tokio::time::timeout_at(deadline, accept(stream, &self.tls))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: "tls handshake".to_owned(),
                after: begun.elapsed(),
            })?
            .map_err(failed)?;
        self.split(stream, scope)
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

    fn split(&self, stream: Stream, scope: &Scope) -> Result<Link> {
        match &self.mux {
            Some(mux) => Ok(Link::Session(DynMux::server(mux, stream, scope)?)),
            None => Ok(Link::Pipe(stream)),
        }
    }
}

impl fmt::Debug for ServerStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStack")
            .field("force", &self.force)
            .field("mux", &self.mux)
            .finish_non_exhaustive()
    }
}
