//! The https port: many https proxies behind one listener, told apart by the name in the
//! ClientHello. TLS is never ended here.

use std::{fmt, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use culvert_io::{Meter, Relaying, Stream, relay};
use culvert_proxy::{Lease, ProxyError, ServerCx, UserAddrs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Route, Router};
use crate::sniff::{MAX_HELLO, Sniff, server_name};

/// How long a ClientHello may take (upstream server/service.go, `vhostReadWriteTimeout`).
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the alert may take to be written.
const ALERT_TIMEOUT: Duration = Duration::from_secs(5);

/// A fatal alert `unrecognized_name`, as recorded from upstream (protocol 5.5).
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

/// An https proxy as the server sees it.
pub struct HttpsBackend(Arc<dyn ServerCx>);

impl HttpsBackend {
    /// The proxy of the session `cx`.
    #[must_use]
    pub fn new(cx: Arc<dyn ServerCx>) -> Arc<Self> {
        Arc::new(Self(cx))
    }

    async fn pass_on(&self, user: Stream) {
        let peer = *user.peer();
        tracing::info!("get a user connection [{}]", peer.addr);
        let addrs = UserAddrs {
            src: Some(peer.addr),
            dst: Some(peer.local),
        };
        match self.0.work_conn(addrs).await {
            Ok(work) => {
                let meter = self.0.meter().cloned();
                let _open = meter.as_ref().map(Meter::connected);
                let how = Relaying {
                    meter,
                    ..Relaying::default()
                };
                let ended = relay(user, work, &how).await;
                tracing::debug!("https connection of [{}] ended: {:?}", peer.addr, ended.end);
            }
            Err(error) => tracing::warn!("failed to get work connection: {error}"),
        }
    }
}

impl fmt::Debug for HttpsBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpsBackend").field(self.0.name()).finish()
    }
}

/// All https proxies of a server, and what serves their users.
#[derive(Debug, Default)]
pub struct HttpsVhost {
    router: Router<Arc<HttpsBackend>>,
}

impl HttpsVhost {
    /// A port without proxies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Routes a name to a proxy, until the lease is dropped.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(&self, domain: &str, backend: Arc<HttpsBackend>) -> Result<Lease, ProxyError> {
        let route = Route {
            domain: domain.to_owned(),
            ..Route::default()
        };
        self.router.register(&route, backend)
    }

    /// Finds the proxy for one user connection and hands it over; the relay lives where the
    /// proxy's session keeps its users. What is not TLS is closed, what is for nobody gets an alert.
    ///
    /// *Cancel safety*: the connection is closed, unless it has been handed over.
    pub async fn serve(&self, mut stream: Stream) {
        let Ok(Ok(Some((name, seen)))) = timeout(HELLO_TIMEOUT, read_hello(&mut stream)).await
        else {
            tracing::debug!("no ClientHello from [{}]", stream.peer().addr);
            return;
        };
        let Some(backend) = self.router.lookup(&name, "", "") else {
            tracing::debug!(
                "https request of [{}] for unknown host {name:?}",
                stream.peer().addr
            );
            let alert = async {
                stream.write_all(&UNRECOGNIZED_NAME).await?;
                stream.shutdown().await
            };
            if let Ok(Err(error)) = timeout(ALERT_TIMEOUT, alert).await {
                tracing::debug!("alert to [{}] not sent: {error}", stream.peer().addr);
            }
            return;
        };
        let user = stream.rewind(seen);
        let users = backend.0.users().clone();
        users.spawn_graceful(|_stop| async move { backend.pass_on(user).await });
    }
}

/// Reads a whole ClientHello: the name in it and all bytes read; `None` when it is none. Give it
/// a deadline.
///
/// *Cancel safety*: bytes read so far are lost.
///
/// # Errors
/// The stream failed.
pub async fn read_hello(stream: &mut Stream) -> io::Result<Option<(String, Bytes)>> {
    // Most are 0.2 to 2 kB (protocol 11.3 T5), so one read and one buffer do.
    let mut seen = BytesMut::with_capacity(2048);
    let mut wanted = 1;
    loop {
        while seen.len() < wanted {
            if stream.read_buf(&mut seen).await? == 0 {
                return Ok(None);
            }
        }
        match server_name(&seen) {
            Sniff::Found(name) => return Ok(Some((name, seen.freeze()))),
            Sniff::NeedMore(at_least) if at_least <= MAX_HELLO => wanted = at_least,
            Sniff::NeedMore(_) | Sniff::No => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
