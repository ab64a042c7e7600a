use std::net::Ipv4Addr;

use culvert_conf::{ClientConfig, Strictness, parse_client};
use culvert_io::Scope;
use culvert_transport::TransportError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};

use super::{ProxyFault, Symptom};
use crate::ClientStack;

fn config(lines: &str) -> ClientConfig {
    let text = format!("transport.dialServerTimeout = 1\n{lines}");
    let read = parse_client(&text, "test.toml", Strictness::Strict);
    read.unwrap().config
}

/// What dialling with these lines shows.
async fn shown(lines: &str) -> Symptom {
    let scope = Scope::root(Handle::current());
    let stack = ClientStack::new(&config(lines)).unwrap();
    let failed = stack.connect(&scope).await.unwrap_err();
    Symptom::of(&failed)
}

/// A server that does this with the first connection, and the lines that lead to it.
async fn with_server<F: Future<Output = ()>>(
    lines: &str,
    serve: impl FnOnce(TcpStream) -> F,
) -> Symptom {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = format!("serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{lines}");
    let served = async {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        shown = shown(&lines) => shown,
        () = served => unreachable!(),
    }
}

async fn says(mut socket: TcpStream, text: &str) {
    let mut asked = [0; 512];
    let _some = socket.read(&mut asked).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let _end = socket.read(&mut asked).await;
}

#[tokio::test]
async fn what_a_dial_shows() {
    let nobody = "serverAddr = \"no-such-host.invalid\"";
    assert_eq!(shown(nobody).await, Symptom::NoName);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = format!("serverAddr = \"127.0.0.1\"\nserverPort = {port}");
    assert_eq!(shown(&refused).await, Symptom::Refused);
}

#[tokio::test]
async fn what_a_handshake_shows() {
    let page = "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n";
    assert_eq!(
        with_server("", async |socket| says(socket, page).await).await,
        Symptom::Foreign
    );
    let websocket = "transport.protocol = \"websocket\"";
    assert_eq!(
        with_server(websocket, async |socket| says(socket, page).await).await,
        Symptom::Http(302)
    );
    assert_eq!(
        with_server("", async |socket| {
            socket.set_zero_linger().unwrap();
            let mut socket = socket;
            let _hello = socket.read(&mut [0; 16]).await.unwrap();
        })
        .await,
        Symptom::Reset
    );
    assert_eq!(
        with_server("", async |mut socket| {
            let mut hello = [0; 4096];
            let _hello = socket.read(&mut hello).await.unwrap();
            socket.shutdown().await.unwrap();
            while !matches!(socket.read(&mut hello).await, Ok(0) | Err(_)) {}
        })
        .await,
        Symptom::Closed
    );
    // Taken by the system and served by nobody.
    assert_eq!(
        with_server("", async |socket| {
            std::future::pending::<()>().await;
            drop(socket);
        })
        .await,
        Symptom::Stalled
    );
}

#[tokio::test]
async fn what_a_proxy_shows() {
    for (said, fault) in [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            ProxyFault::Refuses(Some(403)),
        ),
        ("HTTP/1.1 407 Who\r\n\r\n", ProxyFault::Credentials),
        ("SSH-2.0-x\r\n\r\n", ProxyFault::Foreign),
        ("", ProxyFault::Silent),
    ] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = format!(
            "serverAddr = \"frps.invalid\"\ntransport.proxyURL = \"http://127.0.0.1:{port}\""
        );
        let served = async {
            let (socket, _) = listener.accept().await.unwrap();
            says(socket, said).await;
            std::future::pending::<()>().await;
        };
        let shown = tokio::select! {
            shown = shown(&lines) => shown,
            () = served => unreachable!(),
        };
        assert_eq!(shown, Symptom::Proxy(fault), "{said}");
    }
}

#[test]
fn an_error_without_a_sign_is_left_to_its_words() {
    let policy = TransportError::Refused("no".to_owned());
    assert_eq!(Symptom::of(&policy), Symptom::Other);
}
