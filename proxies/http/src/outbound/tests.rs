use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, ProxyError};
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
    time::Instant,
};

use super::{Endpoint, Limits, Outbound, OutboundError, UrlError};
use crate::Dial;

/// A server that answers each request with the same bytes.
#[derive(Debug)]
struct Server {
    scope: Scope,
    answer: &'static str,
    dialled: AtomicUsize,
}

impl Dial for Server {
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        self.dialled.fetch_add(1, Ordering::Relaxed);
        let (near, far) = duplex(64 * 1024);
        self.scope.spawn(serve(far, self.answer));
        let addr = ([127, 0, 0, 1], 1).into();
        let stream = Stream::new(near, Peer::new(addr, addr, "memory"));
        Box::pin(async { Ok(stream) })
    }
}

async fn serve(mut far: DuplexStream, answer: &'static str) {
    let mut seen = vec![0; 4096];
    while let Ok(n) = far.read(&mut seen).await
        && n > 0
    {
        if !seen[..n].ends_with(b"body") {
            continue;
        }
        let head = String::from_utf8_lossy(&seen[..n]).to_ascii_lowercase();
        assert!(head.contains("host: plugin.test:81\r\n"), "{head}");
        assert!(head.contains("authorization: basic ytpiigm=\r\n"), "{head}");
        far.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn client(answer: &'static str) -> (Arc<Server>, Outbound) {
    let scope = Scope::root(Handle::current());
    let server = Arc::new(Server {
        scope: scope.clone(),
        answer,
        dialled: AtomicUsize::new(0),
    });
    let endpoint = Endpoint::parse("http://a:b%20c@plugin.test:81/x").unwrap();
    let limits = Limits {
        time: Duration::from_secs(5),
        body: 10,
    };
    let dial = Arc::clone(&server) as _;
    (server, Outbound::new(endpoint, dial, limits, &scope))
}

fn post() -> Request<Bytes> {
    let body = Bytes::from_static(b"body");
    Request::post("/x").body(body).unwrap()
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let (server, client) = client("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    for _ in 0..3 {
        let answer = client.send(post()).await.unwrap();
        assert_eq!(answer.body(), "hi");
    }
    assert_eq!(server.dialled.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_has_a_longest_length() {
    let (server, client) = client("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nelevenbytes");
    for dialled in 1..3 {
        let refused = client.send(post()).await.unwrap_err();
        assert!(matches!(refused, OutboundError::TooLong(10)), "{refused}");
        assert_eq!(server.dialled.load(Ordering::Relaxed), dialled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_the_time_limit() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let (_server, client) = client(answer);
        let begun = Instant::now();
        let late = client.send(post()).await.unwrap_err();
        assert!(matches!(late, OutboundError::Timeout(_)), "{late}");
        assert_eq!(begun.elapsed().as_secs(), 5);
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let (_server, client) = client("220 smtp.test ESMTP\r\n\r\n");
    let broken = client.send(post()).await.unwrap_err();
    assert!(matches!(broken, OutboundError::Broken(_)), "{broken}");
}

#[test]
fn urls_are_taken_apart() {
    for (url, https, host, port, path) in [
        (
            "127.0.0.1:9000/handler",
            false,
            "127.0.0.1",
            9000,
            "/handler",
        ),
        ("http://a.test", false, "a.test", 80, "/"),
        ("https://a.test/x?y=1", true, "a.test", 443, "/x?y=1"),
        ("https://a.test?y=1", true, "a.test", 443, "/?y=1"),
        ("https://[::1]:8443/", true, "[::1]", 8443, "/"),
    ] {
        let endpoint = Endpoint::parse(url).unwrap();
        assert_eq!(endpoint.https, https, "{url}");
        assert_eq!((&*endpoint.host, endpoint.port), (host, port), "{url}");
        assert_eq!(endpoint.path.as_str(), path, "{url}");
    }
    for url in [
        "",
        "http://",
        "http:///x",
        "http://a:x/",
        "http://a:/",
        "a b",
    ] {
        assert_eq!(Endpoint::parse(url), Err(UrlError::Malformed), "{url}");
    }
    let ftp = Endpoint::parse("ftp://a.test/");
    assert_eq!(ftp, Err(UrlError::Scheme("ftp".to_owned())));
}
