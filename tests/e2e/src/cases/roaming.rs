//! Long links, and an uplink whose address changes, between programs in networks of their own.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream as StdStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use culvert_kit::{
    Error, Link, Namespace, Program, Result, Service, Shape, TempDir, eventually, random_hex,
    tcp_echo_on,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{Pairing, SOON, local};

/// Where frps listens.
const SERVER: u16 = 7000;
/// Where users come.
const DOOR: u16 = 7001;
/// Where the service is.
const SERVICE: u16 = 8000;

/// How long bytes are counted, and how long connections have to grow before that.
const COUNTED: Duration = Duration::from_secs(5);
const WARM: Duration = Duration::from_secs(2);

/// A server at the near end of a link, a client with a service at the far end.
struct Stage {
    link: Link,
    frpc: Program,
    _frps: Program,
    _dir: TempDir,
}

impl Stage {
    async fn new(pairing: Pairing, shape: Shape, client: &str) -> Result<Option<Self>> {
        let Some((frps, frpc)) = pairing.binaries().await? else {
            return Ok(None);
        };
        let Some(link) = Link::new(shape).await? else {
            return Ok(None);
        };
        for end in [&link.near, &link.far] {
            // Every system has it; BBR, which some prefer, does not mind losses.
            let setting = "/proc/sys/net/ipv4/tcp_congestion_control";
            end.inside(|| std::fs::write(setting, "reno"))?;
        }
        let dir = TempDir::new()?;
        let token = random_hex(16)?;
        let launch = |place: &Namespace, name: &str, binary: &Path, text: &str| {
            let config = dir.write(&format!("{name}.toml"), text)?;
            place.start(name, binary, &["-c", &config.to_string_lossy()])
        };
        let text = format!(
            "bindPort = {SERVER}\nquicBindPort = {SERVER}\nauth.token = \"{token}\"\n\
             transport.maxPoolCount = 5\n"
        );
        let frps = launch(&link.near, "frps", &frps, &text)?;
        frps.wait_for("frps started successfully", SOON).await?;
        let text = format!(
            "serverAddr = \"{}\"\nserverPort = {SERVER}\nauth.token = \"{token}\"\n{client}\n\
             [[proxies]]\nname = \"door\"\ntype = \"tcp\"\nlocalPort = {SERVICE}\n\
             remotePort = {DOOR}\n",
            Link::NEAR
        );
        let frpc = launch(&link.far, "frpc", &frpc, &text)?;
        frpc.wait_for("[door] start proxy success", SOON).await?;
        Ok(Some(Self {
            link,
            frpc,
            _frps: frps,
            _dir: dir,
        }))
    }

    /// An echo at the far end.
    fn echo(&self) -> Result<Service> {
        let bind = || TcpListener::bind(local(SERVICE));
        tcp_echo_on(self.link.far.inside(bind)?)
    }

    /// A user of the tunnel.
    fn user(&self) -> Result<TcpStream> {
        let socket = self.link.near.inside(|| {
            let socket = StdStream::connect_timeout(&local(DOOR), SOON)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })?;
        TcpStream::from_std(socket).map_err(Error::io("use a connection"))
    }

    /// Gives the far end another address in place of the one that it has.
    fn move_far_end(&self) -> Result {
        let ip = |args: &[&str]| {
            let mut command = std::process::Command::new("ip");
            let done = command
                .args(["-n", self.link.far.name()])
                .args(args)
                .status();
            match done.map_err(Error::io("run ip"))?.success() {
                true => Ok(()),
                false => Err(Error::wrong(format!("ip {args:?} failed"))),
            }
        };
        ip(&["addr", "del", &format!("{}/24", Link::FAR), "dev", "link0"])?;
        ip(&["addr", "add", "10.99.0.77/24", "dev", "link0"])
    }
}

/// Asks an echo for one byte.
async fn ask(user: &mut TcpStream, byte: u8) -> Result {
    ask_within(SOON, user, byte).await
}

async fn ask_within(limit: Duration, user: &mut TcpStream, byte: u8) -> Result {
    let echo = async {
        user.write_all(&[byte]).await?;
        user.read_u8().await
    };
    let answer = tokio::time::timeout(limit, echo).await;
    let answer = answer.map_err(|_| Error::wrong("no echo"))?;
    match answer.map_err(Error::io("echo a byte"))? {
        back if back == byte => Ok(()),
        other => Err(Error::wrong(format!("{other} came back for {byte}"))),
    }
}

