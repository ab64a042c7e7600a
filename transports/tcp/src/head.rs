//! Reading the head of an HTTP message off a stream: no more than a bound, and nothing is lost
//! that comes behind it.

use std::io;

use bytes::{Bytes, BytesMut};
use culvert_io::Stream;
use tokio::io::AsyncReadExt;

/// A head could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer closed the connection first.
    #[error("the connection was closed before the head of the http message was complete")]
    Closed,
    /// The head has more bytes than it may have.
    #[error("the head of the http message is longer than {0} bytes")]
    TooLong(usize),
    /// The connection failed.
    #[error("connection failed")]
    Io(#[from] io::Error),
}

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";
/// Room for the usual head.
const USUAL: usize = 1024;

/// Reads up to and with the empty line, at most `most` bytes; answers the head and the stream,
/// which begins with what came behind it. Give it a deadline.
///
/// *Cancel safety*: the stream is dropped with the future.
///
/// # Errors
/// The head is too long, or the connection ends or fails.
pub async fn read_head(mut stream: Stream, most: usize) -> Result<(Bytes, Stream), HeadError> {
    let mut bytes = BytesMut::with_capacity(USUAL.min(most));
    let mut searched = 0;
    loop {
        if let Some(end) = end_of_head(&bytes, searched) {
            if end > most {
                return Err(HeadError::TooLong(most));
            }
            let head = bytes.split_to(end).freeze();
            let stream = if bytes.is_empty() {
                stream
            } else {
                stream.rewind(bytes.freeze())
            };
            return Ok((head, stream));
        }
        searched = bytes.len();
        if searched >= most {
            return Err(HeadError::TooLong(most));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(HeadError::Closed);
        }
    }
}

/// Where the head ends, if its end is there; the first `searched` bytes have no end.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(END.len() - 1);
    let at = bytes
        .get(from..)?
        .windows(END.len())
        .position(|w| w == END)?;
    Some(from + at + END.len())
}

#[cfg(test)]
mod tests {
    use culvert_io::Peer;
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn read(pieces: &[&[u8]], most: usize) -> Result<(Bytes, Vec<u8>), HeadError> {
        let (mut far, near) = tokio::io::duplex(64 * 1024);
        let addr = "127.0.0.1:1".parse().unwrap();
        let near = Stream::new(near, Peer::new(addr, addr, "test"));
        let write = async {
            for piece in pieces {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let (read, ()) = tokio::join!(read_head(near, most), write);
        let (head, mut stream) = read?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        Ok((head, rest))
    }

    #[tokio::test]
    async fn what_comes_behind_the_head_stays() {
        let whole = b"A\r\nB: c\r\n\r\nrest\r\n\r\n";
        for cut in 0..whole.len() {
            let (a, b) = whole.split_at(cut);
            let (head, rest) = read(&[a, b], 100).await.unwrap();
            assert_eq!(&*head, b"A\r\nB: c\r\n\r\n");
            assert_eq!(rest, b"rest\r\n\r\n");
        }
    }

    #[tokio::test]
    async fn heads_that_are_long_or_cut_short() {
        let long = [b'x'; 5000];
        assert!(matches!(
            read(&[&long], 4096).await,
            Err(HeadError::TooLong(4096))
        ));
        assert!(matches!(
            read(&[b"\r\n\r"], 4096).await,
            Err(HeadError::Closed)
        ));
        assert!(matches!(read(&[], 4096).await, Err(HeadError::Closed)));
    }
}
