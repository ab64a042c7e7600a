//! `--config-dir`, and what a running frpc can be asked.

use culvert_e2e::{Pairing, SOON, local};
use culvert_kit::{Peer, Program, Result, Role, TempDir, echo_once, free_port, run, tcp_echo};

#[tokio::test]
async fn every_file_of_a_folder_has_its_client_and_log() -> Result {
    for pairing in [Pairing::OURS, Pairing::OUR_SERVER, Pairing::OUR_CLIENT] {
        let Some((frps, frpc)) = pairing.binaries().await? else {
            continue;
        };
        let (dir, echo) = (TempDir::new()?, tcp_echo().await?);
        let (port, first, second) = (free_port()?, free_port()?, free_port()?);
        let server = dir.write("frps.toml", &format!("bindPort = {port}\n"))?;
        let server = Program::start("frps", &frps, &["-c", &server.to_string_lossy()])?;
        server.wait_for("frps started successfully", SOON).await?;
        for (name, remote) in [("a.toml", first), ("in/b.toml", second)] {
            let text = format!(
                "serverPort = {port}\n[[proxies]]\nname = \"p{remote}\"\ntype = \"tcp\"\n\
                 localPort = {}\nremotePort = {remote}\n",
                echo.port()
            );
            dir.write(&format!("clients/{name}"), &text)?;
        }
        dir.write("clients/c.toml", "serverPort = \"seven\"\n")?;
        let folder = dir.path().join("clients");
        let folder = folder.to_string_lossy();
        let clients = Program::start("frpc", &frpc, &["--config_dir", &folder])?;
        clients
            .wait_for_count("start proxy success", 2, SOON)
            .await?;
        let wrong = format!("frpc service error for config file [{folder}/c.toml]");
        clients.wait_for(&wrong, SOON).await?;
        echo_once(local(first), 1, 4096).await?;
        echo_once(local(second), 1, 4096).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_with_nothing_to_run_is_no_failure() -> Result {
    let dir = TempDir::new()?;
    dir.write("bad.toml", "serverPort = \"seven\"\n")?;
    let folder = dir.path().to_string_lossy().into_owned();
    for peer in [Peer::Ours, Peer::Real] {
        let Some(frpc) = peer.binary(Role::Frpc).await? else {
            continue;
        };
        let done = run("frpc", &frpc, &["--config-dir", &folder], SOON).await?;
        assert_eq!(done.code, Some(0), "{}", done.text);
        assert!(done.text.contains("frpc service error for config file ["));
        let done = run("frpc", &frpc, &["--config-dir", "/no/such/folder"], SOON).await?;
        assert_eq!((done.code, done.text.as_str()), (Some(0), ""));
    }
    Ok(())
}

#[tokio::test]
async fn a_running_frpc_tells_reloads_and_stops() -> Result {
    // Ours asks ours, ours asks real frp, and real frp asks ours.
    for (asked, asking) in [
        (Peer::Ours, Peer::Ours),
        (Peer::Real, Peer::Ours),
        (Peer::Ours, Peer::Real),
    ] {
        let (Some(frps), Some(frpc), Some(asking)) = (
            Peer::Ours.binary(Role::Frps).await?,
            asked.binary(Role::Frpc).await?,
            asking.binary(Role::Frpc).await?,
        ) else {
            continue;
        };
        let (dir, echo) = (TempDir::new()?, tcp_echo().await?);
        let (port, web, before, after) = (free_port()?, free_port()?, free_port()?, free_port()?);
        let server = dir.write("frps.toml", &format!("bindPort = {port}\n"))?;
        let server = Program::start("frps", &frps, &["-c", &server.to_string_lossy()])?;
        server.wait_for("frps started successfully", SOON).await?;
        let text = |remote: u16| {
            format!(
                "serverAddr = \"127.0.0.1\"\nserverPort = {port}\nwebServer.port = {web}\n\
                 webServer.user = \"me\"\nwebServer.password = \"it\"\n[[proxies]]\nname = \"one\"\n\
                 type = \"tcp\"\nlocalPort = {}\nremotePort = {remote}\n",
                echo.port()
            )
        };
        let file = dir.write("frpc.toml", &text(before))?;
        let file = file.to_string_lossy();
        let mut client = Program::start("frpc", &frpc, &["-c", &file])?;
        client.wait_for("start proxy success", SOON).await?;
        let ask = async |what: &str| run("frpc", &asking, &[what, "-c", &file], SOON).await;
        let done = ask("status").await?;
        let row = format!("one   running  127.0.0.1:{}", echo.port());
        for word in [
            "Proxy Status...",
            "TCP",
            "Name  Status ",
            &row,
            &format!(":{before}"),
        ] {
            assert!(done.text.contains(word), "no {word:?} in {}", done.text);
        }
        dir.write("frpc.toml", &text(after))?;
        let done = ask("reload").await?;
        assert_eq!((done.code, done.text.as_str()), (Some(0), "reload success"));
        client
            .wait_for_count("start proxy success", 2, SOON)
            .await?;
        echo_once(local(after), 1, 4096).await?;
        let done = ask("stop").await?;
        assert_eq!((done.code, done.text.as_str()), (Some(0), "stop success"));
        assert_eq!(client.ended(SOON).await?.code, Some(0));
        let done = ask("status").await?;
        assert_eq!(done.code, Some(1));
        let said = format!(
            "Get \"http://127.0.0.1:{web}/api/status\": dial tcp 127.0.0.1:{web}: connect: \
             connection refused"
        );
        assert_eq!(done.text, said);
    }
    Ok(())
}

#[tokio::test]
async fn without_a_web_server_there_is_nobody_to_ask() -> Result {
    let dir = TempDir::new()?;
    let file = dir.write("frpc.toml", "")?;
    let file = file.to_string_lossy();
    for peer in [Peer::Ours, Peer::Real] {
        let Some(frpc) = peer.binary(Role::Frpc).await? else {
            continue;
        };
        for what in ["status", "reload", "stop"] {
            let done = run("frpc", &frpc, &[what, "-c", &file], SOON).await?;
            let said = "web server port should be set if you want to use this feature";
            assert_eq!((done.code, done.text.as_str()), (Some(1), said));
        }
    }
    Ok(())
}
