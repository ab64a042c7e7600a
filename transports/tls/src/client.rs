//! The dialling side: settings, names and handshake.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
};

use culvert_io::Stream;
use rustls::{
    ClientConfig, RootCertStore,
    client::{UnbufferedClientConnection, danger::ServerCertVerifier},
    sign::SingleCertAndKey,
};
use rustls_pki_types::ServerName;

use crate::{
    TlsError,
    handshake::handshake,
    identity::{self, IdentityFiles},
    provider::provider,
    verify::{ServersOf, Unverified},
    watch::{Watch, Watched},
};

/// The byte that a client sends, as its own write, before its ClientHello when
/// `transport.tls.disableCustomTLSFirstByte` is false (protocol 2.2).
pub const FIRST_BYTE: u8 = 0x17;

/// Settings of a client: TLS 1.2 and 1.3, no ALPN (protocol 2.2).
///
/// With `ca` the server's chain and name are verified. Without it nothing is, as upstream does,
/// and a warning says how to change that.
///
/// # Errors
/// A file cannot be used; the text says which and what to do.
pub fn client_config(
    identity: Option<&IdentityFiles>,
    ca: Option<&Path>,
) -> Result<Arc<ClientConfig>, TlsError> {
    if ca.is_none() {
        tracing::warn!(
            "the server's certificate is not verified, set transport.tls.trustedCaFile to the \
             certificate of its authority to verify it"
        );
    }
    config_with(identity, ca, |verifier| verifier)
}

/// The same settings, and what the server shows in the first handshake with them.
///
/// # Errors
/// As there.
pub fn client_config_watched(
    identity: Option<&IdentityFiles>,
    ca: Option<&Path>,
) -> Result<(Arc<ClientConfig>, Watch), TlsError> {
    let watch = Watch::default();
    let config = config_with(identity, ca, |inner| {
        Arc::new(Watched {
            inner,
            watch: watch.clone(),
        })
    });
    Ok((config?, watch))
}

fn config_with(
    identity: Option<&IdentityFiles>,
    ca: Option<&Path>,
    around: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(provider());
    let verifier: Arc<dyn ServerCertVerifier> = match ca {
        Some(path) => Arc::new(ServersOf::load(path, &provider)?),
        None => Arc::new(Unverified::new(&provider)),
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?
        .dangerous()
        .with_custom_certificate_verifier(around(verifier));
    let config = match identity {
        Some(files) => {
            let identity = identity::load(files, &provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        None => builder.with_no_client_auth(),
    };
    Ok(finished(config))
}

/// Settings of a client that knowingly verifies nobody: for services of its own network, as
/// upstream's plugins reach them.
///
/// # Errors
/// A bug: the settings are always the same.
pub fn client_config_unverified() -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified::new(&provider)))
        .with_no_client_auth();
    Ok(finished(config))
}

/// Settings of a client that verifies servers as browsers do: against the authorities of the
/// system. For https proxies, not for frp's own servers.
///
/// # Errors
/// The system has no authorities.
pub fn client_config_of_system() -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (good, _bad) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        return Err(TlsError::NoAuthorities);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(finished(config))
}

/// Settings to be shared, whose connections may give their keys to our own records.
fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.enable_secret_extraction = true;
    Arc::new(config)
}

/// The name to send and to verify. An address is verified too, but not sent. When nothing is
/// `verified`, a text that is no name is simply not sent.
///
/// # Errors
/// The text is neither a host name nor an address, and it matters.
pub fn server_name(host: &str, verified: bool) -> Result<ServerName<'static>, TlsError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    // A zone says which of our interfaces to use; certificates know nothing of it.
    let bare = bare.split_once('%').map_or(bare, |(addr, _zone)| addr);
    match ServerName::try_from(bare) {
        Ok(name) => Ok(name.to_owned()),
        // Addresses are never sent, whichever it is.
        Err(_) if !verified => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()),
        Err(_) => Err(TlsError::Name(host.to_owned())),
    }
}

/// Does the client's part of the handshake. [`FIRST_BYTE`], if wanted, must have been sent. Give
/// it a deadline.
///
/// *Cancel safety*: the stream is dropped with the future.
///
/// # Errors
/// The server speaks no TLS, is not who it should be, refuses us, or goes away.
pub async fn connect(
    stream: Stream,
    config: &Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<Stream, TlsError> {
    let conn =
        UnbufferedClientConnection::new(Arc::clone(config), name).map_err(TlsError::Settings)?;
    handshake(stream, conn, config.enable_secret_extraction).await
}
