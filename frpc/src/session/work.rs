//! Work connections: offered when the server asks, served when it puts one to use (protocol 3.4).

use std::sync::Arc;

use culvert_io::Meter;
use culvert_proxy::{ProxyError, Work, layers};
use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    datagram::FORMAT,
    msg::{NewWorkConn, StartWorkConn},
};

use super::Session;
use crate::{auth::ProofError, paths::Strand, proxies::Served};

impl Session {
    /// Answers one request of the server: offers a work connection, waits until it is put to
    /// use, and serves the user. It goes `over` a certain path, or over the best one.
    pub(super) async fn offer_work(self: Arc<Self>, over: Option<Arc<Strand>>) {
        let hello = match self.hello().await {
            Ok(hello) => hello,
            Err(err) => {
                return tracing::warn!("error during NewWorkConn authentication: {err}");
            }
        };
        let work = match self.await_start(hello, over).await {
            Ok(started) => started,
            Err(err) => return tracing::debug!("work connection closed: {}", report(&err)),
        };
        let (error, name) = (&work.start.error, &work.start.proxy_name);
        if !error.is_empty() {
            return tracing::error!("StartWorkConn contains error: {error}");
        }
        let Some(served) = self.client.proxies.get(name) else {
            return tracing::warn!("work connection for an unknown proxy [{name}]");
        };
        // The user's connection outlives this session, so it leaves the session's scope here.
        let meter = Arc::clone(&self.client.meter);
        self.client.users.spawn_graceful(|_stop| async move {
            let span = served.scope.span().clone();
            if let Err(err) = serve(&served, meter, work).await {
                span.in_scope(|| tracing::error!("{err}"));
            }
        });
    }

    /// What a work connection begins with.
    async fn hello(&self) -> Result<NewWorkConn, ProofError> {
        let mut hello = NewWorkConn {
            run_id: self.run_id.clone(),
            ..NewWorkConn::default()
        };
        if self.client.config.auth.scopes.new_work_conns {
            (hello.timestamp, hello.privilege_key) = self.client.auth.prove().await?;
        }
        Ok(hello)
    }

    /// A work connection that the server has put to use, as it comes from the wire.
    async fn await_start(
        &self,
        mut hello: NewWorkConn,
        over: Option<Arc<Strand>>,
    ) -> Result<Work, TransportError> {
        let mut stream = match over {
            Some(strand) => strand.open().await?,
            None => self.client.bundle.open().await?,
        };
        if stream.open_datagrams() {
            hello.datagrams = FORMAT;
        }
        let mut work = Framed::dialled(stream, self.client.codec());
        work.send(&hello.into()).await?;
        // A pooled connection may wait as long as the session lives.
        let start: StartWorkConn = work.next_as("StartWorkConn").await?;
        let codec = work.codec();
        let mut stream = work.into_stream();
        if start.datagrams != FORMAT {
            stream.close_datagrams();
        }
        Ok(Work {
            stream,
            start,
            codec,
        })
    }
}

async fn serve(served: &Served, meter: Arc<Meter>, mut work: Work) -> Result<(), ProxyError> {
    let _counted = meter.connected();
    let user = work.user();
    work.stream = layers::client(work.stream, &served.layers)?
        .metered(meter)
        .with_peer(user);
    served.proxy.serve(work, &served.scope).await
}
