//! The ways in which two peers can look for each other, by the kinds of their NATs (protocol 6.3).

use crate::Nat;

/// Who speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends to the other, whose NAT lets it in because it was sent to from inside.
    Sender,
    /// Opens its own NAT with packets that need not arrive, and answers.
    Receiver,
}

impl Role {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        }
    }
}

/// What one peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// Who speaks first.
    pub role: Role,
    /// Time to live of its packets; 0 is the system's.
    pub ttl: u8,
    /// Milliseconds before it sends.
    pub delay_ms: u32,
    /// How many ports around the peer's last one are tried; 0 is none.
    pub range: u16,
    /// How many random ports of the peer are tried.
    pub send_ports: u16,
    /// How many more sockets it opens.
    pub listen_ports: u16,
}

const fn role(role: Role) -> Behavior {
    Behavior {
        role,
        ttl: 0,
        delay_ms: 0,
        range: 0,
        send_ports: 0,
        listen_ports: 0,
    }
}

const SENDER: Behavior = role(Role::Sender);
const RECEIVER: Behavior = role(Role::Receiver);

impl Behavior {
    const fn ttl(self, ttl: u8) -> Self {
        Self { ttl, ..self }
    }

    const fn delay(self, delay_ms: u32) -> Self {
        Self { delay_ms, ..self }
    }

    const fn range(self, range: u16) -> Self {
        Self { range, ..self }
    }
}

/// Sends to many ports of a peer that listens on many.
const SPRAY: Behavior = Behavior {
    send_ports: 1000,
    ..SENDER
};
const SPRAYED: Behavior = Behavior {
    listen_ports: 256,
    ..RECEIVER
};

type Pairs = &'static [(Behavior, Behavior)];

/// Both keep their address: (client, visitor).
const BOTH_EASY: Pairs = &[
    (SENDER, RECEIVER.ttl(7)),
    (RECEIVER.ttl(7), SENDER),
    (SENDER, RECEIVER.ttl(4)),
    (RECEIVER.ttl(4), SENDER),
    (SENDER, RECEIVER),
    (RECEIVER, SENDER),
    (SENDER.delay(5000), RECEIVER),
    (SENDER.delay(10_000), RECEIVER),
    (RECEIVER, SENDER.delay(5000)),
    (RECEIVER, SENDER.delay(10_000)),
];

/// One counts its ports: (hard, easy).
const COUNTED: Pairs = &[
    (SENDER, RECEIVER.ttl(7).range(10)),
    (SENDER.delay(2000), RECEIVER.ttl(7).range(10)),
    (SENDER, RECEIVER.ttl(4).range(10)),
    (SENDER.delay(2000), RECEIVER.ttl(4).range(10)),
    (SENDER, RECEIVER.range(10)),
    (SENDER.delay(2000), RECEIVER.range(10)),
];

/// One changes its ports at will: (easy, hard).
const SPRAYING: Pairs = &[
    (SPRAY.delay(3000), SPRAYED.ttl(7)),
    (SPRAY.delay(3000), SPRAYED.ttl(4)),
    (SPRAY.delay(3000), SPRAYED),
];

/// Both count their ports: (client, visitor).
const BOTH_COUNTED: Pairs = &[
    (SENDER.range(10), RECEIVER.ttl(7).range(10)),
    (SENDER.range(10), RECEIVER.ttl(4).range(10)),
    (SENDER.range(10), RECEIVER.range(10)),
    (RECEIVER.ttl(7).range(10), SENDER.range(10)),
    (RECEIVER.ttl(4).range(10), SENDER.range(10)),
    (RECEIVER.range(10), SENDER.range(10)),
];

/// Both change their ports, one of them by counting: (counting, other).
const SPRAYING_AROUND: Pairs = &[
    (SPRAY.delay(3000), SPRAYED.ttl(7).range(2)),
    (SPRAY.delay(3000), SPRAYED.ttl(4).range(2)),
    (SPRAY.delay(3000), SPRAYED.range(2)),
];

/// One way for two peers to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Upstream's number of the method, for the log.
    pub mode: u8,
    /// Which of the method's ways, for the log.
    pub index: usize,
    /// What the proxy's client does.
    pub client: Behavior,
    /// What the visitor does.
    pub visitor: Behavior,
    /// How it is liked before it was tried.
    pub score: i32,
}

/// Every way for peers behind these NATs, the best first.
#[must_use]
pub fn plans(client: &Nat, visitor: &Nat) -> Vec<Plan> {
    match (client.is_hard(), visitor.is_hard()) {
        (false, false) => both_easy(client, visitor).collect(),
        (true, false) => one_hard(client, true, client, visitor),
        (false, true) => one_hard(visitor, false, client, visitor),
        (true, true) => match (client.is_regular(), visitor.is_regular()) {
            (true, true) => mode(3, BOTH_COUNTED, true)
                .chain(mode(4, SPRAYING_AROUND, true))
                .collect(),
            (regular @ true, false) | (regular @ false, true) => {
                mode(4, SPRAYING_AROUND, regular).collect()
            }
            (false, false) => mode(0, BOTH_EASY, true)
                .chain(mode(1, COUNTED, true))
                .chain(mode(3, BOTH_COUNTED, true))
                .map(|plan| Plan { score: 1, ..plan })
                .collect(),
        },
    }
}

