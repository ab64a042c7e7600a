//! From what a configuration names to a transport and its options.

use std::{sync::Arc, time::Duration};

use culvert_conf::{FreeTable, QuicOptions, ServerTransport};
use culvert_transport::{Common, Options, Result, Side, TlsOptions, Transports};

/// The transport that `name` means: one of `transports`, or the program after `exec:`.
///
/// # Errors
/// There is none of that name; the text says which there are.
pub fn find<S: Side + ?Sized>(transports: &Transports<S>, name: &str) -> Result<Arc<S>> {
    #[cfg(feature = "exec")]
    if let Some(exec) = culvert_exec::Exec::named(name) {
        return Ok(S::of(exec));
    }
    transports.require(name).cloned()
}

/// The options of a server's listeners, with the own table of one of them.
#[must_use]
pub fn server_options(transport: &ServerTransport, own: &FreeTable) -> Options {
    let identity = transport.tls.identity.as_ref();
    let tls = TlsOptions::new(
        identity.map(|files| (files.cert.clone(), files.key.clone())),
        transport.tls.trusted_ca.clone(),
        None,
    );
    Options::new(Common::default().with_keepalive(transport.tcp_keepalive))
        .with_tls(tls)
        .with_table(own.expose().clone())
}

/// The options of a server's QUIC port.
#[must_use]
pub fn quic_options(transport: &ServerTransport) -> Options {
    server_options(transport, &FreeTable::default()).with_table(quic_table(&transport.quic))
}

/// What `transport.quic` says, in the form in which the transport takes it.
pub(crate) fn quic_table(quic: &QuicOptions) -> toml::Table {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let numbers = [
        ("keepalivePeriod", seconds(quic.keepalive_period)),
        ("maxIdleTimeout", seconds(quic.max_idle_timeout)),
        ("maxIncomingStreams", quic.max_incoming_streams.into()),
        ("streamReceiveWindow", quic.stream_receive_window.into()),
        (
            "connectionReceiveWindow",
            quic.connection_receive_window.into(),
        ),
        ("sendWindow", quic.send_window.into()),
    ];
    let mut table = toml::Table::new();
    for (key, number) in numbers {
        table.insert(key.to_owned(), number.into());
    }
    let congestion = quic.congestion.as_str().to_owned();
    table.insert("congestion".to_owned(), congestion.into());
    table.insert("datagrams".to_owned(), quic.datagrams.into());
    table
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "quic")]
    #[test]
    fn quic_without_a_table_has_the_same_defaults_everywhere() {
        use culvert_quic::{Congestion, QuicOptions};
        let read = |text: &str| {
            let strict = culvert_conf::Strictness::Strict;
            let config = culvert_conf::parse_server(text, "test.toml", strict).unwrap();
            super::quic_options(&config.config.transport).parse::<QuicOptions>()
        };
        assert_eq!(read("").unwrap(), QuicOptions::default());
        let words = [
            ("cubic", Congestion::Cubic),
            ("bbr", Congestion::Bbr),
            ("newreno", Congestion::NewReno),
        ];
        for (word, congestion) in words {
            let text = format!("transport.quic.congestion = \"{word}\"");
            assert_eq!(read(&text).unwrap().congestion, congestion);
        }
    }

    use culvert_transport::Transports;

    use super::find;
    use crate::standard;

    #[test]
    fn programs_are_found_by_their_path_and_others_by_their_name() {
        let all: Transports = standard();
        assert_eq!(find(&all, "exec:/usr/lib/obfs").unwrap().name(), "exec");
        assert_eq!(find(&all, "tcp").unwrap().name(), "tcp");
        let text = find(&all, "carrier").unwrap_err().to_string();
        assert!(
            text.contains("\"carrier\"") && text.contains("tcp"),
            "{text}"
        );
    }
}
