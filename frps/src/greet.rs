//! The first message of a connection decides what it is for (protocol 1.2).

use std::{sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_transport::{Framed, report};
use culvert_wire::{
    Codec, Message,
    msg::{NewVisitorConn, NewVisitorConnResp},
};
use tokio::time::Instant;

use crate::{
    server::Server,
    session::{accept_work, login},
};

/// How long a peer may take for its first message (protocol 7).
pub(crate) const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// How long an answer may take to be written: upstream's limit for the login reply (protocol 7).
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the first message and hands the stream to where it belongs. Answers whether the peer
/// proved that it may be here.
pub(crate) async fn greet(
    server: &Arc<Server>,
    lane: &Scope,
    stream: Stream,
    deadline: Instant,
) -> bool {
    let peer = stream.peer().addr;
    let mut framed = Framed::new(stream, Codec::V1);
    let first = match tokio::time::timeout_at(deadline, framed.next()).await {
        Ok(Ok(Some(first))) => first,
        Ok(Ok(None)) => return false,
        Ok(Err(err)) => {
            tracing::warn!(
                "failed to read the first message of [{peer}]: {}",
                report(&err)
            );
            return false;
        }
        Err(_) => {
            tracing::warn!("no message from [{peer}] within {FIRST_MESSAGE:?}, closing");
            return false;
        }
    };
    match first {
        Message::Login(ask) => login(server, lane, framed, *ask).await,
        Message::NewWorkConn(ask) => accept_work(server, framed, ask).await,
        Message::NewVisitorConn(ask) => {
            refuse_visitor(framed, ask).await;
            false
        }
        other => {
            tracing::warn!("[{peer}] began with {}, closing", other.kind().name());
            false
        }
    }
}

/// No proxy of this build takes visitors.
async fn refuse_visitor(mut framed: Framed, ask: NewVisitorConn) {
    let error = format!("custom listener for [{}] doesn't exist", ask.proxy_name);
    tracing::warn!("register visitor conn error: {error}");
    let answer = NewVisitorConnResp {
        proxy_name: ask.proxy_name,
        error,
    };
    // The peer may be gone already; then there is nobody to tell.
    let _gone = tokio::time::timeout(REPLY_TIMEOUT, framed.send(&answer.into())).await;
}
