use std::{net::Ipv4Addr, time::Duration};

use tokio::time;

use super::*;

fn pool(allow: PortRanges) -> Ports {
    Ports::new(Ipv4Addr::LOCALHOST.into(), allow)
}

/// A pool of `n` neighbouring ports that are free right now.
fn free_pool(n: u16) -> (Ports, u16) {
    for _ in 0..100 {
        let first = 20_000 + u16::try_from(getrandom::u32().unwrap() % 30_000).unwrap();
        let range = first..first + n;
        let held: Vec<_> = range
            .map(|port| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
            .collect();
        if held.iter().all(Result::is_ok) {
            return (pool(PortRanges::only([first..=first + n - 1])), first);
        }
    }
    panic!("no free ports");
}

#[tokio::test]
async fn every_refusal_has_its_text() {
    let (ports, first) = free_pool(2);
    let want = i64::from(first);
    let taken = ports.listen_tcp("a", want).unwrap();
    assert_eq!(taken.port, first);

    let table: [(i64, &str); 5] = [
        (want, "port already used"),
        (want + 2, "port not allowed"),
        (-1, "port not allowed"),
        (65_536, "port not allowed"),
        (i64::MAX, "port not allowed"),
    ];
    for (want, text) in table {
        let error = ports.listen_tcp("b", want).unwrap_err();
        assert_eq!(error.to_string(), text, "{want}");
        assert_eq!(ProxyError::from(error).to_string(), text);
    }

    let _other = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, first + 1)).unwrap();
    let error = ports.listen_tcp("b", want + 1).unwrap_err();
    assert_eq!(error.to_string(), "port unavailable");
    assert_eq!(
        ports.listen_tcp("b", 0).unwrap_err().to_string(),
        "no available port"
    );
}

#[tokio::test]
async fn a_failed_bind_leaves_the_port_free() {
    let (ports, first) = free_pool(1);
    let other = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
    let want = i64::from(first);
    assert_eq!(
        ports.listen_tcp("a", want).unwrap_err(),
        PortError::Unavailable
    );
    assert_eq!(
        ports.listen_tcp("a", want).unwrap_err(),
        PortError::Unavailable
    );
    drop(other);
    assert_eq!(ports.listen_tcp("a", want).unwrap().port, first);
}

#[tokio::test]
async fn dropping_the_lease_frees_the_port() {
    let (ports, first) = free_pool(1);
    for _ in 0..3 {
        let bound = ports.listen_tcp("a", i64::from(first)).unwrap();
        assert_eq!(
            ports.listen_tcp("b", i64::from(first)).unwrap_err(),
            PortError::AlreadyUsed
        );
        drop(bound);
    }
}

#[tokio::test]
async fn zero_prefers_the_last_port_of_the_name() {
    let (ports, first) = free_pool(20);
    let port = ports.listen_tcp("a", i64::from(first + 7)).unwrap().port;
    assert_eq!(port, first + 7);
    for _ in 0..5 {
        assert_eq!(ports.listen_tcp("a", 0).unwrap().port, port);
    }
    // Somebody else may have it meanwhile; then any other will do.
    let _b = ports.listen_tcp("b", i64::from(port)).unwrap();
    assert_ne!(ports.listen_tcp("a", 0).unwrap().port, port);
}

#[tokio::test(start_paused = true)]
async fn a_day_later_the_last_port_is_forgotten() {
    let ports = pool(PortRanges::All);
    ports.table.lock().release(7, Some("a"));
    assert_eq!(ports.table.lock().last_port_of("a"), Some(7));
    time::advance(Duration::from_secs(24 * 3600 - 1)).await;
    assert_eq!(ports.table.lock().last_port_of("a"), Some(7));
    time::advance(Duration::from_secs(1)).await;
    assert_eq!(ports.table.lock().last_port_of("a"), None);
}

#[tokio::test(start_paused = true)]
async fn remembered_names_are_bounded() {
    let ports = pool(PortRanges::All);
    for i in 0..5000_u16 {
        ports.table.lock().release(i, Some(&format!("p{i}")));
        time::advance(Duration::from_millis(1)).await;
    }
    let mut table = ports.table.lock();
    assert_eq!(table.remembered(), 4096);
    assert_eq!(table.last_port_of("p4999"), Some(4999));
    assert_eq!(table.last_port_of("p0"), None);
    table.release(1, Some(&"n".repeat(257)));
    assert_eq!(table.remembered(), 4096);
}

#[tokio::test]
async fn zero_takes_only_allowed_ports_each_once() {
    let (ports, first) = free_pool(3);
    let mut seen: Vec<_> = (0..3)
        .map(|i| ports.listen_tcp(&format!("p{i}"), 0).unwrap())
        .collect();
    seen.sort_by_key(|bound| bound.port);
    let numbers: Vec<_> = seen.iter().map(|bound| bound.port).collect();
    assert_eq!(numbers, [first, first + 1, first + 2]);
    assert_eq!(ports.listen_tcp("x", 0).unwrap_err(), PortError::NoneLeft);
}

#[tokio::test]
async fn an_empty_list_allows_nothing() {
    let ports = pool(PortRanges::only([]));
    assert_eq!(ports.listen_tcp("a", 0).unwrap_err(), PortError::NoneLeft);
    assert_eq!(
        ports.bind_udp("a", 25_000).unwrap_err(),
        PortError::NotAllowed
    );
}

#[tokio::test]
async fn udp_ports_are_exclusive() {
    let ports = pool(PortRanges::All);
    let bound = ports.bind_udp("a", 0).unwrap();
    assert_eq!(bound.socket.local_addr().unwrap().port(), bound.port);
    let again = pool(PortRanges::All).bind_udp("a", i64::from(bound.port));
    assert_eq!(again.unwrap_err(), PortError::Unavailable);
}

#[tokio::test]
async fn a_wildcard_listens_for_ipv4() {
    let ports = Ports::new(Ipv4Addr::UNSPECIFIED.into(), PortRanges::All);
    let bound = ports.listen_tcp("a", 0).unwrap();
    let connect = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, bound.port));
    let (accepted, connected) = tokio::join!(bound.socket.accept(), connect);
    let (accepted, from) = accepted.unwrap();
    assert!(accepted.nodelay().unwrap());
    assert_eq!(from.ip().to_canonical(), Ipv4Addr::LOCALHOST);
    connected.unwrap();
}
