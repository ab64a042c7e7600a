//! The control stream of a session: what the client says, and what we say to it.

use std::{future::Future, sync::Arc, time::Duration};

use culvert_proxy::ProxyError;
use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    Message,
    msg::{NewProxy, NewProxyResp, Ping, Pong},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::Session;
use crate::{auth::Denied, hooks::HookError};

/// How long one message may take to be written before the client counts as gone; upstream's mux
/// gives a queued frame as long (protocol 2.3).
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("client closed the control connection")]
    Closed,
    #[error("replaced or stopped")]
    Retired,
    #[error("heartbeat timeout")]
    Silent,
    #[error("client does not read its control connection")]
    Stalled,
    #[error(transparent)]
    Failed(#[from] TransportError),
}

/// Why a ping is not taken for a sign of life.
#[derive(Debug, thiserror::Error)]
enum PingError {
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Auth(#[from] Denied),
}

/// Serves the control stream until it ends, then ends the session.
pub(super) async fn run(
    session: Arc<Session>,
    mut control: Framed,
    mut outgoing: mpsc::Receiver<Box<Message>>,
    stop: CancellationToken,
) {
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Retired,
        Err(end) = serve(&session, &mut control, &mut outgoing) => end,
    };
    match &end {
        End::Silent | End::Stalled => tracing::warn!("{end}"),
        End::Closed | End::Retired => tracing::debug!("control connection ended: {end}"),
        End::Failed(err) => tracing::debug!("control connection ended: {}", report(err)),
    }
    Box::pin(session.finish()).await;
    tracing::info!("client exit success");
}

async fn serve(
    session: &Arc<Session>,
    control: &mut Framed,
    outgoing: &mut mpsc::Receiver<Box<Message>>,
) -> Result<std::convert::Infallible, End> {
    let patience = session.server.config().transport.heartbeat_timeout;
    let mut heard = Instant::now();
    loop {
        let silence = async {
            match patience {
                Some(patience) => tokio::time::sleep_until(heard + patience).await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            message = control.next() => message?.ok_or(End::Closed)?,
            // The session holds a sender, so there is always a next message.
            message = outgoing.recv() => {
                send(control, message.as_deref()).await?;
                continue;
            }
            () = silence => return Err(End::Silent),
        };
        let begun = Instant::now();
        // Boxed: it is large, and mostly there is none.
        let work = Box::pin(handle(session, message));
        let answer = while_sending(work, control, outgoing).await?;
        // Time that we took ourselves is not the client's silence.
        heard += begun.elapsed();
        if matches!(&answer, Some(Message::Pong(pong)) if pong.error.is_empty()) {
            heard = Instant::now();
        }
        send(control, answer.as_ref()).await?;
    }
}

/// Sends what others want sent while `work`, which may wait for plugins, goes on.
async fn while_sending<T>(
    mut work: impl Future<Output = T> + Unpin,
    control: &mut Framed,
    outgoing: &mut mpsc::Receiver<Box<Message>>,
) -> Result<T, End> {
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            message = outgoing.recv() => send(control, message.as_deref()).await?,
        }
    }
}

async fn send(control: &mut Framed, message: Option<&Message>) -> Result<(), End> {
    let Some(message) = message else {
        return Ok(());
    };
    match tokio::time::timeout(WRITE_TIMEOUT, control.send(message)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(End::Stalled),
    }
}

async fn pong(session: &Session, ping: Ping) -> Pong {
    let Err(error) = heartbeat(session, ping).await else {
        tracing::debug!("receive heartbeat");
        return Pong::default();
    };
    tracing::warn!("received invalid ping: {error}");
    let detailed = session.server.config().detailed_errors_to_client;
    let error = if detailed {
        error.to_string()
    } else {
        "invalid ping".to_owned()
    };
    Pong { error }
}

async fn heartbeat(session: &Session, ping: Ping) -> Result<(), PingError> {
    let hooks = session.server.hooks.load_full();
    let ping = hooks.ping(&session.info, ping).await?;
    let auth = &session.auth;
    auth.heartbeat(ping.timestamp, &ping.privilege_key).await?;
    Ok(())
}

async fn handle(session: &Arc<Session>, message: Message) -> Option<Message> {
    match message {
        Message::Ping(ping) => Some(pong(session, ping).await.into()),
        Message::NewProxy(ask) => Some(new_proxy(session, *ask).await.into()),
        Message::CloseProxy(ask) => {
            session.close_proxy(&ask.proxy_name).await;
            None
        }
        Message::NatHoleVisitor(ask) => {
            session.visitor_asks(*ask);
            None
        }
        Message::NatHoleClient(ask) => {
            session.client_asks(*ask);
            None
        }
        Message::NatHoleReport(report) => {
            session.server.meetings.report(&report);
            None
        }
        // A known message that nobody waits for is ignored, as upstream does (protocol 3.1).
        _ => None,
    }
}

/// Opens a proxy that a client asks for.
pub(super) async fn new_proxy(session: &Arc<Session>, ask: NewProxy) -> NewProxyResp {
    let (mut name, mut kind) = (ask.proxy_name.clone(), ask.proxy_type.clone());
    let hooks = session.server.hooks.load_full();
    let opened = match hooks.new_proxy(&session.info, ask).await {
        Ok(ask) => {
            // Plugins may have given it other ones.
            (name, kind) = (ask.proxy_name.clone(), ask.proxy_type.clone());
            session.open_proxy(ask).await
        }
        Err(err) => Err(ProxyError::refused(err.to_string())),
    };
    match opened {
        Ok(remote_addr) => {
            tracing::info!("new proxy [{name}] type [{kind}] success");
            NewProxyResp {
                proxy_name: name,
                remote_addr,
                error: String::new(),
            }
        }
        Err(err) => {
            tracing::warn!("new proxy [{name}] type [{kind}] error: {err}");
            let detailed = session.server.config().detailed_errors_to_client;
            let error = if detailed {
                err.to_string()
            } else {
                format!("new proxy [{name}] error")
            };
            NewProxyResp {
                proxy_name: name,
                remote_addr: String::new(),
                error,
            }
        }
    }
}
