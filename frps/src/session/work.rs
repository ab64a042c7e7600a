//! Work connections: taking them in, and putting one to use for a user (protocol 3.4).

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use culvert_io::Stream;
use culvert_proxy::{ProxyError, UserAddrs};
use culvert_transport::Framed;
use culvert_wire::{
    Codec, Message, ProxyName, RunId,
    datagram::FORMAT,
    msg::{NewWorkConn, StartWorkConn},
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::Instant,
};

use super::{
    Session,
    login::Proof,
    work_pool::{Declined, Taken, WorkConn},
};
use crate::{
    figures::{Acquired, Refused},
    greet::REPLY_TIMEOUT,
    server::Server,
};

/// Takes in a connection whose first message was `NewWorkConn`. Answers whether the peer proved
/// that it belongs to a session.
pub(crate) async fn accept_work(server: &Arc<Server>, control: Framed, ask: NewWorkConn) -> bool {
    let run_id = RunId::from(ask.run_id.as_str());
    let Some(session) = server.registry.get(&run_id) else {
        tracing::warn!("no client control found for run id [{run_id:?}]");
        refuse(
            control,
            server,
            "no client control found for run id".to_owned(),
        )
        .await;
        return false;
    };
    take_in(&session, control, ask, Proof::Messages).await
}

/// Takes in a work connection of `session`. Answers whether the peer proved that it belongs there.
pub(super) async fn take_in(
    session: &Arc<Session>,
    control: Framed,
    mut ask: NewWorkConn,
    proof: Proof,
) -> bool {
    let (server, run_id) = (&session.server, &session.run_id);
    // Nothing that plugins know.
    let datagrams = std::mem::take(&mut ask.datagrams) == FORMAT;
    let hooks = server.hooks.load_full();
    let ask = match hooks.new_work_conn(&session.info, ask).await {
        Ok(ask) => ask,
        Err(err) => {
            tracing::warn!("invalid NewWorkConn with run id [{run_id:?}]: {err}");
            refuse(control, server, err.to_string()).await;
            return false;
        }
    };
    let proved = match proof {
        Proof::Messages => {
            let proved = session.auth.work_conn(ask.timestamp, &ask.privilege_key);
            proved.await
        }
        Proof::Given => Ok(()),
    };
    if let Err(err) = proved {
        tracing::warn!("invalid NewWorkConn with run id [{run_id:?}]: {err}");
        refuse(control, server, err.to_string()).await;
        return false;
    }
    let codec = control.codec();
    let stream = control.into_stream();
    let work = WorkConn {
        stream,
        codec,
        datagrams,
    };
    match session.pool.offer(work) {
        Ok(()) => tracing::debug!("new work connection registered"),
        Err(Declined::Closed) => {}
        Err(Declined::Full(WorkConn { stream, codec, .. })) => {
            tracing::debug!("work connection pool is full, discarding");
            let text = "work connection pool is full, discarding";
            refuse(Framed::new(stream, codec), server, text.to_owned()).await;
        }
    }
    true
}

async fn refuse(mut work: Framed, server: &Server, text: String) {
    server.figures.counts.refuse(Refused::WorkConn);
    let error = if server.config().detailed_errors_to_client {
        text
    } else {
        "invalid NewWorkConn".to_owned()
    };
    let answer = Message::StartWorkConn(StartWorkConn {
        error,
        ..StartWorkConn::default()
    });
    // The peer may be gone already; then there is nobody to tell.
    let _gone = tokio::time::timeout(REPLY_TIMEOUT, work.send(&answer)).await;
}

