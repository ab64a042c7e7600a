//! The cipher of v2 control channels: records, each sealed for itself, in order (protocol 4.4).
//!
//! Each direction begins with its nonce in clear; then come records, a length and that many bytes
//! of ciphertext with its tag. The nonce counts up from record to record, and every record is
//! bound to the first nonce and to its length. Work is done in place and allocates nothing.

use std::fmt;
use std::ops::Range;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use chacha20poly1305::XChaCha20Poly1305;

use super::{AeadKey, Algorithm};
use crate::error::{RecordError, WireError};
use crate::limits::{GCM_RECORDS, RECORD_HEADER, RECORD_PLAIN, RECORD_TAG};

/// Bytes of the longest nonce.
pub const NONCE: usize = 24;

/// The cipher with one key. Boxed: it is some hundred bytes, and one of two sizes.
enum Cipher {
    Gcm(Box<Aes256Gcm>),
    XChaCha(Box<XChaCha20Poly1305>),
}

impl Cipher {
    fn new(key: &AeadKey) -> Self {
        let bytes = key.bytes().into();
        match key.algorithm() {
            Algorithm::Aes256Gcm => Self::Gcm(Box::new(Aes256Gcm::new(bytes))),
            Algorithm::XChaCha20Poly1305 => Self::XChaCha(Box::new(XChaCha20Poly1305::new(bytes))),
        }
    }

    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Option<()> {
        match self {
            Self::Gcm(cipher) => seal(&**cipher, nonce, aad, data, tag),
            Self::XChaCha(cipher) => seal(&**cipher, nonce, aad, data, tag),
        }
    }

    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Option<()> {
        match self {
            Self::Gcm(cipher) => open(&**cipher, nonce, aad, data, tag),
            Self::XChaCha(cipher) => open(&**cipher, nonce, aad, data, tag),
        }
    }
}

fn seal<A: AeadInOut>(
    cipher: &A,
    nonce: &[u8],
    aad: &[u8],
    data: &mut [u8],
    room: &mut [u8],
) -> Option<()> {
    let nonce = Nonce::<A>::try_from(nonce).ok()?;
    let tag = cipher
        .encrypt_inout_detached(&nonce, aad, data.into())
        .ok()?;
    if room.len() != tag.len() {
        return None;
    }
    room.copy_from_slice(&tag);
    Some(())
}

fn open<A: AeadInOut>(
    cipher: &A,
    nonce: &[u8],
    aad: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let nonce = Nonce::<A>::try_from(nonce).ok()?;
    let tag = Tag::<A>::try_from(tag).ok()?;
    cipher
        .decrypt_inout_detached(&nonce, aad, data.into(), &tag)
        .ok()
}

/// The place in one direction: the nonce of the next record, and how many are left.
struct Sequence {
    /// The first nonce, and room for a record's length behind it.
    bound: [u8; NONCE + RECORD_HEADER],
    next: [u8; NONCE],
    /// Bytes of the nonce.
    len: usize,
    /// Records that may still come, where their number is limited.
    left: Option<u64>,
}

impl Sequence {
    /// Begins at `first`, whose bytes beyond the algorithm's length do not count.
    fn new(algorithm: Algorithm, first: [u8; NONCE]) -> Self {
        let mut bound = [0; NONCE + RECORD_HEADER];
        for (place, byte) in bound.iter_mut().zip(first) {
            *place = byte;
        }
        Self {
            bound,
            next: first,
            len: algorithm.nonce(),
            left: match algorithm {
                Algorithm::Aes256Gcm => Some(GCM_RECORDS),
                Algorithm::XChaCha20Poly1305 => None,
            },
        }
    }

    fn first(&self) -> &[u8] {
        self.bound.get(..self.len).unwrap_or_default()
    }

    /// What the next record with this header is bound to: its nonce, and what is authenticated
    /// along with it.
    fn record(&mut self, header: [u8; RECORD_HEADER]) -> (&[u8], &[u8]) {
        let end = self.len + RECORD_HEADER;
        if let Some(place) = self.bound.get_mut(self.len..end) {
            place.copy_from_slice(&header);
        }
        let nonce = self.next.get(..self.len).unwrap_or_default();
        (nonce, self.bound.get(..end).unwrap_or_default())
    }

    /// Whether one more record may come.
    fn has_next(&self) -> Result<(), RecordError> {
        match self.left {
            Some(0) => Err(RecordError::Spent),
            _ => Ok(()),
        }
    }

    /// Counts up, big-endian over the whole nonce. The record in front of a wrap counts as the
    /// wrap: real peers give up there already (golib crypto/aead_stream.go).
    fn step(&mut self) -> Result<(), RecordError> {
        self.left = self.left.map(|left| left.saturating_sub(1));
        for byte in self.next.iter_mut().take(self.len).rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                return Ok(());
            }
        }
        Err(RecordError::Spent)
    }
}

/// The writing side of one direction.
pub struct Sealer {
    cipher: Cipher,
    sequence: Sequence,
    nonce_sent: bool,
    broken: Option<RecordError>,
}

impl Sealer {
    /// Bytes that a record has in front of and behind its plain bytes.
    pub const OVERHEAD: usize = RECORD_HEADER + RECORD_TAG;

