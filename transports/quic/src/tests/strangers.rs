//! Peers that have not proved who they are, and those that never will.

use std::{net::UdpSocket, time::Duration};

use culvert_transport::{
    BoxListener, BoxSession, Connector, Options, Target, TlsOptions, TransportError, report,
};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use super::{connector, listener, pair, session, shake, strangers, within};
use crate::{
    QuicConnector, QuicOptions,
    listen::UNPROVEN,
    settings::{ALPN, STRANGER_STREAMS},
};

#[tokio::test]
async fn a_stream_is_invisible_until_written() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let mut first = dialled.open().await.unwrap();
        let mut second = dialled.open().await.unwrap();
        // The second arrives; the first, older one comes with it, as QUIC has it. So ask before.
        assert!(accepted.accept().now_or_never().is_none());
        first.write_all(b"1").await.unwrap();
        let mut got = accepted.accept().await.unwrap();
        assert_eq!(got.read_u8().await.unwrap(), b'1');
        second.write_all(b"2").await.unwrap();
        let mut got = accepted.accept().await.unwrap();
        assert_eq!(got.read_u8().await.unwrap(), b'2');
    })
    .await;
}

#[tokio::test]
async fn strangers_open_few_streams_and_send_little() {
    within(async {
        let (dialled, accepted) = strangers(&QuicOptions::default()).await;
        let mut open = Vec::new();
        for _ in 0..STRANGER_STREAMS {
            let mut stream = dialled.open().await.unwrap();
            stream.write_u8(7).await.unwrap();
            open.push(stream);
        }
        assert!(dialled.open().now_or_never().is_none());
        // All of them together send no more than the window.
        let mut sent = 0;
        while let Some(n) = open[0].write(&[0; 1024]).now_or_never() {
            sent += n.unwrap();
            assert!(sent < 64 * 1024, "no bound");
            tokio::task::yield_now().await;
        }
        accepted.authenticate();
        let mut more = dialled.open().await.unwrap();
        more.write_u8(8).await.unwrap();
        for _ in 0..STRANGER_STREAMS {
            let mut stream = accepted.accept().await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), 7);
        }
        let mut stream = accepted.accept().await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 8);
    })
    .await;
}

#[tokio::test]
async fn another_protocol_is_refused() {
    within(async {
        let options = Options::default();
        let (mut listener, target) = listener(&options).await;
        let mut connector = QuicConnector::new(&options).unwrap();
        connector.speak(b"h3");
        let (dialled, accepted) = tokio::join!(Connector::connect(&connector, &target), async {
            let (handshake, _) = listener.accept().await.unwrap();
            handshake.await
        });
        let text = report(&dialled.unwrap_err());
        assert!(text.contains("quic handshake"), "{text}");
        assert!(
            matches!(accepted, Err(TransportError::Layer { .. })),
            "{accepted:?}"
        );
        connector.speak(ALPN);
        let (dialled, accepted) = tokio::join!(Connector::connect(&connector, &target), async {
            let (handshake, _) = listener.accept().await.unwrap();
            handshake.await
        });
        assert!(matches!((dialled, accepted), (Ok(_), Ok(_))));
    })
    .await;
}

/// The first packet of a client that will never send another, and its sender's socket.
async fn silent(server: &Target) -> (Vec<u8>, UdpSocket) {
    let sink = tokio::net::UdpSocket::bind(super::loopback())
        .await
        .unwrap();
    let target = Target::new("127.0.0.1", sink.local_addr().unwrap().port());
    let mut dialling = JoinSet::new();
    dialling.spawn(async move {
        connector(&Options::default()).connect(&target).await.ok();
    });
    let mut packet = vec![0; 2000];
    let n = sink.recv(&mut packet).await.unwrap();
    packet.truncate(n);
    let socket = UdpSocket::bind(super::loopback()).unwrap();
    socket.connect((server.host.as_str(), server.port)).unwrap();
    (packet, socket)
}

#[tokio::test]
async fn silent_handshakes_delay_nobody_and_bring_retries() {
    within(async {
        let options = Options::default();
        let (mut listener, target) = listener(&options).await;
        let (mut silents, mut handshakes) = (Vec::new(), JoinSet::new());
        for _ in 0..UNPROVEN {
            let (packet, socket) = silent(&target).await;
            socket.send(&packet).unwrap();
            silents.push(socket);
            let (handshake, _) = listener.accept().await.unwrap();
            handshakes.spawn(handshake);
        }
        // One more gets a Retry, which is shorter than what it sent, and no place.
        let (packet, socket) = silent(&target).await;
        socket.send(&packet).unwrap();
        let mut waiting = JoinSet::new();
        waiting.spawn(async move {
            let got = listener.accept().await.unwrap();
            (got, listener)
        });
        let (packet_type, len) = tokio::task::spawn_blocking(move || {
            socket
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            let mut answer = [0; 2000];
            let n = socket.recv(&mut answer).unwrap();
            (answer[0] & 0xf0, n)
        })
        .await
        .unwrap();
        // Long header, type 3 (RFC 9000, 17.2.5).
        assert_eq!(packet_type, 0xf0);
        assert!(len <= packet.len(), "{len}");
        // An honest client answers its Retry and gets in.
        let connector = connector(&options);
        let (dialled, accepted) = tokio::join!(connector.connect(&target), async {
            let ((handshake, _), listener) = waiting.join_next().await.unwrap().unwrap();
            (shake(handshake).await, listener)
        });
        let (ours, (theirs, _listener)) = (session(dialled.unwrap()), accepted);
        let mut stream = ours.open().await.unwrap();
        stream.write_u8(1).await.unwrap();
        assert_eq!(theirs.accept().await.unwrap().read_u8().await.unwrap(), 1);
        assert!(handshakes.join_next().now_or_never().is_none());
    })
    .await;
}

