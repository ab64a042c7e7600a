//! Datagrams as messages: what goes into a [`UdpPacket`] and what comes out of one.

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use bytes::Bytes;

use crate::error::WireError;
use crate::msg::{UdpAddr, UdpPacket};

impl UdpPacket {
    /// The packet that carries `datagram` from or for the user at `user` (protocol 3.7).
    pub fn new(datagram: impl Into<Bytes>, user: SocketAddr) -> Self {
        Self {
            c: datagram.into(),
            l: None,
            r: Some(user.into()),
        }
    }

    /// The packet that answers this one: another datagram for the same user.
    pub fn reply(&self, datagram: impl Into<Bytes>) -> Self {
        Self {
            c: datagram.into(),
            l: None,
            r: self.r.clone(),
        }
    }

    /// The user's address.
    ///
    /// # Errors
    /// [`WireError::BadAddress`] when there is none, or none that can be used.
    pub fn user(&self) -> Result<SocketAddr, WireError> {
        self.r.as_ref().ok_or(WireError::BadAddress)?.try_into()
    }
}

/// An IPv4 address in IPv6 form becomes an IPv4 address, as Go prints it (trap M7); a scope becomes
/// its number, since names of interfaces are not to be had without asking the system.
impl From<SocketAddr> for UdpAddr {
    fn from(addr: SocketAddr) -> Self {
        let ip = addr.ip().to_canonical();
        let zone = match addr {
            SocketAddr::V6(v6) if ip.is_ipv6() && v6.scope_id() != 0 => v6.scope_id().to_string(),
            _ => String::new(),
        };
        Self {
            ip: Some(ip),
            port: addr.port().into(),
            zone,
        }
    }
}

/// Fails with [`WireError::BadAddress`] without an address, for a port that is none, and for a zone
/// that is a name: it belongs to the other side's interfaces.
impl TryFrom<&UdpAddr> for SocketAddr {
    type Error = WireError;

    fn try_from(addr: &UdpAddr) -> Result<Self, WireError> {
        let ip = addr.ip.ok_or(WireError::BadAddress)?.to_canonical();
        let port = u16::try_from(addr.port).map_err(|_| WireError::BadAddress)?;
        match ip {
            IpAddr::V4(v4) => Ok((v4, port).into()),
            IpAddr::V6(v6) if addr.zone.is_empty() => Ok((v6, port).into()),
            IpAddr::V6(v6) => {
                let scope = addr.zone.parse().map_err(|_| WireError::BadAddress)?;
                Ok(SocketAddrV6::new(v6, port, 0, scope).into())
            }
        }
    }
}

/// As Go prints a `net.UDPAddr`: the text by which a client tells users apart (protocol 3.7).
impl fmt::Display for UdpAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match self.ip.map(|ip| ip.to_canonical()) {
            None => write!(f, ":{port}"),
            Some(IpAddr::V4(ip)) => write!(f, "{ip}:{port}"),
            Some(IpAddr::V6(ip)) if self.zone.is_empty() => write!(f, "[{ip}]:{port}"),
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}%{}]:{port}", self.zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(addr: &UdpAddr) -> String {
        serde_json::to_string(addr).unwrap()
    }

    fn there_and_back(text: &str, wire: &str, shown: &str) {
        let addr: SocketAddr = text.parse().unwrap();
        let udp = UdpAddr::from(addr);
        assert_eq!(json(&udp), wire);
        assert_eq!(udp.to_string(), shown);
        let read: UdpAddr = serde_json::from_str(wire).unwrap();
        assert_eq!(read, udp);
        assert_eq!(SocketAddr::try_from(&read).unwrap().to_string(), shown);
    }

    #[test]
    fn addresses_have_gos_form() {
        there_and_back(
            "1.2.3.4:5",
            r#"{"IP":"1.2.3.4","Port":5,"Zone":""}"#,
            "1.2.3.4:5",
        );
        there_and_back(
            "[::1]:53",
            r#"{"IP":"::1","Port":53,"Zone":""}"#,
            "[::1]:53",
        );
        there_and_back(
            "[::ffff:1.2.3.4]:5",
            r#"{"IP":"1.2.3.4","Port":5,"Zone":""}"#,
            "1.2.3.4:5",
        );
        there_and_back(
            "[fe80::1%3]:9",
            r#"{"IP":"fe80::1","Port":9,"Zone":"3"}"#,
            "[fe80::1%3]:9",
        );
    }

    #[test]
    fn an_ipv4_address_in_ipv6_form_is_read_as_ipv4() {
        let addr: UdpAddr = serde_json::from_str(r#"{"ip":"::ffff:1.2.3.4","port":5}"#).unwrap();
        assert_eq!(json(&addr), r#"{"IP":"1.2.3.4","Port":5,"Zone":""}"#);
        assert_eq!(json(&UdpAddr::default()), r#"{"IP":"","Port":0,"Zone":""}"#);
        assert_eq!(
            serde_json::from_str::<UdpAddr>(r#"{"IP":""}"#).unwrap(),
            UdpAddr::default()
        );
        serde_json::from_str::<UdpAddr>(r#"{"IP":"1.2.3"}"#).unwrap_err();
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused() {
        let usable = UdpAddr::from("[fe80::1]:9".parse::<SocketAddr>().unwrap());
        for addr in [
            UdpAddr {
                ip: None,
                ..usable.clone()
            },
            UdpAddr {
                port: -1,
                ..usable.clone()
            },
            UdpAddr {
                port: 65_536,
                ..usable.clone()
            },
            UdpAddr {
                zone: "eth0".to_owned(),
                ..usable
            },
        ] {
            assert_eq!(SocketAddr::try_from(&addr), Err(WireError::BadAddress));
        }
        assert_eq!(UdpPacket::default().user(), Err(WireError::BadAddress));
    }

    #[test]
    fn a_reply_goes_to_the_same_user() {
        let packet = UdpPacket::new(&b"ping"[..], "1.2.3.4:5".parse().unwrap());
        let reply = packet.reply(Bytes::new());
        assert_eq!(reply.user(), packet.user());
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"r":{"IP":"1.2.3.4","Port":5,"Zone":""}}"#
        );
    }
}