    /// A new direction with a nonce from the operating system's randomness.
    ///
    /// # Errors
    /// [`WireError::Random`] when there is none.
    pub fn new(key: &AeadKey) -> Result<Self, WireError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(WireError::Random)?;
        Ok(Self::with_nonce(key, nonce))
    }

    /// A new direction with this nonce, of which as many bytes count as the algorithm needs; two
    /// directions must never share nonce and key.
    pub fn with_nonce(key: &AeadKey, nonce: [u8; NONCE]) -> Self {
        Self {
            cipher: Cipher::new(key),
            sequence: Sequence::new(key.algorithm(), nonce),
            nonce_sent: false,
            broken: None,
        }
    }

    /// The nonce if it has not been taken before: what to put in front of the first record.
    pub fn take_nonce(&mut self) -> Option<&[u8]> {
        let first = !self.nonce_sent;
        self.nonce_sent = true;
        first.then(|| self.sequence.first())
    }

    /// Seals one record in place. `record` is the whole of it: [`RECORD_HEADER`] bytes of room,
    /// the plain bytes, [`RECORD_TAG`] bytes of room.
    ///
    /// # Errors
    /// [`WireError::Encode`] without plain bytes or with more than [`RECORD_PLAIN`];
    /// [`WireError::Record`] when no record may follow. After an error the direction is of no use.
    pub fn seal(&mut self, record: &mut [u8]) -> Result<(), WireError> {
        if let Some(broken) = self.broken {
            return Err(broken.into());
        }
        let wrong = || WireError::Encode("a record of this length");
        let (header, rest) = record.split_first_chunk_mut().ok_or_else(wrong)?;
        let sealed = u32::try_from(rest.len()).map_err(|_| wrong())?;
        let (plain, tag) = rest
            .split_last_chunk_mut::<RECORD_TAG>()
            .filter(|(plain, _)| (1..=RECORD_PLAIN).contains(&plain.len()))
            .ok_or_else(wrong)?;
        *header = sealed.to_be_bytes();
        let Self {
            cipher, sequence, ..
        } = self;
        let done = sequence.has_next().and_then(|()| {
            let (nonce, aad) = sequence.record(*header);
            cipher
                .seal(nonce, aad, plain, tag)
                .ok_or(RecordError::Tag)?;
            sequence.step()
        });
        self.broken = done.err();
        Ok(done?)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("nonce_sent", &self.nonce_sent)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// What [`Opener::open`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Bytes at the front that are done with, the plain ones among them.
    pub taken: usize,
    /// Where the plain bytes are; empty for the nonce and for a record without any.
    pub plain: Range<usize>,
}

/// The reading side of one direction.
pub struct Opener {
    cipher: Cipher,
    algorithm: Algorithm,
    /// There as soon as the peer's nonce has come.
    sequence: Option<Sequence>,
    broken: Option<RecordError>,
}

impl Opener {
    /// A new direction, whose first bytes will be the peer's nonce.
    pub fn new(key: &AeadKey) -> Self {
        Self {
            cipher: Cipher::new(key),
            algorithm: key.algorithm(),
            sequence: None,
            broken: None,
        }
    }

    /// Bytes, counted from the start of `have`, that [`open`](Self::open) needs next; always more
    /// than none. `have` is what has not been taken yet.
    ///
    /// # Errors
    /// [`WireError::Record`] when a record's length is out of range, or no record may follow.
    pub fn needed(&self, have: &[u8]) -> Result<usize, WireError> {
        if let Some(broken) = self.broken {
            return Err(broken.into());
        }
        let Some(sequence) = &self.sequence else {
            return Ok(self.algorithm.nonce());
        };
        let Some(header) = have.first_chunk() else {
            return Ok(RECORD_HEADER);
        };
        sequence.has_next()?;
        let length = u32::from_be_bytes(*header);
        match usize::try_from(length) {
            Ok(sealed) if (RECORD_TAG..=RECORD_PLAIN + RECORD_TAG).contains(&sealed) => {
                Ok(RECORD_HEADER + sealed)
            }
            _ => Err(RecordError::Length(length).into()),
        }
    }

    /// Opens what stands whole at the front of `bytes`, the nonce or one record, in place; `None`
    /// means that more bytes are [`needed`](Self::needed).
    ///
    /// # Errors
    /// As [`needed`](Self::needed), and when the record is not authentic. After an error the
    /// direction is of no use; nothing of the record has been made plain.
    pub fn open(&mut self, bytes: &mut [u8]) -> Result<Option<Opened>, WireError> {
        let opened = self.try_open(bytes);
        if let Err(WireError::Record(broken)) = &opened {
            self.broken = Some(*broken);
        }
        opened
    }

    fn try_open(&mut self, bytes: &mut [u8]) -> Result<Option<Opened>, WireError> {
        let needed = self.needed(bytes)?;
        let Some(whole) = bytes.get_mut(..needed) else {
            return Ok(None);
        };
        let Some(sequence) = &mut self.sequence else {
            let mut first = [0; NONCE];
            for (place, byte) in first.iter_mut().zip(whole) {
                *place = *byte;
            }
            self.sequence = Some(Sequence::new(self.algorithm, first));
            return Ok(Some(Opened {
                taken: needed,
                plain: needed..needed,
            }));
        };
        // `needed` has seen that both are there.
        let Some((header, rest)) = whole.split_first_chunk_mut::<RECORD_HEADER>() else {
            return Ok(None);
        };
        let Some((data, tag)) = rest.split_last_chunk_mut::<RECORD_TAG>() else {
            return Ok(None);
        };
        let (nonce, aad) = sequence.record(*header);
        self.cipher
            .open(nonce, aad, data, tag)
            .ok_or(RecordError::Tag)?;
        let plain = RECORD_HEADER..RECORD_HEADER + data.len();
        sequence.step()?;
        Ok(Some(Opened {
            taken: needed,
            plain,
        }))
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("algorithm", &self.algorithm)
            .field("nonce_seen", &self.sequence.is_some())
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
