use culvert_wire::{
    Token,
    v2::{Algorithm, Sealer},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

const BOTH: [Algorithm; 2] = [Algorithm::Aes256Gcm, Algorithm::XChaCha20Poly1305];

fn noise(len: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn keys(algorithm: Algorithm) -> (AeadKeys, AeadKeys) {
    let token = Token::new("token");
    (
        AeadKeys::client(&token, &[4; 32], algorithm).unwrap(),
        AeadKeys::server(&token, &[4; 32], algorithm).unwrap(),
    )
}

fn pair(algorithm: Algorithm, room: usize) -> (AeadStream<DuplexStream>, AeadStream<DuplexStream>) {
    let (client, server) = keys(algorithm);
    let (a, b) = tokio::io::duplex(room);
    (
        AeadStream::new(a, &client).unwrap(),
        AeadStream::new(b, &server).unwrap(),
    )
}

/// Everything that `writes` become on the wire.
async fn sealed(algorithm: Algorithm, writes: &[&[u8]]) -> Vec<u8> {
    let (a, mut raw) = tokio::io::duplex(1 << 20);
    let mut a = AeadStream::new(a, &keys(algorithm).0).unwrap();
    for plain in writes {
        a.write_all(plain).await.unwrap();
    }
    a.shutdown().await.unwrap();
    let mut wire = Vec::new();
    raw.read_to_end(&mut wire).await.unwrap();
    wire
}

/// What a server reads of `wire`, and how that ends.
async fn opened(algorithm: Algorithm, wire: &[u8]) -> (Vec<u8>, io::Result<()>) {
    let (b, mut raw) = tokio::io::duplex(1 << 20);
    let mut b = AeadStream::new(b, &keys(algorithm).1).unwrap();
    raw.write_all(wire).await.unwrap();
    drop(raw);
    let mut plain = Vec::new();
    let end = b.read_to_end(&mut plain).await.map(drop);
    (plain, end)
}

#[tokio::test]
async fn bulk_through_a_narrow_pipe_arrives_unchanged() {
    for algorithm in BOTH {
        let (mut a, mut b) = pair(algorithm, 777);
        let data = noise(700_000);
        let send = async {
            a.write_all(&data).await.unwrap();
            a.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let ((), read) = tokio::join!(send, b.read_to_end(&mut got));
        assert_eq!(read.unwrap(), data.len());
        assert!(got == data);
        assert!(
            a.pending.is_none() && b.cipher.held.is_none(),
            "buffers are back"
        );
    }
}

#[tokio::test]
async fn single_bytes_and_slices_go_both_ways() {
    for algorithm in BOTH {
        let (mut a, mut b) = pair(algorithm, 64 * 1024);
        for byte in b"one by one" {
            a.write_all(&[*byte]).await.unwrap();
        }
        a.flush().await.unwrap();
        let mut got = [0; 10];
        for place in &mut got {
            *place = b.read_u8().await.unwrap();
        }
        assert_eq!(&got, b"one by one");
        let slices = [IoSlice::new(b"he"), IoSlice::new(b""), IoSlice::new(b"llo")];
        assert_eq!(b.write_vectored(&slices).await.unwrap(), 5);
        b.flush().await.unwrap();
        let mut got = [0; 5];
        a.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"hello");
    }
}

#[tokio::test]
async fn a_write_is_one_record_up_to_its_limit() {
    for algorithm in BOTH {
        let nonce = algorithm.nonce();
        assert_eq!(sealed(algorithm, &[]).await, b"");
        let wire = sealed(algorithm, &[b"x", b"", b"yz"]).await;
        assert_eq!(wire.len(), nonce + 3 + 2 * Sealer::OVERHEAD);
        let largest = noise(RECORD_PLAIN + 1);
        let wire = sealed(algorithm, &[&largest]).await;
        assert_eq!(wire.len(), nonce + largest.len() + 2 * Sealer::OVERHEAD);
        let (plain, end) = opened(algorithm, &wire).await;
        end.unwrap();
        assert!(plain == largest);
    }
}

#[tokio::test]
async fn an_end_is_one_between_records_only() {
    for algorithm in BOTH {
        let wire = sealed(algorithm, &[b"one", b"two"]).await;
        let nonce = algorithm.nonce();
        let record = Sealer::OVERHEAD + 3;
        for n in 0..=wire.len() {
            let (plain, end) = opened(algorithm, &wire[..n]).await;
            let whole = n.saturating_sub(nonce) / record;
            assert_eq!(plain, b"onetwo"[..3 * whole], "{n}");
            let clean = n == 0 || (n >= nonce && (n - nonce).is_multiple_of(record));
            assert_eq!(end.is_ok(), clean, "{n}");
        }
    }
}

#[tokio::test]
async fn a_changed_record_ends_the_stream_and_gives_nothing_away() {
    for algorithm in BOTH {
        let mut wire = sealed(algorithm, &[b"one", b"two"]).await;
        let at = wire.len() - 1;
        wire[at] ^= 1;
        let (plain, end) = opened(algorithm, &wire).await;
        assert_eq!(plain, b"one");
        let error = end.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let text = error.to_string();
        assert_eq!(text, "broken control cipher: a record is not authentic");
    }
}

#[tokio::test]
async fn an_idle_stream_keeps_no_buffer() {
    let (mut a, mut b) = pair(Algorithm::Aes256Gcm, 1024);
    let mut byte = [0; 1];
    let idle = tokio::time::timeout(std::time::Duration::ZERO, b.read(&mut byte)).await;
    assert!(idle.is_err());
    assert!(b.cipher.held.is_none());
    a.write_all(b"xy").await.unwrap();
    assert_eq!(b.read(&mut byte).await.unwrap(), 1);
    assert!(b.cipher.held.is_some(), "one byte is still to be delivered");
    assert_eq!(b.read(&mut byte).await.unwrap(), 1);
    assert!(b.cipher.held.is_none());
}

#[test]
fn debug_shows_no_key() {
    let (a, _b) = pair(Algorithm::Aes256Gcm, 16);
    assert_eq!(
        format!("{a:?}"),
        "AeadStream { sealer: Sealer { nonce_sent: false, broken: None, .. }, \
         opener: Opener { algorithm: Aes256Gcm, nonce_seen: false, broken: None, .. }, \
         pending: false, held: false, .. }"
    );
}
