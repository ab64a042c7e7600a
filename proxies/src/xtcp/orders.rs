//! What the server tells a peer to do, within what we are willing to do: it could tell us to flood
//! somebody.

use std::{
    net::{SocketAddr, SocketAddrV4},
    ops::RangeInclusive,
    time::Duration,
};

use culvert_nathole::Role;
use culvert_wire::msg::{DetectBehavior, NatHoleResp};

/// Addresses of the other peer, of either sort; a server of ours gives at most 16.
const ADDRESSES: usize = 16;
/// Ports around the last one; upstream's widest range has 21 (protocol 6.3).
const RANGE: usize = 64;
/// Random ports to send to; upstream's plans have 1000.
const SEND: u16 = 2000;
/// Random ports to listen on; upstream's plans have 256.
const LISTEN: u16 = 512;
/// Time before the first packet; upstream's longest is 10 s.
const DELAY: Duration = Duration::from_secs(30);
/// Time to wait for the other peer; upstream's longest is 43 s.
const WAIT: Duration = Duration::from_secs(90);
/// The same if the server does not say (protocol 6.4).
const WAIT_DEFAULT: Duration = Duration::from_secs(5);

/// What to do to meet the other peer.
#[derive(Debug, PartialEq, Eq)]
pub struct Orders {
    /// The id of this meeting.
    pub sid: String,
    /// Who speaks first.
    pub role: Role,
    /// For all packets but answers; `None` leaves it alone.
    pub ttl: Option<u8>,
    /// Before the first packet.
    pub delay: Duration,
    /// For the other peer.
    pub wait: Duration,
    /// Where the other peer was seen.
    pub candidates: Vec<SocketAddrV4>,
    /// Its own addresses.
    pub assisted: Vec<SocketAddrV4>,
    /// Ports around its last one, that are tried too.
    pub ports: Vec<RangeInclusive<u16>>,
    /// How many random ports of it are tried.
    pub send_ports: u16,
    /// How many more sockets are opened.
    pub listen_ports: u16,
}

/// Orders that nobody can follow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrdersError {
    /// No address is one that we can send to.
    #[error("the server knows no address of the other peer")]
    Nowhere,
    /// The role is none.
    #[error("the server gives neither role: {0:?}")]
    Role(String),
}

impl Orders {
    /// Reads what the server said. Numbers out of bounds are brought into them, addresses that are
    /// none are left out.
    ///
    /// # Errors
    /// Nobody could follow them.
    pub fn read(told: &NatHoleResp) -> Result<Self, OrdersError> {
        let DetectBehavior {
            role,
            ttl,
            send_delay_ms,
            read_timeout,
            candidate_ports,
            send_random_ports,
            listen_random_ports,
            ..
        } = &told.detect_behavior;
        let candidates = addresses(&told.candidate_addrs);
        if candidates.is_empty() {
            return Err(OrdersError::Nowhere);
        }
        let role = match role.as_str() {
            "sender" => Role::Sender,
            "receiver" => Role::Receiver,
            other => return Err(OrdersError::Role(other.chars().take(32).collect())),
        };
        let mut left = RANGE;
        let ports = candidate_ports.iter().filter_map(|range| {
            let from = u16::try_from(range.from.max(1)).ok()?;
            let to = u16::try_from(range.to.min(u16::MAX.into())).ok()?;
            let most = u16::try_from(left).unwrap_or(u16::MAX).checked_sub(1)?;
            let to = to.min(from.saturating_add(most));
            left = left.saturating_sub((from..=to).len());
            (from <= to).then_some(from..=to)
        });
        Ok(Self {
            sid: told.sid.clone(),
            role,
            ttl: u8::try_from(*ttl).ok().filter(|ttl| *ttl > 0),
            delay: millis(*send_delay_ms).min(DELAY),
            wait: match millis(*read_timeout) {
                Duration::ZERO => WAIT_DEFAULT,
                some => some.min(WAIT),
            },
            candidates,
            assisted: addresses(&told.assisted_addrs),
            ports: ports.collect(),
            send_ports: count(*send_random_ports, SEND),
            listen_ports: count(*listen_random_ports, LISTEN),
        })
    }
}

/// The addresses that we can send to: our sockets are IPv4.
fn addresses(texts: &[String]) -> Vec<SocketAddrV4> {
    let v4 = |text: &String| match text.parse() {
        Ok(SocketAddr::V4(at)) if at.port() > 0 && !at.ip().is_broadcast() => Some(at),
        _ => None,
    };
    texts.iter().filter_map(v4).take(ADDRESSES).collect()
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or_default())
}

fn count(number: i64, most: u16) -> u16 {
    u16::try_from(number.clamp(0, most.into())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use culvert_wire::msg::PortRange;

    use super::*;

    fn told(behavior: DetectBehavior) -> NatHoleResp {
        NatHoleResp {
            sid: "sid".to_owned(),
            candidate_addrs: vec!["1.1.1.1:1".to_owned(), "nonsense".to_owned()],
            detect_behavior: DetectBehavior {
                role: "sender".to_owned(),
                ..behavior
            },
            ..NatHoleResp::default()
        }
    }

    #[test]
    fn plain_orders_have_upstreams_defaults() {
        let orders = Orders::read(&told(DetectBehavior::default())).unwrap();
        assert_eq!(orders.role, Role::Sender);
        assert_eq!(orders.wait, Duration::from_secs(5));
        assert_eq!((orders.delay, orders.ttl), (Duration::ZERO, None));
        assert_eq!(orders.candidates, ["1.1.1.1:1".parse().unwrap()]);
    }

    #[test]
    fn no_server_makes_us_flood() {
        let range = |from, to| PortRange { from, to };
        let orders = Orders::read(&told(DetectBehavior {
            ttl: 4096,
            send_delay_ms: i64::MAX,
            read_timeout: i64::MAX,
            candidate_ports: vec![range(-5, 40), range(9, 3), range(1, 99_999), range(7, 7)],
            send_random_ports: 60_000,
            listen_random_ports: -1,
            ..DetectBehavior::default()
        }));
        let orders = orders.unwrap();
        assert_eq!(orders.ttl, None);
        assert_eq!((orders.delay, orders.wait), (DELAY, WAIT));
        assert_eq!(orders.ports, [1..=40, 1..=24]);
        assert_eq!((orders.send_ports, orders.listen_ports), (SEND, 0));
    }

    #[test]
    fn orders_of_no_use_are_refused() {
        let mut nowhere = told(DetectBehavior::default());
        nowhere.candidate_addrs = vec!["[::1]:5".to_owned(), "1.1.1.1:0".to_owned()];
        assert_eq!(Orders::read(&nowhere), Err(OrdersError::Nowhere));
        let mut idle = told(DetectBehavior::default());
        idle.detect_behavior.role = "watcher".to_owned();
        assert!(matches!(Orders::read(&idle), Err(OrdersError::Role(_))));
    }
}
