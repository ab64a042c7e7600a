use std::{future::poll_fn, io::IoSlice, pin::Pin, task::Poll};

use rustls_pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::{configs_of, noise, pair, plain_configs, shake, tapped};

const MANY: usize = 64 * 1024 * 1024;

/// A running checksum; order matters.
fn mix(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |s, b| {
        s.rotate_left(5).wrapping_mul(31) ^ u64::from(*b)
    })
}

async fn send(io: &mut (impl AsyncWrite + Unpin), chunk: &[u8], total: usize) -> u64 {
    let (mut left, mut sum) = (total, 0);
    while left > 0 {
        let part = &chunk[..chunk.len().min(left)];
        io.write_all(part).await.unwrap();
        sum = mix(sum, part);
        left -= part.len();
    }
    io.flush().await.unwrap();
    sum
}

async fn receive(io: &mut (impl AsyncRead + Unpin), total: usize, room: usize) -> u64 {
    let (mut left, mut sum) = (total, 0);
    let mut buf = vec![0; room];
    while left > 0 {
        let n = io.read(&mut buf).await.unwrap();
        assert!(n > 0, "{left} bytes missing");
        sum = mix(sum, &buf[..n]);
        left -= n;
    }
    sum
}

#[tokio::test]
async fn sixty_four_mebibytes_each_way_at_once() {
    let (server, client) = pair(512 * 1024).await;
    let (mut sr, mut sw) = tokio::io::split(server);
    let (mut cr, mut cw) = tokio::io::split(client);
    let (up, down) = (noise(300_007, 1), noise(70_001, 2));
    let (a, b, c, d) = tokio::join!(
        send(&mut cw, &up, MANY),
        receive(&mut sr, MANY, 256 * 1024),
        send(&mut sw, &down, MANY),
        receive(&mut cr, MANY, 10_000),
    );
    assert_eq!((a, c), (b, d));
}

/// Each suite that can be agreed on, with keys that change all the time.
#[tokio::test]
async fn every_suite_of_tls_1_3_both_ways_with_key_updates() {
    let suites = rustls::crypto::ring::ALL_CIPHER_SUITES.iter();
    let suites: Vec<_> = suites.filter_map(|suite| suite.tls13()).collect();
    assert_eq!(suites.len(), 3);
    for suite in suites {
        let (server, client) = configs_of(suite, 5);
        let (server, client) = shake(&server, &client, "localhost", 100_000).await;
        let (mut sr, mut sw) = tokio::io::split(server.unwrap());
        let (mut cr, mut cw) = tokio::io::split(client.unwrap());
        let (up, down) = (noise(300_007, 6), noise(9001, 7));
        let total = 2 * 1024 * 1024;
        let (a, b, c, d) = tokio::join!(
            send(&mut cw, &up, total),
            receive(&mut sr, total, 256 * 1024),
            send(&mut sw, &down, total),
            receive(&mut cr, total, 10_000),
        );
        assert_eq!((a, c), (b, d));
    }
}

/// The client's first guess at the server's group for keys is wrong.
#[tokio::test]
async fn a_hello_that_has_to_be_repeated() {
    let (_, client) = plain_configs();
    let provider = rustls::crypto::CryptoProvider {
        kx_groups: vec![rustls::crypto::ring::kx_group::SECP384R1],
        ..rustls::crypto::ring::default_provider()
    };
    let identity = crate::identity::generate(&provider).unwrap();
    let mut server = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(std::sync::Arc::new(rustls::sign::SingleCertAndKey::from(
            identity,
        )));
    server.enable_secret_extraction = true;
    let (server, client) = shake(&server.into(), &client, "localhost", 100_000).await;
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    let data = noise(300_000, 8);
    let (a, b) = tokio::join!(
        send(&mut client, &data, data.len()),
        receive(&mut server, data.len(), 256 * 1024)
    );
    assert_eq!(a, b);
}

