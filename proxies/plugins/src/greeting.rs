//! What a plugin tells the service behind it of the user.

use std::io;

use culvert_conf::ProxyProtocol;
use culvert_wire::msg::StartWorkConn;

/// Writes the PROXY protocol header for a user, if the server told who that is.
pub type WriteHeader = fn(ProxyProtocol, &StartWorkConn) -> io::Result<Option<Vec<u8>>>;

/// The PROXY protocol header of a proxy (protocol 5.2). Only the plugins that pass bytes on as
/// they are send it.
#[derive(Clone, Copy, Debug)]
pub struct Greeting {
    /// `transport.proxyProtocolVersion`.
    pub version: Option<ProxyProtocol>,
    /// What writes it.
    pub write: WriteHeader,
}

impl Greeting {
    /// The header for the user of a work connection; empty when none is wanted.
    ///
    /// # Errors
    /// The server gave something else than addresses.
    pub(crate) fn header(&self, start: &StartWorkConn) -> io::Result<Vec<u8>> {
        let header = match self.version {
            Some(version) => (self.write)(version, start)?,
            None => None,
        };
        Ok(header.unwrap_or_default())
    }
}
