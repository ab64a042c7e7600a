//! A look at the TLS of a server: the handshake of the tcp transport, and what the server shows in
//! it.

use std::fmt;

use culvert_conf::{ClientConfig, ClientTlsOn};
use culvert_io::Stream;
use culvert_tls::{Certificate, Watch};
use culvert_transport::Result;

use super::client::Tls;

/// A handshake that is looked at.
pub struct Inspection {
    tls: Tls,
    watch: Watch,
}

impl Inspection {
    /// A handshake as `config` wants it, whether it turns TLS on or not. Reads certificate files.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        let default = ClientTlsOn::default();
        let on = config.transport.tls.enabled.as_ref().unwrap_or(&default);
        let (tls, watch) = Tls::watched(on, &config.server_addr)?;
        Ok(Self { tls, watch })
    }

    /// Does the handshake. Give it a deadline.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// The server speaks no TLS, is not who it should be, refuses us, or goes away.
    pub async fn shake(&self, stream: Stream) -> Result<Stream> {
        self.tls.wrap(stream).await
    }

    /// The certificate that the server has shown, believed or not.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        self.watch.certificate()
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").finish_non_exhaustive()
    }
}
