use std::net::{Ipv4Addr, SocketAddr};

use culvert_io::Peer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

fn noise(len: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn pair(room: usize) -> (CryptStream<DuplexStream>, CryptStream<DuplexStream>) {
    let key = Key::derive("secret");
    let (a, b) = tokio::io::duplex(room);
    (
        CryptStream::new(a, &key).unwrap(),
        CryptStream::new(b, &key).unwrap(),
    )
}

#[tokio::test]
async fn bulk_through_a_narrow_pipe_arrives_unchanged() {
    let (mut a, mut b) = pair(777);
    let data = noise(700_000);
    let send = async {
        a.write_all(&data).await.unwrap();
        a.shutdown().await.unwrap();
    };
    let mut got = Vec::new();
    let ((), read) = tokio::join!(send, b.read_to_end(&mut got));
    assert_eq!(read.unwrap(), data.len());
    assert!(got == data);
}

#[tokio::test]
async fn single_bytes_and_slices_go_both_ways() {
    let (mut a, mut b) = pair(64 * 1024);
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

#[tokio::test]
async fn nothing_leaves_before_the_first_byte() {
    let key = Key::derive("");
    let (a, mut raw) = tokio::io::duplex(1024);
    let mut a = CryptStream::new(a, &key).unwrap();
    a.flush().await.unwrap();
    a.write_all(b"x").await.unwrap();
    a.shutdown().await.unwrap();
    let mut got = Vec::new();
    raw.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), IV + 1);
}

#[tokio::test]
async fn end_before_or_inside_the_iv_is_an_end() {
    for bytes in [&b""[..], b"short iv"] {
        let (a, mut raw) = tokio::io::duplex(1024);
        let mut a = CryptStream::new(a, &Key::derive("")).unwrap();
        raw.write_all(bytes).await.unwrap();
        drop(raw);
        let mut got = Vec::new();
        assert_eq!(a.read_to_end(&mut got).await.unwrap(), 0);
    }
}

#[test]
fn debug_shows_no_key() {
    let (a, _b) = tokio::io::duplex(16);
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let stream = Stream::new(a, Peer::new(addr, addr, "memory"));
    let text = format!(
        "{:?}",
        CryptStream::new(stream, &Key::derive("hush")).unwrap()
    );
    assert_eq!(text, "CryptStream { pending: false, .. }");
}
