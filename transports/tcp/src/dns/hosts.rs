//! The hosts file, which comes before any name server.

use std::net::IpAddr;

/// Where Unix systems have it; elsewhere there is none and nothing is found.
const FILE: &str = "/etc/hosts";

/// The file's text, or nothing.
pub(super) fn read() -> String {
    // A short local file, read once for each dial.
    std::fs::read(FILE).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// The addresses of a name, in the order of the text.
#[must_use]
pub fn lookup(text: &str, name: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let address = words.next()?.parse().ok()?;
            words
                .any(|word| word.eq_ignore_ascii_case(name))
                .then_some(address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases() {
        let text = "127.0.0.1 localhost\n::1\tlocalhost ip6 # loop\n# 1.1.1.1 no\n\n10.0.0.1 A b\n";
        let found = |name| {
            lookup(text, name)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(found("a"), ["10.0.0.1"]);
        assert_eq!(found("B"), ["10.0.0.1"]);
        assert!(found("no").is_empty() && found("loop").is_empty());
    }
}
