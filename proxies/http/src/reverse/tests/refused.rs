//! Requests that two parsers could read differently never reach a service.

use culvert_kit::{DOUBTFUL_BODIES, DOUBTFUL_HEADS, SMUGGLED};

use super::fixture::{World, mirror};
use crate::HttpRules;

/// Whether a user was told once that the request is refused; hyper answers some versions and
/// methods in its own way, all of them 4xx.
fn refused(all: &str) -> bool {
    let is_4xx = |rest: &str| {
        rest.starts_with(['0', '1']) && rest.get(1..).is_some_and(|r| r.starts_with(" 4"))
    };
    all.strip_prefix("HTTP/1.").is_some_and(is_4xx) && all.matches("HTTP/1.").count() == 1
}

#[tokio::test]
async fn a_doubtful_head_is_refused_and_passed_to_nobody() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    for (name, request) in DOUBTFUL_HEADS {
        let mut user = world.user();
        user.send(&format!("{request}{SMUGGLED}")).await;
        let all = user.rest().await;
        assert!(refused(&all), "{name}: {all}");
    }
    assert_eq!(session.opened(), 0);
}

#[tokio::test]
async fn so_it_is_behind_a_good_request() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    for (name, request) in DOUBTFUL_HEADS {
        let mut user = world.user();
        let good = "GET /good HTTP/1.1\r\nHost: a.test\r\n\r\n";
        user.send(&format!("{good}{request}")).await;
        let good = user.answer().await;
        assert!(good.text().starts_with("GET /good "), "{name}: {good:?}");
        let all = user.rest().await;
        assert!(refused(&all), "{name}: {all}");
    }
}

#[tokio::test]
async fn a_doubtful_body_is_refused_and_nothing_behind_it_is_read() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    for (name, request) in DOUBTFUL_BODIES {
        let mut user = world.user();
        user.send(&format!("{request}{SMUGGLED}")).await;
        let all = user.rest().await;
        assert!(refused(&all), "{name}: {all}");
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
