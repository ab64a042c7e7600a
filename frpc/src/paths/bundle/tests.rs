use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use culvert_conf::Protocol;
use culvert_io::{Buffer, ChunkIo, Peer};
use culvert_transport::{Result, Session, Target};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    runtime::Handle,
    sync::watch,
};

use super::*;
use crate::paths::Rung;

/// One link in memory: counts its streams, and dies when told.
#[derive(Debug, Default)]
struct Wire {
    streams: Arc<()>,
    opened: AtomicUsize,
    dead: watch::Sender<bool>,
}

impl Wire {
    fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    fn die(&self) {
        self.dead.send_replace(true);
    }
}

#[derive(Debug)]
struct Fake(Arc<Wire>);

fn peer() -> Peer {
    let addr = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Peer::new(addr(7000), addr(1), "tcp")
}

impl Session for Fake {
    async fn open(&self) -> Result<Stream> {
        if self.0.is_dead() {
            return Err(TransportError::Closed("dead".to_owned()));
        }
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        let stream = Sink(Arc::clone(&self.0.streams));
        Ok(Stream::chunks(stream, peer()))
    }

    async fn accept(&self) -> Result<Stream> {
        std::future::pending().await
    }

    async fn close(&self, _: &str) {
        self.0.die();
    }

    async fn closed(&self) -> String {
        let mut dead = self.0.dead.subscribe();
        let _end = dead.wait_for(|dead| *dead).await;
        "dead".to_owned()
    }

    fn streams(&self) -> Option<usize> {
        Some(Arc::strong_count(&self.0.streams) - 1)
    }
}

/// Takes everything; open as long as it is held.
struct Sink(#[expect(dead_code, reason = "held to be counted")] Arc<()>);

impl AsyncRead for Sink {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl ChunkIo for Sink {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        Poll::Pending
    }

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(usize::MAX))
    }

    fn submit(&mut self, _: Buffer, _: usize) -> io::Result<()> {
        Ok(())
    }
}

/// Makes links, unless told that there is no way.
#[derive(Debug, Default)]
struct Network {
    wires: Mutex<Vec<Arc<Wire>>>,
    attempts: AtomicUsize,
    broken: AtomicBool,
}

impl Network {
    fn link(&self, scope: &Scope) -> Path {
        let wire = Arc::<Wire>::default();
        self.wires.lock().push(Arc::clone(&wire));
        Path {
            session: Arc::new(Fake(wire)),
            rung: Rung {
                transport: Protocol::Tcp,
                target: Target::new("127.0.0.1", 7000),
            },
            took: Duration::ZERO,
            scope: scope.child(tracing::Span::none()),
        }
    }

    fn wire(&self, index: usize) -> Arc<Wire> {
        Arc::clone(&self.wires.lock()[index])
    }

    /// How many streams each link carries.
    fn loads(&self) -> Vec<usize> {
        let wires = self.wires.lock();
        let streams = wires
            .iter()
            .map(|wire| Arc::strong_count(&wire.streams) - 1);
        streams.collect()
    }
}

impl Dial for Network {
    fn connect<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Path>> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let made = if self.broken.load(Ordering::Relaxed) {
            Err(TransportError::Closed("no way".to_owned()))
        } else {
            Ok(self.link(scope))
        };
        Box::pin(std::future::ready(made))
    }
}

struct Stage {
    network: Arc<Network>,
    /// The network of work connections, if they have one of their own.
    work: Option<Arc<Network>>,
    bundle: Arc<Bundle>,
    root: Scope,
}

impl Stage {
    fn new(sessions: Sessions, apart: bool) -> Self {
        let root = Scope::root(Handle::current());
        let stage = Self {
            network: Arc::default(),
            work: apart.then(Arc::default),
            bundle: Arc::new(Bundle::new(sessions, &root)),
            root,
        };
        stage.root.spawn(Arc::clone(&stage.bundle).keep());
        stage.lead();
        stage
    }

    /// A login over a new path.
    fn lead(&self) {
        let path = self.network.link(&self.root);
        let dial = self.work.as_ref().unwrap_or(&self.network);
        let further = Further {
            dial: Arc::<Network>::clone(dial),
            apart: self.work.is_some(),
            lively: false,
        };
        self.bundle.lead(path, &peer(), further);
    }

    async fn open(&self) -> Stream {
        self.bundle.open().await.unwrap()
    }

    async fn open_many(&self, count: usize) -> Vec<Stream> {
        let mut streams = Vec::new();
        for _ in 0..count {
            streams.push(self.open().await);
        }
        streams
    }
}

/// Lets everybody else come to rest, and `time` pass.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

const MOMENT: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn one_link_is_the_default() {
    let stage = Stage::new(Sessions::default(), false);
    pass(SECOND).await;
    let _streams = stage.open_many(9).await;
    assert_eq!(stage.network.loads(), [9]);
}

