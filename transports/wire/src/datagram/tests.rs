use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::RngSeed};

use super::{Part, Piece, Reassembly, Splitter};
use crate::{
    WireError,
    limits::{HELD_BYTES, HELD_PACKETS, HELD_TIME, PARTS, UDP_PAYLOAD},
    msg::{UdpAddr, UdpPacket},
};

fn packet(len: usize, user: &str) -> UdpPacket {
    let bytes: Vec<u8> = (0..len).map(|i| (i % 251).try_into().unwrap()).collect();
    UdpPacket::new(bytes, user.parse().unwrap())
}

/// The datagrams that a packet becomes.
fn cut(splitter: &mut Splitter, packet: &UdpPacket, room: usize) -> Option<Vec<Bytes>> {
    let mut out = Vec::new();
    let taken = splitter.split(packet, room, |head, body| {
        assert!(head.len() + body.len() <= room);
        out.push(Bytes::from([head, body].concat()));
        true
    });
    taken.then_some(out)
}

fn read(datagram: &Bytes) -> Piece {
    Piece::read(datagram.clone()).unwrap()
}

fn refused(bytes: &[u8]) -> bool {
    matches!(
        Piece::read(Bytes::copy_from_slice(bytes)),
        Err(WireError::BadDatagram(_))
    )
}

#[test]
fn a_small_packet_is_seven_bytes_longer() {
    let mut splitter = Splitter::default();
    let small = UdpPacket::new(&b"hi"[..], "192.0.2.1:53".parse().unwrap());
    let datagrams = cut(&mut splitter, &small, 1000).unwrap();
    assert_eq!(datagrams, [&[1, 192, 0, 2, 1, 0, 53, b'h', b'i'][..]]);
    assert_eq!(read(&datagrams[0]), Piece::Whole(small));
}

#[test]
fn users_of_every_kind_are_told_apart() {
    let mut splitter = Splitter::default();
    for user in [
        "1.2.3.4:5",
        "[2001:db8::1]:65535",
        "[fe80::1%3]:9",
        "[::]:0",
    ] {
        let packet = packet(10, user);
        let datagrams = cut(&mut splitter, &packet, 100).unwrap();
        assert_eq!(read(&datagrams[0]), Piece::Whole(packet));
    }
    let named = UdpPacket {
        r: Some(UdpAddr {
            zone: "wg-tünnel".to_owned(),
            ..UdpAddr::from("[fe80::1]:9".parse::<SocketAddr>().unwrap())
        }),
        ..UdpPacket::default()
    };
    let datagrams = cut(&mut splitter, &named, 100).unwrap();
    assert_eq!(read(&datagrams[0]), Piece::Whole(named));
}

#[test]
fn what_has_no_form_here_is_left_to_messages() {
    let mut splitter = Splitter::default();
    let good = packet(10, "[fe80::1]:9");
    let with = |change: fn(&mut UdpAddr)| {
        let mut packet = good.clone();
        change(packet.r.as_mut().unwrap());
        packet
    };
    for bad in [
        UdpPacket {
            r: None,
            ..good.clone()
        },
        with(|user| user.ip = None),
        with(|user| user.port = -1),
        with(|user| user.port = 65_536),
        with(|user| user.zone = "z".repeat(256)),
    ] {
        assert_eq!(cut(&mut splitter, &bad, 1000), None);
    }
    // Too long for so little room, or for any.
    assert_eq!(cut(&mut splitter, &packet(10, "1.2.3.4:5"), 5), None);
    assert_eq!(cut(&mut splitter, &packet(6400, "1.2.3.4:5"), 100), None);
    assert_eq!(cut(&mut splitter, &packet(65_508, "1.2.3.4:5"), 1200), None);
}