/// Bytes that are no packet but may look like the first of a connection.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut packet = super::pattern(seed, len);
    packet[0] |= 0xc0;
    if let Some(version) = packet.get_mut(1..5) {
        version.copy_from_slice(&[0, 0, 0, 1]);
    }
    packet
}

/// The first peer whose handshake succeeds.
async fn first_good(listener: &mut BoxListener) -> BoxSession {
    loop {
        let (handshake, _) = listener.accept().await.unwrap();
        if let Ok(link) = handshake.await {
            return session(link);
        }
    }
}

#[tokio::test]
async fn noise_is_ignored() {
    within(async {
        let options = Options::default();
        let (mut listener, target) = listener(&options).await;
        let socket = UdpSocket::bind(super::loopback()).unwrap();
        socket.connect((target.host.as_str(), target.port)).unwrap();
        for seed in 0..100 {
            let len = [1, 20, 21, 1200, 1400][usize::try_from(seed).unwrap() % 5];
            socket.send(&noise(seed, len)).unwrap();
        }
        let connector = connector(&options);
        let dialling = async { session(connector.connect(&target).await.unwrap()) };
        let (ours, theirs) = tokio::join!(dialling, first_good(&mut listener));
        let mut stream = ours.open().await.unwrap();
        stream.write_u8(1).await.unwrap();
        assert_eq!(theirs.accept().await.unwrap().read_u8().await.unwrap(), 1);
    })
    .await;
}

/// Files of an authority that signed itself, for 127.0.0.1.
fn files(name: &str) -> (tempdir::Dir, TlsOptions) {
    let dir = tempdir::Dir::new(name);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "server.test".to_owned()];
    let params = rcgen::CertificateParams::new(names).unwrap();
    let cert = params.self_signed(&key).unwrap();
    let (cert_file, key_file) = (dir.0.join("a.crt"), dir.0.join("a.key"));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let files = TlsOptions::new(Some((cert_file.clone(), key_file)), Some(cert_file), None);
    (dir, files)
}

mod tempdir {
    use std::path::PathBuf;

    /// A folder that goes with the test.
    pub(super) struct Dir(pub(super) PathBuf);

    impl Dir {
        pub(super) fn new(name: &str) -> Self {
            let name = format!("culvert-quic-{name}-{}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// Whether a client with `ours` and a server with `theirs` come together, and exchange a byte.
async fn meet(ours: TlsOptions, theirs: TlsOptions) -> bool {
    let with = |tls| Options::default().with_tls(tls);
    let (mut listener, target) = listener(&with(theirs)).await;
    let connector = connector(&with(ours));
    let (dialled, accepted) = tokio::join!(connector.connect(&target), async {
        let (handshake, _) = listener.accept().await.unwrap();
        handshake.await
    });
    // A client is done before the server has seen its certificate.
    let (Ok(ours), Ok(theirs)) = (dialled.map(session), accepted.map(session)) else {
        return false;
    };
    let mut stream = ours.open().await.unwrap();
    stream.write_u8(1).await.unwrap();
    theirs.accept().await.unwrap().read_u8().await.unwrap() == 1
}

#[tokio::test]
async fn certificates_are_checked_as_for_tls() {
    within(async {
        let (_dir, all) = files("all");
        let (_other_dir, other) = files("other");
        let nothing = TlsOptions::default;
        let own = |files: &TlsOptions| TlsOptions::new(files.identity.clone(), None, None);
        let ca = |files: &TlsOptions, name: Option<&str>| {
            TlsOptions::new(None, files.trusted_ca.clone(), name.map(str::to_owned))
        };
        assert!(meet(nothing(), own(&all)).await, "nothing is verified");
        assert!(meet(ca(&all, None), own(&all)).await, "by address");
        assert!(
            meet(ca(&all, Some("server.test")), own(&all)).await,
            "by name"
        );
        assert!(
            !meet(ca(&all, Some("else.test")), own(&all)).await,
            "wrong name"
        );
        assert!(!meet(ca(&other, None), own(&all)).await, "wrong authority");
        assert!(!meet(ca(&all, None), nothing()).await, "made at start");
        assert!(meet(all.clone(), all.clone()).await, "both ways");
        assert!(!meet(nothing(), all.clone()).await, "no certificate");
        assert!(!meet(own(&other), all.clone()).await, "wrong certificate");
    })
    .await;
}
