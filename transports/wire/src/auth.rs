//! Who may speak: the shared token, and the digests that prove a side knows a secret.
//!
//! A digest is the lower-case hex MD5 of the secret followed by the decimal unix timestamp
//! (protocol 3.6). There is no freshness in it: whoever saw one can send it again, as with upstream.

use std::fmt;
use std::sync::Arc;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::crypt::Key;
use crate::names::hex;

/// Characters of a digest in hex.
const DIGEST: usize = 32;

/// A secret that both sides know: `auth.token`, or the `secretKey` of a visitor. May be empty.
#[derive(Clone, Default)]
pub struct Token(Arc<str>);

impl Token {
    /// A token with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, from which the keys of v2 control channels are made.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty, which is a valid token (trap M4).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of connections that are encrypted with this token (protocol 3.5). Takes some tens of
    /// microseconds: make it once, not per connection.
    pub fn key(&self) -> Key {
        Key::derive(&self.0)
    }

    /// The `privilege_key` of a message with this `timestamp`, in unix seconds.
    pub fn privilege_key(&self, timestamp: i64) -> String {
        privilege_key(&self.0, timestamp)
    }

    /// The `sign_key` of a visitor's message with this `timestamp`: the same formula, the token
    /// being the visitor's `secretKey`.
    pub fn sign_key(&self, timestamp: i64) -> String {
        privilege_key(&self.0, timestamp)
    }

    /// Whether `presented` is the digest for this `timestamp`.
    pub fn verify(&self, timestamp: i64, presented: &str) -> bool {
        verify(&self.0, timestamp, presented)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A message's digest does not match; the text is what upstream tells the client (protocol 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// In `Login`.
    #[error("token in login doesn't match token from configuration")]
    Login,
    /// In `Ping`, with the scope `HeartBeats`.
    #[error("token in heartbeat doesn't match token from configuration")]
    Heartbeat,
    /// In `NewWorkConn`, with the scope `NewWorkConns`.
    #[error("token in NewWorkConn doesn't match token from configuration")]
    NewWorkConn,
}

/// The digest of `token` and `timestamp` (upstream pkg/util/util/util.go).
pub fn privilege_key(token: &str, timestamp: i64) -> String {
    let mut digest = Md5::new();
    digest.update(token.as_bytes());
    digest.update(timestamp.to_string().as_bytes());
    hex(&digest.finalize())
}

/// The digest of a visitor's secret key and `timestamp`: [`privilege_key`] by its other name.
pub fn sign_key(secret_key: &str, timestamp: i64) -> String {
    privilege_key(secret_key, timestamp)
}

/// Whether `presented` is the digest of `token` and `timestamp`. The time it takes depends on
/// neither the digest nor the length of `presented`.
pub fn verify(token: &str, timestamp: i64, presented: &str) -> bool {
    let expected = privilege_key(token, timestamp);
    // The two are brought to one length, so that a wrong length is compared like a wrong digest.
    let mut padded = [0; DIGEST];
    for (place, byte) in padded.iter_mut().zip(presented.bytes()) {
        *place = byte;
    }
    let same = expected.as_bytes().ct_eq(&padded) & presented.len().ct_eq(&DIGEST);
    same.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_upstreams() {
        assert_eq!(
            privilege_key("token", 1_700_000_000),
            "47a54eb2b471fafd861fd25fc0bc5027"
        );
        // Recorded from frpc 0.70.1: a login, and a visitor with secret key "sk".
        assert_eq!(
            privilege_key("token", 1_795_166_294),
            "de11a3e7a904ed80483734e2c345aced"
        );
        assert_eq!(
            sign_key("sk", 1_795_166_346),
            "fac9c8c7f7d1f3b06f82c2d4c44b3703"
        );
    }

    #[test]
    fn only_the_whole_digest_verifies() {
        let token = Token::new("token");
        let good = token.privilege_key(1_700_000_000);
        assert!(token.verify(1_700_000_000, &good));
        assert!(!token.verify(1_700_000_001, &good));
        assert!(!Token::default().verify(1_700_000_000, &good));
        for bad in [
            "",
            "4",
            good.get(..31).unwrap(),
            &format!("{good}0"),
            &good.to_uppercase(),
        ] {
            assert!(!token.verify(1_700_000_000, bad), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_token() {
        assert_eq!(format!("{:?}", Token::new("hunter2")), "Token(…)");
    }

    #[test]
    fn refusals_read_as_upstreams_do() {
        assert_eq!(
            AuthError::Login.to_string(),
            "token in login doesn't match token from configuration"
        );
    }
}
