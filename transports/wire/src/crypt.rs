//! The cipher of v1 control channels and of `useEncryption`: AES-128-CFB, running, no MAC.
//!
//! Each direction is its own keystream over all its bytes, whatever the sizes they come in; a
//! message's end does not restart it. The writer sends a random IV right before its first
//! ciphertext (protocol 3.5, trap M3). Work is done in place and allocates nothing.
//!
//! The mode is written out here over the block cipher of the `aes` crate: the types of `cfb-mode`
//! that keep their place between calls go through the cipher one block at a time, which more than
//! halves the speed of sealing and costs opening a factor of ten. The tests compare the two.

use std::fmt;

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::{Aes128Enc, Block};
use bytes::BytesMut;
use sha1::Sha1;

use crate::error::WireError;

/// Bytes of an initialisation vector: one AES block.
pub const IV: usize = 16;

/// Bytes of a key: AES-128.
const KEY: usize = 16;

/// Both upstream programs set this salt at start (client/service.go, server/service.go).
const SALT: &[u8] = b"frp";

/// Rounds of PBKDF2 (golib crypto/encode.go).
const ROUNDS: u32 = 64;

/// A key that a secret was turned into. `Debug` does not show it.
#[derive(Clone)]
pub struct Key([u8; KEY]);

impl Key {
    /// The key of `secret`, which may be empty: PBKDF2 with HMAC-SHA1 (protocol 3.5).
    pub fn derive(secret: &str) -> Self {
        Self(pbkdf2::pbkdf2_hmac_array::<Sha1, KEY>(
            secret.as_bytes(),
            SALT,
            ROUNDS,
        ))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Blocks decrypted at a time: enough for the widest of the cipher's parallel forms.
const BATCH: usize = 64;

/// The place in one direction's stream.
struct Stream {
    cipher: Aes128Enc,
    /// The current block: up to `used` the ciphertext of this block, from there on the keystream.
    block: Block,
    used: usize,
}

impl Stream {
    fn new(key: &Key, iv: [u8; IV]) -> Self {
        let cipher = Aes128Enc::new(&key.0.into());
        let mut block = Block::from(iv);
        cipher.encrypt_block(&mut block);
        Self {
            cipher,
            block,
            used: 0,
        }
    }

    fn seal(&mut self, data: &mut [u8]) {
        let data = self.partial(data, |_, sealed| sealed);
        let (blocks, tail) = data.as_chunks_mut();
        self.cipher.encrypt_with_backend(Seal {
            chain: &mut self.block,
            blocks,
        });
        self.partial(tail, |_, sealed| sealed);
    }

    fn open(&mut self, data: &mut [u8]) {
        let data = self.partial(data, |sealed, _| sealed);
        let (blocks, tail) = data.as_chunks_mut();
        for batch in blocks.chunks_mut(BATCH) {
            self.open_blocks(batch);
        }
        self.partial(tail, |sealed, _| sealed);
    }

    /// The keystream of a block depends on the ciphertext in front of it only, so all of them are
    /// made at once.
    fn open_blocks(&mut self, data: &mut [[u8; IV]]) {
        let mut streams = [Block::default(); BATCH];
        for (stream, sealed) in streams.iter_mut().zip(&*data) {
            stream.0 = *sealed;
        }
        let streams = streams.get_mut(..data.len()).unwrap_or_default();
        self.cipher.encrypt_blocks(streams);
        for (sealed, next) in data.iter_mut().zip(streams) {
            *sealed = xor(*sealed, self.block.0);
            self.block = *next;
        }
    }

    /// Works on bytes up to the end of the current block; gives those beyond it back. Of what a
    /// byte was before and is after, `sealed` says which is the ciphertext.
    fn partial<'a>(&mut self, data: &'a mut [u8], sealed: impl Fn(u8, u8) -> u8) -> &'a mut [u8] {
        if self.used == 0 && data.len() >= IV {
            return data;
        }
        let room = IV.saturating_sub(self.used).min(data.len());
        let Some((now, rest)) = data.split_at_mut_checked(room) else {
            return &mut [];
        };
        for (byte, place) in now.iter_mut().zip(self.block.iter_mut().skip(self.used)) {
            let after = *byte ^ *place;
            *place = sealed(*byte, after);
            *byte = after;
        }
        self.used += room;
        if self.used == IV {
            self.cipher.encrypt_block(&mut self.block);
            self.used = 0;
        }
        rest
    }
}

/// Seals whole blocks, one after the other: each needs the ciphertext in front of it. Runs inside
/// the cipher, so that its round keys stay in registers.
struct Seal<'a> {
    chain: &'a mut Block,
    blocks: &'a mut [[u8; IV]],
}

impl BlockSizeUser for Seal<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Seal<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, cipher: &B) {
        let mut chain = *self.chain;
        for data in self.blocks {
            *data = xor(*data, chain.0);
            chain.0 = *data;
            cipher.encrypt_block((&mut chain).into());
        }
        *self.chain = chain;
    }
}

