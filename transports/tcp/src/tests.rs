use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_transport::{
    AcceptBackoff, Common, DynTransport, Link, Options, Target, TransportError, report,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Tcp, bind, connect, listen};

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[tokio::test]
async fn the_transport_as_an_object_dials_and_accepts() {
    let transport: &dyn DynTransport = &Tcp;
    let opts = Options::default();
    let mut listener = transport.bind(loopback(0), &opts).await.unwrap();
    let at = listener.local_addr().unwrap();
    let connector = transport.connector(&opts).unwrap();
    let target = Target::new("localhost", at.port());
    let mut backoff = AcceptBackoff::new("test");
    let (dialled, (handshake, _)) = tokio::join!(
        connector.connect(&target),
        backoff.next_link(listener.as_mut())
    );
    let (Ok(Link::Pipe(mut a)), Ok(Link::Pipe(mut b))) = (dialled, handshake.await) else {
        panic!("no pipes");
    };
    assert_eq!(a.peer().addr, at);
    assert_eq!(a.peer().local, b.peer().addr);
    a.write_all(b"hello").await.unwrap();
    a.shutdown().await.unwrap();
    let mut got = String::new();
    b.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "hello");
    assert!(a.into_raw_tcp().is_ok());
}

#[tokio::test]
async fn a_taken_port_is_told_in_gos_words() {
    let first = bind(loopback(0)).unwrap();
    let port = first.local_addr().unwrap().port();
    let text = listen("127.0.0.1", port).await.unwrap_err().to_string();
    let words = format!("listen tcp 127.0.0.1:{port}: bind: address already in use");
    assert!(text.starts_with(&words), "{text}");
}

#[tokio::test]
async fn a_refused_dial_names_the_target() {
    let port = {
        let gone = bind(loopback(0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    let err = connect(&Target::new("127.0.0.1", port), &Common::default())
        .await
        .unwrap_err();
    let text = report(&err);
    assert!(
        text.contains(&format!("dial tcp 127.0.0.1:{port}")),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn the_source_address_is_the_one_asked_for() {
    if !cfg!(target_os = "linux") {
        return; // only there all of 127/8 is ours
    }
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let listener = bind(loopback(0)).unwrap();
    let at = listener.local_addr().unwrap();
    let common = Common::default().with_bind_ip(Some(source));
    let target = Target::new("127.0.0.1", at.port());
    let (dialled, accepted) = tokio::join!(connect(&target, &common), listener.accept());
    assert_eq!(dialled.unwrap().peer().local.ip(), source);
    assert_eq!(accepted.unwrap().1.ip(), source);
}

#[tokio::test]
async fn a_wrong_family_of_the_source_address_leaves_no_address() {
    let common = Common::default().with_bind_ip(Some("::1".parse().unwrap()));
    let err = connect(&Target::new("127.0.0.1", 1), &common)
        .await
        .unwrap_err();
    assert!(matches!(err, TransportError::Unreachable { .. }), "{err:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_address_runs_into_the_deadline() {
    // No address can be silent for certain on every system; no time at all comes close.
    let common = Common::default().with_dial_timeout(Duration::ZERO);
    let err = connect(&Target::new("127.0.0.1", 1), &common)
        .await
        .unwrap_err();
    assert!(
        matches!(
            err,
            TransportError::Timeout { .. } | TransportError::Unreachable { .. }
        ),
        "{err:?}"
    );
}

#[tokio::test]
async fn peers_of_a_listener_for_both_families_look_like_what_they_are() {
    let transport: &dyn DynTransport = &Tcp;
    let any = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0));
    let Ok(mut listener) = transport.bind(any, &Options::default()).await else {
        return; // no IPv6 here
    };
    let target = Target::new("127.0.0.1", listener.local_addr().unwrap().port());
    let common = Common::default();
    let (dialled, accepted) = tokio::join!(connect(&target, &common), listener.accept());
    let Ok(Link::Pipe(accepted)) = accepted.unwrap().0.await else {
        panic!("no pipe");
    };
    let dialled = dialled.unwrap();
    assert_eq!(accepted.peer().addr, dialled.peer().local);
    assert_eq!(accepted.peer().local, dialled.peer().addr);
}
