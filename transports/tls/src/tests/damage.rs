use std::{io, sync::Arc};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{noise, plain_configs, stream, tapped, tapped_with};
use crate::{TlsError, accept, connect, server_name};

/// What a role makes of `bytes` instead of a handshake.
async fn server_gets(bytes: &[u8]) -> TlsError {
    let (server, _) = plain_configs();
    let (a, mut raw) = tokio::io::duplex(1024 * 1024);
    raw.write_all(bytes).await.unwrap();
    raw.shutdown().await.unwrap();
    accept(stream(a), &server).await.unwrap_err()
}

async fn client_gets(bytes: &[u8]) -> TlsError {
    let (_, client) = plain_configs();
    let (a, mut raw) = tokio::io::duplex(1024 * 1024);
    raw.write_all(bytes).await.unwrap();
    raw.shutdown().await.unwrap();
    connect(stream(a), &client, server_name("x", true).unwrap())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn garbage_instead_of_a_handshake() {
    for seed in 0..200 {
        let bytes = noise(500, seed * 7 + 3);
        server_gets(&bytes).await;
        client_gets(&bytes).await;
        // A plausible record header in front.
        let record = [&[0x16, 3, 1, 1, 0xef][..], &bytes].concat();
        server_gets(&record).await;
        client_gets(&record).await;
    }
}

#[tokio::test]
async fn an_end_in_the_middle_of_the_handshake() {
    let (_, client) = plain_configs();
    let (a, mut raw) = tokio::io::duplex(64 * 1024);
    let hello = async {
        let mut hello = vec![0; 4096];
        let n = raw.read(&mut hello).await.unwrap();
        drop(raw);
        hello.truncate(n);
        hello
    };
    let name = server_name("x", true).unwrap();
    let (hello, failed) = tokio::join!(hello, connect(stream(a), &client, name));
    assert!(matches!(failed, Err(TlsError::Closed)), "{failed:?}");
    for cut in 0..hello.len() {
        let err = server_gets(&hello[..cut]).await;
        assert!(matches!(err, TlsError::Closed), "{cut}: {err:?}");
    }
}

#[tokio::test]
async fn oversized_records_and_messages_are_refused() {
    let huge = [&[0x16, 3, 1, 0xff, 0xff][..], &vec![0; 70_000]].concat();
    assert!(matches!(server_gets(&huge).await, TlsError::Protocol(_)));
    assert!(matches!(client_gets(&huge).await, TlsError::Protocol(_)));
    // A handshake message that says it is 16 MiB long.
    let mut long = vec![];
    for i in 0..64_u8 {
        long.extend_from_slice(&[0x16, 3, 1, 0x40, 0]);
        long.extend_from_slice(&[1, 0xff, 0xff, if i == 0 { 0xff } else { 0 }]);
        long.extend_from_slice(&[0; 0x4000 - 4]);
    }
    assert!(matches!(
        server_gets(&long[..1024 * 1024]).await,
        TlsError::Protocol(_)
    ));
}

#[tokio::test]
async fn a_changed_byte_is_an_error_and_the_peer_hears_of_it() {
    let (mut server, mut client, [mut to_server, mut to_client]) = tapped(64 * 1024).await;
    client.write_all(b"some secret").await.unwrap();
    client.flush().await.unwrap();
    let mut record = vec![0; 1024];
    let n = to_client.read(&mut record).await.unwrap();
    record[n - 1] ^= 1;
    to_server.write_all(&record[..n]).await.unwrap();
    let err = server.read_u8().await.unwrap_err();
    assert_eq!(err.kind(), io::ErrorKind::InvalidData);
    // Again, and in the other direction: no panic, the same error.
    assert!(server.read_u8().await.is_err());
    assert!(server.write_all(b"x").await.is_err());
    let n = to_server.read(&mut record).await.unwrap();
    to_client.write_all(&record[..n]).await.unwrap();
    let err = client.read_u8().await.unwrap_err();
    assert!(err.to_string().contains("the peer ended"), "{err}");
}

#[tokio::test]
async fn a_record_cut_off_is_an_error() {
    let (mut server, mut client, [mut to_server, mut to_client]) = tapped(64 * 1024).await;
    client.write_all(b"some secret").await.unwrap();
    client.flush().await.unwrap();
    let mut record = vec![0; 1024];
    let n = to_client.read(&mut record).await.unwrap();
    to_server.write_all(&record[..n - 1]).await.unwrap();
    drop(to_server);
    let err = server.read_u8().await.unwrap_err();
    assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn garbage_after_the_handshake() {
    for seed in 0..50 {
        let (mut server, _client, [mut to_server, _to_client]) = tapped(64 * 1024).await;
        let mut bytes = noise(300, seed * 3 + 1);
        if seed % 2 == 0 {
            bytes[..5].copy_from_slice(&[0x17, 3, 3, 0, 200]);
        }
        to_server.write_all(&bytes).await.unwrap();
        drop(to_server);
        assert!(server.read_u8().await.is_err());
    }
}

#[tokio::test]
async fn what_came_before_a_damaged_record_is_read_first() {
    // The records are opened by ourselves, and by rustls.
    for extracts in [true, false] {
        let (server, mut client) = plain_configs();
        Arc::make_mut(&mut client).enable_secret_extraction = extracts;
        let (mut server, mut client, [mut out, mut into]) =
            tapped_with(&server, &client, 1024 * 1024).await;
        server.write_all(&[7; 40_000]).await.unwrap();
        server.flush().await.unwrap();
        let mut wire = vec![0; 100_000];
        let len = out.read(&mut wire).await.unwrap();
        wire[len - 1] ^= 1;
        into.write_all(&wire[..len]).await.unwrap();
        let mut got = Vec::new();
        let err = client.read_to_end(&mut got).await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidData);
        assert!(got == [7; 2 * 16 * 1024], "{} bytes", got.len());
    }
}
