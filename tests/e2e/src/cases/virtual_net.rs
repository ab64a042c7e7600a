//! A network between clients: what is sent to an address of it comes out at another machine.

use std::{
    net::{SocketAddr, TcpListener, TcpStream as StdStream},
    path::Path,
    time::Duration,
};

use culvert_kit::{
    Error, Internet, Namespace, Nat, Peer, Program, Result, Role, TempDir, echo_over, eventually,
    random_hex, tcp_echo_on, within,
};
use tokio::net::TcpStream;

use crate::{Pairing, SOON};

/// Where frps listens, at the public host.
const SERVER: u16 = 7000;
/// From the start to the first echo: a way that failed at first is tried again after a minute.
const MET: Duration = Duration::from_secs(120);
/// The service in the network, at the near home.
const SERVICE: ([u8; 4], u16) = ([100, 86, 0, 1], 8000);

/// A host of one home reaches a service at another through the network alone, over a secret
/// service of `kind`, stcp or xtcp. In pairings with real frp, the visitor is of the other kind than the proxy's client.
///
/// # Errors
/// When an echo does not come back.
pub async fn reaches(pairing: Pairing, kind: &str) -> Result {
    let Some((frps, frpc)) = pairing.binaries().await? else {
        return Ok(());
    };
    let other = match pairing {
        Pairing::OUR_SERVER => Peer::Ours,
        Pairing::OUR_CLIENT => Peer::Real,
        Pairing { frpc, .. } => frpc,
    };
    let Some(visitor) = other.binary(Role::Frpc).await? else {
        return Ok(());
    };
    let Some(internet) = stage().await? else {
        return Ok(());
    };
    let dir = TempDir::new()?;
    let token = format!("auth.token = \"{}\"\n", random_hex(16)?);
    let launch = |place: &Namespace, name: &str, binary: &Path, text: &str| -> Result<Program> {
        let config = dir.write(&format!("{name}.toml"), &format!("{token}{text}"))?;
        place.start(name, binary, &["-c", &config.to_string_lossy()])
    };
    let server = launch(
        &internet.public,
        "frps",
        &frps,
        &format!("bindPort = {SERVER}"),
    )?;
    server.wait_for("frps started successfully", SOON).await?;
    let proxy = launch(&internet.near, "frpc", &frpc, &member(1, &proxy(kind)))?;
    proxy.wait_for("start proxy success", SOON).await?;
    let _service = service(&internet.near)?;
    let visitor = launch(
        &internet.far,
        "visitor",
        &visitor,
        &member(2, &visitor_of(kind)),
    )?;
    let met = eventually(MET, "an echo", || echo(&internet.far, 1, 1000));
    let logs = |error| {
        let (proxy, visitor) = (proxy.tail(), visitor.tail());
        Error::wrong(format!("{error}; frpc:\n{proxy}\nvisitor:\n{visitor}"))
    };
    met.await.map_err(logs)?;
    echo(&internet.far, 2, 1_000_000).await.map_err(logs)
}

/// Two homes; `None`, after telling the reader, where there can be none or no network device.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
async fn stage() -> Result<Option<Internet>> {
    if !Path::new("/dev/net/tun").exists() {
        println!("skipped: this system has no /dev/net/tun");
        return Ok(None);
    }
    Internet::new(Nat::Easy, Nat::Easy).await
}

fn proxy(kind: &str) -> String {
    format!(
        "[[proxies]]\nname = \"net\"\ntype = \"{kind}\"\nsecretKey = \"open\"\n\
         plugin.type = \"virtual_net\"\n"
    )
}

fn visitor_of(kind: &str) -> String {
    format!(
        "[[visitors]]\nname = \"door\"\ntype = \"{kind}\"\nserverName = \"net\"\n\
         secretKey = \"open\"\nbindPort = -1\n\
         plugin = {{ type = \"virtual_net\", destinationIP = \"100.86.0.1\" }}\n"
    )
}

/// The configuration of a client with this last number in the network.
fn member(number: u8, rest: &str) -> String {
    format!(
        "serverAddr = \"{}\"\nserverPort = {SERVER}\nfeatureGates = {{ VirtualNet = true }}\n\
         virtualNet.address = \"100.86.0.{number}/24\"\nnatHoleStunServer = \"{}\"\n{rest}",
        Internet::PUBLIC,
        Internet::STUN
    )
}

/// An echo on the address that the client has made.
fn service(home: &Namespace) -> Result<culvert_kit::Service> {
    tcp_echo_on(home.inside(|| TcpListener::bind(SocketAddr::from(SERVICE)))?)
}

async fn echo(home: &Namespace, seed: u64, len: usize) -> Result {
    let socket = home.inside(|| {
        let socket = StdStream::connect_timeout(&SERVICE.into(), Duration::from_secs(3))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })?;
    let socket = TcpStream::from_std(socket).map_err(Error::io("use a connection"))?;
    within(SOON, "an echo", echo_over(socket, seed, len)).await
}
