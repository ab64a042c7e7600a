//! The mux core: any bytes in any pieces from a peer, while we open, read, write and close streams
//! and time passes. It never panics, and what it holds stays bounded. `CULVERT_FAST_PATHS` leaves
//! fast paths out or forces them, as it does in the programs.
#![no_main]

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use culvert_io::Buffer;
use culvert_mux::{Core, MuxConfig, Received, Role};
use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;

/// A configuration small enough that a short input reaches its limits.
fn config() -> MuxConfig {
    MuxConfig {
        accept_backlog: 4,
        max_streams: 8,
        receive_budget: 1 << 20,
        ..MuxConfig::default()
    }
}

/// One step of ours, chosen by the input.
fn act(core: &mut Core, choice: u8, ids: &mut Vec<u32>, now: &mut Instant) {
    let cx = Context::from_waker(Waker::noop());
    let id = ids
        .get(usize::from(choice >> 4) % ids.len().max(1))
        .copied()
        .unwrap_or(1);
    match choice & 0x0F {
        0 => ids.extend(core.open(*now).ok().flatten()),
        1 | 2 => ids.extend(core.accept().ok().flatten()),
        3 => drop(core.poll_chunk(id, &cx, Instant::now)),
        4 => {
            if let Poll::Ready(Ok(room)) = core.poll_room(id, &cx) {
                let _ = core.write(id, &[7; 300][..room.min(300)]);
            }
        }
        10 => {
            if let Poll::Ready(Ok(room)) = core.poll_room(id, &cx) {
                let (buffer, most) = (Buffer::large(), Buffer::LARGE);
                let _ = core.submit(id, buffer, room.min(most));
            }
        }
        5 => core.finish(id, *now),
        6 if ids.contains(&id) => {
            core.release(id, *now);
            ids.retain(|held| *held != id);
        }
        7 => {
            *now += Duration::from_secs(5);
            core.on_time(*now);
        }
        8 => core.authenticate(),
        9 => core.output_waits(*now),
        _ => core.output_flows(Instant::now),
    }
}

/// The transport takes some of what there is, perhaps in the middle of a frame.
fn send(core: &mut Core, choice: u8) {
    let mut slices = [IoSlice::new(&[]); 8];
    let used = core.transmit(&mut slices);
    let sent: usize = slices.iter().take(used).map(|slice| slice.len()).sum();
    core.transmitted(sent >> (choice & 3));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&role, mut rest)) = bytes.split_first() else {
        return;
    };
    let role = if role & 1 == 0 {
        Role::Client
    } else {
        Role::Server
    };
    let mut now = Instant::now();
    let (mut core, mut ids) = (Core::new(role, config(), now), Vec::new());
    let mut opened = 0; // by us, who are not the attacker
    while let Some((&[choice, len], more)) = rest.split_first_chunk() {
        let (piece, left) = more.split_at(usize::from(len).min(more.len()));
        rest = left;
        opened += usize::from(choice & 0x0F == 0);
        act(&mut core, choice, &mut ids, &mut now);
        if core.ended().is_none() {
            let shared = Bytes::copy_from_slice(piece);
            let received = if choice & 0x80 == 0 {
                Received::Lent(piece)
            } else {
                Received::Shared(&shared)
            };
            if let Err(why) = core.receive(received, now) {
                core.end(why); // as the driver does; what follows must find an ended session
            }
        }
        let bound = config().max_streams + opened;
        assert!(core.streams() <= bound, "{} streams", core.streams());
        assert!(
            core.buffered() <= bytes.len(),
            "more buffered than received"
        );
        send(&mut core, choice);
    }
});
