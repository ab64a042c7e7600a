//! Over how many links of which transport the streams of one login go.

use crate::client::{ClientConfig, Protocol};
use crate::extend::FreeTable;

/// `transport.sessions`: links to the server that one login uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// This many, from 1 to [`MOST`](Self::MOST).
    Fixed(u8),
    /// As many as traffic and the network ask for, at most [`MOST`](Self::MOST).
    Auto,
}

impl Sessions {
    /// The most links. More than a handful of connections to one server add nothing but unfairness
    /// to others; browsers stop at six.
    pub const MOST: u8 = 8;
    /// The word for [`Auto`](Self::Auto).
    pub const AUTO: &'static str = "auto";
}

/// One, as upstream has it.
impl Default for Sessions {
    fn default() -> Self {
        Self::Fixed(1)
    }
}

/// `transport.workConnProtocol` with what belongs to it: another way for work connections than
/// that of the control connection.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkConns {
    /// What carries them.
    pub protocol: Protocol,
    /// The free table of a transport beyond upstream's.
    pub own: FreeTable,
    /// The server's port for it; `None` = that of the control connection.
    pub port: Option<u16>,
}

impl ClientConfig {
    /// The same configuration as it is for links of work connections, if those have a transport of
    /// their own.
    #[must_use]
    pub fn for_work_conns(&self) -> Option<Self> {
        let work = self.transport.work_conns.as_ref()?;
        let mut config = self.clone();
        config.transport.protocol = work.protocol.clone();
        config.transport.own = work.own.clone();
        config.server_port = work.port.unwrap_or(self.server_port);
        Some(config)
    }
}
