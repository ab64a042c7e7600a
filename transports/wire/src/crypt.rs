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
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"hello frp protocol spec";
    const SEALED: &str =
        "8c06152c59414c01e4da81c5a7627bcc1de341e0ded2254d31e39f6f30d503ccff98c3f83c6fe1";
    const SEALED_EMPTY: &str =
        "08d937368ab5513cdf051ab001466d57281acd6264ad1639354fc6cb0c8a86c74f709f08f3160d";

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    fn plain(length: usize) -> Vec<u8> {
        (0..length)
            .map(|i| u8::try_from(i * 7 % 251).unwrap())
            .collect()
    }

    #[test]
    fn keys_are_upstreams() {
        let hex = |secret| crate::names::hex(&Key::derive(secret).0);
        assert_eq!(hex(""), "cdc9dc4c472c37331281df4c232a8407");
        assert_eq!(hex("token"), "c16a8f63832926cee123eea29f95d670");
    }

    #[test]
    fn ciphertexts_are_upstreams() {
        for (secret, sealed) in [("token", SEALED), ("", SEALED_EMPTY)] {
            let (key, wire) = (Key::derive(secret), bytes(sealed));
            let mut encryptor = CfbEncryptor::with_iv(&key, wire[..IV].try_into().unwrap());
            let mut out = BytesMut::from(PLAIN);
            encryptor.seal_tail(&mut out, 0);
            assert_eq!(out, wire);
            let mut data = wire.clone();
            assert_eq!(CfbDecryptor::new(&key).open(&mut data), IV);
            assert_eq!(&data[IV..], PLAIN);
        }
    }

    #[test]
    fn odd_pieces_make_one_stream() {
        let (key, plain) = (Key::derive("token"), plain(5000));
        let mut whole = plain.clone();
        CfbEncryptor::with_iv(&key, [9; IV]).seal(&mut whole);
        for piece in [1, 2, 3, 5, 15, 16, 17, 31, 33, 100, 129, 1000, 4999] {
            let mut sealed = plain.clone();
            let mut encryptor = CfbEncryptor::with_iv(&key, [9; IV]);
            sealed
                .chunks_mut(piece)
                .for_each(|chunk| encryptor.seal(chunk));
            assert_eq!(sealed, whole, "sealed in {piece}s");
            let mut decryptor = CfbDecryptor::with_iv(&key, [9; IV]);
            sealed
                .chunks_mut(piece + 1)
                .for_each(|chunk| assert_eq!(decryptor.open(chunk), 0));
            assert_eq!(sealed, plain, "opened in {piece}+1s");
        }
    }

    #[test]
    fn the_mode_is_that_of_another_implementation() {
        use cfb_mode::cipher::KeyIvInit;
        let key = Key::derive("token");
        for length in [0, 1, 15, 16, 17, 1023, 1024, 1025, 5000] {
            let plain = plain(length);
            let (mut ours, mut theirs) = (plain.clone(), plain.clone());
            CfbEncryptor::with_iv(&key, [9; IV]).seal(&mut ours);
            cfb_mode::BufEncryptor::<aes::Aes128>::new(&key.0.into(), &[9; IV].into())
                .encrypt(&mut theirs);
            assert_eq!(ours, theirs, "{length}");
            CfbDecryptor::with_iv(&key, [9; IV]).open(&mut ours);
            assert_eq!(ours, plain, "{length}");
        }
    }

    #[test]
    fn the_iv_may_come_in_pieces() {
        let (key, wire) = (Key::derive("token"), bytes(SEALED));
        for piece in 1..wire.len() {
            let mut decryptor = CfbDecryptor::new(&key);
            let mut opened = Vec::new();
            for chunk in wire.clone().chunks_mut(piece) {
                let skip = decryptor.open(chunk);
                opened.extend_from_slice(&chunk[skip..]);
            }
            assert_eq!(opened, PLAIN, "in pieces of {piece}");
            assert_eq!(decryptor.iv_missing(), 0);
        }
    }

    #[test]
    fn the_iv_is_random_and_taken_once() {
        let key = Key::derive("");
        let mut one = CfbEncryptor::new(&key).unwrap();
        let two = CfbEncryptor::new(&key).unwrap();
        assert_ne!(one.iv(), two.iv());
        let iv = *one.iv();
        assert_eq!(one.take_iv(), Some(iv));
        assert_eq!(one.take_iv(), None);
        let mut nothing = BytesMut::new();
        CfbEncryptor::with_iv(&key, iv).seal_tail(&mut nothing, 0);
        assert!(
            nothing.is_empty(),
            "an IV goes out with the first ciphertext, not before"
        );
    }

    #[test]
    fn a_tail_is_sealed_where_it_stands() {
        let key = Key::derive("token");
        let mut encryptor = CfbEncryptor::with_iv(&key, [1; IV]);
        let mut out = BytesMut::from(&b"plain"[..]);
        out.extend_from_slice(b"first");
        encryptor.seal_tail(&mut out, 5);
        let from = out.len();
        out.extend_from_slice(b"second");
        encryptor.seal_tail(&mut out, from);
        assert_eq!(&out[..5], b"plain");
        let mut sealed = out[5..].to_vec();
        let skip = CfbDecryptor::new(&key).open(&mut sealed);
        assert_eq!(&sealed[skip..], b"firstsecond");
    }

    #[test]
    fn debug_hides_keys() {
        let key = Key::derive("token");
        assert_eq!(format!("{key:?}"), "Key(…)");
        let encryptor = CfbEncryptor::with_iv(&key, [1; IV]);
        assert_eq!(
            format!("{encryptor:?}"),
            "CfbEncryptor { iv_sent: false, .. }"
        );
        let decryptor = CfbDecryptor::new(&key);
        assert_eq!(
            format!("{decryptor:?}"),
            "CfbDecryptor { iv_missing: 16, .. }"
        );
    }
}
