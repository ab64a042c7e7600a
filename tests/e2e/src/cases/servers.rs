//! One client with two servers: who of them serves, and what users notice when one of them dies.
//! The servers are at two addresses of this machine, with the same port for users.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use culvert_kit::{
    Error, Program, Result, Service, TempDir, connected, echo_once, echo_over, eventually,
    free_port, random_hex, tcp_echo,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream, UdpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use crate::{Pairing, SOON, local};

/// How long users may be without a server when the one in use dies.
const TAKEOVER: Duration = Duration::from_secs(3);

/// How long a choice may take that waits on purpose.
const PATIENT: Duration = Duration::from_secs(60);

/// Two servers that are not running yet, and the service of one client.
#[derive(Debug)]
struct Stage {
    binaries: (PathBuf, PathBuf),
    dir: TempDir,
    token: String,
    binds: [u16; 2],
    users: u16,
    echo: Service,
}

/// The address of a server, and of its users' port.
const fn address(server: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1 + server)), port)
}

impl Stage {
    async fn new(pairing: Pairing) -> Result<Option<Self>> {
        let Some(binaries) = pairing.binaries().await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            binaries,
            dir: TempDir::new()?,
            token: random_hex(16)?,
            binds: [free_port()?, free_port()?],
            users: free_port()?,
            echo: tcp_echo().await?,
        }))
    }

    /// Where frpc finds the servers.
    fn servers(&self) -> [SocketAddr; 2] {
        let [a, b] = self.binds;
        [address(0, a), address(1, b)]
    }

    /// Where the users of a server go.
    const fn users(&self, server: u8) -> SocketAddr {
        address(server, self.users)
    }

    async fn frps(&self, server: u8) -> Result<Program> {
        let [a, b] = self.servers();
        let bind = if server == 0 { a } else { b };
        let text = format!(
            "bindAddr = \"{}\"\nbindPort = {}\nauth.token = \"{}\"\n",
            bind.ip(),
            bind.port(),
            self.token
        );
        let file = self.dir.write(&format!("frps{server}.toml"), &text)?;
        let file = file.to_string_lossy();
        let frps = Program::start("frps", &self.binaries.0, &["-c", &file])?;
        frps.wait_for("frps started successfully", SOON).await?;
        Ok(frps)
    }

    /// The client of the servers `a` and `b`, in this order.
    fn frpc(&self, policy: &str, [a, b]: [SocketAddr; 2]) -> Result<Program> {
        let entry = |name, at: SocketAddr| {
            let (ip, port) = (at.ip(), at.port());
            format!("[[servers]]\nname = \"{name}\"\naddr = \"{ip}\"\nport = {port}\n")
        };
        let servers = [entry("a", a), entry("b", b)].concat();
        self.frpc_with(&format!("serverPolicy = \"{policy}\"\n{servers}"))
    }

    fn frpc_with(&self, servers: &str) -> Result<Program> {
        let text = format!(
            "auth.token = \"{}\"\n{servers}\n[[proxies]]\nname = \"echo\"\ntype = \"tcp\"\n\
             localPort = {}\nremotePort = {}\n",
            self.token,
            self.echo.addr().port(),
            self.users
        );
        let file = self.dir.write("frpc.toml", &text)?;
        let file = file.to_string_lossy();
        Program::start("frpc", &self.binaries.1, &["-c", &file])
    }

    /// Waits until users of a server are served.
    async fn served(&self, server: u8, deadline: Duration) -> Result {
        let what = format!("an echo at server {server}");
        let at = self.users(server);
        eventually(deadline, &what, || echo_once(at, 7, 1000)).await
    }

    /// Waits until nobody listens for the users of a server.
    async fn closed(&self, server: u8) -> Result {
        let at = self.users(server);
        eventually(
            SOON,
            &format!("server {server} publishes nothing"),
            || async {
                match TcpStream::connect(at).await {
                    Ok(_) => Err(Error::wrong("it does")),
                    Err(_) => Ok(()),
                }
            },
        )
        .await
    }
}

