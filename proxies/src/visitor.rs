//! What a client runs for a configured visitor.

use std::sync::Arc;

use culvert_conf::{VisitorConfig, VisitorKind, VisitorPlugin};
use culvert_proxy::{BoxVisitor, ProxyError};

use crate::{
    ClientCx, stcp::StcpVisitor, sudp::SudpVisitor, virtual_net::VirtualNetVisitor,
    xtcp::XtcpVisitor,
};

/// What takes the users of `visitor`.
///
/// # Errors
/// Refused, with the visitor's name, when this build does not have its type or plugin.
pub fn client_visitor(visitor: &VisitorConfig, cx: &ClientCx) -> Result<BoxVisitor, ProxyError> {
    let name = &visitor.name;
    let refused = |text: &str| ProxyError::refused(format!("visitor [{name}]: {text}"));
    let inner: BoxVisitor = match &visitor.kind {
        VisitorKind::Stcp => Arc::new(StcpVisitor::new(visitor)),
        VisitorKind::Sudp => Arc::new(SudpVisitor::new(visitor, cx.udp_packet_size)),
        VisitorKind::Xtcp(own) => {
            let peers = cx.peers.clone();
            let peers = peers.ok_or_else(|| refused("nobody to meet peers with"))?;
            Arc::new(XtcpVisitor::new(visitor, own, peers))
        }
    };
    let Some(VisitorPlugin::VirtualNet { destination_ip }) = &visitor.plugin else {
        return Ok(inner);
    };
    if visitor.kind == VisitorKind::Sudp {
        return Err(refused("the plugin virtual_net needs type stcp or xtcp"));
    }
    let net = cx.virtual_net.as_ref();
    let net = net.ok_or_else(|| refused("the plugin virtual_net needs virtualNet.address"))?;
    let destination = destination_ip.parse();
    let destination = destination.map_err(|_| refused("plugin.destinationIP is no IP address"))?;
    Ok(Arc::new(VirtualNetVisitor::new(inner, destination, net)))
}
