//! One byte stream, whatever carries it.

mod counted;
mod watched;

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{Buffer, Datagrams, FastPaths, Meter, network::canonical, socket};

/// What a byte stream must do; every suitable type has it.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A stream whose bytes arrive and leave as owned chunks, so that a relay can pass them on
/// without a copy: a multiplexed stream keeps received slices, and sends a lent [`Buffer`] as it is.
///
/// Once `poll_shutdown` was answered, dropping the stream must neither reset it nor lose what was
/// submitted; `poll_shutdown` is called at most once by a relay.
pub trait ChunkIo: Io {
    /// The next received chunk, or `None` once the peer has finished.
    ///
    /// # Errors
    /// The carrier failed or the peer reset the stream.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>>;

    /// How many bytes [`submit`](Self::submit) takes right now; at least 1 when ready.
    ///
    /// # Errors
    /// The stream can no longer be written to.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>>;

    /// Sends `len` bytes that stand in `buffer` from [`Buffer::HEADROOM`] on. `len` must be at
    /// most what `poll_room` last answered; the bytes are queued and flushed without another call.
    ///
    /// # Errors
    /// The stream can no longer be written to, or `len` breaks the contract.
    fn submit(&mut self, buffer: Buffer, len: usize) -> io::Result<()>;

    /// Whether the peer has finished or reset the stream, though chunks from before may still
    /// wait. A relay asks when the other end accepts nothing for minutes; `false` if unknown.
    fn is_finished(&self) -> bool {
        false
    }

    /// Lets datagrams travel beside the stream; answers whether they do. Most carriers have none.
    fn open_datagrams(&mut self) -> bool {
        false
    }

    /// The datagrams beside the stream, if they were opened.
    fn datagrams(&self) -> Option<Arc<dyn Datagrams>> {
        None
    }

    /// Undoes [`open_datagrams`](Self::open_datagrams).
    fn close_datagrams(&mut self) {}
}

/// Where a stream comes from; kept through every wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The other end's address.
    pub addr: SocketAddr,
    /// Our own address on that connection.
    pub local: SocketAddr,
    /// The transport's name, as in `transport.protocol`.
    pub transport: &'static str,
}

impl Peer {
    /// A peer reached from `local` at `addr` through `transport`. IPv4 addresses that a socket for
    /// both families shows as IPv6 become IPv4 again, as Go shows them.
    #[must_use]
    pub const fn new(addr: SocketAddr, local: SocketAddr, transport: &'static str) -> Self {
        Self {
            addr: canonical(addr),
            local: canonical(local),
            transport,
        }
    }

    /// Whether the peer is on this host, so that no byte for it ever leaves it.
    fn is_here(&self) -> bool {
        self.addr.ip().is_loopback() || self.addr.ip() == self.local.ip()
    }
}

pub(crate) enum Carrier {
    Tcp(TcpStream),
    Chunks(Box<dyn ChunkIo>),
    Other(Box<dyn Io>),
}

impl Carrier {
    /// The carrier as a plain reader and writer.
    pub(crate) fn io(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Tcp(s) => Pin::new(s),
            Self::Chunks(s) => Pin::new(s.as_mut()),
            Self::Other(s) => Pin::new(s.as_mut()),
        }
    }
}

/// A byte stream as a value: bytes already seen, a carrier, and the peer it leads to.
///
/// The carrier stays visible where a fast path needs it: a raw TCP socket can be spliced, a chunk
/// stream passes slices on. Everything else is a boxed [`Io`].
pub struct Stream {
    pub(crate) prefix: Bytes,
    pub(crate) carrier: Carrier,
    /// Where a relay from here counts, if nobody else counts it.
    pub(crate) meter: Option<Arc<Meter>>,
    peer: Peer,
}

/// A TCP socket taken back out of a [`Stream`], with the bytes that were read but not delivered.
#[derive(Debug)]
pub struct RawTcp {
    /// The socket.
    pub socket: TcpStream,
    /// Bytes that came before what the socket will yield.
    pub prefix: Bytes,
    /// The peer.
    pub peer: Peer,
}

impl Stream {
    /// A stream on a TCP socket. To a peer on this host it sends unpaced
    /// ([`FastPath::Unpaced`](crate::FastPath::Unpaced)).
    #[must_use]
    pub fn tcp(socket: TcpStream, peer: Peer) -> Self {
        if peer.is_here() {
            socket::unpace(&socket, FastPaths::default());
        }
        Self {
            prefix: Bytes::new(),
            carrier: Carrier::Tcp(socket),
            meter: None,
            peer,
        }
    }

