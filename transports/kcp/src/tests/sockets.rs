//! Both ends over loopback sockets, through the transport's own traits.

use std::{net::SocketAddr, time::Duration};

use culvert_io::Stream;
use culvert_transport::{Connector, Link, Listener, Options, Target, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
    time::timeout,
};

use super::pattern;
use crate::{KcpAcceptor, KcpTransport, Parameters, attach};

pub(super) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), work).await.unwrap()
}

pub(super) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(super) async fn listener() -> (KcpAcceptor, SocketAddr) {
    let listener = KcpTransport
        .bind(loopback(), &Options::default())
        .await
        .unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

pub(super) async fn dial(at: SocketAddr) -> Stream {
    let connector = KcpTransport.connector(&Options::default()).unwrap();
    let target = Target::new(&at.ip().to_string(), at.port());
    pipe(connector.connect(&target).await.unwrap())
}

fn pipe(link: Link) -> Stream {
    match link {
        Link::Pipe(stream) => stream,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn accept(listener: &mut KcpAcceptor) -> Stream {
    pipe(listener.accept().await.unwrap().0.await.unwrap())
}

async fn exchange(mut a: Stream, mut b: Stream, len: usize) -> (Stream, Stream) {
    let (there, back) = (pattern(1, len), pattern(2, len));
    let (mut got_there, mut got_back) = (vec![0; len], vec![0; len]);
    {
        let (mut ar, mut aw) = tokio::io::split(&mut a);
        let (mut br, mut bw) = tokio::io::split(&mut b);
        let done = tokio::try_join!(
            aw.write_all(&there),
            bw.write_all(&back),
            ar.read_exact(&mut got_back),
            br.read_exact(&mut got_there),
        );
        done.unwrap();
    }
    assert!(got_there == there && got_back == back);
    (a, b)
}

#[tokio::test]
async fn bytes_go_both_ways() {
    within(async {
        let (mut listener, at) = listener().await;
        for _ in 0..3 {
            let mut a = dial(at).await;
            a.write_all(b"!").await.unwrap();
            let mut b = accept(&mut listener).await;
            assert_eq!(b.read_u8().await.unwrap(), b'!');
            assert_eq!(b.peer().addr.port(), a.peer().local.port());
            assert_eq!(b.peer().transport, "kcp");
            exchange(a, b, 4 << 20).await;
        }
    })
    .await;
}

#[tokio::test]
async fn many_conversations_share_a_port() {
    within(async {
        let (mut listener, at) = listener().await;
        let mut pairs = Vec::new();
        for n in 0..100u32 {
            let mut a = dial(at).await;
            a.write_u32(n).await.unwrap();
            let mut b = accept(&mut listener).await;
            assert_eq!(b.read_u32().await.unwrap(), n);
            pairs.push((a, b));
        }
        // The listener may go; what it accepted stays.
        drop(listener);
        let work = pairs.into_iter().map(|(a, b)| exchange(a, b, 50_000));
        futures(work.collect()).await;
    })
    .await;
}

async fn futures<T>(work: Vec<impl Future<Output = T>>) {
    for one in work {
        one.await;
    }
}

#[tokio::test]
async fn what_was_written_before_the_end_arrives() {
    within(async {
        let (mut listener, at) = listener().await;
        let bytes = pattern(3, 100_000);
        let mut a = dial(at).await;
        a.write_all(&bytes).await.unwrap();
        a.shutdown().await.unwrap();
        assert!(a.write_all(b"more").await.is_err());
        drop(a);
        let mut b = accept(&mut listener).await;
        let mut got = vec![0; bytes.len()];
        b.read_exact(&mut got).await.unwrap();
        assert!(got == bytes);
    })
    .await;
}

#[tokio::test]
async fn a_tunnel_has_a_fixed_number() {
    within(async {
        let (a, b) = (
            UdpSocket::bind(loopback()).await.unwrap(),
            UdpSocket::bind(loopback()).await.unwrap(),
        );
        let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        let a = attach(a, to_b, 1, &Parameters::SERVER).unwrap();
        let b = attach(b, to_a, 1, &Parameters::SERVER).unwrap();
        exchange(a, b, 1 << 20).await;
    })
    .await;
}

/// A peer that answers from elsewhere is followed once, and strangers are not heard after that.
#[tokio::test]
async fn a_client_hears_one_address() {
    within(async {
        let (mut listener, at) = listener().await;
        let mut a = dial(at).await;
        a.write_all(b"hi").await.unwrap();
        let mut b = accept(&mut listener).await;
        let mut got = [0; 2];
        b.read_exact(&mut got).await.unwrap();
        b.write_all(b"ho").await.unwrap();
        a.read_exact(&mut got).await.unwrap();
        let stranger = UdpSocket::bind(loopback()).await.unwrap();
        let own = SocketAddr::from(([127, 0, 0, 1], a.peer().local.port()));
        for _ in 0..100 {
            stranger.send_to(&[0x51; 60], own).await.unwrap();
        }
        exchange(a, b, 100_000).await;
    })
    .await;
}

#[tokio::test]
async fn options_are_checked() {
    let options = |text: &str| Options::default().with_table(text.parse().unwrap());
    assert!(KcpTransport.connector(&options("parity = false")).is_ok());
    let err = KcpTransport
        .connector(&options("party = false"))
        .unwrap_err();
    assert!(err.to_string().contains("party"), "{err}");
    let taken = UdpSocket::bind(loopback()).await.unwrap();
    let at = taken.local_addr().unwrap();
    let err = KcpTransport
        .bind(at, &Options::default())
        .await
        .unwrap_err();
    assert!(err.to_string().contains("address already in use"), "{err}");
}
