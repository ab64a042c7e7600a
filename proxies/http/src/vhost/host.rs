//! Host names in the form that routes are compared in, without an allocation.

/// The longest host name that can have a route; DNS allows 253 (RFC 1035 2.3.4).
const MAX_HOST: usize = 255;

/// A host name lower-cased, without port and trailing dot, on the stack.
///
/// The name stands one byte after the start, so that a wildcard can be written over its labels.
pub(super) struct Name {
    bytes: [u8; 1 + MAX_HOST],
    end: usize,
}

impl Name {
    /// The canonical form of a `Host`; `None` when it is longer than any name can be.
    pub(super) fn new(host: &str) -> Option<Self> {
        let host = without_port(host);
        let mut bytes = [0; 1 + MAX_HOST];
        let end = 1 + host.len();
        for (to, from) in bytes.get_mut(1..end)?.iter_mut().zip(host.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self { bytes, end })
    }

    /// The name itself.
    pub(super) fn as_str(&self) -> &str {
        self.from(1)
    }

    /// The wildcards that stand for the name, the narrowest first: for `a.b.c.d` these are
    /// `*.b.c.d` and `*.c.d`. At least three labels are needed: `b.c` is not below `*.c`.
    pub(super) fn wildcard<T>(&mut self, mut look: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut start = 1;
        loop {
            let dot = start + self.from(start).find('.')?;
            let _a_second_dot = self.from(dot + 1).find('.')?;
            if let Some(star) = self.bytes.get_mut(dot - 1) {
                *star = b'*';
            }
            if let Some(found) = look(self.from(dot - 1)) {
                return Some(found);
            }
            start = dot + 1;
        }
    }

    fn from(&self, start: usize) -> &str {
        let bytes = self.bytes.get(start..self.end).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// A host lower-cased, without its port and trailing dot, as upstream's `CanonicalHost`
/// (pkg/util/http/http.go).
#[must_use]
pub fn canonical_host(host: &str) -> String {
    without_port(host).to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    let bare = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _port)) => v6,
        None => match host.split_once(':') {
            Some((name, port)) if !port.contains(':') => name,
            _ => host,
        },
    };
    bare.strip_suffix('.').unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::{Name, canonical_host};

    #[test]
    fn strips_port_dot_and_case() {
        for (given, wanted) in [
            ("Web.Test", "web.test"),
            ("web.test:8080", "web.test"),
            ("web.test.:80", "web.test"),
            ("[::1]:80", "::1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("", ""),
            (":80", ""),
        ] {
            assert_eq!(Name::new(given).unwrap().as_str(), wanted, "{given}");
            assert_eq!(canonical_host(given), wanted, "{given}");
        }
        assert!(Name::new(&"a".repeat(255)).is_some());
        assert!(Name::new(&"a".repeat(256)).is_none());
    }

    #[test]
    fn wildcards_keep_two_labels() {
        let all = |host: &str| {
            let mut seen = Vec::new();
            let none: Option<()> = Name::new(host).unwrap().wildcard(|name| {
                seen.push(name.to_owned());
                None
            });
            assert!(none.is_none());
            seen
        };
        assert_eq!(all("a.b.c.d"), ["*.b.c.d", "*.c.d"]);
        assert_eq!(all("a.b.c"), ["*.b.c"]);
        assert!(all("b.c").is_empty());
        assert!(all("c").is_empty());
        assert_eq!(all(".b.c"), ["*.b.c"]);
    }
}
