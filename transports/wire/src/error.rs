//! What can go wrong between bytes and messages, and whose fault it is.

use serde_json::error::Category;

/// Who has to change something for an error to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The other side sent bytes that mean nothing: end the connection.
    Bytes,
    /// We were about to send something no peer could read: refuse it, the connection is fine.
    Us,
    /// The operating system could not help.
    World,
}

/// An error of this crate. None of them holds bytes of a message: those may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The first byte of a message is no known type (protocol 3.2).
    #[error("unknown message type 0x{0:02x}")]
    UnknownType(u8),
    /// The announced body length is negative or above [`limits::V1_BODY`](crate::limits::V1_BODY).
    #[error("message length {0} is out of range")]
    BadLength(i64),
    /// The body is no JSON, or not of the shape that the message needs. serde's own text quotes
    /// the value it stumbled over, so only its kind and place are kept.
    #[error("malformed {message} message: {kind} at byte {at}")]
    BadBody {
        /// The message that was to be read.
        message: &'static str,
        /// What sort of mistake it is.
        kind: &'static str,
        /// Where in the body, counted from 1 in its last line.
        at: usize,
    },
    /// A frame's type is no known one (protocol 4.1).
    #[error("unknown frame type {0}")]
    UnknownFrame(u16),
    /// A frame has flags, of which none is defined (protocol 4.1).
    #[error("unknown frame flags 0x{0:04x}")]
    FrameFlags(u16),
    /// The announced payload length is too short for its type or above
    /// [`limits::V2_PAYLOAD`](crate::limits::V2_PAYLOAD).
    #[error("frame length {0} is out of range")]
    FrameLength(u32),
    /// The number of a v2 message is no known one (protocol 3.2).
    #[error("unknown message number {0}")]
    UnknownId(u16),
    /// Another message or frame than the one that can follow here.
    #[error("{got} came instead of {expected}")]
    Unexpected {
        /// What can follow.
        expected: &'static str,
        /// What came.
        got: &'static str,
    },
    /// A datagram that is no packet and no part of one ([`datagram`](crate::datagram)).
    #[error("malformed datagram: {0}")]
    BadDatagram(&'static str),
    /// The two sides cannot agree on how to speak version 2.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// The control cipher of version 2 cannot go on.
    #[error("broken control cipher: {0}")]
    Record(#[from] RecordError),
    /// Compressed bytes break the snappy framing format.
    #[error("malformed compressed data: {0}")]
    Compressed(#[from] CompressError),
    /// An address in a message cannot be used as one.
    #[error("unusable address in udp packet")]
    BadAddress,
    /// Our own message is longer than peers accept.
    #[error("{message} message is longer than {limit} bytes")]
    TooLong {
        /// The message that was to be sent.
        message: &'static str,
        /// Most bytes its body may have.
        limit: usize,
    },
    /// Our own message or block could not be written; never seen, kept instead of a panic.
    #[error("cannot encode {0}")]
    Encode(&'static str),
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system")]
    Random(#[source] getrandom::Error),
}

/// In what way compressed bytes break the snappy framing format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    /// The stream does not begin with the stream identifier, or repeats it wrongly.
    #[error("no stream identifier")]
    Identifier,
    /// A chunk type that must not be skipped, and that nobody has defined.
    #[error("unknown chunk type 0x{0:02x}")]
    ChunkType(u8),
    /// A chunk is shorter than its checksum or longer than any encoder makes it.
    #[error("chunk length {0} is out of range")]
    Length(usize),
    /// A block says it is larger than a chunk may hold, or does not decompress.
    #[error("broken block")]
    Block,
    /// The plain bytes do not match their checksum.
    #[error("wrong checksum")]
    Checksum,
}

/// Why two sides cannot speak version 2 with each other. The first three are what a server tells
/// its client, in upstream's words (pkg/proto/wire/crypto.go).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// The client does not write messages as JSON.
    #[error("unsupported message codec")]
    Codec,
    /// The client's random number has a wrong length.
    #[error("invalid crypto client random length {0}, want 32")]
    ClientRandom(usize),
    /// The client offers no algorithm that we have.
    #[error("no supported crypto algorithm")]
    Algorithm,
    /// The server refused; its own words.
    #[error("{0}")]
    Refused(String),
    /// The server selected another codec than JSON.
    #[error("the server selected an unknown message codec")]
    Selected,
    /// The server selected an algorithm that it was not offered.
    #[error("the server selected a crypto algorithm that was not offered")]
    NotOffered,
    /// The server's random number has a wrong length.
    #[error("invalid crypto server random length {0}, want 32")]
    ServerRandom(usize),
}

/// Why the control cipher of version 2 cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A record is shorter than its tag, or longer than
    /// [`limits::RECORD_PLAIN`](crate::limits::RECORD_PLAIN) allows.
    #[error("record length {0} is out of range")]
    Length(u32),
    /// A record was changed on the way, or sealed with another key: the tokens differ.
    #[error("a record is not authentic")]
    Tag,
    /// The direction has had all the records that its nonce allows.
    #[error("all nonces are used up")]
    Spent,
}

impl WireError {
    /// Whose fault this is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::UnknownType(_)
            | Self::BadLength(_)
            | Self::BadBody { .. }
            | Self::UnknownFrame(_)
            | Self::FrameFlags(_)
            | Self::FrameLength(_)
            | Self::UnknownId(_)
            | Self::Unexpected { .. }
            | Self::Hello(_)
            | Self::Record(_)
            | Self::Compressed(_)
            | Self::BadDatagram(_)
            | Self::BadAddress => Fault::Bytes,
            Self::TooLong { .. } | Self::Encode(_) => Fault::Us,
            Self::Random(_) => Fault::World,
        }
    }

    pub(crate) fn body(message: &'static str, error: &serde_json::Error) -> Self {
        let kind = match error.classify() {
            Category::Syntax => "not json",
            Category::Eof => "json ends too early",
            Category::Data | Category::Io => "value of a wrong kind",
        };
        Self::BadBody {
            message,
            kind,
            at: error.column(),
        }
    }
}
