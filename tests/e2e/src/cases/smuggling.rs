//! Requests that two parsers could read differently, through the real port: all are refused, and
//! nothing of them reaches the service.

use std::time::Duration;

use culvert_kit::{
    DOUBTFUL_BODIES, DOUBTFUL_HEADS, Error, Result, SMUGGLED, free_port, http_get, recording_web,
    within,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::scene;
use crate::{Pairing, local};

/// How long a refusal may take on a busy machine.
const REFUSED: Duration = Duration::from_secs(10);

/// Sends every doubtful request, with a smuggled one behind it, to the http port.
///
/// # Errors
/// When one is not refused, or the service hears of it.
pub async fn nothing_gets_through(pairing: Pairing) -> Result {
    let (service, recorded) = recording_web().await?;
    let port = free_port()?;
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {port}"))
        .proxy(
            "web",
            "http",
            service.addr(),
            "customDomains = [\"a.test\"]",
        )
        .start()
        .await?;
    for (name, request) in DOUBTFUL_HEADS {
        refused(port, name, request).await?;
    }
    if !recorded.text().is_empty() {
        let text = recorded.text();
        return Err(Error::wrong(format!("the service was sent {text:?}")));
    }
    for (name, request) in DOUBTFUL_BODIES {
        refused(port, name, request).await?;
    }
    let good = http_get(local(port), "a.test", "/good").await?;
    let text = recorded.text();
    if good.status != 200 || !text.contains("GET /good ") || text.contains("/smuggled") {
        let text = format!("{good:?} came of a good request, and the service was sent {text:?}");
        return Err(Error::wrong(text));
    }
    Ok(())
}

/// Sends one and reads its one answer until the connection is closed.
async fn refused(port: u16, name: &str, request: &str) -> Result {
    let what = format!("the close after {name}");
    let all = within(REFUSED, &what, async {
        let io = |what: &str| Error::io(format!("{what} {name}"));
        let mut socket = TcpStream::connect(local(port))
            .await
            .map_err(io("connect for"))?;
        let sent = format!("{request}{SMUGGLED}");
        socket
            .write_all(sent.as_bytes())
            .await
            .map_err(io("send"))?;
        let mut all = Vec::new();
        // A close with bytes unread may reset the connection behind the answer.
        drop(socket.read_to_end(&mut all).await);
        Ok(String::from_utf8_lossy(&all).into_owned())
    });
    let all = all.await?;
    let is_4xx = all.starts_with("HTTP/1.1 4") || all.starts_with("HTTP/1.0 4");
    if is_4xx && all.matches("HTTP/1.").count() == 1 {
        return Ok(());
    }
    Err(Error::wrong(format!("{name} got {all:?}")))
}
