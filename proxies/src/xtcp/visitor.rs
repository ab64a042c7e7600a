//! The visitor: a TCP port of the client's whose users go straight to the other peer, or to another
//! visitor if there is no way.

use std::{sync::Arc, time::Duration};

use culvert_conf::{Fallback, VisitorConfig, XtcpProtocol, XtcpVisitor as Config};
use culvert_io::{Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, LayerFlags, ProxyError, Visitor, VisitorCx, layers};
use culvert_wire::Token;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    PeerCx,
    tunnel::{Tunnel, Way},
};
use crate::{message::wire_name, visiting::Entrance};

/// How long a user waits for a tunnel if there is no other visitor (protocol 6.5).
const PATIENCE: Duration = Duration::from_secs(20);

/// A visitor of `type = "xtcp"`.
#[derive(Debug)]
pub struct XtcpVisitor {
    entrance: Entrance,
    config: Config,
    way: Arc<UserWay>,
}

/// What each user needs.
#[derive(Debug)]
struct UserWay {
    tunnel: Tunnel,
    flags: LayerFlags,
    fallback: Option<Fallback>,
}

impl XtcpVisitor {
    /// The visitor that was configured so; `own` are the keys of its type.
    #[must_use]
    pub fn new(config: &VisitorConfig, own: &Config, peers: PeerCx) -> Self {
        let secret = Token::new(config.secret_key.expose());
        let flags = LayerFlags {
            encryption: config.use_encryption.then(|| secret.key()),
            compression: config.use_compression,
            ..LayerFlags::default()
        };
        let way = Way {
            proxy_name: wire_name(&config.server_user, &config.server_name).into(),
            secret,
            protocol: match own.protocol {
                XtcpProtocol::Quic => "quic",
                XtcpProtocol::Kcp => "kcp",
            },
            assisted: !own.disable_assisted_addrs,
        };
        Self {
            entrance: Entrance::new(config),
            config: own.clone(),
            way: Arc::new(UserWay {
                tunnel: Tunnel::new(way, peers),
                flags,
                fallback: own.fallback.clone(),
            }),
        }
    }

    async fn serve(&self, cx: Arc<dyn VisitorCx>, scope: &Scope) {
        let users = cx.users().child(scope.span().clone());
        let tunnel = &self.way.tunnel;
        tokio::join!(
            self.entrance.admit(|user, seat| {
                let (way, cx) = (Arc::clone(&self.way), Arc::clone(&cx));
                users.spawn_graceful(|stop| way.serve(user, cx, seat, stop));
            }),
            tunnel.make(),
            async {
                if self.config.keep_tunnel_open {
                    tunnel.keep(&self.config).await;
                }
            },
        );
    }
}

impl UserWay {
    /// Serves one user to the end. Told to stop, a waiting user is sent away; a served one goes on.
    async fn serve(
        self: Arc<Self>,
        user: Stream,
        cx: Arc<dyn VisitorCx>,
        seat: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) {
        let addr = user.peer().addr;
        let patience = self.fallback.as_ref().map_or(PATIENCE, |other| other.after);
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            opened = timeout(patience, self.tunnel.open()) => opened,
        };
        let work = match (opened, &self.fallback) {
            (Ok(stream), _) => layers::client(stream, &self.flags),
            (Err(_elapsed), Some(other)) => {
                return hand_over(other, user, &*cx);
            }
            (Err(_elapsed), None) => {
                return tracing::error!("open tunnel error: open tunnel timeout");
            }
        };
        drop((seat, cx));
        let work = match work {
            Ok(work) => work,
            Err(error) => return tracing::warn!("{error}"),
        };
        let done = relay(user, work, &Relaying::default()).await;
        tracing::debug!("user [{addr}] done: {done}");
    }
}

/// Gives a user to another visitor.
fn hand_over(other: &Fallback, user: Stream, cx: &dyn VisitorCx) {
    let Fallback { visitor, .. } = other;
    tracing::debug!("try to transfer connection to visitor: {visitor}");
    if let Err(error) = cx.hand_over(visitor, user) {
        tracing::error!("transfer connection to visitor {visitor} error: {error}");
    }
}

impl Visitor for XtcpVisitor {
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()> {
        Box::pin(self.serve(cx, scope).instrument(scope.span().clone()))
    }

    fn take(&self, user: Stream, cx: Arc<dyn VisitorCx>, scope: &Scope) -> Result<(), ProxyError> {
        let seat = self.entrance.seat()?;
        let way = Arc::clone(&self.way);
        let users = cx.users().child(scope.span().clone());
        users.spawn_graceful(|stop| way.serve(user, cx, seat, stop));
        Ok(())
    }
}
