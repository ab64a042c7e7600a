//! What peers and servers say to bring two peers together: any messages, as lines of a type and
//! JSON. The server's answers can be followed, and nobody is told to flood anybody.
#![no_main]

use std::time::Duration;

use bytes::BytesMut;
use culvert_nathole::{Memory, answers};
use culvert_proxies::xtcp::orders::Orders;
use culvert_wire::{Message, msg::NatHoleResp, v1};
use libfuzzer_sys::fuzz_target;

/// Reads a line as a v1 message (protocol 3.1: type, length, JSON).
fn read(line: &[u8]) -> Option<Message> {
    let (kind, body) = line.split_first()?;
    let mut bytes = BytesMut::from(&[*kind][..]);
    bytes.extend_from_slice(&i64::try_from(body.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(body);
    v1::decode(&mut bytes).ok().flatten()
}

/// Reads orders; answers whether somebody could follow them.
fn follow(told: &NatHoleResp) -> bool {
    let Ok(orders) = Orders::read(told) else {
        return false;
    };
    assert!((1..=16).contains(&orders.candidates.len()) && orders.assisted.len() <= 16);
    let ports: usize = orders.ports.iter().map(|range| range.clone().len()).sum();
    assert!(ports <= 64 && orders.send_ports <= 2000 && orders.listen_ports <= 512);
    assert!(orders.delay <= Duration::from_secs(30) && orders.wait <= Duration::from_secs(90));
    let mut all = orders.candidates.iter().chain(&orders.assisted);
    assert!(all.all(|at| at.port() > 0 && !at.ip().is_broadcast()));
    assert!(orders.ports.iter().all(|range| *range.start() > 0));
    true
}

fuzz_target!(|input: &[u8]| {
    let (mut visitors, mut clients) = (Vec::new(), Vec::new());
    for line in input.split(|byte| *byte == b'\n') {
        match read(line) {
            Some(Message::NatHoleVisitor(visitor)) => visitors.push(visitor),
            Some(Message::NatHoleClient(client)) => clients.push(client),
            Some(Message::NatHoleResp(told)) => drop(follow(&told)),
            _ => {}
        }
    }
    let (mut memory, mut now) = (Memory::new(Duration::from_secs(60)), Duration::ZERO);
    for (visitor, client) in visitors.iter().zip(&clients) {
        let Ok(decided) = answers("sid", visitor, client, &mut memory, now) else {
            continue;
        };
        let has_v4 = |told: &NatHoleResp| {
            let mut all = told.candidate_addrs.iter();
            all.any(|at| !at.starts_with('[') && !at.starts_with("255.255.255.255:"))
        };
        for told in [&decided.visitor, &decided.client] {
            assert_eq!(follow(told), has_v4(told), "{told:?}");
        }
        memory.succeeded(&decided.pair, &decided.plan, now);
        now += Duration::from_secs(7);
    }
});
