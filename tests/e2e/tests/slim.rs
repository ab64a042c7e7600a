//! The smallest programs: what they are for works, and what they are without is said.

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use culvert_kit::{Program, Result, TempDir, echo_once, free_port, run, tcp_echo, within};

const SOON: Duration = Duration::from_secs(20);

/// Where programs built with `--no-default-features` are; `None`, and a word to the reader, where
/// nobody says so. `cargo xtask test` does.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn programs() -> Option<PathBuf> {
    let folder = std::env::var_os("CULVERT_SLIM_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: CULVERT_SLIM_DIR names no slim programs");
    }
    folder
}

#[tokio::test]
async fn tcp_over_tls_and_mux() -> Result {
    let Some(programs) = programs() else {
        return Ok(());
    };
    let (dir, echo) = (TempDir::new()?, tcp_echo().await?);
    let (bind, public) = (free_port()?, free_port()?);
    let server =
        format!("bindPort = {bind}\nauth.token = \"secret\"\ntransport.tls.force = true\n");
    let client = format!(
        "serverAddr = \"127.0.0.1\"\nserverPort = {bind}\nauth.token = \"secret\"\n\
         [[proxies]]\nname = \"echo\"\ntype = \"tcp\"\nlocalPort = {}\nremotePort = {public}\n",
        echo.port()
    );
    let start = |name: &str, text: &str| -> Result<Program> {
        let file = dir.write(&format!("{name}.toml"), text)?;
        Program::start(name, &programs.join(name), &["-c", &file.to_string_lossy()])
    };
    let frps = start("frps", &server)?;
    frps.wait_for("frps started successfully", SOON).await?;
    let frpc = start("frpc", &client)?;
    frpc.wait_for("[echo] start proxy success", SOON).await?;
    let to = (Ipv4Addr::LOCALHOST, public).into();
    within(SOON, "an echo", echo_once(to, 1, 1 << 20)).await
}

#[tokio::test]
async fn what_is_left_out_is_said() -> Result {
    let Some(programs) = programs() else {
        return Ok(());
    };
    let dir = TempDir::new()?;
    for (name, text, wanted) in [
        (
            "frps.toml",
            "quicBindPort = 7000\n",
            "frps.toml:1: quicBindPort is not supported by this build; it has no quic",
        ),
        (
            "frpc.toml",
            "serverAddr = \"x\"\ntransport.protocol = \"kcp\"\n",
            "frpc.toml:2: transport.protocol is not supported by this build; it has no kcp",
        ),
        (
            "frpc.toml",
            "serverAddr = \"x\"\ntransport.proxyURL = \"http://x:1\"\n",
            "frpc.toml:2: transport.proxyURL is not supported by this build; it has no proxy-url",
        ),
        (
            "frpc.toml",
            "serverAddr = \"x\"\n[[proxies]]\nname = \"u\"\ntype = \"udp\"\nlocalPort = 1\n",
            "proxies[0].type is not supported by this build; it has no udp",
        ),
        (
            "frpc.toml",
            "serverAddr = \"x\"\n[[visitors]]\nname = \"v\"\ntype = \"stcp\"\nserverName = \"s\"\n\
             bindPort = 1\n",
            "visitors[0].type is not supported by this build; it has no visitors",
        ),
        (
            "frpc.toml",
            "{{ .Envs.HOME }}\n",
            "this build has no templates",
        ),
        ("frpc.yaml", "serverAddr: x\n", "this build has no YAML"),
        (
            "frps.ini",
            "[common]\nbind_port = 7000\n",
            "this build has no formats",
        ),
    ] {
        let file = dir.write(name, text)?;
        let program = name.split('.').next().unwrap_or_default();
        let args = ["verify", "-c", &*file.to_string_lossy()];
        let end = run(program, &programs.join(program), &args, SOON).await?;
        assert_eq!(end.code, Some(1), "{text}: {}", end.text);
        assert!(end.text.contains(wanted), "{text}: {}", end.text);
    }
    Ok(())
}
