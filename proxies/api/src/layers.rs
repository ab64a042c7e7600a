//! The one place that knows the order of layers on a work connection.
//!
//! From the transport upward: encryption, then compression, then payload (protocol 5.1); what a
//! user sends is compressed first and encrypted after that. The ends have one function each,
//! because a bandwidth limit sits at a different height at either: the server counts plain bytes,
//! the client those on the wire.

use std::sync::Arc;

use culvert_io::{Limit, Stream};
use culvert_transport::encrypted;
use culvert_wire::{Key, WireError};

use crate::{ProxyError, snappy::SnappyStream};

/// Which layers a proxy's work connections have; both ends know it from `NewProxy`.
#[derive(Clone, Debug, Default)]
pub struct LayerFlags {
    /// `useEncryption`, with the key made of the token.
    pub encryption: Option<Key>,
    /// `useCompression`.
    pub compression: bool,
    /// The bandwidth that this end holds the proxy to, all its connections together.
    pub limit: Option<Arc<Limit>>,
}

impl LayerFlags {
    /// Whether there are no layers at all.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.encryption.is_none() && !self.compression && self.limit.is_none()
    }
}

/// Puts the server's layers on a work connection. Nothing is sent before the first payload.
///
/// # Errors
/// The system gives no randomness.
pub fn server(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    let plain = compress(encrypt(stream, flags)?, flags)?;
    Ok(limit(plain, flags))
}

/// Puts the client's layers on a work connection. Nothing is sent before the first payload.
///
/// # Errors
/// The system gives no randomness.
pub fn client(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    compress(encrypt(limit(stream, flags), flags)?, flags)
}

fn limit(stream: Stream, flags: &LayerFlags) -> Stream {
    match &flags.limit {
        Some(limit) => stream.limited(Arc::clone(limit)),
        None => stream,
    }
}

fn encrypt(stream: Stream, flags: &LayerFlags) -> Result<Stream, ProxyError> {
    match &flags.encryption {
        Some(key) => encrypted(stream, key).map_err(no_randomness),
        None => Ok(stream),
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
    use std::{
        net::{Ipv4Addr, SocketAddr},
        num::NonZeroU64,
    };

    use culvert_io::Peer;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::Instant,
    };

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
            limit: None,
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

    /// 100 KiB of zeros at 10 KiB per second: compressed, they are no more than a burst.
    async fn time_to_send_zeros(
        put_on: fn(Stream, &LayerFlags) -> Result<Stream, ProxyError>,
    ) -> u64 {
        let started = Instant::now();
        let (near, mut far) = pair();
        let flags = LayerFlags {
            limit: NonZeroU64::new(10 << 10).map(|rate| Arc::new(Limit::new(rate))),
            ..flags(true, true)
        };
        let mut near = put_on(near, &flags).unwrap();
        near.write_all(&[0; 100 << 10]).await.unwrap();
        near.shutdown().await.unwrap();
        far.read_to_end(&mut Vec::new()).await.unwrap();
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_limits_plain_bytes_and_the_client_those_on_the_wire() {
        assert_eq!(time_to_send_zeros(server).await, 9);
        assert_eq!(time_to_send_zeros(client).await, 0);
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
