//! The two ends of a link, connected and proved by one byte.

use std::net::SocketAddr;

use culvert_io::{Scope, Stream};
use culvert_kit::{Error, Result};
use culvert_transport::{
    AcceptBackoff, BoxConnector, BoxHandshake, BoxListener, BoxSession, DynMux, Link,
};
use culvert_transports::Yamux;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    sync::mpsc,
    time::Duration,
};

use crate::subject::{Subject, target, told};

/// The byte by which a stream shows itself: some transports say nothing before they have data.
const HELLO: u8 = 0x2a;

/// The interval of upstream's pings (protocol 2.3).
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A listener whose accept loop runs, as a server's does.
pub(crate) struct Door {
    at: SocketAddr,
    scope: Scope,
    arrivals: mpsc::Receiver<(BoxHandshake, SocketAddr)>,
}

impl Door {
    pub(crate) async fn open(subject: &Subject) -> Result<Self> {
        Self::around(subject.listen().await?)
    }

    pub(crate) fn around(mut listener: BoxListener) -> Result<Self> {
        let at = listener
            .local_addr()
            .map_err(Error::io("ask where the listener is bound"))?;
        let scope = Scope::root(Handle::current());
        // Handshakes wait here, as they would for a lane.
        let (sender, arrivals) = mpsc::channel(64);
        scope.spawn_graceful(|stop| async move {
            let mut backoff = AcceptBackoff::new("the listener of the suite");
            loop {
                let next = tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    next = backoff.next_link(listener.as_mut()) => next,
                };
                if sender.send(next).await.is_err() {
                    break;
                }
            }
            listener.close().await;
        });
        Ok(Self {
            at,
            scope,
            arrivals,
        })
    }

    pub(crate) const fn at(&self) -> SocketAddr {
        self.at
    }

    /// The next peer, before its handshake.
    pub(crate) async fn arrival(&mut self) -> Result<(BoxHandshake, SocketAddr)> {
        let next = self.arrivals.recv().await;
        next.ok_or_else(|| Error::wrong("the accept loop has ended"))
    }

    /// The next peer that says hello, past those who do not finish their handshake.
    pub(crate) async fn welcome(&mut self) -> Result<(Stream, Option<BoxSession>)> {
        let (handshake, _) = self.arrival().await?;
        let link = told("finish a handshake", handshake.await)?;
        greet(link).await
    }

    /// Closes the listener and waits for it.
    pub(crate) async fn close(self) {
        self.scope.close(Duration::from_secs(10)).await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.scope.stop();
    }
}

/// Waits for the hello on a link that was accepted.
pub(crate) async fn greet(link: Link) -> Result<(Stream, Option<BoxSession>)> {
    let (mut stream, session) = match link {
        Link::Pipe(stream) => (stream, None),
        Link::Session(session) => {
            let stream = told("accept a stream", session.accept().await)?;
            (stream, Some(session))
        }
        other => return Err(Error::wrong(format!("the suite has no use for {other:?}"))),
    };
    match stream.read_u8().await {
        Ok(HELLO) => Ok((stream, session)),
        Ok(other) => Err(Error::wrong(format!("the first byte is {other:#x}"))),
        Err(err) => Err(Error::io("read the first byte")(err)),
    }
}

/// Dials and says hello.
pub(crate) async fn dial(
    connector: &BoxConnector,
    at: SocketAddr,
) -> Result<(Stream, Option<BoxSession>)> {
    let link = told("dial", connector.connect(&target(at)).await)?;
    let (mut stream, session) = match link {
        Link::Pipe(stream) => (stream, None),
        Link::Session(session) => (told("open a stream", session.open().await)?, Some(session)),
        other => return Err(Error::wrong(format!("the suite has no use for {other:?}"))),
    };
    say(&mut stream, &[HELLO]).await?;
    Ok((stream, session))
}

pub(crate) async fn say(stream: &mut Stream, bytes: &[u8]) -> Result {
    let said = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    said.await.map_err(Error::io("write to a stream"))
}

/// One connected stream, seen from both ends, and what it hangs on.
pub(crate) struct Ends {
    pub(crate) client: Stream,
    pub(crate) server: Stream,
    pub(crate) sessions: Option<(BoxSession, BoxSession)>,
    pub(crate) connector: BoxConnector,
    pub(crate) door: Door,
}

impl Ends {
    pub(crate) async fn meet(subject: &Subject) -> Result<Self> {
        let mut door = Door::open(subject).await?;
        let connector = subject.connector()?;
        let at = door.at();
        let (dialled, welcomed) = tokio::join!(dial(&connector, at), door.welcome());
        let ((client, ours), (server, theirs)) = (dialled?, welcomed?);
        Ok(Self {
            client,
            server,
            sessions: ours.zip(theirs),
            connector,
            door,
        })
    }

    /// The sessions of the link; yamux splits a pipe, in `scope`.
    pub(crate) fn split(self, scope: &Scope) -> Result<Sessions> {
        let (client, server) = match self.sessions {
            Some(sessions) => sessions,
            None => {
                let mux = Yamux::new(KEEPALIVE);
                (
                    told("split", DynMux::client(&mux, self.client, scope))?,
                    told("split", DynMux::server(&mux, self.server, scope))?,
                )
            }
        };
        client.authenticate();
        server.authenticate();
        Ok(Sessions {
            client,
            server,
            _connector: self.connector,
            _door: self.door,
        })
    }
}

/// Both ends of a split link, and what it hangs on.
pub(crate) struct Sessions {
    pub(crate) client: BoxSession,
    pub(crate) server: BoxSession,
    _connector: BoxConnector,
    _door: Door,
}
