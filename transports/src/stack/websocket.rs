//! The websocket layer of a server, outside of TLS and inside of it.

use culvert_io::Stream;
use culvert_transport::Result;
use tokio::time::Instant;

/// Takes the request that `stream` begins with; the stream is then what the frames carry.
#[cfg(feature = "websocket")]
pub(super) async fn upgrade(stream: Stream, deadline: Instant) -> Result<Stream> {
    use culvert_transport::TransportError;

    super::server::by(
        deadline,
        "websocket handshake",
        culvert_websocket::accept(stream),
    )
    .await?
    .map_err(|err| TransportError::Layer {
        layer: "websocket",
        source: Box::new(err),
    })
}

/// Without the feature nobody is served.
#[cfg(not(feature = "websocket"))]
#[expect(
    clippy::unused_async,
    reason = "the same face with and without the feature"
)]
pub(super) async fn upgrade(_stream: Stream, _deadline: Instant) -> Result<Stream> {
    let text = "websocket is not supported by this build";
    Err(culvert_transport::TransportError::Refused(text.to_owned()))
}

/// Looks at what a client says after its TLS handshake: a wss client asks for the tunnel, and then
/// the frames are taken off here. Upstream needs a proxy in front for that (protocol 2.6). All
/// others get back what they said.
#[cfg(feature = "websocket")]
pub(super) async fn terminate(mut stream: Stream, deadline: Instant) -> Result<Stream> {
    use bytes::{Bytes, BytesMut};
    use tokio::io::AsyncReadExt;

    use super::server::by;

    const REQUEST: &[u8] = b"GET /~!frp";
    let (first, others) = (b'G', REQUEST.len() - 1);
    let what = "first bytes after the tls handshake";
    let seen = by(deadline, what, stream.read_u8()).await??;
    if seen != first {
        return Ok(stream.rewind(Bytes::copy_from_slice(&[seen])));
    }
    let mut head = BytesMut::zeroed(others);
    let mut filled = 0;
    while filled < others {
        let room = head.get_mut(filled..).unwrap_or_default();
        let n = by(deadline, what, stream.read(room)).await??;
        filled += n;
        let is_request = REQUEST.get(1..=filled) == head.get(..filled);
        if n == 0 || !is_request {
            break;
        }
    }
    head.truncate(filled);
    let whole: Bytes = [&[first], &*head].concat().into();
    let is_request = *whole == *REQUEST;
    let stream = stream.rewind(whole);
    if is_request {
        upgrade(stream, deadline).await
    } else {
        Ok(stream)
    }
}

/// Without the feature nobody is served.
#[cfg(not(feature = "websocket"))]
#[expect(
    clippy::unused_async,
    reason = "the same face with and without the feature"
)]
pub(super) async fn terminate(stream: Stream, _deadline: Instant) -> Result<Stream> {
    Ok(stream)
}
