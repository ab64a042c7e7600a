//! Dials through proxies that run in the test.

use std::time::Duration;

use culvert_transport::{Common, Options, Target, report};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::TcpConnector;

/// A proxy that does what `serve` does with its first connection.
async fn through<F: Future<Output = ()>>(
    url: impl FnOnce(u16) -> String,
    to: Target,
    serve: impl FnOnce(TcpStream) -> F,
) -> Result<Stream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(listener.local_addr().unwrap().port());
    let options = Options::new(Common::default().with_dial_timeout(Duration::from_secs(5)))
        .with_proxy(Some(ProxyUrl::new(url)));
    let connector = TcpConnector::from_options(&options)?;
    let work = async {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket).await;
        // The connection stays until the dial is over.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        dialled = connector.dial(&to) => dialled,
        () = work => panic!("never"),
    }
}

fn server() -> Target {
    Target::new("frps.example", 7000)
}

async fn expect(socket: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    socket.read_exact(&mut got).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&got),
        String::from_utf8_lossy(bytes)
    );
}

async fn head(socket: &mut TcpStream) -> String {
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n\r\n") {
        got.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8(got).unwrap()
}

async fn greeting(stream: Result<Stream>) -> String {
    let mut stream = stream.unwrap();
    let mut got = [0; 5];
    stream.read_exact(&mut got).await.unwrap();
    String::from_utf8_lossy(&got).into_owned()
}

#[tokio::test]
async fn http_keeps_what_comes_behind_the_answer() {
    let url = |port| format!("http://user:p%40ss@127.0.0.1:{port}");
    let stream = through(url, server(), async |mut socket| {
        expect(
            &mut socket,
            b"CONNECT frps.example:7000 HTTP/1.1\r\nHost: frps.example:7000\r\nUser-Agent: \
              Mozilla/5.0\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n",
        )
        .await;
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello";
        socket.write_all(answer).await.unwrap();
        socket.flush().await.unwrap();
        drop(socket);
    });
    assert_eq!(greeting(stream.await).await, "hello");
}

