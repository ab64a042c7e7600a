//! The handshake over a stream.

use std::io;

use culvert_io::{Peer, Stream};
use culvert_tcp::read_head;
use culvert_transport::Transport;
use tokio::io::AsyncWriteExt;

use crate::{MAX_HEAD, Offer, Role, Upgrade, Websocket, WebsocketError, WsStream};

/// Asks the server behind `stream` for the tunnel. `host` goes into the headers: the server's
/// address, with the port unless it is the scheme's own. Give it a deadline.
///
/// *Cancel safety*: the stream is dropped with the future.
///
/// # Errors
/// The server refuses, answers something else, or goes away.
pub async fn connect(mut stream: Stream, host: &str) -> Result<Stream, WebsocketError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|err| WebsocketError::Random(io::Error::other(err)))?;
    let offer = Offer::new(host, nonce)?;
    stream.write_all(offer.request().as_bytes()).await?;
    stream.flush().await?;
    let (head, stream) = read_head(stream, MAX_HEAD).await?;
    offer.accepted(&head)?;
    Ok(framed(stream, Role::Client))
}

/// Takes a client's request that `stream` begins with, and answers it. Give it a deadline.
///
/// *Cancel safety*: the stream is dropped with the future.
///
/// # Errors
/// The request does not fit (the client was told), or the client goes away.
pub async fn accept(stream: Stream) -> Result<Stream, WebsocketError> {
    let (head, mut stream) = read_head(stream, MAX_HEAD).await?;
    match Upgrade::new(&head) {
        Ok(upgrade) => {
            stream.write_all(upgrade.response().as_bytes()).await?;
            stream.flush().await?;
            Ok(framed(stream, Role::Server))
        }
        Err(err) => {
            if let Some(text) = err.response() {
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await?;
            }
            Err(err.into())
        }
    }
}

fn framed(stream: Stream, role: Role) -> Stream {
    let peer = stream.peer();
    let peer = Peer::new(peer.addr, peer.local, Websocket::NAME);
    Stream::new(WsStream::new(stream, role), peer)
}
