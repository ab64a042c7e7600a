//! Dialling what users of a forward proxy ask for: resolved first, then checked, then connected.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use culvert_io::{Peer, Stream};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// How long resolving and connecting may take in all (Go's default transport: 30 s).
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The most addresses of one name that are tried.
const MAX_ADDRS: usize = 16;

/// Addresses that users must not reach. Upstream has no key for it, so the plugins' list is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deny(Vec<(IpAddr, u8)>);

impl Deny {
    /// A list of networks: an address and the number of its leading bits that count.
    #[cfg(test)]
    pub(crate) const fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        Self(networks)
    }

    fn has(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0
            .iter()
            .any(|(network, bits)| within(ip, *network, *bits))
    }
}

fn within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits));
            (ip.to_bits() ^ network.to_bits()) & mask.unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits));
            (ip.to_bits() ^ network.to_bits()) & mask.unwrap_or(0) == 0
        }
        _ => false,
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
            Ok(socket) => {
                socket.set_nodelay(true)?;
                let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "tcp");
                return Ok(Stream::tcp(socket, peer));
            }
            Err(err) => error = err,
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let deny = |network: &str, bits| Deny::new(vec![(network.parse().unwrap(), bits)]);
        let has = |deny: &Deny, ip: &str| deny.has(ip.parse().unwrap());
        let ten = deny("10.0.0.0", 8);
        assert!(has(&ten, "10.1.2.3") && has(&ten, "::ffff:10.1.2.3"));
        assert!(!has(&ten, "11.0.0.1") && !has(&ten, "::1"));
        let all = deny("0.0.0.0", 0);
        assert!(has(&all, "192.0.2.1") && !has(&all, "::1"));
        assert!(has(&deny("::1", 128), "::1") && !has(&deny("::1", 128), "::2"));
        assert!(has(&deny("fe80::", 10), "febf::1") && !has(&deny("fe80::", 10), "fec0::1"));
        assert!(!has(&Deny::default(), "127.0.0.1"));
    }

    #[tokio::test]
    async fn names_are_checked_after_resolution() {
        let local = [
            ("127.0.0.0".parse().unwrap(), 8),
            ("::1".parse().unwrap(), 128),
        ];
        let deny = Deny::new(local.into());
        for host in ["localhost", "127.0.0.1", "::ffff:127.0.0.1"] {
            let error = dial(host, 1, &deny).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{host}");
        }
    }
}
