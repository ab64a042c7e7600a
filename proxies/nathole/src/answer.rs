//! What the server tells two peers that want to meet.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use culvert_wire::msg::{DetectBehavior, NatHoleClient, NatHoleResp, NatHoleVisitor, PortRange};

use crate::{Behavior, Memory, Nat, NatError, Pair, Plan};

/// Addresses that a peer may give of either sort: upstream's give 2 mapped and at most 10 of their
/// own (protocol 6.2).
const ADDRESSES: usize = 16;
/// What a read timeout is made of, in milliseconds (protocol 6.3).
const PATIENCE: u32 = 5000;
/// More of it when many ports are tried.
const PATIENCE_FOR_MANY: u32 = 30_000;
/// Ports beyond those that a NAT's step leads to (protocol 6.3).
const SLACK: u16 = 5;

/// The answers to both peers.
#[derive(Clone, Debug)]
pub struct Answers {
    /// To the visitor.
    pub visitor: NatHoleResp,
    /// To the proxy's client.
    pub client: NatHoleResp,
    /// What they are told to do.
    pub plan: Plan,
    /// Which pair this is, for [`Memory::succeeded`].
    pub pair: Pair,
}

/// Two peers cannot be brought together; the texts are upstream's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The proxy's client gave addresses of no use.
    #[error("classify client nat feature error: {0}")]
    Client(#[source] AddressError),
    /// The visitor did.
    #[error("classify visitor nat feature error: {0}")]
    Visitor(#[source] AddressError),
}

/// Addresses of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no telling what the NAT does.
    #[error(transparent)]
    Nat(#[from] NatError),
    /// Not an address with a port.
    #[error("address {0:?} is not ip:port")]
    Malformed(String),
    /// More than any peer has.
    #[error("more than {ADDRESSES} addresses")]
    TooMany,
}

/// The addresses of one peer.
struct Place {
    mapped: Vec<SocketAddr>,
    assisted: Vec<SocketAddr>,
    nat: Nat,
}

/// Decides how the two meet, and what each is told. `now` is the memory's.
///
/// # Errors
/// One of them gave addresses of no use; both are told so.
pub fn answers(
    sid: &str,
    visitor: &NatHoleVisitor,
    client: &NatHoleClient,
    memory: &mut Memory,
    now: std::time::Duration,
) -> Result<Answers, AnswerError> {
    let (mapped, assisted) = (&client.mapped_addrs, &client.assisted_addrs);
    let client_place = Place::of(mapped, assisted).map_err(AnswerError::Client)?;
    let (mapped, assisted) = (&visitor.mapped_addrs, &visitor.assisted_addrs);
    let visitor_place = Place::of(mapped, assisted).map_err(AnswerError::Visitor)?;
    let pair = (client_place.key(), visitor_place.key());
    // There is a plan for every pair.
    let plan = memory
        .recommend(pair, now)
        .ok_or_else(|| AnswerError::Client(NatError::TooFew.into()))?;
    let about = |id: &str| NatHoleResp {
        transaction_id: id.to_owned(),
        sid: sid.to_owned(),
        protocol: visitor.protocol.clone(),
        ..NatHoleResp::default()
    };
    let to_visitor = tell(
        about(&visitor.transaction_id),
        &client_place,
        (&plan.visitor, &plan.client),
        plan.mode,
    );
    let to_client = tell(
        about(&client.transaction_id),
        &visitor_place,
        (&plan.client, &plan.visitor),
        plan.mode,
    );
    Ok(Answers {
        visitor: to_visitor,
        client: to_client,
        plan,
        pair,
    })
}

impl Place {
    fn of(mapped: &[String], assisted: &[String]) -> Result<Self, AddressError> {
        let (mapped, assisted) = (parse(mapped)?, parse(assisted)?);
        let own: Vec<IpAddr> = assisted.iter().map(SocketAddr::ip).collect();
        let nat = Nat::of(&mapped, &own)?;
        Ok(Self {
            mapped,
            assisted,
            nat,
        })
    }

    fn key(&self) -> (IpAddr, Nat) {
        let ip = self.mapped.first().map(SocketAddr::ip);
        (ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), self.nat)
    }
}

fn parse(addresses: &[String]) -> Result<Vec<SocketAddr>, AddressError> {
    if addresses.len() > ADDRESSES {
        return Err(AddressError::TooMany);
    }
    let one = |text: &String| {
        let parsed = text.parse::<SocketAddr>().ok().filter(|a| a.port() > 0);
        parsed.ok_or_else(|| AddressError::Malformed(text.chars().take(64).collect()))
    };
    addresses.iter().map(one).collect()
}

/// Completes the answer to one peer: where the other is, and what to do.
fn tell(
    answer: NatHoleResp,
    other: &Place,
    (own, others): (&Behavior, &Behavior),
    mode: u8,
) -> NatHoleResp {
    let many = if own.listen_ports > 0 || others.listen_ports > 0 {
        PATIENCE_FOR_MANY
    } else {
        0
    };
    let longest = own.delay_ms.max(others.delay_ms);
    let read_timeout = longest + PATIENCE + many - own.delay_ms;
    NatHoleResp {
        candidate_addrs: texts(&other.mapped),
        assisted_addrs: texts(&other.assisted),
        detect_behavior: DetectBehavior {
            role: own.role.name().to_owned(),
            mode: mode.into(),
            ttl: own.ttl.into(),
            send_delay_ms: own.delay_ms.into(),
            read_timeout: read_timeout.into(),
            candidate_ports: around(other, own.range).into_iter().collect(),
            send_random_ports: own.send_ports.into(),
            listen_random_ports: own.listen_ports.into(),
        },
        ..answer
    }
}

