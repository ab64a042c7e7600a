//! Which kind of NAT a peer sits behind, told from the addresses under which servers saw it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// The largest step between two ports that still looks like counting (protocol 6.2).
const REGULAR: u16 = 5;

/// What a NAT changes from one destination to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing: who is told the address can send to it.
    Nothing,
    /// Only the address.
    Ip,
    /// Only the port.
    Port,
    /// Both.
    Both,
}

impl fmt::Display for Change {
    /// Upstream's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "BehaviorNoChange",
            Self::Ip => "BehaviorIPChanged",
            Self::Port => "BehaviorPortChanged",
            Self::Both => "BehaviorBothChanged",
        })
    }
}

/// What is known of the NAT in front of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nat {
    /// What it changes.
    pub change: Change,
    /// Between the highest and the lowest port, if only the port changes; otherwise 0.
    pub difference: u16,
    /// Whether there is none: a mapped address is one of the peer's own.
    pub public: bool,
}

/// The addresses tell nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NatError {
    /// One address cannot be compared.
    #[error("not enough addresses")]
    TooFew,
}

impl Nat {
    /// Tells it from at least two `mapped` addresses, seen by different servers from one socket,
    /// and from the peer's `own`.
    ///
    /// # Errors
    /// There are fewer than two.
    pub fn of(mapped: &[SocketAddr], own: &[IpAddr]) -> Result<Self, NatError> {
        let [first, rest @ ..] = mapped else {
            return Err(NatError::TooFew);
        };
        if rest.is_empty() {
            return Err(NatError::TooFew);
        }
        let ip = rest.iter().any(|one| one.ip() != first.ip());
        let port = rest.iter().any(|one| one.port() != first.port());
        let change = match (ip, port) {
            (false, false) => Change::Nothing,
            (true, false) => Change::Ip,
            (false, true) => Change::Port,
            (true, true) => Change::Both,
        };
        let ports = || mapped.iter().map(SocketAddr::port);
        let difference = match change {
            Change::Port => {
                let least = ports().min().unwrap_or_default();
                ports().max().unwrap_or_default().saturating_sub(least)
            }
            Change::Nothing | Change::Ip | Change::Both => 0,
        };
        Ok(Self {
            change,
            difference,
            public: mapped.iter().any(|one| own.contains(&one.ip())),
        })
    }

    /// Whether the address changes with the destination, so that a peer cannot be told it.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.change != Change::Nothing
    }

    /// Whether the next port can be guessed from the last.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        (1..=REGULAR).contains(&self.difference)
    }

    /// Upstream's word for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.is_hard() { "HardNAT" } else { "EasyNAT" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nat(mapped: &[&str], own: &[&str]) -> Result<Nat, NatError> {
        let mapped: Vec<_> = mapped.iter().map(|one| one.parse().unwrap()).collect();
        let own: Vec<_> = own.iter().map(|one| one.parse().unwrap()).collect();
        Nat::of(&mapped, &own)
    }

    #[test]
    fn what_changes_makes_the_kind() {
        let cases = [
            (["1.1.1.1:1000", "1.1.1.1:1000"], Change::Nothing, 0, false),
            (["1.1.1.1:1000", "1.1.1.2:1000"], Change::Ip, 0, false),
            (["1.1.1.1:1000", "1.1.1.1:1001"], Change::Port, 1, true),
            (["1.1.1.1:1005", "1.1.1.1:1000"], Change::Port, 5, true),
            (["1.1.1.1:1006", "1.1.1.1:1000"], Change::Port, 6, false),
            (["1.1.1.1:1000", "1.1.1.2:1001"], Change::Both, 0, false),
        ];
        for (mapped, change, difference, regular) in cases {
            let nat = nat(&mapped, &["10.0.0.1"]).unwrap();
            assert_eq!((nat.change, nat.difference), (change, difference));
            assert_eq!(nat.is_regular(), regular, "{mapped:?}");
            assert_eq!(nat.is_hard(), change != Change::Nothing);
            assert!(!nat.public);
        }
    }

    #[test]
    fn an_own_address_is_public() {
        let mapped = ["1.1.1.1:1000", "1.1.1.1:1000"];
        assert!(nat(&mapped, &["10.0.0.1", "1.1.1.1"]).unwrap().public);
        assert_eq!(nat(&mapped, &[]).unwrap().kind(), "EasyNAT");
    }

    #[test]
    fn one_address_is_not_enough() {
        assert_eq!(nat(&[], &[]), Err(NatError::TooFew));
        let error = nat(&["1.1.1.1:1"], &[]).unwrap_err();
        assert_eq!(error.to_string(), "not enough addresses");
    }
}
