//! The key of one direction after a handshake of TLS 1.3, and single records under it.

use ring::aead::{self, Aad, LessSafeKey, UnboundKey};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, InvalidMessage, PeerMisbehaved,
    crypto::cipher::{Iv, Nonce},
};

use crate::seal::RECORD;

/// Type, version and length in front of a record (RFC 8446, 5.1).
pub(crate) const HEADER: usize = 5;
/// What follows the plaintext in a record that we seal: its type, and the tag (RFC 8446, 5.2).
pub(crate) const TRAILER: usize = 1 + TAG;
/// The tag of every suite of TLS 1.3 (RFC 8446, 9.1).
const TAG: usize = 16;
/// The longest body of a record that a peer may send (RFC 8446, 5.2).
const LONGEST: usize = RECORD + 256;
/// The version that every record names (RFC 8446, 5.1).
const VERSION: [u8; 2] = [3, 3];

/// A key, and how many records it has protected.
pub(crate) struct Protection {
    key: LessSafeKey,
    iv: Iv,
    records: u64,
}

impl Protection {
    /// The key of these secrets, for the record with this number and those behind it.
    pub(crate) fn new((records, secrets): (u64, ConnectionTrafficSecrets)) -> Result<Self, Error> {
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => return Err(Error::General("unknown suite".into())),
        };
        let key = UnboundKey::new(algorithm, key.as_ref())
            .map_err(|_short| Error::General("key of another suite".into()))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            iv,
            records,
        })
    }

    /// How many records the key has protected.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    /// Seals a record in its place: [`HEADER`] free bytes, the plaintext, [`TRAILER`] free bytes.
    pub(crate) fn seal(&mut self, kind: ContentType, record: &mut [u8]) -> Result<(), Error> {
        let (header, body) = record
            .split_first_chunk_mut::<HEADER>()
            .ok_or(Error::EncryptError)?;
        *header = header_of(body.len()).ok_or(Error::EncryptError)?;
        let (inner, tag) = body
            .split_last_chunk_mut::<TAG>()
            .ok_or(Error::EncryptError)?;
        *inner.last_mut().ok_or(Error::EncryptError)? = kind.into();
        let next = self.records.checked_add(1).ok_or(Error::EncryptError)?;
        let made = self
            .key
            .seal_in_place_separate_tag(self.nonce(), Aad::from(*header), inner)
            .map_err(|_too_long| Error::EncryptError)?;
        tag.copy_from_slice(made.as_ref());
        self.records = next;
        Ok(())
    }

    /// Opens the record that fills `bytes` from `at` on. Its plaintext moves to the front of
    /// `bytes`; the answer is its type and length.
    pub(crate) fn open(
        &mut self,
        bytes: &mut [u8],
        at: usize,
    ) -> Result<(ContentType, usize), Error> {
        let header: [u8; HEADER] = bytes
            .get(at..)
            .and_then(|record| record.first_chunk())
            .copied()
            .ok_or(Error::DecryptError)?;
        let body = at + HEADER;
        let next = self.records.checked_add(1).ok_or(Error::DecryptError)?;
        let inner = self
            .key
            .open_within(self.nonce(), Aad::from(header), bytes, body..)
            .map_err(|_forged| Error::DecryptError)?;
        self.records = next;
        // Padding counts (RFC 8446, 5.4).
        if inner.len() > RECORD + 1 {
            return Err(Error::PeerSentOversizedRecord);
        }
        // The type is the last byte that is not zero: padding follows it.
        let len = inner.iter().rposition(|byte| *byte != 0);
        let (len, kind) = len
            .and_then(|len| Some((len, ContentType::from(*inner.get(len)?))))
            .ok_or(PeerMisbehaved::IllegalTlsInnerPlaintext)?;
        Ok((kind, len))
    }

    /// Each record has a number of its own, which never starts anew (RFC 8446, 5.3).
    fn nonce(&self) -> aead::Nonce {
        aead::Nonce::assume_unique_for_key(Nonce::new(&self.iv, self.records).0)
    }
}

/// The header of a protected record with a body of this length.
fn header_of(body: usize) -> Option<[u8; HEADER]> {
    let [a, b] = u16::try_from(body).ok()?.to_be_bytes();
    let [major, minor] = VERSION;
    Some([ContentType::ApplicationData.into(), major, minor, a, b])
}

/// The length of the record that `bytes` begin with, if all of it is there.
///
/// # Errors
/// It is longer than any may be, or not a protected one.
pub(crate) fn whole_record(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some([kind, _, _, a, b]) = bytes.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    // The version means nothing (RFC 8446, 5.1).
    if ContentType::from(*kind) != ContentType::ApplicationData {
        return Err(InvalidMessage::UnexpectedMessage("unprotected record").into());
    }
    let body = usize::from(u16::from_be_bytes([*a, *b]));
    if body > LONGEST {
        return Err(Error::PeerSentOversizedRecord);
    }
    let len = HEADER + body;
    Ok((bytes.len() >= len).then_some(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits of a dump.
    fn hex(text: &str) -> Vec<u8> {
        let bytes = text.split_whitespace();
        bytes.map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
    }

    fn protection(key: &str, iv: &str) -> Protection {
        let key: [u8; 32] = [hex(key), vec![0; 16]].concat().try_into().unwrap();
        let iv: [u8; 12] = hex(iv).try_into().unwrap();
        // rustls makes keys of 16 bytes only by itself.
        let key = UnboundKey::new(&aead::AES_128_GCM, &key[..16]).unwrap();
        Protection {
            key: LessSafeKey::new(key),
            iv: iv.into(),
            records: 0,
        }
    }

    /// The records that the client of RFC 8448, 3 sends under its application traffic keys.
    #[test]
    fn records_are_those_of_the_examples() {
        let (key, iv) = (
            "17 42 2d da 59 6e d5 d9 ac d8 90 e3 c6 3f 50 51",
            "5b 78 92 3d ee 08 57 90 33 e5 23 d9",
        );
        let data: Vec<u8> = (0..50).collect();
        let data_record = hex(
            "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa
             66 bc ab 3f 2b 98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2
             97 70 14 bd 1e 3d ea e6 3a ee bb 21 69 49 15 e4",
        );
        let end_record =
            hex("17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3");
        let (mut sealing, mut opening) = (protection(key, iv), protection(key, iv));
        for (kind, plain, record) in [
            (ContentType::ApplicationData, &data[..], data_record),
            (ContentType::Alert, &[1, 0], end_record),
        ] {
            let mut made = [&[0; HEADER][..], plain, &[0; TRAILER]].concat();
            sealing.seal(kind, &mut made).unwrap();
            assert_eq!(made, record);
            let mut opened = record;
            assert_eq!(opening.open(&mut opened, 0), Ok((kind, plain.len())));
            assert_eq!(opened[..plain.len()], *plain);
        }
    }
}
