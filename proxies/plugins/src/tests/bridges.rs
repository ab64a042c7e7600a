//! http2http, http2https, https2http, https2https.

use std::sync::Arc;

use bytes::Bytes;
use culvert_conf::{HttpRewrite, HttpsFront, IdentityFiles, PluginConfig};
use culvert_io::{Scope, Stream};
use culvert_tls::{accept, client_config_unverified, connect, server_config, server_name};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{exchange, head, made, mirror, scope, service, user};
use crate::{Greeting, plugin};

fn rewrite(local_addr: String) -> HttpRewrite {
    HttpRewrite {
        local_addr,
        host_header_rewrite: "inner.test".to_owned(),
        request_headers: [("X-From-Where".to_owned(), "frp".to_owned())].into(),
    }
}

fn front(local_addr: String) -> HttpsFront {
    HttpsFront {
        rewrite: rewrite(local_addr),
        enable_http2: true,
        identity: None,
    }
}

async fn tls_mirror(scope: &Scope) -> String {
    let config = server_config(None, None).unwrap();
    let serve = move |stream| {
        let config = Arc::clone(&config);
        async move { mirror(accept(stream, &config).await.unwrap()).await }
    };
    service(scope, serve).await
}

/// A user's stream inside TLS, to a host, with what ALPN offers.
async fn inside(stream: Stream, host: &str, alpn: &[&str]) -> Stream {
    let mut config = client_config_unverified().unwrap();
    let names = alpn.iter().map(|name| name.as_bytes().to_vec());
    Arc::make_mut(&mut config).alpn_protocols = names.collect();
    let name = server_name(host, true).unwrap();
    connect(stream, &config, name).await.unwrap()
}

