//! The server's table, and what peers find out before they meet.

use std::time::Duration;

use culvert_transport::Framed;
use culvert_wire::{
    Codec, Key, Token,
    msg::{DetectBehavior, NatHoleClient, NatHoleReport, NatHoleSid, NatHoleVisitor},
};
use tokio::net::UdpSocket;

use super::*;
use crate::{
    testing::OWNER,
    xtcp::{DiscoverError, discover, orders::Orders, punch::punch},
};

const NAME: &str = "owner.proxy";
const SEEN: [&str; 2] = ["1.1.1.1:10", "1.1.1.1:10"];

fn ask(name: &str, key: &str, pre_check: bool) -> NatHoleVisitor {
    NatHoleVisitor {
        transaction_id: "v".to_owned(),
        proxy_name: name.to_owned(),
        pre_check,
        sign_key: Token::new(key).sign_key(5),
        timestamp: 5,
        mapped_addrs: SEEN.map(str::to_owned).to_vec(),
        ..NatHoleVisitor::default()
    }
}

#[tokio::test]
async fn only_who_may_is_told_the_way() {
    let (meetings, joined) = (meetings(), nobody());
    let _opened = open(&meetings, &joined, &["guest"]).await;
    let cases = [
        (ask(NAME, "", true), "guest", ""),
        (
            ask("owner.other", "", true),
            "guest",
            "xtcp server for [owner.other] doesn't exist",
        ),
        (
            ask(NAME, "", true),
            OWNER,
            "xtcp visitor user [owner] not allowed for [owner.proxy]",
        ),
        (
            ask(NAME, "wrong", false),
            "guest",
            "xtcp connection of [owner.proxy] auth failed",
        ),
        // Also without the check before.
        (
            ask(NAME, SECRET, false),
            OWNER,
            "xtcp visitor user [owner] not allowed for [owner.proxy]",
        ),
    ];
    for (ask, user, expected) in cases {
        let answer = meetings.visitor(ask, user).await.unwrap();
        assert_eq!(answer.error, expected);
        assert_eq!(answer.transaction_id, "v");
    }
    joined.close().await;
}

