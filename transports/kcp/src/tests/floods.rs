//! What strangers can and cannot do to a listener.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
};

use super::sockets::{accept, dial, listener, loopback, within};
use crate::{Command, Header};
use culvert_transport::Listener;

fn segment(conv: u32, sn: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        conv,
        command: Command::Push,
        window: 100,
        ts: 0,
        sn,
        una: 0,
        len: u32::try_from(payload.len()).unwrap(),
    };
    [&header.encode()[..], payload].concat()
}

/// Everybody who may be accepted within a moment is; answers how many that were.
async fn accepted(listener: &mut crate::KcpAcceptor) -> usize {
    let mut streams = Vec::new();
    let quiet = Duration::from_millis(300);
    while let Ok(next) = tokio::time::timeout(quiet, listener.accept()).await {
        streams.push(next.unwrap());
    }
    streams.len()
}

#[tokio::test]
async fn one_address_gets_so_many_conversations_and_others_still_get_in() {
    within(async {
        let (mut listener, at) = listener().await;
        let mut sockets = Vec::new();
        let mut held = Vec::new();
        for n in 0..400u32 {
            let socket = UdpSocket::bind(loopback()).await.unwrap();
            for conv in 0..20 {
                socket
                    .send_to(&segment(n * 20 + conv, 0, b"x"), at)
                    .await
                    .unwrap();
            }
            sockets.push(socket);
            let wait = Duration::from_millis(1);
            while let Ok(next) = tokio::time::timeout(wait, listener.accept()).await {
                held.push(next.unwrap());
            }
        }
        assert_eq!(held.len(), 256, "strangers from one address");
        // Places of those that are gone are free again.
        drop(held);
        drop(sockets);
        let mut a = dial(at).await;
        a.write_all(b"x").await.unwrap();
        let mut b = accept(&mut listener).await;
        assert_eq!(b.read_u8().await.unwrap(), b'x');
    })
    .await;
}

#[tokio::test]
async fn one_port_has_few_conversations_and_the_queue_an_end() {
    within(async {
        let (mut listener, at) = listener().await;
        let socket = UdpSocket::bind(loopback()).await.unwrap();
        for conv in 0..50 {
            socket.send_to(&segment(conv, 0, b"x"), at).await.unwrap();
        }
        assert_eq!(accepted(&mut listener).await, 4);
        for n in 0..200u32 {
            let socket = UdpSocket::bind(loopback()).await.unwrap();
            socket.send_to(&segment(n, 0, b"x"), at).await.unwrap();
        }
        // Nobody accepts meanwhile: the system's buffer holds them, then the queue.
        assert!(accepted(&mut listener).await <= 200);
    })
    .await;
}

#[tokio::test]
async fn what_begins_nothing_leaves_nothing() {
    within(async {
        let (mut listener, at) = listener().await;
        let socket = UdpSocket::bind(loopback()).await.unwrap();
        let mut parity = segment(1, 0, b"x");
        parity[4..6].copy_from_slice(&[0xf2, 0]);
        for datagram in [
            segment(1, 1, b"a late retransmission"),
            segment(1, 0, b""),
            segment(1, 0, b"x")[..23].to_vec(),
            vec![0xff; 1400],
            parity,
            Vec::new(),
        ] {
            socket.send_to(&datagram, at).await.unwrap();
        }
        assert_eq!(accepted(&mut listener).await, 0);
    })
    .await;
}

/// Another number from a known address begins a conversation only with its first bytes, and does
/// not end the one that is there.
#[tokio::test]
async fn another_number_does_not_disturb() {
    within(async {
        let (mut listener, at) = listener().await;
        let socket = UdpSocket::bind(loopback()).await.unwrap();
        socket.send_to(&segment(1, 0, b"a"), at).await.unwrap();
        let mut first = accept(&mut listener).await;
        socket.send_to(&segment(2, 1, b"no"), at).await.unwrap();
        socket.send_to(&segment(1, 1, b"b"), at).await.unwrap();
        let mut got = [0; 2];
        first.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"ab");
        socket.send_to(&segment(2, 0, b"c"), at).await.unwrap();
        let mut second = accept(&mut listener).await;
        assert_eq!(second.read_u8().await.unwrap(), b'c');
        socket.send_to(&segment(1, 2, b"d"), at).await.unwrap();
        assert_eq!(first.read_u8().await.unwrap(), b'd');
    })
    .await;
}

/// After its end, nothing of a conversation begins it anew, not even its first datagram.
#[tokio::test]
async fn ghosts_stay_away() {
    within(async {
        let (mut listener, at) = listener().await;
        let socket = UdpSocket::bind(loopback()).await.unwrap();
        socket.send_to(&segment(1, 0, b"a"), at).await.unwrap();
        drop(accept(&mut listener).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        for sn in 0..3 {
            socket.send_to(&segment(1, sn, b"a"), at).await.unwrap();
        }
        assert_eq!(accepted(&mut listener).await, 0);
        socket.send_to(&segment(2, 0, b"b"), at).await.unwrap();
        assert_eq!(accepted(&mut listener).await, 1);
    })
    .await;
}
