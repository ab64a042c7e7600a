use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_transport::{
    AcceptBackoff, Common, DynTransport, Link, Options, Target, TransportError, report,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Tcp, TcpConnector, bind, connect, listen};

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

#[tokio::test]
async fn source_address_and_keepalive_come_from_the_options() {
    let listener = bind(loopback(0)).unwrap();
    let at = listener.local_addr().unwrap();
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));
    let source = Some(source).filter(|_| cfg!(target_os = "linux"));
    for keepalive in [Some(Duration::from_secs(77)), None] {
        let common = Common::default()
            .with_bind_ip(source)
            .with_keepalive(keepalive);
        let connector = TcpConnector::from_options(&Options::new(common)).unwrap();
        let target = Target::new("127.0.0.1", at.port());
        let (dialled, accepted) = tokio::join!(connector.dial(&target), listener.accept());
        assert!(source.is_none_or(|ip| accepted.unwrap().1.ip() == ip));
        let raw = dialled.unwrap().into_raw_tcp().unwrap();
        let socket = socket2::SockRef::from(&raw.socket);
        assert_eq!(socket.keepalive().unwrap(), keepalive.is_some());
        #[cfg(target_os = "linux")]
        if let Some(every) = keepalive {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), every);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), every);
        }
    }
}

#[tokio::test]
async fn names_are_asked_from_the_server_of_the_options_at_each_dial() {
    let listener = bind(loopback(0)).unwrap();
    let target = Target::new("frps.example", listener.local_addr().unwrap().port());
    let names = tokio::net::UdpSocket::bind(loopback(0)).await.unwrap();
    let dns = names.local_addr().unwrap().to_string();
    let connector = TcpConnector::from_options(&Options::default().with_dns(Some(dns))).unwrap();
    let asked = std::cell::Cell::new(0);
    let serve = async {
        let mut room = [0; 512];
        loop {
            let (n, from) = names.recv_from(&mut room).await.unwrap();
            let mut answer = room.get(..n).unwrap().to_vec();
            answer[2] |= 0x80;
            // An address for the question after IPv4, none after IPv6.
            if answer[n - 3] == 1 {
                asked.set(asked.get() + 1);
                answer[7] = 1;
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 1]);
            }
            names.send_to(&answer, from).await.unwrap();
        }
    };
    let dial = async {
        for _ in 0..3 {
            let (dialled, _) = tokio::join!(connector.dial(&target), listener.accept());
            dialled.unwrap();
        }
    };
    tokio::select! {
        () = dial => {}
        () = serve => {}
    }
    assert_eq!(asked.get(), 3);
}
