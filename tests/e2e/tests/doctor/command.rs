//! The command line of doctor: what it prints where, and its exit codes.

use culvert_e2e::{Pairing, SOON, Scene};
use culvert_kit::{Error, Finished, Peer, Result, Role, free_port, run};

use crate::scene::DONE;

async fn ask(args: &[&str]) -> Result<Finished> {
    let binary = Peer::Ours.binary(Role::Frpc).await?;
    let binary = binary.ok_or_else(|| Error::wrong("our frpc is missing"))?;
    run("frpc", &binary, args, DONE).await
}

/// Asks about whoever is at `port` of this machine.
async fn ask_about(port: &str) -> Result<Finished> {
    let there = ["doctor", "--server", "127.0.0.1", "--timeout", "2s"];
    ask(&[&there[..], &["--port", port]].concat()).await
}

async fn scene() -> Result<Scene> {
    let scene = Scene::new(Pairing::OURS).await?;
    scene.ok_or_else(|| Error::wrong("our programs are missing"))
}

#[tokio::test]
async fn help_says_what_the_server_notices_and_the_exit_codes() -> Result {
    let done = ask(&["doctor", "--help"]).await?;
    assert_eq!(done.code, Some(0));
    for words in [
        "--json",
        "--timeout",
        "login without proxies",
        "Exit codes: 0",
    ] {
        assert!(done.text.contains(words), "no {words:?} in {}", done.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_question_is_not_a_server_out_of_reach() -> Result {
    for wrong in [
        &["doctor", "--prot", "1"][..],
        &["doctor", "--port", "0"],
        &["doctor", "-c", "no-such-file.toml"],
    ] {
        let done = ask(wrong).await?;
        assert_eq!(done.code, Some(2), "{wrong:?}: {}", done.text);
    }
    Ok(())
}

#[tokio::test]
async fn without_a_file_an_frps_that_answers_is_enough() -> Result {
    let scene = scene().await?;
    let frps = scene.start_frps().await?;
    let port = scene.bind_port().to_string();
    let done = ask_about(&port).await?;
    assert_eq!(done.code, Some(0), "{}", done.text);
    assert!(done.text.contains("token-wrong"), "{}", done.text);
    drop(frps);
    let nobody = free_port()?.to_string();
    let done = ask_about(&nobody).await?;
    assert_eq!(done.code, Some(1), "{}", done.text);
    Ok(())
}

#[tokio::test]
async fn a_server_sees_logins_that_end_in_order() -> Result {
    let scene = scene().await?.without_token();
    let frps = scene.start_frps().await?;
    let port = scene.bind_port().to_string();
    let done = ask_about(&port).await?;
    assert_eq!(done.code, Some(0), "{}", done.text);
    for words in [
        "tcp :",
        "passes",
        "udp-refused",
        "The configuration works as it is.",
    ] {
        assert!(done.text.contains(words), "no {words:?} in {}", done.text);
    }
    // tcp, websocket and wss.
    frps.wait_for_count("client login info", 3, SOON).await?;
    frps.wait_for_count("client exit success", 3, SOON).await
}
