//! Many streams on one link, long silence, and what a stream knows of its peer.

use std::time::Duration;

use culvert_io::Scope;
use culvert_kit::{Error, Result};
use culvert_transport::BoxSession;
use tokio::{io::AsyncReadExt, runtime::Handle, sync::mpsc};

use super::{LONG, SOON, case, exchange, receive, send};
use crate::{Subject, ends::Ends, subject::told};

/// Streams that live at the same time on one link.
const STREAMS: usize = 1000;

/// What each of them carries in each direction.
const LOAD: usize = 2000;

/// How long a link must bear silence: longer than the idle timeout of any transport of ours.
const SILENCE: u32 = 600;

/// A thousand streams at once, each with its own bytes; over yamux where the link is a pipe.
///
/// # Errors
/// What the transport did wrong.
pub async fn thousand_streams(subject: Subject) -> Result {
    case("a thousand streams", LONG, async {
        let scope = Scope::root(Handle::current());
        let ends = Ends::meet(&subject).await?.split(&scope)?;
        let (done, mut results) = mpsc::channel(STREAMS);
        serve(ends.server.clone(), &scope);
        let mut streams = Vec::with_capacity(STREAMS);
        for n in 0..STREAMS {
            let mut stream = told("open a stream", ends.client.open().await)?;
            // All are open before any is done.
            send(&mut stream, n as u64, LOAD / 2).await?;
            streams.push((n as u64, stream));
        }
        for (seed, mut stream) in streams {
            let done = done.clone();
            scope.spawn(async move {
                let result = async {
                    receive(&mut stream, seed, LOAD / 2).await?;
                    send(&mut stream, seed, LOAD).await?;
                    receive(&mut stream, seed, LOAD).await
                };
                // The channel has room for every stream.
                let _room = done.send(result.await).await;
            });
        }
        for _ in 0..STREAMS {
            match results.recv().await {
                Some(result) => result?,
                None => return Err(Error::wrong("a stream ended without a result")),
            }
        }
        scope.close(Duration::ZERO).await;
        Ok(())
    })
    .await
}

/// Echoes on every stream of a session.
fn serve(session: BoxSession, scope: &Scope) {
    let tasks = scope.clone();
    scope.spawn(async move {
        while let Ok(stream) = session.accept().await {
            tasks.spawn(async move {
                let (mut read, mut write) = tokio::io::split(stream);
                // A stream that breaks is noticed at its other end.
                let _broken = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
}

/// A link bears ten minutes of silence.
///
/// # Errors
/// What the transport did wrong.
pub async fn idle(subject: Subject) -> Result {
    if !subject.promises.paused_time {
        return Ok(());
    }
    let mut ends = None;
    case("a link before its silence", SOON, async {
        ends = Some(Ends::meet(&subject).await?);
        Ok(())
    })
    .await?;
    let Some(mut ends) = ends else {
        return Err(Error::wrong("no link"));
    };
    tokio::time::pause();
    for _ in 0..SILENCE {
        // A second at a time, so that what the ends send each other arrives in between.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
    case("an echo after silence", SOON, async {
        exchange(&mut ends.client, &mut ends.server, 10_000, 10_000).await
    })
    .await
}

/// A stream knows the name of its transport, and both ends speak of addresses of this machine.
///
/// # Errors
/// What the transport did wrong.
pub async fn names(subject: Subject) -> Result {
    case("the names of peers", SOON, async {
        let mut ends = Ends::meet(&subject).await?;
        for stream in [&ends.client, &ends.server] {
            let peer = stream.peer();
            if peer.transport != subject.name() {
                let text = format!("a stream of {} says {}", subject.name(), peer.transport);
                return Err(Error::wrong(text));
            }
            if !peer.addr.ip().is_loopback() {
                let text = format!("the peer {} is not on this machine", peer.addr);
                return Err(Error::wrong(text));
            }
        }
        exchange(&mut ends.client, &mut ends.server, 1, 1).await?;
        // Nothing is left over.
        let mut byte = [0; 1];
        let more = ends.server.read(&mut byte);
        match tokio::time::timeout(Duration::from_millis(50), more).await {
            Err(_silent) => Ok(()),
            Ok(end) => Err(Error::wrong(format!("a quiet stream answers {end:?}"))),
        }
    })
    .await
}
