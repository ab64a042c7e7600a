//! Version 1 of the wire protocol: type byte, 64-bit big-endian length, JSON object.
//!
//! Pure functions over a buffer. They take exactly one message and leave what follows it alone:
//! right behind `LoginResp`, `StartWorkConn` and `NewVisitorConnResp` other bytes begin
//! (protocol 3.3, trap M2).

use bytes::{Buf, BufMut, BytesMut};

use crate::error::WireError;
use crate::limits;
use crate::msg::{Body, Message, MessageType, json};

/// Bytes, counted from the start of `have`, up to which a reader may read without taking any byte
/// that follows the message; never less than `have` needs to make progress. When it is no more
/// than `have.len()`, [`decode`] will give the message.
///
/// # Errors
/// [`WireError::UnknownType`] from the first byte on, [`WireError::BadLength`] from the ninth on.
pub fn needed(have: &[u8]) -> Result<usize, WireError> {
    let Some((&kind, rest)) = have.split_first() else {
        return Ok(limits::V1_HEADER);
    };
    MessageType::from_v1(kind).ok_or(WireError::UnknownType(kind))?;
    let Some(length) = rest.first_chunk::<8>() else {
        return Ok(limits::V1_HEADER);
    };
    let length = i64::from_be_bytes(*length);
    match usize::try_from(length) {
        Ok(body) if body <= limits::V1_BODY => Ok(limits::V1_HEADER + body),
        _ => Err(WireError::BadLength(length)),
    }
}

/// Takes one message off the front of `buf`; `None` means that more bytes are needed.
///
/// # Errors
/// As [`needed`], and [`WireError::BadBody`]. The connection is of no use after an error.
pub fn decode(buf: &mut BytesMut) -> Result<Option<Message>, WireError> {
    take(buf, Message::from_json)
}

/// Takes one message off the front of `buf` and reads it as a `T`, whatever its type byte says, as
/// long as it is a known one: version 1 does not compare the two where only one message can follow
/// (protocol 3.1; golib msg/json/process.go). `None` means that more bytes are needed.
///
/// # Errors
/// As [`decode`].
pub fn decode_as<T: Body>(buf: &mut BytesMut) -> Result<Option<T>, WireError> {
    take(buf, |_, body| json::read(T::TYPE.name(), body))
}

/// Appends `message` to `out`, which stays as it was on an error.
///
/// # Errors
/// [`WireError::TooLong`] above [`limits::V1_BODY`]: the peer would end the connection.
pub fn encode(message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
    let start = out.len();
    let result = append(message, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Takes one whole message off the front of `buf`, its body read by `read`.
fn take<T>(
    buf: &mut BytesMut,
    read: impl FnOnce(MessageType, &[u8]) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    let whole = needed(buf)?;
    let (Some(&byte), Some(body)) = (buf.first(), buf.get(limits::V1_HEADER..whole)) else {
        return Ok(None);
    };
    let kind = MessageType::from_v1(byte).ok_or(WireError::UnknownType(byte))?;
    let value = read(kind, body);
    buf.advance(whole);
    value.map(Some)
}

fn append(message: &Message, out: &mut BytesMut) -> Result<(), WireError> {
    let name = message.kind().name();
    out.put_u8(message.kind().v1());
    let at = out.len();
    out.put_i64(0);
    let body = out.len();
    message.to_json(out, limits::V1_BODY)?;
    let length = out.len().saturating_sub(body);
    let length = i64::try_from(length).map_err(|_| WireError::Encode(name))?;
    let field = out.get_mut(at..body).ok_or(WireError::Encode(name))?;
    field.copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
