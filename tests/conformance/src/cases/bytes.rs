//! Bytes arrive: all of them, in order, however they are written, and not more than fit.

use std::{io::IoSlice, time::Duration};

use culvert_io::Stream;
use culvert_kit::{Error, Payload, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{LONG, PIECE, SOON, case, exchange, receive};
use crate::{Subject, ends::Ends};

/// What is sent in bulk: long enough for every window and buffer to turn over many times.
const BULK: usize = 64 << 20;

/// More than this must never be under way to a reader that does not read; the largest windows of
/// a kernel and of a long fat network are well below.
const UNDER_WAY: usize = 64 << 20;

/// How long a write must hang to count as held back.
const STALL: Duration = Duration::from_secs(1);

/// Bytes come back from the other end, both ways at once.
///
/// # Errors
/// What the transport did wrong.
pub async fn echo(subject: Subject) -> Result {
    case("an echo", SOON, async {
        let mut ends = Ends::meet(&subject).await?;
        exchange(&mut ends.client, &mut ends.server, 100_000, 100_000).await
    })
    .await
}

/// 64 MiB one way arrive unchanged while 4 MiB go the other.
///
/// # Errors
/// What the transport did wrong.
pub async fn bulk(subject: Subject) -> Result {
    case("64 MiB", LONG, async {
        let mut ends = Ends::meet(&subject).await?;
        exchange(&mut ends.client, &mut ends.server, BULK, BULK / 16).await?;
        exchange(&mut ends.server, &mut ends.client, BULK / 4, 1).await
    })
    .await
}

/// Writes of one byte each, flushed, arrive in order.
///
/// # Errors
/// What the transport did wrong.
pub async fn one_byte_writes(subject: Subject) -> Result {
    const COUNT: usize = 2000;
    case("writes of one byte", LONG, async {
        let mut ends = Ends::meet(&subject).await?;
        let bytes = Payload::new(3).take(COUNT);
        let write = async {
            for byte in &bytes {
                ends.client.write_all(&[*byte]).await?;
                ends.client.flush().await?;
            }
            Ok(())
        };
        let write = async { write.await.map_err(Error::io("write one byte")) };
        tokio::try_join!(write, receive(&mut ends.server, 3, COUNT))?;
        Ok(())
    })
    .await
}

/// Several slices in one write arrive in order, whether the transport gathers them or not.
///
/// # Errors
/// What the transport did wrong.
pub async fn vectored_writes(subject: Subject) -> Result {
    const COUNT: usize = 300_000;
    case("vectored writes", LONG, async {
        let mut ends = Ends::meet(&subject).await?;
        let bytes = Payload::new(4).take(COUNT);
        let write = async {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(5000));
                let slices: Vec<_> = std::iter::once(IoSlice::new(&[]))
                    .chain(now.chunks(701).map(IoSlice::new))
                    .collect();
                match ends.client.write_vectored(&slices).await? {
                    0 => return Err(std::io::ErrorKind::WriteZero.into()),
                    n if n > now.len() => return Err(std::io::Error::other("wrote too much")),
                    n => rest = rest.get(n..).unwrap_or(later),
                }
            }
            ends.client.flush().await
        };
        let write = async { write.await.map_err(Error::io("write slices")) };
        tokio::try_join!(write, receive(&mut ends.server, 4, COUNT))?;
        Ok(())
    })
    .await
}

/// A reader that does not read holds the writer back, and loses nothing.
///
/// # Errors
/// What the transport did wrong.
pub async fn slow_reader(subject: Subject) -> Result {
    case("a slow reader", LONG, async {
        let mut ends = Ends::meet(&subject).await?;
        let mut accepted = 0;
        loop {
            let piece = pattern(accepted, PIECE);
            match tokio::time::timeout(STALL, ends.client.write(&piece)).await {
                Err(_held_back) => break,
                Ok(Ok(n)) if (1..=piece.len()).contains(&n) => accepted += n,
                Ok(end) => return Err(Error::wrong(format!("a write ended with {end:?}"))),
            }
            if accepted > UNDER_WAY {
                let text = format!("{accepted} bytes were taken for a reader that does not read");
                return Err(Error::wrong(text));
            }
        }
        let flush = async { ends.client.flush().await.map_err(Error::io("flush")) };
        tokio::try_join!(flush, receive_pattern(&mut ends.server, accepted))?;
        Ok(())
    })
    .await
}

/// Bytes that tell where in a stream they belong, whatever the pieces were.
fn pattern(from: usize, len: usize) -> Vec<u8> {
    let byte = |at: usize| {
        let [_, byte, ..] = (at as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .to_be_bytes();
        byte
    };
    (from..from + len).map(byte).collect()
}

async fn receive_pattern(from: &mut Stream, len: usize) -> Result {
    let mut piece = vec![0; PIECE];
    for start in (0..len).step_by(PIECE) {
        piece.truncate(PIECE.min(len - start));
        let what = format!("receive after {start} of {len} bytes");
        from.read_exact(&mut piece).await.map_err(Error::io(what))?;
        if piece != pattern(start, piece.len()) {
            return Err(Error::wrong(format!("bytes differ after {start}")));
        }
    }
    Ok(())
}
