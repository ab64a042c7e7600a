use super::{
    link::{Link, Weather},
    pattern,
};
use crate::{Command, Conversation, Header, Parameters, SILENCE, fec::Frame};

const ENDS: [Parameters; 2] = [Parameters::CLIENT, Parameters::SERVER];

fn transfer(weather: Weather, len: usize) -> Link {
    let mut link = Link::new(ENDS, weather);
    link.transfer(&pattern(1, len), &pattern(2, len));
    link
}

#[test]
fn much_arrives_whole_at_any_loss() {
    for loss in [0, 3, 10] {
        let weather = Weather {
            loss,
            ..Weather::default()
        };
        let link = transfer(weather, 8 << 20);
        assert_eq!(link.largest, 1358, "upstream's largest datagram");
        println!("{loss} %: {} ms, {} datagrams", link.now, link.datagrams);
        // Generous: only a transfer that crawls from timeout to timeout is slower.
        assert!(link.now < 60_000, "{loss} %: {} ms", link.now);
    }
}

/// What the path takes is sent, and no more: no queue that others wait in, nothing that overflows.
#[test]
fn a_long_path_is_filled_without_a_queue() {
    // Round trip in milliseconds, percent lost, bytes in a millisecond: 100 Mbit/s, 50, 10.
    for (trip, loss, rate) in [(50, 0, 12_500), (200, 3, 6_250), (40, 1, 1_250)] {
        let weather = Weather {
            loss,
            delay: trip / 2,
            wire: (rate, 300 * 1358),
            ..Weather::default()
        };
        let mut link = Link::new(ENDS, weather);
        link.transfer(&pattern(7, 6 << 20), b"");
        link.longest_wait = [0; 2];
        let (begun, before, len) = (link.now, link.datagrams, 12 << 20);
        link.transfer(&pattern(8, len), b"");
        let took = link.now - begun;
        // Three datagrams of parity for ten of data, and what surrounds the bytes.
        let least = len as u64 * 13 / 10 / rate;
        println!(
            "{trip} ms, {loss} %, {rate}: {took} ms of {least}, waits {:?}, {} datagrams",
            link.longest_wait,
            link.datagrams - before
        );
        assert!(took < least * 3 / 2, "{took} ms of {least}");
        assert!(link.longest_wait[0] < 100, "{:?}", link.longest_wait);
    }
}

#[test]
fn repeats_and_disorder_do_no_harm() {
    let weather = Weather {
        loss: 5,
        repeat: 20,
        jitter: 30,
        ..Weather::default()
    };
    transfer(weather, 1 << 20);
}

#[test]
fn nothing_is_sent_again_on_a_clean_link() {
    let link = transfer(Weather::default(), 1 << 20);
    let segments = 2 * (1 << 20) / 1326 + 2;
    // With parity and acknowledgements on top.
    assert!(link.datagrams < segments * 3, "{}", link.datagrams);
}

#[test]
fn a_link_that_falls_silent_resumes_soon() {
    for silent in [(50, 5_050), (50, 60_050)] {
        let weather = Weather {
            silent,
            ..Weather::default()
        };
        let link = transfer(weather, 2 << 20);
        assert!(
            link.now > silent.1 && link.now < silent.1 + 10_000,
            "{}",
            link.now
        );
        println!("{silent:?}: {} ms, {} datagrams", link.now, link.datagrams);
        // While nobody answers, only a few segments feel for the peer; all else that was in flight
        // when it fell silent, at both ends, was sent a few times before.
        assert!(link.datagrams < 11_000, "{}", link.datagrams);
    }
}

#[test]
fn silence_with_something_owed_ends_it_and_idleness_does_not() {
    let mut link = Link::new(ENDS, Weather::default());
    link.transfer(b"hello", b"hello");
    while link.step() {}
    link.now += 3_600_000;
    assert!(!link.ends[0].is_dead(link.now), "idle is not dead");
    assert_eq!(link.ends[0].wake_at(), None, "idle costs nothing");
    link.transfer(b"again", b"again");
    while link.step() {}
    let since = link.now;
    link.gate = |_| false;
    link.ends[0].write(b"anybody there?");
    while !link.ends[0].is_dead(link.now) {
        assert!(link.step());
    }
    assert!(link.now >= since + SILENCE && link.now < since + SILENCE + 5_000);
}

#[test]
fn a_small_request_waits_for_no_tick() {
    let weather = Weather {
        delay: 1,
        ..Weather::default()
    };
    let mut link = Link::new(ENDS, weather);
    link.transfer(b"warm", b"up");
    let begun = link.now;
    link.transfer(b"question", b"");
    link.transfer(b"", b"answer");
    assert!(link.now <= begun + 2, "{} ms", link.now - begun);
}

