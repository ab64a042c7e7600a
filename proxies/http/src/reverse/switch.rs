//! Connections that leave HTTP: an upgrade such as WebSocket, or a CONNECT.

use std::time::Duration;

use culvert_io::{Peer, Relaying, Stream, relay};
use http::{
    HeaderValue, Response,
    header::{CONNECTION, UPGRADE},
};
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tracing::Instrument;

use super::{
    backend::HttpBackend, body::ResponseBody, guard::Guard, headers::remove_hop_by_hop,
    user::UserConn,
};

/// How long both sides may take to let go of HTTP: as long as a request's head.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The answer that tells the user of the switch to `protocol`; the relay begins once it is sent.
pub(super) fn switch(
    mut response: Response<Incoming>,
    (user, protocol): (OnUpgrade, Option<HeaderValue>),
    conn: &UserConn,
    backend: &HttpBackend,
) -> Response<ResponseBody> {
    let work = hyper::upgrade::on(&mut response);
    let (peer, span) = (conn.peer, backend.span().clone());
    conn.scope
        .spawn_graceful(|_stop| Box::pin(join(user, work, peer).instrument(span)));
    let (mut parts, _nothing) = response.into_parts();
    remove_hop_by_hop(&mut parts.headers);
    if let Some(protocol) = protocol {
        parts
            .headers
            .insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        parts.headers.insert(UPGRADE, protocol);
    }
    Response::from_parts(parts, ResponseBody::empty())
}

/// Waits until both connections are bare and relays between them.
async fn join(user: OnUpgrade, work: OnUpgrade, peer: Peer) {
    let both = async { tokio::try_join!(user, work) };
    match tokio::time::timeout(TIMEOUT, both).await {
        Ok(Ok((user, work))) => {
            let ended = relay(
                bare_user(user, peer),
                bare_work(work, peer),
                &Relaying::default(),
            )
            .await;
            tracing::debug!(
                "upgraded http connection of [{}] ended: {:?}",
                peer.addr,
                ended.end
            );
        }
        Ok(Err(error)) => tracing::debug!("http upgrade of [{}] failed: {error}", peer.addr),
        Err(_) => tracing::debug!("http upgrade of [{}] took too long", peer.addr),
    }
}

pub(super) fn bare_user(upgraded: Upgraded, peer: Peer) -> Stream {
    match upgraded.downcast::<TokioIo<Guard>>() {
        Ok(parts) => parts.io.into_inner().into_stream(parts.read_buf),
        // A stream of an HTTP/2 connection.
        Err(upgraded) => Stream::new(TokioIo::new(upgraded), peer),
    }
}

fn bare_work(upgraded: Upgraded, peer: Peer) -> Stream {
    match upgraded.downcast::<TokioIo<Stream>>() {
        Ok(parts) => parts.io.into_inner().rewind(parts.read_buf),
        Err(upgraded) => Stream::new(TokioIo::new(upgraded), peer),
    }
}
