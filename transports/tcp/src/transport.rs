//! tcp as one of the transports.

use std::net::SocketAddr;

use culvert_transport::{Options, Result, Traits, Transport};

use crate::{TcpAcceptor, TcpConnector, bind};

/// Plain TCP, `transport.protocol = "tcp"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Transport for Tcp {
    type Connector = TcpConnector;
    type Listener = TcpAcceptor;

    const NAME: &'static str = "tcp";
    const TRAITS: Traits = Traits::PIPE;

    fn connector(&self, opts: &Options) -> Result<TcpConnector> {
        TcpConnector::from_options(opts)
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<TcpAcceptor> {
        Ok(TcpAcceptor::new(bind(at)?, opts.common.keepalive))
    }
}
