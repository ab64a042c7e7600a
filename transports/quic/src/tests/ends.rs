//! How streams and sessions end.

use std::{io, sync::mpsc, time::Duration};

use culvert_io::{Buffer, ChunkIo};
use culvert_transport::{Common, Link, Options, TlsOptions, TransportError, report};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{connector, listener, pair, pattern, shake, strangers, within};
use crate::{QuicListener, QuicOptions, QuicSession, QuicStream, settings::Limits, tasks::Tasks};

#[tokio::test]
async fn either_side_finishes_first() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        for opener_first in [true, false] {
            let mut a = dialled.open().await.unwrap();
            a.write_all(b"hello").await.unwrap();
            let mut b = accepted.accept().await.unwrap();
            let mut got = [0; 5];
            b.read_exact(&mut got).await.unwrap();
            let (first, second) = if opener_first { (a, b) } else { (b, a) };
            let (mut first, mut second) = (first, second);
            first.shutdown().await.unwrap();
            assert_eq!(second.read(&mut got).await.unwrap(), 0);
            second.write_all(b"still").await.unwrap();
            second.shutdown().await.unwrap();
            let mut rest = String::new();
            first.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, "still");
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_stream_is_closed_both_ways() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let mut a = dialled.open().await.unwrap();
        a.write_all(b"last words").await.unwrap();
        let mut b = accepted.accept().await.unwrap();
        drop(a);
        let mut got = String::new();
        b.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, "last words");
        // STOP_SENDING may still be on its way.
        let err = loop {
            match b.write_all(&[0; 1000]).await {
                Ok(()) => tokio::task::yield_now().await,
                Err(err) => break err,
            }
        };
        assert_eq!(err.kind(), io::ErrorKind::BrokenPipe);
    })
    .await;
}

/// A session with its own type on both sides.
async fn bare(quic: &QuicOptions) -> (quinn::Connection, quinn::Connection) {
    let config = crate::settings::server(quic, &TlsOptions::default()).unwrap();
    let endpoint = |config| {
        let socket = culvert_io::socket::udp(super::loopback(), 0).unwrap();
        let runtime = std::sync::Arc::new(Tasks::new());
        let defaults = quinn::EndpointConfig::default();
        quinn::Endpoint::new(defaults, config, socket, runtime).unwrap()
    };
    let (server, client) = (endpoint(Some(config)), endpoint(None));
    let config = crate::settings::client(quic, &TlsOptions::default()).unwrap();
    let at = server.local_addr().unwrap();
    let connecting = client.connect_with(config, at, "127.0.0.1").unwrap();
    let (a, b) = tokio::join!(connecting, async {
        server.accept().await.unwrap().accept().unwrap().await
    });
    (a.unwrap(), b.unwrap())
}

#[tokio::test]
async fn what_was_submitted_outlives_stream_and_session() {
    within(async {
        let options = QuicOptions {
            stream_receive_window: 30_000,
            send_window: 20_000,
            ..QuicOptions::default()
        };
        let (a, b) = bare(&options).await;
        let session = QuicSession::new(a, 1, Limits::of(&options), Tasks::new());
        let bytes = pattern(5, Buffer::LARGE);
        let stream = {
            let shared = session.shared();
            let (send, recv) = shared.conn().open_bi().await.unwrap();
            QuicStream::new(send, recv, None, shared)
        };
        let mut stream = stream;
        let mut buffer = Buffer::large();
        buffer.payload_mut().copy_from_slice(&bytes);
        stream.submit(buffer, bytes.len()).unwrap();
        stream.shutdown().await.unwrap();
        drop(stream);
        drop(session);
        let (_, mut recv) = b.accept_bi().await.unwrap();
        let got = recv.read_to_end(usize::MAX).await.unwrap();
        assert!(got == bytes, "{} bytes", got.len());
        let why = b.closed().await;
        assert_eq!(crate::error::why(&why), "closed by the peer");
    })
    .await;
}

