//! A client says who it is; from there on it has a session (protocol 3.3).

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32},
    },
};

use culvert_io::{Peer, Scope};
use culvert_transport::{BoxSession, Framed, TransportError, report};
use culvert_wire::{
    Codec, ControlCipher, Message, RELEASE, RunId,
    limits::RUN_ID,
    msg::{Login, LoginResp, ReqWorkConn},
};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, watch};

use super::{
    Line, OUTGOING, Session, control, meet::MEETINGS, proxies::Proxies, work_pool::WorkPool,
};
use crate::{
    auth::Denied,
    figures::{Arrived, Refused, TakenClientId},
    greet::REPLY_TIMEOUT,
    hooks::{HookError, UserInfo},
    registry::EnterError,
    server::Server,
};

/// Why a client was not let in; the text is for the client when `detailedErrorsToClient` is set.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error(transparent)]
    Auth(#[from] Denied),
    #[error("missing v2 crypto negotiation")]
    NoCipher,
    #[error("run id is longer than any that this server gives out")]
    RunId,
    #[error("client spec is not allowed from the network")]
    ClientSpec,
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Enter(#[from] EnterError),
    #[error(transparent)]
    ClientId(#[from] TakenClientId),
    #[error("control was replaced during login")]
    Replaced,
    #[error("internal error")]
    Internal(#[source] culvert_wire::WireError),
}

/// What proves a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its messages carry it.
    Messages,
    /// It was proved before, as by an SSH key.
    Given,
}

/// Answers a `Login`; from there on `cipher` hides what is said. On success the session runs in a scope of its own inside `lane`, and the
/// peer has proved who it is; otherwise the peer has been told and its stream is closed.
pub(crate) async fn login(
    server: &Arc<Server>,
    lane: &Scope,
    mut control: Framed,
    cipher: Option<ControlCipher>,
    (ask, link): (Login, Option<&BoxSession>),
) -> bool {
    let Peer {
        addr: peer,
        transport,
        ..
    } = *control.stream().peer();
    let admitted = match cipher {
        Some(cipher) => admit(server, lane, (control.codec(), peer), ask, Proof::Messages)
            .await
            .map(|(session, outgoing)| (session, outgoing, cipher)),
        None => Err(LoginError::NoCipher),
    };
    let (session, outgoing, cipher) = match admitted {
        Ok(admitted) => admitted,
        Err(err) => {
            server.figures.counts.refuse(Refused::Login);
            tracing::warn!("register control error: {err}");
            let detailed = server.config().detailed_errors_to_client;
            let error = if detailed {
                err.to_string()
            } else {
                "register control error".to_owned()
            };
            let answer = LoginResp {
                version: RELEASE.to_owned(),
                error,
                ..LoginResp::default()
            };
            // The peer may be gone already; then there is nobody to tell.
            let _gone = reply(&mut control, answer).await;
            return false;
        }
    };
    let link = link.map(Arc::downgrade);
    // Nobody has set it before.
    let _first = session.line.set(Line { transport, link });
    let answer = LoginResp {
        version: RELEASE.to_owned(),
        run_id: session.run_id.to_string(),
        error: String::new(),
    };
    let encrypted = match reply(&mut control, answer).await {
        Ok(()) => control.encrypt(&cipher),
        Err(err) => Err(err),
    };
    match encrypted {
        Ok(control) => {
            first_requests(&session);
            let scope = session.scope.clone();
            scope.spawn_graceful(|stop| control::run(session, control, outgoing, stop));
            true
        }
        Err(err) => {
            tracing::warn!("register control error: {}", report(&err));
            session.finish().await;
            false
        }
    }
}

/// Asks for the work connections that are kept ready.
pub(super) fn first_requests(session: &Session) {
    for _ in 0..session.pool_count {
        // The queue is longer than any pool; what does not fit is asked for by need.
        let _full = session
            .outgoing
            .try_send(Box::new(ReqWorkConn::default().into()));
    }
}

async fn reply(control: &mut Framed, answer: LoginResp) -> culvert_transport::Result<()> {
    let answer = Message::from(answer);
    tokio::time::timeout(REPLY_TIMEOUT, control.send(&answer))
        .await
        .map_err(|_| TransportError::Timeout {
            what: "sending the login response".to_owned(),
            after: REPLY_TIMEOUT,
        })?
}

/// What a client tells of itself.
fn note(ask: &Login, peer: SocketAddr) {
    tracing::info!(
        "client login info: ip [{peer}] version [{}] hostname [{}] os [{}] arch [{}]",
        ask.version,
        ask.hostname,
        ask.os,
        ask.arch
    );
}

/// Lets a client in that has said who it is.
pub(super) async fn admit(
    server: &Arc<Server>,
    lane: &Scope,
    (codec, peer): (Codec, SocketAddr),
    ask: Login,
    proof: Proof,
) -> Result<(Arc<Session>, mpsc::Receiver<Box<Message>>), LoginError> {
    let ask = server.hooks.load_full().login(ask, peer).await?;
    note(&ask, peer);
    let auth = server.auth.load_full();
    if proof == Proof::Messages {
        auth.login(ask.timestamp, &ask.privilege_key).await?;
        if ask.client_spec.always_auth_pass {
            return Err(LoginError::ClientSpec);
        }
    }
    // Real run ids have 16 characters; anything far longer only costs memory.
    let run_id = match ask.run_id.len() {
        0 => RunId::random().map_err(LoginError::Internal)?,
        n if n > 4 * RUN_ID => return Err(LoginError::RunId),
        _ => RunId::from(ask.run_id.as_str()),
    };
    let span = tracing::error_span!("session", prefix = %run_id);
    let (outgoing, queue) = mpsc::channel(OUTGOING);
    let wanted = usize::try_from(ask.pool_count).unwrap_or_default();
    let allowed = usize::try_from(server.config().transport.max_pool_count).unwrap_or_default();
    let pool_count = wanted.min(allowed);
    let scope = lane.child(span.clone());
    let session = Arc::new(Session {
        info: UserInfo::new(&ask.user, &ask.metas, run_id.as_str()),
        user: ask.user.clone(),
        client_id: ask.client_id.clone(),
        listed: Mutex::default(),
        codec,
        server: Arc::clone(server),
        auth,
        pool_count,
        pool: WorkPool::new(pool_count),
        outgoing,
        users: lane.child(span),
        proxies: Proxies::default(),
        ports: Arc::new(AtomicU32::new(0)),
        meetings: Arc::new(Semaphore::new(MEETINGS)),
        retired: AtomicBool::new(false),
        gone: watch::channel(false).0,
        line: OnceLock::new(),
        run_id,
        scope,
    });
    server.registry.enter(&session).await?;
    if session.is_retired() {
        session.finish().await;
        return Err(LoginError::Replaced);
    }
    let arrived = Arrived {
        user: ask.user,
        client_id: ask.client_id,
        run_id: session.run_id.clone(),
        version: ask.version,
        wire: codec.version(),
        hostname: ask.hostname,
        ip: peer.ip().to_canonical().to_string(),
    };
    let now = chrono::Utc::now().timestamp();
    match server.figures.clients.arrive(arrived, now) {
        Ok(listed) => *session.listed.lock() = Some(listed),
        Err(taken) => {
            session.finish().await;
            return Err(taken.into());
        }
    }
    Ok((session, queue))
}
