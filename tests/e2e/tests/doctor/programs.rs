//! Where another program answers, or none, or the server wants something else.

use culvert_e2e::{Pairing, Scene};
use culvert_kit::{Error, Result, crawl, free_port, parrot, resetter};

use crate::scene::{at, examined, expect};

/// How a portal answers everybody.
const PORTAL: &str = "HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn nobody_listens() -> Result {
    let done = examined(&at(free_port()?, ""), "2s").await?;
    expect(&done, "refused", 1)
}

#[tokio::test]
async fn a_filter_resets_what_it_knows() -> Result {
    let filter = resetter().await?;
    let done = examined(&at(filter.port(), ""), "2s").await?;
    expect(&done, "reset", 1)
}

#[tokio::test]
async fn a_captive_portal_answers_everybody() -> Result {
    let portal = parrot(PORTAL).await?;
    let done = examined(&at(portal.port(), ""), "2s").await?;
    expect(&done, "captive-portal", 1)?;
    assert!(done.text.contains("login.hotel.example"), "{}", done.text);
    Ok(())
}

#[tokio::test]
async fn an_ssh_server_is_there_instead() -> Result {
    let ssh = parrot("SSH-2.0-OpenSSH_9.6\r\n").await?;
    let done = examined(&at(ssh.port(), ""), "2s").await?;
    expect(&done, "wrong-program", 1)?;
    assert!(done.text.contains("SSH-2.0-OpenSSH_9.6"), "{}", done.text);
    Ok(())
}

#[tokio::test]
async fn the_name_is_known_to_nobody() -> Result {
    let lines = "serverAddr = \"frps.invalid\"\nauth.token = \"x\"\n";
    // Nobody answers there either; the system's resolver may take its time.
    let dns = format!("dnsServer = \"127.0.0.1:{}\"\n", free_port()?);
    let done = examined(&(lines.to_owned() + &dns), "2s").await?;
    expect(&done, "name-not-found", 1)
}

async fn scene() -> Result<Scene> {
    let scene = Scene::new(Pairing::OURS).await?;
    scene.ok_or_else(|| Error::wrong("our programs are missing"))
}

#[tokio::test]
async fn a_wrong_token_is_told_from_a_wrong_server() -> Result {
    let scene = scene().await?;
    let frps = scene.start_frps().await?;
    let done = examined(&at(scene.bind_port(), ""), "3s").await?;
    expect(&done, "token-wrong", 1)?;
    // Version 2 is refused in other words.
    let v2 = "transport.wireProtocol = \"v2\"\n";
    let done = examined(&at(scene.bind_port(), v2), "3s").await?;
    expect(&done, "token-wrong", 1)?;
    drop(frps);
    Ok(())
}

#[tokio::test]
async fn a_line_that_is_slowed_to_a_crawl_is_no_dead_one() -> Result {
    let scene = scene().await?;
    let _frps = scene.start_frps().await?;
    let line = crawl(culvert_e2e::local(scene.bind_port()), 40).await?;
    let done = examined(&at(line.port(), ""), "2s").await?;
    expect(&done, "throttled", 1)
}
