//! `nathole discover`: how others see this machine, for those who want to use xtcp (upstream:
//! cmd/frpc/sub/nathole.go).

use std::net::{Ipv4Addr, SocketAddrV4};

use clap::{Args, Command, Subcommand};
use culvert_conf::ClientConfig;
use culvert_program::{Failure, help, say};
use culvert_proxies::xtcp::{Discovered, discover};

/// The server that is asked where nobody names one (config 1.2).
const STUN_SERVER: &str = "stun.easyvoip.com:3478";

/// The words and flags of `nathole`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Nathole {
    /// The STUN server to ask; default the file's natHoleStunServer.
    #[arg(long = "nat-hole-stun-server", global = true, value_name = "HOST:PORT")]
    stun_server: Option<String>,

    /// The address to ask from; default one that the system chooses.
    #[arg(
        short = 'l',
        long = "nat-hole-local-addr",
        global = true,
        value_name = "ADDRESS:PORT",
        value_parser = local
    )]
    local: Option<SocketAddrV4>,

    #[command(subcommand)]
    what: Option<What>,

    #[arg(hide = true)]
    _unused: Vec<String>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum What {
    /// Ask a STUN server, and say what it saw.
    Discover,
}

/// An address with a port, or one of the two (Go `net.ResolveUDPAddr`).
fn local(text: &str) -> Result<SocketAddrV4, &'static str> {
    let any = Ipv4Addr::UNSPECIFIED;
    let wrong = "write an IPv4 address and a port, such as 192.0.2.1:4000";
    if text.is_empty() {
        return Ok(SocketAddrV4::new(any, 0));
    }
    let (ip, port) = text.rsplit_once(':').ok_or(wrong)?;
    let ip = if ip.is_empty() { Ok(any) } else { ip.parse() };
    let port = port.parse().map_err(|_| wrong)?;
    Ok(SocketAddrV4::new(ip.map_err(|_| wrong)?, port))
}

impl Nathole {
    /// Says what is found; `config` is the file's, if it is right.
    pub(crate) fn run(
        &self,
        config: Option<ClientConfig>,
        command: Command,
    ) -> Result<(), Failure> {
        if self.what.is_none() {
            return Ok(help(command, &["nathole"])?);
        }
        let given = self.stun_server.clone().filter(|server| !server.is_empty());
        let server = given.unwrap_or_else(|| {
            config.map_or_else(|| STUN_SERVER.to_owned(), |c| c.nat_hole_stun_server)
        });
        let local = self
            .local
            .unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let found = runtime.block_on(discover(&server, local))?;
        say(&text(&server, &found));
        // A name look-up cannot be interrupted; do not wait for it.
        runtime.shutdown_background();
        Ok(())
    }
}

fn text(server: &str, found: &Discovered) -> String {
    let mapped: Vec<_> = found.mapped.iter().map(ToString::to_string).collect();
    format!(
        "STUN server: {server}\nYour NAT type is: {}\nBehavior is: {}\n\
         External address is: [{}]\nLocal address is: {}\nPublic Network: {}",
        found.nat.kind(),
        found.nat.change,
        mapped.join(" "),
        found.local,
        found.nat.public,
    )
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_local_address_may_be_a_port_only() {
        assert_eq!(local("").unwrap().to_string(), "0.0.0.0:0");
        assert_eq!(local(":4000").unwrap().to_string(), "0.0.0.0:4000");
        assert_eq!(local("192.0.2.1:0").unwrap().to_string(), "192.0.2.1:0");
        assert!(local("192.0.2.1").is_err());
        assert!(local("host:1").is_err());
    }
}