/// Sets the stage, or ends the case as skipped.
macro_rules! stage {
    ($pairing:expr) => {
        match Stage::new($pairing).await? {
            Some(stage) => stage,
            None => return Ok(()),
        }
    };
}

/// A way to a server that can be made slow or silent.
#[derive(Debug)]
struct Road {
    service: Service,
    /// `None` while nothing gets through.
    delay: watch::Sender<Option<Duration>>,
}

impl Road {
    async fn to(server: SocketAddr) -> Result<Self> {
        let (delay, seen) = watch::channel(Some(Duration::ZERO));
        let service = Service::tcp(move |near| {
            let seen = seen.clone();
            async move {
                if let Ok(far) = TcpStream::connect(server).await {
                    let ((a, b), (c, d)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        _ended = carry(a, d, seen.clone()) => {}
                        _ended = carry(c, b, seen) => {}
                    }
                }
            }
        });
        Ok(Self {
            service: service.await?,
            delay,
        })
    }

    fn takes(&self, delay: Option<Duration>) {
        self.delay.send_replace(delay);
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut delay: watch::Receiver<Option<Duration>>,
) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let n = from.read(&mut piece).await?;
        let open = delay.wait_for(Option::is_some).await;
        let wait = open.map(|delay| *delay).ok().flatten();
        tokio::time::sleep(wait.unwrap_or_default()).await;
        match piece.get(..n) {
            Some([]) | None => return Ok(()),
            Some(some) => to.write_all(some).await?,
        }
    }
}

/// Users who come one after the other, eight at a time, until one is not served.
fn load(at: SocketAddr) -> JoinSet<()> {
    let mut users = JoinSet::new();
    for seed in 0..8 {
        users.spawn(async move { while echo_once(at, seed, 100_000).await.is_ok() {} });
    }
    users
}

/// The server in use is killed under load: the other one serves in time. The first comes back, and
/// serves again after a while, and a connection through the other one goes on.
///
/// # Errors
/// When it is otherwise.
pub async fn failover(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let mut first = stage.frps(0).await?;
    let _second = stage.frps(1).await?;
    let frpc = stage.frpc("failover", stage.servers())?;
    stage.served(0, SOON).await?;
    stage.closed(1).await?;
    frpc.wait_for_count("login to server success", 2, SOON)
        .await?;
    let users = load(stage.users(0));

    first.kill().await?;
    stage.served(1, TAKEOVER).await?;
    drop(users);

    let mut held = connected(stage.users(1), SOON).await?;
    let io = Error::io("a connection through the other server");
    held.write_u8(1).await.map_err(io)?;
    let io = Error::io("a connection through the other server");
    held.read_u8().await.map_err(io)?;
    let _first = stage.frps(0).await?;
    let back = "server [a] serves from now on: it is preferred";
    frpc.wait_for(back, PATIENT).await?;
    stage.served(0, SOON).await?;
    stage.closed(1).await?;
    echo_over(held, 3, 100_000).await
}

/// The server in use falls silent: the other one serves in time. Then it is heard again, and it was
/// not even logged out.
///
/// # Errors
/// When it is otherwise.
pub async fn silence(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let [a, b] = stage.servers();
    let (_first, _second) = (stage.frps(0).await?, stage.frps(1).await?);
    let road = Road::to(a).await?;
    let frpc = stage.frpc("failover", [road.service.addr(), b])?;
    stage.served(0, SOON).await?;
    frpc.wait_for_count("login to server success", 2, SOON)
        .await?;

    road.takes(None);
    stage.served(1, TAKEOVER).await?;
    road.takes(Some(Duration::ZERO));
    stage.closed(0).await?;
    match frpc.count("login to server success") {
        2 => Ok(()),
        n => Err(Error::wrong(format!("{n} logins at two servers"))),
    }
}

