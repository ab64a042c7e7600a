//! A user at one end of a plugin, services of the test at the other.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_conf::{ForwardProxy, PluginConfig, PluginLogin, ProxyProtocol, Secret};
use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxClientProxy, Work};
use culvert_wire::{Codec, msg::StartWorkConn};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpListener,
    runtime::Handle,
    time::timeout,
};

use crate::{Greeting, plugin};

/// Longer than anything here takes; a test that hangs fails.
const LONG: Duration = Duration::from_secs(20);

/// Where the tasks of a test live.
pub(crate) fn scope() -> Scope {
    Scope::root(Handle::current())
}

fn write(version: ProxyProtocol, start: &StartWorkConn) -> std::io::Result<Option<Vec<u8>>> {
    Ok(Some(
        format!("{version:?} {}\n", start.src_addr).into_bytes(),
    ))
}

/// A forward proxy for one user, who may go anywhere; for everybody if both are empty.
pub(super) fn asking_for(user: &str, password: &str) -> ForwardProxy {
    let login = PluginLogin {
        user: user.to_owned(),
        password: Secret::new(password),
    };
    ForwardProxy {
        login,
        deny_targets: Vec::new(),
    }
}

/// A service that answers the first four bytes in capitals.
pub(super) async fn shout(mut stream: Stream) {
    let mut said = [0; 4];
    stream.read_exact(&mut said).await.unwrap();
    said.make_ascii_uppercase();
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// The plugin of a configuration.
pub(super) fn made(config: &PluginConfig) -> BoxClientProxy {
    let greeting = Greeting {
        version: Some(ProxyProtocol::V1),
        write,
    };
    plugin(config, greeting, None).unwrap()
}

/// The user's end of a connection that the plugin serves.
pub(super) fn user(plugin: &BoxClientProxy, scope: &Scope) -> Stream {
    let addr = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let peer = Peer::new(addr(1), addr(2), "memory");
    let (near, far) = duplex(64 * 1024);
    let start = StartWorkConn {
        src_addr: "192.0.2.7".to_owned(),
        src_port: 40_000,
        ..StartWorkConn::default()
    };
    let work = Work {
        stream: Stream::new(far, peer),
        start,
        codec: Codec::V1,
    };
    let (plugin, inner) = (plugin.clone(), scope.clone());
    scope.spawn(async move {
        if let Err(error) = plugin.serve(work, &inner).await {
            tracing::debug!("{error}");
        }
    });
    Stream::new(near, peer)
}

/// A service on the loopback: its address, `host:port`.
pub(super) async fn service<F>(
    scope: &Scope,
    serve: impl Fn(Stream) -> F + Send + Sync + 'static,
) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let inner = scope.clone();
    scope.spawn(async move {
        while let Ok((socket, from)) = listener.accept().await {
            inner.spawn(serve(Stream::connected(socket, from).unwrap()));
        }
    });
    addr.to_string()
}

/// Answers every request with its own head as the body.
pub(super) async fn mirror(mut stream: Stream) {
    while let Some(head) = head(&mut stream).await {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nKeep-Alive: 5\r\n\r\n{head}",
            head.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// The next head with its empty line; `None` at the end.
pub(super) async fn head(stream: &mut Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Sends bytes and reads all that comes until the other end closes.
pub(super) async fn exchange(mut stream: Stream, request: impl AsRef<[u8]>) -> String {
    stream.write_all(request.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
    rest(&mut stream).await
}

/// All that comes until the other end closes.
pub(super) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    // A peer that resets after its answer has answered.
    let read = timeout(LONG, stream.read_to_end(&mut all)).await.unwrap();
    drop(read);
    String::from_utf8_lossy(&all).into_owned()
}
