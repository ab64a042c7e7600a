//! TLS between the two programs, in every variant that upstream's suite has.

use std::path::Path;

use culvert_kit::{
    Authority, Error, Result, echo_once, free_port, tcp_echo, udp_echo, udp_request, within,
};

use super::scene;
use crate::{Pairing, SOON, Scene, local};

/// How the two ends treat TLS.
#[derive(Clone, Copy, Debug)]
pub enum Tls {
    /// Both at their defaults: on, unverified.
    Default,
    /// Off at the client.
    Disabled,
    /// Required by the server.
    Forced,
    /// Announced by the byte 0x17 ahead of the handshake.
    FirstByte,
    /// The client verifies the server.
    OneWay,
    /// Both verify each other.
    Mutual,
    /// The client verifies a name other than the address that it dials.
    ServerName,
    /// The mux is off, so every connection has a handshake of its own.
    WithoutMux,
}

fn quoted(key: &str, path: &Path) -> String {
    // A literal string: paths of some systems hold backslashes.
    format!("transport.tls.{key} = '{}'\n", path.display())
}

fn identity(scene: &Scene, authority: &Authority, name: &str) -> Result<String> {
    let (certificate, key) = authority.issue(&[name])?.write(scene.dir(), name)?;
    Ok(quoted("certFile", &certificate) + &quoted("keyFile", &key))
}

fn prepare(scene: Scene, tls: Tls) -> Result<Scene> {
    let authority = Authority::new()?;
    let trust = quoted(
        "trustedCaFile",
        &scene.dir().write("ca.crt", authority.pem())?,
    );
    Ok(match tls {
        Tls::Default => scene,
        Tls::Disabled => scene.client("transport.tls.enable = false"),
        Tls::Forced => scene.server("transport.tls.force = true"),
        Tls::FirstByte => scene.client("transport.tls.disableCustomTLSFirstByte = false"),
        Tls::OneWay => {
            let server = identity(&scene, &authority, "127.0.0.1")?;
            scene.server(&server).client(&trust)
        }
        Tls::Mutual => {
            let server = identity(&scene, &authority, "127.0.0.1")? + &trust;
            let client = identity(&scene, &authority, "client.example.com")? + &trust;
            scene.server(&server).client(&client)
        }
        Tls::ServerName => {
            let server = identity(&scene, &authority, "tunnel.example.com")?;
            let name = "transport.tls.serverName = \"tunnel.example.com\"\n";
            scene.server(&server).client(&(trust + name))
        }
        Tls::WithoutMux => scene
            .server("transport.tcpMux = false")
            .client("transport.tcpMux = false"),
    })
}

/// A tcp and a udp proxy work under `tls`.
///
/// # Errors
/// When they do not.
pub async fn works(pairing: Pairing, tls: Tls) -> Result {
    let (tcp, udp) = (tcp_echo().await?, udp_echo().await?);
    let (tcp_port, udp_port) = (free_port()?, free_port()?);
    let _pair = prepare(scene!(pairing), tls)?
        .proxy(
            "tcp",
            "tcp",
            tcp.addr(),
            &format!("remotePort = {tcp_port}"),
        )
        .proxy(
            "udp",
            "udp",
            udp.addr(),
            &format!("remotePort = {udp_port}"),
        )
        .start()
        .await?;
    within(SOON, "an echo", echo_once(local(tcp_port), 3, 200_000)).await?;
    udp_request(local(udp_port), b"datagram", SOON).await
}

/// Why a login must fail.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// The server requires TLS and the client has it off.
    PlainToForced,
    /// The server's certificate is for another name.
    WrongServerName,
    /// The server's certificate is of an authority that the client does not know.
    UnknownAuthority,
    /// The server wants a client certificate and gets none.
    NoClientCertificate,
}

/// A client that may not log in ends with exit code 1 and never reports a login.
///
/// # Errors
/// When it logs in, goes on, or ends otherwise.
pub async fn refused(pairing: Pairing, why: Refusal) -> Result {
    let scene = scene!(pairing);
    let authority = Authority::new()?;
    let trust = quoted(
        "trustedCaFile",
        &scene.dir().write("ca.crt", authority.pem())?,
    );
    let scene = match why {
        Refusal::PlainToForced => scene
            .server("transport.tls.force = true")
            .client("transport.tls.enable = false"),
        Refusal::WrongServerName => {
            let server = identity(&scene, &authority, "tunnel.example.com")?;
            let name = "transport.tls.serverName = \"other.example.com\"\n";
            scene.server(&server).client(&(trust + name))
        }
        Refusal::UnknownAuthority => {
            let server = identity(&scene, &Authority::new()?, "127.0.0.1")?;
            scene.server(&server).client(&trust)
        }
        Refusal::NoClientCertificate => {
            let server = identity(&scene, &authority, "127.0.0.1")? + &trust;
            scene.server(&server).client(&trust)
        }
    };
    let _frps = scene.start_frps().await?;
    let mut frpc = scene.start_frpc("")?; // loginFailExit is on by default
    let end = frpc.ended(SOON).await?;
    if end.code == Some(1) && !end.text.contains("login to server success") {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "{why:?}: exit code {:?}, log:\n{}",
        end.code, end.text
    )))
}
