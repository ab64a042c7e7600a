//! Ends: of one direction, of a stream, of a peer, and what is told about them.

use std::{iter, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_kit::{Error, Result, free_port};
use culvert_transport::{DynMux, Link, TransportError};
use culvert_transports::Yamux;
use tokio::{io::AsyncWriteExt, runtime::Handle};

use super::{LONG, SOON, case, ends, ends_well, receive, send};
use crate::{
    Subject,
    ends::Ends,
    subject::{target, told},
};

/// What is still on its way when a direction ends.
const LAST: usize = 50_000;

/// The client ends its direction; what it sent before arrives, and the other direction goes on.
///
/// # Errors
/// What the transport did wrong.
pub async fn half_close_of_client(subject: Subject) -> Result {
    case("a half close of the client", SOON, async {
        let Ends { client, server, .. } = &mut Ends::meet(&subject).await?;
        half_close(&subject, client, server).await
    })
    .await
}

/// The same from the server's side.
///
/// # Errors
/// What the transport did wrong.
pub async fn half_close_of_server(subject: Subject) -> Result {
    case("a half close of the server", SOON, async {
        let Ends { client, server, .. } = &mut Ends::meet(&subject).await?;
        half_close(&subject, server, client).await
    })
    .await
}

async fn half_close(subject: &Subject, first: &mut Stream, last: &mut Stream) -> Result {
    let shut = |err| Error::io("shut a direction down")(err);
    let leave = async {
        send(first, 1, LAST).await?;
        first.shutdown().await.map_err(shut)
    };
    let is_told = subject.promises.end_is_told;
    let stay = async {
        receive(last, 1, LAST).await?;
        if is_told {
            ends_well(last).await
        } else {
            Ok(())
        }
    };
    tokio::try_join!(leave, stay)?;
    if !is_told || !subject.promises.half_close {
        return Ok(());
    }
    let leave = async {
        send(last, 2, LAST).await?;
        last.shutdown().await.map_err(shut)
    };
    let stay = async {
        receive(first, 2, LAST).await?;
        ends_well(first).await
    };
    tokio::try_join!(leave, stay)?;
    Ok(())
}

/// A server of which nothing is heard any more is noticed by the pings of the mux.
async fn unheard_peer(subject: &Subject) -> Result {
    case("the end of a mux with a vanished server", LONG, async {
        let scope = Scope::root(Handle::current());
        let Ends {
            client,
            server,
            connector: _connector,
            door,
            ..
        } = Ends::meet(subject).await?;
        drop((server, door));
        let mux = Yamux::new(Duration::from_secs(1));
        let session = told("split", DynMux::client(&mux, client, &scope))?;
        session.closed().await;
        scope.close(Duration::ZERO).await;
        Ok(())
    })
    .await
}

/// A peer that is gone, without a word, ends the stream at the other end; or the mux on it, where
/// the transport does not tell of ends.
///
/// # Errors
/// What the transport did wrong.
pub async fn vanished_peer(subject: Subject) -> Result {
    if !subject.promises.end_is_told {
        return unheard_peer(&subject).await;
    }
    case("the end of a vanished client", SOON, async {
        let Ends {
            client,
            mut server,
            sessions,
            connector,
            door: _door,
        } = Ends::meet(&subject).await?;
        let theirs = sessions.map(|(_ours, theirs)| theirs);
        drop((client, connector));
        ends(&mut server).await?;
        drop(theirs);
        Ok(())
    })
    .await?;
    case("the end of a vanished server", SOON, async {
        let Ends {
            mut client,
            server,
            sessions,
            connector: _connector,
            door,
        } = Ends::meet(&subject).await?;
        let ours = sessions.map(|(ours, _theirs)| ours);
        drop((server, door));
        ends(&mut client).await?;
        drop(ours);
        Ok(())
    })
    .await
}

/// A session that was closed says why at both ends, gives out no more streams, and takes its
/// streams with it.
///
/// # Errors
/// What the transport did wrong.
pub async fn close_reasons(subject: Subject) -> Result {
    case("the reasons of a close", SOON, async {
        let scope = Scope::root(Handle::current());
        let ends = Ends::meet(&subject).await?.split(&scope)?;
        ends.client.close("the suite closes it").await;
        // The mux at the other end finds out by its pings, which `vanished_peer` looks at.
        let theirs = subject
            .promises
            .end_is_told
            .then_some(("other", &ends.server));
        for (name, session) in iter::once(("closing", &ends.client)).chain(theirs) {
            if session.closed().await.is_empty() {
                return Err(Error::wrong(format!("the {name} end does not say why")));
            }
            match session.accept().await {
                Err(TransportError::Closed(_)) => {}
                other => {
                    let text = format!("the {name} end accepts after the close: {other:?}");
                    return Err(Error::wrong(text));
                }
            }
            if session.open().await.is_ok() {
                let text = format!("the {name} end opens a stream after the close");
                return Err(Error::wrong(text));
            }
        }
        scope.close(Duration::ZERO).await;
        Ok(())
    })
    .await
}

/// A dial to an address where nobody listens ends in time, with an error that names the address,
/// or with a stream that ends.
///
/// # Errors
/// What the transport did wrong.
pub async fn dead_address(subject: Subject) -> Result {
    if !subject.promises.dial_finds_out {
        return Ok(());
    }
    case("the end of a dial to nobody", SOON, async {
        let connector = subject.connector()?;
        let at = (std::net::Ipv4Addr::LOCALHOST, free_port()?).into();
        let end = match connector.connect(&target(at)).await {
            Ok(Link::Pipe(mut stream)) => ends(&mut stream).await,
            Ok(Link::Session(session)) => {
                session.closed().await;
                Ok(())
            }
            Ok(other) => Err(Error::wrong(format!("the suite has no use for {other:?}"))),
            Err(err) => {
                let text = culvert_transport::report(&err);
                if text.contains(&at.to_string()) {
                    Ok(())
                } else {
                    Err(Error::wrong(format!(
                        "the error does not name {at}: {text}"
                    )))
                }
            }
        };
        connector.close().await;
        end
    })
    .await
}
