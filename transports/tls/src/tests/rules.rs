//! What RFC 8446 says of records and alerts after the handshake, for our streams in both roles and
//! a peer that can send anything.

use std::{io, sync::Arc};

use culvert_io::{FastPath, FastPaths, Stream};
use rustls::{AlertDescription as Alert, ClientConnection, ContentType, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    peer::{self, Handmade},
    plain_configs, stream,
};
use crate::{accept, connect, server_name};

/// Ours and its peer, with ours in both roles; none where the records are left to rustls, which
/// keeps some of these rules in its own way.
async fn pairs() -> Vec<(Stream, Handmade)> {
    if !FastPaths::default().takes(FastPath::Records) {
        eprintln!("skipped: {} leaves records to rustls", FastPaths::VARIABLE);
        return Vec::new();
    }
    let (mut server, client) = plain_configs();
    Arc::make_mut(&mut server).send_tls13_tickets = 0;
    let name = || server_name("localhost", false).unwrap();

    let (near, mut far) = tokio::io::duplex(1 << 20);
    let mut conn = ClientConnection::new(Arc::clone(&client), name())
        .unwrap()
        .into();
    let theirs = async {
        let flight = peer::shake(&mut conn, &mut far).await;
        far.write_all(&flight).await.unwrap();
    };
    let (ours, ()) = tokio::join!(accept(stream(near), &server), theirs);
    let as_server = (ours.unwrap(), Handmade::new(conn, far));

    let (near, mut far) = tokio::io::duplex(1 << 20);
    let mut conn = ServerConnection::new(server).unwrap().into();
    let theirs = async { peer::shake(&mut conn, &mut far).await };
    let (ours, last) = tokio::join!(connect(stream(near), &client, name()), theirs);
    assert!(last.is_empty());
    vec![as_server, (ours.unwrap(), Handmade::new(conn, far))]
}

#[tokio::test]
async fn a_broken_rule_ends_everything_behind_what_came_before() {
    let long = vec![7; 16 * 1024 + 1];
    let cases: [(u8, &[u8], Alert); 8] = [
        (22, &[13, 0, 0, 3, 0, 0, 0], Alert::UnexpectedMessage),
        (22, &[1, 0, 0, 0], Alert::UnexpectedMessage),
        (22, b"", Alert::UnexpectedMessage),
        (22, &[24, 0, 0, 1, 2], Alert::IllegalParameter),
        (21, &[2], Alert::DecodeError),
        (20, &[1], Alert::UnexpectedMessage),
        (0, &[0; 20], Alert::UnexpectedMessage),
        (23, &long, Alert::RecordOverflow),
    ];
    for (kind, plain, alert) in cases {
        for (mut ours, mut peer) in pairs().await {
            let mut bytes = peer.record(23, b"before");
            bytes.append(&mut peer.record(kind, plain));
            bytes.append(&mut peer.record(23, b"behind"));
            peer.far.write_all(&bytes).await.unwrap();
            let mut got = Vec::new();
            let err = ours.read_to_end(&mut got).await.unwrap_err();
            assert_eq!(err.kind(), io::ErrorKind::InvalidData);
            assert_eq!(got, b"before");
            // Again, and in the other direction.
            assert!(ours.read_u8().await.is_err());
            assert!(ours.write_all(b"x").await.is_err());
            ours.shutdown().await.unwrap();
            ours.shutdown().await.unwrap();
            drop(ours);
            let told = peer.next().await.unwrap();
            assert_eq!(told, (ContentType::Alert, vec![2, alert.into()]));
            assert!(peer.next().await.is_none());
        }
    }
}

#[tokio::test]
async fn records_that_are_not_protected_are_refused() {
    for record in [
        &[20, 3, 3, 0, 1, 1][..],
        &[21, 3, 3, 0, 2, 1, 0],
        &[22, 3, 3, 0, 5, 24, 0, 0, 1, 0],
    ] {
        for (mut ours, mut peer) in pairs().await {
            peer.give(23, b"before").await;
            peer.far.write_all(record).await.unwrap();
            let mut got = Vec::new();
            assert!(ours.read_to_end(&mut got).await.is_err());
            assert_eq!(got, b"before");
            let told = peer.next().await.unwrap();
            assert_eq!(told.1, [2, Alert::UnexpectedMessage.into()]);
        }
    }
}

