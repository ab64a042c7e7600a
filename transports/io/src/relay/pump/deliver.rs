//! The sink's side of a pump: how bytes in flight are written.

use std::{
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::net::TcpStream;

use super::{Finish, Pump, Step, is_retry};
use crate::{
    Buffer, ChunkIo, FastPath, Io,
    relay::{
        held::{Held, SLICES},
        splice::Pipe,
    },
    stream::Carrier,
};

impl Pump {
    /// Delivers once; `None` to go on.
    pub(super) fn poll_deliver(&mut self, cx: &mut Context<'_>, to: &mut Carrier) -> Option<Step> {
        let vectored = self.paths.takes(FastPath::Vectored);
        let delivered = match to {
            Carrier::Chunks(sink) => self.deliver_chunk(cx, sink.as_mut()),
            Carrier::Tcp(sink) => {
                if let Held::Piped(pipe) = &mut self.held {
                    deliver_piped(cx, pipe, sink)
                } else {
                    write(cx, &mut self.held, Pin::new(sink), vectored)
                }
            }
            Carrier::Other(sink) => {
                self.dirty = true;
                write(cx, &mut self.held, Pin::new(sink.as_mut()), vectored)
            }
        };
        match delivered {
            Poll::Pending => Some(Step::Blocked),
            Poll::Ready(Ok(0)) => {
                let e = io::ErrorKind::WriteZero.into();
                Some(Step::Done(Finish::WriteFailed(e)))
            }
            Poll::Ready(Ok(n)) => {
                self.moved = self.moved.saturating_add(n as u64);
                None
            }
            Poll::Ready(Err(e)) => Some(Step::Done(Finish::WriteFailed(e))),
        }
    }

    /// Submits the buffer that was read for this sink as it is; copies everything else into one.
    pub(super) fn deliver_chunk(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut dyn ChunkIo,
    ) -> Poll<io::Result<usize>> {
        let room = match mem::take(&mut self.room) {
            0 => ready!(sink.poll_room(cx))?,
            known => known,
        };
        let (buffer, len) = match mem::take(&mut self.held) {
            Held::Lent {
                buffer,
                from: 0,
                to,
            } if to <= room => (buffer, to),
            mut other => {
                let mut buffer = if other.len().min(room) > Buffer::SMALL {
                    Buffer::large()
                } else {
                    Buffer::small()
                };
                let to = buffer.payload_mut();
                let most = to.len().min(room);
                let len = other.take_into(to.get_mut(..most).unwrap_or_default());
                self.held = other;
                (buffer, len)
            }
        };
        sink.submit(buffer, len)?;
        Poll::Ready(Ok(len))
    }
}

fn write(
    cx: &mut Context<'_>,
    held: &mut Held,
    mut sink: Pin<&mut dyn Io>,
    vectored: bool,
) -> Poll<io::Result<usize>> {
    let n = if vectored && matches!(held, Held::Slices(_)) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        ready!(
            sink.as_mut()
                .poll_write_vectored(cx, held.slices(&mut slices))
        )?
    } else {
        ready!(sink.as_mut().poll_write(cx, held.first()))?
    };
    held.advance(n);
    Poll::Ready(Ok(n))
}

fn deliver_piped(
    cx: &mut Context<'_>,
    pipe: &mut Pipe,
    sink: &TcpStream,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(sink.poll_write_ready(cx))?;
        match pipe.drain(sink) {
            Err(e) if is_retry(&e) => {}
            done => return Poll::Ready(done),
        }
    }
}
