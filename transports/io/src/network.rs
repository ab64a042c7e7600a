//! Where machines are on the network: their addresses as people know them, the one that our packets
//! leave from, and when that may have changed.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, UdpSocket},
    time::Duration,
};

#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
use netlink::Notices;

/// How often somebody who waits is told to look where the system tells nothing. Half of what users
/// wait before they notice (3 s), so that the rest is left for a new connection.
const POLL: Duration = Duration::from_millis(1500);

/// How long the changes go on that come with one: an address is followed by its routes.
const SETTLE: Duration = Duration::from_millis(50);

/// An IPv4 address in IPv6 form, which a socket for both families reports, as plain IPv4. Unlike
/// [`IpAddr::to_canonical`] this keeps the scope of an IPv6 address.
#[must_use]
pub const fn canonical(addr: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(v6) = addr
        && let Some(v4) = v6.ip().to_ipv4_mapped()
    {
        return SocketAddr::V4(SocketAddrV4::new(v4, v6.port()));
    }
    addr
}

/// The address that packets to `to` leave from now; `from` is ours if it was chosen. Nothing is
/// sent.
///
/// # Errors
/// There is no way to `to`, or `from` is no address of this machine.
pub fn source(to: SocketAddr, from: Option<IpAddr>) -> io::Result<IpAddr> {
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((from.unwrap_or(any), 0))?;
    // For a datagram socket this only looks the way up.
    socket.connect(to)?;
    Ok(socket.local_addr()?.ip())
}

/// Changes of the machine's addresses and routes.
#[derive(Debug)]
pub struct Changes {
    #[cfg(target_os = "linux")]
    notices: Option<Notices>,
}

impl Changes {
    /// Begins to listen to the system; must be called on a runtime. Where that fails, or the
    /// system has nothing to listen to, [`next`](Self::next) comes at intervals.
    #[must_use]
    pub fn watch() -> Self {
        #[cfg(target_os = "linux")]
        {
            let notices = Notices::subscribe();
            if let Err(err) = &notices {
                tracing::debug!("the system tells no changes of the network: {err}");
            }
            Self {
                notices: notices.ok(),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Self {}
    }

    /// Waits until something may have changed. Changes that come together are one.
    ///
    /// *Cancel safety*: safe; a change may be told twice.
    pub async fn next(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(notices) = &self.notices {
            match notices.next().await {
                Ok(()) => {
                    tokio::time::sleep(SETTLE).await;
                    notices.forget();
                    return;
                }
                Err(err) => {
                    tracing::debug!("the system tells no more changes of the network: {err}");
                    self.notices = None;
                }
            }
        }
        tokio::time::sleep(POLL.max(SETTLE)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_become_plain() {
        for (from, to) in [
            ("[::ffff:1.2.3.4]:5", "1.2.3.4:5"),
            ("1.2.3.4:5", "1.2.3.4:5"),
            ("[fe80::1%3]:5", "[fe80::1%3]:5"),
        ] {
            assert_eq!(canonical(from.parse().unwrap()).to_string(), to);
        }
    }

    #[test]
    fn packets_to_ourselves_leave_from_ourselves() {
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let to = SocketAddr::new(home, 9);
        assert_eq!(source(to, None).unwrap(), home);
        assert_eq!(source(to, Some(home)).unwrap(), home);
        // An address for documentation (RFC 5737), nobody's.
        let nobody = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        source(to, Some(nobody)).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn without_notices_somebody_looks_at_intervals() {
        let mut changes = Changes::watch();
        #[cfg(target_os = "linux")]
        {
            changes.notices = None;
        }
        let begun = tokio::time::Instant::now();
        changes.next().await;
        assert_eq!(begun.elapsed(), POLL);
    }
}
