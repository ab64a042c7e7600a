//! Our client against our server, over pipes in memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed test panics"
)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{pattern, session, stream, within};
use culvert_io::{FastPaths, Scope};
use culvert_mux::{MuxConfig, MuxError, MuxSession, Role};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::mpsc,
    task::JoinSet,
    time::Instant,
};

const KIB: usize = 1024;

/// A client and a server joined by a pipe of `size` bytes.
fn pair(size: usize, config: &MuxConfig) -> (MuxSession, MuxSession) {
    let (a, b) = tokio::io::duplex(size);
    (
        session(a, Role::Client, config.clone()),
        session(b, Role::Server, config.clone()),
    )
}

/// Echoes every stream that `session` accepts until its end.
async fn echo(session: MuxSession) {
    let mut tasks = JoinSet::new();
    while let Ok(stream) = session.accept().await {
        tasks.spawn(async move {
            let (mut r, mut w) = tokio::io::split(stream);
            if tokio::io::copy(&mut r, &mut w).await.is_ok() {
                w.shutdown().await.unwrap();
            }
        });
    }
    tasks.shutdown().await;
}

async fn exchange(session: &MuxSession, seed: u64, len: usize, step: usize) {
    let sent = Arc::new(pattern(seed, len));
    let stream = session.open().await.unwrap();
    let (mut r, mut w) = tokio::io::split(stream);
    let mut tasks = JoinSet::new();
    let bytes = Arc::clone(&sent);
    tasks.spawn(async move {
        for part in bytes.chunks(step) {
            w.write_all(part).await.unwrap();
        }
        w.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    r.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), len);
    assert!(got == *sent);
    tasks.join_all().await;
}

/// Exchanges streams of all sizes, opened from both ends, through a pipe of `pipe` bytes.
async fn exchange_many(pipe: usize, shrink: usize, fast_paths: FastPaths) {
    let config = MuxConfig {
        fast_paths,
        ..MuxConfig::default()
    };
    let (client, server) = pair(pipe, &config);
    let mut tasks = JoinSet::new();
    tasks.spawn(echo(client.clone()));
    tasks.spawn(echo(server.clone()));
    let mut work = JoinSet::new();
    for i in 0..60u64 {
        let session = [&client, &server][i as usize % 2].clone();
        let len = [0, 1, 100, 5000, 70_000, 300_000, 900_000][i as usize % 7] / shrink;
        let step = [1_000_000, 7000, 60_000, 333][i as usize % 4];
        work.spawn(async move { exchange(&session, i, len, step).await });
    }
    work.join_all().await;
    assert_eq!(client.buffered() + server.buffered(), 0);
    client.close().await;
    server.closed().await;
}

