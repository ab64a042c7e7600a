//! Connections that leave HTTP: WebSocket and CONNECT.

use super::fixture::{User, World, mirror};
use crate::HttpRules;

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A service that switches to `protocol` and then echoes.
async fn switches(io: tokio::io::DuplexStream, protocol: &str) {
    let mut io = User(io);
    let head = io.head().await;
    assert!(head.contains("Connection: Upgrade\r\n"), "{head}");
    assert!(head.contains("Upgrade: websocket\r\n"), "{head}");
    io.send(&format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Accept: x\r\n\r\nfirst")).await;
    let (mut from, mut to) = tokio::io::split(io.0);
    let _ended = tokio::io::copy(&mut from, &mut to).await;
}

#[tokio::test]
async fn a_websocket_echoes() {
    let world = World::new();
    let set = [("X-Out".to_owned(), "yes".to_owned())].into();
    let rules = HttpRules::new(&[].into(), &set).unwrap();
    let session = world.proxy("a.test", rules, |io, _| switches(io, "WebSocket"));
    let mut user = world.user();
    // The first bytes behind the head may come with it.
    user.send(&format!("{UPGRADE}\n\0raw")).await;
    let head = user.head().await;
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{head}"
    );
    for line in [
        "Connection: Upgrade\r\n",
        "Upgrade: WebSocket\r\n",
        "X-Out: yes\r\n",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(user.exactly(10).await, b"first\n\0raw");
    for word in ["GET / HTTP/1.1\n", "x"] {
        user.send(word).await;
        assert_eq!(user.exactly(word.len()).await, word.as_bytes());
    }
    drop(user);
    assert_eq!(session.opened(), 1);
    // The connection is gone and not in the pool.
    let mut user = world.user();
    user.send(UPGRADE).await;
    user.head().await;
    assert_eq!(session.opened(), 2);
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_a_fault() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| {
        switches(io, "other")
    });
    let mut user = world.user();
    user.send(UPGRADE).await;
    assert_eq!(user.answer().await.status(), "404");
    world.proxy("b.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        io.head().await;
        io.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            .await;
        io.head().await;
    });
    user.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
    assert_eq!(user.answer().await.status(), "404");
}

#[tokio::test]
async fn a_refused_upgrade_stays_http() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    // Java's and curl's clients offer h2c with a plain request, and may send the next at once.
    let offer = "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\nhi";
    user.send(&format!(
        "{offer}{offer}GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    ))
    .await;
    for _ in 0..2 {
        let answer = user.answer().await;
        assert!(answer.text().ends_with("hi"), "{answer:?}");
        assert!(!answer.text().contains("Http2-Settings"), "{answer:?}");
        // Nor is it passed on: requests in HTTP/2 would get around routes and credentials.
        assert!(!answer.text().contains("Upgrade"), "{answer:?}");
    }
    assert!(user.answer().await.text().starts_with("GET / HTTP/1.1\r\n"));
    // Without `Connection: Upgrade` it is not even an offer.
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\n")
        .await;
    assert!(!user.answer().await.text().contains("websocket"));
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n\n").await;
    assert_eq!(user.answer().await.status(), "200");
    assert!(user.rest().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn a_connect_becomes_a_tunnel() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), |io, _| async move {
        let mut io = User(io);
        let head = io.head().await;
        assert!(
            head.starts_with("CONNECT a.test:443 HTTP/1.1\r\n"),
            "{head}"
        );
        io.send("HTTP/1.1 200 OK\r\n\r\n").await;
        let (mut from, mut to) = tokio::io::split(io.0);
        let _ended = tokio::io::copy(&mut from, &mut to).await;
    });
    let mut user = world.user();
    user.send("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n\x16early")
        .await;
    let head = user.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        !head.to_ascii_lowercase().contains("content-length"),
        "{head}"
    );
    assert_eq!(user.exactly(6).await, b"\x16early");
}

#[tokio::test]
async fn a_connect_to_nobody_is_a_miss() {
    let world = World::new();
    let mut user = world.user();
    let connect = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
    user.send(&format!("{connect}GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"))
        .await;
    let answer = user.answer().await;
    assert_eq!(answer.status(), "404");
    assert_eq!(answer.header("server"), Some("frp/0.70.1"));
    assert!(
        answer
            .text()
            .contains("The page you requested was not found.")
    );
    assert_eq!(user.rest().await, "", "what follows was meant for a tunnel");
}
