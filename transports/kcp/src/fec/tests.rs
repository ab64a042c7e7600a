use bytes::Bytes;

use super::{DATA, Decoder, Encoder, Frame, HEADER, PARITY, field};

fn datagram(packet: &[u8]) -> Vec<u8> {
    [&[0; HEADER], packet].concat()
}

/// Packets of different lengths, long enough to be datagrams.
fn packets(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| {
            (0..24 + n * 37 % 500)
                .map(|i| u8::try_from((i * 7 + n) % 255).unwrap() | 1)
                .collect()
        })
        .collect()
}

/// What a sender puts on the wire; `gaps` tells the milliseconds before each packet.
fn send(packets: &[Vec<u8>], gap: impl Fn(usize) -> u64) -> Vec<Bytes> {
    let (mut encoder, mut now, mut wire) = (Encoder::new(true), 1000, Vec::new());
    for (n, packet) in packets.iter().enumerate() {
        now += gap(n);
        let mut data = datagram(packet);
        let due = encoder.data(&mut data, now);
        wire.push(data.into());
        for index in (0..PARITY).filter(|_| due) {
            let mut out = Vec::new();
            encoder.parity(index, &mut out);
            wire.push(out.into());
        }
    }
    wire
}

/// Feeds what arrives; answers what was recovered.
fn receive(wire: impl IntoIterator<Item = Bytes>, valid: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new();
    let mut recovered = Vec::new();
    for datagram in wire {
        recovered.extend(match Frame::parse(&datagram).unwrap() {
            Frame::Data { id, .. } => decoder.data(id, &datagram, &valid),
            Frame::Parity { id } => decoder.parity(id, &datagram, &valid),
            Frame::Raw(_) => panic!("not FEC"),
        });
    }
    assert!(decoder.held() <= 32 * 1500);
    recovered.into_iter().map(|b| b.to_vec()).collect()
}

/// The rows are those of the Vandermonde matrix whose upper square was made the identity.
#[test]
fn rows_are_the_vandermonde_ones() {
    let power = |base: u8, n: usize| (0..n).fold(1, |p, _| field::mul(p, base));
    for (parity, row) in field::ROWS.iter().enumerate() {
        // Row 10 + parity of V times V[..10]^-1 equals `row`: so row times V[..10] is V's row.
        let at = u8::try_from(DATA + parity).unwrap();
        for column in 0..DATA {
            let sum = (0..10u8).fold(0, |sum, r| {
                sum ^ field::mul(row[usize::from(r)], power(r, column))
            });
            assert_eq!(sum, power(at, column), "{parity} {column}");
        }
    }
    for a in 1..=255 {
        assert_eq!(field::mul(a, field::invert(a)), 1);
    }
}

#[test]
fn frames_are_told_apart() {
    let mut raw = vec![0; 24];
    raw[4] = 81;
    assert_eq!(Frame::parse(&raw), Some(Frame::Raw(&raw)));
    assert_eq!(Frame::parse(&raw[..23]), None);
    let data = [&[7, 0, 0, 0, 0xf1, 0, 18, 0][..], &[9; 16]].concat();
    let packet = &data[8..];
    assert_eq!(Frame::parse(&data), Some(Frame::Data { id: 7, packet }));
    let parity = [&[8, 0, 0, 0, 0xf2, 0][..], &[9; 18]].concat();
    assert_eq!(Frame::parse(&parity), Some(Frame::Parity { id: 8 }));
}

#[test]
fn numbers_sizes_and_parity_are_upstreams() {
    let packets = packets(21);
    let wire = send(&packets, |_| 20);
    assert_eq!(wire.len(), 21 + 2 * PARITY);
    for (n, datagram) in wire.iter().enumerate() {
        assert_eq!(datagram[..4], u32::try_from(n).unwrap().to_le_bytes());
        let flag = if n % 13 < 10 { 0xf1 } else { 0xf2 };
        assert_eq!(datagram[4..6], [flag, 0]);
    }
    let size = u16::try_from(packets[0].len() + 2).unwrap();
    assert_eq!(wire[0][6..8], size.to_le_bytes());
    // A parity byte is the sum of the data bytes times the coefficients.
    let at = |n: usize, i: usize| wire[n].get(6 + i).copied().unwrap_or(0);
    for parity in 0..PARITY {
        let longest = (0..10).map(|n| wire[n].len()).max().unwrap();
        assert_eq!(wire[10 + parity].len(), longest);
        for i in 0..longest - 6 {
            let sum = (0..10).fold(0, |s, n| s ^ field::mul(at(n, i), field::ROWS[parity][n]));
            assert_eq!(sum, at(10 + parity, i));
        }
    }
}

