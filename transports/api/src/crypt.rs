//! A stream whose bytes are hidden by the v1 cipher: control channels and `useEncryption`.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Io, Stream};
use culvert_wire::{CfbDecryptor, CfbEncryptor, Key, WireError, crypt::IV};
use tokio::io::{AsyncRead, ReadBuf};

use crate::sealed::{Seal, Sealed, SealedStream, put};

/// Hides what passes over `stream` with the v1 cipher, AES-128-CFB in both directions (protocol
/// 3.5). Nothing leaves before the first byte.
///
/// # Errors
/// The system gives no randomness for the IV.
pub fn encrypted(stream: Stream, key: &Key) -> Result<Stream, WireError> {
    let peer = *stream.peer();
    Ok(Stream::new(CryptStream::new(stream, key)?, peer))
}

/// AES-128-CFB in both directions over `S`.
///
/// The IV of our direction leaves right before our first byte; the first bytes read are the
/// peer's. Flush before waiting for an answer. There is no MAC; the end of the stream, also one
/// before the peer's IV, is an end of file.
pub(crate) type CryptStream<S = Stream> = SealedStream<Cfb, S>;

/// AES-128-CFB in both directions.
pub(crate) struct Cfb {
    encryptor: CfbEncryptor,
    decryptor: CfbDecryptor,
}

impl<S: Io> CryptStream<S> {
    /// Hides what passes over `inner` behind `key`.
    ///
    /// # Errors
    /// The system gives no randomness for the IV.
    pub(crate) fn new(inner: S, key: &Key) -> Result<Self, WireError> {
        let cipher = Cfb {
            encryptor: CfbEncryptor::new(key)?,
            decryptor: CfbDecryptor::new(key),
        };
        Ok(Self::over(inner, cipher))
    }
}

impl Seal for Cfb {
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<(Sealed, usize), WireError> {
        let total: usize = bufs.iter().map(|b| b.len()).sum();
        let mut buffer = if total + IV <= Buffer::SMALL {
            Buffer::small()
        } else {
            Buffer::large()
        };
        let mut at = 0;
        if let Some(iv) = self.encryptor.take_iv() {
            at = put(buffer.payload_mut(), 0, &iv);
        }
        let start = at;
        for slice in bufs {
            at += put(buffer.payload_mut(), at, slice);
        }
        if let Some(plain) = buffer.payload_mut().get_mut(start..at) {
            self.encryptor.seal(plain);
        }
        Ok((Sealed::new(buffer, at), at - start))
    }
}

impl<S: Io> AsyncRead for CryptStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        while buf.remaining() > 0 {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let end = buf.filled().len();
            if end == before {
                break; // end of file
            }
            let used = match buf.filled_mut().get_mut(before..) {
                Some(fresh) => {
                    let used = this.cipher.decryptor.open(fresh);
                    fresh.copy_within(used.., 0);
                    used
                }
                None => 0,
            };
            buf.set_filled(end - used);
            if end - used > before {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> fmt::Debug for CryptStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptStream")
            .field("pending", &self.pending.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
