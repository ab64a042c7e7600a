//! Saying who we are (protocol 3.3).

use std::{sync::Arc, time::Duration};

use culvert_conf::Protocol;
use culvert_io::Scope;
use culvert_transport::{Framed, TransportError, report};
use culvert_transports::ClientStack;
use culvert_wire::{
    ControlCipher, HelloError, Message, RELEASE, Version, WireError,
    msg::{Login, LoginResp},
    v2::{AeadKeys, Bootstrap, FrameType, Offer},
};

use super::{Client, Session};
use crate::auth::ProofError;

/// How long the server may take to answer (protocol 3.3).
const ANSWER: Duration = Duration::from_secs(10);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server cannot be reached, or does not speak with us.
    #[error("{}", report(.0))]
    Transport(#[from] TransportError),
    /// There is nothing to log in with.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The server refused; its own words.
    #[error("{0}")]
    Refused(String),
    /// There was no answer to a hello of wire version 2; what there was instead.
    #[error(
        "no answer in wire protocol v2 ({0}): the server may be older than frp 0.69; set \
         transport.wireProtocol = \"v1\", which every server speaks, or update the server"
    )]
    NoV2(String),
}

/// Connects and logs in. `run_id` is that of the last session, or empty.
///
/// *Cancel safety*: the connection is closed.
pub(crate) async fn login(
    client: &Arc<Client>,
    stack: &ClientStack,
    run_id: &str,
    scope: Scope,
) -> Result<(Session, Framed), LoginError> {
    // First, because the server does not wait for long once there is a connection.
    let ask = ask(client, run_id).await?;
    let link = stack.connect(&scope).await?;
    match speak(client, &link, ask).await {
        Ok((control, run_id)) => {
            let scope = scope.child(tracing::error_span!("session", prefix = %run_id));
            let session = Session {
                client: Arc::clone(client),
                run_id,
                link,
                scope,
            };
            Ok((session, control))
        }
        Err(err) => {
            link.close("login failed").await;
            Err(err)
        }
    }
}

async fn speak(
    client: &Client,
    link: &culvert_transport::BoxSession,
    ask: Login,
) -> Result<(Framed, String), LoginError> {
    let codec = client.codec();
    let mut control = Framed::dialled(link.open().await?, codec);
    let ask = ask.into();
    let cipher = match codec.version() {
        Version::V1 => {
            send(&mut control, &ask).await?;
            ControlCipher::Cfb(client.key.clone())
        }
        Version::V2 => ControlCipher::Aead(negotiate(client, &mut control, &ask).await?),
    };
    let answer: LoginResp = control.expect(ANSWER, "login response").await?;
    if !answer.error.is_empty() {
        return Err(LoginError::Refused(answer.error));
    }
    // From here on the server may send as much as its users do.
    link.authenticate();
    Ok((control.encrypt(&cipher)?, answer.run_id))
}

async fn send(control: &mut Framed, ask: &Message) -> Result<(), TransportError> {
    tokio::time::timeout(ANSWER, control.send(ask))
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: "sending the login".to_owned(),
            after: ANSWER,
        })?
}

/// Settles the control cipher of version 2; the login `ask` leaves right behind our hello
/// (protocol 4.2). What a server says that does not know version 2, or does not say, becomes one
/// error that names the key.
async fn negotiate(
    client: &Client,
    control: &mut Framed,
    ask: &Message,
) -> Result<AeadKeys, LoginError> {
    let transport = &client.config.transport;
    let always_tls = matches!(transport.protocol, Protocol::Wss | Protocol::Quic);
    let offer = Offer::new(Bootstrap {
        transport: transport.protocol.as_str().to_owned(),
        tls: transport.tls.enabled.is_some() || always_tls,
        tcp_mux: transport.tcp_mux.is_some(),
    })
    .map_err(TransportError::from)?;
    control.feed_hello(FrameType::ClientHello, offer.payload())?;
    let hello = async {
        send(control, ask).await?;
        control.server_hello(ANSWER).await
    };
    let hello = match hello.await {
        Ok(Some(hello)) => hello,
        Ok(None) => {
            return Err(LoginError::NoV2(
                "the server closed the connection".to_owned(),
            ));
        }
        Err(TransportError::Malformed(_)) => {
            return Err(LoginError::NoV2(
                "the server answered in another way".to_owned(),
            ));
        }
        Err(err @ (TransportError::Io(_) | TransportError::Closed(_))) => {
            return Err(LoginError::NoV2(report(&err)));
        }
        Err(err) => return Err(err.into()),
    };
    offer
        .accept(&hello, client.auth.token())
        .map_err(|err| match err {
            WireError::Hello(HelloError::Refused(why)) => LoginError::Refused(why),
            other => TransportError::from(other).into(),
        })
}

async fn ask(client: &Client, run_id: &str) -> Result<Login, ProofError> {
    let config = &client.config;
    let (timestamp, privilege_key) = client.auth.prove().await?;
    Ok(Login {
        version: RELEASE.to_owned(),
        hostname: host_name(),
        os: go_os(std::env::consts::OS).to_owned(),
        arch: go_arch(std::env::consts::ARCH).to_owned(),
        user: config.user.clone(),
        privilege_key,
        timestamp,
        run_id: run_id.to_owned(),
        client_id: config.client_id.clone(),
        metas: config.metadatas.clone(),
        pool_count: config.transport.pool_count.into(),
        ..Login::default()
    })
}

/// The host's name as far as it can be had without asking the system's C library; it is only
/// shown on dashboards.
fn host_name() -> String {
    let file = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = file.ok().or_else(|| std::env::var("HOSTNAME").ok());
    name.or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The system's name as Go has it, which upstream's dashboards expect.
fn go_os(os: &str) -> &str {
    if os == "macos" { "darwin" } else { os }
}

/// The processor's name as Go has it.
fn go_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
