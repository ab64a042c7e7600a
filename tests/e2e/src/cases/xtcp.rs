//! Peers behind their own routers meet without the server in between.

use std::{
    net::{SocketAddr, TcpListener, TcpStream as StdStream},
    path::Path,
    time::Duration,
};

use culvert_kit::{
    Error, Internet, Namespace, Nat, Peer, Program, Result, Role, TempDir, echo_over, eventually,
    random_hex, tcp_echo_on,
};
use tokio::net::TcpStream;

use crate::{Pairing, SOON};

/// From the start to the first echo through the tunnel: meeting by trying ports at random may take
/// half a minute, may fail once, and is tried again after ten seconds.
const MET: Duration = Duration::from_secs(120);

/// Where frps listens, at the public host.
const SERVER: u16 = 7000;
/// Where the service listens, at the near home.
const SERVICE: u16 = 8000;
/// Where users of the visitor come, at the far home.
const DOOR: u16 = 9000;

/// A service of one home is reached from another, whose routers are `near` and `far`, over
/// `protocol`: a first echo, then, in our own pairing without a server, a long one. In pairings with
/// real frp, the visitor is of the other kind than the proxy's client.
///
/// # Errors
/// When the peers do not meet, or the server is in between.
pub async fn meet(pairing: Pairing, (near, far): (Nat, Nat), protocol: &str) -> Result {
    let Some((frps, frpc)) = pairing.binaries().await? else {
        return Ok(());
    };
    let other = match pairing {
        Pairing::OURS => Peer::Ours,
        Pairing {
            frpc: Peer::Ours, ..
        } => Peer::Real,
        Pairing { .. } => Peer::Ours,
    };
    let Some(visitor) = other.binary(Role::Frpc).await? else {
        return Ok(());
    };
    let Some(internet) = Internet::new(near, far).await? else {
        return Ok(());
    };
    let at_home = SocketAddr::new(Internet::HOME.into(), SERVICE);
    let listener = internet.near.inside(|| TcpListener::bind(at_home))?;
    let _service = tcp_echo_on(listener)?;
    let dir = TempDir::new()?;
    let token = format!("auth.token = \"{}\"\n", random_hex(16)?);
    let frps_config = format!("bindPort = {SERVER}\n{token}");
    let launch = |place: &Namespace, name: &str, binary: &Path, text: &str| -> Result<Program> {
        let config = dir.write(&format!("{name}.toml"), text)?;
        place.start(name, binary, &["-c", &config.to_string_lossy()])
    };
    let mut server = launch(&internet.public, "frps", &frps, &frps_config)?;
    server.wait_for("frps started successfully", SOON).await?;
    let common = format!(
        "serverAddr = \"{}\"\nserverPort = {SERVER}\n{token}natHoleStunServer = \"{}\"\n",
        Internet::PUBLIC,
        Internet::STUN
    );
    let proxy = launch(&internet.near, "frpc", &frpc, &(common.clone() + &proxy()))?;
    proxy.wait_for("start proxy success", SOON).await?;
    let text = common + &door(protocol);
    let visitor = launch(&internet.far, "visitor", &visitor, &text)?;
    visitor.wait_for("start visitor success", SOON).await?;
    let echo = |seed, len| echo(&internet.far, seed, len);
    let met = eventually(MET, "an echo through the tunnel", || echo(1, 1000)).await;
    let logs = |error| {
        let (proxy, visitor) = (proxy.tail(), visitor.tail());
        Error::wrong(format!("{error}; frpc:\n{proxy}\nvisitor:\n{visitor}"))
    };
    met.map_err(logs)?;
    let line = "establishing nat hole connection successful";
    visitor.wait_for(line, SOON).await?;
    if pairing.is_ours() {
        // Users of a tunnel do not notice; what real peers do then is theirs.
        server.kill().await?;
    }
    echo(2, 1_000_000).await.map_err(logs)
}

fn proxy() -> String {
    format!(
        "\n[[proxies]]\nname = \"home\"\ntype = \"xtcp\"\nsecretKey = \"open\"\nlocalIP = \"{}\"\n\
         localPort = {SERVICE}\ntransport.useEncryption = true\n",
        Internet::HOME
    )
}

fn door(protocol: &str) -> String {
    format!(
        "\n[[visitors]]\nname = \"door\"\ntype = \"xtcp\"\nserverName = \"home\"\n\
         secretKey = \"open\"\nbindPort = {DOOR}\nprotocol = \"{protocol}\"\n\
         keepTunnelOpen = true\ntransport.useEncryption = true\n"
    )
}

/// One echo by a user of this home.
async fn echo(home: &Namespace, seed: u64, len: usize) -> Result {
    let at = crate::local(DOOR);
    let socket = home.inside(|| {
        let socket = StdStream::connect_timeout(&at, SOON)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })?;
    let socket = TcpStream::from_std(socket).map_err(Error::io("use a connection"))?;
    let echo = echo_over(socket, seed, len);
    culvert_kit::within(Duration::from_secs(25), "an echo", echo).await
}