#[tokio::test]
async fn a_pipe_of_few_bytes_only_slows_it_down() {
    let (mut server, mut client) = pair(400).await;
    let data = noise(200_000, 3);
    let (a, b) = tokio::join!(
        send(&mut client, &data, data.len()),
        receive(&mut server, data.len(), 1000)
    );
    assert_eq!(a, b);
}

#[tokio::test]
async fn single_bytes_are_written_and_read() {
    let (mut server, mut client) = pair(64 * 1024).await;
    for i in 0..=255_u8 {
        client.write_all(&[i]).await.unwrap();
        client.flush().await.unwrap();
    }
    for i in 0..=255_u8 {
        assert_eq!(server.read_u8().await.unwrap(), i);
    }
}

#[tokio::test]
async fn many_slices_leave_in_one_call() {
    let (mut server, mut client) = pair(1024 * 1024).await;
    let parts: Vec<_> = [12, 0, 100_000, 1, 16_384, 40_000, 16_383, 3, 80_000]
        .iter()
        .map(|len| noise(*len, 9))
        .collect();
    let slices: Vec<_> = parts.iter().map(|p| IoSlice::new(p)).collect();
    let whole = parts.concat();
    assert_eq!(client.write_vectored(&slices).await.unwrap(), whole.len());
    client.flush().await.unwrap();
    let mut got = vec![0; whole.len()];
    server.read_exact(&mut got).await.unwrap();
    assert!(got == whole);
}

#[tokio::test]
async fn one_call_takes_no_more_than_a_batch() {
    let (_server, mut client) = pair(1024).await;
    let data = noise(1024 * 1024, 4);
    let n = poll_fn(|cx| Pin::new(&mut client).poll_write(cx, &data))
        .await
        .unwrap();
    assert_eq!(n, crate::seal::BATCH);
    let more = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_write(cx, &data))).await;
    assert!(more.is_pending());
}

#[tokio::test]
async fn each_direction_closes_alone() {
    let (mut server, mut client) = pair(64 * 1024).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    assert!(client.write_all(b"more").await.is_err());
    let mut got = Vec::new();
    server.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"question");
    server.write_all(b"answer").await.unwrap();
    server.shutdown().await.unwrap();
    got.clear();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"answer");
}

