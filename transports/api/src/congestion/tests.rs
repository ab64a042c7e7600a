//! The controller on a path that exists as arithmetic only: a wire, a queue and dice.

use std::{collections::VecDeque, time::Duration};

use super::*;

const MTU: u64 = 1452;
/// quinn's, in effect.
const HABITS: Habits = Habits {
    bundle: Duration::from_millis(2),
    least_trip: Duration::ZERO,
    heavy: 8,
};

/// A path with this many bytes per second, in the second half as many times as that, this round
/// trip, room for packets, and one packet in `loses` lost, which the dice choose.
struct Path {
    rate: f64,
    later: f64,
    trip: Duration,
    queue: f64,
    loses: u64,
    dice: u64,
}

impl Path {
    /// So many milliseconds there and back, and a queue of 300 packets.
    const fn new(rate: f64, ms: u64, loses: u64) -> Self {
        Self {
            rate,
            later: 1.0,
            trip: Duration::from_millis(ms),
            queue: 300.0,
            loses,
            dice: 0,
        }
    }

    /// Whether the packet with this number is lost (the mixing function of splitmix64).
    const fn loses(&self, number: u64) -> bool {
        let mixed = (number ^ (self.dice << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).is_multiple_of(self.loses)
    }
}

struct Outcome {
    /// Bytes per second that arrived in the second half.
    rate: f64,
    /// How much longer than the path's the median round trip was.
    waited: Duration,
}

/// Sends all that the controller allows for some seconds, in steps of a millisecond.
fn run(path: &Path, seconds: u32) -> Outcome {
    let start = Duration::ZERO;
    let mut bbr = Bbr::new(start, MTU, HABITS);
    // When an acknowledgement of what was sent when arrives; nothing for what is lost.
    let mut flight: VecDeque<(Duration, Duration, bool)> = VecDeque::new();
    let (mut in_flight, mut number, mut free_at) = (0, 0_u64, start);
    let (mut arrived, mut trips) = (0, Vec::new());
    for ms in 0..u64::from(seconds) * 1000 {
        let now = start + Duration::from_millis(ms);
        let second = ms > u64::from(seconds) * 500;
        let rate = path.rate * if second { path.later } else { 1.0 };
        let (mut lost, mut acked) = (0, false);
        while let Some((due, sent, arrives)) = flight.front().copied().filter(|f| f.0 <= now) {
            flight.pop_front();
            in_flight -= MTU;
            if !arrives {
                lost += MTU;
                continue;
            }
            acked = true;
            bbr.on_ack(now, Some(sent), MTU);
            if second {
                arrived += MTU;
                trips.push(due.saturating_sub(sent));
            }
        }
        if lost > 0 {
            bbr.on_lost(lost);
        }
        if acked {
            bbr.on_end_acks(now, in_flight, false);
        }
        let mut paced = bbr.window() * 5 / 4 / u64::try_from(path.trip.as_millis()).unwrap();
        while in_flight + MTU < bbr.window() && paced > 0 {
            paced = paced.saturating_sub(MTU);
            number += 1;
            in_flight += MTU;
            bbr.on_sent(now);
            let waits = free_at.saturating_sub(now);
            let full = waits.as_secs_f64() * rate > path.queue * 1452.0;
            let arrives = !full && !path.loses(number);
            if !full {
                free_at = free_at.max(now) + Duration::from_secs_f64(1452.0 / rate);
            }
            flight.push_back((free_at.max(now) + path.trip, now, arrives));
        }
    }
    trips.sort();
    let half = f64::from(seconds) / 2.0;
    Outcome {
        rate: f64::from(u32::try_from(arrived).unwrap()) / half,
        waited: trips[trips.len() / 2].saturating_sub(path.trip),
    }
}

#[test]
fn a_path_is_filled_without_a_queue() {
    let path = Path::new(12.5e6, 50, u64::MAX);
    let outcome = run(&path, 10);
    assert!(outcome.rate > 0.93 * path.rate, "{}", outcome.rate);
    assert!(
        outcome.waited < Duration::from_millis(8),
        "{:?}",
        outcome.waited
    );
}

#[test]
fn losses_without_a_queue_slow_nothing_down() {
    // What is lost counts as on its way for a round trip longer, so that heavy loss costs some.
    for (rate, ms, loses, least) in [(12.5e6, 50, 100, 0.85), (6.25e6, 200, 33, 0.7)] {
        let path = Path::new(rate, ms, loses);
        let outcome = run(&path, 20);
        assert!(outcome.rate > least * path.rate, "{}", outcome.rate);
        assert!(
            outcome.waited < Duration::from_millis(20),
            "{:?}",
            outcome.waited
        );
    }
}

#[test]
fn chance_does_not_end_the_start() {
    // One round with more losses than others left such a path at a twentieth of its rate.
    for (loses, least) in [(33, 0.8), (12, 0.7)] {
        for dice in 0..100 {
            let path = Path {
                dice,
                ..Path::new(6.25e6, 200, loses)
            };
            let outcome = run(&path, 5);
            assert!(outcome.rate > least * path.rate, "{dice}: {}", outcome.rate);
        }
    }
}

#[test]
fn a_path_that_becomes_wider_is_filled_within_seconds() {
    let path = Path {
        later: 20.0,
        ..Path::new(1.25e6, 50, u64::MAX)
    };
    let outcome = run(&path, 10);
    assert!(outcome.rate > 15.0 * path.rate, "{}", outcome.rate);
}

#[test]
fn small_requests_do_not_end_the_start() {
    let mut now = Duration::ZERO;
    let mut bbr = Bbr::new(now, MTU, HABITS);
    for _ in 0..50 {
        bbr.on_sent(now);
        let sent = now;
        now += Duration::from_millis(200);
        bbr.on_ack(now, Some(sent), 100);
        bbr.on_end_acks(now, 0, true);
    }
    assert_eq!(bbr.mode, Mode::Startup);
    assert!(bbr.window() >= INITIAL * MTU);
}

#[test]
fn a_tiny_queue_is_not_flooded() {
    let path = Path {
        queue: 8.0,
        ..Path::new(1.25e6, 40, u64::MAX)
    };
    let outcome = run(&path, 10);
    assert!(outcome.rate > 0.8 * path.rate, "{}", outcome.rate);
}

#[test]
fn a_path_that_falls_silent_is_started_on_again() {
    let mut bbr = Bbr::new(Duration::ZERO, MTU, HABITS);
    bbr.restart(Duration::from_secs(1));
    assert_eq!(bbr.window(), LEAST * MTU);
    assert_eq!(bbr.mode, Mode::Startup);
}

#[test]
fn a_queue_ends_the_start_however_little_waits_to_be_sent() {
    let mut now = Duration::ZERO;
    let mut bbr = Bbr::new(now, MTU, HABITS);
    for trip in [50, 50, 90] {
        assert_eq!(bbr.mode, Mode::Startup);
        let sent = now;
        now += Duration::from_millis(trip);
        for _ in 0..100 {
            bbr.on_sent(sent);
        }
        for _ in 0..100 {
            bbr.on_ack(now, Some(sent), MTU);
        }
        bbr.on_end_acks(now, 0, true);
    }
    assert_ne!(bbr.mode, Mode::Startup);
}

#[test]
fn what_was_late_only_is_not_heavy_loss() {
    let mut now = Duration::ZERO;
    let mut bbr = Bbr::new(now, MTU, HABITS);
    for _ in 0..20 {
        let sent = now;
        now += Duration::from_millis(50);
        bbr.on_sent(sent);
        bbr.on_lost(50 * MTU);
        bbr.on_found(50 * MTU);
        bbr.on_ack(now, Some(sent), 100 * MTU);
        bbr.on_end_acks(now, 100 * MTU, false);
    }
    assert_eq!(bbr.limit, None);
    assert!(bbr.window() > 90 * MTU, "{}", bbr.window());
}
