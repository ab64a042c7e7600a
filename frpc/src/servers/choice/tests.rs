use super::*;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn up(since: Instant) -> Sight {
    Sight::Up(Up {
        since,
        round_trip: None,
        answers: 0,
    })
}

/// A server that answers in this many milliseconds, at its `answers`th answer.
fn fast(since: Instant, trip: u64, answers: u64) -> Sight {
    Sight::Up(Up {
        since,
        round_trip: Some(ms(trip)),
        answers,
    })
}

use Sight::{Down, Silent, Unknown};

#[test]
fn the_preferred_has_a_head_start() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::Failover, t);
    assert_eq!(choice.look(t, &[Unknown, Unknown]), None);
    assert_eq!(choice.look(t, &[Unknown, up(t)]), None);
    let mut patient = Choice::new(ServerPolicy::Failover, t);
    assert_eq!(
        patient.look(t + secs(1), &[Unknown, up(t)]),
        Some(Why::First)
    );
    assert_eq!(patient.current(), Some(1));
    assert_eq!(choice.look(t + ms(900), &[up(t), up(t)]), Some(Why::First));
    assert!(choice.publishes(0) && !choice.publishes(1));
    // One that has failed is not waited for.
    let mut choice = Choice::new(ServerPolicy::Failover, t);
    assert_eq!(choice.look(t, &[Down, up(t)]), Some(Why::First));
}

#[test]
fn another_takes_over_at_once_when_one_is_gone_or_silent() {
    let t = Instant::now();
    for (sight, why) in [(Down, Why::Gone), (Silent, Why::Silent)] {
        let mut choice = Choice::new(ServerPolicy::Failover, t);
        choice.look(t, &[up(t), up(t), up(t)]);
        assert_eq!(choice.look(t, &[sight, Silent, up(t)]), Some(why));
        assert_eq!(choice.current(), Some(2));
    }
}

#[test]
fn where_all_are_down_the_choice_stays() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::Failover, t);
    choice.look(t, &[Down, up(t)]);
    assert_eq!(choice.look(t, &[Down, Silent]), None);
    assert_eq!(choice.look(t, &[Down, Down]), None);
    assert_eq!(choice.current(), Some(1));
    assert_eq!(choice.look(t, &[up(t), Down]), Some(Why::Gone));
}

#[test]
fn the_preferred_serves_again_after_a_while_and_later_when_it_flaps() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::Failover, t);
    choice.look(t, &[up(t), up(t)]);
    let mut now = t;
    for wait in [10, 20, 40, 80, 160, 320, 600, 600] {
        assert_eq!(choice.look(now, &[Down, up(t)]), Some(Why::Gone));
        let since = now + secs(5);
        let (early, due) = (since + secs(wait) - ms(1), since + secs(wait));
        assert_eq!(choice.look(early, &[up(since), up(t)]), None, "{wait}");
        assert_eq!(
            choice.look(due, &[up(since), up(t)]),
            Some(Why::Back),
            "{wait}"
        );
        now = due + secs(60);
    }
    // One that stayed for long waits for little again.
    now += FLAP;
    choice.look(now, &[Down, up(t)]);
    assert_eq!(choice.look(now + HOLD, &[up(now), up(t)]), Some(Why::Back));
}

#[test]
fn all_publish_in_active_active_and_visitors_use_the_first() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::ActiveActive, t);
    assert!(choice.publishes(0) && choice.publishes(1));
    choice.look(t, &[up(t), up(t)]);
    assert_eq!(choice.current(), Some(0));
    choice.look(t, &[Silent, up(t)]);
    assert_eq!(choice.current(), Some(1));
    assert!(choice.publishes(0) && choice.publishes(1));
}

#[test]
fn the_fastest_is_chosen_once_all_have_answered() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::Latency, t);
    assert_eq!(choice.look(t, &[fast(t, 50, 1), up(t), Down]), None);
    let all = [fast(t, 50, 1), fast(t, 20, 1), Down];
    assert_eq!(choice.look(t, &all), Some(Why::First));
    assert_eq!(choice.current(), Some(1));
    let gone = [fast(t, 50, 1), Down, Down];
    assert_eq!(choice.look(t, &gone), Some(Why::Gone));
    assert_eq!(choice.current(), Some(0));
    // Nobody waits for ever.
    let mut choice = Choice::new(ServerPolicy::Latency, t);
    let late = choice.look(t + HEAD_START, &[Unknown, fast(t, 90, 1)]);
    assert_eq!((late, choice.current()), (Some(Why::First), Some(1)));
}

#[test]
fn a_faster_one_must_be_clearly_faster_three_times_in_a_row() {
    let t = Instant::now();
    let mut choice = Choice::new(ServerPolicy::Latency, t);
    choice.look(t, &[fast(t, 50, 1), fast(t, 90, 1)]);
    let now = t + HOLD;
    let mut see =
        |here, there, answers| choice.look(now, &[fast(t, here, answers), fast(t, there, answers)]);
    // Not by a third, and not by 10 ms.
    assert_eq!([2, 3, 4, 5].map(|n| see(50, 36, n)), [None; 4]);
    assert_eq!([6, 7, 8, 9].map(|n| see(20, 11, n)), [None; 4]);
    // The same answer counts once, and one that is slower begins anew.
    assert_eq!([10, 10, 10, 11].map(|n| see(50, 30, n)), [None; 4]);
    assert_eq!(see(50, 60, 12), None);
    assert_eq!([13, 14].map(|n| see(50, 30, n)), [None; 2]);
    assert_eq!(see(50, 30, 15), Some(Why::Faster));
    // And it stays for a while.
    assert_eq!([16, 17, 18, 19].map(|n| see(10, 50, n)), [None; 4]);
    let later = [fast(t, 10, 20), fast(t, 50, 20)];
    assert_eq!(choice.look(now + HOLD, &later), Some(Why::Faster));
    assert_eq!(choice.current(), Some(0));
}
