//! `virtual_net`: a network of clients, whose packets travel over ordinary secret services
//! (protocol 8.3; upstream pkg/vnet). Only Linux has the device that it needs.

mod device;
pub mod packet;
mod switch;

use culvert_io::Scope;
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use tracing::Instrument;

pub use self::switch::VirtualNet;

/// The plugin: what visitors send goes into the network, and answers find their way back.
#[derive(Debug)]
pub(crate) struct Gate(VirtualNet);

impl Gate {
    /// The plugin in the network of the program.
    ///
    /// # Errors
    /// Refused when there is none.
    pub(crate) fn new(net: Option<&VirtualNet>) -> Result<Self, ProxyError> {
        let text = "the plugin virtual_net needs virtualNet.address";
        net.cloned()
            .map(Self)
            .ok_or_else(|| ProxyError::refused(text))
    }
}

impl ClientProxy for Gate {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            if let Err(err) = self.0.learn(work.stream).await {
                tracing::debug!("virtual net connection ended: {err}");
            }
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}

#[cfg(test)]
mod tests;
