use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use culvert_conf::{Secret, VisitorConfig, VisitorKind};
use culvert_io::Scope;
use culvert_proxy::{LayerFlags, Opened, ServerKind, UserAddrs};
use culvert_wire::msg::{NewProxy, NewVisitorConn};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    task::yield_now,
    time::Instant,
};

use super::{StcpKind, StcpVisitor};
use crate::{
    tcp::LocalTcp,
    testing::{Joined, OWNER, all_flags},
    visiting::{
        Visitors,
        door::{Door, FROM, config, free_port, greet, unhex, wire},
    },
};

async fn open(visitors: &Visitors, joined: &Arc<Joined>, allow: &[&str]) -> Opened {
    let ask = NewProxy {
        sk: "sk".to_owned(),
        allow_users: allow.iter().map(|&user| user.to_owned()).collect(),
        ..NewProxy::default()
    };
    let kind = StcpKind::new(visitors.clone());
    let opened = kind.open(&ask, Arc::clone(joined) as _, &joined.scope);
    opened.await.unwrap()
}

/// A service that sends everything back, in the scope.
async fn echo(scope: &Scope) -> LocalTcp {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inner = scope.clone();
    scope.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            inner.spawn(async move {
                let (mut read, mut write) = socket.split();
                let _end = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    LocalTcp::new("127.0.0.1".to_owned(), port, None)
}

/// A user of the visitor on `port`, once it listens.
async fn user(port: u16) -> TcpStream {
    loop {
        if let Ok(user) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            return user;
        }
        yield_now().await;
    }
}

async fn says(user: &mut TcpStream, text: &[u8]) {
    user.write_all(text).await.unwrap();
    let mut got = vec![0; text.len()];
    user.read_exact(&mut got).await.unwrap();
    assert_eq!(got, text);
}

async fn closed(mut user: TcpStream) {
    let end = user.read(&mut [0; 1]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

fn visitor(port: u16) -> VisitorConfig {
    config(VisitorKind::Stcp, port)
}

#[tokio::test]
async fn bytes_go_both_ways_whatever_the_layers_of_the_two_legs() {
    let services = Scope::root(Handle::current());
    let local = Arc::new(echo(&services).await);
    for flags in all_flags() {
        for (use_encryption, use_compression) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let visitors = Visitors::default();
            let joined = Joined::new(Some(Arc::clone(&local) as _), flags.clone());
            let _opened = open(&visitors, &joined, &[]).await;
            let door = Door::new(&visitors, OWNER);
            let port = free_port();
            door.run(StcpVisitor::new(&VisitorConfig {
                use_encryption,
                use_compression,
                ..visitor(port)
            }));
            let mut one = user(port).await;
            says(&mut one, b"hello").await;
            let mut two = user(port).await;
            says(&mut two, &[7; 100_000][..60_000]).await;
            says(&mut one, b"still here").await;
            let from = UserAddrs {
                src: Some(FROM.into()),
                dst: Some((Ipv4Addr::LOCALHOST, 7000).into()),
            };
            assert_eq!(joined.served.lock()[..], [from, from]);
            door.close().await;
            joined.close().await;
        }
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn only_who_knows_the_key_and_is_allowed_comes_in() {
    let visitors = Visitors::default();
    let joined = Joined::new(None, LayerFlags::default());
    let ask = |name: &str, sk: &str| NewVisitorConn {
        proxy_name: name.to_owned(),
        sign_key: culvert_wire::Token::new(sk).sign_key(5),
        timestamp: 5,
        ..NewVisitorConn::default()
    };
    let name = "owner.proxy";
    let cases: [(&[&str], &str, &str, &str); 8] = [
        (&[], "sk", OWNER, ""),
        (
            &[],
            "wrong",
            OWNER,
            "visitor connection of [owner.proxy] auth failed",
        ),
        (
            &[],
            "sk",
            "guest",
            "visitor connection of [owner.proxy] user [guest] not allowed",
        ),
        (&["guest"], "sk", "guest", ""),
        // A list means what it says: the owner is not on this one.
        (
            &["guest"],
            "sk",
            OWNER,
            "visitor connection of [owner.proxy] user [owner] not allowed",
        ),
        (&["*"], "sk", "", ""),
        (
            &["guest"],
            "sk",
            "",
            "visitor connection of [owner.proxy] user [] not allowed",
        ),
        (
            &["*"],
            "",
            "",
            "visitor connection of [owner.proxy] auth failed",
        ),
    ];
    for (allow, sk, user, expected) in cases {
        let opened = open(&visitors, &joined, allow).await;
        assert_eq!(opened.remote_addr, "");
        let admitted = visitors.admit(&ask(name, sk), user);
        let error = admitted.err().map(|error| error.to_string());
        assert_eq!(error.unwrap_or_default(), expected);
        drop(opened);
        let gone = visitors.admit(&ask(name, sk), user).unwrap_err();
        assert_eq!(
            gone.to_string(),
            "custom listener for [owner.proxy] doesn't exist"
        );
    }
    joined.close().await;
}

#[tokio::test]
async fn a_user_is_closed_when_there_is_no_way() {
    let services = Scope::root(Handle::current());
    let local = Arc::new(echo(&services).await);
    let visitors = Visitors::default();
    let joined = Joined::new(Some(local), LayerFlags::default());
    let opened = open(&visitors, &joined, &[]).await;
    let door = Door::new(&visitors, OWNER);
    let (right, wrong) = (free_port(), free_port());
    door.run(StcpVisitor::new(&visitor(right)));
    door.run(StcpVisitor::new(&VisitorConfig {
        secret_key: Secret::new("other"),
        ..visitor(wrong)
    }));
    closed(user(wrong).await).await;
    assert_eq!(joined.asked.load(Ordering::Relaxed), 0);

    door.online.store(false, Ordering::Relaxed);
    closed(user(right).await).await;
    // The visitor listens on: a user of the next session comes through.
    door.online.store(true, Ordering::Relaxed);
    let mut served = user(right).await;
    says(&mut served, b"hello").await;

    joined.refuse.store(true, Ordering::Relaxed);
    closed(user(right).await).await;
    // The end of the proxy is not the end of its users.
    joined.scope.close(Duration::ZERO).await;
    drop(opened);
    closed(user(right).await).await;
    says(&mut served, b"still here").await;
    door.close().await;
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn an_end_ends_the_other_side() {
    let visitors = Visitors::default();
    let joined = Joined::new(None, LayerFlags::default());
    let _opened = open(&visitors, &joined, &[]).await;
    let door = Door::new(&visitors, OWNER);
    let port = free_port();
    door.run(StcpVisitor::new(&visitor(port)));
    let mut user = user(port).await;
    joined.ask.notified().await;
    let mut work = joined.ends.lock().pop().unwrap();
    work.write_all(b"bye").await.unwrap();
    drop(work);
    let mut got = Vec::new();
    user.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");
    door.close().await;
    joined.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_taken_port_is_tried_again() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let SocketAddr::V4(at) = taken.local_addr().unwrap() else {
        panic!()
    };
    let started = Instant::now();
    let visitors = Visitors::default();
    let door = Door::new(&visitors, OWNER);
    door.run(StcpVisitor::new(&visitor(at.port())));
    // Long enough for one more try that fails.
    tokio::time::sleep(Duration::from_secs(15)).await;
    drop(taken);
    door.online.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(6)).await;
    closed(user(at.port()).await).await;
    assert_eq!(started.elapsed().as_secs(), 21);
    door.close().await;
}

#[tokio::test]
async fn without_a_port_nobody_comes_in() {
    let door = Door::new(&Visitors::default(), OWNER);
    let silent = StcpVisitor::new(&VisitorConfig {
        bind_port: None,
        ..visitor(1)
    });
    // It ends at once, having nothing to listen on.
    let users = door.scope.clone();
    culvert_proxy::Visitor::run(&silent, Arc::clone(&door) as _, &users).await;
    door.close().await;
}

/// A visitor of frpc 0.70.1 with `useEncryption`, byte for byte.
#[tokio::test]
async fn a_recorded_visitor_is_served() {
    let services = Scope::root(Handle::current());
    let local = Arc::new(echo(&services).await);
    let visitors = Visitors::default();
    let joined = Joined::named("p", Some(local), LayerFlags::default());
    let _opened = open(&visitors, &joined, &["*"]).await;
    let (mut near, far) = wire();
    let sent = "7600000000000000897b2272756e5f6964223a2262396238646433316634636262646630222c2270726f78\
        795f6e616d65223a2270222c227369676e5f6b6579223a226631323463613434366263376630666630353266313932\
        653866333339303539222c2274696d657374616d70223a313739353136363334312c227573655f656e637279707469\
        6f6e223a747275657dec15c92227c498b8801b23884a5e03c7a887ac8cd849ded1267f85854e91e5a95f7ba6896fc9\
        dc3428fe34";
    near.write_all(&unhex(sent)).await.unwrap();
    greet(&visitors, "", far).await;
    let expected = unhex("3300000000000000127b2270726f78795f6e616d65223a2270227d");
    // Then an IV of ours, and the 27 bytes that the service sent back.
    let mut got = vec![0; expected.len() + 16 + 27];
    near.read_exact(&mut got).await.unwrap();
    assert_eq!(got[..expected.len()], expected);
    joined.close().await;
    services.close(Duration::ZERO).await;
}
