//! Messages of work and visitor connections, and the datagrams inside them.

use std::net::IpAddr;

use bytes::{Bytes, BytesMut};

use super::fields::put_base64;
use super::{json, object::object};
use crate::error::WireError;

object! {
    /// The first message on a work connection, client to server.
    pub struct NewWorkConn {
        /// The session it belongs to.
        "run_id" omit shown run_id: String,
        /// Digest of token and timestamp, with the scope `NewWorkConns` only.
        "privilege_key" omit hidden privilege_key: String,
        /// Unix seconds, with the scope only.
        "timestamp" omit shown timestamp: i64,
        /// The [`datagram`](crate::datagram) format that the client knows, if its transport has
        /// datagrams. Ours: upstream's programs never send it and ignore it.
        "datagrams" omit shown datagrams: u16,
    }
}

object! {
    /// The server asks for one more work connection.
    pub struct ReqWorkConn {}
}

object! {
    /// The server puts a work connection to use; payload follows at once.
    pub struct StartWorkConn {
        /// The proxy that a user wants, with the user's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// The user's address.
        "src_addr" omit shown src_addr: String,
        /// The address that the user connected to.
        "dst_addr" omit shown dst_addr: String,
        /// The user's port.
        "src_port" omit shown src_port: u16,
        /// The port that the user connected to.
        "dst_port" omit shown dst_port: u16,
        /// Why the work connection is refused; empty when it is not.
        "error" omit shown error: String,
        /// The format of datagrams that both ends use from here on, beside messages; ours.
        "datagrams" omit shown datagrams: u16,
    }
}

object! {
    /// The first message on a visitor connection, visitor to server.
    pub struct NewVisitorConn {
        /// The visitor's session; empty from old clients.
        "run_id" omit shown run_id: String,
        /// The proxy it wants, with its owner's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// Digest of secret key and timestamp.
        "sign_key" omit hidden sign_key: String,
        /// Unix seconds.
        "timestamp" omit shown timestamp: i64,
        /// Whether the visitor's leg is encrypted with the secret key.
        "use_encryption" omit shown use_encryption: bool,
        /// Whether the visitor's leg is compressed.
        "use_compression" omit shown use_compression: bool,
        /// As in [`NewWorkConn`].
        "datagrams" omit shown datagrams: u16,
    }
}

object! {
    /// The server's answer to a visitor; payload follows at once.
    pub struct NewVisitorConnResp {
        /// The proxy it wanted.
        "proxy_name" omit shown proxy_name: String,
        /// Why it was refused; empty when it was not.
        "error" omit shown error: String,
        /// As in [`StartWorkConn`].
        "datagrams" omit shown datagrams: u16,
    }
}

object! {
    /// One datagram inside a udp or sudp connection.
    pub struct UdpPacket {
        /// The datagram; may be empty. Not shown in `Debug`: it is the users' data.
        "c" omit hidden c: Bytes,
        /// The local address; unused by the real programs.
        "l" omit shown l: Option<UdpAddr>,
        /// The user's address, which comes back with the answer.
        "r" omit shown r: Option<UdpAddr>,
    }
}

object! {
    /// The address of a datagram's sender, in the form of Go's `net.UDPAddr`.
    pub struct UdpAddr {
        /// The address, if there is one; an IPv4 address is never in IPv6 form here once read.
        "IP" always shown ip: Option<IpAddr>,
        /// The port.
        "Port" always shown port: i64,
        /// The IPv6 scope: an interface's name or number at the side that received the datagram.
        "Zone" always shown zone: String,
    }
}

impl UdpPacket {
    /// Appends the JSON object, as [`json::write`] would: datagrams are the one message that is
    /// sent often, and this way their base64 goes straight into the buffer.
    pub(super) fn write(
        name: &'static str,
        packet: &Self,
        out: &mut BytesMut,
        limit: usize,
    ) -> Result<(), WireError> {
        let start = out.len();
        let mut next = b'{';
        if !packet.c.is_empty() {
            out.extend_from_slice(b"{\"c\":\"");
            if !put_base64(&packet.c, out, limit) {
                return Err(WireError::TooLong {
                    message: name,
                    limit,
                });
            }
            out.extend_from_slice(b"\"");
            next = b',';
        }
        for (key, addr) in [("l", &packet.l), ("r", &packet.r)] {
            let Some(addr) = addr else { continue };
            out.extend_from_slice(&[next, b'"']);
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            json::write(name, addr, out, limit)?;
            next = b',';
        }
        out.extend_from_slice(if next == b'{' { b"{}" } else { b"}" });
        if out.len().saturating_sub(start) > limit {
            return Err(WireError::TooLong {
                message: name,
                limit,
            });
        }
        Ok(())
    }
}
