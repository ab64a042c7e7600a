//! The SSH gateway of frps, asked by OpenSSH.

use std::path::{Path, PathBuf};

use culvert_kit::{
    Error, Finished, Peer, Program, Result, echo_once, eventually, free_port, run, tcp_echo, tool,
    within,
};
use tokio::net::TcpStream;

use crate::{Pairing, SOON, Scene, local};

/// A gateway, and the program that asks it.
struct Stage {
    scene: Scene,
    _frps: Program,
    ssh: PathBuf,
    gateway: u16,
}

impl Stage {
    /// Starts frps with `lines`; `None` when a program is not here.
    async fn new(pairing: Pairing, lines: impl FnOnce(&Scene) -> String) -> Result<Option<Self>> {
        // frpc has no part in this, so our frps is tried once.
        if pairing.frps == Peer::Ours && pairing.frpc != Peer::Ours {
            return Ok(None);
        }
        let (Some(ssh), Some(scene)) = (tool("ssh"), Scene::new(pairing).await?) else {
            return Ok(None);
        };
        let gateway = free_port()?;
        let key = scene.dir().path().join("host_key");
        let lines = lines(&scene);
        let scene = scene.without_token().server(&format!(
            "auth.token = \"tok\"\nsshTunnelGateway.bindPort = {gateway}\n\
             sshTunnelGateway.autoGenPrivateKeyPath = '{}'\n{lines}",
            key.display()
        ));
        Ok(Some(Self {
            _frps: scene.start_frps().await?,
            scene,
            ssh,
            gateway,
        }))
    }

    /// The arguments of `ssh` that forward to `port` of this machine and run `command`.
    fn args(&self, port: u16, key: Option<&Path>, command: &str) -> Vec<String> {
        let quiet = "-n -o BatchMode=yes -o StrictHostKeyChecking=no \
                     -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentityAgent=none \
                     -o IdentitiesOnly=yes -F none";
        let mut args: Vec<String> = quiet.split_whitespace().map(str::to_owned).collect();
        args.extend(["-p".to_owned(), self.gateway.to_string()]);
        args.extend(["-R".to_owned(), format!(":80:127.0.0.1:{port}")]);
        let key = key.map_or_else(|| "/dev/null".into(), Path::to_string_lossy);
        args.extend(["-i".to_owned(), key.into_owned()]);
        args.extend(["v0@127.0.0.1".to_owned(), command.to_owned()]);
        args
    }

    fn start(&self, port: u16, key: Option<&Path>, command: &str) -> Result<Program> {
        let args = self.args(port, key, command);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Program::start("ssh", &self.ssh, &args)
    }

    /// Runs a command that ends by itself.
    async fn ask(&self, key: Option<&Path>, command: &str) -> Result<Finished> {
        let args = self.args(1, key, command);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run("ssh", &self.ssh, &args, SOON).await
    }

    /// A new key for `name`: where it is, and its line for a file of authorized keys.
    async fn key(&self, name: &str) -> Result<Option<(PathBuf, String)>> {
        let Some(keygen) = tool("ssh-keygen") else {
            return Ok(None);
        };
        let path = self.scene.dir().path().join(name);
        let file = path.to_string_lossy();
        let args = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &file];
        run("ssh-keygen", &keygen, &args, SOON).await?;
        let public = path.with_extension("pub");
        let line = std::fs::read_to_string(&public).map_err(Error::io("read a public key"))?;
        Ok(Some((path, line)))
    }
}

fn told(done: &Finished, words: &str) -> Result {
    if done.text.contains(words) {
        return Ok(());
    }
    Err(Error::wrong(format!("no {words:?} in {:?}", done.text)))
}

/// Users reach a service that OpenSSH publishes with a token, one after the other and many at
/// once; when `ssh` goes, so does the port. What is wrong is told.
///
/// # Errors
/// When an echo fails, the port stays, or a text is missing.
pub async fn with_a_token(pairing: Pairing) -> Result {
    let Some(stage) = Stage::new(pairing, |_| String::new()).await? else {
        return Ok(());
    };
    let (echo, remote) = (tcp_echo().await?, free_port()?);
    let command = format!("tcp --token tok --remote_port {remote} --proxy_name p");
    let mut ssh = stage.start(echo.port(), None, &command)?;
    ssh.wait_for(&format!("RemoteAddress: :{remote}"), SOON)
        .await?;
    if ssh.count("ProxyName: p") != 1 || ssh.count("Type: tcp") != 1 {
        return Err(Error::wrong(format!(
            "not told what is open: {}",
            ssh.tail()
        )));
    }
    within(SOON, "an echo", echo_once(local(remote), 1, 100_000)).await?;
    let mut all = tokio::task::JoinSet::new();
    for seed in 0..20 {
        all.spawn(within(
            SOON,
            "an echo",
            echo_once(local(remote), seed, 50_000),
        ));
    }
    for echoed in all.join_all().await {
        echoed?;
    }
    for (command, words) in [
        ("tcp --token bad", "token in login doesn't match token"),
        ("tcp --bogus", "unknown flag: --bogus"),
        ("udp", "invalid proxy type: udp"),
        ("tcp --help", "--remote-port"),
        (&*command, "proxy [p] already exists"),
    ] {
        told(&stage.ask(None, command).await?, words)?;
    }
    ssh.kill().await?;
    eventually(SOON, "the port is closed", || async {
        match TcpStream::connect(local(remote)).await {
            Err(_) => Ok(()),
            Ok(_) => Err(Error::wrong("it still accepts")),
        }
    })
    .await
}

/// With a file of authorized keys, a key takes the place of the token and its comment is the user.
/// Nobody else comes in; who is taken out of the file does not either.
///
/// # Errors
/// When somebody is taken for somebody else.
pub async fn with_a_key(pairing: Pairing) -> Result {
    let file = |scene: &Scene| scene.dir().path().join("authorized_keys");
    let lines = |scene: &Scene| {
        format!(
            "sshTunnelGateway.authorizedKeysFile = '{}'",
            file(scene).display()
        )
    };
    let Some(stage) = Stage::new(pairing, lines).await? else {
        return Ok(());
    };
    let (Some((alice, line)), Some((mallory, _))) =
        (stage.key("alice").await?, stage.key("mallory").await?)
    else {
        return Ok(());
    };
    stage.scene.dir().write("authorized_keys", &line)?;
    let (echo, remote) = (tcp_echo().await?, free_port()?);
    let command = format!("tcp --remote_port {remote}");
    let ssh = stage.start(echo.port(), Some(&alice), &command)?;
    ssh.wait_for("User: alice", SOON).await?;
    within(SOON, "an echo", echo_once(local(remote), 2, 1000)).await?;
    told(
        &stage.ask(Some(&mallory), &command).await?,
        "Permission denied",
    )?;
    told(&stage.ask(None, &command).await?, "Permission denied")?;
    stage.scene.dir().write("authorized_keys", "# nobody\n")?;
    told(
        &stage.ask(Some(&alice), &command).await?,
        "Permission denied",
    )?;
    Ok(())
}
