//! What arrives in one piece with the end of the handshake: rustls must see nothing of it, as it
//! keeps some of what it says to that where nobody else can get at it.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use culvert_io::Stream;
use rustls::{ClientConnection, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{peer, plain_configs, stream};
use crate::{accept, server_name};

/// A server of ours that sends so many tickets, and a client of rustls whose last flight leaves with
/// what `work` makes, but for the last `cut` bytes, which come once the server has done its handshake.
async fn all_at_once(
    tickets: usize,
    cut: usize,
    work: impl FnOnce(&mut Connection),
) -> (Stream, Connection, DuplexStream) {
    let (mut server, client) = plain_configs();
    Arc::make_mut(&mut server).send_tls13_tickets = tickets;
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let name = server_name("localhost", false).unwrap();
    let mut conn = ClientConnection::new(client, name).unwrap().into();
    let client = async {
        let mut flight = peer::shake(&mut conn, &mut far).await;
        work(&mut conn);
        flight.append(&mut peer::said(&mut conn));
        let rest = flight.split_off(flight.len() - cut);
        far.write_all(&flight).await.unwrap();
        rest
    };
    let (stream, rest) = tokio::join!(accept(stream(near), &server), client);
    far.write_all(&rest).await.unwrap();
    (stream.unwrap(), conn, far)
}

#[tokio::test]
async fn a_key_update_behind_the_handshake_is_answered() {
    for tickets in 0..3 {
        for cut in [0, 10, 30] {
            let (mut server, mut client, mut far) = all_at_once(tickets, cut, |conn| {
                conn.refresh_traffic_keys().unwrap();
                conn.writer().write_all(b"a new key").unwrap();
            })
            .await;
            let mut got = [0; 9];
            server.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"a new key");
            server.write_all(b"answer").await.unwrap();
            server.shutdown().await.unwrap();
            let mut got = Vec::new();
            while got.len() < 6 {
                peer::take(&mut client, &mut far).await;
                // Not all may be there yet.
                let _end = client.reader().read_to_end(&mut got);
            }
            assert_eq!(got, b"answer");
        }
    }
}

#[tokio::test]
async fn data_and_an_end_behind_the_handshake_are_read() {
    for tickets in 0..3 {
        for cut in [0, 1, 24, 25, 5000, 30_000] {
            let (mut server, _client, _far) = all_at_once(tickets, cut, |conn| {
                conn.writer().write_all(&[7; 40_000]).unwrap();
                conn.send_close_notify();
            })
            .await;
            let mut got = Vec::new();
            server.read_to_end(&mut got).await.unwrap();
            assert!(got == [7; 40_000], "{cut}");
        }
    }
}
