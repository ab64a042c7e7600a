//! Dialling what users of a forward proxy ask for: resolved first, then checked, then connected.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use culvert_conf::Network;
use culvert_io::Stream;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// How long resolving and connecting may take in all (Go's default transport: 30 s).
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The most addresses of one name that are tried.
const MAX_ADDRS: usize = 16;

/// Addresses that users must not reach (`denyTargets`), shared by the connections of a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Deny(Arc<[Network]>);

impl Deny {
    /// What a configuration denies.
    pub(crate) fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    fn has(&self, ip: IpAddr) -> bool {
        // Systems take the unspecified address for this machine.
        let meant = match ip.to_canonical() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let denies = |network: &Network| network.contains(ip) || network.contains(meant);
        self.0.iter().any(denies)
    }
}

/// Connects to `host`, a name or an address without brackets. What is denied is told by
/// [`io::ErrorKind::PermissionDenied`].
///
/// *Cancel safety*: the connection is closed.
///
/// # Errors
/// The name is unknown, all its addresses are denied, or none accepts in time.
pub(crate) async fn dial(host: &str, port: u16, deny: &Deny) -> io::Result<Stream> {
    timeout(DIAL_TIMEOUT, connect(host, port, deny))
        .await
        .map_err(|_| {
            let text = format!("no answer within {} s", DIAL_TIMEOUT.as_secs());
            io::Error::new(io::ErrorKind::TimedOut, text)
        })?
}

async fn connect(host: &str, port: u16, deny: &Deny) -> io::Result<Stream> {
    let addrs: Vec<SocketAddr> = lookup_host((host, port)).await?.take(MAX_ADDRS).collect();
    let mut error = io::Error::new(io::ErrorKind::NotFound, "no such host");
    // The address that was checked is the one connected to: a name cannot change in between.
    for addr in addrs {
        if deny.has(addr.ip()) {
            error = io::Error::new(io::ErrorKind::PermissionDenied, "target is denied");
            continue;
        }
        match TcpStream::connect(addr).await {
            Ok(socket) => return Stream::connected(socket, addr),
            Err(err) => error = err,
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_checked_after_resolution() {
        let local = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        let deny = Deny::new(&local);
        for host in [
            "localhost",
            "127.0.0.1",
            "::ffff:127.0.0.1",
            "::1",
            "0.0.0.0",
            "::",
            "127.1",
        ] {
            let error = dial(host, 1, &deny).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{host}");
        }
    }
}
