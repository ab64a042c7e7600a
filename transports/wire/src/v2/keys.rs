//! The keys of a v2 control channel: from the token and the exact bytes of both hellos.

use std::fmt;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use super::Algorithm;
use super::aead::{Opener, Sealer};
use crate::auth::Token;
use crate::error::WireError;

/// Bytes of a transcript: one SHA-256.
pub const TRANSCRIPT: usize = 32;

/// Bytes of a key, the same for both algorithms (protocol 4.4).
const KEY: usize = 32;

/// What the transcript begins with (protocol 4.4).
const LABEL: &[u8] = b"frp wire v2 crypto transcript";

/// What the keys are for, in front of algorithm and direction (protocol 4.4).
const PURPOSE: &[u8] = b"frp wire v2 control aead ";

/// The digest of both hellos as they stood on the wire: payloads, not written anew (trap M5).
pub fn transcript(client_hello: &[u8], server_hello: &[u8]) -> [u8; TRANSCRIPT] {
    let mut digest = Sha256::new();
    digest.update(LABEL);
    for (label, payload) in [
        (&b"client hello"[..], client_hello),
        (b"server hello", server_hello),
    ] {
        // A usize has at most 64 bits on every platform there is.
        let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        digest.update([0]);
        digest.update(label);
        digest.update([0]);
        digest.update(length.to_be_bytes());
        digest.update(payload);
    }
    digest.finalize().into()
}

/// The key of one direction. `Debug` does not show it.
#[derive(Clone)]
pub struct AeadKey {
    algorithm: Algorithm,
    bytes: [u8; KEY],
}

impl AeadKey {
    /// A key with these bytes.
    pub const fn new(algorithm: Algorithm, bytes: [u8; KEY]) -> Self {
        Self { algorithm, bytes }
    }

    /// What it is for.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn bytes(&self) -> &[u8; KEY] {
        &self.bytes
    }

    fn derive(
        token: &Token,
        transcript: &[u8; TRANSCRIPT],
        algorithm: Algorithm,
        direction: &[u8],
    ) -> Result<Self, WireError> {
        let mut bytes = [0; KEY];
        let info = [PURPOSE, algorithm.name().as_bytes(), b" ", direction];
        Hkdf::<Sha256>::new(Some(transcript), token.text().as_bytes())
            .expand_multi_info(&info, &mut bytes)
            .map_err(|_| WireError::Encode("the control keys"))?;
        Ok(Self { algorithm, bytes })
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AeadKey({}, …)", self.algorithm)
    }
}

/// The keys of both directions, seen from one side.
#[derive(Debug, Clone)]
pub struct AeadKeys {
    read: AeadKey,
    write: AeadKey,
}

impl AeadKeys {
    /// The client's keys: HKDF with SHA-256 (protocol 4.4).
    ///
    /// # Errors
    /// Never seen: HKDF could not make so few bytes.
    pub fn client(
        token: &Token,
        transcript: &[u8; TRANSCRIPT],
        algorithm: Algorithm,
    ) -> Result<Self, WireError> {
        Ok(Self {
            read: AeadKey::derive(token, transcript, algorithm, b"server-to-client")?,
            write: AeadKey::derive(token, transcript, algorithm, b"client-to-server")?,
        })
    }

    /// The server's keys: the client's with the directions exchanged.
    ///
    /// # Errors
    /// As [`client`](Self::client).
    pub fn server(
        token: &Token,
        transcript: &[u8; TRANSCRIPT],
        algorithm: Algorithm,
    ) -> Result<Self, WireError> {
        let Self { read, write } = Self::client(token, transcript, algorithm)?;
        Ok(Self {
            read: write,
            write: read,
        })
    }

    /// The key of the peer's direction.
    pub const fn read(&self) -> &AeadKey {
        &self.read
    }

    /// The key of our direction.
    pub const fn write(&self) -> &AeadKey {
        &self.write
    }

    /// What both directions are sealed with.
    pub const fn algorithm(&self) -> Algorithm {
        self.write.algorithm
    }

    /// Our direction.
    ///
    /// # Errors
    /// [`WireError::Random`] when the system gives no nonce.
    pub fn sealer(&self) -> Result<Sealer, WireError> {
        Sealer::new(&self.write)
    }

    /// The peer's direction.
    pub fn opener(&self) -> Opener {
        Opener::new(&self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::hex;

    #[test]
    fn keys_are_upstreams() {
        let vectors = [
            (
                Algorithm::XChaCha20Poly1305,
                "a058cd025d96985febebff79a19f62b715e053913dfc747705914c624bf3d495",
                "2b09f9e07815a595bf458cf17c1d9a70eb325c2416d65dc94b9930197971e0ef",
            ),
            (
                Algorithm::Aes256Gcm,
                "784aa4cb8720ca566d0d8dee150705fdecb1efab39cc5db0fc8a2b6abcc0fa55",
                "56c2b32a665d1d104ea03942a38d46e0498df78ac15f2e7c04740e41f584ce03",
            ),
        ];
        let token = Token::new("token");
        for (algorithm, to_server, to_client) in vectors {
            let client = AeadKeys::client(&token, &[0x44; 32], algorithm).unwrap();
            assert_eq!(hex(&client.write.bytes), to_server);
            assert_eq!(hex(&client.read.bytes), to_client);
            let server = AeadKeys::server(&token, &[0x44; 32], algorithm).unwrap();
            assert_eq!(hex(&server.read.bytes), to_server);
            assert_eq!(hex(&server.write.bytes), to_client);
        }
    }

    #[test]
    fn the_transcript_is_upstreams() {
        assert_eq!(
            hex(&transcript(br#"{"a":1}"#, br#"{"b":2}"#)),
            "78370d88a15058b8c472aaa4a622bdcfb6a007f31cda8bea050ddc9b914c4349"
        );
        // The border between the two counts.
        assert_ne!(transcript(b"ab", b"c"), transcript(b"a", b"bc"));
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = AeadKeys::client(&Token::default(), &[0; 32], Algorithm::Aes256Gcm).unwrap();
        assert_eq!(
            format!("{keys:?}"),
            "AeadKeys { read: AeadKey(aes-256-gcm, …), write: AeadKey(aes-256-gcm, …) }"
        );
    }
}