#[tokio::test(start_paused = true)]
async fn streams_go_to_the_link_with_the_least() {
    let stage = Stage::new(Sessions::Fixed(4), false);
    pass(MOMENT).await;
    let mut streams = stage.open_many(8).await;
    assert_eq!(stage.network.loads(), [2, 2, 2, 2]);
    // Those on the third end.
    let streams_of_third = stage.network.wire(2);
    streams.clear();
    assert_eq!(Arc::strong_count(&streams_of_third.streams), 1);
    let _again = stage.open_many(4).await;
    assert_eq!(stage.network.loads(), [1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn every_further_link_is_told_about_once() {
    let stage = Stage::new(Sessions::Fixed(3), false);
    let (one, two) = (stage.bundle.fresh().await, stage.bundle.fresh().await);
    assert!(!Arc::ptr_eq(&one, &two));
    tokio::select! {
        _ = stage.bundle.fresh() => panic!("there are two"),
        () = pass(SECOND) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_dies_takes_only_its_own_streams_and_is_replaced() {
    let stage = Stage::new(Sessions::Fixed(2), false);
    pass(MOMENT).await;
    let _streams = stage.open_many(4).await;
    assert_eq!(stage.network.loads(), [2, 2]);
    stage.network.wire(1).die();
    pass(MOMENT).await;
    assert!(!stage.network.wire(0).is_dead());
    let _more = stage.open_many(2).await;
    assert_eq!(stage.network.loads(), [2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn links_that_cannot_be_made_are_tried_less_and_less_often() {
    let stage = Stage::new(Sessions::Fixed(2), false);
    stage.network.broken.store(true, Ordering::Relaxed);
    pass(Duration::from_secs(600)).await;
    let attempts = stage.network.attempts.load(Ordering::Relaxed);
    assert!((10..60).contains(&attempts), "{attempts}");
    stage.network.broken.store(false, Ordering::Relaxed);
    pass(Duration::from_secs(30)).await;
    assert_eq!(stage.network.loads().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_dials_without_a_session() {
    let stage = Stage::new(Sessions::Fixed(2), false);
    pass(MOMENT).await;
    stage.bundle.lost();
    stage.network.wire(1).die();
    pass(Duration::from_secs(60)).await;
    assert_eq!(stage.network.attempts.load(Ordering::Relaxed), 1);
    stage.bundle.open().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_old_path_lives_as_long_as_its_streams() {
    let stage = Stage::new(Sessions::default(), false);
    let old = stage.open().await;
    stage.lead();
    pass(SECOND * 60).await;
    let _new = stage.open().await;
    assert_eq!(stage.network.loads(), [1, 1]);
    assert!(!stage.network.wire(0).is_dead());
    drop(old);
    pass(SECOND * 2).await;
    assert!(stage.network.wire(0).is_dead());
    assert!(!stage.network.wire(1).is_dead());
}

#[tokio::test(start_paused = true)]
async fn old_paths_are_not_without_number() {
    let stage = Stage::new(Sessions::default(), false);
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(stage.open().await);
        stage.lead();
    }
    pass(MOMENT).await;
    let dead = (0..100).filter(|at| stage.network.wire(*at).is_dead());
    assert_eq!(dead.collect::<Vec<_>>(), (0..93).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn bulk_and_small_streams_are_kept_apart() {
    let stage = Stage::new(Sessions::Fixed(2), false);
    pass(MOMENT).await;
    let mut bulk = stage.open().await;
    for _ in 0..2 {
        bulk.write_all(&vec![0; 2 << 20]).await.unwrap();
        pass(SECOND).await;
    }
    let _small = stage.open_many(5).await;
    assert_eq!(stage.network.loads(), [1, 5]);
    // What has moved much before and is quiet now disturbs nobody.
    pass(SECOND * 2).await;
    let _more = stage.open_many(4).await;
    assert_eq!(stage.network.loads(), [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn auto_has_a_link_for_small_streams_while_something_moves_much() {
    let stage = Stage::new(Sessions::Auto, false);
    let mut bulk = stage.open().await;
    pass(SECOND * 5).await;
    assert_eq!(stage.network.loads(), [1]);
    for _ in 0..3 {
        bulk.write_all(&vec![0; 1 << 20]).await.unwrap();
        pass(SECOND).await;
    }
    let small = stage.open().await;
    assert_eq!(stage.network.loads(), [1, 1]);
    pass(SECOND * 70).await;
    assert!(!stage.network.wire(1).is_dead());
    drop(small);
    pass(SECOND * 2).await;
    assert!(stage.network.wire(1).is_dead(), "let go");
}

#[tokio::test(start_paused = true)]
async fn work_connections_that_have_a_way_of_their_own_fall_back_alone() {
    let stage = Stage::new(Sessions::default(), true);
    let work = stage.work.clone().unwrap();
    pass(MOMENT).await;
    let _one = stage.open().await;
    assert_eq!((stage.network.loads(), work.loads()), (vec![0], vec![1]));
    work.broken.store(true, Ordering::Relaxed);
    work.wire(0).die();
    pass(MOMENT).await;
    let _two = stage.open().await;
    assert_eq!(stage.network.loads(), [1]);
    work.broken.store(false, Ordering::Relaxed);
    pass(SECOND * 30).await;
    let _three = stage.open().await;
    assert_eq!((stage.network.loads(), work.loads()), (vec![1], vec![1, 1]));
    // Nor does a new login disturb them.
    stage.lead();
    let _four = stage.open().await;
    assert_eq!(work.loads(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_path_believed_dead_is_used_only_while_there_is_no_other() {
    let stage = Stage::new(Sessions::Fixed(2), false);
    pass(MOMENT).await;
    for strand in stage.bundle.strands() {
        strand.suspect();
    }
    stage.network.broken.store(true, Ordering::Relaxed);
    stage.bundle.unwell().await;
    let _last_resort = stage.open_many(2).await;
    stage.bundle.changed();
    pass(MOMENT).await;
    stage.lead();
    let _streams = stage.open_many(3).await;
    assert_eq!(stage.network.loads(), [1, 1, 3]);
    stage.network.broken.store(false, Ordering::Relaxed);
    pass(SECOND * 30).await;
    assert_eq!(stage.network.loads().len(), 4, "and replaced");
}
