//! The first message of a connection decides what it is for (protocol 1.2).

use std::{sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_transport::{BoxSession, Framed, Result, TransportError, report};
use culvert_wire::{
    ControlCipher, Message, Version, WireError,
    v2::{self, AeadKeys, FrameType, Opening},
};
use tokio::time::Instant;

use crate::{
    figures::Refused,
    server::Server,
    session::{accept_visitor, accept_work, login},
};

/// How long a peer may take for its first message (protocol 7).
pub(crate) const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// How long an answer may take to be written: upstream's limit for the login reply (protocol 7).
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection began with.
struct First {
    framed: Framed,
    /// What hides a control channel on this connection; `None` when version 2 has not settled one.
    cipher: Option<ControlCipher>,
    message: Message,
}

/// Reads the first message and hands the stream, which came over `link` if over one of several
/// streams, to where it belongs. Answers whether the peer proved that it may be here.
pub(crate) async fn greet(
    server: &Arc<Server>,
    lane: &Scope,
    (stream, link): (Stream, Option<&BoxSession>),
    deadline: Instant,
) -> bool {
    let peer = stream.peer().addr;
    let counts = &server.figures.counts;
    let first = match tokio::time::timeout_at(deadline, first(server, stream)).await {
        Ok(Ok(Some(first))) => first,
        Ok(Ok(None)) => return false,
        Ok(Err(err)) => {
            counts.refuse(Refused::Message);
            tracing::warn!(
                "failed to read the first message of [{peer}]: {}",
                report(&err)
            );
            return false;
        }
        Err(_) => {
            counts.refuse(Refused::Silence);
            tracing::warn!("no message from [{peer}] within {FIRST_MESSAGE:?}, closing");
            return false;
        }
    };
    let First {
        framed,
        cipher,
        message,
    } = first;
    match message {
        Message::Login(ask) => login(server, lane, framed, cipher, (*ask, link)).await,
        Message::NewWorkConn(ask) => accept_work(server, framed, ask).await,
        Message::NewVisitorConn(ask) => accept_visitor(server, framed, ask).await,
        other => {
            counts.refuse(Refused::Message);
            tracing::warn!("[{peer}] began with {}, closing", other.kind().name());
            false
        }
    }
}

/// Finds out which version the peer speaks, answers its hello if it sends one, and reads its first
/// message; `None` when it left without any (protocol 4.2).
async fn first(server: &Server, stream: Stream) -> Result<Option<First>> {
    let Some(mut framed) = Framed::accepted(stream).await? else {
        return Ok(None);
    };
    let (cipher, message) = match framed.opening().await? {
        None => return Ok(None),
        Some(Opening::Hello(hello)) => {
            let keys = answer(server, &mut framed, &hello).await?;
            (Some(ControlCipher::Aead(keys)), framed.next().await?)
        }
        Some(Opening::Message(message)) => {
            let cipher = match framed.codec().version() {
                Version::V1 => Some(ControlCipher::Cfb(server.auth.load().key.clone())),
                Version::V2 => None,
            };
            (cipher, Some(message))
        }
    };
    Ok(message.map(|message| First {
        framed,
        cipher,
        message,
    }))
}

/// Answers a client's hello, at once: it need not wait for the answer before it logs in, but it
/// may.
async fn answer(server: &Server, framed: &mut Framed, hello: &[u8]) -> Result<AeadKeys> {
    let (payload, agreed) = match server.auth.load().negotiate(hello) {
        Ok(agreed) => (agreed.payload, Ok(agreed.keys)),
        Err(WireError::Hello(why)) => (v2::refusal(&why)?, Err(WireError::Hello(why))),
        Err(err) => return Err(err.into()),
    };
    framed.feed_hello(FrameType::ServerHello, &payload)?;
    tokio::time::timeout(REPLY_TIMEOUT, framed.flush())
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: "answering the client's hello".to_owned(),
            after: REPLY_TIMEOUT,
        })??;
    let keys = agreed?;
    let peer = framed.stream().peer().addr;
    tracing::debug!(
        "[{peer}] speaks wire protocol v2, control cipher {}",
        keys.algorithm()
    );
    Ok(keys)
}
