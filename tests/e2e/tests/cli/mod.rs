//! What an operator meets at the command line: versions, `verify`, help, mistakes and signals.

mod first;
mod folder;
mod single;
mod words;

use culvert_e2e::{Pairing, SOON, Scene, local};
use culvert_kit::{
    Error, Finished, Peer, Program, Result, Role, TempDir, connected, echo_once, free_port, run,
    tcp_echo,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ROLES: [Role; 2] = [Role::Frps, Role::Frpc];

async fn ask(role: Role, args: &[&str]) -> Result<Finished> {
    let binary = Peer::Ours.binary(role).await?;
    let binary = binary.ok_or_else(|| Error::wrong("our program is missing"))?;
    run(role.name(), &binary, args, SOON).await
}

fn assert_said(done: &Finished, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}", done.text);
    for word in words {
        assert!(done.text.contains(word), "no {word:?} in: {}", done.text);
    }
}

/// Writes a configuration and runs the program with `args` and its path.
async fn with_config(role: Role, args: &[&str], text: &str) -> Result<Finished> {
    let dir = TempDir::new()?;
    let path = dir
        .write("given.toml", text)?
        .to_string_lossy()
        .into_owned();
    let mut args = args.to_vec();
    args.push(&path);
    ask(role, &args).await
}

#[tokio::test]
async fn version_is_that_of_the_frp_that_is_replaced() -> Result {
    for role in ROLES {
        for flag in ["-v", "--version"] {
            let done = ask(role, &[flag]).await?;
            assert_said(&done, 0, &["0.70.1"]);
            assert_eq!(done.text.trim(), "0.70.1");
        }
    }
    Ok(())
}

