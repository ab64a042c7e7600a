//! The name servers of the system, which its own look-ups use: they find no services.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// Where Unix systems have it (resolv.conf(5)).
const FILE: &str = "/etc/resolv.conf";
/// How many of them count (resolv.conf(5), MAXNS).
const MOST: usize = 3;
/// RFC 1035, section 4.2.
const PORT: u16 = 53;

/// The name servers of the system.
///
/// # Errors
/// This system does not tell them in a file.
pub(super) fn servers() -> io::Result<Vec<SocketAddr>> {
    // A short local file, read once for each dial.
    let text = std::fs::read(FILE).unwrap_or_default();
    let found = parse(&String::from_utf8_lossy(&text));
    if found.is_empty() {
        let text = format!("{FILE} names no name server; set dnsServer");
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(found)
}

/// The name servers that a file of this text names.
#[must_use]
pub fn parse(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = (words.next()? == "nameserver").then(|| words.next())??;
        Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, PORT))
    });
    lines.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_first_three_count() {
        let text = "# nameserver 9.9.9.9\n;nameserver 9.9.9.9\nsearch a.b\nnameserver 127.0.0.53\n\
                    nameserver\t2001:db8::1 \nnameserver no\nnameserver fe80::1%2\n\
                    nameserver 1.1.1.1\nnameserver 8.8.8.8\noptions edns0\n";
        let found: Vec<_> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.53:53", "[2001:db8::1]:53", "1.1.1.1:53"]);
        assert!(parse("").is_empty());
    }
}
