//! quic as one of the transports.

use std::net::SocketAddr;

use culvert_transport::{Options, Result, Traits, Transport};

use crate::{QuicConnector, QuicListener};

/// QUIC, `transport.protocol = "quic"`. Its own table is that of
/// [`QuicOptions`](crate::QuicOptions).
#[derive(Clone, Copy, Debug, Default)]
pub struct Quic;

impl Transport for Quic {
    type Connector = QuicConnector;
    type Listener = QuicListener;

    const NAME: &'static str = "quic";
    const TRAITS: Traits = Traits::COMPLETE;

    fn connector(&self, opts: &Options) -> Result<QuicConnector> {
        QuicConnector::new(opts)
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<QuicListener> {
        QuicListener::bind(at, opts)
    }
}
