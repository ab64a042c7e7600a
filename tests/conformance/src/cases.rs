//! The cases; each takes a subject and answers what it did wrong.

pub(crate) mod accept;
pub(crate) mod bytes;
pub(crate) mod close;
pub(crate) mod streams;

use std::{future::Future, time::Duration};

use culvert_io::Stream;
use culvert_kit::{Error, Payload, Result, within};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A deadline for what takes milliseconds, generous enough for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A deadline for what moves many bytes through unoptimised code.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// The most bytes that one write or read of the suite moves.
const PIECE: usize = 64 * 1024;

/// Runs a case; none may wait for ever.
pub(crate) async fn case(
    what: &str,
    deadline: Duration,
    work: impl Future<Output = Result> + Send,
) -> Result {
    within(deadline, what, Box::pin(work)).await
}

/// Sends the first `len` bytes of the payload of `seed`.
pub(crate) async fn send(to: &mut (impl AsyncWrite + Unpin), seed: u64, len: usize) -> Result {
    let mut payload = Payload::new(seed);
    let sent = async {
        for start in (0..len).step_by(PIECE) {
            to.write_all(&payload.take(PIECE.min(len - start))).await?;
        }
        to.flush().await
    };
    sent.await.map_err(Error::io("send a payload"))
}

/// Receives and compares what [`send`] sends.
pub(crate) async fn receive(from: &mut (impl AsyncRead + Unpin), seed: u64, len: usize) -> Result {
    let mut payload = Payload::new(seed);
    let mut piece = vec![0; PIECE];
    for start in (0..len).step_by(PIECE) {
        piece.truncate(PIECE.min(len - start));
        let what = format!("receive after {start} of {len} bytes");
        from.read_exact(&mut piece).await.map_err(Error::io(what))?;
        if piece != payload.take(piece.len()) {
            return Err(Error::wrong(format!("bytes differ after {start}")));
        }
    }
    Ok(())
}

/// Sends and receives on both ends at once: `up` bytes from `a`, `down` bytes from `b`.
pub(crate) async fn exchange(a: &mut Stream, b: &mut Stream, up: usize, down: usize) -> Result {
    let (mut a_read, mut a_write) = tokio::io::split(a);
    let (mut b_read, mut b_write) = tokio::io::split(b);
    tokio::try_join!(
        send(&mut a_write, 1, up),
        receive(&mut b_read, 1, up),
        send(&mut b_write, 2, down),
        receive(&mut a_read, 2, down),
    )?;
    Ok(())
}

/// Waits for the end of a stream that should say nothing more; a reset is an end too.
pub(crate) async fn ends(stream: &mut Stream) -> Result {
    match stream.read(&mut [0; 1]).await {
        Ok(0) | Err(_) => Ok(()),
        Ok(_) => Err(Error::wrong("a stream that should end says something")),
    }
}

/// Waits for the orderly end of a stream.
pub(crate) async fn ends_well(stream: &mut Stream) -> Result {
    match stream.read(&mut [0; 1]).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::wrong("a stream that should end says something")),
        Err(err) => Err(Error::io("wait for the end of a stream")(err)),
    }
}
