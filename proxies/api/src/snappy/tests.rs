use std::io::{Read, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

use super::*;

/// A little random number generator, so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Bytes that compress well, badly, or somewhat.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let letters = [1, 3, 256][self.roll(3)];
        (0..len)
            .map(|_| u8::try_from(self.roll(letters)).unwrap())
            .collect()
    }
}

/// A carrier that takes and gives random amounts and is often not ready.
struct Choppy {
    inner: DuplexStream,
    dice: Dice,
}

impl Choppy {
    fn stalls(&mut self, cx: &Context<'_>) -> bool {
        let stall = self.dice.roll(3) == 0;
        if stall {
            cx.waker().wake_by_ref();
        }
        stall
    }
}

impl AsyncRead for Choppy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalls(cx) {
            return Poll::Pending;
        }
        let limit = 1 + self.dice.roll(700);
        let mut some = buf.take(limit);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut some))?;
        let n = some.filled().len();
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Choppy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.stalls(cx) {
            return Poll::Pending;
        }
        let n = buf.len().min(1 + self.dice.roll(700));
        Pin::new(&mut self.inner).poll_write(cx, &buf[..n])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stalls(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

async fn write_in_pieces(mut to: impl AsyncWrite + Unpin, plain: &[u8], dice: &mut Dice) {
    let mut rest = plain;
    while !rest.is_empty() {
        let piece = rest.len().min(1 + dice.roll(100_000));
        to.write_all(&rest[..piece]).await.unwrap();
        if dice.roll(2) == 0 {
            to.flush().await.unwrap();
        }
        rest = &rest[piece..];
    }
    to.shutdown().await.unwrap();
}

async fn read_in_pieces(mut from: impl AsyncRead + Unpin, dice: &mut Dice) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        let mut piece = vec![0; 1 + dice.roll(90_000)];
        match from.read(&mut piece).await.unwrap() {
            0 => return got,
            n => got.extend_from_slice(&piece[..n]),
        }
    }
}

/// What `SnappyStream` reads from these bytes before they end.
async fn decode(packed: &[u8]) -> io::Result<Vec<u8>> {
    let (mut far, near) = duplex(1 << 20);
    far.write_all(packed).await.unwrap();
    drop(far);
    let mut plain = Vec::new();
    SnappyStream::new(near)
        .read_to_end(&mut plain)
        .await
        .map(|_| plain)
}

#[tokio::test]
async fn any_split_of_writes_and_reads_comes_out_equal() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let len = dice.roll(300_000);
        let plain = dice.bytes(len);
        let (a, b) = duplex(1 + dice.roll(70_000));
        let a = SnappyStream::new(Choppy {
            inner: a,
            dice: Dice(seed + 1000),
        });
        let b = SnappyStream::new(Choppy {
            inner: b,
            dice: Dice(seed + 2000),
        });
        let (_, writer) = split(a);
        let mut other = Dice(seed + 3000);
        let (got, ()) = tokio::join!(
            read_in_pieces(b, &mut other),
            write_in_pieces(writer, &plain, &mut dice)
        );
        assert_eq!(got.len(), plain.len(), "seed {seed}");
        assert!(got == plain, "seed {seed}");
    }
}

#[tokio::test]
async fn each_write_is_on_the_wire_at_once() {
    let (near, mut far) = duplex(1 << 16);
    let mut stream = SnappyStream::new(near);
    // The vector of protocol 10, without a flush.
    for (plain, hex) in [
        ("hi", "ff060000734e615070590106000013d608566869"),
        ("yo", "010600008ee93c52796f"),
    ] {
        assert_eq!(stream.write(plain.as_bytes()).await.unwrap(), 2);
        let mut packed = vec![0; hex.len() / 2];
        far.read_exact(&mut packed).await.unwrap();
        let shown: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, hex);
    }
}

#[tokio::test]
async fn what_the_carrier_refuses_leaves_with_a_flush() {
    let (near, mut far) = duplex(16);
    let mut stream = SnappyStream::new(near);
    let plain = Dice(7).bytes(10_000);
    assert_eq!(stream.write(&plain).await.unwrap(), plain.len());
    let mut packed = Vec::new();
    let reader = async {
        far.read_to_end(&mut packed).await.unwrap();
    };
    let writer = async {
        stream.flush().await.unwrap();
        drop(stream);
    };
    tokio::join!(reader, writer);
    let mut got = Vec::new();
    snap::read::FrameDecoder::new(&packed[..])
        .read_to_end(&mut got)
        .unwrap();
    assert!(got == plain);
}

#[tokio::test]
async fn the_snap_crate_reads_what_we_write() {
    for (seed, len) in [(1, 0), (2, 1), (3, 65_536), (4, 65_537), (5, 1 << 20)] {
        let mut dice = Dice(seed);
        let plain = dice.bytes(len);
        let (near, mut far) = duplex(1 << 16);
        let mut packed = Vec::new();
        let reader = async {
            far.read_to_end(&mut packed).await.unwrap();
        };
        tokio::join!(
            reader,
            write_in_pieces(SnappyStream::new(near), &plain, &mut dice)
        );
        let mut got = Vec::new();
        snap::read::FrameDecoder::new(&packed[..])
            .read_to_end(&mut got)
            .unwrap();
        assert!(got == plain, "{len} bytes");
    }
}

#[tokio::test]
async fn we_read_what_the_snap_crate_writes() {
    for (seed, len) in [(1, 1), (2, 65_536), (3, 65_537), (4, 600_000)] {
        let plain = Dice(seed).bytes(len);
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(&plain).unwrap();
        let packed = encoder.into_inner().unwrap();
        assert!(decode(&packed).await.unwrap() == plain, "{len} bytes");
    }
}

#[tokio::test]
async fn an_end_between_chunks_is_the_end_and_inside_one_an_error() {
    let mut packed = BytesMut::new();
    let mut encoder = SnappyEncoder::new();
    encoder.write(b"hello hello hello", &mut packed).unwrap();
    let whole = packed.len();
    for cut in 0..whole {
        let end = decode(&packed[..cut]).await;
        if cut == 0 || cut == 10 {
            assert!(end.unwrap().is_empty(), "cut at {cut}");
        } else {
            assert_eq!(
                end.unwrap_err().kind(),
                io::ErrorKind::UnexpectedEof,
                "cut at {cut}"
            );
        }
    }
    assert_eq!(decode(&packed).await.unwrap(), b"hello hello hello");
    // A chunk to be skipped has an inside, too.
    packed.extend_from_slice(b"\xfe\x04\x00\x00\x00\x00");
    assert_eq!(
        decode(&packed).await.unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
}

#[tokio::test]
async fn bytes_out_of_format_are_refused_again_and_again() {
    let (mut far, near) = duplex(1 << 16);
    far.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut stream = SnappyStream::new(near);
    for _ in 0..3 {
        let error = stream.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn an_idle_stream_holds_no_buffer() {
    let (near, far) = duplex(1 << 20);
    let (mut near, mut far) = (SnappyStream::new(near), SnappyStream::new(far));
    let plain = Dice(3).bytes(200_000);
    let mut got = vec![0; plain.len()];
    let (wrote, read) = tokio::join!(near.write_all(&plain), far.read_exact(&mut got));
    wrote.unwrap();
    read.unwrap();
    assert!(got == plain);
    for buffer in [
        &near.writing.refused,
        &far.reading.packed,
        &far.reading.plain,
    ] {
        assert!(buffer.capacity() == 0);
    }
}
