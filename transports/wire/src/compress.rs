//! The compression of `useCompression`: the snappy framing format, block by block.
//!
//! Every write becomes whole chunks at once; nothing is held back, or small answers would wait
//! (protocol 5.1, trap M13). The format is snappy's `framing_format.txt`; there is no end marker.

use std::fmt;

use bytes::{Buf, BufMut, BytesMut};

use crate::error::{CompressError, WireError};
use crate::limits::{SNAPPY_CHECKSUM, SNAPPY_CHUNK, SNAPPY_PLAIN};

/// The first chunk of every stream.
const IDENTIFIER: &[u8; 10] = b"\xff\x06\x00\x00sNaPpY";
/// Bytes in front of a chunk's body: its type and a 24-bit little-endian length.
const HEADER: usize = 4;
const COMPRESSED: u8 = 0x00;
const STORED: u8 = 0x01;
const STREAM: u8 = 0xff;

/// The writing side of one direction.
pub struct SnappyEncoder {
    block: snap::raw::Encoder,
    started: bool,
}

impl SnappyEncoder {
    /// A new direction.
    pub fn new() -> Self {
        Self {
            block: snap::raw::Encoder::new(),
            started: false,
        }
    }

    /// Appends `plain` to `out` as whole chunks, the first time behind the stream identifier.
    /// Nothing is appended for no bytes.
    ///
    /// # Errors
    /// [`WireError::Encode`], which cannot happen; `out` then ends with the last whole chunk.
    pub fn write(&mut self, plain: &[u8], out: &mut BytesMut) -> Result<(), WireError> {
        for block in plain.chunks(SNAPPY_PLAIN) {
            if !self.started {
                out.extend_from_slice(IDENTIFIER);
                self.started = true;
            }
            self.chunk(block, out)?;
        }
        Ok(())
    }

    fn chunk(&mut self, plain: &[u8], out: &mut BytesMut) -> Result<(), WireError> {
        let start = out.len();
        let body = start + HEADER + SNAPPY_CHECKSUM;
        out.resize(body + snap::raw::max_compress_len(plain.len()), 0);
        let room = out.get_mut(body..).unwrap_or_default();
        let Ok(packed) = self.block.compress(plain, room) else {
            out.truncate(start);
            return Err(WireError::Encode("compressed block"));
        };
        // Stored as it is unless an eighth is saved (golang/snappy encode.go).
        let (kind, length) = if packed >= plain.len() - plain.len() / 8 {
            out.truncate(body);
            out.extend_from_slice(plain);
            (STORED, plain.len())
        } else {
            out.truncate(body + packed);
            (COMPRESSED, packed)
        };
        let mut head = out.get_mut(start..body).unwrap_or_default();
        let [low, middle, high, ..] = (length + SNAPPY_CHECKSUM).to_le_bytes();
        head.put_slice(&[kind, low, middle, high]);
        head.put_u32_le(checksum(plain));
        Ok(())
    }
}

impl Default for SnappyEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SnappyEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnappyEncoder")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// The reading side of one direction.
pub struct SnappyDecoder {
    block: snap::raw::Decoder,
    started: bool,
    /// Bytes of a chunk without meaning that are still to come.
    skip: usize,
}

impl SnappyDecoder {
    /// A new direction.
    pub fn new() -> Self {
        Self {
            block: snap::raw::Decoder::new(),
            started: false,
            skip: 0,
        }
    }

    /// Whether no chunk has been begun, as far as this decoder took it off its input: with nothing
    /// left in the input either, the stream may end here.
    #[must_use]
    pub fn at_border(&self) -> bool {
        self.skip == 0
    }

    /// Takes at most one block of data off `input` and appends its plain bytes, no more than
    /// [`SNAPPY_PLAIN`], to `out`. `true`: call again, there may be another; `false`: more input
    /// is needed. `input` never has to hold more than [`SNAPPY_CHUNK`] and 4 bytes.
    ///
    /// # Errors
    /// [`WireError::Compressed`]; the direction is of no use after it.
    pub fn read(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<bool, WireError> {
        loop {
            let skipped = self.skip.min(input.len());
            input.advance(skipped);
            self.skip -= skipped;
            let Some((kind, length)) = self.header(input)? else {
                return Ok(false);
            };
            if kind >= 0x80 && kind != STREAM {
                input.advance(HEADER);
                self.skip = length;
                continue;
            }
            let Some(chunk) = input.get(..HEADER + length) else {
                return Ok(false);
            };
            if kind != STREAM {
                let body = chunk.get(HEADER..).unwrap_or_default();
                self.data(kind, body, out)?;
            } else if chunk == IDENTIFIER {
                self.started = true;
            } else {
                return Err(CompressError::Identifier.into());
            }
            input.advance(HEADER + length);
            if kind != STREAM {
                return Ok(true);
            }
        }
    }

    /// The type and body length of the next chunk, checked before anything waits for the body.
    fn header(&self, input: &[u8]) -> Result<Option<(u8, usize)>, CompressError> {
        let Some(&[kind, low, middle, high]) = input.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
        if !self.started && kind != STREAM {
            return Err(CompressError::Identifier);
        }
        let fits = match kind {
            STREAM if length == IDENTIFIER.len() - HEADER => true,
            STREAM => return Err(CompressError::Identifier),
            COMPRESSED => (SNAPPY_CHECKSUM..=SNAPPY_CHUNK).contains(&length),
            STORED => (SNAPPY_CHECKSUM..=SNAPPY_CHECKSUM + SNAPPY_PLAIN).contains(&length),
            0x02..=0x7f => return Err(CompressError::ChunkType(kind)),
            0x80..=0xfe => length <= SNAPPY_CHUNK,
        };
        if fits {
            Ok(Some((kind, length)))
        } else {
            Err(CompressError::Length(length))
        }
    }

    fn data(&mut self, kind: u8, body: &[u8], out: &mut BytesMut) -> Result<(), CompressError> {
        let (sum, data) = body.split_first_chunk().ok_or(CompressError::Block)?;
        let start = out.len();
        if kind == STORED {
            out.extend_from_slice(data);
        } else {
            let plain = snap::raw::decompress_len(data).map_err(|_| CompressError::Block)?;
            if plain > SNAPPY_PLAIN {
                return Err(CompressError::Block);
            }
            out.resize(start + plain, 0);
            let room = out.get_mut(start..).unwrap_or_default();
            if self.block.decompress(data, room).ok() != Some(plain) {
                out.truncate(start);
                return Err(CompressError::Block);
            }
        }
        if checksum(out.get(start..).unwrap_or_default()) != u32::from_le_bytes(*sum) {
            out.truncate(start);
            return Err(CompressError::Checksum);
        }
        Ok(())
    }
}

impl Default for SnappyDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SnappyDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnappyDecoder")
            .field("started", &self.started)
            .field("skip", &self.skip)
            .finish_non_exhaustive()
    }
}

/// The masked CRC-32C of plain bytes (snappy `framing_format.txt`, section 3).
fn checksum(plain: &[u8]) -> u32 {
    crc32c::crc32c(plain)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests;
