//! The transports that the stock programs have.

use culvert_transport::{Side, Transports};

/// One line for each transport of this build.
#[must_use]
pub fn standard<S: Side + ?Sized>() -> Transports<S> {
    let transports = Transports::new().with(culvert_tcp::Tcp);
    #[cfg(feature = "kcp")]
    let transports = transports.with(culvert_kcp::KcpTransport);
    #[cfg(feature = "websocket")]
    let transports = transports
        .with(culvert_websocket::Websocket)
        .with(culvert_websocket::Wss);
    #[cfg(feature = "quic")]
    let transports = transports.with(culvert_quic::Quic);
    transports
}
