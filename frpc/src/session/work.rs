//! Work connections: offered when the server asks, served when it puts one to use (protocol 3.4).

use std::sync::Arc;

use culvert_io::Stream;
use culvert_proxy::{ProxyError, Work, layers};
use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    Codec,
    msg::{NewWorkConn, StartWorkConn},
};

use super::Session;
use crate::proxies::Served;

impl Session {
    /// Answers one request of the server: offers a work connection, waits until it is put to
    /// use, and serves the user.
    pub(super) async fn offer_work(self: Arc<Self>) {
        let (stream, start) = match self.await_start().await {
            Ok(started) => started,
            Err(err) => return tracing::debug!("work connection closed: {}", report(&err)),
        };
        if !start.error.is_empty() {
            return tracing::error!("StartWorkConn contains error: {}", start.error);
        }
        let Some(served) = self.client.proxies.get(&start.proxy_name) else {
            return tracing::warn!(
                "work connection for an unknown proxy [{}]",
                start.proxy_name
            );
        };
        // The user's connection outlives this session, so it leaves the session's scope here.
        self.client.users.spawn_graceful(|_stop| async move {
            let span = served.scope.span().clone();
            if let Err(err) = serve(&served, stream, start).await {
                span.in_scope(|| tracing::error!("{err}"));
            }
        });
    }

    async fn await_start(&self) -> Result<(Stream, StartWorkConn), TransportError> {
        let mut work = Framed::new(self.link.open().await?, Codec::V1);
        let mut hello = NewWorkConn {
            run_id: self.run_id.clone(),
            ..NewWorkConn::default()
        };
        if self.client.config.auth.scopes.new_work_conns {
            (hello.timestamp, hello.privilege_key) = self.client.proof();
        }
        work.send(&hello.into()).await?;
        // A pooled connection may wait as long as the session lives.
        let start = work.next_as("StartWorkConn").await?;
        Ok((work.into_stream(), start))
    }
}

async fn serve(served: &Served, stream: Stream, start: StartWorkConn) -> Result<(), ProxyError> {
    let stream = layers::client(stream, &served.layers)?;
    served
        .proxy
        .serve(Work { stream, start }, &served.scope)
        .await
}
