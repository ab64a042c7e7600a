//! Datagrams beside streams.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use culvert_io::{Datagrams, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{pair, within};
use crate::QuicOptions;

/// A stream at both ends: of who dialled, and of who accepted.
async fn stream(
    ours: &culvert_transport::BoxSession,
    theirs: &culvert_transport::BoxSession,
) -> (Stream, Stream) {
    let mut near = ours.open().await.unwrap();
    near.write_all(b"x").await.unwrap();
    let mut far = theirs.accept().await.unwrap();
    assert_eq!(far.read_u8().await.unwrap(), b'x');
    (near, far)
}

async fn next(flow: &Arc<dyn Datagrams>) -> Option<Bytes> {
    poll_fn(|cx| flow.poll_recv(cx)).await
}

fn off() -> QuicOptions {
    QuicOptions {
        datagrams: false,
        ..QuicOptions::default()
    }
}

#[tokio::test]
async fn each_stream_has_its_own() {
    within(async {
        let (ours, theirs) = pair(&QuicOptions::default()).await;
        let mut kept = Vec::new();
        let mut flows = Vec::new();
        for _ in 0..100 {
            let (mut near, mut far) = stream(&ours, &theirs).await;
            assert!(near.datagrams().is_none());
            assert!(near.open_datagrams() && far.open_datagrams());
            // Twice does no harm.
            assert!(near.open_datagrams());
            flows.push((near.datagrams().unwrap(), far.datagrams().unwrap()));
            kept.push((near, far));
        }
        for (i, (near, far)) in flows.iter().enumerate() {
            let (head, body) = (i.to_string(), vec![7; 1000]);
            assert!(near.send(head.as_bytes(), &body));
            let got = next(far).await.unwrap();
            assert_eq!(got, [head.as_bytes(), &body].concat());
            assert!(far.send(b"", head.as_bytes()));
            assert_eq!(next(near).await.unwrap(), head.as_bytes());
        }
    })
    .await;
}

#[tokio::test]
async fn the_largest_fits_and_one_byte_more_does_not() {
    within(async {
        let (ours, theirs) = pair(&QuicOptions::default()).await;
        let (mut near, mut far) = stream(&ours, &theirs).await;
        assert!(near.open_datagrams() && far.open_datagrams());
        let (near, far) = (near.datagrams().unwrap(), far.datagrams().unwrap());
        // The path may turn out to be wider meanwhile.
        let largest = near.max_size();
        assert!(largest > 1000, "{largest}");
        assert!(near.send(b"h", &vec![1; largest - 1]));
        assert_eq!(next(&far).await.unwrap().len(), largest);
        assert!(!near.send(b"", &[1; 2000]));
    })
    .await;
}

#[tokio::test]
async fn they_end_with_the_stream_and_with_the_session() {
    within(async {
        let (ours, theirs) = pair(&QuicOptions::default()).await;
        let (mut near, mut far) = stream(&ours, &theirs).await;
        let (mut other, mut other_far) = stream(&ours, &theirs).await;
        assert!(near.open_datagrams() && far.open_datagrams());
        assert!(other.open_datagrams() && other_far.open_datagrams());
        let (flow, end) = (other.datagrams().unwrap(), other_far.datagrams().unwrap());
        // Sent to a stream that does not want them any more.
        far.close_datagrams();
        assert!(far.datagrams().is_none());
        assert!(near.datagrams().unwrap().send(b"lost", b""));
        assert!(flow.send(b"found", b""));
        assert_eq!(next(&end).await.unwrap(), &b"found"[..]);
        ours.close("test").await;
        assert_eq!(next(&end).await, None);
        theirs.closed().await;
        assert!(!end.send(b"late", b""));
        assert!(!far.open_datagrams());
    })
    .await;
}

#[tokio::test]
async fn without_the_key_there_are_none() {
    within(async {
        let (ours, theirs) = pair(&off()).await;
        let (mut near, mut far) = stream(&ours, &theirs).await;
        assert!(!near.open_datagrams() && !far.open_datagrams());
        assert!(near.datagrams().is_none());
        near.close_datagrams();
    })
    .await;
}
