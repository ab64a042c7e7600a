//! What frp peers say to each other: messages, framing, ciphers; no sockets, no clock.
//!
//! Everything here is a function of bytes. A caller owns the connection, the deadlines and the
//! buffers; this crate decides what the bytes mean and which bytes to answer with.
//!
//! * [`msg`]: the 18 messages, read and written with the rules of Go's `encoding/json`.
//! * [`v1`], [`v2`] and [`Codec`]: one message at a time, out of a buffer or into one.
//! * [`crypt`]: the AES-128-CFB stream of control channels and of `useEncryption`.
//! * [`v2::Sealer`] and [`v2::Opener`]: the records of a v2 control channel.
//! * [`compress`]: the snappy framing of `useCompression`.
//! * [`auth`]: tokens, `privilege_key` and `sign_key`.
//! * [`udp`]: datagrams and their addresses as messages.
//! * [`datagram`]: the same as datagrams of a transport that has them, between our own programs.
//! * [`limits`]: every maximum, with its reason.
//!
//! What takes bytes from a peer, and must take any: [`v1::needed`], [`v1::decode`],
//! [`v1::decode_as`], the same of [`v2`] and its [`v2::decode_opening`], [`v2::negotiate`],
//! [`v2::Offer::accept`], [`v2::Opener::open`], [`Version::sniff`], [`Message::from_json`], [`SnappyDecoder::read`], [`CfbDecryptor::open`],
//! [`auth::verify`], [`datagram::Piece::read`] with [`datagram::Reassembly`], and `SocketAddr::try_from` of a [`msg::UdpAddr`].

#![forbid(unsafe_code)]

pub mod auth;
mod codec;
pub mod compress;
pub mod crypt;
pub mod datagram;
mod error;
pub mod limits;
pub mod msg;
mod names;
pub mod udp;
pub mod v1;
pub mod v2;

pub use auth::{AuthError, Token};
pub use codec::{Codec, Version};
pub use compress::{SnappyDecoder, SnappyEncoder};
pub use crypt::{CfbDecryptor, CfbEncryptor, Key};
pub use error::{CompressError, Fault, HelloError, RecordError, WireError};
pub use msg::{Body, Message, MessageType, json::go_json};
pub use names::{ProxyName, RunId};
pub use v2::ControlCipher;

/// The release of frp whose wire, interfaces and log lines we keep to; both ends tell it at login.
pub const RELEASE: &str = "0.70.1";
