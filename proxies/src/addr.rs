//! Addresses as operators and peers want to see them.

use std::net::SocketAddr;

/// An IPv4 address in IPv6 form, which a socket for both families reports, as plain IPv4.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    let ip = addr.ip().to_canonical();
    // A link-local IPv6 address keeps its scope.
    if ip == addr.ip() {
        addr
    } else {
        SocketAddr::new(ip, addr.port())
    }
}

/// `host:port`, with brackets around an IPv6 address, like Go's `net.JoinHostPort`.
pub(crate) fn join_host_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
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
    fn hosts_and_ports_join() {
        assert_eq!(join_host_port("::1", 80), "[::1]:80");
        assert_eq!(join_host_port("web", 80), "web:80");
    }
}