#[tokio::test]
async fn only_a_server_sends_tickets() {
    let body = [0; 4];
    let ticket = [&body[..], &[9; 4], &[1, 7, 0, 3, 7, 7, 7, 0, 0]].concat();
    let message = [&[4, 0, 0, u8::try_from(ticket.len()).unwrap()], &ticket[..]].concat();
    let mut pairs = pairs().await.into_iter();
    let (Some(as_server), Some(as_client)) = (pairs.next(), pairs.next()) else {
        return;
    };
    let ((mut server, mut their_client), (mut client, mut their_server)) = (as_server, as_client);
    their_server.give(22, &message).await;
    their_server.give(23, b"!").await;
    assert_eq!(client.read_u8().await.unwrap(), b'!');
    // By its header, so that nothing of it is kept.
    their_client.give(22, &message[..4]).await;
    assert!(server.read_u8().await.is_err());
    let told = their_client.next().await.unwrap();
    assert_eq!(told.1, [2, Alert::UnexpectedMessage.into()]);
}

#[tokio::test]
async fn an_end_leaves_the_other_direction_open() {
    for (mut ours, mut peer) in pairs().await {
        peer.give(23, b"question").await;
        peer.give(21, &[1, 90]).await;
        peer.give(21, &[1, 0]).await;
        peer.give(23, b"too late").await;
        let mut got = Vec::new();
        ours.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"question");
        assert_eq!(ours.read(&mut [0; 9]).await.unwrap(), 0);
        ours.write_all(b"answer").await.unwrap();
        ours.shutdown().await.unwrap();
        ours.shutdown().await.unwrap();
        assert!(ours.write_all(b"more").await.is_err());
        drop(ours);
        let answer = peer.next().await.unwrap();
        assert_eq!(answer, (ContentType::ApplicationData, b"answer".to_vec()));
        let end = peer.next().await.unwrap();
        assert_eq!(end, (ContentType::Alert, vec![1, 0]));
        assert!(peer.next().await.is_none());
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_that_is_not_answered() {
    // Whatever its level, and also if nobody knows what it means.
    for alert in [[2, 40], [1, 40], [2, 20], [1, 255], [9, 9]] {
        for (mut ours, mut peer) in pairs().await {
            peer.give(23, b"before").await;
            peer.give(21, &alert).await;
            let mut got = Vec::new();
            let err = ours.read_to_end(&mut got).await.unwrap_err();
            assert!(err.to_string().contains("the peer ended"), "{err}");
            assert_eq!(got, b"before");
            assert!(ours.write_all(b"x").await.is_err());
            ours.shutdown().await.unwrap();
            drop(ours);
            assert!(peer.next().await.is_none());
        }
    }
}

#[tokio::test]
async fn a_cut_inside_a_record_or_message_is_an_error() {
    let message = [24, 0, 0, 1, 0];
    for cut in [1, 4, 5, 6, 20] {
        for (mut ours, mut peer) in pairs().await {
            let record = peer.record(23, b"some data");
            peer.far.write_all(&record[..cut]).await.unwrap();
            drop(peer);
            let err = ours.read_u8().await.unwrap_err();
            assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof);
            assert!(ours.read(&mut [0; 9]).await.is_err());
        }
    }
    for (mut ours, mut peer) in pairs().await {
        peer.give(22, &message[..3]).await;
        drop(peer);
        let err = ours.read_u8().await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof);
    }
}

/// What is read in pieces of `room` bytes, and the error behind it.
async fn read_by(ours: &mut Stream, room: usize) -> (Vec<u8>, io::Error) {
    let (mut got, mut piece) = (Vec::new(), vec![0; room]);
    loop {
        match ours.read(&mut piece).await {
            Ok(n) => got.extend_from_slice(&piece[..n]),
            Err(err) => return (got, err),
        }
    }
}

#[tokio::test]
async fn every_byte_comes_once_whatever_the_reader_takes_it_in() {
    let data = super::noise(100_000, 11);
    for room in [1, 7, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 300_000] {
        for (mut ours, mut peer) in pairs().await {
            let mut bytes = Vec::new();
            for part in data.chunks(9999) {
                bytes.append(&mut peer.record(23, part));
                bytes.append(&mut peer.record(23, b""));
            }
            bytes.append(&mut peer.record(21, &[2, 80]));
            peer.far.write_all(&bytes).await.unwrap();
            let (got, err) = read_by(&mut ours, room).await;
            assert!(got == data && err.kind() == io::ErrorKind::InvalidData);
        }
    }
}
