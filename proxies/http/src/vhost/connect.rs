//! The tcpmux port: many tcpmux proxies behind one listener, told apart by the target and the user
//! of an HTTP CONNECT (protocol 5.6; upstream pkg/util/tcpmux/httpconnect.go).

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use bytes::BytesMut;
use culvert_io::Stream;
use culvert_proxy::{Lease, ProxyError};
use tokio::{io::AsyncReadExt, time::timeout};

use super::{
    Route, Router, SERVER,
    hand_over::{Tunnels, Words, dismiss},
    not_found::NotFound,
};
use crate::{Connect, ConnectReader, Credentials, sniff::Sniff};

/// How long the head of a CONNECT may take (upstream server/service.go, `vhostReadWriteTimeout`).
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// As recorded from upstream (protocol 5.6).
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// As recorded from upstream (protocol 5.6), which says 200 before it.
const UNAUTHORIZED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
    Proxy-Authenticate: Basic realm=\"Restricted\"\r\nContent-Length: 0\r\n\r\n";

/// upstream: says 200 before it knows, and closes.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// All tcpmux proxies of a server, and what serves their users.
#[derive(Debug)]
pub struct ConnectVhost {
    router: Router<Arc<Site>>,
    passthrough: bool,
    not_found: NotFound,
}

/// What is behind a route.
#[derive(Debug)]
struct Site {
    login: Option<Credentials>,
    tunnels: Tunnels,
}

impl ConnectVhost {
    /// A port without proxies. With `passthrough` (`tcpmuxPassthrough`) the CONNECT itself goes to
    /// the service, which answers it. `custom_404_page` is read for each user of an unknown host.
    #[must_use]
    pub fn new(passthrough: bool, custom_404_page: Option<PathBuf>) -> Self {
        Self {
            router: Router::new(),
            passthrough,
            not_found: NotFound::new(custom_404_page),
        }
    }

    /// From now on a user of an unknown host gets this page, or the built-in one.
    pub fn set_page(&self, custom_404_page: Option<PathBuf>) {
        self.not_found.set(custom_404_page);
    }

    /// Routes users to proxies, until the lease is dropped. With a `login` only those come through
    /// who know it.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(
        &self,
        route: &Route,
        login: Option<Credentials>,
        tunnels: Tunnels,
    ) -> Result<Lease, ProxyError> {
        self.router
            .register(route, Arc::new(Site { login, tunnels }))
    }

    /// Finds the proxy for one user connection and hands it over. What is no CONNECT is closed,
    /// what is for nobody gets 404, and a user who is not known 407.
    ///
    /// *Cancel safety*: the connection is closed, unless it has been handed over.
    pub async fn serve(&self, mut stream: Stream) {
        let peer = stream.peer().addr;
        let Ok(Ok(Some((connect, mut seen)))) =
            timeout(HEAD_TIMEOUT, read_connect(&mut stream)).await
        else {
            return tracing::debug!("no CONNECT from [{peer}]");
        };
        let (host, user) = (&*connect.target, connect.user());
        let Some(site) = self.router.lookup(host, "", user) else {
            tracing::debug!("CONNECT of [{peer}] for unknown host {host:?} as {user:?}");
            return dismiss(stream, &self.nobody().await).await;
        };
        if let Some(login) = &site.login
            && !login.admit(connect.given.as_ref())
        {
            tracing::debug!("CONNECT of [{peer}] for {host:?} without the right credentials");
            return dismiss(stream, UNAUTHORIZED).await;
        }
        let sorry = UNAVAILABLE;
        let (bytes, welcome) = if self.passthrough {
            (seen, &b""[..])
        } else {
            // upstream: loses what the user sent behind the head.
            (seen.split_off(connect.len), OK)
        };
        let words = Words { welcome, sorry };
        site.tunnels.hand_over(stream.rewind(bytes.freeze()), words);
    }

    async fn nobody(&self) -> Vec<u8> {
        let page = self.not_found.page().await;
        let head = format!(
            "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\nContent-Type: text/html\r\n\
             Server: {SERVER}\r\n\r\n",
            page.len()
        );
        [head.as_bytes(), &page].concat()
    }
}

/// Reads a whole head: what it asks for, and all bytes read; `None` when it is none.
async fn read_connect(stream: &mut Stream) -> io::Result<Option<(Connect, BytesMut)>> {
    // Few are longer: a line, a host, credentials.
    let mut seen = BytesMut::with_capacity(1024);
    let mut reader = ConnectReader::new();
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(None);
        }
        match reader.look(&seen) {
            Sniff::Found(connect) => return Ok(Some((connect, seen))),
            Sniff::NeedMore(_) => {}
            Sniff::No => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
