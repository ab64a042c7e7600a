//! Every maximum of the wire formats, each with its reason.

/// Bytes of one v1 message's JSON body. A real peer's reader refuses more (golib msg/json/msg.go),
/// so we refuse it in both directions: sending more would end the connection at the peer.
pub const V1_BODY: usize = 10_240;

/// Bytes in front of a v1 body: type byte and 64-bit length (protocol 3.1).
pub const V1_HEADER: usize = 9;

/// Payload bytes of one datagram that always fit into a v1 message: base64 makes 4 bytes of 3, and
/// what stays of [`V1_BODY`] holds the keys and two addresses (protocol 3.1, trap M6).
pub const V1_DATAGRAM: usize = 7_500;

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