/// The address of the uplink changes under 100 open connections over QUIC: all of them go on, and
/// there is no new login.
///
/// # Errors
/// When one of them does not.
pub async fn quic_moves_with_its_streams(pairing: Pairing) -> Result {
    let protocol = "transport.protocol = \"quic\"";
    let shape = Shape {
        delay: Duration::from_millis(5),
        ..Shape::default()
    };
    let Some(stage) = Stage::new(pairing, shape, protocol).await? else {
        return Ok(());
    };
    let _service = stage.echo()?;
    let mut users = Vec::new();
    for byte in 0..100 {
        let mut user = stage.user()?;
        ask(&mut user, byte).await?;
        users.push(user);
    }
    stage.move_far_end()?;
    stage.frpc.wait_for("went along", SOON).await?;
    for (byte, user) in (100..).zip(&mut users) {
        ask(user, byte).await?;
    }
    let logins = stage.frpc.count("login to server success");
    match logins {
        1 => ask(&mut stage.user()?, 1).await,
        _ => Err(Error::wrong(format!("{logins} logins"))),
    }
}

/// The address of the uplink changes over TCP: new connections work within three seconds.
///
/// # Errors
/// When they do not.
pub async fn tcp_comes_back_at_once(pairing: Pairing) -> Result {
    let shape = Shape {
        delay: Duration::from_millis(25),
        ..Shape::default()
    };
    let Some(stage) = Stage::new(pairing, shape, "").await? else {
        return Ok(());
    };
    let _service = stage.echo()?;
    ask(&mut stage.user()?, 1).await?;
    let begun = Instant::now();
    stage.move_far_end()?;
    let back = Duration::from_secs(3);
    // Who comes before the server knows waits for the old path.
    let impatient = Duration::from_millis(300);
    let echo = async || ask_within(impatient, &mut stage.user()?, 2).await;
    let served = eventually(back, "an echo from the new address", echo).await;
    served.map_err(|err| Error::wrong(format!("{err}; frpc:\n{}", stage.frpc.tail())))?;
    let took = begun.elapsed();
    if took > back {
        return Err(Error::wrong(format!("back after {took:?}")));
    }
    Ok(())
}

/// Eight downloads over a link that loses 3 % of its packets: four sessions carry at least twice
/// as much as one.
///
/// # Errors
/// When they do not.
pub async fn sessions_add_up(pairing: Pairing) -> Result {
    let one = goodput(pairing, "transport.sessions = 1").await?;
    let four = goodput(pairing, "transport.sessions = 4").await?;
    let (Some(one), Some(four)) = (one, four) else {
        return Ok(());
    };
    if four < 2 * one {
        let text = format!("{one} bytes/s over one session, {four} over four");
        return Err(Error::wrong(text));
    }
    Ok(())
}

/// Bytes per second of eight downloads together.
#[expect(clippy::print_stdout, reason = "the figure is the point")]
async fn goodput(pairing: Pairing, client: &str) -> Result<Option<u64>> {
    let shape = Shape {
        loss: 0.03,
        ..Shape::default()
    };
    let Some(stage) = Stage::new(pairing, shape, client).await? else {
        return Ok(None);
    };
    let listener = stage
        .link
        .far
        .inside(|| TcpListener::bind(local(SERVICE)))?;
    thread::spawn(move || pour(&listener));
    if client.contains('4') {
        let line = "one more link to the server";
        stage.frpc.wait_for_count(line, 3, SOON).await?;
    }
    let near = Arc::clone(&stage.link.near);
    let download = move || near.inside(|| download(8));
    let counted = tokio::task::spawn_blocking(download).await;
    let bytes = counted.map_err(|err| Error::wrong(err.to_string()))??;
    let rate = bytes / COUNTED.as_secs();
    println!("{client}: {} kB/s", rate / 1000);
    Ok(Some(rate))
}

/// Sends without end to whoever comes.
fn pour(listener: &TcpListener) {
    let bytes = vec![7; 64 << 10];
    while let Ok((mut socket, _)) = listener.accept() {
        let bytes = bytes.clone();
        thread::spawn(move || while socket.write_all(&bytes).is_ok() {});
    }
}

/// What `count` connections through the tunnel receive in [`COUNTED`].
fn download(count: usize) -> std::io::Result<u64> {
    let at: SocketAddr = local(DOOR);
    let downloads: Vec<_> = (0..count)
        .map(|_| thread::spawn(move || receive(at)))
        .collect();
    let mut bytes = 0;
    for one in downloads {
        let received = one.join().map_err(|_| std::io::Error::other("a panic"))?;
        bytes += received?;
    }
    Ok(bytes)
}

fn receive(at: SocketAddr) -> std::io::Result<u64> {
    let mut socket = StdStream::connect(at)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut buffer = vec![0; 256 << 10];
    let begun = Instant::now();
    let mut bytes = 0;
    while begun.elapsed() < WARM + COUNTED {
        match socket.read(&mut buffer) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(n) if begun.elapsed() >= WARM => bytes += n as u64,
            Ok(_) => {}
            Err(err) if err.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(err) => return Err(err),
        }
    }
    Ok(bytes)
}
