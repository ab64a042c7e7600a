//! The two programs carry a tunnel over the transport that was added to them.

use std::{path::Path, time::Duration};

use culvert_kit::{Program, Result, TempDir, echo_once, free_port, run, tcp_echo, within};

const SOON: Duration = Duration::from_secs(20);

const FRPS: &str = env!("CARGO_BIN_EXE_frps-carrier");
const FRPC: &str = env!("CARGO_BIN_EXE_frpc-carrier");

fn server(bind: u16, carrier: u16, key: &str) -> String {
    format!(
        "bindPort = {bind}\nauth.token = \"secret\"\ntransport.carrier.key = \"{key}\"\n\
         [[listeners]]\ntransport = \"carrier\"\nbind = \"127.0.0.1:{carrier}\"\n"
    )
}

fn client(port: u16, key: &str) -> String {
    format!(
        "serverAddr = \"127.0.0.1\"\nserverPort = {port}\nauth.token = \"secret\"\n\
         transport.protocol = \"carrier\"\ntransport.carrier.key = \"{key}\"\n"
    )
}

fn start(dir: &TempDir, name: &str, binary: &str, text: &str) -> Result<Program> {
    let file = dir.write(&format!("{name}.toml"), text)?;
    Program::start(name, Path::new(binary), &["-c", &file.to_string_lossy()])
}

#[tokio::test]
async fn a_tunnel_over_the_carrier() -> Result {
    let dir = TempDir::new()?;
    let echo = tcp_echo().await?;
    let (bind, carrier, public) = (free_port()?, free_port()?, free_port()?);
    for (mux, tls) in [(true, true), (true, false), (false, true), (false, false)] {
        let layers = format!("transport.tcpMux = {mux}\n");
        let frps = start(
            &dir,
            "frps",
            FRPS,
            &(layers.clone() + &server(bind, carrier, "k")),
        )?;
        frps.wait_for("frps started successfully", SOON).await?;
        assert_eq!(
            frps.count(&format!("frps carrier listen on 127.0.0.1:{carrier}")),
            1
        );
        let text = layers
            + &format!("transport.tls.enable = {tls}\n")
            + &client(carrier, "k")
            + &format!(
                "[[proxies]]\nname = \"echo\"\ntype = \"tcp\"\nlocalPort = {}\nremotePort = {public}\n",
                echo.port()
            );
        let mut frpc = start(&dir, "frpc", FRPC, &text)?;
        frpc.wait_for("[echo] start proxy success", SOON).await?;
        let to = (std::net::Ipv4Addr::LOCALHOST, public).into();
        within(SOON, "an echo over the carrier", echo_once(to, 1, 1 << 20)).await?;
        drop(frps);
        frpc.kill().await?;
    }
    Ok(())
}

#[tokio::test]
async fn another_key_ends_the_first_login() -> Result {
    let dir = TempDir::new()?;
    let (bind, carrier) = (free_port()?, free_port()?);
    let frps = start(&dir, "frps", FRPS, &server(bind, carrier, "one"))?;
    frps.wait_for("frps started successfully", SOON).await?;
    let mut frpc = start(&dir, "frpc", FRPC, &client(carrier, "two"))?;
    let end = frpc.ended(SOON).await?;
    assert_eq!(end.code, Some(1), "{}", end.text);
    assert!(
        end.text.contains("login to the server failed"),
        "{}",
        end.text
    );
    frps.wait_for("has another key", SOON).await
}

#[tokio::test]
async fn the_programs_know_their_transport() -> Result {
    let dir = TempDir::new()?;
    let good = dir.write("good.toml", &client(1, "k"))?;
    let end = run(
        "frpc",
        Path::new(FRPC),
        &["verify", "-c", &good.to_string_lossy()],
        SOON,
    )
    .await?;
    assert_eq!(end.code, Some(0), "{}", end.text);
    let bad = dir.write("bad.toml", "transport.protocol = \"other\"\n")?;
    let end = run(
        "frpc",
        Path::new(FRPC),
        &["verify", "-c", &bad.to_string_lossy()],
        SOON,
    )
    .await?;
    assert_eq!(end.code, Some(1), "{}", end.text);
    assert!(end.text.contains("which has carrier,"), "{}", end.text);
    Ok(())
}