/// Both servers publish; one is killed under load, and the users of the other notice nothing.
///
/// # Errors
/// When they do.
pub async fn active_active(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let mut first = stage.frps(0).await?;
    let _second = stage.frps(1).await?;
    let _frpc = stage.frpc("active-active", stage.servers())?;
    stage.served(0, SOON).await?;
    stage.served(1, SOON).await?;
    let _users = load(stage.users(0));
    let mut others = load(stage.users(1));

    first.kill().await?;
    for seed in 0..100 {
        echo_once(stage.users(1), seed, 10_000).await?;
    }
    match others.try_join_next() {
        Some(_) => Err(Error::wrong("a user of the other server was not served")),
        None => Ok(()),
    }
}

/// The server that answers faster serves, also when that becomes another one.
///
/// # Errors
/// When it does not.
pub async fn latency(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let (_first, _second) = (stage.frps(0).await?, stage.frps(1).await?);
    let [a, b] = stage.servers();
    let (near, far) = (Road::to(a).await?, Road::to(b).await?);
    far.takes(Some(Duration::from_millis(40)));
    let frpc = stage.frpc("latency", [near.service.addr(), far.service.addr()])?;
    frpc.wait_for("server [a] serves from now on", SOON).await?;
    stage.served(0, SOON).await?;
    stage.closed(1).await?;

    near.takes(Some(Duration::from_millis(150)));
    let faster = "server [b] serves from now on: it answers faster";
    frpc.wait_for(faster, PATIENT).await?;
    stage.served(1, SOON).await?;
    stage.closed(0).await
}

/// A client ends when it cannot log in anywhere at first, and not when one server lets it in.
///
/// # Errors
/// When it is otherwise.
pub async fn gives_up(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let mut frpc = stage.frpc("failover", stage.servers())?;
    let ended = frpc.ended(SOON).await?;
    if ended.code != Some(1) {
        return Err(Error::wrong(ended.text));
    }
    let _second = stage.frps(1).await?;
    let _frpc = stage.frpc("failover", stage.servers())?;
    stage.served(1, SOON).await
}

/// A server is found by its SRV records: the place of the first priority is closed, the next one
/// serves.
///
/// # Errors
/// When it is not found.
pub async fn records(pairing: Pairing) -> Result {
    let stage = stage!(pairing);
    let _first = stage.frps(0).await?;
    let [open, closed] = stage.binds;
    let socket = UdpSocket::bind(local(0)).await;
    let socket = socket.map_err(Error::io("bind a name server"))?;
    let dns = socket.local_addr().map_err(Error::io("a bound socket"))?;
    let mut server = JoinSet::new();
    server.spawn(name_server(socket, [closed, open]));
    let text = format!("dnsServer = \"{dns}\"\n[[servers]]\nsrv = \"frp.test\"\n");
    let frpc = stage.frpc_with(&text)?;
    frpc.wait_for("trying its next place", SOON).await?;
    stage.served(0, SOON).await
}

/// Answers every question with two records: `localhost` at these ports, by priority.
async fn name_server(socket: UdpSocket, ports: [u16; 2]) {
    let mut room = [0; 512];
    while let Ok((n, from)) = socket.recv_from(&mut room).await {
        let ([a, b, ..], question) = room.split_first_chunk::<12>().unwrap_or((&[0; 12], &[]));
        // The same id; one question, two answers, and what was asked.
        let mut answer = vec![*a, *b, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
        answer.extend(question.iter().take(n.saturating_sub(12)));
        for (priority, port) in (0_u16..).zip(ports) {
            // Its name as in the question, the type SRV of the Internet, for a second, 17 bytes.
            answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 1, 0, 17]);
            answer.extend([priority, 0, port].map(u16::to_be_bytes).concat());
            answer.extend(b"\x09localhost\0");
        }
        drop(socket.send_to(&answer, from).await);
    }
}
