//! From a host name to addresses, in the order in which to try them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use culvert_transport::{Result, Target, TransportError};

use crate::{dns, error};

/// Where names are asked.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    server: Option<Arc<str>>,
}

impl Resolver {
    /// Asks the name server at `host:port`, or the system.
    #[must_use]
    pub fn new(server: Option<&str>) -> Self {
        Self {
            server: server.map(Arc::from),
        }
    }

    /// The addresses of `host`, as [`resolve`] has them. With a name server of our own the hosts
    /// file is looked at first and `localhost` is never asked for, as Go's resolver does it.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// The name has no address, or the name server does not answer.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let Some(server) = &self.server else {
            return resolve(host, port).await;
        };
        let bare = bare(host);
        if bare.parse::<IpAddr>().is_ok() {
            return resolve(bare, port).await;
        }
        let found = dns::lookup(bare, server)
            .await
            .map_err(|err| error::lookup_via(bare, server, err))?;
        if found.is_empty() {
            return Err(no_address(bare));
        }
        let found = found.into_iter().map(|ip| SocketAddr::new(ip, port));
        Ok(alternate(found.collect()))
    }
}

/// What stands before a domain in the name of its servers (RFC 2782).
const SERVICE: &str = "_frp._tcp.";

impl Resolver {
    /// Where the frps of `domain` is, as its SRV records at `_frp._tcp.` say now: at most 16 places,
    /// the one to try first first. Without a name server of our own, those of `/etc/resolv.conf`
    /// are asked.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// There are no such records, or nobody can be asked.
    pub async fn services(&self, domain: &str) -> Result<Vec<Target>> {
        let name = format!("{SERVICE}{domain}");
        let found = match dns::services(&name, self.server.as_deref()).await {
            Ok(found) => dns::in_order(found, chance),
            Err(err) => return Err(error::services(&name, err)),
        };
        if found.is_empty() {
            return Err(error::services(&name, io::ErrorKind::NotFound.into()));
        }
        let target = |s: dns::Service| Target::new(&s.target, s.port);
        Ok(found.into_iter().map(target).collect())
    }
}

/// A number from 0 to 1; 0.5 when the system has no randomness.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

/// The host without the brackets of an IPv6 literal.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

/// The addresses of `host` (a name or a literal, with or without brackets), asked anew each time.
/// The resolver's preferred family comes first and the families alternate, so that a family that
/// does not work costs one attempt (RFC 8305, section 4).
///
/// *Cancel safety*: safe.
///
/// # Errors
/// The name has no address.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    let bare = bare(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found: Vec<_> = tokio::net::lookup_host((bare, port))
        .await
        .map_err(|err| error::lookup(bare, err))?
        .collect();
    if found.is_empty() {
        return Err(no_address(bare));
    }
    Ok(alternate(found))
}

/// The first address that [`resolve`] has, for listening at it.
///
/// *Cancel safety*: safe.
///
/// # Errors
/// The name has no address.
pub async fn resolve_first(host: &str, port: u16) -> Result<SocketAddr> {
    let found = resolve(host, port).await?;
    found.first().copied().ok_or_else(|| no_address(host))
}

pub(crate) fn no_address(host: &str) -> TransportError {
    error::lookup(host, io::ErrorKind::NotFound.into())
}

/// The first address, then one of the other family, and so on.
fn alternate(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut other = other.into_iter();
    let mut order = Vec::new();
    for addr in preferred {
        order.push(addr);
        order.extend(other.next());
    }
    order.extend(other);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_none_is_lost() {
        let addr = |s: &str| s.parse::<SocketAddr>().unwrap();
        let [a, b, c] = ["[::1]:1", "[::2]:1", "[::3]:1"].map(addr);
        let [x, y] = ["1.1.1.1:1", "2.2.2.2:1"].map(addr);
        assert_eq!(alternate(vec![a, b, c, x, y]), [a, x, b, y, c]);
        assert_eq!(alternate(vec![x, y, a]), [x, a, y]);
    }

    #[tokio::test]
    async fn literals_are_not_looked_up() {
        let got = resolve("[::1]", 7).await.unwrap();
        assert_eq!(got, ["[::1]:7".parse().unwrap()]);
    }
}
