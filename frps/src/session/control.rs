//! The control stream of a session: what the client says, and what we say to it.

use std::{sync::Arc, time::Duration};

use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    AuthError, Message,
    msg::{NewProxyResp, Ping, Pong},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::Session;

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

/// Serves the control stream until it ends, then ends the session.
pub(super) async fn run(
    session: Arc<Session>,
    mut control: Framed,
    mut outgoing: mpsc::Receiver<Message>,
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
    session.finish().await;
    tracing::info!("client exit success");
}

async fn serve(
    session: &Arc<Session>,
    control: &mut Framed,
    outgoing: &mut mpsc::Receiver<Message>,
) -> Result<std::convert::Infallible, End> {
    let patience = session.server.config.transport.heartbeat_timeout;
    let mut heard = Instant::now();
    loop {
        let silence = async {
            match patience {
                Some(patience) => tokio::time::sleep_until(heard + patience).await,
                None => std::future::pending().await,
            }
        };
        let answer = tokio::select! {
            message = control.next() => match message? {
                None => return Err(End::Closed),
                Some(Message::Ping(ping)) => {
                    let pong = pong(session, &ping);
                    if pong.error.is_empty() {
                        heard = Instant::now();
                    }
                    Some(pong.into())
                }
                Some(message) => handle(session, message).await,
            },
            // The session holds a sender, so there is always a next message.
            message = outgoing.recv() => message,
            () = silence => return Err(End::Silent),
        };
        if let Some(answer) = answer {
            send(control, &answer).await?;
        }
    }
}

async fn send(control: &mut Framed, message: &Message) -> Result<(), End> {
    match tokio::time::timeout(WRITE_TIMEOUT, control.send(message)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(End::Stalled),
    }
}

fn pong(session: &Session, ping: &Ping) -> Pong {
    let auth = &session.server.auth;
    if !auth.heartbeats || auth.proves(ping.timestamp, &ping.privilege_key) {
        tracing::debug!("receive heartbeat");
        return Pong::default();
    }
    tracing::warn!("received invalid ping: {}", AuthError::Heartbeat);
    let detailed = session.server.config.detailed_errors_to_client;
    let error = if detailed {
        AuthError::Heartbeat.to_string()
    } else {
        "invalid ping".to_owned()
    };
    Pong { error }
}

async fn handle(session: &Arc<Session>, message: Message) -> Option<Message> {
    match message {
        Message::NewProxy(ask) => {
            let name = ask.proxy_name.clone();
            let kind = ask.proxy_type.clone();
            let answer = match session.open_proxy(*ask).await {
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
                    let detailed = session.server.config.detailed_errors_to_client;
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
            };
            Some(answer.into())
        }
        Message::CloseProxy(ask) => {
            session.close_proxy(&ask.proxy_name).await;
            None
        }
        // A known message that nobody waits for is ignored, as upstream does (protocol 3.1).
        _ => None,
    }
}
