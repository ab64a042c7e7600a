//! Frames: type, flags, 32-bit length, payload, all big-endian (protocol 4.1).

use bytes::{Buf, BufMut, BytesMut};

use crate::error::WireError;
use crate::limits;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// What the client can do, as JSON.
    ClientHello,
    /// What the server selected, as JSON.
    ServerHello,
    /// A message: its number and its JSON object.
    Message,
}

impl FrameType {
    /// Its number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::ClientHello => 1,
            Self::ServerHello => 2,
            Self::Message => 16,
        }
    }

    /// The type with this number on the wire.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::ClientHello),
            2 => Some(Self::ServerHello),
            16 => Some(Self::Message),
            _ => None,
        }
    }

    /// Its name, for errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientHello => "ClientHello",
            Self::ServerHello => "ServerHello",
            Self::Message => "a message",
        }
    }

    /// Payload bytes without which it means nothing.
    const fn least(self) -> usize {
        match self {
            Self::ClientHello | Self::ServerHello => 0,
            Self::Message => limits::V2_ID,
        }
    }
}

/// Bytes, counted from the start of `have`, up to which a reader may read without taking any byte
/// that follows the frame; never less than `have` needs to make progress. When it is no more than
/// `have.len()`, the whole frame is there.
///
/// # Errors
/// [`WireError::UnknownFrame`] from the second byte on, [`WireError::FrameFlags`] from the fourth,
/// [`WireError::FrameLength`] from the eighth.
pub fn needed(have: &[u8]) -> Result<usize, WireError> {
    let Some((kind, rest)) = have.split_first_chunk() else {
        return Ok(limits::V2_HEADER);
    };
    let number = u16::from_be_bytes(*kind);
    let kind = FrameType::from_number(number).ok_or(WireError::UnknownFrame(number))?;
    let Some((flags, rest)) = rest.split_first_chunk() else {
        return Ok(limits::V2_HEADER);
    };
    match u16::from_be_bytes(*flags) {
        0 => {}
        flags => return Err(WireError::FrameFlags(flags)),
    }
    let Some(length) = rest.first_chunk() else {
        return Ok(limits::V2_HEADER);
    };
    let length = u32::from_be_bytes(*length);
    match usize::try_from(length) {
        Ok(payload) if (kind.least()..=limits::V2_PAYLOAD).contains(&payload) => {
            Ok(limits::V2_HEADER + payload)
        }
        _ => Err(WireError::FrameLength(length)),
    }
}

/// Appends one frame with this payload to `out`, which stays as it was on an error.
///
/// # Errors
/// [`WireError::TooLong`] above [`limits::V2_PAYLOAD`].
pub fn encode_frame(kind: FrameType, payload: &[u8], out: &mut BytesMut) -> Result<(), WireError> {
    put(kind, kind.name(), out, |out| {
        out.put_slice(payload);
        Ok(())
    })
}

/// Takes one whole frame off the front of `buf`, its payload read by `read`; `None` means that
/// more bytes are needed.
pub(super) fn take<T>(
    buf: &mut BytesMut,
    read: impl FnOnce(FrameType, &[u8]) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    let whole = needed(buf)?;
    let (Some(number), Some(payload)) = (buf.first_chunk(), buf.get(limits::V2_HEADER..whole))
    else {
        return Ok(None);
    };
    let number = u16::from_be_bytes(*number);
    let kind = FrameType::from_number(number).ok_or(WireError::UnknownFrame(number))?;
    let value = read(kind, payload);
    buf.advance(whole);
    value.map(Some)
}

/// Appends one frame whose payload `write` appends. `name` is what an error calls it.
pub(super) fn put(
    kind: FrameType,
    name: &'static str,
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    let result = append(kind, name, out, write);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn append(
    kind: FrameType,
    name: &'static str,
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), WireError>,
) -> Result<(), WireError> {
    out.put_u16(kind.number());
    out.put_u16(0);
    let at = out.len();
    out.put_u32(0);
    let payload = out.len();
    write(out)?;
    let length = out.len().saturating_sub(payload);
    if length > limits::V2_PAYLOAD {
        return Err(WireError::TooLong {
            message: name,
            limit: limits::V2_PAYLOAD,
        });
    }
    let length = u32::try_from(length).map_err(|_| WireError::Encode(name))?;
    let field = out.get_mut(at..payload).ok_or(WireError::Encode(name))?;
    field.copy_from_slice(&length.to_be_bytes());
    Ok(())
}
