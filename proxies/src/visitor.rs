//! What a client runs for a configured visitor.

use std::sync::Arc;

use culvert_conf::{VisitorConfig, VisitorKind};
use culvert_proxy::{BoxVisitor, ProxyError};

use crate::{ClientCx, stcp::StcpVisitor, sudp::SudpVisitor};

/// What takes the users of `visitor`.
///
/// # Errors
/// Refused, with the visitor's name, when this build does not have its type or plugin.
pub fn client_visitor(visitor: &VisitorConfig, cx: &ClientCx) -> Result<BoxVisitor, ProxyError> {
    let name = &visitor.name;
    if visitor.plugin.is_some() {
        return Err(ProxyError::refused(format!(
            "visitor [{name}]: plugins are not part of this build; use bindPort"
        )));
    }
    match visitor.kind {
        VisitorKind::Stcp => Ok(Arc::new(StcpVisitor::new(visitor))),
        VisitorKind::Sudp => Ok(Arc::new(SudpVisitor::new(visitor, cx.udp_packet_size))),
        VisitorKind::Xtcp(_) => Err(ProxyError::refused(format!(
            "visitor [{name}]: type [xtcp] is not part of this build; it has stcp and sudp"
        ))),
    }
}
