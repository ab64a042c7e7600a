//! socks5.

use std::net::SocketAddr;

use culvert_conf::{ForwardProxy, PluginConfig};
use culvert_io::Stream;
use culvert_proxy::BoxClientProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{asking_for, made, scope, service, shout, user};

fn proxy(user: &str, password: &str) -> BoxClientProxy {
    made(&PluginConfig::Socks5(asking_for(user, password)))
}

/// All that is answered to all that is said at once.
async fn talk(mut stream: Stream, said: &[u8]) -> Vec<u8> {
    stream.write_all(said).await.unwrap();
    stream.flush().await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

fn connect(host: &str, port: u16) -> Vec<u8> {
    let mut ask = vec![5, 1, 0, 3, u8::try_from(host.len()).unwrap()];
    ask.extend_from_slice(host.as_bytes());
    ask.extend_from_slice(&port.to_be_bytes());
    ask
}

#[tokio::test]
async fn connects_with_and_without_a_login() {
    let scope = scope();
    let addr: SocketAddr = service(&scope, shout).await.parse().unwrap();
    let open = [b"\x05\x01\x00".to_vec(), connect("127.0.0.1", addr.port())].concat();
    let said = [open.as_slice(), b"ping"].concat();
    let got = talk(user(&proxy("", ""), &scope), &said).await;
    assert_eq!(got[..6], *b"\x05\x00\x05\x00\x00\x01");
    assert!(got.ends_with(b"PING"));
    assert_eq!(got.len(), 2 + 10 + 4);

    let said = [
        b"\x05\x02\x00\x02\x01\x03abc\x03123".to_vec(),
        connect("127.0.0.1", addr.port()),
        b"ping".to_vec(),
    ];
    let got = talk(user(&proxy("abc", "123"), &scope), &said.concat()).await;
    assert_eq!(got[..6], *b"\x05\x02\x01\x00\x05\x00");
    assert!(got.ends_with(b"PING"));
}

#[tokio::test]
async fn strangers_are_sent_away() {
    let scope = scope();
    let plugin = proxy("abc", "123");
    let got = talk(user(&plugin, &scope), b"\x05\x01\x00").await;
    assert_eq!(got, b"\x05\xff");
    for login in [
        &b"\x01\x03abc\x03124"[..],
        b"\x01\x03abd\x03123",
        b"\x01\x00\x00",
    ] {
        let said = [b"\x05\x01\x02", login].concat();
        let got = talk(user(&plugin, &scope), &said).await;
        assert_eq!(got, b"\x05\x02\x01\x01");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_told() {
    let scope = scope();
    let plugin = proxy("", "");
    let none = b"\x00\x01\0\0\0\0\0\0";
    for (ask, reply) in [
        (connect("127.0.0.1", 1), 5),
        (b"\x05\x02\x00\x01\x7f\0\0\x01\0\x50".to_vec(), 7),
        (b"\x05\x03\x00\x01\x7f\0\0\x01\0\x50".to_vec(), 7),
        (b"\x05\x01\x00\x07".to_vec(), 8),
    ] {
        let said = [b"\x05\x01\x00".to_vec(), ask].concat();
        let got = talk(user(&plugin, &scope), &said).await;
        let expected = [&[5, 0, 5, reply][..], none].concat();
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn what_is_no_socks_is_closed() {
    let scope = scope();
    for said in [
        &b"\x04\x01\0\x50\x7f\0\0\x01\0"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\0\0",
    ] {
        assert_eq!(talk(user(&proxy("", ""), &scope), said).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_for_ever() {
    let scope = scope();
    assert_eq!(talk(user(&proxy("", ""), &scope), b"\x05").await, b"");
    let got = talk(user(&proxy("a", "b"), &scope), b"\x05\x01\x02\x01\x01").await;
    assert_eq!(got, b"\x05\x02");
}

#[tokio::test]
async fn denied_targets_are_not_dialled() {
    let scope = scope();
    let addr: SocketAddr = service(&scope, shout).await.parse().unwrap();
    let plugin = made(&PluginConfig::Socks5(ForwardProxy {
        deny_targets: ["127.0.0.0/8", "::1/128"]
            .map(|n| n.parse().unwrap())
            .into(),
        ..ForwardProxy::default()
    }));
    for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
        let said = [b"\x05\x01\x00".to_vec(), connect(host, addr.port())].concat();
        let got = talk(user(&plugin, &scope), &said).await;
        assert_eq!(got[..4], *b"\x05\x00\x05\x02", "{host}");
    }
}
