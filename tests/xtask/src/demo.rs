//! A working tunnel on this machine: build, start, publish, prove, stay up.

mod stage;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use culvert_kit::{echo_once, http_get, tcp_echo, web, within};
use tokio::{io::AsyncReadExt, net::TcpStream, time};

use crate::{
    cargo::{cargo, shown},
    error::{Error, Result},
    out::say,
};
use stage::{Public, SITE, Stage};

/// Both programs are up in well under a second; this is for a machine in trouble.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a service that waits for its user to speak must have stayed open to count as reached.
const QUIET: Duration = Duration::from_secs(1);

const PAGE: &str = "<!doctype html><title>Culvert</title><h1>Hello through the tunnel</h1>\n";

/// Build both programs, publish a web page and a TCP service, prove both, stay up until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Publish your own TCP service instead of an echo service
    #[arg(long, value_name = "HOST:PORT")]
    local: Option<String>,
    /// Stop after the proof instead of staying up
    #[arg(long)]
    once: bool,
}

impl Args {
    /// The demo as a test.
    pub(crate) const fn once() -> Self {
        Self {
            local: None,
            once: true,
        }
    }
}

pub(crate) async fn run(args: Args) -> Result {
    let bin = programs().await?;
    let page = web(PAGE).await?;
    let echo = tcp_echo().await?;
    let service = match &args.local {
        Some(name) => resolve(name).await?,
        None => echo.addr(),
    };
    let mut stage = Stage::set(&bin, page.addr(), service)?;
    say(&format!(
        "starting frps on port {} and frpc",
        stage.bind_port
    ));
    let shown = show(&mut stage, &args).await;
    say("stopping frpc and frps");
    stage.stop().await;
    shown
}

/// Builds both programs and tells where they are; `CULVERT_BIN_DIR` names others, already built.
async fn programs() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("CULVERT_BIN_DIR") {
        return Ok(dir.into());
    }
    say("building frps and frpc (the first time takes a minute or two)");
    let build = [
        "build",
        "--release",
        "--package",
        "frps",
        "--package",
        "frpc",
    ];
    shown("cargo build --release", &mut cargo(&build)).await?;
    Ok(crate::test::release_dir().into())
}

/// Everything between the start of the programs and their end.
async fn show(stage: &mut Stage, args: &Args) -> Result {
    stage.start(PATIENCE).await?;
    let local = args.local.as_deref();
    let public = stage.public();
    stage.until_death(prove(public, local)).await?;
    stage.explain(local);
    if args.once {
        return Ok(());
    }
    say("\nup until Ctrl-C");
    stage.until_death(interrupted()).await
}

/// The address of a service that somebody else runs, which must be up.
async fn resolve(name: &str) -> Result<SocketAddr> {
    let what = format!("nothing accepts connections at {name}; start your service first");
    let socket = within(PATIENCE, &what, async {
        TcpStream::connect(name)
            .await
            .map_err(culvert_kit::Error::io(what.as_str()))
    })
    .await?;
    socket
        .peer_addr()
        .map_err(Error::io("ask for the service's address"))
}

/// Sends a request through each tunnel and compares what comes back.
async fn prove(public: Public, local: Option<&str>) -> Result {
    let answer = http_get(public.web, SITE, "/").await?;
    if (answer.status, answer.body.as_str()) != (200, PAGE) {
        return Err(Error::found(format!(
            "the web page came back as {answer:?}"
        )));
    }
    say("proved: the web page came through the tunnel unchanged");
    match local {
        None => {
            let what = "the echo of a mebibyte through the tunnel";
            within(PATIENCE, what, echo_once(public.tcp, 1, 1 << 20)).await?;
            say("proved: a mebibyte of random bytes was echoed through the tunnel unchanged");
        }
        Some(name) => {
            reaches(public.tcp).await?;
            say(&format!(
                "proved: a connection through the tunnel reached {name}"
            ));
        }
    }
    Ok(())
}

/// Proves that a connection through the tunnel stays open: frps closes it at once when the service
/// behind it cannot be reached. A service that speaks first is reached too.
async fn reaches(tcp: SocketAddr) -> Result {
    let what = format!("connect to {tcp}");
    let mut user = TcpStream::connect(tcp).await.map_err(Error::io(what))?;
    match time::timeout(QUIET, user.read(&mut [0; 1])).await {
        Ok(Ok(0)) => Err(Error::found(
            "the service behind the tunnel closed the connection",
        )),
        Ok(Err(e)) => Err(Error::io("read through the tunnel")(e)),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Waits for Ctrl-C or a request to terminate.
async fn interrupted() -> Result {
    let ctrl_c = async {
        tokio::signal::ctrl_c()
            .await
            .map_err(Error::io("listen for Ctrl-C"))
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate =
            signal(SignalKind::terminate()).map_err(Error::io("listen for SIGTERM"))?;
        tokio::select! {
            done = ctrl_c => done,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    ctrl_c.await
}
