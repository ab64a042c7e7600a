//! Requests that two parsers could read differently never reach a service.

use super::fixture::{World, mirror};
use crate::HttpRules;

const CORPUS: [&str; 40] = [
    // Two lengths, in both orders, and lengths that are none.
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4, 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    // Names that hide a length.
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length : 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\n Content-Length: 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent\0-Length: 4\r\n\r\nabcd",
    // Transfer codings.
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    // Line ends and folding.
    "GET / HTTP/1.1\nHost: a.test\n\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\nContent-Length: 4\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\rContent-Length: 4\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\tfolded\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n",
    // Hosts.
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: u@a.test\r\n\r\n",
    // Request lines.
    "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET / HTTP/3.0\r\nHost: a.test\r\n\r\n",
    "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n",
];

#[tokio::test]
async fn each_is_answered_400_and_closed() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    for request in CORPUS {
        let mut user = world.user();
        user.send(&format!(
            "{request}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
        ))
        .await;
        let all = user.rest().await;
        assert!(
            all.starts_with("HTTP/1.1 400 ") || all.starts_with("HTTP/1.0 400 "),
            "{request:?}: {all}"
        );
        assert_eq!(all.matches("HTTP/1.").count(), 1, "{request:?}: {all}");
    }
    assert_eq!(session.opened(), 0);
}

#[tokio::test]
async fn so_it_is_behind_a_good_request() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    for request in CORPUS {
        let mut user = world.user();
        user.send(&format!(
            "GET /good HTTP/1.1\r\nHost: a.test\r\n\r\n{request}"
        ))
        .await;
        let good = user.answer().await;
        assert!(
            good.text().starts_with("GET /good "),
            "{request:?}: {good:?}"
        );
        let all = user.rest().await;
        assert!(
            all.starts_with("HTTP/1.1 400 ") || all.starts_with("HTTP/1.0 400 "),
            "{request:?}: {all}"
        );
    }
}

#[tokio::test]
async fn broken_chunks_are_refused() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    for body in [
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc",
        "0\r\nX: y\n\r\n",
        "zz\r\n",
    ] {
        let mut user = world.user();
        let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        user.send(&format!(
            "{head}{body}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
        ))
        .await;
        let all = user.rest().await;
        assert!(all.starts_with("HTTP/1.1 400 "), "{body:?}: {all}");
        assert_eq!(all.matches("HTTP/1.1").count(), 1, "{body:?}: {all}");
    }
}

#[tokio::test]
async fn heads_have_a_bound() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\n").await;
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    let (mut from, mut to) = tokio::io::split(user.0);
    let sent = tokio::io::AsyncWriteExt::write_all(&mut to, long.as_bytes());
    let mut all = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut from, &mut all);
    let (_cut_off, read) = tokio::join!(sent, read);
    read.unwrap();
    let all = String::from_utf8(all).unwrap();
    assert!(all.starts_with("HTTP/1.1 431 "), "{all}");
}

#[tokio::test]
async fn a_connection_header_cannot_hide_the_length() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let request = "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: Content-Length, Host\r\nContent-Length: 2\r\n\r\nhi";
    let answer = world.once(request).await;
    assert!(
        answer.text().contains("Content-Length: 2\r\n"),
        "{answer:?}"
    );
    assert!(answer.text().ends_with("hi"), "{answer:?}");
}
