//! What `transport.protocol = "auto"` may choose from, and how it goes about it.

use std::{path::PathBuf, time::Duration};

use crate::client::Protocol;

/// `transport.auto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoTransport {
    /// The transports to choose from, the one to prefer first; at least one, none of them twice.
    pub candidates: Vec<Candidate>,
    /// How long one may be silent before the next is tried as well.
    pub head_start: Duration,
    /// How long after a switch a better transport is tried again.
    pub probe_interval: Duration,
    /// Where the winner of each network is kept over restarts; `None` = in memory only.
    pub state_file: Option<PathBuf>,
}

/// One transport that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub protocol: Protocol,
    /// The server's port for it; `None` = that of the server.
    pub port: Option<u16>,
}

impl AutoTransport {
    /// What is tried when nothing is written, best first: no head-of-line blocking, then the
    /// cheapest, then what looks like the web from outside, then what plain web proxies understand.
    pub const CANDIDATES: [&'static str; 4] = ["quic", "tcp", "wss", "websocket"];
    /// What may be listed; a link over kcp says nothing of whether anybody is there, so it is
    /// tried only where it is wanted.
    pub const KNOWN: [&'static str; 5] = ["tcp", "kcp", "quic", "websocket", "wss"];
    /// Milliseconds of head start: RFC 8305, section 5.
    pub const HEAD_START: u64 = 250;
    /// The least and the most that may be written: RFC 8305, section 8, has the same.
    pub const HEAD_STARTS: std::ops::RangeInclusive<u64> = 10..=2000;
    /// Seconds to the first probe: a block that is lifted is noticed within a minute even after
    /// the waits have grown threefold.
    pub const PROBE_INTERVAL: u64 = 15;
}
