//! Bytes of the stream to frames: masked copies in a lent buffer, or the writer's own memory.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Stream};
use tokio::io::AsyncWrite;

use crate::{Head, Header, Kind, Mask, Role, frame::LONGEST};

/// Most payload of one frame: what a lent buffer holds, and a mux writes at once.
const MOST: usize = Buffer::LARGE;
/// Slices that are handed on at once, the header included.
const SLICES: usize = 8;

const _: () = assert!(
    LONGEST <= Buffer::HEADROOM,
    "a header must fit in front of a payload"
);

/// What has to leave.
#[derive(Debug)]
pub(crate) struct Output {
    role: Role,
    keys: Keys,
    /// Whole frames.
    sealed: Option<Sealed>,
    /// A server's frame of data whose payload is the writers' own memory.
    open: Option<Open>,
    pong: Option<Vec<u8>>,
    closed: bool,
}

/// A frame in a lent buffer.
#[derive(Debug)]
struct Sealed {
    buffer: Buffer,
    sent: usize,
    end: usize,
}

/// A frame that was begun: the rest of its header, and payload that was announced.
#[derive(Debug)]
struct Open {
    head: Head,
    sent: usize,
    left: usize,
}

/// Masking keys, fetched from the system several at a time. They must be hard to guess
/// (RFC 6455, section 5.3).
#[derive(Debug, Default)]
struct Keys {
    random: [[u8; 4]; 16],
    left: usize,
}

impl Keys {
    fn next(&mut self) -> io::Result<[u8; 4]> {
        if self.left == 0 {
            getrandom::fill(self.random.as_flattened_mut()).map_err(io::Error::other)?;
            self.left = self.random.len();
        }
        self.left -= 1;
        Ok(self.random.get(self.left).copied().unwrap_or_default())
    }
}

impl Output {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            keys: Keys::default(),
            sealed: None,
            open: None,
            pong: None,
            closed: false,
        }
    }

    /// Queues an answer to a ping; the last one wins, so a flood of them costs one.
    pub(crate) fn pong(&mut self, payload: Vec<u8>) {
        if !self.closed {
            self.pong = Some(payload);
        }
    }

    /// Queues the close frame, unless one was queued or a frame of data is cut short.
    pub(crate) fn close(&mut self, code: u16) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.closed = true;
        self.pong = None;
        if self.open.is_none() && self.sealed.is_none() {
            self.seal(Kind::Close, &[IoSlice::new(&code.to_be_bytes())])?;
        }
        Ok(())
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether something has to leave that no writer may come to send.
    pub(crate) const fn has_news(&self) -> bool {
        self.pong.is_some() || self.sealed.is_some()
    }

    /// Sends whole frames until none are left; then the pong, if no frame of data is open.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
    ) -> Poll<io::Result<()>> {
        loop {
            while let Some(sealed) = &mut self.sealed {
                let rest = sealed.buffer.as_ref().get(sealed.sent..sealed.end);
                let rest = rest.unwrap_or_default();
                if rest.is_empty() {
                    self.sealed = None;
                    break;
                }
                let n = ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
                if n == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                sealed.sent += n;
            }
            if self.open.is_some() {
                return Poll::Ready(Ok(()));
            }
            let Some(pong) = self.pong.take() else {
                return Poll::Ready(Ok(()));
            };
            self.seal(Kind::Pong, &[IoSlice::new(&pong)])?;
        }
    }

    /// Makes one frame of a write and sends what can be sent; answers how much of it was taken.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx, stream))?;
        if self.role == Role::Server {
            return self.poll_own(cx, stream, bufs);
        }
        let n = self.seal(Kind::Data, bufs)?;
        match self.poll_drain(cx, stream) {
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(n)),
        }
    }

    /// Copies a frame into a lent buffer, masked in the client's role; answers how much of the
    /// payload fitted.
    fn seal(&mut self, kind: Kind, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total = total(bufs);
        let mut buffer = if total <= Buffer::SMALL {
            Buffer::small()
        } else {
            Buffer::large()
        };
        let key = match self.role {
            Role::Client => Some(self.keys.next()?),
            Role::Server => None,
        };
        let mut mask = Mask::new(key.unwrap_or_default());
        let mut rest = buffer.payload_mut();
        let mut len = 0;
        for slice in bufs {
            let n = mask.copy(slice, rest);
            rest = rest.get_mut(n..).unwrap_or_default();
            len += n;
        }
        let head = Header {
            kind,
            len: u64::try_from(len).map_err(io::Error::other)?,
            key,
        }
        .encode();
        let start = Buffer::HEADROOM.saturating_sub(head.as_ref().len());
        if let Some(room) = buffer.all_mut().get_mut(start..Buffer::HEADROOM) {
            room.copy_from_slice(head.as_ref());
        }
        self.sealed = Some(Sealed {
            buffer,
            sent: start,
            end: Buffer::HEADROOM + len,
        });
        Ok(len)
    }

    /// Sends payload from where it lies, behind its header. A frame that was announced is filled
    /// by whatever the writer brings next, as the stream has no borders.
    fn poll_own(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let open = match &mut self.open {
                Some(open) => open,
                None => self.open.insert(Open::new(total(bufs))?),
            };
            let n = ready!(open.poll_send(cx, stream, bufs))?;
            if open.left == 0 {
                self.open = None;
            }
            if n > 0 {
                return Poll::Ready(Ok(n));
            }
        }
    }
}

impl Open {
    fn new(left: usize) -> io::Result<Self> {
        let header = Header {
            kind: Kind::Data,
            len: u64::try_from(left).map_err(io::Error::other)?,
            key: None,
        };
        Ok(Self {
            head: header.encode(),
            sent: 0,
            left,
        })
    }

    /// One write of header and payload; answers how much of the payload left.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let head = self.head.as_ref().get(self.sent..).unwrap_or_default();
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let mut left = self.left;
        let pieces = std::iter::once(head).chain(bufs.iter().map(|b| &**b));
        for (slot, (at, piece)) in slices
            .iter_mut()
            .zip(pieces.enumerate().filter(|(_, p)| !p.is_empty()))
        {
            let piece = match at {
                0 => piece,
                _ => piece.get(..piece.len().min(left)).unwrap_or_default(),
            };
            if at > 0 {
                left -= piece.len();
            }
            *slot = IoSlice::new(piece);
            used += 1;
        }
        let slices = slices.get(..used).unwrap_or_default();
        let n = ready!(Pin::new(stream).poll_write_vectored(cx, slices))?;
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let of_head = n.min(head.len());
        self.sent += of_head;
        self.left = self.left.saturating_sub(n - of_head);
        Poll::Ready(Ok(n - of_head))
    }
}

/// How much payload a frame made of these has.
fn total(bufs: &[IoSlice<'_>]) -> usize {
    let sum = bufs.iter().fold(0, |n: usize, b| n.saturating_add(b.len()));
    sum.min(MOST)
}
