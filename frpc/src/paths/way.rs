//! One rung with what dials it, and how the candidates of auto mode become rungs.

use culvert_conf::{AutoTransport, Candidate, ClientConfig, Protocol};
use culvert_io::Scope;
use culvert_transport::{Target, TransportError};
use culvert_transports::{ClientStack, Transports};
use tokio::time::Instant;
use tracing::subscriber::{NoSubscriber, with_default};

use super::{Path, Rung, watch::KEEPALIVE};

/// One rung and what dials it.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) rung: Rung,
    stack: ClientStack,
    /// Whether a link shows by itself that an frps is there, without a login.
    pub(super) shows: bool,
}

impl Way {
    /// The one way of a configuration with a fixed transport.
    ///
    /// # Errors
    /// A file cannot be used, or this build does not have the transport.
    pub(super) fn new(
        config: &ClientConfig,
        transports: &Transports,
    ) -> Result<Self, TransportError> {
        let transport = config.transport.protocol.clone();
        let shows = transport == Protocol::Quic || config.transport.tcp_mux.is_some();
        Ok(Self {
            rung: Rung {
                transport,
                target: Target::new(&config.server_addr, config.server_port),
            },
            stack: ClientStack::with(config, transports)?,
            shows,
        })
    }

    /// A link; what drives it lives in `scope`.
    ///
    /// *Cancel safety*: safe; the attempt is given up.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(super) async fn dial(&self, scope: &Scope) -> Result<Path, TransportError> {
        let begun = Instant::now();
        let scope = scope.child(tracing::Span::none());
        let session = self.stack.connect(&scope).await?;
        Ok(Path {
            session,
            rung: self.rung.clone(),
            took: begun.elapsed(),
            scope,
        })
    }

    /// Ends what the transport keeps running between dials.
    pub(super) async fn close(&self) {
        self.stack.close().await;
    }
}

/// Those candidates that this build has, each as if it were the only transport.
///
/// # Errors
/// A file cannot be used, or this build has none of them.
pub(super) fn candidates(
    config: &ClientConfig,
    auto: &AutoTransport,
    transports: &Transports,
) -> Result<Vec<Way>, TransportError> {
    let names: Vec<_> = transports.names().collect();
    let (known, missing): (Vec<&Candidate>, Vec<_>) = auto
        .candidates
        .iter()
        .partition(|one| names.contains(&one.protocol.as_str()));
    if known.is_empty() {
        let have = names.join(", ");
        return Err(TransportError::Refused(format!(
            "transport.auto.candidates: this build has none of them, use one of: {have}"
        )));
    }
    for one in missing {
        let name = one.protocol.as_str();
        tracing::debug!("transport.auto.candidates: {name} is not in this build");
    }
    let configs = known.into_iter().map(|one| {
        let mut own = config.clone();
        own.transport.protocol = one.protocol.clone();
        own.server_port = one.port.unwrap_or(config.server_port);
        let quic = &mut own.transport.quic;
        quic.keepalive_period = quic.keepalive_period.min(KEEPALIVE);
        if let Some(mux) = &mut own.transport.tcp_mux {
            mux.keepalive_interval = mux.keepalive_interval.min(KEEPALIVE);
        }
        own
    });
    let mut done: Vec<Way> = Vec::new();
    for own in configs {
        let way = || Way::new(&own, transports);
        // What is to be said of the settings is the same for all of them.
        done.push(match done.is_empty() {
            true => way()?,
            false => with_default(NoSubscriber::default(), way)?,
        });
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use culvert_conf::{Strictness, parse_client};

    use super::*;

    fn rungs(text: &str, transports: &Transports) -> Result<Vec<String>, TransportError> {
        let text = format!("serverAddr = \"h\"\ntransport.protocol = \"auto\"\n{text}");
        let config = parse_client(&text, "test.toml", Strictness::Strict).unwrap();
        let config = config.config;
        let ways = candidates(&config, &config.transport.auto, transports)?;
        Ok(ways.iter().map(|way| way.rung.to_string()).collect())
    }

    #[cfg(all(feature = "quic", feature = "websocket"))]
    #[test]
    fn candidates_have_their_order_and_ports() {
        let standard = culvert_transports::standard();
        let all = [
            "quic h:7000",
            "tcp h:7000",
            "wss h:7000",
            "websocket h:7000",
        ];
        assert_eq!(rungs("", &standard).unwrap(), all);
        let text = "transport.auto = { candidates = [\"wss\", \"tcp\"], ports = { wss = 443 } }";
        assert_eq!(rungs(text, &standard).unwrap(), ["wss h:443", "tcp h:7000"]);
    }

    #[test]
    fn what_a_build_lacks_is_passed_over_unless_it_lacks_all() {
        let transports = Transports::new();
        let err = rungs("", &transports).unwrap_err().to_string();
        assert!(err.starts_with("transport.auto.candidates: "), "{err}");
    }
}
