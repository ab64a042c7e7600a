use std::time::Duration;

use bytes::Bytes;
use culvert_conf::{ClientConfig, ServerConfig, Strictness, parse_client, parse_server};
use culvert_io::{Peer, Scope, Stream};
use culvert_transport::{BoxSession, Link, TransportError, Transports, report};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Handle,
    time::Instant,
};

use super::{ClientStack, ServerStack};

fn server(text: &str) -> ServerConfig {
    parse_server(text, "test.toml", Strictness::Strict)
        .unwrap()
        .config
}

fn client(text: &str, port: u16) -> ClientConfig {
    let text = format!("serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{text}");
    parse_client(&text, "test.toml", Strictness::Strict)
        .unwrap()
        .config
}

fn root() -> Scope {
    Scope::root(Handle::current())
}

/// What the front does: one byte tells the layers.
async fn arrive(
    listener: &TcpListener,
    stack: &ServerStack,
    scope: &Scope,
) -> (u8, Result<Link, TransportError>) {
    let (socket, addr) = listener.accept().await.unwrap();
    let peer = Peer::new(addr, socket.local_addr().unwrap(), "tcp");
    let mut stream = Stream::tcp(socket, peer);
    let first = stream.read_u8().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let link = match first {
        0x17 => stack.tls(stream, scope, deadline).await,
        b'G' => {
            let stream = stream.rewind(Bytes::from_static(b"G"));
            stack.websocket(stream, scope, deadline).await
        }
        0x16 => {
            let stream = stream.rewind(Bytes::from_static(&[0x16]));
            stack.tls(stream, scope, deadline).await
        }
        other => stack.plain(stream.rewind(Bytes::copy_from_slice(&[other])), scope),
    };
    (first, link)
}

async fn pipe(link: Link) -> (Option<BoxSession>, Stream) {
    match link {
        Link::Pipe(stream) => (None, stream),
        Link::Session(session) => {
            let stream = session.accept().await.unwrap();
            (Some(session), stream)
        }
        other => panic!("{other:?}"),
    }
}

