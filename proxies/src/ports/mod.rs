//! The ports of the server that proxies take, one pool for tcp and one for udp (protocol 7).

mod bind;
mod table;
#[cfg(test)]
mod tests;

use std::{io, net::IpAddr, sync::Arc};

use culvert_conf::PortRanges;
use culvert_proxy::{Lease, ProxyError};
use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};

use table::Table;

/// How many random ports are tried when the client leaves the choice to us (upstream
/// server/ports/ports.go).
const RANDOM_TRIES: usize = 5;

/// Why a port was not given; the texts are upstream's and operators know them.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum PortError {
    /// Another proxy has it.
    #[error("port already used")]
    AlreadyUsed,
    /// `allowPorts` does not contain it.
    #[error("port not allowed")]
    NotAllowed,
    /// Another program has it, or the system does not let us.
    #[error("port unavailable")]
    Unavailable,
    /// The client left the choice to us, and nothing that we tried was free.
    #[error("no available port")]
    NoneLeft,
}

impl From<PortError> for ProxyError {
    fn from(error: PortError) -> Self {
        Self::refused(error.to_string())
    }
}

/// A bound socket with its port and the lease that frees the port.
///
/// Close the socket before the lease is dropped: keep both in one place.
#[derive(Debug)]
pub struct Bound<S> {
    /// The socket; declared first, so that it is closed first.
    pub socket: S,
    /// The port it has.
    pub port: u16,
    /// Frees the port for other proxies.
    pub lease: Lease,
}

/// The ports of one protocol.
#[derive(Clone, Debug)]
pub struct Ports {
    addr: IpAddr,
    table: Arc<Mutex<Table>>,
}

impl Ports {
    /// A pool on `proxyBindAddr` with the ports of `allowPorts`.
    #[must_use]
    pub fn new(addr: IpAddr, allow: PortRanges) -> Self {
        Self {
            addr,
            table: Arc::new(Mutex::new(Table::new(allow))),
        }
    }

    /// From now on only ports of `allow` are given; those that are taken stay so.
    pub fn allow(&self, allow: PortRanges) {
        self.table.lock().allow(allow);
    }

    /// Listens on the TCP port `want` for the proxy `name`; 0 leaves the choice to us. Must be
    /// called on the runtime that will accept.
    ///
    /// # Errors
    /// See [`PortError`].
    pub fn listen_tcp(&self, name: &str, want: i64) -> Result<Bound<TcpListener>, PortError> {
        self.take(name, want, |port| bind::tcp(self.addr, port))
    }

    /// Binds the UDP port `want` for the proxy `name`; 0 leaves the choice to us. Must be called
    /// on the runtime that will receive.
    ///
    /// # Errors
    /// See [`PortError`].
    pub fn bind_udp(&self, name: &str, want: i64) -> Result<Bound<UdpSocket>, PortError> {
        self.take(name, want, |port| bind::udp(self.addr, port))
    }

    fn take<S>(
        &self,
        name: &str,
        want: i64,
        bind: impl Fn(u16) -> io::Result<S>,
    ) -> Result<Bound<S>, PortError> {
        if want != 0 {
            let port = u16::try_from(want).map_err(|_| PortError::NotAllowed)?;
            return self.take_one(name, port, &bind);
        }
        let before = self.table.lock().last_port_of(name);
        if let Some(bound) = before.and_then(|port| self.take_one(name, port, &bind).ok()) {
            return Ok(bound);
        }
        for _ in 0..RANDOM_TRIES {
            let draw = getrandom::u32().map_err(|_| PortError::NoneLeft)?;
            let free = self.table.lock().free_port(draw);
            let port = free.ok_or(PortError::NoneLeft)?;
            if let Ok(bound) = self.take_one(name, port, &bind) {
                return Ok(bound);
            }
        }
        Err(PortError::NoneLeft)
    }

    fn take_one<S>(
        &self,
        name: &str,
        port: u16,
        bind: &impl Fn(u16) -> io::Result<S>,
    ) -> Result<Bound<S>, PortError> {
        self.table.lock().reserve(port)?;
        match bind(port) {
            Ok(socket) => {
                let table = Arc::clone(&self.table);
                let name = name.to_owned();
                let lease = Lease::new(move || table.lock().release(port, Some(&name)));
                Ok(Bound {
                    socket,
                    port,
                    lease,
                })
            }
            Err(error) => {
                self.table.lock().release(port, None);
                tracing::debug!("port [{port}] cannot be bound: {error}");
                Err(PortError::Unavailable)
            }
        }
    }
}