#[inline(always)]
fn xor(one: [u8; IV], two: [u8; IV]) -> [u8; IV] {
    (u128::from_ne_bytes(one) ^ u128::from_ne_bytes(two)).to_ne_bytes()
}

/// The writing side of one direction.
pub struct CfbEncryptor {
    stream: Stream,
    iv: [u8; IV],
    iv_sent: bool,
}

impl CfbEncryptor {
    /// A new direction with an IV from the operating system's randomness.
    ///
    /// # Errors
    /// [`WireError::Random`] when there is none.
    pub fn new(key: &Key) -> Result<Self, WireError> {
        let mut iv = [0; IV];
        getrandom::fill(&mut iv).map_err(WireError::Random)?;
        Ok(Self::with_iv(key, iv))
    }

    /// A new direction with this IV; two directions must never share one.
    pub fn with_iv(key: &Key, iv: [u8; IV]) -> Self {
        let stream = Stream::new(key, iv);
        Self {
            stream,
            iv,
            iv_sent: false,
        }
    }

    /// The IV, which the peer must get before the first ciphertext.
    pub fn iv(&self) -> &[u8; IV] {
        &self.iv
    }

    /// The IV if it has not been taken before: what to put in front of the bytes about to be sent.
    pub fn take_iv(&mut self) -> Option<[u8; IV]> {
        let first = !self.iv_sent;
        self.iv_sent = true;
        first.then_some(self.iv)
    }

    /// Encrypts `data` in place, going on where the last call ended.
    pub fn seal(&mut self, data: &mut [u8]) {
        self.stream.seal(data);
    }

    /// Encrypts what `out` holds from `from` on, in place, with the IV in front if it is still to
    /// be sent. For messages, which are appended to a buffer first; bulk data should use [`seal`]
    /// and [`take_iv`], which never move bytes. Does nothing when `out` has no bytes there.
    ///
    /// [`seal`]: Self::seal
    /// [`take_iv`]: Self::take_iv
    pub fn seal_tail(&mut self, out: &mut BytesMut, from: usize) {
        let Some(plain) = out.get_mut(from..).filter(|plain| !plain.is_empty()) else {
            return;
        };
        self.stream.seal(plain);
        if let Some(iv) = self.take_iv() {
            let sealed = out.split_off(from);
            out.extend_from_slice(&iv);
            out.extend_from_slice(&sealed);
        }
    }
}

impl fmt::Debug for CfbEncryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CfbEncryptor")
            .field("iv_sent", &self.iv_sent)
            .finish_non_exhaustive()
    }
}

/// The reading side of one direction.
pub struct CfbDecryptor {
    state: State,
}

enum State {
    /// The IV is still coming in: so many bytes of it are there.
    Waiting {
        key: Key,
        iv: [u8; IV],
        have: usize,
    },
    Running(Stream),
}

impl CfbDecryptor {
    /// A new direction, whose first bytes will be the peer's IV.
    pub fn new(key: &Key) -> Self {
        Self {
            state: State::Waiting {
                key: key.clone(),
                iv: [0; IV],
                have: 0,
            },
        }
    }

    /// A new direction whose IV is already known.
    pub fn with_iv(key: &Key, iv: [u8; IV]) -> Self {
        Self {
            state: State::Running(Stream::new(key, iv)),
        }
    }

    /// Bytes of the IV that have not come in yet.
    pub fn iv_missing(&self) -> usize {
        match &self.state {
            State::Waiting { have, .. } => IV.saturating_sub(*have),
            State::Running(_) => 0,
        }
    }

    /// Takes the next bytes of the direction and decrypts them in place. Returns how many bytes at
    /// the front of `data` belonged to the IV: the plain bytes are those behind. Once
    /// [`iv_missing`](Self::iv_missing) is 0 that is always 0.
    pub fn open(&mut self, data: &mut [u8]) -> usize {
        let used = self.feed_iv(data);
        if let State::Running(stream) = &mut self.state
            && let Some(sealed) = data.get_mut(used..)
        {
            stream.open(sealed);
        }
        used
    }

    /// Takes bytes of the IV from the front of `data`, at most those missing; returns how many.
    pub fn feed_iv(&mut self, data: &[u8]) -> usize {
        let State::Waiting { key, iv, have } = &mut self.state else {
            return 0;
        };
        let mut used = 0;
        for (place, byte) in iv.iter_mut().skip(*have).zip(data) {
            *place = *byte;
            used += 1;
        }
        *have += used;
        if *have == IV {
            self.state = State::Running(Stream::new(key, *iv));
        }
        used
    }
}

impl fmt::Debug for CfbDecryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.iv_missing();
        f.debug_struct("CfbDecryptor")
            .field("iv_missing", &missing)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
