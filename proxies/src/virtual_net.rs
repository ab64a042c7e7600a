//! A visitor that is the way to one address of the virtual network (protocol 8.3; upstream
//! pkg/plugin/visitor/virtual_net.go). The plugin at the service's end is `culvert_plugins`'.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use culvert_io::{Peer, Scope, Stream};
pub use culvert_plugins::VirtualNet;
use culvert_proxy::{BoxFuture, BoxVisitor, ProxyError, Visitor, VisitorCx};
use tokio::{
    io::duplex,
    time::{Instant, sleep},
};
use tracing::Instrument;

/// Bytes on the way between the network and the visitor, in each direction.
const PIPE: usize = 64 * 1024;

/// How long a visitor waits after a stream that worked (protocol 8.3).
const AGAIN: Duration = Duration::from_secs(10);
/// How long after one failure, doubled for each further one, and at most (protocol 8.3).
const AFTER_ERROR: Duration = Duration::from_secs(60);
const AFTER_ERRORS: Duration = Duration::from_secs(300);

/// A visitor with `plugin.type = "virtual_net"`: the network is a user of it.
#[derive(Debug)]
pub struct VirtualNetVisitor {
    /// Finds the way, and listens too if it is to.
    inner: BoxVisitor,
    net: VirtualNet,
    destination: IpAddr,
}

impl VirtualNetVisitor {
    /// The way to `destination` in `net`, which is what `inner` leads to.
    #[must_use]
    pub fn new(inner: BoxVisitor, destination: IpAddr, net: &VirtualNet) -> Self {
        Self {
            inner,
            net: net.clone(),
            destination,
        }
    }

    async fn carry(&self, cx: Arc<dyn VisitorCx>, scope: &Scope) {
        let (destination, own) = (self.destination, self.net.own());
        if !own.contains(destination) {
            tracing::warn!("[{destination}] is outside of {own}: the system needs a route to it");
        }
        let mut failures = 0;
        loop {
            let start = Instant::now();
            match self.once(Arc::clone(&cx), scope).await {
                // Nobody says whether a way was found, but a while or an answer does.
                Ok(packets) if packets > 0 || start.elapsed() >= AFTER_ERROR => failures = 0,
                Ok(_) => failures += 1,
                Err(err) => {
                    tracing::warn!("virtual net route to [{destination}] error: {err}");
                    failures += 1;
                }
            }
            tracing::debug!("virtual net route to [{destination}] is closed");
            sleep(pause(failures)).await;
        }
    }

    /// Carries packets over one stream until it ends: how many came back.
    async fn once(&self, cx: Arc<dyn VisitorCx>, scope: &Scope) -> Result<u64, ProxyError> {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let peer = Peer::new(nowhere, nowhere, "virtual_net");
        let (near, far) = duplex(PIPE);
        self.inner.take(Stream::new(far, peer), cx, scope)?;
        let carried = self.net.route(self.destination, Stream::new(near, peer));
        carried
            .await
            .map_err(|err| ProxyError::io("virtual net", err))
    }
}

impl Visitor for VirtualNetVisitor {
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()> {
        let both = async move {
            tokio::join!(
                self.inner.run(Arc::clone(&cx), scope),
                self.carry(cx, scope)
            );
        };
        Box::pin(both.instrument(scope.span().clone()))
    }

    fn take(&self, user: Stream, cx: Arc<dyn VisitorCx>, scope: &Scope) -> Result<(), ProxyError> {
        self.inner.take(user, cx, scope)
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => AGAIN,
        Some(doublings) => AFTER_ERROR
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(AFTER_ERRORS),
    }
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn failures_make_it_patient() {
        let pauses = [0, 1, 2, 3, 4, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(pauses, [10, 60, 120, 240, 300, 300]);
    }
}
