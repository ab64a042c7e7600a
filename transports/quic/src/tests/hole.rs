//! Sessions over a socket on which both peers have met.

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
};

use culvert_transport::{Session, TlsOptions};
use quinn::{Endpoint, EndpointConfig, TokioRuntime};

use super::*;
use crate::{accept_hole, dial_hole, settings};

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[tokio::test]
async fn peers_that_have_met_speak() {
    let (near, far) = (socket(), socket());
    let (here, there) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let opts = options(&QuicOptions::default());
    let (near, far) = within(async {
        tokio::join!(
            Box::pin(dial_hole(near, there, &opts)),
            Box::pin(accept_hole(far, here, &opts))
        )
    })
    .await;
    let (near, far): (BoxSession, BoxSession) = (Arc::new(near.unwrap()), Arc::new(far.unwrap()));
    let _echo = echo(far);
    let stream = near.open().await.unwrap();
    within(exchange(stream, Arc::new(pattern(1, 100_000)))).await;
}

/// The name is in the handshake, and in the hash over it, although the accepting side's library
/// does not see it.
#[tokio::test]
async fn a_peer_may_ask_for_any_name() {
    let (near, far) = (socket(), socket());
    let (here, there) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let opts = options(&QuicOptions::default());
    let config = settings::client(&QuicOptions::default(), &TlsOptions::default()).unwrap();
    let runtime = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(EndpointConfig::default(), None, near, runtime).unwrap();
    let dialled = endpoint
        .connect_with(config, there, "some.name.test")
        .unwrap();
    let (dialled, accepted) =
        within(async { tokio::join!(dialled, accept_hole(far, here, &opts)) }).await;
    let (dialled, accepted) = (dialled.unwrap(), accepted.unwrap());
    let (mut send, _recv) = dialled.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    within(accepted.accept()).await.unwrap();
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    if !cfg!(target_os = "linux") {
        return; // other systems have one address on their loopback
    }
    let stranger = UdpSocket::bind("127.0.0.77:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let (near, far) = (socket(), socket());
    let (here, there) = (near.local_addr().unwrap(), far.local_addr().unwrap());
    let opts = options(&QuicOptions::default());
    let accepted = Box::pin(async {
        tokio::select! {
            accepted = accept_hole(far, here, &opts) => accepted,
            _ = dial_hole(stranger, there, &opts) => panic!("the stranger was answered"),
            _ = async {
                let _near = dial_hole(near, there, &opts).await;
                std::future::pending::<()>().await
            } => unreachable!(),
        }
    });
    assert_eq!(within(accepted).await.unwrap().peer().addr, here);
}
