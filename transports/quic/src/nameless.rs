//! Handshakes with clients that name what is no host name; see `culvert_tls::hide_name`.

use std::{any::Any, sync::Arc};

use quinn::{
    ConnectionId, Side,
    crypto::{
        ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, Session,
        UnsupportedVersion,
    },
};
use quinn_proto::{TransportError, transport_parameters::TransportParameters};

/// client_hello (RFC 8446, section 4).
const CLIENT_HELLO: u8 = 1;
/// Type and length in front of a handshake message (RFC 8446, section 4).
const HEADER: usize = 4;
/// Longer ones are left to the library as they are; Go's has some 1.5 kB.
const LONGEST: usize = 16 * 1024;

/// Settings whose sessions do not see the name that a client asks for.
pub(crate) struct Nameless<S>(pub(crate) Arc<S>);

impl<S: ServerConfig + 'static> ServerConfig for Nameless<S> {
    fn initial_keys(
        &self,
        version: u32,
        dst_cid: &ConnectionId,
    ) -> Result<Keys, UnsupportedVersion> {
        self.0.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.0.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(
        self: Arc<Self>,
        version: u32,
        params: &TransportParameters,
    ) -> Box<dyn Session> {
        let inner = Arc::clone(&self.0).start_session(version, params);
        Box::new(Greeting {
            inner,
            hello: Vec::new(),
        })
    }
}

/// A session that is handed each ClientHello as a whole.
struct Greeting {
    inner: Box<dyn Session>,
    /// The part of a ClientHello that has arrived.
    hello: Vec<u8>,
}

/// The length of the message that begins so, header included.
fn length(message: &[u8]) -> Option<usize> {
    let &[_, a, b, c] = message.first_chunk::<HEADER>()?;
    let body = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    Some(body.saturating_add(HEADER))
}

impl Session for Greeting {
    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        if self.hello.is_empty() && buf.first() != Some(&CLIENT_HELLO) {
            return self.inner.read_handshake(buf);
        }
        self.hello.extend_from_slice(buf);
        let whole = match length(&self.hello) {
            None => return Ok(false),
            Some(whole) if whole > LONGEST => self.hello.len(),
            Some(whole) if whole > self.hello.len() => return Ok(false),
            Some(whole) => whole,
        };
        let mut hello = std::mem::take(&mut self.hello);
        if let Some(message) = hello.get_mut(..whole) {
            culvert_tls::hide_name(message);
        }
        self.inner.read_handshake(&hello)
    }

    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        self.inner.write_handshake(buf)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}
