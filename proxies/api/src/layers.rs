//! The one place that knows the order of layers on a work connection.
//!
//! From the transport upward: encryption, then compression, then payload (protocol 5.1); what a
//! user sends is compressed first and encrypted after that. The ends have one function each,
//! because a bandwidth limit sits at a different height at either: the server counts plain bytes,
//! the client those on the wire.

use culvert_io::Stream;
use culvert_transport::CryptStream;
use culvert_wire::{Key, WireError};

use crate::{ProxyError, snappy::SnappyStream};

/// Which layers a proxy's work connections have; both ends know it from `NewProxy`.
#[derive(Clone, Debug, Default)]
pub struct LayerFlags {
    /// `useEncryption`, with the key made of the token.
    pub encryption: Option<Key>,
    /// `useCompression`.
    pub compression: bool,
}

/// Puts the server's layers on a work connection. Nothing is sent before the first payload.
///
/// # Errors
/// The system gives no randomness.
pub fn server(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    compress(encrypt(stream, flags)?, flags)
}

/// Puts the client's layers on a work connection. Nothing is sent before the first payload.
///
/// # Errors
/// The system gives no randomness.
pub fn client(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    compress(encrypt(stream, flags)?, flags)
}

fn encrypt(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    let Some(key) = &flags.encryption else {
        return Ok(stream);
    };
    let peer = *stream.peer();
    match CryptStream::new(stream, key) {
        Ok(crypt) => Ok(Stream::new(crypt, peer)),
        Err(error) => Err(no_randomness(error)),
    }
}

fn compress(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    if flags.compression {
        Ok(stream.map(SnappyStream::new))
    } else {
        Ok(stream)
    }
}

fn no_randomness(error: WireError) -> ProxyError {
    ProxyError::io("encrypt a work connection", std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use culvert_io::Peer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn pair() -> (Stream, DuplexStream) {
        let (near, far) = duplex(1 << 16);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        (Stream::new(near, Peer::new(addr, addr, "tcp")), far)
    }

    fn flags(encryption: bool, compression: bool) -> LayerFlags {
        LayerFlags {
            encryption: encryption.then(|| Key::derive("token")),
            compression,
        }
    }

    #[tokio::test]
    async fn both_ends_agree_under_all_flags() {
        for (encryption, compression) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let flags = flags(encryption, compression);
            let (near, far) = pair();
            let far = Stream::new(far, *near.peer());
            let mut near = server(near, &flags).unwrap();
            let mut far = client(far, &flags).unwrap();
            for text in ["to the client", "and more"] {
                near.write_all(text.as_bytes()).await.unwrap();
                let mut got = vec![0; text.len()];
                far.read_exact(&mut got).await.unwrap();
                assert_eq!(got, text.as_bytes());
            }
            far.write_all(b"to the server").await.unwrap();
            far.shutdown().await.unwrap();
            let mut got = Vec::new();
            near.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"to the server");
        }
    }

    /// What real frps and frpc put on a work connection with both flags: IV, then ciphertext of
    /// snappy chunks.
    #[tokio::test]
    async fn a_recorded_connection_is_read() {
        let recorded = "6e1cf0f33b2632770820532ea47a5e6f73320623f7de2fe2d5fb382735aeb5ca77bb36ee04d4\
            a5cd54c1853df0a5e7ff";
        let digits: Vec<_> = recorded.chars().map(|c| c.to_digit(16).unwrap()).collect();
        let bytes: Vec<_> = digits
            .chunks(2)
            .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
            .collect();
        let (near, mut far) = pair();
        far.write_all(&bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let mut got = Vec::new();
        client(near, &flags(true, true))
            .unwrap()
            .read_to_end(&mut got)
            .await
            .unwrap();
        assert_eq!(got, b"hello frphello frphello frp");
    }

    #[tokio::test]
    async fn nothing_is_sent_before_the_payload() {
        let (near, mut far) = pair();
        let mut near = server(near, &flags(true, true)).unwrap();
        near.flush().await.unwrap();
        near.shutdown().await.unwrap();
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        assert!(got.is_empty());
    }
}