#[tokio::test]
async fn help_names_the_flags() -> Result {
    for role in ROLES {
        for flag in ["--help", "-h"] {
            assert_said(
                &ask(role, &[flag]).await?,
                0,
                &["--config", "--version", "verify"],
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn verify_accepts_the_sample_files() -> Result {
    for role in ROLES {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let sample = format!("{root}/conf/{}.toml", role.name());
        let done = ask(role, &["verify", "-c", &sample]).await?;
        let said = format!(
            "{}: the configuration file {sample} syntax is ok",
            role.name()
        );
        assert_said(&done, 0, &[&said]);
    }
    Ok(())
}

#[tokio::test]
async fn verify_refuses_what_would_not_run() -> Result {
    let unknown = with_config(Role::Frps, &["verify", "-c"], "bindPrt = 7000\n").await?;
    assert_said(&unknown, 1, &["bindPrt"]);
    let wrong_type = with_config(Role::Frpc, &["verify", "-c"], "serverPort = \"x\"\n").await?;
    assert_said(&wrong_type, 1, &["serverPort"]);
    let no_toml = with_config(Role::Frpc, &["verify", "-c"], "serverPort = = 3\n").await?;
    assert_said(&no_toml, 1, &["given.toml"]);
    Ok(())
}

#[tokio::test]
async fn a_bad_configuration_is_told_with_file_and_key() -> Result {
    let done = with_config(Role::Frps, &["-c"], "bindPort = 7000\nbindPrt = 7000\n").await?;
    assert_said(&done, 1, &["given.toml", "bindPrt"]);
    let done = with_config(Role::Frpc, &["-c"], "serverPort = \"seven\"\n").await?;
    assert_said(&done, 1, &["given.toml", "serverPort"]);
    Ok(())
}

#[tokio::test]
async fn a_missing_file_is_told_by_name() -> Result {
    for role in ROLES {
        let done = ask(role, &["-c", "no-such-file.toml"]).await?;
        assert_said(&done, 1, &["no-such-file.toml"]);
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_flag_is_refused() -> Result {
    for role in ROLES {
        assert_said(
            &ask(role, &["--no-such-flag"]).await?,
            1,
            &["--no-such-flag"],
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_fast_path_that_does_not_exist_is_told_with_those_that_do() -> Result {
    for role in ROLES {
        let binary = Peer::Ours.binary(role).await?;
        let binary = binary.ok_or_else(|| Error::wrong("our program is missing"))?;
        let variable = ("CULVERT_FAST_PATHS", "-gso,slow");
        let program = Program::start_with(variable, role.name(), &binary, &["-c", "none.toml"]);
        let said = ["CULVERT_FAST_PATHS: unknown word \"slow\"", "splice"];
        assert_said(&program?.ended(SOON).await?, 1, &said);
    }
    Ok(())
}

#[tokio::test]
async fn a_full_port_is_told_by_number() -> Result {
    let holder = tcp_echo().await?;
    let port = holder.port().to_string();
    let text = format!("bindAddr = \"127.0.0.1\"\nbindPort = {port}\n");
    let done = with_config(Role::Frps, &["-c"], &text).await?;
    assert_said(&done, 1, &[&port]);
    Ok(())
}

async fn ours() -> Result<Scene> {
    Scene::new(Pairing::OURS)
        .await?
        .ok_or_else(|| Error::wrong("our programs are missing"))
}

async fn stops(program: &mut Program, signal: &str) -> Result {
    program.signal(signal).await?;
    let end = program.ended(SOON).await?;
    assert_eq!(end.code, Some(0), "after SIG{signal}: {}", end.text);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn both_signals_stop_both_programs_in_order() -> Result {
    for signal in ["TERM", "INT"] {
        let mut pair = ours().await?.start().await?;
        pair.frpc.wait_for("login to server success", SOON).await?;
        stops(&mut pair.frpc, signal).await?;
        stops(&mut pair.frps, signal).await?;
        // The port is free again at once.
        drop(pair.scene().start_frps().await?);
    }
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_stop_before_the_login_is_quick() -> Result {
    let scene = ours().await?;
    let mut frpc = scene.start_frpc("loginFailExit = false")?;
    frpc.wait_for("connect to server error", SOON).await?;
    stops(&mut frpc, "TERM").await
}

#[cfg(unix)]
#[tokio::test]
async fn work_in_flight_is_finished_after_the_signal() -> Result {
    for stop_frps in [false, true] {
        let echo = tcp_echo().await?;
        let remote = free_port()?;
        let lines = format!("remotePort = {remote}");
        let mut pair = ours()
            .await?
            .proxy("echo", "tcp", echo.addr(), &lines)
            .start()
            .await?;
        let mut user = connected(local(remote), SOON).await?;
        exchange(&mut user).await?;
        let stopping = if stop_frps {
            &mut pair.frps
        } else {
            &mut pair.frpc
        };
        stopping.signal("TERM").await?;
        exchange(&mut user).await?;
        drop(user);
        assert_eq!(stopping.ended(SOON).await?.code, Some(0));
    }
    Ok(())
}

async fn exchange(user: &mut TcpStream) -> Result {
    let mut answer = [0; 4];
    user.write_all(b"ping")
        .await
        .map_err(Error::io("write in flight"))?;
    user.read_exact(&mut answer)
        .await
        .map_err(Error::io("read in flight"))?;
    assert_eq!(&answer, b"ping");
    Ok(())
}

#[tokio::test]
async fn the_sample_files_work_together_as_they_are() -> Result {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    // Their port is fixed; a machine that already uses it proves nothing either way.
    if std::net::TcpListener::bind(("0.0.0.0", 7000)).is_err() {
        println!("skipped: port 7000 is in use");
        return Ok(());
    }
    let start = async |role: Role| -> Result<Program> {
        let binary = Peer::Ours
            .binary(role)
            .await?
            .ok_or_else(|| Error::wrong("missing"))?;
        let sample = format!("{root}/conf/{}.toml", role.name());
        Program::start(role.name(), &binary, &["-c", &sample])
    };
    let frps = start(Role::Frps).await?;
    frps.wait_for("frps started successfully", SOON).await?;
    let frpc = start(Role::Frpc).await?;
    frpc.wait_for("login to server success", SOON).await?;
    Ok(())
}

#[tokio::test]
async fn one_large_echo_uses_both_directions_at_once() -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let lines = format!("remotePort = {remote}");
    let _pair = ours()
        .await?
        .proxy("echo", "tcp", echo.addr(), &lines)
        .start()
        .await?;
    echo_once(local(remote), 10, 32 << 20).await
}