fn get(host: &str) -> String {
    format!(
        "GET /p?q=1 HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 10.0.0.1\r\n\
         X-Forwarded-Proto: gopher\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn http2http_rewrites_and_tells_nothing_of_the_user() {
    let scope = scope();
    let local = service(&scope, mirror).await;
    let plugin = made(&PluginConfig::Http2Http(rewrite(local)));
    let got = exchange(user(&plugin, &scope), get("outer.test")).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(got.contains("GET /p?q=1 HTTP/1.1\r\n"), "{got}");
    assert!(got.contains("Host: inner.test\r\n"), "{got}");
    assert!(got.contains("X-From-Where: frp\r\n"), "{got}");
    assert!(!got.contains("X-Forwarded"), "{got}");
    assert!(!got.contains("Keep-Alive"), "{got}");
}

#[tokio::test]
async fn http2http_asks_for_a_path_and_keeps_the_host_without_a_rewrite() {
    let scope = scope();
    let local = service(&scope, mirror).await;
    let config = HttpRewrite {
        local_addr: local,
        ..HttpRewrite::default()
    };
    let plugin = made(&PluginConfig::Http2Http(config));
    let ask =
        "GET http://outer.test:81/p HTTP/1.1\r\nHost: outer.test\r\nConnection: close\r\n\r\n";
    let got = exchange(user(&plugin, &scope), ask).await;
    assert!(got.contains("GET /p HTTP/1.1\r\n"), "{got}");
    assert!(got.contains("Host: outer.test:81\r\n"), "{got}");
}

#[tokio::test]
async fn http2https_keeps_what_was_forwarded() {
    let scope = scope();
    let local = tls_mirror(&scope).await;
    let plugin = made(&PluginConfig::Http2Https(rewrite(local)));
    let got = exchange(user(&plugin, &scope), get("outer.test")).await;
    assert!(got.contains("Host: inner.test\r\n"), "{got}");
    assert!(got.contains("X-Forwarded-For: 10.0.0.1\r\n"), "{got}");
    assert!(got.contains("X-Forwarded-Proto: gopher\r\n"), "{got}");
}

#[tokio::test]
async fn https_fronts_tell_the_service_of_the_user() {
    let scope = scope();
    let plain = service(&scope, mirror).await;
    let tls = tls_mirror(&scope).await;
    for plugin in [
        made(&PluginConfig::Https2Http(front(plain))),
        made(&PluginConfig::Https2Https(front(tls))),
    ] {
        let stream = inside(user(&plugin, &scope), "outer.test", &[]).await;
        let got = exchange(stream, get("outer.test")).await;
        assert!(got.contains("Host: inner.test\r\n"), "{got}");
        let list = "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n";
        assert!(got.contains(list), "{got}");
        assert!(got.contains("X-Forwarded-Proto: https\r\n"), "{got}");
        assert!(got.contains("X-Forwarded-Host: outer.test\r\n"), "{got}");
    }
}

#[tokio::test]
async fn another_host_than_the_name_is_misdirected() {
    let scope = scope();
    let local = service(&scope, mirror).await;
    let plugin = made(&PluginConfig::Https2Http(front(local)));
    let stream = inside(user(&plugin, &scope), "outer.test", &[]).await;
    let got = exchange(stream, get("other.test")).await;
    assert!(got.starts_with("HTTP/1.1 421 "), "{got}");
    // Case, port and a missing name do not matter.
    let stream = inside(user(&plugin, &scope), "outer.test", &[]).await;
    let got = exchange(stream, get("OUTER.test:8443")).await;
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
    let stream = inside(user(&plugin, &scope), "127.0.0.1", &[]).await;
    let got = exchange(stream, get("other.test")).await;
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
}

#[tokio::test]
async fn https_fronts_speak_http2() {
    let scope = scope();
    let local = service(&scope, mirror).await;
    let plugin = made(&PluginConfig::Https2Http(front(local)));
    let stream = inside(user(&plugin, &scope), "outer.test", &["h2"]).await;
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .handshake::<_, Empty<Bytes>>(io)
        .await
        .unwrap();
    scope.spawn(async move { drop(connection.await) });
    let ask = Request::get("https://outer.test/p")
        .body(Empty::new())
        .unwrap();
    let response = sender.send_request(ask).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("X-Forwarded-For: 192.0.2.7\r\n"), "{body}");
    let ask = Request::get("https://other.test/").body(Empty::new());
    let response = sender.send_request(ask.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn http2_can_be_switched_off() {
    let scope = scope();
    let config = HttpsFront {
        enable_http2: false,
        ..front("127.0.0.1:1".to_owned())
    };
    let plugin = made(&PluginConfig::Https2Http(config));
    let mut config = client_config_unverified().unwrap();
    Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec()];
    let name = server_name("outer.test", true).unwrap();
    let refused = connect(user(&plugin, &scope), &config, name).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn websockets_pass() {
    let scope = scope();
    let serve = |mut stream: Stream| async move {
        let asked = head(&mut stream).await.unwrap();
        assert!(asked.contains("Upgrade: websocket\r\n"), "{asked}");
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\n\r\nfirst ";
        stream.write_all(answer).await.unwrap();
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.unwrap();
        stream.write_all(&said).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let local = service(&scope, serve).await;
    let plugin = made(&PluginConfig::Https2Http(front(local)));
    let mut stream = inside(user(&plugin, &scope), "outer.test", &["http/1.1"]).await;
    let ask = "GET / HTTP/1.1\r\nHost: outer.test\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\n\r\nping";
    stream.write_all(ask.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let answer = head(&mut stream).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(super::fixture::rest(&mut stream).await, "first ping");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_bad_gateway() {
    let scope = scope();
    // Port 1 of the loopback: nobody listens.
    let plugin = made(&PluginConfig::Http2Http(rewrite("127.0.0.1:1".to_owned())));
    let got = exchange(user(&plugin, &scope), get("outer.test")).await;
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let scope = scope();
    let plugin = made(&PluginConfig::Http2Http(rewrite("127.0.0.1:1".to_owned())));
    for bad in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let got = exchange(user(&plugin, &scope), bad).await;
        assert!(got.starts_with("HTTP/1.1 400 "), "{bad:?}: {got}");
    }
    let plugin = made(&PluginConfig::Https2Http(front("127.0.0.1:1".to_owned())));
    let got = exchange(user(&plugin, &scope), "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(got, "");
}

#[test]
fn what_cannot_work_is_refused_at_once() {
    let greeting = Greeting {
        version: None,
        write: |_, _| Ok(None),
    };
    let mut config = rewrite("web".to_owned());
    config
        .request_headers
        .insert("a b".to_owned(), String::new());
    let refused = plugin(&PluginConfig::Http2Http(config), greeting, None);
    assert!(refused.unwrap_err().to_string().contains("[a b]"));
    let mut config = front("web".to_owned());
    config.identity = Some(IdentityFiles {
        cert: "no.crt".into(),
        key: "no.key".into(),
    });
    let refused = plugin(&PluginConfig::Https2Http(config), greeting, None);
    assert!(refused.unwrap_err().to_string().contains("no.crt"));
}
