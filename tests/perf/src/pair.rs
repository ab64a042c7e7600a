//! A running pair of programs, and what it takes from the system.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use culvert_kit::{Error, Link, Program, Result, TempDir, Usage, eventually};
use tokio::{task, time::Instant};

use crate::{
    load::{self, Load, Seen, Target, Work},
    row::CLIENTS,
    system::Binaries,
    variant::{Ports, Variant},
};

/// A deadline for what takes far less, even on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// How long one try of a first request may take.
const TRY: Duration = Duration::from_millis(50);

/// Clock ticks in a second (proc(5)).
pub(crate) const TICKS: f64 = 100.0;

/// A pair that publishes services.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) frps: Program,
    pub(crate) frpc: Program,
    /// Where users come in.
    pub(crate) at: Target,
    dir: TempDir,
    server: String,
    ports: Ports,
    variant: Variant,
}

/// What both programs took so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// Seconds.
    pub(crate) cpu: f64,
    /// KiB resident, now and at most.
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

impl Spent {
    fn add(self, usage: Usage) -> Self {
        let kib = |bytes: Option<u64>| bytes.unwrap_or_default() as f64 / 1024.0;
        Self {
            cpu: self.cpu + usage.cpu_ticks.unwrap_or_default() as f64 / TICKS,
            resident: self.resident + kib(usage.rss),
            peak: self.peak + kib(usage.peak),
        }
    }
}

impl Pair {
    /// Starts both programs, on `link` or on loopback, and waits for nothing.
    ///
    /// # Errors
    /// When they cannot be started.
    pub(crate) async fn start(
        programs: &Binaries,
        variant: Variant,
        services: Target,
        link: Option<&Link>,
    ) -> Result<Self> {
        let (dir, ports) = (TempDir::new()?, Ports::free()?);
        let (bind, server) = match link {
            Some(_) => ("0.0.0.0", Link::NEAR.to_string()),
            None => ("127.0.0.1", "127.0.0.1".to_owned()),
        };
        let frps = dir.write("frps.toml", &variant.server(bind, ports))?;
        let client = variant.client(&server, ports);
        let proxies = variant.proxies(services, ports);
        let text = format!("{client}log.level = \"error\"\n{proxies}");
        let frpc = dir.write("frpc.toml", &text)?;
        let (frps, frpc) = (frps.to_string_lossy(), frpc.to_string_lossy());
        let (frps, frpc) = (["-c", &*frps], ["-c", &*frpc]);
        let (frps, frpc) = match link {
            None => {
                let frps = Program::start("frps", &programs.frps, &frps)?;
                listening(ports.bind).await?;
                (frps, Program::start("frpc", &programs.frpc, &frpc)?)
            }
            Some(link) => {
                let frps = link.near.start("frps", &programs.frps, &frps)?;
                listening_on(link, ports.bind).await?;
                (frps, link.far.start("frpc", &programs.frpc, &frpc)?)
            }
        };
        Ok(Self {
            frps,
            frpc,
            at: Target {
                tcp: local(ports.tcp),
                udp: local(ports.udp),
                http: local(ports.http),
            },
            dir,
            server,
            ports,
            variant,
        })
    }

    /// Waits until a request comes back through the tunnel, and tells how long that took.
    /// `ask` does one load, where users are.
    ///
    /// # Errors
    /// When it does not happen within `deadline`; the logs are quoted.
    pub(crate) async fn ready(
        &self,
        deadline: Duration,
        ask: impl AsyncFn(Load, Target, Duration) -> Result<Seen>,
    ) -> Result<Duration> {
        let begun = Instant::now();
        let one = Load {
            work: Work::Requests,
            users: 1,
        };
        let came_back = eventually(deadline, "a request through the tunnel", async || {
            let seen = ask(one, self.at, TRY).await?;
            match seen.first_error {
                None if !seen.times.is_empty() => Ok(()),
                error => Err(Error::wrong(error.unwrap_or_default())),
            }
        });
        came_back.await.map_err(|late| {
            let (frps, frpc) = (self.frps.tail(), self.frpc.tail());
            Error::wrong(format!("{late}; the logs end:\n{frps}\n\n{frpc}"))
        })?;
        Ok(begun.elapsed())
    }

    /// What both took so far.
    pub(crate) fn spent(&self) -> Spent {
        let frps = Spent::default().add(self.frps.usage());
        frps.add(self.frpc.usage())
    }

    /// What the server alone took so far.
    pub(crate) fn server_spent(&self) -> Spent {
        Spent::default().add(self.frps.usage())
    }

    /// Starts one program with [`CLIENTS`] more clients of the server, each with one proxy that
    /// takes no port, and waits until all are registered.
    ///
    /// # Errors
    /// When they are not soon.
    pub(crate) async fn crowd(&self, programs: &Binaries) -> Result<Program> {
        let client = self.variant.client(&self.server, self.ports);
        for n in 0..CLIENTS {
            let text = format!(
                "{client}[[proxies]]\nname = \"idle{n}\"\ntype = \"stcp\"\nsecretKey = \"{n}\"\n\
                 localPort = {}\n",
                self.ports.tcp
            );
            self.dir.write(&format!("clients/{n}.toml"), &text)?;
        }
        let folder = self.dir.path().join("clients");
        let args = ["--config-dir", &folder.to_string_lossy()];
        let clients = Program::start("clients", &programs.frpc, &args)?;
        let text = "start proxy success";
        clients.wait_for_count(text, CLIENTS, 2 * SOON).await?;
        Ok(clients)
    }

    /// Ends both.
    pub(crate) async fn stop(mut self) {
        // What has ended by itself has been noticed by whoever used it.
        drop(self.frpc.kill().await);
        drop(self.frps.kill().await);
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Waits until something listens on `port`.
async fn listening(port: u16) -> Result {
    culvert_kit::connected(local(port), SOON).await.map(drop)
}

/// The same at the near end of `link`.
async fn listening_on(link: &Link, port: u16) -> Result {
    let connect = || TcpStream::connect(local(port));
    let attempt = async || link.near.inside(connect).map(drop);
    eventually(SOON, "a server at the end of a link", attempt).await
}

/// Runs a load from this network on a thread of its own.
///
/// # Errors
/// When it cannot run at all.
pub(crate) async fn ask(load: Load, at: Target, lasting: Duration) -> Result<Seen> {
    let done = task::spawn_blocking(move || load::run(load, at, lasting)).await;
    let done = done.map_err(|e| Error::wrong(e.to_string()))?;
    done.map_err(Error::io("run a load"))
}