/// A certificate for 127.0.0.1 that is its own authority, and its key, as files.
fn files() -> culvert_tls::IdentityFiles {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let name = format!("culvert-proxy-test-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    culvert_tls::IdentityFiles { cert, key }
}

#[tokio::test]
async fn https_is_verified() {
    let files = files();
    let config = culvert_tls::server_config(Some(&files), None).unwrap();
    let trusting = culvert_tls::client_config(None, Some(&files.cert)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let proxy = |tls| {
        Proxy {
            scheme: Scheme::Https,
            target: Target::new("127.0.0.1", at.port()),
            credentials: None,
            tls: None,
        }
        .verified_by(tls)
        .unwrap()
    };
    let serve = async || {
        let (socket, addr) = listener.accept().await.unwrap();
        let stream = Stream::tcp(socket, culvert_io::Peer::new(addr, at, "tcp"));
        let mut stream = culvert_tls::accept(stream, &config).await?;
        let mut got = [0; 16];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"CONNECT frps.exa");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        Ok::<_, culvert_tls::TlsError>(stream)
    };
    let dial = async |proxy: &Proxy| {
        let stream = crate::connect(proxy.target(), &Common::default()).await?;
        let opened = proxy.open(stream, &server()).await;
        opened.map_err(|err| proxy.failed(err))
    };
    let known = proxy(trusting);
    let (opened, served) = Box::pin(async { tokio::join!(dial(&known), serve()) }).await;
    assert!(served.is_ok());
    assert_eq!(greeting(opened).await, "hello");

    let unknown = proxy(culvert_tls::client_config_of_system().unwrap());
    let (opened, served) = Box::pin(async { tokio::join!(dial(&unknown), serve()) }).await;
    assert!(served.is_err());
    let text = report(&opened.unwrap_err());
    assert!(
        text.contains("tls to the proxy") && text.contains("certificate"),
        "{text}"
    );
    std::fs::remove_dir_all(files.cert.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn socks5_without_and_with_a_password() {
    let url = |port| format!("socks5://127.0.0.1:{port}");
    let stream = through(url, Target::new("::1", 7000), async |mut socket| {
        expect(&mut socket, &[5, 1, 0]).await;
        socket.write_all(&[5, 0]).await.unwrap();
        let mut ip = [0; 16];
        ip[15] = 1;
        let request = [&[5, 1, 0, 4][..], &ip, &[0x1b, 0x58]].concat();
        expect(&mut socket, &request).await;
        let reply = b"\x05\x00\x00\x03\x01x\x00\x00hello";
        socket.write_all(reply).await.unwrap();
    });
    assert_eq!(greeting(stream.await).await, "hello");

    let url = |port| format!("socks5://user:pw@127.0.0.1:{port}");
    let stream = through(url, server(), async |mut socket| {
        expect(&mut socket, &[5, 2, 0, 2]).await;
        socket.write_all(&[5, 2]).await.unwrap();
        expect(&mut socket, b"\x01\x04user\x02pw").await;
        socket.write_all(&[1, 0]).await.unwrap();
        expect(&mut socket, b"\x05\x01\x00\x03\x0cfrps.example\x1b\x58").await;
        let reply = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello";
        socket.write_all(reply).await.unwrap();
    });
    assert_eq!(greeting(stream.await).await, "hello");
}

#[tokio::test]
async fn ntlm_asks_twice_on_one_connection() {
    let mut challenge = b"NTLMSSP\0\x02\0\0\0\0\0\0\0\x38\0\0\0\x01\x02\x08\xa0serverid".to_vec();
    challenge.extend([0; 24]);
    let challenge = STANDARD.encode(challenge);
    for body in [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: x\r\n\r\n",
    ] {
        let url = |port| format!("ntlm://DOM%5Cuser:pw@127.0.0.1:{port}");
        let stream = through(url, server(), async |mut socket| {
            let first = head(&mut socket).await;
            assert!(
                first.contains("Proxy-Authorization: Negotiate TlRMTVNTUAAB"),
                "{first}"
            );
            let answer =
                format!("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate {challenge}\r\n{body}");
            socket.write_all(answer.as_bytes()).await.unwrap();
            let second = head(&mut socket).await;
            assert!(
                second.contains("Proxy-Authorization: Negotiate TlRMTVNTUAAD"),
                "{second}"
            );
            socket
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
                .await
                .unwrap();
        });
        assert_eq!(greeting(stream.await).await, "hello");
    }
}

#[tokio::test]
async fn refusals_name_the_proxy_and_not_the_password() {
    for (scheme, bytes, words) in [
        ("http", &b"HTTP/1.1 407 Denied\r\n\r\n"[..], "credentials"),
        ("http", b"HTTP/1.1 403 Denied\r\n\r\n", "http status 403"),
        ("http", b"SSH-2.0-OpenSSH\r\n\r\n", "no http"),
        ("http", &[b'x'; 20_000], "longer than"),
        ("socks5", &[5, 0xff], "credentials"),
        ("socks5", &[5, 2, 1, 1], "credentials"),
        ("socks5", &[5, 0, 5, 2, 0, 1], "rules do not allow"),
        ("socks5", b"HTTP/1.1", "no socks5"),
        ("ntlm", b"HTTP/1.1 407 N\r\n\r\n", "credentials"),
        (
            "ntlm",
            b"HTTP/1.1 407 N\r\nProxy-Authenticate: Negotiate !\r\n\r\n",
            "challenge",
        ),
    ] {
        let mut at = 0;
        let url = |port| {
            at = port;
            format!("{scheme}://user:s3cret@127.0.0.1:{port}")
        };
        let err = through(url, server(), async |mut socket| {
            // A peer that has enough closes early.
            drop(socket.write_all(bytes).await);
            let mut room = [0; 4096];
            while socket.read(&mut room).await.is_ok_and(|n| n > 0) {}
        })
        .await
        .unwrap_err();
        let text = report(&err);
        assert!(
            text.contains(&format!("{scheme}://127.0.0.1:{at} (transport.proxyURL)")),
            "{text}"
        );
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("s3cret") && !format!("{err:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_slow_proxy_runs_into_the_deadline() {
    let url = |port| format!("http://user:s3cret@127.0.0.1:{port}");
    let err = through(url, server(), async |mut socket| {
        head(&mut socket).await;
        tokio::time::pause();
        socket.write_all(b"HTTP/1.1 200").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await
    .unwrap_err();
    assert!(matches!(err, TransportError::Timeout { .. }), "{err:?}");
    let text = report(&err);
    assert!(
        text.contains("proxy http://127.0.0.1") && !text.contains("s3cret"),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = ProxyUrl::new(format!("socks5://u:s3cret@127.0.0.1:{port}"));
    let options = Options::default().with_proxy(Some(url));
    let connector = TcpConnector::from_options(&options).unwrap();
    let text = report(&connector.dial(&server()).await.unwrap_err());
    assert!(
        text.contains("cannot be reached") && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn a_bad_address_is_not_repeated() {
    let err = Proxy::new(&ProxyUrl::new("gopher://u:s3cret@p".to_owned())).unwrap_err();
    let text = err.to_string();
    assert!(
        text.contains("transport.proxyURL") && !text.contains("s3cret"),
        "{text}"
    );
}

#[test]
fn nothing_shows_the_password() {
    let url = ProxyUrl::new("http://u:s3cret@p:1".to_owned());
    let proxy = Proxy::new(&url).unwrap();
    let texts = format!("{url:?} {proxy:?} {proxy}");
    assert!(
        !texts.contains("s3cret") && texts.contains("http://p:1"),
        "{texts}"
    );
}
