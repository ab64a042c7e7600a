//! The accepting side: nobody is lost, nobody delays others, and it can start again.

use std::{net::Ipv4Addr, time::Duration};

use culvert_kit::{Error, Result, eventually};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
};

use super::{LONG, SOON, case, exchange};
use crate::{
    Subject,
    ends::{Door, dial, greet},
};

/// Accepts that are given up again and again lose no peer.
///
/// # Errors
/// What the transport did wrong.
pub async fn cancelled_accepts(subject: Subject) -> Result {
    case("cancelled accepts", SOON, async {
        let mut listener = subject.listen().await?;
        let at = listener
            .local_addr()
            .map_err(Error::io("ask where the listener is bound"))?;
        let connector = subject.connector()?;
        for _ in 0..10 {
            let accept = async {
                // Polled once and dropped, until a peer is there in the very first poll.
                loop {
                    tokio::select! {
                        biased;
                        got = listener.accept() => break got,
                        () = tokio::task::yield_now() => {}
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let accept = async {
                let (handshake, _) = accept.await.map_err(Error::io("accept"))?;
                let link = handshake.await.map_err(|e| Error::wrong(e.to_string()))?;
                greet(link).await
            };
            let (dialled, accepted) = tokio::join!(dial(&connector, at), accept);
            let ((mut client, _ours), (mut server, _theirs)) = (dialled?, accepted?);
            exchange(&mut client, &mut server, 100, 100).await?;
        }
        listener.close().await;
        Ok(())
    })
    .await
}

/// Peers that say nothing, or nonsense, delay nobody and end nothing.
///
/// # Errors
/// What the transport did wrong.
pub async fn hostile_peers(subject: Subject) -> Result {
    case("a peer among hostile ones", SOON, async {
        let mut door = Door::open(&subject).await?;
        let at = door.at();
        // One of the two is refused by whatever the transport runs over.
        let silent = TcpStream::connect(at).await;
        let nonsense = TcpStream::connect(at).await;
        if let Ok(mut socket) = nonsense {
            // It may be cut off at any time.
            let _gone = socket.write_all(&[0x5a; 4096]).await;
        }
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let udp = udp.map_err(Error::io("bind a UDP client"))?;
        for len in [1, 7, 24, 60, 1200, 1400] {
            let _refused = udp.send_to(&vec![0xa5; len], at).await;
        }
        let connector = subject.connector()?;
        let mut handshakes = tokio::task::JoinSet::new();
        let welcome = async {
            loop {
                tokio::select! {
                    arrival = door.arrival() => {
                        let (handshake, _) = arrival?;
                        handshakes.spawn(async move { greet(handshake.await.ok()?).await.ok() });
                    }
                    Some(done) = handshakes.join_next() => match done {
                        Ok(Some(met)) => return Ok(met),
                        Ok(None) => {}
                        Err(err) => return Err(Error::wrong(format!("a handshake: {err}"))),
                    },
                }
            }
        };
        let (dialled, welcomed) = tokio::join!(dial(&connector, at), welcome);
        let ((mut client, _ours), (mut server, _theirs)) = (dialled?, welcomed?);
        drop(silent);
        exchange(&mut client, &mut server, 10_000, 10_000).await
    })
    .await
}

/// The same connector dials many times, and again after the server was started anew on its port.
///
/// # Errors
/// What the transport did wrong.
pub async fn reconnects(subject: Subject) -> Result {
    case("reconnects", LONG, async {
        let mut door = Door::open(&subject).await?;
        let at = door.at();
        let connector = subject.connector()?;
        for _ in 0..20 {
            meet(&connector, &mut door).await?;
        }
        door.close().await;
        let (subject, connector) = (&subject, &connector);
        eventually(SOON, "a reconnect after a restart", || async move {
            let mut door = Door::around(subject.listen_at(at).await?)?;
            let met = tokio::time::timeout(Duration::from_secs(5), meet(connector, &mut door));
            let met = met
                .await
                .unwrap_or_else(|_| Err(Error::wrong("nobody came")));
            door.close().await;
            met
        })
        .await?;
        connector.close().await;
        Ok(())
    })
    .await
}

async fn meet(connector: &culvert_transport::BoxConnector, door: &mut Door) -> Result {
    let at = door.at();
    let (dialled, welcomed) = tokio::try_join!(dial(connector, at), door.welcome())?;
    let ((mut client, ours), (mut server, theirs)) = (dialled, welcomed);
    exchange(&mut client, &mut server, 100, 100).await?;
    for session in [ours, theirs].into_iter().flatten() {
        session.close("the suite has met it").await;
    }
    Ok(())
}
