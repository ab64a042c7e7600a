//! Ends: of one direction, of a stream, of a peer, and what is told about them.

use std::time::Duration;

use culvert_io::{Scope, Stream};
use culvert_kit::{Error, Result, free_port};
use culvert_transport::{Link, TransportError};
use tokio::{io::AsyncWriteExt, runtime::Handle};

use super::{SOON, case, ends, ends_well, receive, send};
use crate::{Subject, ends::Ends, subject::target};

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
    let stay = async {
        receive(last, 1, LAST).await?;
        ends_well(last).await
    };
    tokio::try_join!(leave, stay)?;
    if !subject.promises.half_close {
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

/// A peer that is gone, without a word, ends the stream at the other end.
///
/// # Errors
/// What the transport did wrong.
pub async fn vanished_peer(subject: Subject) -> Result {
    if !subject.promises.end_is_told {
        return Ok(());
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
        for (name, session) in [("closing", &ends.client), ("other", &ends.server)] {
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
