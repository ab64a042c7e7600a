//! Services that are slow, silent or gone.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::fixture::{User, World, mirror};
use crate::{ErrorMode, HttpRules, HttpVhost};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_silent_service_is_a_timeout() {
    tokio::time::pause();
    let world = World::with(HttpVhost::new(Duration::from_secs(7), None));
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        User(io).rest().await;
    });
    let start = tokio::time::Instant::now();
    let mut user = world.user();
    user.send(GET).await;
    let answer = user.answer().await;
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!((answer.status(), answer.text()), ("504", ""));
    // The connection to the user goes on, the one to the service does not.
    user.send(GET).await;
    assert_eq!(user.answer().await.status(), "504");
    assert_eq!(session.opened(), 2);
}

#[tokio::test]
async fn the_wait_begins_when_the_request_is_whole() {
    tokio::time::pause();
    let world = World::with(HttpVhost::new(Duration::from_secs(7), None));
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.exactly(4).await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        io.send(HELLO).await;
        io.head().await;
    });
    let mut user = world.user();
    user.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n")
        .await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        user.send("x").await;
    }
    assert_eq!(user.answer().await.status(), "200");
}

#[tokio::test]
async fn a_service_that_refuses_is_a_miss() {
    let world = World::new();
    world.proxy(
        "a.test",
        HttpRules::default(),
        |io, _| async move { drop(io) },
    );
    world.proxy("b.test", HttpRules::default(), |io, _| async move {
        User(io).send("this is no http\r\n\r\n").await;
    });
    for host in ["a.test", "b.test"] {
        let answer = world
            .once(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        assert_eq!(answer.status(), "404");
        assert!(
            answer
                .text()
                .contains("The page you requested was not found.")
        );
    }
}

#[tokio::test]
async fn a_service_that_dies_in_a_body_ends_the_user_too() {
    let world = World::new();
    for (domain, answer) in [
        (
            "a.test",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        ),
        (
            "b.test",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ),
    ] {
        world.proxy(domain, HttpRules::default(), move |io, _| async move {
            let mut io = User(io);
            io.head().await;
            io.send(answer).await;
        });
        let mut user = world.user();
        user.send(&format!("GET / HTTP/1.1\r\nHost: {domain}\r\n\r\n"))
            .await;
        let all = user.rest().await;
        assert!(all.contains("half") && !all.ends_with("0\r\n\r\n"), "{all}");
    }
}

/// Answers once on each connection, and hangs up on the second request.
async fn once_each(io: tokio::io::DuplexStream, _n: usize) {
    let mut io = User(io);
    io.answer().await;
    io.send(HELLO).await;
    io.answer().await;
}

#[tokio::test]
async fn a_stale_connection_is_tried_again_over_a_new_one() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), once_each);
    for n in 1..=4 {
        assert_eq!(world.once(GET).await.text(), "hello");
        assert_eq!(session.opened(), n);
    }
}

#[tokio::test]
async fn a_request_that_may_have_had_an_effect_is_not_sent_twice() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), once_each);
    assert_eq!(world.once(GET).await.text(), "hello");
    let post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(world.once(post).await.status(), "404");
    assert_eq!(session.opened(), 1);
    assert_eq!(world.once(post).await.status(), "200");
}

