//! Upstream's numbers (protocol 2.4), larger where that is ours to choose, and our own options.

use serde::Deserialize;

/// How one end of a conversation behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameters {
    /// Segments that may be in flight; also what a writer may queue, in full segments.
    pub send_window: u16,
    /// Segments that may wait for our reader.
    pub receive_window: u16,
    /// Whether datagrams carry the FEC header, as all of upstream's do.
    pub fec: bool,
    /// Whether parity is sent; needs `fec`.
    pub parity: bool,
}

impl Parameters {
    /// What a server uses, and both ends of an xtcp tunnel.
    pub const SERVER: Self = Self {
        send_window: 1024,
        receive_window: 1024,
        fec: true,
        parity: true,
    };
    /// What a client uses. Upstream's sends 128 segments ahead, which at 200 ms are 7 Mbit/s; every
    /// server takes 1024.
    pub const CLIENT: Self = Self {
        send_window: 1024,
        receive_window: 512,
        fec: true,
        parity: true,
    };

    /// The same with these options.
    #[must_use]
    pub const fn with(mut self, options: &KcpOptions) -> Self {
        self.fec = options.fec;
        self.parity = options.parity;
        self
    }

    /// The same with another receive window.
    #[must_use]
    pub const fn with_receive_window(mut self, segments: u16) -> Self {
        self.receive_window = segments;
        self
    }
}

/// The table `[transport.kcp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KcpOptions {
    /// `fec`: send the FEC header; default true, as upstream. What arrives is understood anyway.
    pub fec: bool,
    /// `parity`: send parity, 3 datagrams for every 10; default true, as upstream.
    pub parity: bool,
}

impl Default for KcpOptions {
    fn default() -> Self {
        Self {
            fec: true,
            parity: true,
        }
    }
}