#[tokio::test]
async fn a_killed_peer_is_an_end_of_file() {
    let (server, mut client) = pair(64 * 1024).await;
    drop(server);
    let mut got = Vec::new();
    assert_eq!(client.read_to_end(&mut got).await.unwrap(), 0);
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer_and_both_tasks_can_wait() {
    let (server, mut client) = pair(64 * 1024).await;
    let (mut sr, mut sw) = tokio::io::split(server);
    let mut byte = [0];
    // A reader that waits does not keep the writer from writing.
    let reader = async {
        sr.read_exact(&mut byte).await.unwrap();
        byte[0]
    };
    let writer = async {
        sw.write_all(b"go").await.unwrap();
        sw.flush().await.unwrap();
        let mut got = [0; 2];
        client.read_exact(&mut got).await.unwrap();
        client.write_all(b"!").await.unwrap();
        client.flush().await.unwrap();
    };
    let (got, ()) = tokio::join!(reader, writer);
    assert_eq!(got, b'!');
}

#[tokio::test]
async fn tls_1_2_works_too() {
    let (server, _) = plain_configs();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(std::sync::Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(crate::verify::Unverified::new(
            &provider,
        )))
        .with_no_client_auth();
    let (server, client) = shake(
        &server,
        &std::sync::Arc::new(client),
        "localhost",
        64 * 1024,
    )
    .await;
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    let data = noise(3_000_000, 5);
    let (a, b) = tokio::join!(
        send(&mut client, &data, data.len()),
        receive(&mut server, data.len(), 256 * 1024)
    );
    assert_eq!(a, b);
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
}

/// The first bytes of the client ride in one segment with the end of its handshake.
#[tokio::test]
async fn plaintext_behind_the_handshake_is_not_lost() {
    let (server, client, mut wire) = tapped(64 * 1024).await;
    drop(wire);
    drop((server, client));
    // Now with the last flight held back until the first record is there too.
    let (sc, cc) = plain_configs();
    let (a, a2) = tokio::io::duplex(64 * 1024);
    let (b, b2) = tokio::io::duplex(64 * 1024);
    wire = [a2, b2];
    let [mut to_server, mut to_client] = wire;
    let name = crate::server_name("localhost", true).unwrap();
    let server = async {
        let mut s = crate::accept(super::stream(a), &sc).await.unwrap();
        let mut got = [0; 5];
        s.read_exact(&mut got).await.unwrap();
        got
    };
    let client = async {
        let mut c = crate::connect(super::stream(b), &cc, name).await.unwrap();
        c.write_all(b"first").await.unwrap();
        c.flush().await.unwrap();
        c
    };
    let middle = async {
        let mut buf = vec![0; 64 * 1024];
        let n = to_client.read(&mut buf).await.unwrap(); // ClientHello
        to_server.write_all(&buf[..n]).await.unwrap();
        let n = to_server.read(&mut buf).await.unwrap(); // server flight
        to_client.write_all(&buf[..n]).await.unwrap();
        // The client's flight and its first record, together.
        let mut all = Vec::new();
        while all.len() < 5 + 6 + 22 + 36 {
            let n = to_client.read(&mut buf).await.unwrap();
            all.extend_from_slice(&buf[..n]);
        }
        to_server.write_all(&all).await.unwrap();
        (to_server, to_client)
    };
    let (got, _client, _wire) = tokio::join!(server, client, middle);
    assert_eq!(&got, b"first");
}

/// Tickets in tiny records: rustls keeps pieces of a handshake message in our buffer while we
/// write, move the buffer and give it back.
#[tokio::test]
async fn a_handshake_message_in_pieces_survives_writes_in_between() {
    let identity = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(
        identity.signing_key.serialize_pem().as_bytes(),
    )
    .unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap();
    config.max_fragment_size = Some(40);
    config.send_tls13_tickets = 4;
    let (_, cc) = plain_configs();
    let (a, mut a2) = tokio::io::duplex(64 * 1024);
    let (b, mut b2) = tokio::io::duplex(64 * 1024);
    let config = std::sync::Arc::new(config);
    let name = crate::server_name("localhost", true).unwrap();
    let server = async {
        let mut s = crate::accept(super::stream(a), &config).await.unwrap();
        s.write_all(b"behind the tickets").await.unwrap();
        s.flush().await.unwrap();
        let mut got = vec![0; 1];
        while !got.ends_with(b"end") {
            got.push(s.read_u8().await.unwrap());
        }
        got.len()
    };
    let client = async {
        let mut c = crate::connect(super::stream(b), &cc, name).await.unwrap();
        let mut got = Vec::new();
        let mut turns = 0_usize;
        while got.len() < 18 {
            // One poll of each direction in turn.
            let mut byte = [0; 64];
            let mut room = ReadBuf::new(&mut byte);
            poll_fn(|cx| {
                let read = Pin::new(&mut c).poll_read(cx, &mut room);
                let write = Pin::new(&mut c).poll_write(cx, b"x");
                assert!(write.is_ready());
                turns += 1;
                read
            })
            .await
            .unwrap();
            got.extend_from_slice(room.filled());
        }
        c.write_all(b"end").await.unwrap();
        c.flush().await.unwrap();
        assert_eq!(got, b"behind the tickets");
        (turns, c)
    };
    let wire = async {
        // Byte by byte towards the client, as it comes towards the server.
        let (mut ar, mut aw) = tokio::io::split(&mut a2);
        let (mut br, mut bw) = tokio::io::split(&mut b2);
        let down = async {
            while let Ok(byte) = ar.read_u8().await {
                bw.write_u8(byte).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(down, async {
            tokio::io::copy(&mut br, &mut aw).await.unwrap()
        });
    };
    let both = async { tokio::join!(server, client) };
    let (got, (turns, _client)) = tokio::select! { got = both => got, () = wire => panic!() };
    assert!(got > 3 && turns > 100, "{got} {turns}");
}
