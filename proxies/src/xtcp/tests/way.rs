//! Users of a visitor, all the way to the service of the other peer.

use std::sync::atomic::Ordering;

use culvert_conf::{Fallback, VisitorConfig, VisitorKind, XtcpProtocol, XtcpVisitor as Config};
use culvert_kit::{connected, echo_over, tcp_echo};
use culvert_wire::Key;

use super::*;
use crate::{
    tcp::LocalTcp,
    testing::OWNER,
    visiting::{
        Visitors,
        door::{Door, config, free_port},
    },
    xtcp::{XtcpProxy, XtcpVisitor},
};

const SOON: Duration = Duration::from_secs(30);

fn own(protocol: XtcpProtocol) -> Config {
    Config {
        protocol,
        keep_tunnel_open: false,
        max_retries_an_hour: 8,
        min_retry_interval: Duration::from_secs(90),
        fallback: None,
        disable_assisted_addrs: true,
    }
}

fn visitor(port: u16, own: &Config) -> VisitorConfig {
    VisitorConfig {
        use_encryption: true,
        ..config(VisitorKind::Xtcp(own.clone()), port)
    }
}

#[tokio::test]
async fn users_reach_the_service_over_either_protocol() {
    let (stun, service) = (stun(), tcp_echo().await.unwrap());
    for protocol in [XtcpProtocol::Quic, XtcpProtocol::Kcp] {
        let meetings = meetings();
        let at = stun.addr().to_string();
        let local = LocalTcp::new("127.0.0.1".to_owned(), service.port(), None);
        let key = Key::derive(SECRET);
        let flags = LayerFlags {
            encryption: Some(key.clone()),
            ..LayerFlags::default()
        };
        let owner = peers(&meetings, OWNER, at.clone());
        let proxy = XtcpProxy::new(Arc::new(local), key, flags, false, owner);
        let joined = Joined::new(Some(Arc::new(proxy)), LayerFlags::default());
        let opened = open(&meetings, &joined, &[]).await;
        let door = Door::new(&Visitors::default(), OWNER);
        let (port, own) = (free_port(), own(protocol));
        let visitor = visitor(port, &own);
        door.run(XtcpVisitor::new(
            &visitor,
            &own,
            peers(&meetings, OWNER, at),
        ));
        for seed in [1, 2] {
            let user = connected(([127, 0, 0, 1], port).into(), SOON)
                .await
                .unwrap();
            echo_over(user, seed, 100_000).await.unwrap();
        }
        // The server has told the peers of each other once, and is of no more use.
        assert_eq!(joined.asked.load(Ordering::Relaxed), 1);
        drop(opened);
        let user = connected(([127, 0, 0, 1], port).into(), SOON)
            .await
            .unwrap();
        echo_over(user, 3, 1000).await.unwrap();
        door.close().await;
        joined.close().await;
    }
}

#[tokio::test]
async fn without_a_way_users_are_handed_over() {
    let (_socket, at) = silent();
    let meetings = meetings();
    let joined = nobody();
    let _opened = open(&meetings, &joined, &[]).await;
    let door = Door::new(&Visitors::default(), OWNER);
    let own = Config {
        fallback: Some(Fallback {
            visitor: "other".to_owned(),
            after: Duration::from_millis(50),
        }),
        ..own(XtcpProtocol::Quic)
    };
    let port = free_port();
    let visitor = visitor(port, &own);
    door.run(XtcpVisitor::new(
        &visitor,
        &own,
        peers(&meetings, OWNER, at),
    ));
    let _user = connected(([127, 0, 0, 1], port).into(), SOON)
        .await
        .unwrap();
    door.ask.notified().await;
    let (to, _user) = door.handed_over.lock().pop().unwrap();
    assert_eq!(to, "other");
    door.close().await;
    joined.close().await;
}
