//! Datagrams beside a stream: between the same two ends, but each may be lost or overtake another.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{Stream, stream::Carrier};

/// The datagrams of one stream; they end with it.
///
/// One task receives; any number send. Nothing waits for a slow network or a slow reader: both
/// sides hold a bounded number of datagrams and drop the oldest.
pub trait Datagrams: fmt::Debug + Send + Sync + 'static {
    /// How many bytes one datagram may have now; the path decides, and may change its mind.
    fn max_size(&self) -> usize;

    /// Sends `head` and `body` as one datagram. Answers whether it was taken: it is not when it is
    /// too long or the link is over. What is taken may be lost all the same.
    #[must_use]
    fn send(&self, head: &[u8], body: &[u8]) -> bool;

    /// The next datagram that has arrived; `None` once the link is over.
    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

impl Stream {
    /// Lets datagrams travel beside the stream, if what carries it can; answers whether they do.
    /// Must be called at both ends: an end that has not called it drops what arrives. A layer that
    /// is put on the stream later hides them, since it does not apply to them.
    pub fn open_datagrams(&mut self) -> bool {
        match &mut self.carrier {
            Carrier::Chunks(io) => io.open_datagrams(),
            Carrier::Tcp(_) | Carrier::Other(_) => false,
        }
    }

    /// The datagrams beside the stream, if they were opened.
    #[must_use]
    pub fn datagrams(&self) -> Option<Arc<dyn Datagrams>> {
        match &self.carrier {
            Carrier::Chunks(io) => io.datagrams(),
            Carrier::Tcp(_) | Carrier::Other(_) => None,
        }
    }

    /// Undoes [`open_datagrams`](Self::open_datagrams): the other end does not want them.
    pub fn close_datagrams(&mut self) {
        if let Carrier::Chunks(io) = &mut self.carrier {
            io.close_datagrams();
        }
    }
}
