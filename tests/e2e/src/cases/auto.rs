//! `transport.protocol = "auto"` on networks that let little through: firewalls are made in the
//! network of the client, whose server is a public host.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream as StdStream},
    path::{Path, PathBuf},
    time::Duration,
};

use culvert_kit::{
    Error, Internet, Namespace, Nat, Program, Result, Service, TempDir, echo_over, eventually,
    random_hex, tcp_echo_on, within,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Pairing, SOON, local};

/// Where frps listens, over TCP and UDP.
const SERVER: u16 = 7000;
/// Where users come.
const DOOR: u16 = 9000;
/// Where the service is, at home.
const SERVICE: u16 = 8000;
/// Where a web proxy listens, and where the frps that publishes it does.
const PROXY: u16 = 8080;
const HELPER: u16 = 7100;
/// Where somebody answers in place of the server.
const IMPOSTOR: u16 = 9999;

/// From the start of the client to its login, whatever passes.
const UP: Duration = Duration::from_secs(2);
/// From the moment in which a transport is blocked to the next user who is served.
const SERVED: Duration = Duration::from_secs(3);
/// How long a user waits before trying again.
const PATIENCE: Duration = Duration::from_millis(500);
/// From the moment in which a block is lifted to the better transport.
const BACK: Duration = Duration::from_secs(60);

const NO_UDP: &str = "table inet wall {
  chain out { type filter hook output priority 0; meta l4proto udp drop; }
  chain in { type filter hook input priority 0; meta l4proto udp drop; }
}";

/// Nothing leaves but what is for the proxy.
const ONLY_PROXY: &str = "table inet wall {
  chain out {
    type filter hook output priority 0; policy drop;
    oifname lo accept
    tcp dport 8080 accept
  }
}";

/// Somebody on the way takes connections to the server, and UDP is blocked.
const IN_PLACE: &str = "table inet wall {
  chain out { type filter hook output priority 0; meta l4proto udp drop; }
}
table ip lure {
  chain out { type nat hook output priority -100; tcp dport 7000 redirect to :9999; }
}";

/// A home, a public host with a running frps, and a service at home.
#[derive(Debug)]
struct Stage {
    internet: Internet,
    binaries: (PathBuf, PathBuf),
    dir: TempDir,
    token: String,
    frps: Program,
    _service: Service,
}

impl Stage {
    /// `None` where there can be no networks, or a program is missing.
    async fn new(pairing: Pairing) -> Result<Option<Self>> {
        let Some(binaries) = pairing.binaries().await? else {
            return Ok(None);
        };
        let Some(internet) = Internet::new(Nat::Easy, Nat::Easy).await? else {
            return Ok(None);
        };
        let at = internet.near.inside(|| TcpListener::bind(local(SERVICE)))?;
        let dir = TempDir::new()?;
        let token = format!("auth.token = \"{}\"\n", random_hex(16)?);
        let text = format!("bindPort = {SERVER}\nquicBindPort = {SERVER}\n{token}");
        let frps = launch(&internet.public, &dir, "frps", &binaries.0, &text)?;
        frps.wait_for("frps started successfully", SOON).await?;
        Ok(Some(Self {
            internet,
            binaries,
            dir,
            token,
            frps,
            _service: tcp_echo_on(at)?,
        }))
    }

    /// The configuration of the client.
    fn client(&self, lines: &str) -> String {
        format!(
            "serverAddr = \"{}\"\nserverPort = {SERVER}\n{}transport.protocol = \"auto\"\n{lines}\n\
             [[proxies]]\nname = \"echo\"\ntype = \"tcp\"\nlocalPort = {SERVICE}\n\
             remotePort = {DOOR}\n",
            Internet::PUBLIC,
            self.token
        )
    }

    fn start(&self, lines: &str) -> Result<Program> {
        let text = self.client(lines);
        let near = &self.internet.near;
        launch(near, &self.dir, "frpc", &self.binaries.1, &text)
    }

    /// A new user.
    fn user(&self) -> Result<TcpStream> {
        let socket = self.internet.public.inside(|| {
            let socket = StdStream::connect_timeout(&local(DOOR), PATIENCE)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })?;
        TcpStream::from_std(socket).map_err(Error::io("use a connection"))
    }

    /// A new user is served before losing patience.
    async fn serves(&self) -> Result {
        within(PATIENCE, "an echo", echo_over(self.user()?, 1, 1000)).await
    }

    /// What both programs said last.
    fn logs(&self, frpc: &Program, error: &Error) -> Error {
        let (frps, frpc) = (self.frps.tail(), frpc.tail());
        Error::wrong(format!("{error}; frps:\n{frps}\nfrpc:\n{frpc}"))
    }
}

fn launch(
    place: &Namespace,
    dir: &TempDir,
    name: &str,
    binary: &Path,
    text: &str,
) -> Result<Program> {
    let config = dir.write(&format!("{name}.toml"), text)?;
    place.start(name, binary, &["-c", &config.to_string_lossy()])
}

/// Something sent by a user who stays comes back.
async fn says(user: &mut TcpStream, word: &[u8; 4]) -> Result {
    let failed = |error| Error::io("speak over a connection that stays")(error);
    user.write_all(word).await.map_err(failed)?;
    let mut answer = [0; 4];
    user.read_exact(&mut answer).await.map_err(failed)?;
    if &answer == word {
        return Ok(());
    }
    Err(Error::wrong("another echo"))
}

