//! rustls' own buffered connection as an independent peer, on a thread with blocking sockets.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use culvert_io::{Peer, Stream};
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{noise, plain_configs, worn_configs};
use crate::{accept, connect, server_name};

fn sockets() -> (tokio::net::TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    (tokio::net::TcpStream::from_std(ours).unwrap(), theirs)
}

fn tcp(socket: tokio::net::TcpStream) -> Stream {
    let (addr, local) = (socket.peer_addr().unwrap(), socket.local_addr().unwrap());
    Stream::tcp(socket, Peer::new(addr, local, "tcp"))
}

const LEN: usize = 8 * 1024 * 1024;

/// Echoes everything until the peer closes, then closes too.
fn echo(mut io: impl Read + Write) -> usize {
    let mut buf = vec![0; 100_000];
    let mut total = 0;
    while total < LEN {
        let n = io.read(&mut buf).unwrap();
        assert!(n > 0);
        io.write_all(&buf[..n]).unwrap();
        total += n;
    }
    io.flush().unwrap();
    assert_eq!(io.read(&mut buf).unwrap(), 0);
    total
}

async fn drive(stream: Stream) {
    let data = noise(LEN, 77);
    let (mut r, mut w) = tokio::io::split(stream);
    let send = async {
        for part in data.chunks(200_003) {
            w.write_all(part).await.unwrap();
        }
        w.flush().await.unwrap();
    };
    let mut got = vec![0; LEN];
    let ((), n) = tokio::join!(send, r.read_exact(&mut got));
    n.unwrap();
    assert!(got == data);
    w.shutdown().await.unwrap();
}

#[tokio::test]
async fn our_client_with_their_server() {
    for (server, client) in [plain_configs(), worn_configs()] {
        let (ours, theirs) = sockets();
        let thread = thread::spawn(move || {
            echo(StreamOwned::new(
                ServerConnection::new(server).unwrap(),
                theirs,
            ))
        });
        let name = server_name("localhost", true).unwrap();
        drive(connect(tcp(ours), &client, name).await.unwrap()).await;
        assert_eq!(thread.join().unwrap(), LEN);
    }
}

#[tokio::test]
async fn our_server_with_their_client() {
    for (server, client) in [plain_configs(), worn_configs()] {
        let (ours, theirs) = sockets();
        let thread = thread::spawn(move || {
            let name = server_name("localhost", true).unwrap();
            let mut conn = ClientConnection::new(client, name).unwrap();
            let mut theirs = theirs;
            conn.complete_io(&mut theirs).unwrap();
            // A key update in the middle of the traffic, which we have to answer.
            conn.refresh_traffic_keys().unwrap();
            echo(StreamOwned::new(conn, theirs))
        });
        drive(accept(tcp(ours), &server).await.unwrap()).await;
        assert_eq!(thread.join().unwrap(), LEN);
    }
}
