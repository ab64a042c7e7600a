//! What an established stream needs of those who make its records.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use culvert_io::Stream;
use rustls::Error;
use tokio::io::ReadBuf;

use crate::{
    TlsError,
    engine::{Engine, Opened},
    output::Output,
    role::Role,
};

/// Plaintext into records and back. rustls does it for TLS 1.2 ([`Engine`]); after a handshake of
/// TLS 1.3 we do ([`Records`](crate::records::Records)).
pub(crate) trait Layer: Send + Unpin + 'static {
    /// Fills `buf` with what comes from `stream`; leaves it empty at the end.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>>;

    /// Seals as much of `bufs` as fits one batch into the output, which is empty; answers how much
    /// plaintext that was.
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error>;

    /// Seals the last alert, once: the closing one, or that which tells of a failure. Nothing can be
    /// written afterwards.
    fn close(&mut self) -> Result<(), Error>;

    /// Whether nothing can be written any more.
    fn is_done(&self) -> bool;

    /// What is sealed and not sent.
    fn output(&mut self) -> &mut Output;
}

impl<R: Role> Layer for Engine<R> {
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = loop {
            match self.open(buf) {
                Ok(Opened::Some | Opened::End) => break Ok(()),
                Ok(Opened::NeedInput) => {}
                Err(err) => break Err(broken(err)),
            }
            if ready!(self.input.poll_fill(cx, stream))? == 0 {
                break ended(self.input.is_empty());
            }
        };
        if self.input.is_empty() {
            self.input.rest();
        }
        Poll::Ready(result)
    }

    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        self.seal(bufs)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.close()
    }

    fn is_done(&self) -> bool {
        self.is_closing() || self.has_failed()
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// The stream below ended. Peers that are killed send no closing alert: between two records
/// that is an end of file like any other (protocol 11.3, T7).
pub(crate) fn ended(between_records: bool) -> io::Result<()> {
    if between_records {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "connection ended inside a tls record",
        ))
    }
}

/// An error of TLS as one of the stream.
pub(crate) fn broken(err: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsError::from_rustls(err))
}
