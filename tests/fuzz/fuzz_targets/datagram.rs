//! Users' datagrams as datagrams of a transport: any bytes are read or refused, what lacks parts
//! stays within its bounds, and what was read can be cut and put together again.
//!
//! The input is a row of datagrams, each behind its length in one byte.
#![no_main]

use std::time::Duration;

use bytes::Bytes;
use culvert_wire::{
    datagram::{Piece, Reassembly, Splitter},
    limits::{HELD_BYTES, HELD_PACKETS},
};
use libfuzzer_sys::fuzz_target;

/// The longest datagram of the path on which packets are sent on.
const ROOM: usize = 100;

fuzz_target!(|input: &[u8]| {
    let (mut rest, mut now) = (input, Duration::ZERO);
    let (mut reassembly, mut splitter) = (Reassembly::default(), Splitter::default());
    while let Some((len, tail)) = rest.split_first() {
        let (datagram, tail) = tail.split_at(tail.len().min(usize::from(*len)));
        (rest, now) = (tail, now + Duration::from_millis(50));
        let Ok(piece) = Piece::read(Bytes::copy_from_slice(datagram)) else {
            continue;
        };
        let packet = reassembly.take(piece, now);
        let (packets, bytes) = reassembly.held();
        assert!(packets <= HELD_PACKETS && bytes <= HELD_BYTES);
        let Some(packet) = packet else { continue };
        let mut other = Reassembly::default();
        let mut again = None;
        let all = splitter.split(&packet, ROOM, |head, body| {
            assert!(head.len() + body.len() <= ROOM && again.is_none());
            let piece = Piece::read(Bytes::from([head, body].concat())).unwrap();
            again = other.take(piece, now);
            true
        });
        // Too long for so little room, or a zone that leaves none.
        if all {
            assert_eq!(again, Some(packet));
        }
    }
});
