//! The checks of one visitor (upstream: pkg/config/v1/validation/visitor.go).

use std::time::Duration;

use super::{Checker, count, optional, seconds, text};
use crate::raw::visitor::{RawVisitor, RawVisitorKind, RawXtcpVisitor};
use crate::types::{LONGEST, Port};
use crate::visitor::{
    Fallback, VisitorConfig, VisitorKind, VisitorPlugin, XtcpProtocol, XtcpVisitor,
};

impl Checker<'_> {
    /// One visitor of the client of `user`.
    pub(super) fn visitor(&mut self, raw: RawVisitor, user: &str) -> VisitorConfig {
        let at = format!("visitors[{}]", raw.index);
        let base = raw.base;
        if base.name.is_empty() {
            self.missing(&format!("{at}.name"), "name is required");
        }
        if base.server_name.is_empty() {
            self.missing(&format!("{at}.serverName"), "server name is required");
        }
        let bind_port = match base.bind_port {
            0 => {
                self.missing(&format!("{at}.bindPort"), "bind port is required");
                None
            }
            ..0 => None,
            found => Port::new(self.port(&format!("{at}.bindPort"), "bindPort", found)),
        };
        let kind = match raw.kind {
            RawVisitorKind::Stcp => VisitorKind::Stcp,
            RawVisitorKind::Sudp => VisitorKind::Sudp,
            RawVisitorKind::Xtcp(own) => VisitorKind::Xtcp(self.xtcp(&at, own)),
        };
        VisitorConfig {
            name: base.name,
            use_encryption: base.transport.use_encryption,
            use_compression: base.transport.use_compression,
            secret_key: base.secret_key,
            server_user: text(base.server_user, user),
            server_name: base.server_name,
            bind_addr: text(base.bind_addr, "127.0.0.1"),
            bind_port,
            plugin: base.plugin.map(|plugin| VisitorPlugin::VirtualNet {
                destination_ip: plugin.0.destination_ip,
            }),
            kind,
        }
    }

    fn xtcp(&mut self, at: &str, own: RawXtcpVisitor) -> XtcpVisitor {
        let protocols = [
            ("", XtcpProtocol::Quic),
            ("quic", XtcpProtocol::Quic),
            ("kcp", XtcpProtocol::Kcp),
        ];
        let key = format!("{at}.protocol");
        let gist = "protocol should be kcp or quic";
        let protocol = self.choice(&key, &own.protocol, gist, &protocols);
        let after = match own.fallback_timeout_ms {
            0 => Duration::from_secs(1),
            found => Duration::from_millis(u64::try_from(found).unwrap_or(0)).min(LONGEST),
        };
        XtcpVisitor {
            protocol,
            keep_tunnel_open: own.keep_tunnel_open,
            max_retries_an_hour: count(own.max_retries_an_hour, 8),
            min_retry_interval: seconds(own.min_retry_interval, 90).unwrap_or(Duration::ZERO),
            fallback: optional(own.fallback_to).map(|visitor| Fallback { visitor, after }),
            disable_assisted_addrs: own.nat_traversal.disable_assisted_addrs,
        }
    }
}
