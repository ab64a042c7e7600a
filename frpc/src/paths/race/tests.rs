use std::{sync::Arc, time::Duration};

use culvert_transport::{BoxFuture, TransportError};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Outcome, Timing, race};
use crate::session::LoginError;

const TIMING: Timing = Timing {
    head_start: Duration::from_millis(250),
    patience: Duration::from_secs(1),
};

/// One way: how long dialling takes and whether it works, and the same of the login.
#[derive(Clone, Copy)]
struct Way {
    dial: (u64, bool),
    login: (u64, Answer),
}

#[derive(Clone, Copy)]
enum Answer {
    Yes,
    Refused,
    Nonsense,
}

const fn way(dial: u64, login: u64) -> Way {
    Way {
        dial: (dial, true),
        login: (login, Answer::Yes),
    }
}

const fn dead(after: u64) -> Way {
    Way {
        dial: (after, false),
        login: (0, Answer::Yes),
    }
}

/// Somebody else takes the connection and answers nonsense.
const fn portal(dial: u64, login: u64) -> Way {
    Way {
        dial: (dial, true),
        login: (login, Answer::Nonsense),
    }
}

/// When which way was dialled and when a login left over it, in milliseconds.
type Diary = Arc<Mutex<Vec<(&'static str, usize, u64)>>>;

async fn run(ways: &[Way]) -> (Outcome<usize, ()>, Diary, u64) {
    // The ways of a test are few, and gone with it.
    let ways: &'static [Way] = ways.to_vec().leak();
    let begun = Instant::now();
    let diary = Diary::default();
    let millis = move || u64::try_from(begun.elapsed().as_millis()).unwrap();
    let (dials, logins) = (Arc::clone(&diary), Arc::clone(&diary));
    let dial = move |index: usize| -> BoxFuture<'static, Result<usize, TransportError>> {
        dials.lock().push(("dial", index, millis()));
        let (wait, works) = ways[index].dial;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            works
                .then_some(index)
                .ok_or_else(|| TransportError::Incompatible("no".to_owned()))
        })
    };
    let prove = move |index: usize| -> BoxFuture<'static, Result<(), LoginError>> {
        logins.lock().push(("login", index, millis()));
        let (wait, answer) = ways[index].login;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            match answer {
                Answer::Yes => Ok(()),
                Answer::Refused => Err(LoginError::Refused("wrong token".to_owned())),
                Answer::Nonsense => Err(TransportError::Closed("eof".to_owned()).into()),
            }
        })
    };
    let outcome = race((0..ways.len()).collect(), TIMING, dial, prove).await;
    (outcome, diary, millis())
}

fn winner(outcome: &Outcome<usize, ()>) -> Option<usize> {
    outcome.won.as_ref().map(|(index, _, ())| *index)
}

#[tokio::test(start_paused = true)]
async fn the_best_wins_alone_when_it_is_quick() {
    let (outcome, diary, took) = run(&[way(30, 20), way(10, 10)]).await;
    assert_eq!(winner(&outcome), Some(0));
    assert_eq!(took, 50);
    assert_eq!(*diary.lock(), [("dial", 0, 0), ("login", 0, 30)]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_one_costs_its_head_start() {
    let (outcome, _, took) = run(&[way(9999, 1), way(40, 20)]).await;
    assert_eq!(winner(&outcome), Some(1));
    assert_eq!(outcome.open, [0]);
    assert_eq!(took, 250 + 40 + 20);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_costs_no_more_than_its_failure() {
    let (outcome, _, took) = run(&[dead(5), dead(5), way(40, 20)]).await;
    assert_eq!(winner(&outcome), Some(2));
    assert_eq!(took, 5 + 5 + 40 + 20);
    assert_eq!(outcome.faults.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn somebody_in_place_of_the_server_never_wins() {
    let (outcome, diary, took) = run(&[portal(10, 60_000), way(20, 20)]).await;
    assert_eq!(winner(&outcome), Some(1));
    // The second link is up after 270 ms; its login leaves when the first had its second.
    assert_eq!(diary.lock()[3], ("login", 1, 1010));
    assert_eq!(took, 1030);
    assert_eq!(outcome.losers, [0]);
    let (outcome, _, took) = run(&[portal(10, 10), way(20, 20)]).await;
    assert_eq!(winner(&outcome), Some(1));
    assert_eq!(took, 10 + 10 + 20 + 20);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_wins_all_the_same() {
    let (outcome, _, took) = run(&[way(10, 3000), way(20, 3000)]).await;
    assert_eq!(winner(&outcome), Some(0));
    assert_eq!(took, 3010);
    assert_eq!(outcome.losers, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_answer() {
    static WAYS: [Way; 2] = [
        Way {
            dial: (10, true),
            login: (20, Answer::Refused),
        },
        way(20, 20),
    ];
    let (outcome, diary, took) = run(&WAYS).await;
    assert_eq!(winner(&outcome), None);
    assert_eq!(took, 30);
    assert_eq!(diary.lock().len(), 2);
    assert!(matches!(&outcome.faults[..], [(0, LoginError::Refused(_))]));
}

#[tokio::test(start_paused = true)]
async fn when_none_works_each_has_its_reason() {
    let (outcome, _, took) = run(&[dead(10_000), portal(10, 10), dead(30)]).await;
    assert_eq!(winner(&outcome), None);
    assert_eq!(took, 10_000);
    let failed: Vec<_> = outcome.faults.iter().map(|(index, _)| *index).collect();
    assert_eq!(failed, [1, 2, 0]);
    assert_eq!(outcome.open, [0; 0]);
    // The portal's link is up, for the caller to close.
    assert_eq!(outcome.losers, [1]);
}
