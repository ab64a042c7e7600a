use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use culvert_io::{Peer, Scope, Stream};
use http::{Method, StatusCode};
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    runtime::Handle,
    time::Instant,
};

use super::{Answer, Feed, Request, Site, serve};
use crate::Credentials;

fn site() -> Site {
    let echo = |request: Request| async move {
        let text = format!(
            "{:?} {:?} {}",
            request.variable("name"),
            request.query("q"),
            request.body().len()
        );
        Answer::text(StatusCode::OK, &text)
    };
    let fails = |_| async { Answer::v1_error(StatusCode::NOT_FOUND, "no <b> & c") };
    Site::new(Credentials::new("alice", "secret"))
        .on(Method::GET, "/api/things", fails)
        .on(Method::POST, "/api/things/{name}", echo)
        .open(Method::GET, "/open", |_| async { Answer::empty() })
}

fn ask(method: &str, uri: &str, headers: &[(&str, &str)]) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(Full::new(Bytes::from_static(b"body")))
        .unwrap()
}

fn peer() -> Peer {
    let addr = |text: &str| text.parse::<std::net::SocketAddr>().unwrap();
    Peer::new(addr("192.0.2.7:40000"), addr("192.0.2.1:7500"), "memory")
}

const ALICE: (&str, &str) = ("authorization", "Basic YWxpY2U6c2VjcmV0");

async fn text(method: &str, uri: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = site().answer(ask(method, uri, headers)).await;
    let body = String::from_utf8(answer.bytes().to_vec()).unwrap();
    (answer.code(), body)
}

#[tokio::test]
async fn the_health_of_the_server_is_no_secret() {
    assert_eq!(text("DELETE", "/healthz", &[]).await, (200, String::new()));
    assert_eq!(text("GET", "/open", &[]).await, (200, String::new()));
}

#[tokio::test]
async fn what_is_not_there_needs_no_password() {
    let lost = text("GET", "/nothing", &[]).await;
    assert_eq!(lost, (404, "404 page not found\n".to_owned()));
    assert_eq!(text("PUT", "/api/things", &[]).await, (405, String::new()));
    assert_eq!(text("POST", "/api/things/", &[ALICE]).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_costs_time() {
    let begun = Instant::now();
    let answer = site().answer(ask("GET", "/api/things", &[])).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert_eq!(answer.code(), 401);
    let asked = answer.header("www-authenticate").unwrap();
    assert_eq!(asked, "Basic realm=\"Restricted\"");
    assert_eq!(&answer.bytes()[..], b"Unauthorized\n");
}

#[tokio::test]
async fn errors_have_the_form_of_go() {
    let (code, body) = text("GET", "/api/things", &[ALICE]).await;
    assert_eq!(code, 404);
    let expected = "{\"Code\":404,\"Msg\":\"no \\u003cb\\u003e \\u0026 c\"}\n";
    assert_eq!(body, expected);
}

#[tokio::test]
async fn variables_and_query_are_decoded() {
    let (code, body) = text("POST", "/api/things/a%2Fb+c?q=x%20y+z&q=2&bad=%z", &[ALICE]).await;
    assert_eq!(code, 200);
    assert_eq!(body, "Some(\"a/b+c\") Some(\"x y z\") 4\n");
    let (_, body) = text("POST", "/api/things/%zz", &[ALICE]).await;
    assert_eq!(body, "None None 4\n");
}

#[tokio::test]
async fn odd_paths_are_sent_to_the_clean_one() {
    for (odd, clean) in [
        ("//api/./things", "/api/things"),
        ("/x/../api/things/", "/api/things/"),
        ("/..", "/"),
        ("/a//?q=1", "/a/?q=1"),
    ] {
        let answer = site().answer(ask("GET", odd, &[])).await;
        assert_eq!(answer.code(), 301, "{odd}");
        assert_eq!(answer.header("location").unwrap(), clean);
    }
}

#[tokio::test]
async fn other_sites_cannot_change_anything() {
    let host = ("host", "frps.test:7500");
    for (header, code) in [
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("sec-fetch-site", "same-origin"), 200),
        (("sec-fetch-site", "none"), 200),
        (("origin", "http://evil.test"), 403),
        (("origin", "null"), 403),
        (("origin", "http://frps.test:7500"), 200),
        (("user-agent", "curl"), 200),
    ] {
        let got = text("POST", "/api/things/x", &[ALICE, host, header]).await;
        assert_eq!(got.0, code, "{header:?}");
    }
    // frp's clients reload by GET, so a page's picture or link must not reach the API either.
    let elsewhere = ("sec-fetch-site", "cross-site");
    for (path, code) in [("/api/things", 403), ("/open", 200)] {
        let got = text("GET", path, &[ALICE, elsewhere]).await;
        assert_eq!(got.0, code, "{path}");
    }
    assert_eq!(text("GET", "/api/things", &[ALICE]).await.0, 404);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let mut request = ask("POST", "/api/things/x", &[ALICE]);
    *request.body_mut() = Full::new(vec![0; (4 << 20) + 1].into());
    assert_eq!(site().answer(request).await.code(), 413);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_served_and_ends_when_nothing_comes() {
    let scope = Scope::root(Handle::current());
    let (near, mut far) = duplex(64 * 1024);
    let stream = Stream::new(near, peer());
    let (site, inside) = (Arc::new(site()), scope.clone());
    scope.spawn(async move { serve(site, stream, &inside).await });
    far.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut got = String::new();
    far.read_to_string(&mut got).await.unwrap();
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(got.contains("Content-Length: 0\r\n"), "{got}");
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_each_second_for_as_long_as_it_listens() {
    let mut count = 0;
    let feed = Arc::new(Feed::new(move |since: Duration| {
        count += 1;
        (count, since.as_millis())
    }));
    let listened = Arc::clone(&feed);
    let site = Site::new(None).on(Method::GET, "/api/live", move |_| {
        std::future::ready(listened.answer())
    });
    let scope = Scope::root(Handle::current());
    let (near, mut far) = duplex(64 * 1024);
    let stream = Stream::new(near, peer());
    let (site, inside) = (Arc::new(site), scope.clone());
    scope.spawn(async move { serve(site, stream, &inside).await });
    far.write_all(b"GET /api/live HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut got = String::new();
    // Longer than a connection may be without a request.
    while !got.contains("data: [300,1000]\n\n") {
        let mut part = [0; 1024];
        let read = far.read(&mut part).await.unwrap();
        assert_ne!(read, 0, "{got}");
        got.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    assert!(got.contains("Content-Type: text/event-stream\r\n"), "{got}");
    assert!(got.contains("data: [1,0]\n\n"), "{got}");
    // One that came a moment later is told the same.
    let others: Vec<_> = (0..31).map(|_| feed.answer()).collect();
    assert!(others.iter().all(|answer| answer.code() == 200));
    assert_eq!(feed.answer().code(), 503);
    drop(others);
    assert_eq!(feed.answer().code(), 200);
    // One that does not read is dropped in the end.
    let begun = Instant::now();
    while scope.tasks() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(180));
}
