//! What goes beyond upstream: further listeners, and transports that are programs of their own.

#![cfg(unix)]

use std::{path::PathBuf, time::Duration};

use culvert_kit::{
    Peer, Program, Result, Role, TempDir, echo_once, eventually, free_port, run, tcp_echo, within,
};

const SOON: Duration = Duration::from_secs(20);

/// The example in Python; `None`, and a word to the reader, where there is no interpreter.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
async fn obfs() -> Result<Option<PathBuf>> {
    let python = std::path::Path::new("/usr/bin/env");
    let end = run("python3", python, &["python3", "--version"], SOON).await?;
    if end.code != Some(0) {
        println!("skipped: python3 is not installed");
        return Ok(None);
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(Some(folder.join("../examples/exec-obfs/obfs.py")))
}

async fn ours(role: Role) -> Result<PathBuf> {
    let binary = Peer::Ours.binary(role).await?;
    binary.ok_or_else(|| culvert_kit::Error::wrong("ours is not there"))
}

/// Starts one of the programs with a file and what `--allow-unsafe` names.
async fn start(dir: &TempDir, role: Role, text: &str, allow: Option<&str>) -> Result<Program> {
    let file = dir.write(&format!("{}.toml", role.name()), text)?;
    let file = file.to_string_lossy();
    let mut args = vec!["-c", &*file];
    args.extend(allow.into_iter().flat_map(|word| ["--allow-unsafe", word]));
    Program::start(role.name(), &ours(role).await?, &args)
}

const ALLOW: Option<&str> = Some("TransportExec");

struct Scene {
    dir: TempDir,
    server: String,
    client: String,
    public: u16,
}

fn scene(program: &std::path::Path, echo: u16) -> Result<Scene> {
    let (bind, obfs, public) = (free_port()?, free_port()?, free_port()?);
    let program = program.display();
    let common = "auth.token = \"secret\"\ntransport.exec.key = \"a longer key\"\n";
    Ok(Scene {
        dir: TempDir::new()?,
        server: format!(
            "bindPort = {bind}\n{common}\
             [[listeners]]\ntransport = \"exec:{program}\"\nbind = \"127.0.0.1:{obfs}\"\n"
        ),
        client: format!(
            "serverAddr = \"127.0.0.1\"\nserverPort = {obfs}\nloginFailExit = false\n\
             transport.protocol = \"exec:{program}\"\n{common}\
             [[proxies]]\nname = \"echo\"\ntype = \"tcp\"\nlocalPort = {echo}\n\
             remotePort = {public}\n"
        ),
        public,
    })
}

#[tokio::test]
async fn a_tunnel_over_two_programs() -> Result {
    let Some(program) = obfs().await? else {
        return Ok(());
    };
    let echo = tcp_echo().await?;
    let scene = scene(&program, echo.port())?;
    let mut frps = start(&scene.dir, Role::Frps, &scene.server, ALLOW).await?;
    frps.wait_for("frps started successfully", SOON).await?;
    let mut frpc = start(&scene.dir, Role::Frpc, &scene.client, ALLOW).await?;
    frpc.wait_for("[echo] start proxy success", SOON).await?;
    let to = (std::net::Ipv4Addr::LOCALHOST, scene.public).into();
    within(SOON, "an echo over two programs", echo_once(to, 1, 1 << 20)).await?;

    // A program that dies is started again, and the client finds its way back.
    let died = children(frpc.pid());
    assert_eq!(died.len(), 1, "one program for one server");
    for pid in &died {
        let pid = pid.to_string();
        let end = run(
            "kill",
            std::path::Path::new("/bin/kill"),
            &["-9", &pid],
            SOON,
        )
        .await?;
        assert_eq!(end.code, Some(0), "{}", end.text);
    }
    frpc.wait_for("starting it again", SOON).await?;
    frpc.wait_for_count("[echo] start proxy success", 2, SOON)
        .await?;
    within(SOON, "an echo after a restart", echo_once(to, 2, 100_000)).await?;

    // Both take their programs with them.
    let programs = [children(frpc.pid()), children(frps.pid())].concat();
    assert_eq!(programs.len(), 2);
    for program in [&mut frpc, &mut frps] {
        program.signal("TERM").await?;
        assert_eq!(program.ended(SOON).await?.code, Some(0));
        assert_eq!(program.count("killing it"), 0);
    }
    eventually(SOON, "the end of the programs", || async {
        match programs.iter().find(|pid| lives(**pid)) {
            None => Ok(()),
            Some(pid) => Err(culvert_kit::Error::wrong(format!("{pid} is still there"))),
        }
    })
    .await
}

/// The processes that `parent` started.
fn children(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|s| !s.contains(") Z "))
}