#[test]
fn the_longest_packet_fits_into_the_smallest_quic_packets() {
    let mut splitter = Splitter::default();
    let longest = packet(UDP_PAYLOAD, "[2001:db8::1]:1");
    let datagrams = cut(&mut splitter, &longest, 1150).unwrap();
    assert_eq!(datagrams.len(), 58);
    let mut reassembly = Reassembly::default();
    let mut got = None;
    for datagram in datagrams.iter().rev() {
        assert_eq!(got, None);
        got = reassembly.take(read(datagram), Duration::ZERO);
    }
    assert_eq!(got, Some(longest));
    assert_eq!(reassembly.held(), (0, 0));
}

#[test]
fn sending_stops_where_it_is_refused() {
    let mut calls = 0;
    let taken = Splitter::default().split(&packet(5000, "1.2.3.4:5"), 1000, |_, _| {
        calls += 1;
        calls < 3
    });
    assert!(!taken);
    assert_eq!(calls, 3);
}

#[test]
fn malformed_datagrams_are_refused() {
    for bad in [
        &[][..],
        &[1],
        &[1, 192, 0, 2, 1, 0],
        // Unknown flags.
        &[8, 192, 0, 2, 1, 0, 53],
        &[0x81, 192, 0, 2, 1, 0, 53],
        // Nobody's packet.
        &[0, b'x'],
        // A first part without a user, another with one.
        &[4, 0, 1, 0, 1, b'x'],
        &[5, 0, 1, 1, 1, 192, 0, 2, 1, 0, 53, b'x'],
        // One part is none, and an index beyond the last.
        &[5, 0, 1, 0, 0, 192, 0, 2, 1, 0, 53, b'x'],
        &[4, 0, 1, 3, 2, b'x'],
        &[4, 0, 1, 1, 64, b'x'],
        &[4, 0, 1, 1],
        // A zone that is cut off, and one that is no text.
        &[
            3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, b'x',
        ],
        &[
            3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xff,
        ],
    ] {
        assert!(refused(bad), "{bad:?}");
    }
}

fn part(packet: u16, index: u8, last: u8, len: usize) -> Piece {
    Piece::Part(Part {
        packet,
        index,
        last,
        user: (index == 0).then(|| UdpAddr::from(SocketAddr::from(([192, 0, 2, 1], 1)))),
        bytes: vec![index; len].into(),
    })
}

#[test]
fn a_packet_that_lacks_a_part_is_dropped_after_a_while() {
    let mut reassembly = Reassembly::default();
    let start = Duration::from_secs(100);
    assert_eq!(reassembly.deadline(), None);
    assert_eq!(reassembly.take(part(1, 0, 1, 10), start), None);
    assert_eq!(reassembly.deadline(), Some(start + HELD_TIME));
    let late = start + HELD_TIME;
    assert_eq!(reassembly.take(part(1, 1, 1, 10), late), None);
    // It counts as the first of another packet.
    assert_eq!(reassembly.held(), (1, 10));
    reassembly.expire(late + HELD_TIME);
    assert_eq!(reassembly.held(), (0, 0));
}

#[test]
fn parts_that_come_twice_or_contradict_do_no_harm() {
    let mut reassembly = Reassembly::default();
    let now = Duration::ZERO;
    assert_eq!(reassembly.take(part(1, 0, 1, 10), now), None);
    assert_eq!(reassembly.take(part(1, 0, 1, 99), now), None);
    assert_eq!(reassembly.held(), (1, 10));
    let whole = reassembly.take(part(1, 1, 1, 3), now).unwrap();
    assert_eq!(whole.c, [&[0; 10][..], &[1; 3]].concat());
    // Another number of parts: neither can be believed.
    assert_eq!(reassembly.take(part(2, 0, 1, 10), now), None);
    assert_eq!(reassembly.take(part(2, 1, 2, 10), now), None);
    assert_eq!(reassembly.held(), (0, 0));
    // More than any datagram has.
    assert_eq!(reassembly.take(part(3, 0, 2, 40_000), now), None);
    assert_eq!(reassembly.take(part(3, 1, 2, 40_000), now), None);
    assert_eq!(reassembly.held(), (0, 0));
}