#[tokio::test]
async fn a_session_says_why_it_is_over() {
    within(async {
        let (dialled, accepted) = strangers(&QuicOptions::default()).await;
        let mut stream = dialled.open().await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        dialled.close("test is over").await;
        assert_eq!(dialled.closed().await, "closed on our side");
        assert!(matches!(
            dialled.open().await,
            Err(TransportError::Closed(_))
        ));
        // Last words arrive before the close does.
        let mut got = [0; 3];
        let mut theirs = accepted.accept().await.unwrap();
        theirs.read_exact(&mut got).await.ok();
        assert_eq!(accepted.closed().await, "closed by the peer");
        let err = accepted.accept().await.unwrap_err();
        assert_eq!(report(&err), "session closed: closed by the peer");
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_died_is_noticed() {
    within(async {
        let options = QuicOptions {
            max_idle_timeout: 1,
            ..QuicOptions::default()
        };
        let options = super::options(&options);
        let (mut listener, target) = listener(&options).await;
        let (alive, is_alive) = mpsc::channel();
        let (kill, killed) = mpsc::channel::<()>();
        let client = options.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let link = runtime.block_on(async { connector(&client).connect(&target).await });
            alive.send(()).unwrap();
            killed.recv().ok();
            // The runtime goes first, so that nothing can be said any more.
            drop(runtime);
            drop(link.unwrap());
        });
        let (handshake, _) = listener.accept().await.unwrap();
        let session = shake(handshake).await;
        tokio::task::spawn_blocking(move || is_alive.recv())
            .await
            .unwrap()
            .unwrap();
        drop(kill);
        assert_eq!(
            session.closed().await,
            "no packet from the peer within the idle timeout"
        );
        thread.join().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_silent_target_runs_into_the_deadline() {
    within(async {
        let silent = std::net::UdpSocket::bind(super::loopback()).unwrap();
        let port = silent.local_addr().unwrap().port();
        let common = Common::default().with_dial_timeout(Duration::from_millis(200));
        let connector = crate::QuicConnector::new(&Options::new(common)).unwrap();
        let target = culvert_transport::Target::new("127.0.0.1", port);
        let err = culvert_transport::Connector::connect(&connector, &target)
            .await
            .unwrap_err();
        let text = report(&err);
        assert!(matches!(err, TransportError::Timeout { .. }), "{text}");
        assert!(
            text.contains(&format!("dial quic 127.0.0.1:{port}")),
            "{text}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_taken_port_is_told_in_gos_words() {
    let options = Options::default();
    let taken = std::net::UdpSocket::bind(super::loopback()).unwrap();
    let at = taken.local_addr().unwrap();
    let text = QuicListener::bind(at, &options).unwrap_err().to_string();
    let words = format!("listen udp {at}: bind: address already in use");
    assert!(text.starts_with(&words), "{text}");
}

#[tokio::test]
async fn a_listener_that_closes_tells_its_peers() {
    within(async {
        let options = Options::default();
        let (mut listener, target) = listener(&options).await;
        let connector = connector(&options);
        let (link, _theirs) = tokio::join!(connector.connect(&target), async {
            let (handshake, _) = listener.accept().await.unwrap();
            shake(handshake).await
        });
        let Ok(Link::Session(ours)) = link else {
            panic!("no session");
        };
        let ((), why) = tokio::join!(listener.close(), ours.closed());
        assert_eq!(why, "closed by the peer");
    })
    .await;
}

#[tokio::test]
async fn a_listener_that_goes_leaves_sessions_whole() {
    within(async {
        let options = Options::default();
        let (mut listener, target) = listener(&options).await;
        let connector = connector(&options);
        let (link, theirs) = tokio::join!(connector.connect(&target), async {
            let (handshake, _) = listener.accept().await.unwrap();
            shake(handshake).await
        });
        drop(listener);
        let Ok(Link::Session(ours)) = link else {
            panic!("no session");
        };
        let mut stream = ours.open().await.unwrap();
        stream.write_all(b"x").await.unwrap();
        let mut got = theirs.accept().await.unwrap();
        assert_eq!(got.read_u8().await.unwrap(), b'x');
    })
    .await;
}
