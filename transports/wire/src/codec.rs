//! The wire protocol of one connection: which version it speaks, and its messages.

use bytes::BytesMut;

use crate::error::WireError;
use crate::msg::{Body, Message};
use crate::v1;

/// A version of the wire protocol (protocol 3 and 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Type byte, length, JSON: what every frp speaks.
    V1,
    /// Frames with capabilities and an authenticated cipher; not spoken by this build.
    V2,
}

/// Reads and writes messages in the version that a connection has settled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    version: Version,
}

impl Codec {
    /// The codec of version 1.
    pub const V1: Self = Self {
        version: Version::V1,
    };

    /// The codec of `version`.
    ///
    /// # Errors
    /// [`WireError::Version`] when this build does not speak it.
    pub fn new(version: Version) -> Result<Self, WireError> {
        match version {
            Version::V1 => Ok(Self::V1),
            Version::V2 => Err(WireError::Version),
        }
    }

    /// The version it speaks.
    pub fn version(self) -> Version {
        self.version
    }

    /// Bytes, counted from the start of `have`, that can be read without taking any that belong to
    /// whatever follows the message; see [`v1::needed`].
    ///
    /// # Errors
    /// The peer's bytes are no message.
    pub fn needed(self, have: &[u8]) -> Result<usize, WireError> {
        match self.version {
            Version::V1 => v1::needed(have),
            Version::V2 => Err(WireError::Version),
        }
    }

    /// Takes one message off the front of `buf`; `None` means that more bytes are needed.
    ///
    /// # Errors
    /// The peer's bytes are no message.
    pub fn decode(self, buf: &mut BytesMut) -> Result<Option<Message>, WireError> {
        match self.version {
            Version::V1 => v1::decode(buf),
            Version::V2 => Err(WireError::Version),
        }
    }

    /// Takes the one message that can follow here off the front of `buf`; see [`v1::decode_as`].
    ///
    /// # Errors
    /// The peer's bytes are no message.
    pub fn decode_as<T: Body>(self, buf: &mut BytesMut) -> Result<Option<T>, WireError> {
        match self.version {
            Version::V1 => v1::decode_as(buf),
            Version::V2 => Err(WireError::Version),
        }
    }

    /// Appends `message` to `out`, which stays as it was on an error.
    ///
    /// # Errors
    /// [`WireError::TooLong`] when no peer would read it.
    pub fn encode(self, message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
        match self.version {
            Version::V1 => v1::encode(message, out),
            Version::V2 => Err(WireError::Version),
        }
    }
}
