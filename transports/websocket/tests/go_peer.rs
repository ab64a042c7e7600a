//! Both roles against golang.org/x/net/websocket, which is what real frp uses.
//!
//! Needs `go` and, for the first build, the Go module proxy; without `go` the tests are skipped.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::{path::Path, process::Stdio};

use culvert_io::{Peer, Stream};
use culvert_kit::go_peer;
use culvert_websocket::{WebsocketError, accept, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
};

const TOTAL: usize = 16 << 20;

/// Starts the Go peer; it dials us, whichever role it takes.
async fn meet(program: &Path, args: &[&str]) -> (Stream, Child) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let child = Command::new(program)
        .arg("-dial")
        .arg(listener.local_addr().unwrap().to_string())
        .args(args)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (socket, addr) = listener.accept().await.unwrap();
    let peer = Peer::new(addr, socket.local_addr().unwrap(), "tcp");
    (Stream::tcp(socket, peer), child)
}

async fn done(child: Child) {
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| ((n * 31) >> 3).to_le_bytes()[0]).collect()
}

/// The Go peer sends a pattern and checks its echo; then it closes.
async fn echo(stream: Stream) {
    let (mut r, mut w) = tokio::io::split(stream);
    let mut room = vec![0; 300_000];
    let mut total = 0;
    loop {
        let n = r.read(&mut room).await.unwrap();
        if n == 0 {
            break;
        }
        total += n;
        w.write_all(room.get(..n).unwrap()).await.unwrap();
        w.flush().await.unwrap();
    }
    assert_eq!(total, TOTAL);
}

#[tokio::test]
async fn go_as_a_client_in_binary_and_text() {
    let Some(program) = go_peer("websocket").await.unwrap() else {
        return;
    };
    for text in ["-text=false", "-text=true"] {
        let (stream, child) = meet(&program, &["-role", "client", "-do", "send", text]).await;
        echo(accept(stream).await.unwrap()).await;
        done(child).await;
    }
}

#[tokio::test]
async fn go_as_a_server_sends() {
    let Some(program) = go_peer("websocket").await.unwrap() else {
        return;
    };
    let (stream, child) = meet(&program, &["-role", "server", "-do", "send"]).await;
    echo(connect(stream, "127.0.0.1:7000").await.unwrap()).await;
    done(child).await;
}

/// We send a pattern, in writes of many sizes, and check the echo of the Go peer.
async fn exchange(stream: Stream) {
    let bytes = pattern(TOTAL);
    let (mut r, mut w) = tokio::io::split(stream);
    let write = async {
        let mut rest = &*bytes;
        let mut size = 1;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(size.min(rest.len()));
            w.write_all(now).await.unwrap();
            w.flush().await.unwrap();
            rest = later;
            size = (size * 3 + 1) % 400_000 + 1;
        }
    };
    let mut got = vec![0; bytes.len()];
    let ((), read) = tokio::join!(write, r.read_exact(&mut got));
    read.unwrap();
    assert!(got == bytes);
    w.shutdown().await.unwrap();
    let mut rest = Vec::new();
    // The Go peer closes its socket once it saw our close frame.
    drop(r.read_to_end(&mut rest).await);
    assert!(rest.is_empty());
}

#[tokio::test]
async fn go_echoes_in_both_roles() {
    let Some(program) = go_peer("websocket").await.unwrap() else {
        return;
    };
    let (stream, child) = meet(&program, &["-role", "client", "-do", "echo"]).await;
    exchange(accept(stream).await.unwrap()).await;
    done(child).await;
    let (stream, child) = meet(&program, &["-role", "server", "-do", "echo"]).await;
    exchange(connect(stream, "127.0.0.1:7000").await.unwrap()).await;
    done(child).await;
}

#[tokio::test]
async fn go_refuses_us_and_we_refuse_go() {
    let Some(program) = go_peer("websocket").await.unwrap() else {
        return;
    };
    // Its handler answers 404 for any other path than the tunnel's.
    let (mut stream, _child) = meet(&program, &["-role", "server", "-do", "echo"]).await;
    stream
        .write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 404");

    let (stream, child) = meet(&program, &["-role", "client", "-do", "send", "-path", "/x"]).await;
    let err = accept(stream).await.unwrap_err();
    assert!(matches!(err, WebsocketError::Handshake(_)), "{err:?}");
    let output = child.wait_with_output().await.unwrap();
    assert!(!output.status.success());
}
