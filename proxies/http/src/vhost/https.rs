//! The https port: many https proxies behind one listener, told apart by the name in the
//! ClientHello. TLS is never ended here.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use culvert_io::Stream;
use culvert_proxy::{Lease, ProxyError};
use tokio::{io::AsyncReadExt, time::timeout};

use super::{
    Route, Router,
    hand_over::{Tunnels, Words, dismiss},
};
use crate::sniff::{MAX_HELLO, Sniff, server_name};

/// How long a ClientHello may take (upstream server/service.go, `vhostReadWriteTimeout`).
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

/// A fatal alert `unrecognized_name`, as recorded from upstream (protocol 5.5).
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

/// All https proxies of a server, and what serves their users.
#[derive(Debug, Default)]
pub struct HttpsVhost {
    router: Router<Tunnels>,
}

impl HttpsVhost {
    /// A port without proxies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Routes a name to proxies, until the lease is dropped.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(&self, domain: &str, tunnels: Tunnels) -> Result<Lease, ProxyError> {
        let route = Route {
            domain: domain.to_owned(),
            ..Route::default()
        };
        self.router.register(&route, tunnels)
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
        let Some(tunnels) = self.router.lookup(&name, "", "") else {
            tracing::debug!(
                "https request of [{}] for unknown host {name:?}",
                stream.peer().addr
            );
            return dismiss(stream, &UNRECOGNIZED_NAME).await;
        };
        tunnels.hand_over(stream.rewind(seen), Words::default());
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
