use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::*;

/// A name server on a port of its own: a socket for datagrams and a listener at the same port.
async fn server() -> (UdpSocket, TcpListener, SocketAddr) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        if let Ok(socket) = UdpSocket::bind(at).await {
            return (socket, listener, at);
        }
    }
}

/// An answer to the question `asked`: this many records with 192.0.2.1 or 2001:db8::1, or flags.
fn answer(asked: &[u8], flags: u8, records: u8) -> Vec<u8> {
    let mut bytes = asked.to_vec();
    bytes[2] |= 0x80 | flags;
    bytes[7] = records;
    let kind = asked[asked.len() - 3];
    for _ in 0..records {
        bytes.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 1]);
        if kind == 1 {
            bytes.extend([0, 4, 192, 0, 2, 1]);
        } else {
            bytes.extend([
                0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ]);
        }
    }
    bytes
}

/// Serves datagrams for ever: `reply` gets the question and how many came before it.
async fn serve(socket: UdpSocket, reply: impl Fn(&[u8], usize) -> Vec<Vec<u8>>) {
    let mut room = [0; 512];
    for count in 0.. {
        let (n, from) = socket.recv_from(&mut room).await.unwrap();
        for datagram in reply(&room[..n], count) {
            socket.send_to(&datagram, from).await.unwrap();
        }
    }
}

const BOTH: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

async fn look(at: SocketAddr, serve: impl Future<Output = ()>) -> io::Result<Vec<String>> {
    let at = at.to_string();
    let found = tokio::select! {
        found = lookup("frps.example.", &at) => found?,
        () = serve => panic!("the server ended"),
    };
    Ok(found.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn both_families_are_asked() {
    let (socket, _tcp, at) = server().await;
    let found = look(at, serve(socket, |asked, _| vec![answer(asked, 0, 1)])).await;
    assert_eq!(found.unwrap(), BOTH);
}

#[tokio::test]
async fn forgeries_are_passed_over() {
    let (socket, _tcp, at) = server().await;
    let found = look(
        at,
        serve(socket, |asked, _| {
            let mut other = answer(asked, 0, 1);
            other[0] ^= 1;
            vec![b"garbage".to_vec(), other, answer(asked, 0, 1)]
        }),
    )
    .await;
    assert_eq!(found.unwrap(), BOTH);
}

#[tokio::test]
async fn lost_datagrams_are_sent_again() {
    tokio::time::pause();
    let (socket, _tcp, at) = server().await;
    let found = look(
        at,
        serve(socket, |asked, count| match count {
            0 | 1 => Vec::new(),
            _ => vec![answer(asked, 0, 1)],
        }),
    )
    .await;
    assert_eq!(found.unwrap(), BOTH);
}

#[tokio::test]
async fn long_answers_come_over_tcp() {
    let (socket, listener, at) = server().await;
    let over_tcp = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let len = stream.read_u16().await.unwrap();
            let mut asked = vec![0; usize::from(len)];
            stream.read_exact(&mut asked).await.unwrap();
            let bytes = answer(&asked, 0, 100);
            let len = u16::try_from(bytes.len()).unwrap();
            stream.write_all(&len.to_be_bytes()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    };
    let serve = async {
        tokio::select! {
            () = serve(socket, |asked, _| vec![answer(asked, 2, 0)]) => {}
            () = over_tcp => {}
        }
    };
    assert_eq!(look(at, serve).await.unwrap().len(), 200);
}

#[tokio::test]
async fn a_refusal_and_silence_are_errors() {
    let (socket, _tcp, at) = server().await;
    let refused = serve(socket, |asked, _| {
        let mut bytes = answer(asked, 0, 0);
        bytes[3] |= 5;
        vec![bytes]
    });
    assert!(
        look(at, refused)
            .await
            .unwrap_err()
            .to_string()
            .contains("refuses")
    );

    tokio::time::pause();
    let (socket, _tcp, at) = server().await;
    let err = look(at, serve(socket, |_, _| Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(err.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn localhost_is_not_asked_for() {
    // Nobody listens at the discard port.
    let found = lookup("LOCALHOST", "127.0.0.1:9").await.unwrap();
    assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
}

#[tokio::test]
async fn services_are_asked_for() {
    let (socket, _tcp, at) = server().await;
    let server = serve(socket, |asked, _| {
        let mut bytes = asked.to_vec();
        bytes[2] |= 0x80;
        bytes[7] = 2;
        for weight in [0, 5] {
            bytes.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 1, 0, 11]);
            bytes.extend([0, 1, 0, weight, 0x1b, 0x58, 1, b'a' + weight, 1, b'x', 0]);
        }
        vec![bytes]
    });
    let at = at.to_string();
    let found = tokio::select! {
        found = services("_frp._tcp.example", Some(&at)) => found.unwrap(),
        () = server => panic!("the server ended"),
    };
    let all: Vec<_> = found
        .iter()
        .map(|s| (s.weight, s.port, s.target.as_str()))
        .collect();
    assert_eq!(all, [(0, 7000, "a.x"), (5, 7000, "f.x")]);
}
