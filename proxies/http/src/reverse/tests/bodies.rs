//! Bodies: streamed both ways, bounded, and for every kind of client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::io::AsyncWriteExt;

use super::fixture::{User, World, always, mirror};
use crate::HttpRules;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn chunks_pass_both_ways_as_they_come() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        while !io.head().await.is_empty() {
            io.send(CHUNKED).await;
            while let Some(chunk) = io.chunk().await {
                io.send(&format!(
                    "{:x}\r\n{}\r\n",
                    chunk.len(),
                    String::from_utf8(chunk).unwrap()
                ))
                .await;
            }
            io.send("0\r\n\r\n").await;
        }
    });
    let mut user = world.user();
    for _ in 0..2 {
        user.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        assert!(user.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        for word in ["one", "three", "five and six"] {
            user.send(&format!("{:x}\r\n{word}\r\n", word.len())).await;
            assert_eq!(user.chunk().await.unwrap(), word.as_bytes());
        }
        user.send("0\r\n\r\n").await;
        assert_eq!(user.chunk().await, None);
    }
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn a_get_keeps_its_chunked_body() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let request =
        "GET / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    assert!(world.once(request).await.text().ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn trailers_pass() {
    let world = World::new();
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n";
    let session = world.proxy("a.test", HttpRules::default(), always(answer));
    let mut user = world.user();
    for _ in 0..3 {
        user.send("GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n\r\n")
            .await;
        assert!(user.head().await.contains("Trailer: X-Sum\r\n"));
        assert_eq!(user.exactly(7).await, b"2\r\nhi\r\n");
        let trailers = user.head().await.to_ascii_lowercase();
        assert_eq!(trailers, "0\r\nx-sum: 7\r\n\r\n");
    }
    assert_eq!(session.opened(), 1);
}

/// Writes until the pipe is full for good, and counts.
async fn flood(mut io: User, written: Arc<AtomicUsize>) {
    let piece = [b'x'; 1024];
    while io.0.write_all(&piece).await.is_ok() {
        written.fetch_add(piece.len(), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_user_that_does_not_read_holds_the_service_back() {
    tokio::time::pause();
    let world = World::new();
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    world.proxy("a.test", HttpRules::default(), move |io, _| {
        let counter = Arc::clone(&counter);
        async move {
            let mut io = User(io);
            io.head().await;
            io.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                .await;
            flood(io, counter).await;
        }
    });
    let mut user = world.user();
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    user.head().await;
    // With paused time this returns when nobody has anything to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = written.load(Ordering::Relaxed);
    assert!(
        held < 2 * 1024 * 1024,
        "{held} bytes were taken from the service"
    );
    user.exactly(4 * 1024 * 1024).await;
    assert!(written.load(Ordering::Relaxed) >= 4 * 1024 * 1024);
}

#[tokio::test]
async fn a_service_that_does_not_read_holds_the_user_back() {
    tokio::time::pause();
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let _held = io;
        std::future::pending::<()>().await;
    });
    let mut user = world.user();
    user.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n")
        .await;
    let written = Arc::new(AtomicUsize::new(0));
    world.scope.spawn(flood(user, Arc::clone(&written)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = written.load(Ordering::Relaxed);
    assert!(
        held > 0 && held < 2 * 1024 * 1024,
        "{held} bytes were taken from the user"
    );
}

#[tokio::test]
async fn a_body_until_the_end_of_the_connection_becomes_chunked() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.send("HTTP/1.1 200 OK\r\n\r\nhello").await;
    });
    let mut user = world.user();
    for n in 1..=2 {
        user.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let answer = user.answer().await;
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        assert_eq!(answer.text(), "hello");
        assert_eq!(session.opened(), n);
    }
}

#[tokio::test]
async fn an_old_client_gets_an_old_answer() {
    let world = World::new();
    let session = world.proxy(
        "a.test",
        HttpRules::default(),
        always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    );
    let mut user = world.user();
    user.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let answer = user.rest().await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert!(
        !answer.to_ascii_lowercase().contains("transfer-encoding"),
        "{answer}"
    );
    // Without a host it belongs to nobody.
    assert_eq!(world.once("GET / HTTP/1.0\r\n\r\n").await.status(), "404");
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn a_head_has_no_body() {
    let world = World::new();
    let session = world.proxy(
        "a.test",
        HttpRules::default(),
        always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    );
    let mut user = world.user();
    for _ in 0..2 {
        user.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let head = user.head().await;
        assert!(head.contains("Content-Length: 5\r\n"), "{head}");
    }
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn statuses_without_a_body_keep_the_connection() {
    let world = World::new();
    for (domain, raw) in [
        ("a.test", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("b.test", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
    ] {
        let session = world.proxy(domain, HttpRules::default(), always(raw));
        let mut user = world.user();
        for _ in 0..3 {
            user.send(&format!("GET / HTTP/1.1\r\nHost: {domain}\r\n\r\n"))
                .await;
            let head = user.head().await;
            assert!(
                head.starts_with(raw.split("\r\n").next().unwrap()),
                "{head}"
            );
        }
        assert_eq!(session.opened(), 1);
    }
}

#[tokio::test]
async fn the_user_is_told_to_continue() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        assert!(io.head().await.contains("Expect: 100-continue\r\n"));
        io.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(io.exactly(5).await, b"hello");
        io.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        io.head().await;
    });
    let mut user = world.user();
    user.send(
        "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    assert_eq!(user.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    user.send("hello").await;
    assert_eq!(user.answer().await.text(), "ok");
}

#[tokio::test]
async fn an_early_answer_does_not_reuse_the_connection() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
            .await;
        // Whatever else comes is thrown away, as a service that lingers does.
        io.rest().await;
    });
    let mut user = world.user();
    user.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nhello")
        .await;
    assert_eq!(user.answer().await.status(), "413");
    assert_eq!(
        world
            .once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            .await
            .status(),
        "413"
    );
    assert_eq!(session.opened(), 2);
}
