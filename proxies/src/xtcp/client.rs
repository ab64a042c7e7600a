//! The client's half: called by the server, it meets the visitor and serves whoever comes through
//! the tunnel.

use std::{sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_proxy::{
    BoxClientProxy, BoxFuture, ClientProxy, LayerFlags, ProxyError, Question, Work, layers,
};
use culvert_transport::{BoxSession, Framed, report};
use culvert_wire::{
    Codec, Key,
    msg::{NatHoleClient, NatHoleReport, NatHoleSid, StartWorkConn},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use super::{
    PeerCx,
    peers::{PeerError, Prepared, transaction_id},
};

/// How long the server may take to say which visitor it is, and to answer us; upstream waits 5 s
/// for the answer (protocol 6.1), one of which the server takes for itself.
const ANSWER: Duration = Duration::from_secs(5);
/// Tunnels of one proxy, those in the making included. Each has a socket of its own.
const TUNNELS: usize = 256;
/// Tunnels in the making: each may have some hundred sockets for a while.
const MAKING: usize = 32;

/// `type = "xtcp"` at the client.
#[derive(Debug)]
pub struct XtcpProxy {
    inner: BoxClientProxy,
    key: Key,
    layers: Arc<LayerFlags>,
    assisted: bool,
    peers: PeerCx,
    seats: Arc<Semaphore>,
    making: Semaphore,
}

impl XtcpProxy {
    /// A proxy whose users `inner` serves, each on a stream with these `layers`. `key` is made of
    /// the secret key; without `assisted` visitors are not told our own addresses.
    #[must_use]
    pub fn new(
        inner: BoxClientProxy,
        key: Key,
        layers: LayerFlags,
        assisted: bool,
        peers: PeerCx,
    ) -> Self {
        Self {
            inner,
            key,
            layers: Arc::new(layers),
            assisted,
            peers,
            seats: Arc::new(Semaphore::new(TUNNELS)),
            making: Semaphore::new(MAKING),
        }
    }

    async fn called(&self, work: Work, scope: &Scope) -> Result<(), ProxyError> {
        let Work {
            stream,
            start,
            codec,
        } = work;
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let (Ok(seat), Ok(making)) = (seat, self.making.try_acquire()) else {
            return Err(ProxyError::Refused(format!(
                "a visitor is sent away: there are {TUNNELS} tunnels, or {MAKING} in the making"
            )));
        };
        let mut called = Framed::new(stream, codec);
        let sid = called.expect(ANSWER, "the sid of a visitor").await;
        let NatHoleSid { sid, .. } = sid.map_err(|error| ProxyError::Peer(report(&error)))?;
        drop(called);
        let met = self.meet(sid, &start.proxy_name).await;
        let session = met.map_err(|error| ProxyError::Peer(error.to_string()))?;
        drop(making);
        let users = Users {
            inner: Arc::clone(&self.inner),
            layers: Arc::clone(&self.layers),
            scope: self.peers.users.child(scope.span().clone()),
            proxy: scope.clone(),
            start,
            codec,
        };
        scope.spawn(serve(session, users, seat));
        Ok(())
    }

    async fn meet(&self, sid: String, proxy_name: &str) -> Result<BoxSession, PeerError> {
        let Prepared {
            socket,
            mapped,
            assisted,
        } = self.peers.prepare(self.assisted).await?;
        let ask = NatHoleClient {
            transaction_id: transaction_id().map_err(PeerError::Exchange)?,
            proxy_name: proxy_name.to_owned(),
            sid: sid.clone(),
            mapped_addrs: mapped,
            assisted_addrs: assisted,
        };
        let told = self.peers.ask(Question::Client(ask), ANSWER).await;
        let told = told.map_err(PeerError::Exchange)?;
        let hole = self.peers.meet(socket, &told, &self.key).await;
        let report = NatHoleReport {
            sid,
            success: hole.is_ok(),
        };
        if let Err(error) = self.peers.control.tell(report) {
            tracing::debug!("the server is not told of a meeting: {error}");
        }
        self.peers.tunnel(hole?, false).await
    }
}

/// What serves the streams of one tunnel.
struct Users {
    inner: BoxClientProxy,
    layers: Arc<LayerFlags>,
    scope: Scope,
    proxy: Scope,
    /// What the server said of the visitor that opened the tunnel.
    start: StartWorkConn,
    codec: Codec,
}

/// Takes users until the tunnel or the proxy ends; those that came go on.
async fn serve(session: BoxSession, users: Users, seat: OwnedSemaphorePermit) {
    let users = Arc::new(users);
    let end = loop {
        match session.accept().await {
            Ok(stream) => {
                let one = Arc::clone(&users);
                users.scope.spawn_graceful(|_stop| one.serve(stream));
            }
            Err(error) => break report(&error),
        }
    };
    tracing::debug!("tunnel closed: {end}");
    drop(seat);
}

impl Users {
    async fn serve(self: Arc<Self>, stream: Stream) {
        let served = async {
            let work = Work {
                stream: layers::client(stream, &self.layers)?,
                start: self.start.clone(),
                codec: self.codec,
            };
            self.inner.serve(work, &self.proxy).await
        };
        if let Err(error) = served.await {
            tracing::error!("{error}");
        }
    }
}

impl ClientProxy for XtcpProxy {
    /// Serves one call of the server: returns when there is a tunnel, which goes on by itself.
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        Box::pin(self.called(work, scope).instrument(scope.span().clone()))
    }
}
