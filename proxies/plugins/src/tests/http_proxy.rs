//! http_proxy.

use culvert_conf::{ForwardProxy, PluginConfig};
use culvert_io::Stream;
use culvert_proxy::BoxClientProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{asking_for, exchange, head, made, mirror, rest, scope, service, shout, user};

const RIGHT: &str = "Proxy-Authorization: Basic YWJjOjEyMw==\r\n";
const WRONG: &str = "Proxy-Authorization: Basic YWJjOjEyNA==\r\n";

fn proxy(user: &str, password: &str) -> BoxClientProxy {
    made(&PluginConfig::HttpProxy(asking_for(user, password)))
}

#[tokio::test]
async fn requests_are_passed_on_in_origin_form() {
    let scope = scope();
    let addr = service(&scope, mirror).await;
    let ask = format!(
        "POST http://{addr}/p?q HTTP/1.1\r\nHost: other.test\r\nProxy-Connection: keep-alive\r\n\
         {RIGHT}X-Own: 1\r\nConnection: close, X-Own\r\nContent-Length: 2\r\n\r\nhi"
    );
    let got = exchange(user(&proxy("abc", "123"), &scope), ask).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(got.contains("POST /p?q HTTP/1.1\r\n"), "{got}");
    assert!(got.contains(&format!("Host: {addr}\r\n")), "{got}");
    for gone in [
        "Proxy-",
        "X-Own",
        "Connection: close, ",
        "Keep-Alive",
        "other.test",
    ] {
        assert!(!got.contains(gone), "{gone}: {got}");
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let scope = scope();
    let addr = service(&scope, mirror).await;
    let mut stream = user(&proxy("", ""), &scope);
    for n in 0..3 {
        let ask = format!("GET http://{addr}/{n} HTTP/1.1\r\nHost: {addr}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let answer = head(&mut stream).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let body = head(&mut stream).await.unwrap();
        assert!(body.starts_with(&format!("GET /{n} ")), "{body}");
    }
}

#[tokio::test]
async fn tunnels() {
    let scope = scope();
    let addr = service(&scope, shout).await;
    // What follows at once belongs to the tunnel.
    let ask = format!("CONNECT {addr} HTTP/1.1\r\nHost: {addr}\r\n{RIGHT}\r\nping");
    let mut stream = user(&proxy("abc", "123"), &scope);
    stream.write_all(ask.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let answer = head(&mut stream).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(rest(&mut stream).await, "PING");
}

#[tokio::test(start_paused = true)]
async fn logins_are_asked_for() {
    let scope = scope();
    let plugin = proxy("abc", "123");
    for line in ["", WRONG, "Authorization: Basic YWJjOjEyMw==\r\n"] {
        for ask in ["GET http://127.0.0.1:1/", "CONNECT 127.0.0.1:1"] {
            let ask = format!("{ask} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n");
            let got = exchange(user(&plugin, &scope), ask).await;
            assert!(got.starts_with("HTTP/1.1 407 "), "{got}");
            assert!(got.contains("Proxy-Authenticate: Basic\r\n"), "{got}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_as_upstream_tells_it() {
    let scope = scope();
    let plugin = proxy("", "");
    for (ask, status) in [
        ("CONNECT 127.0.0.1:1", "400"),
        ("CONNECT 127.0.0.1", "400"),
        ("CONNECT 127.0.0.1:0", "400"),
        ("GET http://127.0.0.1:1/", "500"),
        ("GET /p", "400"),
        ("GET ftp://127.0.0.1/", "400"),
        ("GET https://127.0.0.1/", "400"),
    ] {
        let text = format!("{ask} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let got = exchange(user(&plugin, &scope), text).await;
        assert!(
            got.starts_with(&format!("HTTP/1.1 {status} ")),
            "{ask}: {got}"
        );
    }
}

#[tokio::test]
async fn two_readings_of_a_request_are_refused() {
    let scope = scope();
    let ask = "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\
        Content-Length: 4\r\n\r\nabc";
    let got = exchange(user(&proxy("", ""), &scope), ask).await;
    assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let scope = scope();
    let silent = |mut stream: Stream| async move {
        let mut all = Vec::new();
        drop(stream.read_to_end(&mut all).await);
    };
    let addr = service(&scope, silent).await;
    let ask = format!("GET http://{addr}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut stream = user(&proxy("", ""), &scope);
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.starts_with(b"HTTP/1.1 500 "));
}

#[tokio::test]
async fn denied_targets_are_forbidden_by_any_name() {
    let scope = scope();
    let addr = service(&scope, mirror).await;
    let (_, port) = addr.rsplit_once(':').unwrap();
    let plugin = made(&PluginConfig::HttpProxy(ForwardProxy {
        deny_targets: ["127.0.0.0/8", "::1/128"]
            .map(|network| network.parse().unwrap())
            .into(),
        ..ForwardProxy::default()
    }));
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        for ask in [
            format!("GET http://{host}:{port}/"),
            format!("CONNECT {host}:{port}"),
        ] {
            let text = format!("{ask} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let got = exchange(user(&plugin, &scope), text).await;
            assert!(got.starts_with("HTTP/1.1 403 "), "{ask}: {got}");
        }
    }
}
