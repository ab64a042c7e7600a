//! kcp as one of the transports.

use std::net::SocketAddr;

use culvert_tcp::Resolver;
use culvert_transport::{Options, Result, Traits, Transport};

use crate::{KcpAcceptor, KcpConnector, KcpOptions, Parameters};

/// KCP over UDP, `transport.protocol = "kcp"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct KcpTransport;

impl Transport for KcpTransport {
    type Connector = KcpConnector;
    type Listener = KcpAcceptor;

    const NAME: &'static str = "kcp";
    const TRAITS: Traits = Traits::PIPE;

    fn connector(&self, opts: &Options) -> Result<KcpConnector> {
        let own: KcpOptions = opts.parse()?;
        let resolver = Resolver::new(opts.dns.as_deref());
        let parameters = Parameters::CLIENT.with(&own);
        Ok(KcpConnector::new(opts.common, resolver, parameters))
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<KcpAcceptor> {
        let own: KcpOptions = opts.parse()?;
        KcpAcceptor::bind(at, Parameters::SERVER.with(&own))
    }
}
