//! `init`: the files that it writes are run as they are.

use culvert_e2e::{Pairing, SOON, local};
use culvert_kit::{Peer, Program, Result, Role, TempDir, echo_once, free_port, run, tcp_echo};

#[tokio::test]
async fn the_first_files_carry_a_tunnel_with_ours_and_with_real_frp() -> Result {
    for pairing in [Pairing::OURS, Pairing::OUR_SERVER, Pairing::OUR_CLIENT] {
        let Some((frps, frpc)) = pairing.binaries().await? else {
            continue;
        };
        for role in [Role::Frps, Role::Frpc] {
            let (dir, echo) = (TempDir::new()?, tcp_echo().await?);
            let (port, remote) = (free_port()?, free_port()?);
            let folder = dir.path().to_string_lossy().into_owned();
            let service = format!("echo:tcp:{}:{remote}", echo.port());
            let port = port.to_string();
            let binary = Peer::Ours.binary(role).await?.unwrap();
            let flags = [
                "--server",
                "127.0.0.1",
                "--port",
                &port,
                "--proxy",
                &service,
            ];
            let args = [&["init", "--folder", &folder], flags.as_slice()].concat();
            let done = run(role.name(), &binary, &args, SOON).await?;
            assert_eq!(done.code, Some(0), "{}", done.text);
            assert!(done.text.contains("Next:"), "{}", done.text);
            let start = |name: &str, binary, half: &str| {
                let file = format!("{name}.toml");
                let folder = dir.path().join(half);
                Program::start_in(&folder, name, binary, &["-c", &file])
            };
            let server = start("frps", &frps, "server")?;
            server.wait_for("frps started successfully", SOON).await?;
            let client = start("frpc", &frpc, "client")?;
            client.wait_for("start proxy success", SOON).await?;
            echo_once(local(remote), 1, 4096).await?;
            let done = run(role.name(), &binary, &args, SOON).await?;
            assert_eq!(done.code, Some(1));
            assert!(done.text.contains("is there already"), "{}", done.text);
        }
    }
    Ok(())
}
