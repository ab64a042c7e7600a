//! From options to what quinn takes: transport parameters, limits, certificates.

use std::{sync::Arc, time::Duration};

use culvert_io::{FastPath, FastPaths};
use culvert_tls::IdentityFiles;
use culvert_transport::{Result, TlsOptions, TransportError};
use quinn::{
    ClientConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt,
    congestion::{ControllerFactory, CubicConfig, NewRenoConfig},
    crypto::{
        self,
        rustls::{QuicClientConfig, QuicServerConfig},
    },
};

use crate::{Congestion, QuicOptions, congestion::BbrConfig, error, nameless::Nameless};

/// The protocol that both ends name in the handshake (protocol 2.5).
pub(crate) const ALPN: &[u8] = b"frp";

/// Streams that a peer may have open before it has proved who it is; it needs one, to log in.
pub(crate) const STRANGER_STREAMS: u32 = 16;
/// Bytes that such a peer may send ahead of our readers; the same for every kind of stranger.
const STRANGER_WINDOW: u32 = 64 * 1024;

/// Connection attempts that wait for us to look at them. We look at once, so this many come within
/// one turn of the thread.
const UNSEEN: usize = 1024;
/// Bytes kept for each of these; a first flight is two packets, and Go's spans two.
const UNSEEN_BYTES: u64 = 16 * 1024;
/// Bytes kept for all of these.
const ALL_UNSEEN_BYTES: u64 = 4 << 20;

/// Bytes of datagrams that wait: for the network, or for the task that hands received ones out at
/// once. The oldest are dropped. A burst of 64 datagrams of the largest packets, as systems deliver
/// them together, twice over; at 10 Mbit/s it takes 0.2 s, so that nothing waits there for long.
const DATAGRAMS: usize = 256 << 10;

/// What a session does with its limits once its peer is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Streams that the peer may ever have open.
    pub(crate) streams: u32,
    /// Bytes that the peer may send ahead of our readers.
    pub(crate) window: u32,
    /// Whether it may send datagrams.
    pub(crate) datagrams: bool,
}

impl Limits {
    pub(crate) const fn of(options: &QuicOptions) -> Self {
        Self {
            streams: options.max_incoming_streams,
            window: options.connection_receive_window,
            datagrams: options.datagrams,
        }
    }
}

/// Parameters of every connection, with the limits for strangers.
fn transport(options: &QuicOptions) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    let idle = Duration::from_secs(options.max_idle_timeout);
    // Upstream's library probes at least twice within the idle time, too (quic-go).
    let most = if idle.is_zero() {
        Duration::MAX
    } else {
        idle / 2
    };
    let keepalive = Duration::from_secs(options.keepalive_period);
    let idle = IdleTimeout::try_from(idle).ok().filter(|_| !idle.is_zero());
    config
        .max_idle_timeout(idle)
        .keep_alive_interval((!keepalive.is_zero()).then(|| keepalive.min(most)))
        .max_concurrent_bidi_streams(options.max_incoming_streams.min(STRANGER_STREAMS).into())
        // Nobody opens such streams.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(options.datagrams.then_some(DATAGRAMS))
        .datagram_send_buffer_size(DATAGRAMS)
        .stream_receive_window(options.stream_receive_window.into())
        .receive_window(
            options
                .connection_receive_window
                .min(STRANGER_WINDOW)
                .into(),
        )
        .send_window(options.send_window.into())
        .enable_segmentation_offload(FastPaths::default().takes(FastPath::Gso))
        .congestion_controller_factory(controller(options.congestion));
    Arc::new(config)
}

fn controller(which: Congestion) -> Arc<dyn ControllerFactory + Send + Sync + 'static> {
    match which {
        Congestion::Cubic => Arc::new(CubicConfig::default()),
        Congestion::Bbr => Arc::new(BbrConfig),
        Congestion::NewReno => Arc::new(NewRenoConfig::default()),
    }
}

fn identity(tls: &TlsOptions) -> Option<IdentityFiles> {
    let (cert, key) = tls.identity.clone()?;
    Some(IdentityFiles { cert, key })
}

/// Settings of a server. Reads the certificate files, or generates a certificate.
pub(crate) fn server(options: &QuicOptions, tls: &TlsOptions) -> Result<ServerConfig> {
    let identity = identity(tls);
    let config = culvert_tls::server_config(identity.as_ref(), tls.trusted_ca.as_deref())
        .map_err(error::tls)?;
    server_with(options, Arc::unwrap_or_clone(config), |crypto| crypto)
}

/// Settings of a server whose clients may ask for any name, and verify nothing.
pub(crate) fn server_for_anyone(options: &QuicOptions) -> Result<ServerConfig> {
    let config = culvert_tls::server_config_nameless().map_err(error::tls)?;
    server_with(options, config, |crypto| Arc::new(Nameless(crypto)))
}

fn server_with<C: crypto::ServerConfig + 'static>(
    options: &QuicOptions,
    mut config: culvert_tls::ServerConfig,
    wrap: impl FnOnce(Arc<QuicServerConfig>) -> Arc<C>,
) -> Result<ServerConfig> {
    config.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicServerConfig::try_from(config).map_err(|err| unfit(&err))?;
    let mut config = ServerConfig::with_crypto(wrap(Arc::new(crypto)));
    config
        .transport_config(transport(options))
        .max_incoming(UNSEEN)
        .incoming_buffer_size(UNSEEN_BYTES)
        .incoming_buffer_size_total(ALL_UNSEEN_BYTES);
    Ok(config)
}

/// Settings of a client. Reads the certificate files.
pub(crate) fn client(options: &QuicOptions, tls: &TlsOptions) -> Result<ClientConfig> {
    client_speaking(options, tls, ALPN)
}

/// The same with another protocol in the handshake.
pub(crate) fn client_speaking(
    options: &QuicOptions,
    tls: &TlsOptions,
    alpn: &[u8],
) -> Result<ClientConfig> {
    let identity = identity(tls);
    let config = culvert_tls::client_config(identity.as_ref(), tls.trusted_ca.as_deref())
        .map_err(error::tls)?;
    client_with(options, config, alpn)
}

/// Settings of a client that verifies nobody.
pub(crate) fn client_of_anyone(options: &QuicOptions) -> Result<ClientConfig> {
    let config = culvert_tls::client_config_unverified().map_err(error::tls)?;
    client_with(options, config, ALPN)
}

fn client_with(
    options: &QuicOptions,
    config: Arc<culvert_tls::ClientConfig>,
    alpn: &[u8],
) -> Result<ClientConfig> {
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = vec![alpn.to_vec()];
    let crypto = QuicClientConfig::try_from(config).map_err(|err| unfit(&err))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport(options));
    Ok(config)
}

/// The provider has the suite that QUIC begins with; only a mistake of ours takes it away.
fn unfit(err: &dyn std::error::Error) -> TransportError {
    TransportError::Internal(format!("quic settings: {err}"))
}
