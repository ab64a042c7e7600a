//! The gateway, asked by a client that does what `ssh` does not.

use std::{
    future::ready,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use culvert_conf::Strictness;
use culvert_io::{Lanes, Scope};
use culvert_kit::{TempDir, free_port};
use parking_lot::Mutex;
use russh::{
    Channel, ChannelMsg,
    client::{self, ChannelOpenHandle, Config, Handler, Msg, Session, connect},
    keys::PublicKeyOrCertificate,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    net::TcpStream,
    runtime::Handle,
    sync::oneshot,
};

use crate::Service;

/// How long anything here may take on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A server with a gateway, until dropped.
struct Stage {
    gateway: SocketAddr,
    _stop: oneshot::Sender<()>,
    _dir: TempDir,
}

async fn stage() -> Stage {
    let dir = TempDir::new().unwrap();
    let port = free_port().unwrap();
    let text = format!(
        "bindAddr = \"127.0.0.1\"\nbindPort = {}\nsshTunnelGateway.bindPort = {port}\n\
         sshTunnelGateway.autoGenPrivateKeyPath = '{}'\n",
        free_port().unwrap(),
        dir.path().join("key").display()
    );
    let config = culvert_conf::parse_server(&text, "test", Strictness::Strict);
    let lanes = Arc::new(Lanes::start(1).unwrap());
    let service = Service::bind(config.unwrap().config, lanes).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    Scope::root(Handle::current()).spawn(service.run(
        async {
            let _stopped = stopped.await;
        },
        ready(()),
    ));
    Stage {
        gateway: local(port),
        _stop: stop,
        _dir: dir,
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What the server said of the users that it sent.
type Sent = Arc<Mutex<Vec<(String, u32, String, u32)>>>;

/// A client whose service is an echo.
struct Echo(Sent);

impl Handler for Echo {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        from: &str,
        from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let forward = (host.to_owned(), port, from.to_owned(), from_port);
        self.0.lock().push(forward);
        reply.accept().await;
        Scope::root(Handle::current()).spawn(async move {
            let (mut from, mut to) = split(channel.into_stream());
            let _ended = copy(&mut from, &mut to).await;
        });
        Ok(())
    }
}

async fn client(stage: &Stage) -> (client::Handle<Echo>, Sent) {
    let sent = Sent::default();
    let config = Arc::new(Config::default());
    let handler = Echo(Arc::clone(&sent));
    let mut ssh = connect(config, stage.gateway, handler).await.unwrap();
    assert!(ssh.authenticate_none("anybody").await.unwrap().success());
    (ssh, sent)
}

/// What the server says on `channel` until `end` is in it, or the channel ends.
async fn said(channel: &mut Channel<Msg>, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end)
        && let Some(message) = tokio::time::timeout(SOON, channel.wait()).await.unwrap()
    {
        if let ChannelMsg::Data { data } = message {
            text += &String::from_utf8_lossy(&data);
        }
    }
    text
}

async fn echoed(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut user = TcpStream::connect(local(port)).await.unwrap();
    user.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    let read = user.read_exact(&mut back);
    tokio::time::timeout(SOON, read).await.unwrap().unwrap();
    back
}

#[tokio::test]
async fn users_come_through_the_first_forward_for_the_first_command() {
    let stage = stage().await;
    let (ssh, sent) = client(&stage).await;
    ssh.tcpip_forward("first.test", 80).await.unwrap();
    ssh.tcpip_forward("second.test", 81).await.unwrap();
    let port = free_port().unwrap();
    let mut channel = ssh.channel_open_session().await.unwrap();
    let command = format!("tcp --remote_port {port}");
    channel.exec(true, command).await.unwrap();
    channel.exec(true, "tcp --remote_port 1").await.unwrap();
    let text = said(&mut channel, "RemoteAddress").await;
    assert!(
        text.contains(&format!("RemoteAddress: :{port}\n")),
        "{text}"
    );
    let bytes = vec![7; 300_000];
    assert_eq!(echoed(port, &bytes).await, bytes);
    let forward = ("first.test".to_owned(), 80, "first.test".to_owned(), 80);
    assert_eq!(*sent.lock(), [forward]);
    // A stalled user stops nobody at once: a window of its bytes may wait.
    let mut stalled = TcpStream::connect(local(port)).await.unwrap();
    stalled.write_all(&[1; 200_000]).await.unwrap();
    assert_eq!(echoed(port, b"still there").await, b"still there");
}

#[tokio::test]
async fn there_is_no_way_into_the_server() {
    let stage = stage().await;
    let (ssh, _) = client(&stage).await;
    let inward = ssh.channel_open_direct_tcpip("127.0.0.1", 22, "x", 1).await;
    inward.unwrap_err();
    let mut channel = ssh.channel_open_session().await.unwrap();
    channel.request_shell(true).await.unwrap();
    let text = said(&mut channel, "no way").await;
    assert!(text.contains("there is no shell here"), "{text}");
}

#[tokio::test]
async fn who_says_nothing_more_is_sent_away() {
    let stage = stage().await;
    let (ssh, _) = client(&stage).await;
    let mut channel = ssh.channel_open_session().await.unwrap();
    let text = said(&mut channel, "no way").await;
    assert!(text.contains("are needed"), "{text}");
}

#[tokio::test]
async fn a_terminals_ctrl_c_ends_the_tunnel() {
    let stage = stage().await;
    let (ssh, _) = client(&stage).await;
    ssh.tcpip_forward("", 80).await.unwrap();
    let mut channel = ssh.channel_open_session().await.unwrap();
    channel.exec(true, "tcp").await.unwrap();
    said(&mut channel, "RemoteAddress").await;
    channel.data_bytes(&b"\x03"[..]).await.unwrap();
    said(&mut channel, "no way").await;
}