/// Where UDP does not pass, the client is there in two seconds.
///
/// # Errors
/// When it is not, or a user is not served.
pub async fn without_udp(pairing: Pairing) -> Result {
    let Some(stage) = Stage::new(pairing).await? else {
        return Ok(());
    };
    stage.internet.near.firewall(NO_UDP).await?;
    let frpc = stage.start("")?;
    let up = frpc.wait_for("login to server success", UP).await;
    up.map_err(|error| stage.logs(&frpc, &error))?;
    frpc.wait_for("transport: tcp after", SOON).await?;
    frpc.wait_for("start proxy success", SOON).await?;
    let served = eventually(SOON, "an echo", || stage.serves()).await;
    served.map_err(|error| stage.logs(&frpc, &error))
}

/// UDP is blocked while the client uses it: users are served again within three seconds. The block
/// is lifted: the client is back on QUIC within a minute, and no connection is lost by that.
///
/// # Errors
/// When it takes longer, or a connection is lost.
pub async fn udp_goes_and_comes(pairing: Pairing) -> Result {
    let Some(stage) = Stage::new(pairing).await? else {
        return Ok(());
    };
    let near = &stage.internet.near;
    let frpc = stage.start("transport.auto.probeInterval = 2")?;
    let logs = |error: Error| stage.logs(&frpc, &error);
    let first = frpc.wait_for("transport: quic after", SOON).await;
    first.map_err(logs)?;
    frpc.wait_for("start proxy success", SOON).await?;
    eventually(SOON, "an echo over quic", || stage.serves()).await?;
    let mut early = stage.user()?;
    within(SOON, "an echo", says(&mut early, b"one.")).await?;
    near.firewall(NO_UDP).await?;
    let served = eventually(SERVED, "an echo without udp", || stage.serves()).await;
    served.map_err(logs)?;
    let mut late = stage.user()?;
    within(SOON, "an echo", says(&mut late, b"two.")).await?;
    near.firewall("").await?;
    let back = frpc.wait_for("the session goes on over quic", BACK).await;
    back.map_err(logs)?;
    // What was on the old QUIC connection has waited; what is on TCP is not disturbed.
    for user in [&mut early, &mut late] {
        let kept = within(SOON, "an echo over what was kept", says(user, b"more")).await;
        kept.map_err(logs)?;
    }
    let served = eventually(SOON, "an echo over quic again", || stage.serves()).await;
    served.map_err(logs)
}

/// Nothing passes but a web proxy, which the environment names.
///
/// # Errors
/// When the client is not there in two seconds, or a user is not served.
pub async fn only_a_proxy(pairing: Pairing) -> Result {
    let Some(stage) = Stage::new(pairing).await? else {
        return Ok(());
    };
    let (public, dir) = (&stage.internet.public, &stage.dir);
    let token = &stage.token;
    let text = format!("bindPort = {HELPER}\n{token}");
    let helper = launch(public, dir, "proxy-frps", &stage.binaries.0, &text)?;
    helper.wait_for("frps started successfully", SOON).await?;
    let text = format!(
        "serverPort = {HELPER}\nserverAddr = \"127.0.0.1\"\n{token}[[proxies]]\nname = \"web\"\n\
         type = \"tcp\"\nremotePort = {PROXY}\nplugin.type = \"http_proxy\"\n"
    );
    let proxy = launch(public, dir, "proxy-frpc", &stage.binaries.1, &text)?;
    proxy.wait_for("start proxy success", SOON).await?;
    stage.internet.near.firewall(ONLY_PROXY).await?;
    let config = dir.write("frpc.toml", &stage.client(""))?;
    let variable = format!("http_proxy=http://{}:{PROXY}", Internet::PUBLIC);
    let (frpc, config) = (stage.binaries.1.to_string_lossy(), config.to_string_lossy());
    let args = [&*variable, &frpc, "-c", &config];
    let frpc = stage
        .internet
        .near
        .start("frpc", Path::new("/usr/bin/env"), &args)?;
    let up = frpc.wait_for("login to server success", UP).await;
    up.map_err(|error| stage.logs(&frpc, &error))?;
    frpc.wait_for("start proxy success", SOON).await?;
    let served = eventually(SOON, "an echo", || stage.serves()).await;
    served.map_err(|error| stage.logs(&frpc, &error))
}

/// Somebody takes every connection and never answers: that is no success, and the error names every
/// transport with its reason.
///
/// # Errors
/// When the client takes it for one, or names too few.
pub async fn somebody_in_place_of_the_server(pairing: Pairing) -> Result {
    let Some(stage) = Stage::new(pairing).await? else {
        return Ok(());
    };
    let near = &stage.internet.near;
    let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), IMPOSTOR);
    // Its backlog takes connections, which nobody accepts.
    let _impostor = near.inside(|| TcpListener::bind(at))?;
    near.firewall(IN_PLACE).await?;
    let mut frpc = stage.start("transport.dialServerTimeout = 2")?;
    let ended = frpc.ended(SOON).await?;
    let named = ["quic", "tcp", "wss", "websocket"]
        .map(|name| format!("{name} {}:{SERVER}: ", Internet::PUBLIC));
    let last = ended.text.lines().last().unwrap_or_default();
    if ended.code == Some(1) && named.iter().all(|name| last.contains(name)) {
        return Ok(());
    }
    Err(Error::wrong(format!("frpc ended so:\n{}", ended.text)))
}
