//! What is examined: a transport and everything that the suite must know about it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use culvert_kit::{Error, Result};
use culvert_transport::{
    BoxConnector, BoxListener, DynTransport, Options, Target, Transport, report,
};

/// A transport under examination.
#[derive(Clone, Debug)]
pub struct Subject {
    transport: Arc<dyn DynTransport>,
    server: Options,
    client: Options,
    bind: SocketAddr,
    pub(crate) promises: Promises,
}

/// What is examined beyond what all must do.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent promises, each named where it is withdrawn"
)]
pub(crate) struct Promises {
    pub(crate) half_close: bool,
    pub(crate) end_is_told: bool,
    pub(crate) dial_finds_out: bool,
    pub(crate) paused_time: bool,
}

/// The result of a transport as that of a test, with the whole cause.
pub(crate) fn told<T>(what: &str, done: culvert_transport::Result<T>) -> Result<T> {
    done.map_err(|err| Error::wrong(format!("{what}: {}", report(&err))))
}

impl Subject {
    /// A transport with default options on a fresh loopback port, which promises everything.
    #[must_use]
    pub fn new<T: Transport>(transport: T) -> Self {
        Self {
            transport: Arc::new(transport),
            server: Options::default(),
            client: Options::default(),
            bind: (Ipv4Addr::LOCALHOST, 0).into(),
            promises: Promises {
                half_close: true,
                end_is_told: true,
                dial_finds_out: true,
                paused_time: true,
            },
        }
    }

    /// With these options for the listener.
    #[must_use]
    pub fn with_server(mut self, options: Options) -> Self {
        self.server = options;
        self
    }

    /// With these options for the connector.
    #[must_use]
    pub fn with_client(mut self, options: Options) -> Self {
        self.client = options;
        self
    }

    /// Listening at this address.
    #[must_use]
    pub const fn with_bind(mut self, bind: SocketAddr) -> Self {
        self.bind = bind;
        self
    }

    /// A stream of this transport ends in both directions at once.
    #[must_use]
    pub const fn without_half_close(mut self) -> Self {
        self.promises.half_close = false;
        self
    }

    /// A peer that goes away says nothing; only the layers above find out.
    #[must_use]
    pub const fn without_end(mut self) -> Self {
        self.promises.end_is_told = false;
        self
    }

    /// A dial succeeds before anybody has answered.
    #[must_use]
    pub const fn with_blind_dial(mut self) -> Self {
        self.promises.dial_finds_out = false;
        self
    }

    /// Its timers cannot be tested on paused time, because they run in another process or thread.
    #[must_use]
    pub const fn on_real_time(mut self) -> Self {
        self.promises.paused_time = false;
        self
    }

    pub(crate) fn name(&self) -> &'static str {
        self.transport.name()
    }

    pub(crate) async fn listen(&self) -> Result<BoxListener> {
        self.listen_at(self.bind).await
    }

    pub(crate) async fn listen_at(&self, at: SocketAddr) -> Result<BoxListener> {
        told("bind", self.transport.bind(at, &self.server).await)
    }

    pub(crate) fn connector(&self) -> Result<BoxConnector> {
        told("make a connector", self.transport.connector(&self.client))
    }
}

/// The target that leads to a bound address.
pub(crate) fn target(at: SocketAddr) -> Target {
    Target::new(&at.ip().to_string(), at.port())
}