#[test]
fn what_is_held_is_bounded() {
    let mut reassembly = Reassembly::default();
    for number in 0..1000 {
        assert_eq!(
            reassembly.take(part(number, 0, 63, 1), Duration::ZERO),
            None
        );
    }
    assert_eq!(reassembly.held(), (HELD_PACKETS, HELD_PACKETS));
    for number in 0..1000 {
        let piece = part(number, 1, 2, 60_000);
        assert_eq!(reassembly.take(piece, Duration::ZERO), None);
        assert!(reassembly.held().1 <= HELD_BYTES);
    }
    // The newest are the ones that are kept.
    for (index, done) in [(0, false), (2, true)] {
        let got = reassembly.take(part(999, index, 2, 1), Duration::ZERO);
        assert_eq!(got.is_some(), done);
    }
}

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        // The same at every run, and nothing written beside the sources.
        rng_seed: RngSeed::Fixed(9221),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn any_user() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u16; 8], u16)>().prop_map(SocketAddr::from),
    ]
}

proptest! {
    #![proptest_config(cases())]

    /// Packets arrive whole or not at all, whatever is lost, doubled or overtaken.
    #[test]
    fn packets_survive_a_bad_path(
        packets in vec((any_user(), 0..5000_usize), 1..12),
        room in 100..1500_usize,
        swaps in vec(any::<(Index, Index)>(), 0..40),
        lost in vec(any::<Index>(), 0..3),
        doubled in vec(any::<Index>(), 0..5),
    ) {
        let mut splitter = Splitter::default();
        let sent: Vec<_> = packets
            .iter()
            .enumerate()
            .map(|(i, (user, len))| UdpPacket::new(vec![i.try_into().unwrap(); *len], *user))
            .collect();
        let mut path = Vec::new();
        for (i, packet) in sent.iter().enumerate() {
            let datagrams = cut(&mut splitter, packet, room).unwrap();
            path.extend(datagrams.into_iter().map(|datagram| (i, datagram)));
        }
        for twice in &doubled {
            path.push(path[twice.index(path.len())].clone());
        }
        for (a, b) in &swaps {
            let (a, b) = (a.index(path.len()), b.index(path.len()));
            path.swap(a, b);
        }
        let mut harmed = Vec::new();
        for gone in &lost {
            if !path.is_empty() {
                harmed.push(path.remove(gone.index(path.len())).0);
            }
        }
        let mut reassembly = Reassembly::default();
        let mut got = Vec::new();
        for (_, datagram) in &path {
            got.extend(reassembly.take(read(datagram), Duration::ZERO));
        }
        for packet in &got {
            prop_assert!(sent.contains(packet));
        }
        for (i, packet) in sent.iter().enumerate() {
            prop_assert!(harmed.contains(&i) || got.contains(packet));
        }
    }

    /// Any bytes at all are read or refused, and never make what is held grow beyond its bounds.
    #[test]
    fn any_bytes_are_taken(datagrams in vec(vec(any::<u8>(), 0..300), 0..200)) {
        let mut reassembly = Reassembly::default();
        for (datagram, now) in datagrams.into_iter().zip(0..) {
            if let Ok(piece) = Piece::read(datagram.into()) {
                reassembly.take(piece, Duration::from_millis(now * 100));
            }
            let (packets, bytes) = reassembly.held();
            prop_assert!(packets <= HELD_PACKETS && bytes <= HELD_BYTES);
        }
    }

    /// Whatever room there is, parts fit into it and there are not too many.
    #[test]
    fn parts_fit(user in any_user(), len in 0..=UDP_PAYLOAD, room in 0..2000_usize) {
        let packet = UdpPacket::new(vec![0; len], user);
        if let Some(datagrams) = cut(&mut Splitter::default(), &packet, room) {
            prop_assert!(datagrams.len() <= PARTS);
            let bodies: usize = datagrams.iter().map(Bytes::len).sum();
            prop_assert!(bodies >= len);
        }
    }
}
