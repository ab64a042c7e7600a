//! The checks of `transport.auto`.

use std::time::Duration;

use super::{Checker, path};
use crate::auto::{AutoTransport, Candidate};
use crate::client::Protocol;
use crate::raw::auto::{RawAuto, RawAutoPorts};
use crate::suggest;
use crate::types::Port;

impl Checker<'_> {
    /// What `auto` may choose from. A file of its own is as it is written, not yet beside the
    /// configuration.
    pub(super) fn auto_transport(&mut self, raw: RawAuto) -> AutoTransport {
        let mut written = raw.candidates;
        if written.is_empty() {
            written = AutoTransport::CANDIDATES.map(str::to_owned).to_vec();
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, name) in written.iter().enumerate() {
            let path = format!("transport.auto.candidates[{index}]");
            let Some(protocol) = self.candidate(&path, name) else {
                continue;
            };
            if candidates.iter().any(|known| known.protocol == protocol) {
                let gist = format!("invalid {path}, every transport is tried once");
                self.bad(&path, name, gist, "remove one of the two");
                continue;
            }
            let port = self.auto_port(&raw.ports, name);
            candidates.push(Candidate { protocol, port });
        }
        let interval = "transport.auto.probeInterval";
        let default = AutoTransport::PROBE_INTERVAL;
        AutoTransport {
            candidates,
            head_start: self.head_start(raw.head_start_ms),
            probe_interval: self.positive_seconds(interval, raw.probe_interval, default),
            state_file: path(raw.state_file),
        }
    }

    fn candidate(&mut self, path: &str, found: &str) -> Option<Protocol> {
        let known = AutoTransport::KNOWN;
        let protocol = match found {
            "tcp" => Protocol::Tcp,
            "kcp" => Protocol::Kcp,
            "quic" => Protocol::Quic,
            "websocket" => Protocol::Websocket,
            "wss" => Protocol::Wss,
            other => {
                let words = known.join(" ");
                let gist = format!("invalid {path}, optional values are [{words}]");
                let remedy = match suggest::nearest(other, &known) {
                    Some(word) => format!("did you mean {word:?}?"),
                    None => format!("write one of {}", known.join(", ")),
                };
                self.bad(path, other, gist, remedy);
                return None;
            }
        };
        Some(protocol)
    }

    fn auto_port(&mut self, ports: &RawAutoPorts, name: &str) -> Option<u16> {
        let (key, found) = match name {
            "tcp" => ("transport.auto.ports.tcp", ports.tcp),
            "kcp" => ("transport.auto.ports.kcp", ports.kcp),
            "quic" => ("transport.auto.ports.quic", ports.quic),
            "websocket" => ("transport.auto.ports.websocket", ports.websocket),
            _ => ("transport.auto.ports.wss", ports.wss),
        };
        self.optional_port(key, key, found).map(Port::get)
    }

    fn head_start(&mut self, found: i64) -> Duration {
        let allowed = AutoTransport::HEAD_STARTS;
        let default = AutoTransport::HEAD_START;
        let millis = match u64::try_from(found) {
            Ok(0) => default,
            Ok(millis) if allowed.contains(&millis) => millis,
            _ => {
                let path = "transport.auto.headStartMs";
                let (least, most) = (allowed.start(), allowed.end());
                let gist = format!("invalid {path}, it must be from {least} to {most}");
                let remedy = format!("leave it out for the default of {default}");
                self.bad(path, &found.to_string(), gist, remedy);
                default
            }
        };
        Duration::from_millis(millis)
    }
}
