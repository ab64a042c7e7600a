//! The hello: what a client can do, what the server selects, and the keys that come of it.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::keys::AeadKeys;
use super::{Algorithm, keys};
use crate::auth::Token;
use crate::error::{HelloError, WireError};
use crate::limits;
use crate::msg::json;
use crate::msg::object::object;

/// Bytes of each side's random number (protocol 4.3).
const RANDOM: usize = 32;

/// The one way there is to write messages (protocol 4.3).
const JSON: &str = "json";

object! {
    /// How the client came to the server; for information (protocol 4.3).
    pub struct Bootstrap {
        /// `transport.protocol`.
        "transport" omit shown transport: String,
        /// Whether TLS is around the connection.
        "tls" omit shown tls: bool,
        /// Whether the connection is a stream of a mux.
        "tcpMux" omit shown tcp_mux: bool,
    }
}

object! {
    struct ClientHello {
        "bootstrap" always shown bootstrap: Bootstrap,
        "capabilities" always shown capabilities: Capabilities,
    }
}

object! {
    struct Capabilities {
        "message" always shown message: Codecs,
        "crypto" always shown crypto: Algorithms,
    }
}

object! {
    struct Codecs {
        "codecs" omit shown codecs: Vec<String>,
    }
}

object! {
    struct Algorithms {
        "algorithms" omit shown algorithms: Vec<String>,
        "clientRandom" omit hidden random: Bytes,
    }
}

object! {
    struct ServerHello {
        "selected" always shown selected: Selected,
        "error" omit shown error: String,
    }
}

object! {
    struct Selected {
        "message" always shown message: SelectedCodec,
        "crypto" always shown crypto: SelectedAlgorithm,
    }
}

object! {
    struct SelectedCodec {
        "codec" omit shown codec: String,
    }
}

object! {
    struct SelectedAlgorithm {
        "algorithm" omit shown algorithm: String,
        "serverRandom" omit hidden random: Bytes,
    }
}

/// A client's hello, until the server has answered it.
pub struct Offer {
    payload: Bytes,
}

impl Offer {
    /// An offer of both algorithms, the faster one first, with a new random number.
    ///
    /// # Errors
    /// [`WireError::Random`] when the operating system gives none.
    pub fn new(bootstrap: Bootstrap) -> Result<Self, WireError> {
        let algorithms = Algorithm::by_speed().map(|a| a.name().to_owned()).to_vec();
        let hello = ClientHello {
            bootstrap,
            capabilities: Capabilities {
                message: Codecs {
                    codecs: vec![JSON.to_owned()],
                },
                crypto: Algorithms {
                    algorithms,
                    random: random()?,
                },
            },
        };
        Ok(Self {
            payload: written("ClientHello", &hello)?,
        })
    }

    /// The payload of the `ClientHello` frame, to be sent as it is: the keys depend on its bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Reads the payload of the server's `ServerHello` frame; answers our keys.
    ///
    /// # Errors
    /// [`WireError::Hello`] when the server refuses, or selects what it was not offered;
    /// [`WireError::BadBody`].
    pub fn accept(&self, server_hello: &[u8], token: &Token) -> Result<AeadKeys, WireError> {
        let ServerHello { selected, error } = json::read("ServerHello", server_hello)?;
        if !error.is_empty() {
            return Err(HelloError::Refused(error).into());
        }
        if selected.message.codec != JSON {
            return Err(HelloError::Selected.into());
        }
        // Both algorithms that we know are always offered.
        let crypto = selected.crypto;
        let algorithm = Algorithm::from_name(&crypto.algorithm).ok_or(HelloError::NotOffered)?;
        if crypto.random.len() != RANDOM {
            return Err(HelloError::ServerRandom(crypto.random.len()).into());
        }
        let transcript = keys::transcript(&self.payload, server_hello);
        AeadKeys::client(token, &transcript, algorithm)
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").finish_non_exhaustive()
    }
}

/// What a server settles on.
#[derive(Debug, Clone)]
pub struct Negotiated {
    /// The payload of the `ServerHello` frame to answer with, to be sent as it is.
    pub payload: Bytes,
    /// The server's keys.
    pub keys: AeadKeys,
}

/// Answers the payload of a `ClientHello` frame: JSON, and the first algorithm of the client's
/// that we have (protocol 4.3).
///
/// # Errors
/// [`WireError::Hello`] when there is nothing to agree on: tell the client with [`refusal`].
/// [`WireError::BadBody`], [`WireError::Random`].
pub fn negotiate(client_hello: &[u8], token: &Token) -> Result<Negotiated, WireError> {
    let ClientHello { capabilities, .. } = json::read("ClientHello", client_hello)?;
    let Capabilities { message, crypto } = capabilities;
    if !message.codecs.iter().any(|codec| codec == JSON) {
        return Err(HelloError::Codec.into());
    }
    if crypto.random.len() != RANDOM {
        return Err(HelloError::ClientRandom(crypto.random.len()).into());
    }
    let mut offered = crypto.algorithms.iter();
    let algorithm = offered
        .find_map(|name| Algorithm::from_name(name))
        .ok_or(HelloError::Algorithm)?;
    let payload = answer(
        SelectedAlgorithm {
            algorithm: algorithm.name().to_owned(),
            random: random()?,
        },
        String::new(),
    )?;
    let transcript = keys::transcript(client_hello, &payload);
    Ok(Negotiated {
        keys: AeadKeys::server(token, &transcript, algorithm)?,
        payload,
    })
}

/// The payload of the `ServerHello` frame that tells a client why there is nothing to agree on;
/// the server ends the connection behind it.
///
/// # Errors
/// [`WireError::TooLong`], which none of our own reasons is.
pub fn refusal(why: &HelloError) -> Result<Bytes, WireError> {
    answer(SelectedAlgorithm::default(), why.to_string())
}

fn answer(crypto: SelectedAlgorithm, error: String) -> Result<Bytes, WireError> {
    let message = SelectedCodec {
        codec: JSON.to_owned(),
    };
    let selected = Selected { message, crypto };
    written("ServerHello", &ServerHello { selected, error })
}

fn written<T: serde::Serialize>(name: &'static str, value: &T) -> Result<Bytes, WireError> {
    let mut out = BytesMut::new();
    json::write(name, value, &mut out, limits::V2_PAYLOAD)?;
    Ok(out.freeze())
}

fn random() -> Result<Bytes, WireError> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).map_err(WireError::Random)?;
    Ok(Bytes::copy_from_slice(&bytes))
}

#[cfg(test)]
mod tests;
