//! The KCP conversation: any datagrams from a peer, while we write, read and time passes. It never
//! panics, and what it holds stays bounded.
#![no_main]

use culvert_kcp::{Conversation, MSS, Parameters};
use libfuzzer_sys::fuzz_target;

/// The window of the fuzzed end, small enough that a short input fills it.
const WINDOW: u16 = 64;

fn send(end: &mut Conversation) {
    while let Some(datagram) = end.outbox().front() {
        assert!(datagram.len() <= 1358, "longer than upstream's longest");
        end.outbox().pop();
    }
}

/// Makes a datagram of ours out of the input's, so that not all are for another conversation.
fn patched(piece: &[u8], conv: u32, choice: u8) -> Vec<u8> {
    let mut bytes = piece.to_vec();
    let at = match choice & 3 {
        0 => return bytes,
        1 => 0,
        _ => 8,
    };
    let mut put = |from: usize, field: &[u8]| {
        if let Some(place) = bytes.get_mut(from..from + field.len()) {
            place.copy_from_slice(field);
        }
    };
    put(at, &conv.to_le_bytes());
    put(at + 4, &[81 + (choice >> 6)]);
    put(at + 21, &[0; 3]);
    match choice & 3 {
        2 => put(4, &[0xf1, 0]),
        3 => put(4, &[0xf2, 0]),
        _ => {}
    }
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[stranger, conv], mut rest)) = bytes.split_first_chunk() else {
        return;
    };
    let conv = u32::from(conv);
    let parameters = Parameters::SERVER.with_receive_window(WINDOW);
    let mut end = Conversation::new(conv, &parameters, stranger & 1 == 1, 0);
    let mut now = 0;
    while let Some((&[choice, len], more)) = rest.split_first_chunk() {
        let (piece, left) = more.split_at(usize::from(len).min(more.len()));
        rest = left;
        let datagram = patched(piece, conv, choice);
        let _begun = Conversation::begun_by(&datagram);
        let _named = Conversation::named_by(&datagram);
        let _meant = end.input(&datagram, now);
        match (choice >> 2) & 0x0F {
            0 => drop(end.read(7)),
            1 => drop(end.read(usize::MAX)),
            2 => drop(end.write(piece)),
            3 => drop(end.write(&[3; 20_000])),
            4 => now += u64::from(len),
            5 => now += 1_000,
            6 => end.trust(),
            7 => end.on_time(now),
            _ => end.flush(now),
        }
        send(&mut end);
        let bound = 1024 * MSS + usize::from(WINDOW) * 1500 + 32 * 1500;
        assert!(end.held() <= bound, "{} bytes held", end.held());
        assert!(end.wake_at().is_none_or(|at| at <= now + 200_000));
    }
});
