//! The 18 messages of frp: their fields are named and ordered as on the wire (protocol 3.2).

use bytes::BytesMut;
use serde::de::DeserializeOwned;

use crate::error::WireError;

mod fields;
pub(crate) mod json;
mod login;
mod nathole;
pub(crate) mod object;
mod proxy;
mod work;

pub use login::{ClientSpec, Login, LoginResp, Ping, Pong};
pub use nathole::{
    DetectBehavior, NatHoleClient, NatHoleReport, NatHoleResp, NatHoleSid, NatHoleVisitor,
    PortRange,
};
pub use proxy::{CloseProxy, NewProxy, NewProxyResp};
pub use work::{
    NewVisitorConn, NewVisitorConnResp, NewWorkConn, ReqWorkConn, StartWorkConn, UdpAddr, UdpPacket,
};

/// A struct that is one of the messages, for readers that know which one must come.
pub trait Body: sealed::Sealed + DeserializeOwned + Into<Message> {
    /// Which of the messages it is.
    const TYPE: MessageType;
}

mod sealed {
    #[expect(unnameable_types, reason = "keeps others from adding messages")]
    pub trait Sealed {}
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident $($boxed:ident)?, $byte:literal, $id:literal;)*) => {
        /// Any message. Large ones are boxed, so that a queue of small ones stays small.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Message {
            $($(#[$doc])* $name(messages!(@type $name $($boxed)?)),)*
        }

        /// Which message it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum MessageType {
            $($(#[$doc])* $name,)*
        }

        impl MessageType {
            /// All of them, in the order of their v2 numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its type byte in version 1.
            pub fn v1(self) -> u8 {
                match self {
                    $(Self::$name => $byte,)*
                }
            }

            /// The message with this type byte in version 1.
            pub fn from_v1(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its number in version 2.
            pub fn v2(self) -> u16 {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// The message with this number in version 2.
            pub fn from_v2(id: u16) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        impl Message {
            /// Which message it is.
            pub fn kind(&self) -> MessageType {
                match self {
                    $(Self::$name(_) => MessageType::$name,)*
                }
            }

            /// Reads the JSON object of a message of this kind.
            ///
            /// # Errors
            /// [`WireError::BadBody`].
            pub fn from_json(kind: MessageType, body: &[u8]) -> Result<Self, WireError> {
                match kind {
                    $(MessageType::$name => json::read::<$name>(kind.name(), body).map(Self::from),)*
                }
            }

            /// Appends its JSON object to `out`. On an error, part of it may have been appended.
            ///
            /// # Errors
            /// [`WireError::TooLong`] when it has more than `limit` bytes.
            pub fn to_json(&self, out: &mut BytesMut, limit: usize) -> Result<(), WireError> {
                match self {
                    $(Self::$name(body) => messages!(@write $name $($boxed)?)(
                        stringify!($name), body, out, limit,
                    ),)*
                }
            }
        }

        $(
            impl sealed::Sealed for $name {}

            impl Body for $name {
                const TYPE: MessageType = MessageType::$name;
            }

            impl From<$name> for Message {
                fn from(body: $name) -> Self {
                    Self::$name(messages!(@wrap body $($boxed)?))
                }
            }
        )*
    };
    (@type $name:ident boxed) => { Box<$name> };
    (@type $name:ident) => { $name };
    (@write UdpPacket) => { UdpPacket::write };
    (@write $name:ident $($boxed:ident)?) => { json::write };
    (@wrap $body:ident boxed) => { Box::new($body) };
    (@wrap $body:ident) => { $body };
}

messages! {
    /// Opens a session.
    Login boxed, b'o', 1;
    /// Answers a login.
    LoginResp, b'1', 2;
    /// Asks for a proxy.
    NewProxy boxed, b'p', 3;
    /// Answers a new proxy.
    NewProxyResp, b'2', 4;
    /// Ends a proxy.
    CloseProxy, b'c', 5;
    /// Opens a work connection.
    NewWorkConn, b'w', 6;
    /// Asks for a work connection.
    ReqWorkConn, b'r', 7;
    /// Puts a work connection to use.
    StartWorkConn, b's', 8;
    /// Opens a visitor connection.
    NewVisitorConn, b'v', 9;
    /// Answers a visitor.
    NewVisitorConnResp, b'3', 10;
    /// Sign of life.
    Ping, b'h', 11;
    /// Answers a ping.
    Pong, b'4', 12;
    /// One datagram.
    UdpPacket, b'u', 13;
    /// A visitor asks for a hole.
    NatHoleVisitor boxed, b'i', 14;
    /// A proxy's client gives its addresses.
    NatHoleClient boxed, b'n', 15;
    /// Tells a peer where the other is.
    NatHoleResp boxed, b'm', 16;
    /// A meeting's id.
    NatHoleSid, b'5', 17;
    /// Whether a hole came to be.
    NatHoleReport, b'6', 18;
}

#[cfg(test)]
mod tests;
