//! Version 2 of the wire protocol: frames that carry a hello or a numbered message.
//!
//! Pure functions over a buffer, as in [`v1`](crate::v1): they take exactly one frame and leave
//! what follows it alone. What differs from version 1 is the frame, the hello that settles a
//! cipher, and that cipher; payload and `useEncryption` stay the same (protocol 4).

mod aead;
mod algorithm;
mod frame;
mod hello;
mod keys;

use bytes::{BufMut, Bytes, BytesMut};

use crate::crypt::Key;
use crate::error::WireError;
use crate::limits;
use crate::msg::{Body, Message, MessageType, json};
pub use aead::{NONCE, Opened, Opener, Sealer};
pub use algorithm::Algorithm;
pub use frame::{FrameType, encode_frame, needed};
pub use hello::{Bootstrap, Negotiated, Offer, negotiate, refusal};
pub use keys::{AeadKey, AeadKeys, TRANSCRIPT, transcript};

/// What a client says first on every connection; a server never says it (protocol 4.1).
pub const MAGIC: &[u8] = b"FRP\0\x02\r\n";

/// The cipher of a control channel, which begins right behind `LoginResp`.
#[derive(Debug, Clone)]
pub enum ControlCipher {
    /// Version 1: the stream of [`crypt`](crate::crypt), keyed by the token.
    Cfb(Key),
    /// Version 2: records, keyed by the token and both hellos.
    Aead(AeadKeys),
}

/// What a peer opens a connection with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// The payload of a `ClientHello`, to be given to [`negotiate`]; a login follows.
    Hello(Bytes),
    /// Any message.
    Message(Message),
}

/// Takes one message off the front of `buf`; `None` means that more bytes are needed.
///
/// # Errors
/// As [`needed`], [`WireError::UnknownId`], [`WireError::BadBody`], and [`WireError::Unexpected`]
/// for a hello. The connection is of no use after an error.
pub fn decode(buf: &mut BytesMut) -> Result<Option<Message>, WireError> {
    frame::take(buf, message)
}

/// Takes one message off the front of `buf`, which must be a `T`: version 2 compares the number
/// where only one message can follow (protocol 4.2). `None` means that more bytes are needed.
///
/// # Errors
/// As [`decode`], and [`WireError::Unexpected`] for another message.
pub fn decode_as<T: Body>(buf: &mut BytesMut) -> Result<Option<T>, WireError> {
    frame::take(buf, |frame, payload| {
        let (kind, body) = open(frame, payload, T::TYPE.name())?;
        if kind != T::TYPE {
            return Err(WireError::Unexpected {
                expected: T::TYPE.name(),
                got: kind.name(),
            });
        }
        json::read(T::TYPE.name(), body)
    })
}

/// Takes what a client opens its connection with off the front of `buf`; `None` means that more
/// bytes are needed.
///
/// # Errors
/// As [`decode`], except that a `ClientHello` is welcome.
pub fn decode_opening(buf: &mut BytesMut) -> Result<Option<Opening>, WireError> {
    frame::take(buf, |frame, payload| match frame {
        FrameType::ClientHello => Ok(Opening::Hello(Bytes::copy_from_slice(payload))),
        _ => message(frame, payload).map(Opening::Message),
    })
}

/// Takes the payload of a `ServerHello` off the front of `buf`; `None` means that more bytes are
/// needed.
///
/// # Errors
/// As [`needed`], and [`WireError::Unexpected`] for another frame.
pub fn decode_server_hello(buf: &mut BytesMut) -> Result<Option<Bytes>, WireError> {
    frame::take(buf, |frame, payload| match frame {
        FrameType::ServerHello => Ok(Bytes::copy_from_slice(payload)),
        other => Err(WireError::Unexpected {
            expected: FrameType::ServerHello.name(),
            got: other.name(),
        }),
    })
}

/// Appends `message` to `out`, which stays as it was on an error.
///
/// # Errors
/// [`WireError::TooLong`] above [`limits::V2_PAYLOAD`]: the peer would end the connection.
pub fn encode(message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
    let kind = message.kind();
    frame::put(FrameType::Message, kind.name(), out, |out| {
        out.put_u16(kind.v2());
        message.to_json(out, limits::V2_PAYLOAD - limits::V2_ID)
    })
}

fn message(frame: FrameType, payload: &[u8]) -> Result<Message, WireError> {
    let (kind, body) = open(frame, payload, "a message")?;
    Message::from_json(kind, body)
}

/// The kind and the body of a message frame.
fn open<'a>(
    frame: FrameType,
    payload: &'a [u8],
    expected: &'static str,
) -> Result<(MessageType, &'a [u8]), WireError> {
    let got = frame.name();
    let (FrameType::Message, Some((id, body))) = (frame, payload.split_first_chunk()) else {
        return Err(WireError::Unexpected { expected, got });
    };
    let id = u16::from_be_bytes(*id);
    let kind = MessageType::from_v2(id).ok_or(WireError::UnknownId(id))?;
    Ok((kind, body))
}

#[cfg(test)]
mod tests;