#[tokio::test]
async fn programs_need_a_word_of_the_operator() -> Result {
    let scene = scene(std::path::Path::new("/nowhere/obfs"), 1)?;
    for (role, text) in [(Role::Frps, &scene.server), (Role::Frpc, &scene.client)] {
        let mut program = start(&scene.dir, role, text, None).await?;
        let end = program.ended(SOON).await?;
        assert_eq!(end.code, Some(1), "{}", end.text);
        let words = "unsafe feature \"TransportExec\" is not enabled";
        assert!(end.text.contains(words), "{}", end.text);
        assert!(
            end.text.contains("--allow-unsafe TransportExec"),
            "{}",
            end.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() -> Result {
    let scene = scene(std::path::Path::new("/nowhere/obfs"), 1)?;
    let mut frps = start(&scene.dir, Role::Frps, &scene.server, ALLOW).await?;
    let end = frps.ended(SOON).await?;
    assert_eq!(end.code, Some(1), "{}", end.text);
    assert!(end.text.contains("/nowhere/obfs"), "{}", end.text);

    let text = scene.client.replace("loginFailExit = false\n", "");
    let mut frpc = start(&scene.dir, Role::Frpc, &text, ALLOW).await?;
    let end = frpc.ended(SOON).await?;
    assert_eq!(end.code, Some(1), "{}", end.text);
    assert!(
        end.text.contains("/nowhere/obfs: cannot be started"),
        "{}",
        end.text
    );
    Ok(())
}

#[tokio::test]
async fn stock_programs_say_which_transports_they_have() -> Result {
    let dir = TempDir::new()?;
    let frpc = ours(Role::Frpc).await?;
    let file = dir.write("frpc.toml", "transport.protocol = \"carrier\"\n")?;
    let end = run(
        "frpc",
        &frpc,
        &["verify", "-c", &file.to_string_lossy()],
        SOON,
    )
    .await?;
    assert_eq!(end.code, Some(1), "{}", end.text);
    let words = "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]";
    assert!(end.text.contains(words), "{}", end.text);
    let words = "no transport of that name is in this build, which has ";
    assert!(
        end.text.contains(words) && end.text.contains("tcp"),
        "{}",
        end.text
    );
    Ok(())
}

#[tokio::test]
async fn every_built_in_transport_as_a_further_listener() -> Result {
    let dir = TempDir::new()?;
    let echo = tcp_echo().await?;
    for name in ["tcp", "kcp", "quic", "websocket", "wss"] {
        let (bind, port, public) = (free_port()?, free_port()?, free_port()?);
        let server = format!(
            "bindPort = {bind}\nauth.token = \"secret\"\n\
             [[listeners]]\ntransport = \"{name}\"\nbind = \"127.0.0.1:{port}\"\n"
        );
        let client = format!(
            "serverAddr = \"127.0.0.1\"\nserverPort = {port}\nauth.token = \"secret\"\n\
             transport.protocol = \"{name}\"\n\
             [[proxies]]\nname = \"echo\"\ntype = \"tcp\"\nlocalPort = {}\nremotePort = {public}\n",
            echo.port()
        );
        let frps = start(&dir, Role::Frps, &server, None).await?;
        frps.wait_for(&format!("frps {name} listen on 127.0.0.1:{port}"), SOON)
            .await?;
        frps.wait_for("frps started successfully", SOON).await?;
        let frpc = start(&dir, Role::Frpc, &client, None).await?;
        frpc.wait_for("[echo] start proxy success", SOON).await?;
        let to = (std::net::Ipv4Addr::LOCALHOST, public).into();
        within(SOON, name, echo_once(to, 1, 1 << 20)).await?;
    }
    Ok(())
}