/// Parity is skipped, and takes no numbers, when the last packet of a group comes late.
#[test]
fn late_groups_have_no_parity() {
    let flags = |gap: u64, at: usize| -> Vec<u8> {
        let wire = send(&packets(12), |n| if n == at { gap } else { 20 });
        for (n, datagram) in wire.iter().enumerate() {
            assert_eq!(datagram[..4], u32::try_from(n).unwrap().to_le_bytes());
        }
        wire.iter().map(|d| d[4]).collect()
    };
    assert_eq!(flags(500, 9), [0xf1; 12]);
    assert_eq!(flags(499, 9)[9..14], [0xf1, 0xf2, 0xf2, 0xf2, 0xf1]);
    assert_eq!(flags(500, 8)[10], 0xf2);
}

#[test]
fn any_three_losses_are_repaired() {
    let packets = packets(10);
    let wire = send(&packets, |_| 20);
    for a in 0..13 {
        for b in 0..13 {
            for c in 0..13 {
                let lost = [a, b, c];
                let got = wire.iter().enumerate().filter(|(n, _)| !lost.contains(n));
                let mut repaired = receive(got.map(|(_, d)| d.clone()), |p| {
                    packets.contains(&p.to_vec())
                });
                let mut wanted: Vec<_> = (0..10)
                    .filter(|n| lost.contains(n))
                    .map(|n| packets[n].clone())
                    .collect();
                repaired.sort();
                wanted.sort();
                assert_eq!(repaired, wanted, "{lost:?}");
            }
        }
    }
}

/// Groups whose parity was skipped put the numbers out of phase; recovery goes on.
#[test]
fn skipped_parity_does_not_end_recovery() {
    let packets = packets(200);
    let late = |n: usize| {
        if [19, 49, 59, 139].contains(&n) {
            600
        } else {
            20
        }
    };
    let wire = send(&packets, late);
    let parity = wire.iter().filter(|d| d[4] == 0xf2).count();
    assert_eq!(parity, 3 * (20 - 4));
    let without = [1, 4, 5, 13];
    let lost = |d: &Bytes| {
        // One packet of each group.
        let id = u32::from_le_bytes(d[..4].try_into().unwrap());
        id % 13 == 3
    };
    let lost_data = wire.iter().filter(|d| lost(d) && d[4] == 0xf1).count();
    let got = wire.iter().filter(|d| !lost(d)).cloned();
    let repaired = receive(got, |p| packets.contains(&p.to_vec()));
    assert!(
        repaired.len() + without.len() >= lost_data,
        "{} of {lost_data}",
        repaired.len()
    );
    assert!(repaired.iter().all(|p| packets.contains(p)));
}

#[test]
fn late_data_completes_a_group() {
    let packets = packets(10);
    let mut wire = send(&packets, |_| 20);
    // Two lost with one parity, and a third that arrives last.
    let late = wire.remove(2);
    wire.remove(6);
    wire.truncate(9);
    wire.push(late);
    assert_eq!(receive(wire, |_| true), [packets[7].clone()]);
}

#[test]
fn nothing_false_comes_out() {
    let packets = packets(40);
    let mut wire = send(&packets, |_| 20);
    for datagram in &mut wire {
        let mut damaged = datagram.to_vec();
        let last = damaged.len() - 1;
        damaged[last] ^= 0x55;
        *datagram = damaged.into();
    }
    wire.retain(|d| !d[0].is_multiple_of(5));
    let repaired = receive(wire, |p| packets.contains(&p.to_vec()));
    assert!(repaired.is_empty());
}
