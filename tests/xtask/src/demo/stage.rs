//! The two programs of the demo, their configurations, and how to run the same by hand.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Error, Result},
    out::say,
};
use culvert_kit::{Program, TempDir, free_port, random_hex};

/// The name under which the page is published; `localhost` needs no name server.
pub(super) const SITE: &str = "localhost";

/// An orderly stop waits for connections in flight; the demo has none left by then.
const STOP: Duration = Duration::from_secs(10);

/// The public addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Public {
    pub(super) web: SocketAddr,
    pub(super) tcp: SocketAddr,
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) bind_port: u16,
    web_port: u16,
    tcp_port: u16,
    frps: Actor,
    frpc: Actor,
    _dir: TempDir,
}

/// One program with its configuration.
#[derive(Debug)]
struct Actor {
    binary: PathBuf,
    config: PathBuf,
    text: String,
    running: Option<Program>,
}

impl Actor {
    fn new(name: &str, bin: &Path, dir: &TempDir, text: String) -> Result<Self> {
        Ok(Self {
            binary: bin.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)),
            config: dir.write(&format!("{name}.toml"), &text)?,
            text,
            running: None,
        })
    }

    fn start(&mut self, name: &str) -> Result<&Program> {
        let args = ["-c", &self.config.to_string_lossy()];
        let program = Program::start(name, &self.binary, &args)?;
        Ok(self.running.insert(program))
    }

    /// Comes back only when the program has ended by itself, which it should not.
    async fn death(&mut self, name: &str) -> Result {
        let Some(program) = &mut self.running else {
            return std::future::pending().await;
        };
        let end = program.ended(Duration::MAX).await?;
        let code = end
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let tail = program.tail();
        Err(Error::found(format!(
            "{name} ended with {code}; its last lines:\n{tail}"
        )))
    }

    /// Asks the program to stop, and ends it when it does not.
    async fn stop(&mut self) {
        let Some(mut program) = self.running.take() else {
            return;
        };
        let asked = program.signal("TERM").await;
        if asked.is_err() || program.ended(STOP).await.is_err() {
            // It may have ended in between; then there is nothing to kill.
            drop(program.kill().await);
        }
    }
}

impl Stage {
    /// Chooses ports and a token and writes both configurations.
    pub(super) fn set(bin: &Path, page: SocketAddr, service: SocketAddr) -> Result<Self> {
        let (bind_port, web_port, tcp_port) = (free_port()?, free_port()?, free_port()?);
        let token = random_hex(24)?;
        let dir = TempDir::new()?;
        let frps = format!(
            "bindAddr = \"127.0.0.1\"\nbindPort = {bind_port}\nvhostHTTPPort = {web_port}\n\
             auth.token = \"{token}\"\n"
        );
        let frpc = format!(
            "serverAddr = \"127.0.0.1\"\nserverPort = {bind_port}\nauth.token = \"{token}\"\n\n\
             [[proxies]]\nname = \"web\"\ntype = \"http\"\nlocalIP = \"{}\"\nlocalPort = {}\n\
             customDomains = [\"{SITE}\"]\n\n\
             [[proxies]]\nname = \"tcp\"\ntype = \"tcp\"\nlocalIP = \"{}\"\nlocalPort = {}\n\
             remotePort = {tcp_port}\n",
            page.ip(),
            page.port(),
            service.ip(),
            service.port(),
        );
        Ok(Self {
            bind_port,
            web_port,
            tcp_port,
            frps: Actor::new("frps", bin, &dir, frps)?,
            frpc: Actor::new("frpc", bin, &dir, frpc)?,
            _dir: dir,
        })
    }

    /// Where users come in.
    pub(super) fn public(&self) -> Public {
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Public {
            web: local(self.web_port),
            tcp: local(self.tcp_port),
        }
    }

    /// Starts both programs and waits until they say that everything is published.
    pub(super) async fn start(&mut self, deadline: Duration) -> Result {
        let frps = self.frps.start("frps")?;
        frps.wait_for("frps started successfully", deadline).await?;
        let frpc = self.frpc.start("frpc")?;
        for name in ["web", "tcp"] {
            frpc.wait_for(&format!("[{name}] start proxy success"), deadline)
                .await?;
            say(&format!("published: {name}"));
        }
        Ok(())
    }

    /// Runs `work`, but ends with the log of whichever program dies first.
    pub(super) async fn until_death(&mut self, work: impl Future<Output = Result>) -> Result {
        // Ctrl-C in a terminal reaches the programs too; that is no death to report.
        tokio::select! {
            biased;
            done = work => done,
            dead = self.frps.death("frps") => dead,
            dead = self.frpc.death("frpc") => dead,
        }
    }

    /// Stops the client, then the server.
    pub(super) async fn stop(&mut self) {
        self.frpc.stop().await;
        self.frps.stop().await;
    }

    /// Prints the public addresses, the configurations, and the commands.
    pub(super) fn explain(&self, local: Option<&str>) {
        let service = local.unwrap_or("an echo service");
        say("\npublic addresses");
        say(&format!("  web page     http://{SITE}:{}/", self.web_port));
        say(&format!("  TCP service  {} ({service})", self.public().tcp));
        for actor in [&self.frps, &self.frpc] {
            say(&format!("\n{}", actor.config.display()));
            for line in actor.text.lines() {
                say(&format!("  {line}"));
            }
        }
        say(
            "\nthe same by hand, each in a terminal of its own (copy the two files: they go with the demo)",
        );
        for actor in [&self.frps, &self.frpc] {
            say(&format!(
                "  {} -c {}",
                actor.binary.display(),
                actor.config.display()
            ));
        }
        say("\nor with the files of this repository");
        say("  cargo run --release --bin frps -- -c conf/frps.toml");
        say("  cargo run --release --bin frpc -- -c conf/frpc.toml");
    }
}
