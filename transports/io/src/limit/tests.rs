use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::{Peer, Relaying, relay};

const RATE: usize = 16 * 1024;

fn limit() -> Arc<Limit> {
    Arc::new(Limit::new(NonZeroU64::new(RATE as u64).unwrap()))
}

fn pair(limit: &Arc<Limit>) -> (Stream, DuplexStream) {
    let (near, far) = duplex(16 * RATE);
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let stream = Stream::new(near, Peer::new(addr, addr, "tcp"));
    (stream.limited(Arc::clone(limit)), far)
}

fn about(took: Duration, seconds: f64) {
    let off = (took.as_secs_f64() - seconds).abs();
    assert!(off < 0.07, "took {took:?}, not {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_has_the_rate_after_a_burst_of_one_second() {
    let (mut near, mut far) = pair(&limit());
    let started = Instant::now();
    near.write_all(&vec![1; RATE]).await.unwrap();
    about(started.elapsed(), 0.0);
    near.write_all(&vec![2; 3 * RATE]).await.unwrap();
    about(started.elapsed(), 3.0);
    near.shutdown().await.unwrap();
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    let expected = [vec![1; RATE], vec![2; 3 * RATE]].concat();
    assert_eq!(got, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_has_the_rate_and_shares_the_burst_with_what_is_written() {
    let (mut near, mut far) = pair(&limit());
    far.write_all(&vec![1; 4 * RATE]).await.unwrap();
    let started = Instant::now();
    near.write_all(&vec![2; RATE]).await.unwrap();
    near.read_exact(&mut vec![0; 4 * RATE]).await.unwrap();
    about(started.elapsed(), 4.0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_saves_up_one_second_and_no_more() {
    let (mut near, _far) = pair(&limit());
    near.write_all(&vec![0; 2 * RATE]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let started = Instant::now();
    near.write_all(&vec![0; 2 * RATE]).await.unwrap();
    about(started.elapsed(), 1.0);
}

#[tokio::test(start_paused = true)]
async fn connections_of_one_proxy_share_equally() {
    let limit = limit();
    let mut all: Vec<_> = (0..4).map(|_| pair(&limit)).collect();
    let started = Instant::now();
    let [a, b, c, d] = &mut all[..] else {
        panic!("four")
    };
    // One of them asks for much more than the others, which are done with theirs all the same.
    let finish = async |(near, _): &mut (Stream, DuplexStream), bytes| {
        near.write_all(&vec![0; bytes]).await.unwrap();
        started.elapsed()
    };
    let took = tokio::join!(
        finish(a, 10 * RATE),
        finish(b, RATE),
        finish(c, RATE),
        finish(d, RATE),
    );
    about(took.0, 12.0);
    for took in [took.1, took.2, took.3] {
        // All saved bytes may have been the greedy one's.
        assert!((2.9..=4.1).contains(&took.as_secs_f64()), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_write_costs_one_piece_and_the_rest_can_go_on() {
    let (mut near, mut far) = pair(&limit());
    near.write_all(&vec![0; RATE]).await.unwrap();
    let piece = RATE / 16;
    let started = Instant::now();
    let bytes = vec![1; RATE];
    tokio::time::timeout(Duration::from_millis(10), near.write_all(&bytes))
        .await
        .unwrap_err();
    near.write_all(&vec![2; piece]).await.unwrap();
    about(started.elapsed(), 1.0 / 16.0);
    near.shutdown().await.unwrap();
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), RATE + piece);
    assert_eq!(got.last(), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn a_relay_over_a_limited_stream_loses_nothing() {
    let (work, mut service) = pair(&limit());
    let (near, mut user) = duplex(16 * RATE);
    let peer = *work.peer();
    let started = Instant::now();
    let how = Relaying::default();
    let joined = relay(Stream::new(near, peer), work, &how);
    let user_and_service = async {
        user.write_all(&vec![7; 4 * RATE]).await.unwrap();
        user.shutdown().await.unwrap();
        let mut got = Vec::new();
        service.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, vec![7; 4 * RATE]);
        service.shutdown().await.unwrap();
    };
    let (done, ()) = tokio::join!(joined, user_and_service);
    assert_eq!(done.to_work, 4 * RATE as u64);
    about(started.elapsed(), 3.0);
}

#[tokio::test(start_paused = true)]
async fn the_lowest_rate_moves_a_byte_a_second() {
    let limit = Arc::new(Limit::new(NonZeroU64::MIN));
    let (mut near, mut far) = pair(&limit);
    let started = Instant::now();
    near.write_all(b"abc").await.unwrap();
    about(started.elapsed(), 2.0);
    let mut got = [0; 3];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"abc");
}
