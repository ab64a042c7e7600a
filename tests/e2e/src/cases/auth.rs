//! Proving who one is in other ways than with a token in the file: OIDC, and a token elsewhere.

use culvert_kit::{Error, Issuer, Result, echo_once, eventually, free_port, tcp_echo, within};

use super::scene;
use crate::{Pairing, SOON, local};

/// Everything is proved, also later messages.
const SCOPES: &str = "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]";

/// The lines of frps for a provider.
fn server(issuer: &Issuer) -> String {
    format!(
        "auth.method = \"oidc\"\nauth.oidc.issuer = \"{}\"\nauth.oidc.audience = \"frps\"\n{SCOPES}",
        issuer.url()
    )
}

/// The lines of frpc for a provider and a secret.
fn client(issuer: &Issuer, secret: &str) -> String {
    format!(
        "auth.method = \"oidc\"\nauth.oidc.clientID = \"me\"\n\
         auth.oidc.clientSecret = \"{secret}\"\n\
         auth.oidc.tokenEndpointURL = \"{}/token\"\n\
         transport.heartbeatInterval = 1\n{SCOPES}",
        issuer.url()
    )
}

/// Login, heartbeats and work connections are proved by tokens of a provider. Each is a token of
/// its own, because the provider does not say how long they last.
///
/// # Errors
/// When a login or an echo fails, or heartbeats stop.
pub async fn oidc(pairing: Pairing) -> Result {
    let issuer = Issuer::start("secret").await?;
    issuer.hide_lifetime();
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let scene = scene!(pairing)
        .server(&server(&issuer))
        .client(&client(&issuer, "secret"))
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        );
    let pair = scene.start().await?;
    within(SOON, "an echo", echo_once(local(remote), 4, 1000)).await?;
    let before = issuer.asked().tokens;
    eventually(SOON, "two more heartbeats", || async {
        match issuer.asked().tokens {
            tokens if tokens >= before + 2 => Ok(()),
            tokens => Err(Error::wrong(format!("{tokens} tokens, before {before}"))),
        }
    })
    .await?;
    within(SOON, "an echo", echo_once(local(remote), 4, 1000)).await?;
    drop(pair);
    Ok(())
}

/// A client whose secret the provider does not accept does not log in, and says why.
///
/// # Errors
/// When frpc goes on, or the secret is in its log.
pub async fn wrong_secret(pairing: Pairing) -> Result {
    let issuer = Issuer::start("right").await?;
    let scene = scene!(pairing)
        .server(&server(&issuer))
        .client(&client(&issuer, "wr0ng-secret"));
    let _frps = scene.start_frps().await?;
    let mut frpc = scene.start_frpc("")?;
    let end = frpc.ended(SOON).await?;
    let told = end.text.contains("couldn't generate OIDC token for login");
    if end.code == Some(1) && told && !end.text.contains("wr0ng-secret") {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "exit code {:?}, log:\n{}",
        end.code, end.text
    )))
}

/// Both programs read the token from a file, with white space around it at one end.
///
/// # Errors
/// When a login or an echo fails.
pub async fn token_in_a_file(pairing: Pairing) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let scene = scene!(pairing).without_token();
    let file = |name, text| -> Result<String> {
        let path = scene.dir().write(name, text)?;
        Ok(format!(
            "auth.tokenSource.type = \"file\"\nauth.tokenSource.file.path = '{}'",
            path.display()
        ))
    };
    let (server, client) = (file("s", "the token\n")?, file("c", " the token")?);
    let pair = scene
        .server(&server)
        .client(&client)
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}\ntransport.useEncryption = true"),
        )
        .start()
        .await?;
    within(SOON, "an echo", echo_once(local(remote), 4, 1000)).await?;
    drop(pair);
    Ok(())
}
