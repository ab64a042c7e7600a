//! The handshake in either role, over an asynchronous stream.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{FastPath, FastPaths, Stream};
use tokio::io::AsyncWrite;

use crate::{
    TlsError,
    engine::{Engine, Shaken},
    role::Role,
    stream::TlsStream,
};

/// Runs the handshake of `conn` over `stream` to its end. `extracts` says whether the settings of
/// `conn` let it give its keys away.
pub(crate) async fn handshake<R: Role>(
    mut stream: Stream,
    conn: R,
    extracts: bool,
) -> Result<Stream, TlsError> {
    let mut engine = Engine::new(conn);
    poll_fn(|cx| poll(cx, &mut engine, &mut stream)).await?;
    let peer = *stream.peer();
    if extracts && engine.gives_way() && FastPaths::default().takes(FastPath::Records) {
        let (records, early) = engine.into_records().map_err(TlsError::from_rustls)?;
        return Ok(Stream::new(TlsStream::new(stream, records), peer).rewind(early.into()));
    }
    engine.input.rest();
    Ok(Stream::new(TlsStream::new(stream, engine), peer))
}

fn poll<R: Role>(
    cx: &mut Context<'_>,
    engine: &mut Engine<R>,
    stream: &mut Stream,
) -> Poll<Result<(), TlsError>> {
    loop {
        let shaken = match engine.shake() {
            Ok(shaken) => shaken,
            Err(err) => {
                // The peer is told why, if that takes no waiting.
                if let Poll::Ready(Ok(())) = engine.output.poll_drain(cx, stream) {
                    let _told = Pin::new(&mut *stream).poll_flush(cx);
                }
                return Poll::Ready(Err(TlsError::from_rustls(err)));
            }
        };
        ready!(engine.output.poll_drain(cx, stream))?;
        ready!(Pin::new(&mut *stream).poll_flush(cx))?;
        if shaken == Shaken::Done {
            return Poll::Ready(Ok(()));
        }
        if ready!(engine.input.poll_fill(cx, stream))? == 0 {
            return Poll::Ready(Err(TlsError::Closed));
        }
    }
}
