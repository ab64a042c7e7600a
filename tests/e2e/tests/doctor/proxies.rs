//! Networks from which only a proxy leads out.

use culvert_e2e::{Pairing, Scene, local};
use culvert_kit::{Error, Finished, Result, Treatment, web_proxy};

use crate::scene::{examined, expect};

/// What doctor says where the server's name means nothing and a proxy is there, which treats
/// everybody so.
async fn behind(treatment: Treatment) -> Result<Finished> {
    let scene = Scene::new(Pairing::OURS).await?;
    let scene = scene.ok_or_else(|| Error::wrong("our programs are missing"))?;
    let scene = scene.without_token();
    let _frps = scene.start_frps().await?;
    let proxy = web_proxy(local(scene.bind_port()), treatment).await?;
    let lines = format!(
        "serverAddr = \"frps.invalid\"\ntransport.proxyURL = \"http://127.0.0.1:{}\"\n\
         dnsServer = \"127.0.0.1:1\"\n",
        proxy.port()
    );
    examined(&lines, "2s").await
}

#[tokio::test]
async fn a_proxy_that_connects_is_the_way_out() -> Result {
    let done = behind(Treatment::Connects).await?;
    // What is left to say is why UDP does not go there.
    expect(&done, "name-not-found", 0)?;
    for protocol in ["tcp", "websocket", "wss"] {
        let passes = format!("{{\"protocol\":\"{protocol}\",\"port\":7000,\"proxy\":\"http://");
        assert!(done.text.contains(&passes), "{protocol}: {}", done.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() -> Result {
    let done = behind(Treatment::Refuses).await?;
    expect(&done, "proxy-refuses", 1)
}

#[tokio::test]
async fn a_proxy_that_holds_back_what_passes_is_named() -> Result {
    let done = behind(Treatment::Buffers).await?;
    expect(&done, "proxy-buffers", 1)
}
