//! A client inside the server: a session without a control connection. The SSH gateway has one
//! for each tunnel (protocol 8.2).

use std::{net::SocketAddr, sync::Arc};

use culvert_io::{Peer, Scope, Stream};
use culvert_transport::Framed;
use culvert_wire::{
    Codec, Message,
    msg::{Login, NewProxy, NewWorkConn},
};
use tokio::{io::duplex, sync::mpsc};

use super::{
    Session, control,
    login::{Proof, admit, first_requests},
    work::take_in,
};
use crate::server::Server;

/// Bytes that may wait in a work connection, each way: what a relay's buffer holds.
const PIPE: usize = 64 * 1024;

/// A client inside the server, logged in.
pub(crate) struct LocalClient {
    session: Arc<Session>,
    outgoing: mpsc::Receiver<Box<Message>>,
    peer: SocketAddr,
}

impl LocalClient {
    /// Logs in for somebody at `peer`.
    ///
    /// *Cancel safety*: the session may stay until another takes its place; let it end.
    ///
    /// # Errors
    /// Why not, as a client is told.
    pub(crate) async fn login(
        server: &Arc<Server>,
        lane: &Scope,
        peer: SocketAddr,
        ask: Login,
        proof: Proof,
    ) -> Result<Self, String> {
        let admitted = admit(server, lane, (Codec::V1, peer), ask, proof).await;
        let (session, outgoing) = admitted.map_err(|err| {
            tracing::warn!("register control error: {err}");
            if server.config().detailed_errors_to_client {
                err.to_string()
            } else {
                "register control error".to_owned()
            }
        })?;
        first_requests(&session);
        Ok(Self {
            session,
            outgoing,
            peer,
        })
    }

    /// Opens a proxy; answers its remote address.
    ///
    /// # Errors
    /// Why not, as a client is told.
    pub(crate) async fn open(&self, ask: NewProxy) -> Result<String, String> {
        let answer = control::new_proxy(&self.session, ask).await;
        if answer.error.is_empty() {
            Ok(answer.remote_addr)
        } else {
            Err(answer.error)
        }
    }

    /// Offers a work connection whenever one is asked for, and gives its other end to `serve`;
    /// returns when the session is told to end.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn work(&mut self, serve: impl Fn(Framed)) {
        loop {
            let message = tokio::select! {
                () = self.session.scope.stopped() => return,
                message = self.outgoing.recv() => message.map(|message| *message),
            };
            if !matches!(message, Some(Message::ReqWorkConn(_))) {
                continue;
            }
            let (near, far) = duplex(PIPE);
            let peer = Peer::new(self.peer, self.peer, "memory");
            let framed = |io| Framed::new(Stream::new(io, peer), Codec::V1);
            serve(framed(far));
            let (session, work) = (Arc::clone(&self.session), framed(near));
            let ask = NewWorkConn {
                run_id: session.run_id.to_string(),
                ..NewWorkConn::default()
            };
            self.session.scope.spawn(async move {
                take_in(&session, work, ask, Proof::Given).await;
            });
        }
    }

    /// Ends the session.
    ///
    /// *Cancel safety*: parts of it may stay; let it end.
    pub(crate) async fn leave(self) {
        self.session.finish().await;
        tracing::info!("client exit success");
    }
}
