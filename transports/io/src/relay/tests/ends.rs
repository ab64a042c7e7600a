//! How relays end: by either side, by a reset, by time, and by being dropped.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::{net::TcpStream, time::Instant};

use super::{
    mock::{KINDS, Kind, ROOM, pair, peer, tcp},
    *,
};
use crate::Io;

const LONG: usize = 3 << 20;

/// `first` sends and finishes; `other` reads everything, then the end, and both are closed.
async fn finish(mut first: Box<dyn Io>, mut other: Box<dyn Io>) {
    let send = async {
        write_pattern(&mut first, 5, LONG).await;
        first.shutdown().await.unwrap();
        read_end(&mut first).await;
    };
    let receive = async {
        // Not before the sender is stuck: then bytes are in flight when the end comes.
        tokio::task::yield_now().await;
        read_pattern(&mut other, 5, LONG).await;
        read_end(&mut other).await;
        other.shutdown().await.unwrap();
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn all_bytes_are_delivered_before_the_end_from_either_side() {
    for (user, work, how) in ways() {
        for side in [Side::User, Side::Work] {
            let (near_user, far_user) = pair(user).await;
            let (near_work, far_work) = pair(work).await;
            let (_scope, told) = begin(near_user, near_work, how.clone());
            let far = match side {
                Side::User => finish(far_user, far_work),
                Side::Work => finish(far_work, far_user),
            };
            within(far).await;
            let relayed = within(told).await.unwrap();
            assert!(matches!(relayed.end, End::Eof(s) if s == side));
            assert_eq!(
                relayed.to_work + relayed.to_user,
                u64::try_from(LONG).unwrap()
            );
        }
    }
}

#[tokio::test]
async fn what_waits_for_the_side_that_ended_is_still_sent_to_it() {
    for (user, work, how) in ways() {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, mut far_work) = pair(work).await;
        write_pattern(&mut far_work, 9, 50_000).await;
        far_user.write_all(b"request").await.unwrap();
        far_user.shutdown().await.unwrap();
        let (_scope, told) = begin(near_user, near_work, how);
        within(read_pattern(&mut far_user, 9, 50_000)).await;
        within(read_end(&mut far_user)).await;
        let mut got = [0; 7];
        within(far_work.read_exact(&mut got)).await.unwrap();
        assert_eq!(&got, b"request");
        read_end(&mut far_work).await;
        drop(far_work);
        assert!(matches!(
            within(told).await.unwrap().end,
            End::Eof(Side::User)
        ));
    }
}

#[tokio::test]
async fn a_reset_is_told_and_what_came_before_it_is_delivered() {
    for work in KINDS {
        let (near, far) = tcp().await;
        let (near_work, mut far_work) = pair(work).await;
        let (_scope, told) = begin(Stream::tcp(near, peer()), near_work, Relaying::default());
        let mut far_user = far;
        far_user.write_all(b"last words").await.unwrap();
        let mut got = [0; 10];
        within(far_work.read_exact(&mut got)).await.unwrap();
        far_user.set_zero_linger().unwrap();
        drop(far_user);
        within(read_end(&mut far_work)).await;
        drop(far_work);
        let relayed = within(told).await.unwrap();
        assert!(matches!(relayed.end, End::Reset(Side::User, _)));
        assert_eq!(relayed.to_work, 10);
    }
}

#[tokio::test]
async fn a_chunk_stream_that_is_reset_ends_the_relay() {
    for user in KINDS {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, far_work) = pair(Kind::Chunks).await;
        let (_scope, told) = begin(near_user, near_work, Relaying::default());
        drop(far_work);
        within(read_end(&mut far_user)).await;
        drop(far_user);
        assert!(matches!(
            within(told).await.unwrap().end,
            End::Reset(Side::Work, _)
        ));
    }
}

#[tokio::test]
async fn an_early_response_is_delivered_though_the_request_was_not_read() {
    for user in KINDS {
        let (near_user, mut far_user) = pair(user).await;
        let (near, mut far_work) = tcp().await;
        let (_scope, told) = begin(near_user, Stream::tcp(near, peer()), Relaying::default());
        far_user.write_all(&vec![1; 30_000]).await.unwrap();
        within(far_work.readable()).await.unwrap();
        write_pattern(&mut far_work, 3, 10_000).await;
        // With unread bytes the system answers with a reset.
        drop(far_work);
        // Runs into the reset; at the far end of a chunk stream, into the close that follows.
        far_user.write_all(&vec![1; 30_000]).await.ok();
        within(read_pattern(&mut far_user, 3, 10_000)).await;
        within(read_end(&mut far_user)).await;
        drop(far_user);
        assert_eq!(within(told).await.unwrap().to_user, 10_000);
    }
}

