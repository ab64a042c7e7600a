//! Ciphertext that has arrived: a large lent buffer while there is traffic, nothing while idle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use culvert_io::{Buffer, Stream};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes of a record's header: type, version, length (RFC 8446, 5.1).
const HEADER: usize = 5;

/// Received bytes that rustls has not consumed.
///
/// A part of them may have been *seen*: rustls keeps a handshake message that is spread over
/// several records in this buffer until it is complete, and must be shown those bytes again.
#[derive(Debug, Default)]
pub(crate) struct Input {
    lent: Option<Buffer>,
    /// The rest of a record, kept while the buffer is given back.
    stash: Vec<u8>,
    start: usize,
    end: usize,
    seen: usize,
}

impl Input {
    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn bytes(&self) -> &[u8] {
        self.lent.as_ref().map_or(&*self.stash, Buffer::payload)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.lent {
            Some(buffer) => buffer.payload_mut(),
            None => &mut self.stash,
        }
    }

    /// Everything not consumed.
    pub(crate) fn all(&mut self) -> &mut [u8] {
        let range = self.start..self.end;
        self.bytes_mut().get_mut(range).unwrap_or_default()
    }

    /// Only what rustls has looked at before, so that it cannot find another record.
    pub(crate) fn seen(&mut self) -> &mut [u8] {
        let range = self.start..self.seen;
        self.bytes_mut().get_mut(range).unwrap_or_default()
    }

    /// During a handshake: what rustls has looked at. If nothing but the beginning of a record is
    /// behind that, also this beginning, as one look may tell that it is none.
    pub(crate) fn shown(&mut self) -> &mut [u8] {
        if self.record_at(self.seen).is_some() {
            self.seen()
        } else {
            self.all()
        }
    }

    /// Shows rustls another record; answers whether one was there as a whole.
    pub(crate) fn show_record(&mut self) -> bool {
        let end = self.record_at(self.seen);
        self.seen = end.unwrap_or(self.seen);
        end.is_some()
    }

    /// Where the record that begins `at` here ends, if all of it is there.
    fn record_at(&self, at: usize) -> Option<usize> {
        let header = self.bytes().get(at..self.end)?.first_chunk::<HEADER>()?;
        let length = header.last_chunk::<2>()?;
        let end = at + HEADER + usize::from(u16::from_be_bytes(*length));
        (end <= self.end).then_some(end)
    }

    /// rustls is done with the first `n` bytes.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
        self.seen = self.seen.max(self.start);
    }

    /// rustls has looked at everything there is and wants more.
    pub(crate) const fn mark_seen(&mut self) {
        self.seen = self.end;
    }

    /// The body length of the next record, if its header is there.
    pub(crate) fn next_record(&self) -> Option<usize> {
        let header = self.bytes().get(self.start..self.end)?.get(..HEADER)?;
        let length = header.last_chunk::<2>()?;
        Some(usize::from(u16::from_be_bytes(*length)))
    }

    /// Reads more; 0 is the end of the stream. While nothing comes, no large buffer is held.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
    ) -> Poll<io::Result<usize>> {
        self.borrow();
        let end = self.end;
        let Some(room) = self.bytes_mut().get_mut(end..).filter(|r| !r.is_empty()) else {
            let text = "tls message larger than any may be";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
        };
        let mut room = ReadBuf::new(room);
        match Pin::new(stream).poll_read(cx, &mut room) {
            Poll::Ready(Ok(())) => {
                let n = room.filled().len();
                self.end += n;
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            Poll::Pending => {
                self.rest();
                Poll::Pending
            }
        }
    }

    /// Moves what is left to the front of a lent buffer.
    fn borrow(&mut self) {
        let left = self.start..self.end;
        let len = left.len();
        match &mut self.lent {
            Some(buffer) if self.start > 0 => buffer.payload_mut().copy_within(left, 0),
            Some(_) => {}
            None => {
                let mut buffer = Buffer::large();
                if let Some(to) = buffer.payload_mut().get_mut(..len)
                    && let Some(from) = self.stash.get(left)
                {
                    to.copy_from_slice(from);
                }
                self.stash = Vec::new();
                self.lent = Some(buffer);
            }
        }
        self.moved(len);
    }

    /// Gives the buffer back; what is left of a record moves into a piece of its own size.
    pub(crate) fn rest(&mut self) {
        let left = self.start..self.end;
        let len = left.len();
        let Some(buffer) = self.lent.take() else {
            return;
        };
        self.stash = buffer.payload().get(left).unwrap_or_default().to_vec();
        self.moved(len);
    }

    const fn moved(&mut self, len: usize) {
        self.seen = self.seen.saturating_sub(self.start);
        self.start = 0;
        self.end = len;
    }
}
