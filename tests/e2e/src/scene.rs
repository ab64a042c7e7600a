//! Sets the scene of a case: two configurations, two programs, and the wait until they serve.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use culvert_kit::{Program, Result, TempDir, connected, free_port, random_hex};

use crate::Pairing;

/// A deadline for things that take milliseconds, generous enough for a busy machine.
pub const SOON: Duration = Duration::from_secs(15);

/// Which fast paths our programs take.
const FAST_PATHS: &str = "CULVERT_FAST_PATHS";

/// What a case wants on its stage, before anything runs.
///
/// The token is random and given to both sides; `loginFailExit` is off, so that neither program
/// depends on the other's start. Everything else is the programs' default unless a case says so.
#[derive(Debug)]
pub struct Scene {
    binaries: (PathBuf, PathBuf),
    fast_paths: Option<&'static str>,
    dir: TempDir,
    bind_port: u16,
    server: String,
    client: String,
    proxies: String,
    names: Vec<String>,
}

/// Two running programs.
#[derive(Debug)]
pub struct Pair {
    /// The public side.
    pub frps: Program,
    /// The side beside the local services.
    pub frpc: Program,
    scene: Scene,
}

/// `port` of this machine.
#[must_use]
pub const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Scene {
    /// An empty stage for `pairing`, or `None` when its programs are not on this machine.
    ///
    /// # Errors
    /// When the system refuses a directory, a port or randomness.
    pub async fn new(pairing: Pairing) -> Result<Option<Self>> {
        let Some(binaries) = pairing.binaries().await? else {
            return Ok(None);
        };
        let bind_port = free_port()?;
        let token = random_hex(16)?;
        Ok(Some(Self {
            binaries,
            fast_paths: pairing.fast_paths,
            dir: TempDir::new()?,
            bind_port,
            server: format!("bindPort = {bind_port}\nauth.token = \"{token}\"\n"),
            client: format!(
                "serverAddr = \"127.0.0.1\"\nserverPort = {bind_port}\nauth.token = \"{token}\"\n"
            ),
            proxies: String::new(),
            names: Vec::new(),
        }))
    }

    /// The port on which frps awaits clients.
    #[must_use]
    pub const fn bind_port(&self) -> u16 {
        self.bind_port
    }

    /// The case's own directory, for certificates.
    #[must_use]
    pub const fn dir(&self) -> &TempDir {
        &self.dir
    }

    /// Takes the token out of both configurations.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        for text in [&mut self.server, &mut self.client] {
            let lines = text.lines().filter(|line| !line.starts_with("auth.token"));
            *text = lines.map(|line| format!("{line}\n")).collect();
        }
        self
    }

    /// Adds `lines` to the configuration of frps.
    #[must_use]
    pub fn server(mut self, lines: &str) -> Self {
        self.server += lines;
        self.server.push('\n');
        self
    }

    /// Adds `lines` to the configuration of frpc, above its proxies.
    #[must_use]
    pub fn client(mut self, lines: &str) -> Self {
        self.client += lines;
        self.client.push('\n');
        self
    }

    /// Adds a proxy for the local service at `to`.
    #[must_use]
    pub fn proxy(mut self, name: &str, kind: &str, to: SocketAddr, lines: &str) -> Self {
        let (ip, port) = (to.ip(), to.port());
        self.proxies += &format!(
            "\n[[proxies]]\nname = \"{name}\"\ntype = \"{kind}\"\nlocalIP = \"{ip}\"\n\
             localPort = {port}\n{lines}\n"
        );
        self.names.push(name.to_owned());
        self
    }

    /// Starts frps alone and waits until it accepts connections.
    ///
    /// # Errors
    /// When it does not come up; the end of its log is quoted.
    pub async fn start_frps(&self) -> Result<Program> {
        let frps = self.launch("frps", &self.binaries.0, &self.server)?;
        frps.wait_for("frps started successfully", SOON).await?;
        drop(connected(local(self.bind_port), SOON).await?);
        Ok(frps)
    }

    /// The same for an frps that says nothing on its console.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_unseen_frps(&self) -> Result<Program> {
        let frps = self.launch("frps", &self.binaries.0, &self.server)?;
        drop(connected(local(self.bind_port), SOON).await?);
        Ok(frps)
    }

    /// Starts frpc alone and waits for nothing. `extra` stands above its proxies.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub fn start_frpc(&self, extra: &str) -> Result<Program> {
        let text = format!("{}{extra}\n{}", self.client, self.proxies);
        self.launch("frpc", &self.binaries.1, &text)
    }

    /// Starts frpc alone, but against the server of another scene, whose token it does not know.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub fn start_frpc_at(&self, port: u16) -> Result<Program> {
        let own = format!("serverPort = {}", self.bind_port);
        let text = self.client.replace(&own, &format!("serverPort = {port}"));
        self.launch("frpc", &self.binaries.1, &text)
    }

    /// Starts both and waits until every proxy is registered.
    ///
    /// # Errors
    /// When either does not come up; the end of its log is quoted.
    pub async fn start(self) -> Result<Pair> {
        let frps = self.start_frps().await?;
        let frpc = self.start_frpc("loginFailExit = false")?;
        let pair = Pair {
            frps,
            frpc,
            scene: self,
        };
        pair.ready().await?;
        Ok(pair)
    }

    fn launch(&self, name: &str, binary: &Path, text: &str) -> Result<Program> {
        let config = self.dir.write(&format!("{name}.toml"), text)?;
        let args = ["-c", &*config.to_string_lossy()];
        match self.fast_paths {
            Some(words) => Program::start_with((FAST_PATHS, words), name, binary, &args),
            None => Program::start(name, binary, &args),
        }
    }
}

impl Pair {
    /// Waits until frpc has registered every proxy.
    ///
    /// # Errors
    /// When it does not happen soon; the end of the log is quoted.
    pub async fn ready(&self) -> Result {
        for name in &self.scene.names {
            let line = format!("[{name}] start proxy success");
            self.frpc.wait_for(&line, SOON).await?;
        }
        Ok(())
    }

    /// The scene that this pair plays.
    #[must_use]
    pub const fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Kills frps as `kill -9` does and starts it again with the same configuration.
    ///
    /// # Errors
    /// When it does not come up again, such as when its port is still held.
    pub async fn replace_frps(&mut self) -> Result {
        self.frps.kill().await?;
        self.frps = self.scene.start_frps().await?;
        Ok(())
    }

    /// Kills frpc as `kill -9` does and starts it again with the same configuration.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub async fn replace_frpc(&mut self) -> Result {
        self.frpc.kill().await?;
        self.frpc = self.scene.start_frpc("loginFailExit = false")?;
        Ok(())
    }
}