impl Session {
    /// A work connection for one user, with `StartWorkConn` sent.
    ///
    /// Tries parked connections first; when writing to one fails it takes the next, at most
    /// pool count + 1 times (protocol 3.4). After each one taken the client is asked for another, unless
    /// enough are on their way.
    /// With `datagrams`, there are datagrams beside the stream if both ends have them.
    pub(crate) async fn start_work(
        &self,
        name: &ProxyName,
        user: UserAddrs,
        datagrams: bool,
    ) -> Result<Stream, ProxyError> {
        let mut start = start(name, user);
        let mut last = ProxyError::NoWorkConn("no work connection could be used");
        for _ in 0..=self.pool_count {
            let mut work = self.acquire_work().await?;
            if self.pool.wants(Instant::now()) {
                self.request_work().await?;
            }
            // Before the client hears that it may send some.
            let opened = datagrams && work.datagrams && work.stream.open_datagrams();
            start.datagrams = if opened { FORMAT } else { 0 };
            let WorkConn {
                mut stream, codec, ..
            } = work;
            let bytes = encode(&start.clone().into(), codec)?;
            let sent = async {
                stream.write_all(&bytes).await?;
                stream.flush().await
            };
            match tokio::time::timeout(REPLY_TIMEOUT, sent).await {
                Ok(Ok(())) => return Ok(stream),
                Ok(Err(err)) => last = ProxyError::io("write StartWorkConn", err),
                Err(_) => last = ProxyError::NoWorkConn("the work connection takes no bytes"),
            }
            tracing::warn!("failed to send message to work connection, trying the next: {last}");
        }
        Err(last)
    }

    /// Takes a work connection, and counts how.
    async fn acquire_work(&self) -> Result<WorkConn, ProxyError> {
        let begun = Instant::now();
        let taken = self.take_work().await;
        let how = match &taken {
            Ok((_, how)) => *how,
            Err(_) => Acquired::None,
        };
        self.server.figures.counts.acquire(how, begun.elapsed());
        taken.map(|(work, _)| work)
    }

    async fn take_work(&self) -> Result<(WorkConn, Acquired), ProxyError> {
        let deadline = Instant::now() + self.server.config().user_conn_timeout;
        loop {
            let waiting = match self.pool.take() {
                Taken::Closed => {
                    return Err(ProxyError::NoWorkConn("the client's session is over"));
                }
                Taken::Idle(mut work) => {
                    if is_quiet(&mut work.stream) {
                        return Ok((work, Acquired::Hit));
                    }
                    // It ended while it was parked.
                    continue;
                }
                Taken::Wait(waiting) => waiting,
            };
            let wait = async {
                self.request_work().await?;
                let work = waiting.await;
                work.map(|work| (work, Acquired::Miss))
                    .map_err(|_| ProxyError::NoWorkConn("the client's session is over"))
            };
            return tokio::time::timeout_at(deadline, wait)
                .await
                .unwrap_or_else(|_| {
                    tracing::warn!("timeout trying to get work connection");
                    Err(ProxyError::NoWorkConn(
                        "timeout trying to get work connection",
                    ))
                });
        }
    }
}

/// Whether a parked connection is still open: the client says nothing on it before it is told to
/// start, so anything to read is an end or a mistake.
fn is_quiet(stream: &mut Stream) -> bool {
    let mut byte = [0; 1];
    let mut buf = ReadBuf::new(&mut byte);
    let mut cx = Context::from_waker(Waker::noop());
    matches!(Pin::new(stream).poll_read(&mut cx, &mut buf), Poll::Pending)
}

fn start(name: &ProxyName, user: UserAddrs) -> StartWorkConn {
    let host = |a: Option<SocketAddr>| {
        a.map(|a| a.ip().to_canonical().to_string())
            .unwrap_or_default()
    };
    StartWorkConn {
        proxy_name: name.to_string(),
        src_addr: host(user.src),
        src_port: user.src.map_or(0, |a| a.port()),
        dst_addr: host(user.dst),
        dst_port: user.dst.map_or(0, |a| a.port()),
        ..StartWorkConn::default()
    }
}

/// The message in the version that the client opened its work connection in.
fn encode(start: &Message, codec: Codec) -> Result<BytesMut, ProxyError> {
    let mut out = BytesMut::new();
    codec
        .encode(start, &mut out)
        .map_err(|_| ProxyError::Internal("StartWorkConn does not fit into a message"))?;
    Ok(out)
}