#[tokio::test]
async fn an_end_that_goes_on_talking_still_gets_every_byte() {
    for user in KINDS {
        let (near_user, mut far_user) = pair(user).await;
        let (near, mut far_work) = tcp().await;
        let (_scope, _told) = begin(near_user, Stream::tcp(near, peer()), Relaying::default());
        let send = async {
            write_pattern(&mut far_user, 4, LONG).await;
            far_user.shutdown().await.unwrap();
            read_until_end(&mut far_user).await;
        };
        let talk = read_and_talk(&mut far_work);
        within(async { tokio::join!(send, talk) }).await;
    }
}

/// Answers every piece, as a service does that does not care whether anyone listens.
async fn read_and_talk(end: &mut TcpStream) {
    let mut pattern = Pattern::new(4);
    let mut got = vec![0; 4096];
    loop {
        let n = end.read(&mut got).await.unwrap();
        if n == 0 {
            break;
        }
        assert!(got[..n] == *pattern.next(n));
        end.write_all(b"more").await.unwrap();
    }
    assert_eq!(pattern.at, LONG);
}

async fn read_until_end(mut from: impl AsyncRead + Unpin) {
    let mut got = vec![0; 4096];
    while from.read(&mut got).await.unwrap() > 0 {}
}

#[tokio::test(start_paused = true)]
async fn an_idle_relay_ends_when_its_time_is_over() {
    for user in [Kind::Chunks, Kind::Duplex] {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, mut far_work) = pair(Kind::Duplex).await;
        let how = Relaying {
            idle: Some(Duration::from_secs(60)),
            ..Relaying::default()
        };
        let began = Instant::now();
        let (_scope, told) = begin(near_user, near_work, how);
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            far_user.write_all(b"x").await.unwrap();
            far_work.read_exact(&mut [0; 1]).await.unwrap();
        }
        read_end(&mut far_user).await;
        read_end(&mut far_work).await;
        drop((far_user, far_work));
        let relayed = told.await.unwrap();
        assert!(matches!(relayed.end, End::Idle));
        let lasted = began.elapsed();
        assert!(lasted >= Duration::from_secs(210) && lasted < Duration::from_secs(212));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_accepts_nothing_cannot_hold_the_relay_for_ever() {
    for work in [Kind::Chunks, Kind::Duplex] {
        let (near_user, mut far_user) = pair(Kind::Chunks).await;
        let (near_work, far_work) = pair(work).await;
        let began = Instant::now();
        let (_scope, told) = begin(near_user, near_work, Relaying::default());
        far_user.write_all(&vec![0; ROOM + ROOM / 2]).await.unwrap();
        far_user.shutdown().await.unwrap();
        let relayed = told.await.unwrap();
        assert!(
            began.elapsed() >= Duration::from_secs(300),
            "cut off too early"
        );
        assert!(began.elapsed() <= Duration::from_secs(610));
        drop((far_user, far_work));
        assert!(matches!(relayed.end, End::Eof(Side::User)));
    }
}

#[tokio::test(start_paused = true)]
async fn ends_that_do_not_close_are_left_after_a_while() {
    let (near_user, mut far_user) = pair(Kind::Duplex).await;
    let (near_work, _far_work) = pair(Kind::Duplex).await;
    let (_scope, told) = begin(near_user, near_work, Relaying::default());
    far_user.shutdown().await.unwrap();
    let began = Instant::now();
    told.await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(6));
}

#[tokio::test]
async fn dropping_a_relay_closes_both_ends() {
    for (user, work, how) in ways() {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, mut far_work) = pair(work).await;
        let mut joined = relay(near_user, near_work, &how);
        let waits = Pin::new(&mut joined).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(waits, Poll::Pending));
        drop(joined);
        for far in [&mut far_user, &mut far_work] {
            let read = within(far.read(&mut [0; 1])).await;
            assert!(matches!(read, Ok(0) | Err(_)));
        }
    }
}

#[tokio::test]
async fn a_stopped_scope_ends_its_relays() {
    let (near_user, mut far_user) = pair(Kind::Tcp).await;
    let (near_work, mut far_work) = pair(Kind::Tcp).await;
    let (scope, told) = begin(near_user, near_work, Relaying::default());
    assert_eq!(scope.close(Duration::from_secs(5)).await, 0);
    assert!(told.await.is_err());
    read_end(&mut far_user).await;
    read_end(&mut far_work).await;
}
