//! `transport.auto` of frpc; ours, not upstream's.

use crate::decode::section;

section! {
    /// `transport.auto`.
    struct RawAuto {
        /// The transports to choose from, the one to prefer first; default quic, tcp, wss,
        /// websocket. Also known: kcp.
        "candidates" => candidates: Vec<String>,
        /// The server's ports.
        "ports" => ports: RawAutoPorts,
        /// Milliseconds that one transport may be silent before the next is tried as well; 10 to
        /// 2000, default 250.
        "headStartMs" => head_start_ms: i64,
        /// Seconds after which a better transport is tried again, up to three times as long while
        /// it does not work; default 15.
        "probeInterval" => probe_interval: i64,
        /// Keep what works on which network in this file, relative to this file's folder; default:
        /// in memory only.
        "stateFile" => state_file: String,
    }
}

section! {
    /// `transport.auto.ports`.
    struct RawAutoPorts {
        /// Default serverPort.
        "tcp" => tcp: i64,
        /// Default serverPort.
        "kcp" => kcp: i64,
        /// Default serverPort.
        "quic" => quic: i64,
        /// Default serverPort.
        "websocket" => websocket: i64,
        /// Default serverPort; with a web server in front of frps, often 443.
        "wss" => wss: i64,
    }
}
