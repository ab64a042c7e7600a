//! The accepting side: settings and handshake.

use std::{path::Path, sync::Arc};

use culvert_io::Stream;
use rustls::{ServerConfig, server::UnbufferedServerConnection, sign::SingleCertAndKey};

use crate::{
    TlsError,
    handshake::handshake,
    identity::{self, IdentityFiles},
    provider::provider,
    verify::ClientsOf,
};

/// Settings of a server: TLS 1.2 and 1.3, no ALPN (protocol 2.2).
///
/// Without `identity` a certificate is generated. With `client_ca` every client must show a
/// certificate that the authority has signed.
///
/// # Errors
/// A file cannot be used; the text says which and what to do.
pub fn server_config(
    identity: Option<&IdentityFiles>,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(provider());
    let identity = match identity {
        Some(files) => identity::load(files, &provider)?,
        None => identity::generate(&provider)?,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?;
    let builder = match client_ca {
        Some(path) => {
            let verifier = ClientsOf::load(path, &provider)?;
            builder.with_client_cert_verifier(Arc::new(verifier))
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    // Go sends one; a client that dials for every purpose can resume with it.
    config.send_tls13_tickets = 1;
    config.enable_secret_extraction = true;
    Ok(Arc::new(config))
}

/// These settings, with a protocol that the client names chosen by ALPN, the first of `protocols`
/// that it offers (RFC 7301).
#[must_use]
pub fn with_alpn(mut config: Arc<ServerConfig>, protocols: &[&str]) -> Arc<ServerConfig> {
    let names = protocols.iter().map(|name| name.as_bytes().to_vec());
    Arc::make_mut(&mut config).alpn_protocols = names.collect();
    config
}

/// Does the server's part of the handshake on a stream that begins with a ClientHello; the byte
/// 0x17 that some clients send before it must be gone. Give it a deadline.
///
/// *Cancel safety*: the stream is dropped with the future.
///
/// # Errors
/// The client speaks no TLS, shows no acceptable certificate, or goes away.
pub async fn accept(stream: Stream, config: &Arc<ServerConfig>) -> Result<Stream, TlsError> {
    let conn = UnbufferedServerConnection::new(Arc::clone(config)).map_err(TlsError::Settings)?;
    handshake(stream, conn, config.enable_secret_extraction).await
}
