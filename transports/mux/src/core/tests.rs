//! The protocol, frame by frame and byte by byte.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of tests are small"
)]

use std::{
    io::IoSlice,
    task::{Context, Poll},
    time::Duration,
};

use culvert_io::{Buffer, FastPath, FastPaths};

use super::*;
use crate::{ProtocolError, config::INITIAL_WINDOW};

const KIB: usize = 1024;

fn core(role: Role) -> Core {
    let mut core = Core::new(role, MuxConfig::default(), Instant::now());
    core.authenticate();
    core
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn output(core: &mut Core) -> Vec<u8> {
    let mut all = Vec::new();
    while core.queued() > 0 {
        let mut slices = [IoSlice::new(&[]); 3];
        let used = core.transmit(&mut slices);
        let bytes: Vec<u8> = slices[..used].iter().flat_map(|s| s.to_vec()).collect();
        // Taken in odd portions, as a transport may.
        let n = bytes.len().min(100_003);
        all.extend_from_slice(&bytes[..n]);
        core.transmitted(n);
    }
    all
}

fn frame(kind: Kind, flags: Flags, stream: u32, length: u32) -> Vec<u8> {
    Header::new(kind, flags, stream, length).encode().to_vec()
}

fn data(flags: Flags, stream: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = frame(Kind::Data, flags, stream, body.len() as u32);
    bytes.extend_from_slice(body);
    bytes
}

fn feed(core: &mut Core, bytes: &[u8]) -> Result<(), MuxError> {
    let result = core.receive(Received::Lent(bytes), Instant::now());
    result.inspect_err(|e| {
        if let MuxError::Protocol(p) = e {
            core.end((*p).into());
        }
    })
}

fn accepted(core: &mut Core, id: u32) {
    feed(core, &frame(Kind::WindowUpdate, Flags::SYN, id, 0)).unwrap();
    assert_eq!(core.accept().unwrap(), Some(id));
}

fn read_all(core: &mut Core, id: u32) -> (Vec<u8>, Poll<bool>) {
    let mut all = Vec::new();
    loop {
        match core.poll_chunk(id, &cx(), Instant::now) {
            Poll::Ready(Ok(Some(chunk))) => all.extend_from_slice(&chunk),
            Poll::Ready(Ok(None)) => return (all, Poll::Ready(true)),
            Poll::Ready(Err(_)) => return (all, Poll::Ready(false)),
            Poll::Pending => return (all, Poll::Pending),
        }
    }
}

#[test]
fn the_first_open_and_accept_are_the_captured_frames() {
    let mut client = core(Role::Client);
    assert_eq!(client.open(Instant::now()).unwrap(), Some(1));
    let open = output(&mut client);
    assert_eq!(open, [0, 1, 0, 1, 0, 0, 0, 1, 0, 0x5c, 0, 0]);
    let mut server = core(Role::Server);
    feed(&mut server, &open).unwrap();
    assert_eq!(output(&mut server), []);
    assert_eq!(server.accept().unwrap(), Some(1));
    let ack = output(&mut server);
    assert_eq!(ack, [0, 1, 0, 2, 0, 0, 0, 1, 0, 0x5c, 0, 0]);
    feed(&mut client, &ack).unwrap();
    assert_eq!(client.unacked, 0);
    assert_eq!(client.streams[&1].send_window, 6 * 1024 * 1024);
    assert_eq!(client.open(Instant::now()).unwrap(), Some(3));
    assert_eq!(server.open(Instant::now()).unwrap(), Some(2));
}

#[test]
fn any_cut_of_the_input_gives_the_same_streams() {
    let mut bytes = frame(Kind::WindowUpdate, Flags::SYN, 1, 7);
    bytes.extend(data(Flags::SYN, 3, b"with the open"));
    bytes.extend(frame(Kind::Ping, Flags::SYN, 0, 99));
    bytes.extend(data(Flags::NONE, 1, &[5; 300]));
    bytes.extend(data(Flags::NONE, 77, b"for nobody"));
    bytes.extend(data(Flags::FIN, 3, b", and the end"));
    bytes.extend(data(Flags::FIN, 1, b""));
    for step in [1, 2, 5, 11, 12, 13, 100, bytes.len()] {
        let mut core = core(Role::Server);
        for part in bytes.chunks(step) {
            feed(&mut core, part).unwrap();
        }
        assert_eq!(core.accept().unwrap(), Some(1));
        assert_eq!(core.accept().unwrap(), Some(3));
        assert_eq!(core.accept().unwrap(), None);
        assert_eq!(core.buffered(), 326);
        assert_eq!(read_all(&mut core, 1), (vec![5; 300], Poll::Ready(true)));
        let text = b"with the open, and the end".to_vec();
        assert_eq!(read_all(&mut core, 3), (text, Poll::Ready(true)));
        assert_eq!(core.buffered(), 0);
        let mut expected = frame(Kind::Ping, Flags::ACK, 0, 99);
        expected.extend(frame(Kind::WindowUpdate, Flags::ACK, 1, 0));
        expected.extend(frame(Kind::WindowUpdate, Flags::ACK, 3, 0));
        // Both were finished by the peer before the accept, so they get no more window.
        assert_eq!(output(&mut core), expected);
    }
}

#[test]
fn what_no_correct_peer_sends_ends_the_session_with_go_away_1() {
    let syn = |id| frame(Kind::WindowUpdate, Flags::SYN, id, 0);
    let big = frame(Kind::Data, Flags::NONE, 1, INITIAL_WINDOW + 1);
    let fin = data(Flags::FIN, 1, b"");
    let cases: Vec<(Vec<Vec<u8>>, ProtocolError)> = vec![
        (vec![vec![1; 12]], ProtocolError::Version(1)),
        (
            vec![vec![0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
            ProtocolError::Type(9),
        ),
        (vec![syn(1), syn(1)], ProtocolError::DuplicateStream(1)),
        (vec![syn(2)], ProtocolError::Parity(2)),
        (vec![syn(0)], ProtocolError::Parity(0)),
        (vec![syn(1), big], ProtocolError::Window(1)),
        (vec![syn(1), fin.clone(), fin], ProtocolError::DoubleFin(1)),
    ];
    for (frames, expected) in cases {
        let mut core = core(Role::Server);
        let last = frames.len() - 1;
        for bytes in &frames[..last] {
            feed(&mut core, bytes).unwrap();
        }
        match feed(&mut core, &frames[last]) {
            Err(MuxError::Protocol(e)) => assert_eq!(e, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        assert_eq!(output(&mut core), frame(Kind::GoAway, Flags::NONE, 0, 1));
    }
    let mut client = core(Role::Client);
    assert!(matches!(
        feed(&mut client, &syn(1)),
        Err(MuxError::Protocol(ProtocolError::Parity(1)))
    ));
}

#[test]
fn go_away_0_stops_opens_and_other_codes_end_the_session() {
    let mut core = core(Role::Client);
    feed(&mut core, &frame(Kind::GoAway, Flags::NONE, 0, 0)).unwrap();
    assert!(matches!(
        core.open(Instant::now()),
        Err(MuxError::GoAway(0))
    ));
    assert!(matches!(
        feed(&mut core, &frame(Kind::GoAway, Flags::NONE, 0, 2)),
        Err(MuxError::GoAway(2))
    ));
}

#[test]
fn the_window_is_exact_and_credit_returns_by_halves() {
    let mut core = core(Role::Server);
    core.budget = Budget::new(0);
    accepted(&mut core, 1);
    output(&mut core);
    let half = INITIAL_WINDOW as usize / 2;
    feed(&mut core, &data(Flags::NONE, 1, &vec![1; half])).unwrap();
    feed(&mut core, &data(Flags::NONE, 1, &vec![2; half])).unwrap();
    let mut space = vec![0; half - 1];
    let mut buf = tokio::io::ReadBuf::new(&mut space);
    assert!(core.poll_read(1, &cx(), &mut buf, Instant::now).is_ready());
    assert_eq!(output(&mut core), []);
    let (rest, end) = read_all(&mut core, 1);
    assert_eq!((rest.len(), end), (half + 1, Poll::Pending));
    let updates = output(&mut core);
    let granted: u32 = updates
        .chunks(12)
        .map(|u| Header::decode(u.try_into().unwrap()).unwrap().length)
        .sum();
    assert!(
        granted as usize >= half && granted <= INITIAL_WINDOW,
        "{granted}"
    );
    feed(&mut core, &data(Flags::NONE, 1, &vec![3; granted as usize])).unwrap();
    assert!(feed(&mut core, &data(Flags::NONE, 1, &[0; 131_073])).is_err());
}

#[test]
fn fin_is_sent_once_whatever_happens_after() {
    let mut core = core(Role::Client);
    let now = Instant::now();
    core.open(now).unwrap();
    output(&mut core);
    core.write(1, b"last words").unwrap();
    core.finish(1, now);
    core.finish(1, now);
    assert!(core.write(1, b"more").is_err());
    core.release(1, now);
    let mut expected = data(Flags::NONE, 1, b"last words");
    expected.extend(frame(Kind::WindowUpdate, Flags::FIN, 1, 0));
    assert_eq!(output(&mut core), expected);
    assert_eq!(core.streams(), 1);
    feed(&mut core, &data(Flags::ACK | Flags::FIN, 1, b"")).unwrap();
    assert_eq!(core.streams(), 0);
    assert!(core.streams.is_empty() && core.deadline().unwrap() < now + Duration::from_secs(31));
    // What comes later for that id is nobody's.
    feed(&mut core, &data(Flags::FIN, 1, b"late")).unwrap();
    assert_eq!(core.buffered(), 0);
}

#[test]
fn reset_fails_the_reader_at_once_and_frees_what_it_held() {
    let mut core = core(Role::Server);
    accepted(&mut core, 1);
    feed(&mut core, &data(Flags::NONE, 1, b"lost")).unwrap();
    assert!(core.budget.reserved() > 0);
    feed(&mut core, &frame(Kind::WindowUpdate, Flags::RST, 1, 0)).unwrap();
    assert_eq!(read_all(&mut core, 1), (vec![], Poll::Ready(false)));
    assert!(core.write(1, b"x").is_err());
    assert_eq!((core.buffered(), core.budget.reserved()), (0, 0));
    core.release(1, Instant::now());
    assert_eq!(core.streams(), 0);
}

#[test]
fn data_for_a_dropped_stream_is_thrown_away_without_credit() {
    let mut core = core(Role::Server);
    core.budget = Budget::new(0);
    accepted(&mut core, 1);
    core.release(1, Instant::now());
    output(&mut core);
    feed(&mut core, &data(Flags::NONE, 1, &vec![0; 256 * KIB])).unwrap();
    assert_eq!((core.buffered(), core.queued()), (0, 0));
    assert!(feed(&mut core, &data(Flags::NONE, 1, b"x")).is_err());
}

#[test]
fn late_opens_end_the_session_and_late_closes_the_stream() {
    let now = Instant::now();
    let mut core = core(Role::Client);
    core.config.keepalive = None;
    core.timers = Timers::new(&core.config, now);
    core.open(now).unwrap();
    core.open(now).unwrap();
    feed(&mut core, &frame(Kind::WindowUpdate, Flags::ACK, 1, 0)).unwrap();
    core.finish(1, now);
    output(&mut core);
    assert_eq!(core.deadline(), Some(now + Duration::from_secs(75)));
    core.on_time(now + Duration::from_secs(74));
    assert!(core.ended().is_none());
    feed(&mut core, &frame(Kind::WindowUpdate, Flags::ACK, 3, 0)).unwrap();
    // Data keeps a half-closed stream alive for another term.
    feed(&mut core, &data(Flags::NONE, 1, b"x")).unwrap();
    let late = now + Duration::from_secs(300);
    core.on_time(late);
    assert_eq!(core.queued(), 0);
    core.on_time(late + Duration::from_secs(300));
    assert_eq!(
        output(&mut core),
        frame(Kind::WindowUpdate, Flags::RST, 1, 0)
    );
    assert!(core.ended().is_none());
    core.open(late).unwrap();
    core.on_time(late + Duration::from_secs(75));
    assert!(matches!(**core.ended().unwrap(), MuxError::OpenTimeout(5)));
}

#[test]
fn pings_go_out_on_time_and_must_be_answered() {
    let mut core = core(Role::Client);
    let at = core.deadline().unwrap();
    core.on_time(at);
    let ping = output(&mut core);
    assert_eq!(ping, frame(Kind::Ping, Flags::SYN, 0, 1));
    assert!(core.round_trip().is_none());
    feed(&mut core, &frame(Kind::Ping, Flags::ACK, 0, 1)).unwrap();
    assert!(core.round_trip().is_some());
    let at = core.deadline().unwrap();
    core.on_time(at);
    output(&mut core);
    feed(&mut core, &frame(Kind::Ping, Flags::ACK, 0, 1)).unwrap();
    core.on_time(at + Duration::from_secs(10));
    assert!(matches!(
        **core.ended().unwrap(),
        MuxError::KeepaliveTimeout
    ));
}

#[test]
fn floods_are_cut_off() {
    let mut core = core(Role::Server);
    let pings = frame(Kind::Ping, Flags::SYN, 0, 1).repeat(10_000);
    assert!(matches!(feed(&mut core, &pings), Err(MuxError::Flood)));
    assert!(core.queued() <= 64 * KIB);
    // The same number is fine for a peer that reads the answers.
    let mut core = self::core(Role::Server);
    for _ in 0..10_000 {
        feed(&mut core, &pings[..12]).unwrap();
        assert_eq!(output(&mut core).len(), 12);
    }
    // Opens beyond the backlog are reset, and as often as that is read.
    let mut reset = 0;
    for id in (1..2000).step_by(2) {
        feed(&mut core, &frame(Kind::WindowUpdate, Flags::SYN, id, 0)).unwrap();
        reset += output(&mut core).len() / 12;
    }
    assert_eq!((reset, core.streams()), (1000 - 256, 256));
    // Open, accept and reset in turn, without reading the acknowledgements.
    let mut core = self::core(Role::Server);
    let flooded = (1..400_001).step_by(2).any(|id| {
        let opened = feed(&mut core, &frame(Kind::WindowUpdate, Flags::SYN, id, 0));
        let _accepted = core.accept();
        let reset = feed(&mut core, &frame(Kind::WindowUpdate, Flags::RST, id, 0));
        core.release(id, Instant::now());
        matches!(opened.and(reset), Err(MuxError::Flood))
    });
    assert!(flooded && core.queued() <= 2048 * KIB);
    // Open and reset in turn leaves nothing behind.
    let mut core = self::core(Role::Server);
    for id in (1..20_000).step_by(2) {
        feed(&mut core, &frame(Kind::WindowUpdate, Flags::SYN, id, 0)).unwrap();
        feed(&mut core, &frame(Kind::WindowUpdate, Flags::RST, id, 0)).unwrap();
    }
    assert_eq!(
        (core.streams(), core.backlog.len(), core.queued()),
        (0, 0, 0)
    );
}

#[test]
fn before_login_little_is_allowed() {
    let unknown = || Core::new(Role::Server, MuxConfig::default(), Instant::now());
    let mut core = unknown();
    accepted(&mut core, 1);
    // No more than the initial window.
    let ack = frame(Kind::WindowUpdate, Flags::ACK, 1, 0);
    assert_eq!(output(&mut core), ack);
    feed(&mut core, &data(Flags::NONE, 1, &vec![0; 64 * KIB])).unwrap();
    let more = feed(&mut core, &data(Flags::NONE, 1, &vec![0; 64 * KIB]));
    assert!(matches!(more, Err(MuxError::Prelogin)));
    let mut core = unknown();
    for id in (1..512).step_by(2) {
        feed(&mut core, &frame(Kind::WindowUpdate, Flags::SYN, id, 0)).unwrap();
        core.accept().unwrap();
    }
    let one_more = feed(&mut core, &frame(Kind::WindowUpdate, Flags::SYN, 513, 0));
    assert!(matches!(one_more, Err(MuxError::Prelogin)));
    let mut core = unknown();
    let updates = frame(Kind::WindowUpdate, Flags::NONE, 9, 1).repeat(5000);
    assert!(matches!(feed(&mut core, &updates), Err(MuxError::Prelogin)));
}

#[test]
fn opens_wait_while_the_backlog_of_the_peer_may_be_full() {
    let mut core = core(Role::Client);
    let now = Instant::now();
    for _ in 0..256 {
        assert!(core.open(now).unwrap().is_some());
    }
    assert_eq!(core.open(now).unwrap(), None);
    feed(&mut core, &frame(Kind::WindowUpdate, Flags::RST, 1, 0)).unwrap();
    assert_eq!(core.open(now).unwrap(), Some(513));
    assert_eq!(core.open(now).unwrap(), None);
    feed(&mut core, &frame(Kind::WindowUpdate, Flags::ACK, 3, 0)).unwrap();
    assert_eq!(core.open(now).unwrap(), Some(515));
    assert_eq!(core.take_signals().slots, 2);
}

#[test]
fn a_submitted_buffer_is_sent_in_place_behind_its_header() {
    let mut core = core(Role::Client);
    core.open(Instant::now()).unwrap();
    output(&mut core);
    assert!(core.poll_room(1, &cx()).map(Result::unwrap) == Poll::Ready(256 * KIB));
    for len in [1, 100, 8191, 8192, 100_000] {
        let mut buffer = Buffer::large();
        buffer.payload_mut()[..len].fill(9);
        assert_eq!(core.submit(1, buffer, len).unwrap(), len >= 8192);
        assert_eq!(output(&mut core), data(Flags::NONE, 1, &vec![9; len]));
    }
    assert!(core.submit(1, Buffer::small(), 0).is_err());
    assert!(core.submit(1, Buffer::small(), 16_385).is_err());
    assert!(core.submit(1, Buffer::large(), 250_000).is_err());
    assert_eq!(core.queued(), 0);
}

#[test]
fn waiting_writers_take_turns() {
    let mut core = core(Role::Client);
    let now = Instant::now();
    let ids: Vec<u32> = (0..4).map(|_| core.open(now).unwrap().unwrap()).collect();
    for id in &ids {
        feed(
            &mut core,
            &frame(Kind::WindowUpdate, Flags::ACK, *id, 1 << 30),
        )
        .unwrap();
    }
    output(&mut core);
    let mut turns = Vec::new();
    // Each stream writes whenever it may; woken in the order of the lists.
    let mut order = ids.clone();
    for _ in 0..12 {
        for id in &order {
            while let Poll::Ready(Ok(room)) = core.poll_room(*id, &cx()) {
                core.submit(*id, Buffer::large(), room).unwrap();
                if room == 256 * KIB {
                    turns.push(*id);
                }
            }
        }
        order = core.hungry.iter().chain(&core.fed).copied().collect();
        assert!(core.queued() <= 600 * KIB);
        output(&mut core);
    }
    for id in &ids {
        let n = turns.iter().filter(|t| *t == id).count();
        assert!(
            (turns.len() / 4 - 1..=turns.len() / 4 + 1).contains(&n),
            "{turns:?}"
        );
    }
}

/// The streams of the frames that leave, in order, with the length of each.
fn frames(core: &mut Core) -> Vec<(u32, usize)> {
    let bytes = output(core);
    let (mut at, mut frames) = (0, Vec::new());
    while at < bytes.len() {
        let header = Header::decode(bytes[at..at + 12].try_into().unwrap()).unwrap();
        let len = match header.kind {
            Kind::Data => header.length as usize,
            _ => 0,
        };
        frames.push((header.stream, len));
        at += 12 + len;
    }
    frames
}

#[test]
fn little_overtakes_much_but_never_its_own_stream() {
    let mut core = core(Role::Client);
    let now = Instant::now();
    let [much, little] = [(), ()].map(|()| core.open(now).unwrap().unwrap());
    for id in [much, little] {
        let ack = frame(Kind::WindowUpdate, Flags::ACK, id, 1 << 30);
        feed(&mut core, &ack).unwrap();
    }
    output(&mut core);
    while core.poll_room(much, &cx()).is_ready() {
        core.submit(much, Buffer::small(), 10_000).unwrap();
    }
    // The transport has begun with the first frame.
    core.transmitted(100);
    core.write(much, &[1; 50]).unwrap();
    core.finish(much, now);
    let room = core.poll_room(little, &cx());
    assert!(matches!(room, Poll::Ready(Ok(100..))), "{room:?}");
    core.write(little, &[2; 50]).unwrap();
    core.transmitted(10_012 - 100);
    let sent = frames(&mut core);
    assert_eq!(sent[0], (little, 50));
    assert_eq!(sent[1], (much, 10_000));
    assert_eq!(sent[sent.len() - 2..], [(much, 50), (much, 0)]);
}

#[test]
fn without_overtaking_everything_leaves_in_order() {
    let config = MuxConfig {
        fast_paths: FastPaths::USUAL.without(FastPath::Overtake),
        ..MuxConfig::default()
    };
    let now = Instant::now();
    let mut core = Core::new(Role::Client, config, now);
    let [much, little] = [(), ()].map(|()| core.open(now).unwrap().unwrap());
    output(&mut core);
    core.submit(much, Buffer::small(), 10_000).unwrap();
    core.write(little, &[2; 50]).unwrap();
    assert_eq!(frames(&mut core), [(much, 10_000), (little, 50)]);
}

#[test]
fn who_writes_a_lot_in_small_pieces_waits_like_the_others() {
    let mut core = core(Role::Client);
    let now = Instant::now();
    let [large, small] = [(), ()].map(|()| core.open(now).unwrap().unwrap());
    for id in [large, small] {
        let ack = frame(Kind::WindowUpdate, Flags::ACK, id, 1 << 30);
        feed(&mut core, &ack).unwrap();
    }
    output(&mut core);
    while core.poll_room(large, &cx()).is_ready() {
        core.submit(large, Buffer::large(), 100_000).unwrap();
    }
    let mut overtaking = 0;
    while let Poll::Ready(Ok(room)) = core.poll_room(small, &cx()) {
        core.write(small, &[3; 1000][..room.min(1000)]).unwrap();
        overtaking += room.min(1000);
    }
    assert_eq!(overtaking, outbox::QUANTUM);
    let sent = frames(&mut core);
    assert_eq!(sent.last(), Some(&(large, 100_000)));
}

#[test]
fn an_ended_session_still_yields_what_came_before() {
    for (why, clean) in [(MuxError::Eof, true), (MuxError::WriteTimeout, false)] {
        let mut core = core(Role::Server);
        accepted(&mut core, 1);
        feed(&mut core, &data(Flags::NONE, 1, b"before")).unwrap();
        core.end(why);
        assert_eq!(
            read_all(&mut core, 1),
            (b"before".to_vec(), Poll::Ready(clean))
        );
        assert!(core.write(1, b"x").is_err());
        assert!(core.accept().is_err() && core.open(Instant::now()).is_err());
        core.release(1, Instant::now());
        assert_eq!(core.streams(), 0);
    }
}

#[test]
fn an_idle_stream_is_small() {
    assert!(size_of::<Entry>() <= 320, "{}", size_of::<Entry>());
}

#[test]
fn random_bytes_never_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..300 {
        let mut core = core(Role::Server);
        let mut bytes = Vec::new();
        for _ in 0..50 {
            let r = random();
            let length = [0, 1, 20, 300_000][(r >> 8) as usize % 4];
            let flags = Flags::from_bits((r >> 16) as u16 & 15);
            let kinds = [Kind::Data, Kind::WindowUpdate, Kind::Ping, Kind::Data];
            bytes.extend(frame(
                kinds[r as usize % 4],
                flags,
                (r >> 40) as u32 % 8,
                length,
            ));
            bytes.extend_from_slice(&random().to_le_bytes());
        }
        for part in bytes.chunks(1 + random() as usize % 64) {
            if feed(&mut core, part).is_err() {
                break;
            }
            if let Ok(Some(id)) = core.accept() {
                let _read = read_all(&mut core, id);
                if random() % 2 == 0 {
                    core.release(id, Instant::now());
                }
            }
            output(&mut core);
        }
    }
}
