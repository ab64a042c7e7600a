//! An address with its network, in CIDR form.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address and how many of its leading bits name its network: `10.0.0.1/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not an address with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address with a network such as 10.0.0.1/8")]
pub struct NotANetwork;

impl Network {
    /// The address as written, with the bits behind the prefix.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits count: at most 32, or 128 for IPv6.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `ip` is in the network. An IPv4 address in IPv6 form counts as IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let bits = u32::from(self.prefix);
        match (ip.to_canonical(), self.address) {
            (IpAddr::V4(ip), IpAddr::V4(own)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits));
                (ip.to_bits() ^ own.to_bits()) & mask.unwrap_or(0) == 0
            }
            (IpAddr::V6(ip), IpAddr::V6(own)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits));
                (ip.to_bits() ^ own.to_bits()) & mask.unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// The network of one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            prefix: width(address),
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = text.split_once('/').ok_or(NotANetwork)?;
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        // `u8` would take a plus sign.
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix = prefix.parse().map_err(|_| NotANetwork)?;
        (digits && prefix <= width(address))
            .then_some(Self { address, prefix })
            .ok_or(NotANetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(network: &str, ip: &str) -> bool {
        let network: Network = network.parse().unwrap();
        network.contains(ip.parse().unwrap())
    }

    #[test]
    fn networks_hold_their_addresses() {
        assert!(has("10.0.0.0/8", "10.1.2.3") && has("10.9.9.9/8", "10.1.2.3"));
        assert!(has("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!has("10.0.0.0/8", "11.0.0.1") && !has("10.0.0.0/8", "::1"));
        assert!(has("0.0.0.0/0", "192.0.2.1") && !has("0.0.0.0/0", "::1"));
        assert!(has("::1/128", "::1") && !has("::1/128", "::2"));
        assert!(has("fe80::/10", "febf::1") && !has("fe80::/10", "fec0::1"));
        let one = Network::host("127.0.0.1".parse().unwrap());
        assert_eq!(one.to_string(), "127.0.0.1/32");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "10.0.0.1",
            "10.0.0.1/",
            "10.0.0.1/33",
            "::/129",
            "/8",
            "a/8",
            "10.0.0.1/+8",
            "1.1/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