#[test]
fn a_reader_that_stops_closes_the_window_and_opens_it() {
    let mut link = Link::new(ENDS, Weather::default());
    let bytes = pattern(3, 4 << 20);
    let mut sent = 0;
    for _ in 0..20_000 {
        sent += link.ends[0].write(&bytes[sent..]);
        if !link.step() {
            break;
        }
    }
    assert!(sent < bytes.len());
    assert!(
        link.ends[1].held() <= 1024 * 1500,
        "{}",
        link.ends[1].held()
    );
    let mut got = Vec::new();
    while got.len() < bytes.len() {
        while let Some(chunk) = link.ends[1].read(usize::MAX) {
            got.extend_from_slice(&chunk);
        }
        sent += link.ends[0].write(&bytes[sent..]);
        assert!(link.step());
        assert!(!link.ends[0].is_dead(link.now));
    }
    assert!(got == bytes);
}

/// Recovery goes on when parity was skipped in between, which upstream's own receiver cannot.
#[test]
fn parity_repairs_losses_before_they_are_noticed() {
    fn every_seventh(datagram: &[u8]) -> bool {
        !matches!(Frame::parse(datagram), Some(Frame::Data { id, .. }) if id % 7 == 0)
    }
    let mut link = Link::new(ENDS, Weather::default());
    link.transfer(b"one group is", b"out of phase");
    while link.step() {}
    for _ in 0..3 {
        link.now += 1_000;
        link.transfer(b"slow", b"slow");
    }
    link.gate = every_seventh;
    link.transfer(&pattern(4, 1 << 20), b"");
    let segments = (1u64 << 20) / 1326;
    let repaired: u64 = segments / 7;
    // Data, a third of parity, acknowledgements; resent segments would come on top.
    assert!(
        link.datagrams < segments * 3 + repaired,
        "{}",
        link.datagrams
    );
}

#[test]
fn without_fec_all_is_plain_kcp() {
    let mut plain = ENDS;
    plain[0].fec = false;
    plain[1].parity = false;
    let mut link = Link::new(
        plain,
        Weather {
            loss: 5,
            ..Weather::default()
        },
    );
    link.transfer(&pattern(5, 1 << 20), &pattern(6, 1 << 20));
    let mut raw = Conversation::new(9, &plain[0], false, 0);
    raw.write(b"x");
    raw.flush(0);
    let datagram = raw.outbox().front().unwrap().to_vec();
    assert_eq!(datagram.len(), 25);
    assert!(matches!(Frame::parse(&datagram), Some(Frame::Raw(_))));
}

fn segment(conv: u32, command: Command, sn: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        conv,
        command,
        window: 100,
        ts: 0,
        sn,
        una: 0,
        len: u32::try_from(payload.len()).unwrap(),
    };
    [&header.encode()[..], payload].concat()
}

#[test]
fn a_conversation_is_begun_by_its_first_bytes_only() {
    let begun = |bytes: &[u8]| Conversation::begun_by(bytes);
    assert_eq!(begun(&segment(5, Command::Push, 0, b"x")), Some(5));
    assert_eq!(begun(&segment(5, Command::Push, 1, b"x")), None);
    assert_eq!(begun(&segment(5, Command::Push, 0, b"")), None);
    assert_eq!(begun(&segment(5, Command::Ack, 0, b"")), None);
    let both = [
        segment(5, Command::Ack, 0, b""),
        segment(5, Command::Push, 0, b"x"),
    ]
    .concat();
    assert_eq!(begun(&both), Some(5));
    assert_eq!(begun(&both[..both.len() - 1]), None);
}

#[test]
fn a_strangers_window_is_small_and_its_answers_are_few() {
    let mut end = Conversation::new(5, &Parameters::SERVER, true, 0);
    for sn in 0..2000 {
        end.input(&segment(5, Command::Push, sn, &[1; 1326]), 0);
        end.flush(0);
        while end.outbox().front().is_some() {
            end.outbox().pop();
        }
    }
    assert!(end.held() <= 32 * 1326, "{}", end.held());
    end.write(&[2; 1000]);
    let mut sent = 0;
    for now in 0..60_000 {
        end.on_time(now);
        while end.outbox().front().is_some() {
            end.outbox().pop();
            sent += 1;
        }
    }
    assert_eq!(sent, 6);
}

#[test]
fn lies_do_no_harm() {
    let mut end = Conversation::new(5, &Parameters::SERVER, false, 0);
    end.write(b"data");
    end.flush(0);
    // Numbers never sent, far windows, other conversations, cut segments.
    for sn in [1, 2, 1000, u32::MAX] {
        end.input(&segment(5, Command::Ack, sn, b""), 1);
        end.input(&segment(5, Command::Push, sn.wrapping_add(5000), b"x"), 1);
        assert!(!end.input(&segment(6, Command::Ack, 0, b""), 1));
    }
    let cut = segment(5, Command::Push, 0, b"long");
    assert!(!end.input(&cut[..26], 1));
    let mut lie = segment(5, Command::Tell, 0, b"");
    lie[16] = 200;
    end.input(&lie, 1);
    assert!(!end.is_drained() && !end.is_proven() && !end.readable());
}
