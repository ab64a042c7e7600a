//! What the transport may be told: its own table, with upstream's defaults.

use culvert_transport::{Result, TransportError};
use serde::{Deserialize, Serialize};

/// The transport's own table, the same at both ends.
///
/// The first three keys and their defaults are upstream's (protocol 2.5).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QuicOptions {
    /// Seconds between probes of an idle connection; 0 is none.
    pub keepalive_period: u64,
    /// Seconds of silence after which a connection is given up; 0 is never.
    pub max_idle_timeout: u64,
    /// Streams that a peer may have open at once.
    pub max_incoming_streams: u32,
    /// How fast to send into a network that loses packets.
    pub congestion: Congestion,
    /// Bytes that a peer may send on one stream ahead of its reader.
    pub stream_receive_window: u32,
    /// Bytes that a peer may send on all streams ahead of their readers.
    pub connection_receive_window: u32,
    /// Bytes on all streams that we keep until the peer has acknowledged them.
    pub send_window: u32,
    /// Whether datagrams may travel beside streams, if the peer lets them, too (RFC 9221).
    pub datagrams: bool,
}

/// Congestion controllers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Congestion {
    /// CUBIC (RFC 9438); upstream's has no name and is CUBIC.
    Cubic,
    /// Our own, after BBR: goes by what the path delivers, not by what it loses, and keeps queues
    /// short.
    #[default]
    Bbr,
    /// New Reno (RFC 9002).
    NewReno,
}

/// 100 Mbit/s at 200 ms are 2.5 MB in flight; twice that and some. Also upstream's largest stream
/// window (quic-go's default, protocol 2.5).
const STREAM_WINDOW: u32 = 6 << 20;
/// More than a stream's, so that one stalled reader does not stop the others. Measured: larger ones
/// bring nothing.
const CONNECTION_WINDOW: u32 = 32 << 20;
/// As the stream's, twice over, so that a stream can fill the peer's window while another does.
const SEND_WINDOW: u32 = 12 << 20;

impl Default for QuicOptions {
    fn default() -> Self {
        Self {
            keepalive_period: 10,
            max_idle_timeout: 30,
            max_incoming_streams: 100_000,
            congestion: Congestion::default(),
            stream_receive_window: STREAM_WINDOW,
            connection_receive_window: CONNECTION_WINDOW,
            send_window: SEND_WINDOW,
            datagrams: true,
        }
    }
}

impl QuicOptions {
    /// The same options in the form in which a transport takes them.
    ///
    /// # Errors
    /// None that is known: every value has a form in a table.
    pub fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self)
            .map_err(|err| TransportError::Internal(format!("transport.quic: {err}")))
    }
}

#[cfg(test)]
mod tests {
    use culvert_transport::Options;

    use super::*;

    #[test]
    fn an_empty_table_is_upstreams_defaults() {
        let parsed = Options::default().parse::<QuicOptions>().unwrap();
        assert_eq!(parsed, QuicOptions::default());
        assert_eq!(parsed.keepalive_period, 10);
        assert_eq!(parsed.max_idle_timeout, 30);
        assert_eq!(parsed.max_incoming_streams, 100_000);
        assert_eq!(parsed.congestion, Congestion::Bbr);
    }

    #[test]
    fn a_table_is_read_back() {
        let options = QuicOptions {
            congestion: Congestion::NewReno,
            ..QuicOptions::default()
        };
        let table = options.to_table().unwrap();
        let read = Options::default().with_table(table).parse::<QuicOptions>();
        assert_eq!(read.unwrap(), options);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let table = "congestoin = \"bbr\"".parse().unwrap();
        let err = Options::default().with_table(table).parse::<QuicOptions>();
        assert!(err.unwrap_err().to_string().contains("congestoin"));
    }
}