/// The ports where a counting NAT may be by now.
fn around(other: &Place, range: u16) -> Option<PortRange> {
    let port = other.mapped.last().filter(|_| range > 0)?.port();
    let reach = other.nat.difference.saturating_add(SLACK);
    let from = port
        .saturating_sub(reach)
        .max(port.saturating_sub(range))
        .max(1);
    let to = port.saturating_add(reach).min(port.saturating_add(range));
    Some(PortRange {
        from: from.into(),
        to: to.into(),
    })
}

/// Neighbours that are the same count once.
fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    let mut texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn decide(visitor: &[&str], client: &[&str]) -> Result<Answers, AnswerError> {
        let visitor = NatHoleVisitor {
            transaction_id: "v".to_owned(),
            protocol: "kcp".to_owned(),
            mapped_addrs: list(visitor),
            assisted_addrs: list(&["10.0.0.2:5"]),
            ..NatHoleVisitor::default()
        };
        let client = NatHoleClient {
            transaction_id: "c".to_owned(),
            mapped_addrs: list(client),
            ..NatHoleClient::default()
        };
        let mut memory = Memory::new(Duration::from_secs(60));
        answers("sid", &visitor, &client, &mut memory, Duration::ZERO)
    }

    #[test]
    fn each_peer_hears_of_the_other() {
        let both = ["1.1.1.1:10", "1.1.1.1:10"];
        let got = decide(&both, &["2.2.2.2:20", "2.2.2.2:20"]).unwrap();
        assert_eq!(got.visitor.transaction_id, "v");
        assert_eq!(got.visitor.candidate_addrs, ["2.2.2.2:20"]);
        assert!(got.visitor.assisted_addrs.is_empty());
        assert_eq!(got.client.transaction_id, "c");
        assert_eq!(got.client.candidate_addrs, ["1.1.1.1:10"]);
        assert_eq!(got.client.assisted_addrs, ["10.0.0.2:5"]);
        assert_eq!((&*got.client.protocol, &*got.client.sid), ("kcp", "sid"));
        assert_eq!(got.client.detect_behavior.role, "sender");
        let behavior = &got.visitor.detect_behavior;
        assert_eq!((&*behavior.role, behavior.ttl), ("receiver", 7));
        assert_eq!(behavior.read_timeout, 5000);
        assert!(behavior.candidate_ports.is_empty());
    }

    #[test]
    fn who_waits_is_given_time_and_ports() {
        // The client's NAT counts by three.
        let got = decide(&["1.1.1.1:10"; 2], &["2.2.2.2:20", "2.2.2.2:23"]).unwrap();
        let behavior = &got.visitor.detect_behavior;
        assert_eq!((&*behavior.role, behavior.mode), ("receiver", 1));
        let range = &behavior.candidate_ports[0];
        assert_eq!((range.from, range.to), (15, 31));
        assert_eq!(got.visitor.candidate_addrs, ["2.2.2.2:20", "2.2.2.2:23"]);
        assert!(got.client.detect_behavior.candidate_ports.is_empty());

        // And now at will.
        let got = decide(&["1.1.1.1:10"; 2], &["2.2.2.2:20", "2.2.2.2:9000"]).unwrap();
        let (client, visitor) = (&got.client.detect_behavior, &got.visitor.detect_behavior);
        assert_eq!(
            (client.listen_random_ports, client.read_timeout),
            (256, 38_000)
        );
        assert_eq!(
            (visitor.send_random_ports, visitor.read_timeout),
            (1000, 35_000)
        );
        assert_eq!(visitor.send_delay_ms, 3000);
    }

    #[test]
    fn port_ranges_stay_in_bounds() {
        for (port, expected) in [(2, (1, 8)), (65_534, (65_528, 65_535))] {
            let other = Place::of(&list(&["2.2.2.2:9", &format!("2.2.2.2:{port}")]), &[]);
            let mut other = other.unwrap();
            other.nat.difference = 1;
            let range = around(&other, 10).unwrap();
            assert_eq!((range.from, range.to), expected);
        }
    }

    #[test]
    fn addresses_of_no_use_are_refused_in_upstreams_words() {
        let good = ["1.1.1.1:10"; 2];
        let error = decide(&good, &["2.2.2.2:20"]).unwrap_err();
        let text = "classify client nat feature error: not enough addresses";
        assert_eq!(error.to_string(), text);
        let error = decide(&["1.1.1.1:10", "nonsense"], &good).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("classify visitor nat feature error: address")
        );
        assert!(decide(&["1.1.1.1:10"; 17], &good).is_err());
        assert!(decide(&good, &["1.1.1.1:0"; 2]).is_err());
    }
}
