//! Routes, kept connections, credentials and headers.

use std::{collections::BTreeMap, io::Write, time::Duration};

use tokio::io::AsyncWriteExt;

use super::fixture::{User, World, always, mirror, peer};
use crate::{Credentials, HttpRules, HttpVhost, Route};

fn table(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

#[tokio::test]
async fn all_users_share_kept_connections() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    for n in 0..5 {
        user.send(&format!("GET /{n} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
            .await;
        let answer = user.answer().await;
        assert_eq!(answer.status(), "200");
        assert!(answer.text().starts_with(&format!("GET /{n} HTTP/1.1\r\n")));
    }
    world
        .once("GET / HTTP/1.1\r\nHost: a.test:8080\r\n\r\n")
        .await;
    user.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert!(user.answer().await.text().ends_with("\r\n\r\nhello"));
    user.send("GET /again HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .await;
    assert_eq!(user.answer().await.status(), "200");
    assert_eq!(session.opened(), 1);
    let first = session.served()[0];
    assert_eq!((first.src, first.dst), (Some(peer().addr), None));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    let request = |n: usize| {
        let body = "x".repeat(n);
        format!("POST /{n} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {n}\r\n\r\n{body}")
    };
    user.send(&(1..=20).map(request).collect::<String>()).await;
    for n in 1..=20 {
        assert!(
            user.answer()
                .await
                .text()
                .starts_with(&format!("POST /{n} "))
        );
    }
    assert_eq!(session.opened(), 1);
}

#[tokio::test]
async fn an_unused_connection_ends_after_a_minute() {
    tokio::time::pause();
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(session.opened(), 1);
    let kept = world.scope.tasks();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(
        world.scope.tasks() < kept,
        "the sweeper and the connection ended"
    );
    world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(session.opened(), 2);
}

#[tokio::test]
async fn a_busy_connection_is_replaced_after_an_hour() {
    tokio::time::pause();
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    for _ in 0..90 {
        world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        tokio::time::sleep(Duration::from_secs(50)).await;
    }
    assert_eq!(session.opened(), 2, "75 minutes");
}

#[tokio::test]
async fn closing_a_proxy_ends_its_connections() {
    tokio::time::pause();
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let mut user = world.user();
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(user.answer().await.status(), "200");
    world.close_proxies();
    user.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(user.answer().await.status(), "404");
    drop(user);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(world.scope.tasks(), 0);
}

#[tokio::test]
async fn routes_by_host_location_and_user() {
    let world = World::new();
    let route = |domain: &str, location: &str, user: &str| Route {
        domain: domain.into(),
        location: location.into(),
        user: user.into(),
    };
    let answer = |text: &'static str| always(text);
    let rules = HttpRules::default;
    world.route(
        &route("a.test", "", ""),
        rules(),
        answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nroot"),
    );
    world.route(
        &route("a.test", "/api", ""),
        rules(),
        answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napi"),
    );
    world.route(
        &route("a.test", "", "bob"),
        rules(),
        answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbob"),
    );
    world.route(
        &route("*.w.test", "", ""),
        rules(),
        answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwild"),
    );
    let bob = "Authorization: Basic Ym9iOng=\r\n";
    let proxy_bob = "Proxy-Authorization: Basic Ym9iOng=\r\n";
    for (target, host, extra, wanted) in [
        ("/", "a.test", "", "root"),
        ("/api/x", "A.Test.:80", "", "api"),
        ("/%61pi", "a.test", "", "api"),
        ("/api", "a.test", bob, "bob"),
        ("/", "a.test", proxy_bob, "root"),
        ("http://a.test/api", "a.test", proxy_bob, "bob"),
        ("http://a.test/api", "a.test", bob, "bob"),
        ("http://A.test:80/api", "a.test", "", "api"),
        ("/", "x.w.test", "", "wild"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n");
        assert_eq!(world.once(&request).await.text(), wanted, "{request}");
    }
}

#[tokio::test]
async fn a_miss_gets_the_page() {
    let world = World::new();
    let mut user = world.user();
    for _ in 0..2 {
        user.send("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
            .await;
        let answer = user.answer().await;
        assert_eq!(answer.status(), "404");
        assert_eq!(answer.header("server"), Some("frp/0.70.1"));
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(
            answer
                .text()
                .contains("The page you requested was not found.")
        );
    }
}

#[tokio::test]
async fn a_custom_page_is_read_each_time() {
    let path = std::env::temp_dir().join(format!("culvert-404-{}.html", std::process::id()));
    let write = |text: &str| {
        std::fs::File::create(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    };
    let world = World::with(HttpVhost::new(Duration::from_secs(60), Some(path.clone())));
    let request = "GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n";
    write("one");
    assert_eq!(world.once(request).await.text(), "one");
    write("two");
    assert_eq!(world.once(request).await.text(), "two");
    std::fs::remove_file(&path).unwrap();
    let built_in = world.once(request).await;
    assert!(
        built_in
            .text()
            .contains("The page you requested was not found.")
    );
}

#[tokio::test]
async fn asks_for_credentials() {
    let world = World::new();
    let rules = HttpRules::default().with_auth(Credentials::new("alice", "secret"));
    let session = world.proxy("a.test", rules, mirror);
    let good = "Basic YWxpY2U6c2VjcmV0";
    let bad = "Basic YWxpY2U6d3Jvbmc=";
    for (target, header, value, wanted) in [
        ("/", "Authorization", good, "200"),
        ("/", "Authorization", bad, "401"),
        ("/", "Authorization", "Basic !", "401"),
        ("/", "Proxy-Authorization", good, "401"),
        ("/", "X-None", "x", "401"),
        ("http://a.test/", "Proxy-Authorization", good, "200"),
        ("http://a.test/", "Proxy-Authorization", bad, "407"),
        ("http://a.test/", "Authorization", good, "407"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n{header}: {value}\r\n\r\n");
        let answer = world.once(&request).await;
        assert_eq!(answer.status(), wanted, "{request}");
        let ask = match wanted {
            "401" => answer.header("www-authenticate"),
            "407" => answer.header("proxy-authenticate"),
            _ => continue,
        };
        assert_eq!(ask, Some("Basic realm=\"Restricted\""));
    }
    assert_eq!(session.opened(), 1, "nobody else gets through");
}

#[tokio::test]
async fn headers_are_rewritten_in_order() {
    let world = World::new();
    let set = table(&[
        ("X-From-Where", "frp"),
        ("User-Agent", "set"),
        ("Host", "ignored.test"),
    ]);
    let rules = HttpRules::new(&set, &table(&[("X-Out", "yes"), ("server", "mine")])).unwrap();
    world.proxy(
        "a.test",
        rules.with_host_rewrite("inner.test").unwrap(),
        mirror,
    );
    let request = "GET /p?a=1;b=%zz HTTP/1.1\r\nHost: a.test:8080\r\nUser-Agent: curl\r\n\
        Accept-Encoding: br\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
        Proxy-Connection: close\r\nTE: trailers, deflate\r\nForwarded: for=1\r\nX-Twice: 1\r\nX-Twice: 2\r\n\
        X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Host: fake\r\nX-Forwarded-Proto: https\r\n\r\n";
    let answer = world.once(request).await;
    let mut seen: Vec<&str> = answer
        .text()
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(seen.remove(0), "GET /p?a=1;b=%zz HTTP/1.1");
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "Accept-Encoding: br",
            "Host: inner.test",
            "Te: trailers",
            "User-Agent: set",
            "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.7",
            "X-Forwarded-Host: a.test:8080",
            "X-Forwarded-Proto: http",
            "X-From-Where: frp",
            "X-Twice: 1",
            "X-Twice: 2",
        ]
    );
    assert_eq!(answer.header("x-out"), Some("yes"));
    assert_eq!(answer.header("server"), Some("mine"));
}

#[tokio::test]
async fn nothing_is_invented() {
    let world = World::new();
    world.proxy("a.test", HttpRules::default(), mirror);
    let answer = world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut seen: Vec<&str> = answer
        .text()
        .lines()
        .skip(1)
        .filter(|l| !l.is_empty())
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "Host: a.test",
            "X-Forwarded-For: 192.0.2.7",
            "X-Forwarded-Host: a.test",
            "X-Forwarded-Proto: http",
        ]
    );
}

#[tokio::test]
async fn absolute_form_stays_absolute() {
    let world = World::new();
    let rules = HttpRules::default()
        .with_host_rewrite("inner.test:81")
        .unwrap();
    world.proxy("a.test", rules, mirror);
    let answer = world
        .once("GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .await;
    assert!(
        answer
            .text()
            .starts_with("GET http://inner.test:81/x?y HTTP/1.1\r\n")
    );
    assert!(answer.text().contains("\r\nHost: inner.test:81\r\n"));
    assert!(answer.text().contains("\r\nX-Forwarded-Host: a.test\r\n"));
}

#[tokio::test]
async fn hop_by_hop_headers_of_a_response_stay_behind() {
    let world = World::new();
    let raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nX-Kept: 1\r\n\r\n";
    world.proxy("a.test", HttpRules::default(), always(raw));
    let answer = world.once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    for gone in ["connection", "x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("x-kept"), Some("1"));
}

#[tokio::test]
async fn any_cut_of_the_bytes_gives_the_same_answers() {
    let world = World::new();
    let session = world.proxy("a.test", HttpRules::default(), mirror);
    let kinds = [
        "GET /0 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "\r\nPOST /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 7\r\n\r\n\n\rGET /",
        "POST /2 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n\r\n!\r\n1\r\n?\r\n0\r\nX: y\r\n\r\n",
        "POST /3 HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi",
        "GET /4 HTTP/1.1\r\nHost: a.test\r\nUpgrade: x\r\n\r\n",
    ];
    let ends = ["\r\n\r\n", "\n\rGET /", "\r\n!?", "hi", "\r\n\r\n"];
    let mut dice = 7_u64;
    let mut roll = move |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from((dice >> 33) % sides).unwrap()
    };
    for most in [1, 3, 20, 200] {
        let picks: Vec<usize> = (0..40).map(|_| roll(5)).collect();
        let all: Vec<u8> = picks.iter().flat_map(|n| kinds[*n].bytes()).collect();
        let (from, mut to) = tokio::io::split(world.user().0);
        let mut from = User(from);
        let (send, read) = (
            async {
                let mut rest = &all[..];
                while !rest.is_empty() {
                    let (piece, later) = rest.split_at((1 + roll(most)).min(rest.len()));
                    to.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                    rest = later;
                }
            },
            async {
                for n in &picks {
                    let answer = from.answer().await;
                    let text = answer.text();
                    assert!(
                        text.lines().next().unwrap().contains(&format!(" /{n} ")),
                        "{text}"
                    );
                    assert!(text.ends_with(ends[*n]), "{n}: {text:?}");
                }
            },
        );
        tokio::join!(send, read);
    }
    assert_eq!(session.opened(), 1);
}