    /// A stream on the connected socket of a user or a service at `addr`, which sends without
    /// delay.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn connected(socket: TcpStream, addr: SocketAddr) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let peer = Peer::new(addr, socket.local_addr()?, "tcp");
        Ok(Self::tcp(socket, peer))
    }

    /// A stream on anything that reads and writes.
    #[must_use]
    pub fn new(io: impl Io, peer: Peer) -> Self {
        Self {
            prefix: Bytes::new(),
            carrier: Carrier::Other(Box::new(io)),
            meter: None,
            peer,
        }
    }

    /// A stream on a carrier that passes owned chunks.
    #[must_use]
    pub fn chunks(io: impl ChunkIo, peer: Peer) -> Self {
        Self {
            prefix: Bytes::new(),
            carrier: Carrier::Chunks(Box::new(io)),
            meter: None,
            peer,
        }
    }

    /// Puts bytes back that were read ahead; they are the next to be read.
    #[must_use]
    pub fn rewind(mut self, seen: Bytes) -> Self {
        self.prefix = if self.prefix.is_empty() {
            seen
        } else {
            [seen, self.prefix].concat().into()
        };
        self
    }

    /// Wraps this stream in another layer and keeps the peer.
    #[must_use]
    pub fn map<T: Io>(self, wrap: impl FnOnce(Self) -> T) -> Self {
        let peer = self.peer;
        Self::new(wrap(self), peer)
    }

    /// The same stream as one of another transport, which is built on the first.
    #[must_use]
    pub const fn named(mut self, transport: &'static str) -> Self {
        self.peer.transport = transport;
        self
    }

    /// The same stream, said to lead to `peer`: a server's work connection leads to its user.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = peer;
        self
    }

    /// The same stream; a relay that has it as its user counts into `meter`, unless it is told
    /// another one. Layers that are put around it do not know of this.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Where what comes from this stream is counted, see [`metered`](Self::metered).
    #[must_use]
    pub const fn meter(&self) -> Option<&Arc<Meter>> {
        self.meter.as_ref()
    }

    /// Where the stream leads to.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Moves a bare TCP socket to the event queue of the runtime that this is called on; other
    /// carriers stay as they are. For sockets accepted on one lane and served on another.
    ///
    /// # Errors
    /// The system refuses to watch the socket; the stream is gone then.
    pub fn adopt(self) -> io::Result<Self> {
        let carrier = match self.carrier {
            Carrier::Tcp(socket) => Carrier::Tcp(TcpStream::from_std(socket.into_std()?)?),
            carrier => carrier,
        };
        Ok(Self { carrier, ..self })
    }

    /// The raw socket, if nothing is wrapped around it.
    ///
    /// # Errors
    /// The stream itself when its carrier is not a bare TCP socket.
    #[expect(
        clippy::result_large_err,
        reason = "the stream is handed back, not an error to carry"
    )]
    pub fn into_raw_tcp(self) -> Result<RawTcp, Self> {
        match self.carrier {
            Carrier::Tcp(socket) => Ok(RawTcp {
                socket,
                prefix: self.prefix,
                peer: self.peer,
            }),
            carrier => Err(Self { carrier, ..self }),
        }
    }
}

impl From<RawTcp> for Stream {
    fn from(raw: RawTcp) -> Self {
        Self {
            prefix: raw.prefix,
            carrier: Carrier::Tcp(raw.socket),
            meter: None,
            peer: raw.peer,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let n = self.prefix.len().min(buf.remaining());
            buf.put_slice(&self.prefix.split_to(n));
            return Poll::Ready(Ok(()));
        }
        self.carrier.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.carrier.io().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.carrier.io().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.carrier {
            Carrier::Tcp(s) => s.is_write_vectored(),
            Carrier::Chunks(s) => s.is_write_vectored(),
            Carrier::Other(s) => s.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier.io().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier.io().poll_shutdown(cx)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let carrier = match self.carrier {
            Carrier::Tcp(_) => "tcp",
            Carrier::Chunks(_) => "chunks",
            Carrier::Other(_) => "other",
        };
        f.debug_struct("Stream")
            .field("peer", &self.peer)
            .field("carrier", &carrier)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
