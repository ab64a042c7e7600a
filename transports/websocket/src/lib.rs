//! The websocket and wss transports: a byte stream in binary frames behind an HTTP upgrade.
//!
//! The codec ([`Decoder`], [`Header`], [`Mask`]) and the handshake ([`Offer`], [`Upgrade`]) take
//! and give bytes and do no I/O; [`connect`] and [`accept`] drive them over a stream. Frames are
//! read into the reader's own memory and unmasked there, so an idle connection holds no buffer.

mod decoder;
mod error;
mod frame;
mod handshake;
mod mask;
mod output;
mod stream;
mod transport;
mod upgrade;

pub use decoder::{Decoder, Role};
pub use error::{HandshakeError, Violation, WebsocketError};
pub use frame::{Head, Header, Kind};
pub use handshake::{MAX_HEAD, Offer, PATH, Upgrade};
pub use mask::Mask;
pub use stream::WsStream;
pub use transport::{
    Websocket, WebsocketAcceptor, WebsocketConnector, Wss, WssAcceptor, WssConnector,
};
pub use upgrade::{accept, connect};