/// The plans of a method; `straight` says that the client is the first of each pair.
fn mode(mode: u8, pairs: Pairs, straight: bool) -> impl Iterator<Item = Plan> {
    pairs.iter().enumerate().map(move |(index, &(one, two))| {
        let (client, visitor) = if straight { (one, two) } else { (two, one) };
        Plan {
            mode,
            index,
            client,
            visitor,
            score: 0,
        }
    })
}

/// Whoever has no NAT can be reached, so the other had better send.
fn both_easy(client: &Nat, visitor: &Nat) -> impl Iterator<Item = Plan> + use<> {
    let (client, visitor) = (client.public, visitor.public);
    mode(0, BOTH_EASY, true).map(move |plan| {
        let reached = match plan.client.role {
            Role::Sender => !client && visitor,
            Role::Receiver => client,
        };
        Plan {
            score: reached.into(),
            ..plan
        }
    })
}

fn one_hard(hard: &Nat, client_is_hard: bool, client: &Nat, visitor: &Nat) -> Vec<Plan> {
    let counted = mode(1, COUNTED, client_is_hard);
    let spraying = mode(2, SPRAYING, !client_is_hard);
    let last = both_easy(client, visitor);
    if hard.is_regular() {
        counted.chain(spraying).chain(last).collect()
    } else {
        spraying.chain(counted).chain(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Change;

    fn nat(change: Change, difference: u16, public: bool) -> Nat {
        Nat {
            change,
            difference,
            public,
        }
    }

    fn easy() -> Nat {
        nat(Change::Nothing, 0, false)
    }

    fn regular() -> Nat {
        nat(Change::Port, 1, false)
    }

    fn irregular() -> Nat {
        nat(Change::Port, 900, false)
    }

    fn modes(client: &Nat, visitor: &Nat) -> Vec<u8> {
        let mut modes: Vec<_> = plans(client, visitor).iter().map(|one| one.mode).collect();
        modes.dedup();
        modes
    }

    #[test]
    fn the_kinds_decide_the_order_of_methods() {
        assert_eq!(modes(&easy(), &easy()), [0]);
        assert_eq!(modes(&regular(), &easy()), [1, 2, 0]);
        assert_eq!(modes(&easy(), &irregular()), [2, 1, 0]);
        assert_eq!(modes(&regular(), &regular()), [3, 4]);
        assert_eq!(modes(&regular(), &irregular()), [4]);
        assert_eq!(modes(&irregular(), &irregular()), [0, 1, 3]);
        assert!(
            plans(&irregular(), &irregular())
                .iter()
                .all(|one| one.score == 1)
        );
    }

    #[test]
    fn the_hard_side_has_its_part_wherever_it_is() {
        let plan = plans(&regular(), &easy())[0];
        assert_eq!(
            (plan.client, plan.visitor),
            (SENDER, RECEIVER.ttl(7).range(10))
        );
        let plan = plans(&easy(), &regular())[0];
        assert_eq!(
            (plan.visitor, plan.client),
            (SENDER, RECEIVER.ttl(7).range(10))
        );
        let plan = plans(&easy(), &irregular())[0];
        assert_eq!(
            (plan.client, plan.visitor),
            (SPRAY.delay(3000), SPRAYED.ttl(7))
        );
        let plan = plans(&irregular(), &easy())[0];
        assert_eq!(
            (plan.visitor, plan.client),
            (SPRAY.delay(3000), SPRAYED.ttl(7))
        );
        let plan = plans(&irregular(), &regular())[0];
        assert_eq!(plan.visitor, SPRAY.delay(3000));
        assert_eq!(plan.client, SPRAYED.ttl(7).range(2));
    }

    #[test]
    fn who_has_no_nat_is_sent_to() {
        let public = nat(Change::Nothing, 0, true);
        for plan in plans(&public, &easy()) {
            assert_eq!(plan.score == 1, plan.visitor.role == Role::Sender);
        }
        for plan in plans(&easy(), &public) {
            assert_eq!(plan.score == 1, plan.client.role == Role::Sender);
        }
        assert!(plans(&easy(), &easy()).iter().all(|plan| plan.score == 0));
    }

    #[test]
    fn every_plan_has_a_sender_and_a_receiver() {
        for client in [easy(), regular(), irregular()] {
            for visitor in [easy(), regular(), irregular()] {
                for plan in plans(&client, &visitor) {
                    assert_ne!(plan.client.role, plan.visitor.role, "{plan:?}");
                }
            }
        }
    }
}
