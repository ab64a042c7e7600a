//! The wire protocol of one connection: which version it speaks, and its messages.

use std::fmt;

use bytes::BytesMut;

use crate::error::WireError;
use crate::msg::{Body, Message};
use crate::v1;
use crate::v2::{self, Opening};

/// A version of the wire protocol (protocol 3 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Type byte, length, JSON: what every frp speaks.
    V1,
    /// Frames, capabilities and an authenticated cipher: since frp 0.69.
    V2,
}

impl Version {
    /// The version that a connection speaks whose first bytes are `head`; `None` means that more
    /// bytes are needed, which never happens to version 1: no message of it begins as the magic
    /// does. [`v2::MAGIC`] bytes always decide.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        if head.starts_with(v2::MAGIC) {
            Some(Self::V2)
        } else if v2::MAGIC.starts_with(head) {
            None
        } else {
            Some(Self::V1)
        }
    }

    /// The version as configuration files and interfaces write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads and writes messages in the version that a connection has settled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    version: Version,
}

impl Codec {
    /// The codec of version 1.
    pub const V1: Self = Self::new(Version::V1);
    /// The codec of version 2.
    pub const V2: Self = Self::new(Version::V2);

    /// The codec of `version`.
    pub const fn new(version: Version) -> Self {
        Self { version }
    }

    /// The version it speaks.
    pub const fn version(self) -> Version {
        self.version
    }

    /// What whoever opened a connection says before its first message: nothing in version 1.
    pub const fn magic(self) -> &'static [u8] {
        match self.version {
            Version::V1 => b"",
            Version::V2 => v2::MAGIC,
        }
    }

    /// Bytes, counted from the start of `have`, that can be read without taking any that belong to
    /// whatever follows the message; see [`v1::needed`].
    ///
    /// # Errors
    /// The peer's bytes are no message.
    pub fn needed(self, have: &[u8]) -> Result<usize, WireError> {
        match self.version {
            Version::V1 => v1::needed(have),
            Version::V2 => v2::needed(have),
        }
    }

    /// Takes one message off the front of `buf`; `None` means that more bytes are needed.
    ///
    /// # Errors
    /// The peer's bytes are no message.
    pub fn decode(self, buf: &mut BytesMut) -> Result<Option<Message>, WireError> {
        match self.version {
            Version::V1 => v1::decode(buf),
            Version::V2 => v2::decode(buf),
        }
    }

    /// Takes the one message that can follow here off the front of `buf`; version 1 does not
    /// compare types then, version 2 does: see [`v1::decode_as`] and [`v2::decode_as`].
    ///
    /// # Errors
    /// The peer's bytes are no message, or not this one.
    pub fn decode_as<T: Body>(self, buf: &mut BytesMut) -> Result<Option<T>, WireError> {
        match self.version {
            Version::V1 => v1::decode_as(buf),
            Version::V2 => v2::decode_as(buf),
        }
    }

    /// Takes what a peer opens its connection with off the front of `buf`: in version 2 that may
    /// be a hello.
    ///
    /// # Errors
    /// The peer's bytes are neither.
    pub fn decode_opening(self, buf: &mut BytesMut) -> Result<Option<Opening>, WireError> {
        match self.version {
            Version::V1 => Ok(v1::decode(buf)?.map(Opening::Message)),
            Version::V2 => v2::decode_opening(buf),
        }
    }

    /// Appends `message` to `out`, which stays as it was on an error.
    ///
    /// # Errors
    /// [`WireError::TooLong`] when no peer would read it.
    pub fn encode(self, message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
        match self.version {
            Version::V1 => v1::encode(message, out),
            Version::V2 => v2::encode(message, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::MessageType;

    #[test]
    fn version_one_is_known_by_its_first_byte() {
        for kind in MessageType::ALL {
            assert_eq!(Version::sniff(&[kind.v1()]), Some(Version::V1), "{kind:?}");
        }
        for first in 0..=u8::MAX {
            let decided = Version::sniff(&[first]);
            assert_eq!(decided.is_none(), first == b'F', "{first}");
        }
    }

    #[test]
    fn the_magic_is_known_by_its_last_byte_and_no_sooner() {
        for n in 0..v2::MAGIC.len() {
            assert_eq!(Version::sniff(&v2::MAGIC[..n]), None, "{n}");
            let mut wrong = v2::MAGIC[..=n].to_vec();
            wrong[n] ^= 1;
            assert_eq!(Version::sniff(&wrong), Some(Version::V1), "{n}");
        }
        assert_eq!(Version::sniff(v2::MAGIC), Some(Version::V2));
        assert_eq!(Version::sniff(b"FRP\0\x02\r\n\0\x01"), Some(Version::V2));
    }
}