#[tokio::test]
async fn a_connection_that_the_service_closed_is_not_used() {
    tokio::time::pause();
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.answer().await;
        io.send(HELLO).await;
    });
    let post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx";
    for n in 1..=3 {
        assert_eq!(world.once(post).await.text(), "hello");
        assert_eq!(session.opened(), n);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_user_that_leaves_ends_the_request() {
    tokio::time::pause();
    let world = World::new();
    let (gone, mut seen) = tokio::sync::mpsc::channel(1);
    world.proxy("a.test", HttpRules::default(), move |io, _| {
        let gone = gone.clone();
        async move {
            User(io).rest().await;
            gone.send(()).await.unwrap();
        }
    });
    let mut user = world.user();
    user.send(GET).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    drop(user);
    let wait = tokio::time::timeout(Duration::from_secs(5), seen.recv());
    assert_eq!(
        wait.await,
        Ok(Some(())),
        "well before the timeout of a minute"
    );
}

#[tokio::test]
async fn a_head_must_come_within_a_minute() {
    tokio::time::pause();
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    for begin in ["", "G", "GET / HTTP/1.1\r\nHost: a"] {
        let start = tokio::time::Instant::now();
        let mut user = world.user();
        user.send(begin).await;
        assert_eq!(user.rest().await, "");
        assert_eq!(start.elapsed().as_secs(), 60, "{begin}");
    }
    // Bytes that trickle do not help, and the time is one head's, not the connection's.
    let mut user = world.user();
    for _ in 0..3 {
        user.send("GET / HTTP/1.1\r\n").await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        user.send("Host: a.test\r\n\r\n").await;
        assert_eq!(user.answer().await.status(), "200");
    }
    let start = tokio::time::Instant::now();
    user.send("GET / HTTP/1.1\r\n").await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    user.send("X: y\r\n").await;
    assert_eq!(user.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn an_idle_user_is_closed_but_not_soon() {
    tokio::time::pause();
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    user.send(GET).await;
    user.answer().await;
    tokio::time::sleep(Duration::from_secs(170)).await;
    user.send(GET).await;
    user.answer().await;
    let start = tokio::time::Instant::now();
    assert_eq!(user.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 180);
}

#[tokio::test]
async fn told_to_stop_it_finishes_the_request_in_hand() {
    tokio::time::pause();
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        io.send(HELLO).await;
        io.head().await;
    });
    let stopping = world.scope.child(tracing::Span::none());
    let (near, far) = tokio::io::duplex(4096);
    let (vhost, inner) = (std::sync::Arc::clone(&world.vhost), stopping.clone());
    stopping.spawn_graceful(|_stop| async move {
        vhost
            .serve(culvert_io::Stream::new(far, super::fixture::peer()), &inner)
            .await;
    });
    let mut user = User(near);
    user.send(GET).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stopping.stop();
    let all = user.rest().await;
    assert!(all.ends_with("\r\n\r\nhello"), "{all}");
    assert_eq!(stopping.close(Duration::from_secs(1)).await, 0);
}

#[tokio::test]
async fn when_precise_a_failing_service_is_told_from_a_missing_one() {
    let precise = HttpVhost::telling(Duration::from_secs(60), None, ErrorMode::Precise);
    let world = World::with(precise);
    let rules = HttpRules::default;
    world.proxy("refuses.test", rules(), |io, _| async move { drop(io) });
    world.proxy("dies.test", rules(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.send("HTTP/1.1 200 O").await;
    });
    let gone = world.proxy("gone.test", rules(), mirror);
    gone.refuse();
    for (host, status, body) in [
        ("refuses.test", "502", "502 Bad Gateway\n"),
        ("dies.test", "502", "502 Bad Gateway\n"),
        ("gone.test", "503", "503 Service Unavailable\n"),
    ] {
        let ask = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = world.once(&ask).await;
        assert_eq!((answer.status(), answer.text()), (status, body), "{host}");
    }
    let nobody = world.once("GET / HTTP/1.1\r\nHost: no.test\r\n\r\n").await;
    assert_eq!(nobody.status(), "404");
    assert!(
        nobody
            .text()
            .contains("The page you requested was not found.")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_given_up() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        User(io).rest().await;
    });
    let mut user = world.user();
    user.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nabc")
        .await;
    let start = tokio::time::Instant::now();
    let all = user.rest().await;
    assert!(all.starts_with("HTTP/1.1 404 "), "{all}");
    let minutes = start.elapsed().as_secs() / 60;
    assert!((30..=60).contains(&minutes), "{minutes}");
    assert_eq!(session.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_user_that_takes_no_answer_is_given_up() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
            .await;
        while io.0.write_all(&[b'x'; 10_000]).await.is_ok() {}
    });
    let mut user = world.user();
    user.send(GET).await;
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(world.scope.tasks(), 0);
    assert!(user.rest().await.starts_with("HTTP/1.1 200 "));
}
