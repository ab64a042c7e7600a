//! Our yamux in the seat of a mux.

use std::{fmt, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_mux::{MuxConfig, MuxError, MuxSession, Role};
use culvert_transport::{Mux, Result, Session, Traffic, TransportError, report};

/// Splits pipes by yamux, with frp's settings (protocol 2.3).
#[derive(Clone, Debug)]
pub struct Yamux {
    config: MuxConfig,
}

impl Yamux {
    /// With pings at this interval (`transport.tcpMuxKeepaliveInterval`).
    #[must_use]
    pub fn new(keepalive: Duration) -> Self {
        let config = MuxConfig {
            keepalive: Some(keepalive),
            ..MuxConfig::default()
        };
        Self { config }
    }
}

impl Mux for Yamux {
    type Session = YamuxSession;

    fn client(&self, io: Stream, scope: &Scope) -> Result<YamuxSession> {
        Ok(self.start(io, Role::Client, scope))
    }

    fn server(&self, io: Stream, scope: &Scope) -> Result<YamuxSession> {
        Ok(self.start(io, Role::Server, scope))
    }
}

impl Yamux {
    fn start(&self, io: Stream, role: Role, scope: &Scope) -> YamuxSession {
        YamuxSession(MuxSession::start(io, role, self.config.clone(), scope))
    }
}

/// A running yamux session.
pub struct YamuxSession(MuxSession);

fn failed(err: MuxError) -> TransportError {
    match err {
        MuxError::Closed | MuxError::Eof | MuxError::Ended(_) => {
            TransportError::Closed(report(&err))
        }
        other => TransportError::Layer {
            layer: "yamux",
            source: Box::new(other),
        },
    }
}

impl Session for YamuxSession {
    async fn open(&self) -> Result<Stream> {
        self.0.open().await.map_err(failed)
    }

    async fn accept(&self) -> Result<Stream> {
        self.0.accept().await.map_err(failed)
    }

    async fn close(&self, why: &str) {
        tracing::debug!("closing the mux session: {why}");
        self.0.close().await;
    }

    async fn closed(&self) -> String {
        report(&*self.0.closed().await)
    }

    fn authenticate(&self) {
        self.0.authenticate();
    }

    fn round_trip(&self) -> Option<Duration> {
        self.0.round_trip()
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(Traffic {
            received: self.0.received(),
            ..Traffic::default()
        })
    }

    fn streams(&self) -> Option<usize> {
        Some(self.0.streams())
    }
}

impl fmt::Debug for YamuxSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