/// The sid that the proxy's client is told, on a bare work connection.
async fn called(joined: &Joined) -> String {
    joined.ask.notified().await;
    tokio::task::yield_now().await;
    let work = joined.ends.lock().pop().unwrap();
    let mut work = Framed::new(work, Codec::V1);
    let sid: NatHoleSid = work.expect(Duration::from_secs(1), "a sid").await.unwrap();
    sid.sid
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_ends_the_meeting() {
    let (meetings, joined) = (meetings(), nobody());
    let _opened = open(&meetings, &joined, &["*"]).await;
    let (answer, sid) = tokio::join!(
        meetings.visitor(ask(NAME, SECRET, false), "guest"),
        called(&joined)
    );
    assert!(answer.is_none());
    let late = NatHoleClient {
        sid,
        proxy_name: NAME.to_owned(),
        ..NatHoleClient::default()
    };
    assert!(meetings.client(late).await.is_none());
    joined.close().await;
}

#[tokio::test(start_paused = true)]
async fn both_are_told_and_a_success_is_remembered() {
    let (meetings, joined) = (meetings(), nobody());
    let _opened = open(&meetings, &joined, &["*"]).await;
    // A success makes up for the attempt and more; so the first plan stays the best.
    for _ in 0..3 {
        let client = async {
            let sid = called(&joined).await;
            let stranger = NatHoleClient {
                sid: sid.clone(),
                proxy_name: "owner.other".to_owned(),
                ..NatHoleClient::default()
            };
            assert!(meetings.client(stranger.clone()).await.is_none());
            let answer = meetings.client(NatHoleClient {
                transaction_id: "c".to_owned(),
                proxy_name: NAME.to_owned(),
                mapped_addrs: SEEN.map(str::to_owned).to_vec(),
                ..stranger
            });
            let answer = answer.await.unwrap();
            meetings.report(&NatHoleReport { sid, success: true });
            answer
        };
        let visitor = meetings.visitor(ask(NAME, SECRET, false), "guest");
        let (visitor, client) = tokio::join!(visitor, client);
        let visitor = visitor.unwrap();
        assert_eq!((&*visitor.error, &*client.error), ("", ""));
        assert_eq!(visitor.sid, client.sid);
        assert_eq!(client.candidate_addrs, SEEN[..1]);
        assert_eq!(client.detect_behavior.role, "sender");
        assert_eq!(visitor.detect_behavior.ttl, 7);
    }
    joined.close().await;
}

#[tokio::test(start_paused = true)]
async fn both_hear_of_addresses_of_no_use() {
    let (meetings, joined) = (meetings(), nobody());
    let _opened = open(&meetings, &joined, &["*"]).await;
    let client = async {
        let sid = called(&joined).await;
        let ask = NatHoleClient {
            sid,
            proxy_name: NAME.to_owned(),
            ..NatHoleClient::default()
        };
        meetings.client(ask).await.unwrap()
    };
    let visitor = meetings.visitor(ask(NAME, SECRET, false), "guest");
    let (visitor, client) = tokio::join!(visitor, client);
    let text = "classify client nat feature error: not enough addresses";
    assert_eq!((&*visitor.unwrap().error, &*client.error), (text, text));
    joined.close().await;
}

#[tokio::test]
async fn a_server_with_two_addresses_tells_the_kind_of_nat() {
    let stun = stun();
    let found = discover(&stun.addr().to_string(), here()).await.unwrap();
    assert_eq!(found.mapped, [found.local; 2]);
    assert_eq!(found.nat.kind(), "EasyNAT");
    assert!(found.own.iter().all(|own| !own.ip().is_loopback()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    let (_socket, at) = silent();
    let error = discover(&at, here()).await.unwrap_err();
    let text = "discover error: wait response from stun server timeout";
    assert_eq!(error.to_string(), text);
    let error = discover("no port", here()).await.unwrap_err();
    assert!(matches!(error, DiscoverError::Io { .. }), "{error}");
}

/// Two sockets and what each is told: the first sends.
async fn two(listen_ports: i64) -> [(UdpSocket, Orders); 2] {
    let one = UdpSocket::bind(here()).await.unwrap();
    let two = UdpSocket::bind(here()).await.unwrap();
    let at = [two.local_addr().unwrap(), one.local_addr().unwrap()];
    let orders = [("sender", 0), ("receiver", listen_ports)]
        .into_iter()
        .zip(at);
    let mut orders = orders.map(|((role, listen_random_ports), peer)| {
        Orders::read(&NatHoleResp {
            sid: "sid".to_owned(),
            candidate_addrs: vec![peer.to_string()],
            detect_behavior: DetectBehavior {
                role: role.to_owned(),
                ttl: 7,
                listen_random_ports,
                ..DetectBehavior::default()
            },
            ..NatHoleResp::default()
        })
        .unwrap()
    });
    [(one, orders.next().unwrap()), (two, orders.next().unwrap())]
}

#[tokio::test]
async fn peers_with_the_same_key_meet() {
    for listen_ports in [0, 20] {
        let [(one, sends), (two, receives)] = two(listen_ports).await;
        let (here, there) = (one.local_addr().unwrap(), two.local_addr().unwrap());
        let key = Key::derive(SECRET);
        let met = tokio::join!(punch(one, &sends, &key), punch(two, &receives, &key));
        let ((one, from_two), (two, from_one)) = (met.0.unwrap(), met.1.unwrap());
        assert_eq!((from_one, from_two), (here, there));
        assert_eq!(one.local_addr().unwrap(), here);
        assert_eq!(two.local_addr().unwrap(), there);
        assert_eq!(one.ttl().unwrap(), 64);
    }
}

#[tokio::test(start_paused = true)]
async fn others_do_not() {
    let [(one, sends), (two, receives)] = two(0).await;
    let keys = [Key::derive(SECRET), Key::derive("other")];
    let met = tokio::join!(
        punch(one, &sends, &keys[0]),
        punch(two, &receives, &keys[1])
    );
    assert_eq!(
        met.0.unwrap_err().to_string(),
        "wait detect message timeout"
    );
    assert!(met.1.is_err());
}