#[tokio::test]
async fn streams_of_all_sizes_are_echoed_in_both_directions() {
    within(async {
        for paths in [FastPaths::USUAL, FastPaths::NONE, FastPaths::ALL] {
            exchange_many(13, 100, paths).await;
            exchange_many(4096, 1, paths).await;
            exchange_many(KIB * KIB, 1, paths).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_are_echoed_on_several_threads() {
    let mut work = JoinSet::new();
    work.spawn(exchange_many(100_000, 1, FastPaths::USUAL));
    within(work.join_all()).await;
}

#[tokio::test]
async fn sixty_four_mib_arrive_unchanged() {
    within(async {
        let (client, server) = pair(256 * KIB, &MuxConfig::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(echo(server));
        exchange(&client, 64, 64 * KIB * KIB, 1_000_003).await;
    })
    .await;
}

#[tokio::test]
async fn a_thousand_streams_at_once() {
    within(async {
        let (client, server) = pair(64 * KIB, &MuxConfig::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(echo(server.clone()));
        let mut open = Vec::new();
        for i in 0..1000u32 {
            let mut stream = client.open().await.unwrap();
            stream.write_all(&i.to_be_bytes()).await.unwrap();
            open.push(stream);
        }
        for (i, stream) in open.iter_mut().enumerate() {
            assert_eq!(stream.read_u32().await.unwrap() as usize, i);
        }
        assert_eq!((client.streams(), server.streams()), (1000, 1000));
        drop(open);
        while server.streams() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(client.streams(), 0);
    })
    .await;
}

#[tokio::test]
async fn each_direction_closes_on_its_own() {
    within(async {
        let (client, server) = pair(4096, &MuxConfig::default());
        for flip in [false, true] {
            let (opener, other) = if flip {
                (&server, &client)
            } else {
                (&client, &server)
            };
            let mut a = opener.open().await.unwrap();
            a.write_all(b"question").await.unwrap();
            a.shutdown().await.unwrap();
            assert!(a.write_all(b"x").await.is_err());
            let mut b = other.accept().await.unwrap();
            let mut got = Vec::new();
            b.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"question");
            let answer = pattern(1, 500_000);
            let (sent, read) = tokio::join!(
                async {
                    b.write_all(&answer).await?;
                    b.shutdown().await
                },
                async {
                    let mut got = Vec::new();
                    a.read_to_end(&mut got).await.map(|_| got)
                }
            );
            sent.unwrap();
            assert!(read.unwrap() == answer);
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_stream_delivers_what_it_wrote_before_its_end() {
    within(async {
        let (client, server) = pair(512, &MuxConfig::default());
        let mut a = client.open().await.unwrap();
        let bytes = pattern(2, 200_000);
        a.write_all(&bytes).await.unwrap();
        drop(a);
        let mut got = Vec::new();
        let mut b = server.accept().await.unwrap();
        b.read_to_end(&mut got).await.unwrap();
        assert!(got == bytes);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_stream_blocks_neither_others_nor_pings_and_holds_bounded_memory() {
    let config = MuxConfig {
        receive_budget: 1024 * KIB,
        ..MuxConfig::default()
    };
    let (client, server) = pair(64 * KIB, &config);
    let mut stuck = client.open().await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let bytes = vec![1; 64 * KIB];
        while stuck.write_all(&bytes).await.is_ok() {}
    });
    let held = server.accept().await.unwrap();
    tasks.spawn(echo(server.clone()));
    for i in 0..20 {
        exchange(&client, i, 1_000_000, 50_000).await;
        assert!(
            server.buffered() <= 256 * KIB + 1024 * KIB,
            "{}",
            server.buffered()
        );
    }
    // Ten pings each way, answered by a session whose stream is full.
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert!(!client.is_closed() && !server.is_closed());
    exchange(&client, 99, 1_000_000, 50_000).await;
    drop(held);
    drop(client);
    tasks.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_ends_the_session_after_interval_and_timeout() {
    let (io, _silent) = tokio::io::duplex(64 * KIB);
    let client = session(io, Role::Client, MuxConfig::default());
    let start = Instant::now();
    let why = client.closed().await;
    assert!(matches!(*why, MuxError::KeepaliveTimeout), "{why:?}");
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_ends_the_session_after_the_write_timeout() {
    let (io, _deaf) = tokio::io::duplex(1024);
    let client = session(io, Role::Client, MuxConfig::default());
    let mut stream = client.open().await.unwrap();
    let start = Instant::now();
    stream.write_all(&vec![0; 100_000]).await.unwrap();
    let why = client.closed().await;
    assert!(matches!(*why, MuxError::WriteTimeout), "{why:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(stream.write_all(b"x").await.is_err());
    assert!(stream.read_u8().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_open_without_acknowledgement_ends_the_session() {
    let (io, peer_io) = tokio::io::duplex(64 * KIB);
    let config = MuxConfig {
        keepalive: None,
        ..MuxConfig::default()
    };
    let client = session(io, Role::Client, config);
    let _stream = client.open().await.unwrap();
    let start = Instant::now();
    let why = client.closed().await;
    assert!(matches!(*why, MuxError::OpenTimeout(1)), "{why:?}");
    assert_eq!(start.elapsed().as_secs(), 75);
    drop(peer_io);
}

#[tokio::test]
async fn close_sends_what_is_queued_and_no_go_away() {
    within(async {
        let (io, mut raw) = tokio::io::duplex(1000);
        let client = session(io, Role::Client, MuxConfig::default());
        let mut stream = client.open().await.unwrap();
        stream.write_all(&[7; 200_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let closing = client.close();
        let mut got = Vec::new();
        let ((), read) = tokio::join!(closing, raw.read_to_end(&mut got));
        read.unwrap();
        let frames = 200_000usize.div_ceil(256 * KIB);
        assert_eq!(got.len(), 12 + frames * 12 + 200_000 + 12);
        assert_eq!(got[got.len() - 12..], [0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0]);
        assert!(matches!(*client.closed().await, MuxError::Closed));
        assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
        assert!(client.open().await.is_err() && client.accept().await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn close_gives_up_on_a_peer_that_does_not_read() {
    let (io, _deaf) = tokio::io::duplex(1000);
    let client = session(io, Role::Client, MuxConfig::default());
    let mut stream = client.open().await.unwrap();
    stream.write_all(&[7; 20_000]).await.unwrap();
    let start = Instant::now();
    client.close().await;
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn the_peers_end_of_file_is_an_ordinary_end() {
    within(async {
        let (client, server) = pair(64 * KIB, &MuxConfig::default());
        let mut a = client.open().await.unwrap();
        a.write_all(b"before").await.unwrap();
        let mut b = server.accept().await.unwrap();
        let mut first = [0; 1];
        b.read_exact(&mut first).await.unwrap();
        client.close().await;
        assert!(matches!(*server.closed().await, MuxError::Eof));
        let mut rest = Vec::new();
        b.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"efore");
        let error = b.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    })
    .await;
}

#[tokio::test]
async fn a_broken_protocol_is_answered_with_go_away_1() {
    within(async {
        let (io, mut raw) = tokio::io::duplex(64 * KIB);
        let server = session(io, Role::Server, MuxConfig::default());
        raw.write_all(&[0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!(matches!(*server.closed().await, MuxError::Protocol(_)));
    })
    .await;
}

#[tokio::test]
async fn an_accepted_stream_is_acknowledged_at_once_and_before_any_data() {
    within(async {
        let (io, mut raw) = tokio::io::duplex(64 * KIB);
        let server = session(io, Role::Server, MuxConfig::default());
        raw.write_all(&[0, 1, 0, 1, 0, 0, 0, 1, 0, 0x5c, 0, 0])
            .await
            .unwrap();
        let stream = server.accept().await.unwrap();
        let mut ack = [0; 12];
        raw.read_exact(&mut ack).await.unwrap();
        assert_eq!(ack, [0, 1, 0, 2, 0, 0, 0, 1, 0, 0x5c, 0, 0]);
        drop(stream);
    })
    .await;
}

#[tokio::test]
async fn a_session_lives_as_long_as_a_handle_or_a_stream() {
    within(async {
        let (client, server) = pair(64 * KIB, &MuxConfig::default());
        let mut a = client.open().await.unwrap();
        drop(client);
        let mut b = server.accept().await.unwrap();
        a.write_all(b"still").await.unwrap();
        let mut got = [0; 5];
        b.read_exact(&mut got).await.unwrap();
        assert!(!server.is_closed());
        drop(a);
        assert!(matches!(*server.closed().await, MuxError::Eof));
    })
    .await;
}

#[tokio::test]
async fn a_stopped_scope_sends_what_is_queued_and_closes() {
    within(async {
        let (io, mut raw) = tokio::io::duplex(64 * KIB);
        let scope = Scope::root(Handle::current());
        let io = stream(io);
        let client = MuxSession::start(io, Role::Client, MuxConfig::default(), &scope);
        let mut stream = client.open().await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        assert_eq!(scope.close(Duration::from_secs(5)).await, 0);
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        assert_eq!(got.len(), 12 + 12 + 3);
        assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
        assert!(matches!(*client.closed().await, MuxError::Closed));
    })
    .await;
}

#[tokio::test]
async fn unknown_peers_get_little_memory() {
    within(async {
        let (a, mut raw) = tokio::io::duplex(1024 * KIB);
        let io = stream(a);
        let server = MuxSession::start(
            io,
            Role::Server,
            MuxConfig::default(),
            &Scope::root(Handle::current()),
        );
        raw.write_all(&[0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0, 0])
            .await
            .unwrap();
        let written = raw.write_all(&[0; 256 * KIB]).await;
        drop(written);
        assert!(matches!(*server.closed().await, MuxError::Prelogin));
        assert!(server.buffered() <= 96 * KIB);
    })
    .await;
}

/// Carries bytes from `from` to `to`, each `delay` later, in any amount.
async fn link(
    mut from: tokio::io::ReadHalf<DuplexStream>,
    mut to: tokio::io::WriteHalf<DuplexStream>,
    delay: Duration,
) {
    let (queue, mut late) = mpsc::channel::<(Instant, Vec<u8>)>(100_000);
    let send = async move {
        while let Some((at, bytes)) = late.recv().await {
            tokio::time::sleep_until(at).await;
            to.write_all(&bytes).await.unwrap();
        }
    };
    let receive = async move {
        let mut buf = vec![0; 64 * KIB];
        while let Ok(n @ 1..) = from.read(&mut buf).await {
            let bytes = (Instant::now() + delay, buf[..n].to_vec());
            queue.send(bytes).await.unwrap();
        }
    };
    tokio::join!(send, receive);
}

/// On a link of 50 ms round trip without a limit of its own, windows are all that limits.
#[tokio::test(start_paused = true)]
async fn windows_open_within_a_few_round_trips() {
    let (a, a_far) = tokio::io::duplex(1024 * KIB);
    let (b, b_far) = tokio::io::duplex(1024 * KIB);
    let client = session(a, Role::Client, MuxConfig::default());
    let server = session(b, Role::Server, MuxConfig::default());
    let (a_read, a_write) = tokio::io::split(a_far);
    let (b_read, b_write) = tokio::io::split(b_far);
    let mut tasks = JoinSet::new();
    let delay = Duration::from_millis(25);
    tasks.spawn(link(a_read, b_write, delay));
    tasks.spawn(link(b_read, a_write, delay));
    // Streams that take the opening grants, then one that has to grow.
    let mut grown = Vec::new();
    for _ in 0..3 {
        let mut stream = client.open().await.unwrap();
        stream.write_u8(1).await.unwrap();
        grown.push((stream, server.accept().await.unwrap()));
    }
    for (i, (mut up, mut down)) in grown.into_iter().enumerate() {
        let start = Instant::now();
        tasks.spawn(async move {
            let part = vec![3; 256 * KIB];
            for _ in 0..256 {
                up.write_all(&part).await.unwrap();
            }
            up.shutdown().await.unwrap();
        });
        let mut got = Vec::new();
        down.read_to_end(&mut got).await.unwrap();
        assert_eq!(got.len(), 64 * KIB * KIB + 1);
        // 6 MiB a round trip need 11 of them; credit comes by halves and growth takes three.
        let trips = start.elapsed().as_millis() / 50;
        assert!((8..=30).contains(&trips), "stream {i}: {trips} round trips");
    }
}

#[tokio::test]
async fn the_last_bytes_reach_a_peer_that_is_still_sending() {
    within(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (raw, accepted) = tokio::join!(TcpStream::connect(addr), listener.accept());
        let mut raw = raw.unwrap();
        let server = session(accepted.unwrap().0, Role::Server, MuxConfig::default());
        let mut open = vec![0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0, 0];
        open.resize(12 + 256 * KIB, 0);
        raw.write_all(&open[..1000]).await.unwrap();
        let mut stream = server.accept().await.unwrap();
        stream.write_all(b"last words").await.unwrap();
        let end = server.close();
        let sending = async {
            raw.write_all(&open[1000..]).await.unwrap();
            let mut got = Vec::new();
            raw.read_to_end(&mut got).await.unwrap();
            drop(raw);
            got
        };
        let ((), got) = tokio::join!(end, sending);
        assert!(got.ends_with(b"last words"));
    })
    .await;
}
