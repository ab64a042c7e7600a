use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn round_trip(vitals: &Vitals, now: Instant) -> Option<Duration> {
    vitals.sight(now).up().and_then(|up| up.round_trip)
}

#[test]
fn nothing_is_known_before_the_first_try() {
    let (vitals, now) = (Vitals::default(), Instant::now());
    assert_eq!(vitals.sight(now), Sight::Unknown);
    vitals.offline();
    assert_eq!(vitals.sight(now), Sight::Down);
    vitals.online(now);
    let up = Up {
        since: now,
        round_trip: None,
        answers: 0,
    };
    assert_eq!(vitals.sight(now), Sight::Up(up));
    vitals.offline();
    assert_eq!(vitals.sight(now), Sight::Down);
}

#[test]
fn a_silent_server_is_seen_in_time_and_forgiven_when_it_answers() {
    let (vitals, now) = (Vitals::default(), Instant::now());
    vitals.online(now);
    assert_eq!(vitals.silent_at(), None);
    vitals.asked(now);
    vitals.asked(now + PROBE);
    assert_eq!(vitals.silent_at(), Some(now + PATIENCE));
    assert!(vitals.sight(now + ms(1499)).up().is_some());
    assert_eq!(vitals.sight(now + PATIENCE), Sight::Silent);

    vitals.answered(now + ms(2000));
    let up = vitals.sight(now + ms(2000)).up().unwrap();
    assert_eq!(up.since, now + ms(2000));
    vitals.answered(now + ms(2001));
    assert_eq!(vitals.silent_at(), None);
}

#[test]
fn the_fastest_of_the_last_answers_counts() {
    let (vitals, mut now) = (Vitals::default(), Instant::now());
    vitals.online(now);
    for (took, expected) in [
        (90, 90),
        (30, 30),
        (500, 30),
        (70, 30),
        (70, 30),
        (80, 30),
        (80, 70),
    ] {
        vitals.asked(now);
        now += ms(took);
        vitals.answered(now);
        assert_eq!(round_trip(&vitals, now), Some(ms(expected)));
    }
}

#[test]
fn a_server_far_away_has_more_time() {
    let (vitals, now) = (Vitals::default(), Instant::now());
    vitals.online(now);
    vitals.asked(now);
    vitals.answered(now + ms(600));
    vitals.asked(now);
    assert_eq!(vitals.silent_at(), Some(now + ms(2400)));
}

#[test]
fn answers_that_nobody_asked_for_and_questions_without_end_change_nothing() {
    let (vitals, now) = (Vitals::default(), Instant::now());
    vitals.online(now);
    vitals.answered(now);
    assert_eq!(round_trip(&vitals, now), None);
    for _ in 0..1000 {
        vitals.asked(now);
    }
    assert_eq!(vitals.0.lock().open.len(), OPEN);
}

#[test]
fn questions_on_a_stream_that_was_replaced_are_not_waited_for() {
    let (vitals, now) = (Vitals::default(), Instant::now());
    vitals.online(now);
    vitals.asked(now);
    vitals.forget(now + PROBE);
    assert_eq!(
        vitals.sight(now + PATIENCE).up().map(|up| up.since),
        Some(now)
    );
    vitals.asked(now);
    assert_eq!(vitals.sight(now + PATIENCE), Sight::Silent);
    vitals.forget(now + PATIENCE);
    let since = vitals.sight(now + PATIENCE).up().map(|up| up.since);
    assert_eq!(since, Some(now + PATIENCE));
}
