//! A WebSocket service and its client, both not ours.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    accept_async, client_async,
    tungstenite::{self, Message},
};

use crate::{Error, Result, Service};

fn broken(error: tungstenite::Error) -> Error {
    Error::wrong(format!("websocket: {error}"))
}

/// A service that sends every message back.
///
/// # Errors
/// When no port can be bound.
pub async fn websocket_echo() -> Result<Service> {
    Service::tcp(|socket| async move {
        let Ok(mut talk) = accept_async(socket).await else {
            return;
        };
        while let Some(Ok(message)) = talk.next().await {
            let answer = match message {
                Message::Text(_) | Message::Binary(_) => talk.send(message).await,
                _ => continue, // answered by the library
            };
            if answer.is_err() {
                return;
            }
        }
    })
    .await
}

/// Sends `messages` to the site `host` at `to` and checks that each comes back; the last word is
/// a close that both agree on.
///
/// # Errors
/// When it does not.
pub async fn websocket_talk(to: SocketAddr, host: &str, messages: &[Vec<u8>]) -> Result {
    let socket = TcpStream::connect(to).await;
    let socket = socket.map_err(Error::io(format!("connect to {to}")))?;
    let (mut talk, _) = client_async(format!("ws://{host}/chat"), socket)
        .await
        .map_err(broken)?;
    for message in messages {
        let sent = Message::binary(message.clone());
        talk.send(sent.clone()).await.map_err(broken)?;
        match talk.next().await {
            Some(Ok(back)) if back == sent => {}
            other => return Err(Error::wrong(format!("websocket: {other:?} came back"))),
        }
    }
    talk.close(None).await.map_err(broken)?;
    while let Some(rest) = talk.next().await {
        rest.map_err(broken)?;
    }
    Ok(())
}