/// Opens a stream through all layers and echoes on it; answers the first byte on the wire.
async fn round(server_text: &str, client_text: &str) -> u8 {
    let listener = culvert_tcp::listen("127.0.0.1", 0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stack = ServerStack::new(&server(server_text).transport).unwrap();
    let dialler = ClientStack::new(&client(client_text, port)).unwrap();
    let scope = root();
    let there = async {
        let (first, link) = arrive(&listener, &stack, &scope).await;
        let (session, mut stream) = pipe(link.unwrap()).await;
        let mut got = [0; 8];
        stream.read_exact(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        stream.flush().await.unwrap();
        (first, session, stream)
    };
    let here = async {
        let session = dialler.connect(&scope).await.unwrap();
        let mut stream = session.open().await.unwrap();
        stream.write_all(b"question").await.unwrap();
        stream.flush().await.unwrap();
        let mut got = [0; 8];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"question");
        (session, stream)
    };
    let ((first, ..), (session, _)) = tokio::join!(there, here);
    session.close("test is over").await;
    let why = session.closed().await;
    assert!(!why.is_empty());
    assert!(session.open().await.is_err());
    scope.close(Duration::from_secs(1)).await;
    first
}

#[tokio::test]
async fn every_order_of_layers_carries_streams() {
    let no_mux = "transport.tcpMux = false\n";
    let no_tls = "transport.tls.enable = false\n";
    let byte = "transport.tls.disableCustomTLSFirstByte = false\n";
    let round = |server_text: &str, client_text: &str| {
        let texts = (server_text.to_owned(), client_text.to_owned());
        Box::pin(async move { round(&texts.0, &texts.1).await })
    };
    let websocket = "transport.protocol = \"websocket\"\n";
    let wss = "transport.protocol = \"wss\"\n";
    let force = "transport.tls.force = true\n";
    assert_eq!(round("", websocket).await, b'G');
    assert_eq!(round(force, &[websocket, byte].concat()).await, b'G');
    assert_eq!(round("", &[websocket, no_tls].concat()).await, b'G');
    assert_eq!(round(no_mux, &[websocket, no_mux].concat()).await, b'G');
    assert_eq!(round(force, wss).await, 0x16);
    assert_eq!(round(no_mux, &[wss, no_mux, byte].concat()).await, 0x16);
    assert_eq!(round("", "").await, 0x16);
    assert_eq!(round("transport.tls.force = true", byte).await, 0x17);
    assert_eq!(round("", no_tls).await, 0);
    assert_eq!(round(no_mux, no_mux).await, 0x16);
    assert_eq!(round(no_mux, &[no_mux, byte].concat()).await, 0x17);
    assert_eq!(round(no_mux, &[no_mux, no_tls].concat()).await, b'q');
}

#[cfg(feature = "quic")]
#[tokio::test]
async fn quic_needs_no_layers_whatever_the_file_says_of_them() {
    for (theirs, text) in [
        ("", ""),
        ("transport.tls.force = true", "transport.tcpMux = false\n"),
        ("transport.tcpMux = false", "transport.tls.enable = false\n"),
    ] {
        let options = crate::quic_options(&server(theirs).transport);
        let transports = crate::standard::<dyn culvert_transport::DynListening>();
        let quic = transports.require("quic").unwrap();
        let at = "127.0.0.1:0".parse().unwrap();
        let mut listener = quic.bind(at, &options).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = client(&format!("transport.protocol = \"quic\"\n{text}"), port);
        let stack = ClientStack::new(&config).unwrap();
        let scope = root();
        let (ours, theirs) = tokio::join!(stack.connect(&scope), async {
            let (handshake, _) = listener.accept().await.unwrap();
            handshake.await
        });
        let (ours, Ok(Link::Session(theirs))) = (ours.unwrap(), theirs) else {
            panic!("no session");
        };
        let mut stream = ours.open().await.unwrap();
        stream.write_u8(7).await.unwrap();
        let mut stream = theirs.accept().await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
    }
}

#[tokio::test]
async fn force_refuses_the_plain() {
    let stack = ServerStack::new(&server("transport.tls.force = true").transport).unwrap();
    let (a, _b) = tokio::io::duplex(64);
    let addr = "127.0.0.1:1".parse().unwrap();
    let stream = Stream::new(a, Peer::new(addr, addr, "memory"));
    let err = stack.plain(stream, &root()).unwrap_err();
    assert!(err.to_string().contains("transport.tls.force"), "{err}");
}

#[tokio::test]
async fn what_this_build_lacks_is_named() {
    let only_tcp = Transports::new().with(culvert_tcp::Tcp);
    for protocol in ["kcp", "quic", "websocket", "wss"] {
        let config = client(&format!("transport.protocol = \"{protocol}\""), 1);
        let text = ClientStack::with(&config, &only_tcp)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("transport.protocol") && text.contains(protocol),
            "{text}"
        );
        assert!(text.ends_with("use one of: tcp"), "{text}");
    }
    let config = client("transport.proxyURL = \"ftp://127.0.0.1:1\"", 1);
    let text = ClientStack::new(&config).unwrap_err().to_string();
    assert!(text.contains("transport.proxyURL"), "{text}");
}

#[tokio::test]
async fn a_missing_certificate_file_is_named() {
    let mut config = server("");
    config.transport.tls.trusted_ca = Some("/nowhere/ca.crt".into());
    let text = report(&ServerStack::new(&config.transport).unwrap_err());
    assert!(text.contains("/nowhere/ca.crt"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_runs_into_the_deadline() {
    let stack = ServerStack::new(&server("").transport).unwrap();
    let (a, _b) = tokio::io::duplex(64);
    let addr = "127.0.0.1:1".parse().unwrap();
    let stream = Stream::new(a, Peer::new(addr, addr, "memory"));
    let deadline = Instant::now() + Duration::from_secs(10);
    let end = stack.tls(stream, &root(), deadline).await;
    assert!(
        matches!(end, Err(TransportError::Timeout { .. })),
        "{end:?}"
    );
}
