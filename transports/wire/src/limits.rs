//! Every maximum of the wire formats, each with its reason.

use std::time::Duration;

/// Bytes of one v1 message's JSON body. A real peer's reader refuses more (golib msg/json/msg.go),
/// so we refuse it in both directions: sending more would end the connection at the peer.
pub const V1_BODY: usize = 10_240;

/// Bytes in front of a v1 body: type byte and 64-bit length (protocol 3.1).
pub const V1_HEADER: usize = 9;

/// Payload bytes of one datagram that always fit into a v1 message: base64 makes 4 bytes of 3, and
/// what stays of [`V1_BODY`] holds the keys and two addresses (protocol 3.1, trap M6).
pub const V1_DATAGRAM: usize = 7_500;

/// Payload bytes of one v2 frame, a message's number included; real peers refuse to read and to
/// write more (upstream pkg/proto/wire/wire.go).
pub const V2_PAYLOAD: usize = 65_536;

/// Bytes in front of a v2 payload: type, flags and 32-bit length (protocol 4.1).
pub const V2_HEADER: usize = 8;

/// Bytes of a message's number at the front of a v2 payload (protocol 4.1).
pub const V2_ID: usize = 2;

/// Plain bytes of one record of the v2 control cipher (golib crypto/aead_stream.go).
pub const RECORD_PLAIN: usize = 65_536;

/// Bytes of the length in front of a record (protocol 4.4).
pub const RECORD_HEADER: usize = 4;

/// Bytes of the tag behind a record's ciphertext, the same for both algorithms (protocol 4.4).
pub const RECORD_TAG: usize = 16;

/// Records that one direction may have under AES-256-GCM (golib crypto/aead_stream.go).
pub const GCM_RECORDS: u64 = 1 << 32;

/// Plain bytes of one snappy chunk (snappy `framing_format.txt`, section 4.2).
pub const SNAPPY_PLAIN: usize = 65_536;

/// Body bytes of any snappy chunk, its checksum included. `32 + n + n / 6` is what the encoder of
/// the snappy library can make of `n` plain bytes at worst; Go's reader refuses longer chunks,
/// those to be skipped too.
pub const SNAPPY_CHUNK: usize = SNAPPY_CHECKSUM + 32 + SNAPPY_PLAIN + SNAPPY_PLAIN / 6;

/// Bytes of a snappy chunk's checksum (snappy `framing_format.txt`, section 3).
pub const SNAPPY_CHECKSUM: usize = 4;

/// Lower-case hex characters of a run id that a server makes (protocol 3.3).
pub const RUN_ID: usize = 16;

/// The longest UDP payload there is (RFC 768 and 791).
pub const UDP_PAYLOAD: usize = 65_507;

/// Parts that a datagram may be cut into ([`datagram`](crate::datagram)): the longest one into
/// pieces of the smallest QUIC packets, 1200 bytes with some 50 in front (RFC 9000, section 14).
pub const PARTS: usize = 64;

/// Datagrams of one connection that may lack parts at a time: parts of one leave together, so more
/// than a few are those that have lost one. The oldest are dropped.
pub const HELD_PACKETS: usize = 32;

/// Bytes of all of these; four of the longest datagrams.
pub const HELD_BYTES: usize = 256 << 10;

/// How long a datagram may lack parts. They leave together, and wait for a slow link together: the
/// time that its queue of 256 KiB takes at 1 Mbit/s.
pub const HELD_TIME: Duration = Duration::from_secs(2);
