//! unix_domain_socket and tls2raw.

use culvert_conf::PluginConfig;
use culvert_io::Stream;
use culvert_tls::{client_config_unverified, connect, server_name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{exchange, made, rest, scope, service, user};

/// Answers four bytes with what came before them and the bytes themselves.
async fn greeted(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut said = vec![0; "V1 192.0.2.7\nping".len()];
    stream.read_exact(&mut said).await.unwrap();
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn tls2raw_gives_the_service_what_is_inside() {
    let scope = scope();
    let local_addr = service(&scope, greeted).await;
    let plugin = made(&PluginConfig::Tls2Raw {
        local_addr,
        identity: None,
    });
    let config = client_config_unverified().unwrap();
    let name = server_name("any.test", true).unwrap();
    let stream = connect(user(&plugin, &scope), &config, name).await.unwrap();
    assert_eq!(exchange(stream, "ping").await, "V1 192.0.2.7\nping");
    // What is no TLS never reaches the service.
    assert_eq!(
        exchange(user(&plugin, &scope), "GET / HTTP/1.1\r\n").await,
        ""
    );
}

#[tokio::test(start_paused = true)]
async fn tls2raw_does_not_wait_for_ever_for_a_hello() {
    let scope = scope();
    let plugin = made(&PluginConfig::Tls2Raw {
        local_addr: "127.0.0.1:1".to_owned(),
        identity: None,
    });
    let mut stream = user(&plugin, &scope);
    stream.write_all(b"\x16\x03\x01").await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_greeted_and_joined() {
    let scope = scope();
    let name = format!("culvert-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    scope.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        greeted(socket).await;
    });
    let plugin = made(&PluginConfig::UnixDomainSocket { path: path.clone() });
    assert_eq!(
        exchange(user(&plugin, &scope), "ping").await,
        "V1 192.0.2.7\nping"
    );
    std::fs::remove_file(&path).unwrap();
    // Nobody is there any more: the user is closed.
    let mut stream: Stream = user(&plugin, &scope);
    assert_eq!(rest(&mut stream).await, "");
}
