//! Saying who we are (protocol 3.3).

use std::time::Duration;

use culvert_conf::{ClientConfig, Protocol, WireVersion};
use culvert_transport::{BoxSession, Framed, TransportError, report};
use culvert_wire::{
    Codec, ControlCipher, HelloError, Message, RELEASE, Version, WireError,
    msg::{Login, LoginResp},
    v2::{AeadKeys, Bootstrap, FrameType, Offer},
};

use super::{Client, LoginError};
use crate::auth::{Auth, ProofError};

/// How long the server may take to answer (protocol 3.3).
const ANSWER: Duration = Duration::from_secs(10);

/// Who logs in, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    pub(crate) config: &'a ClientConfig,
    pub(crate) auth: &'a Auth,
}

impl<'a> Who<'a> {
    /// The client as it is configured.
    pub(crate) const fn of(client: &'a Client) -> Self {
        Self {
            config: &client.config,
            auth: &client.auth,
        }
    }

    /// How messages are written, on every connection.
    pub(crate) const fn codec(self) -> Codec {
        match self.config.transport.wire {
            WireVersion::V1 => Codec::V1,
            WireVersion::V2 => Codec::V2,
        }
    }

    /// Logs in over a link of this transport; answers the control stream and the run id.
    ///
    /// *Cancel safety*: the control stream is closed, the link is not.
    pub(crate) async fn speak(
        self,
        link: &BoxSession,
        over: &Protocol,
        ask: Login,
    ) -> Result<(Framed, String), LoginError> {
        let codec = self.codec();
        let mut control = Framed::dialled(link.open().await?, codec);
        let ask = ask.into();
        let cipher = match codec.version() {
            Version::V1 => {
                send(&mut control, &ask).await?;
                ControlCipher::Cfb(self.auth.token().key())
            }
            Version::V2 => ControlCipher::Aead(negotiate(self, over, &mut control, &ask).await?),
        };
        let answer: LoginResp = control.expect(ANSWER, "login response").await?;
        if !answer.error.is_empty() {
            return Err(LoginError::Refused(answer.error));
        }
        // From here on the server may send as much as its users do.
        link.authenticate();
        Ok((control.encrypt(&cipher)?, answer.run_id))
    }

    /// What is said at login; `run_id` is that of the last session, or empty.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn ask(self, run_id: &str) -> Result<Login, ProofError> {
        let config = self.config;
        let (timestamp, privilege_key) = self.auth.prove().await?;
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
    who: Who<'_>,
    over: &Protocol,
    control: &mut Framed,
    ask: &Message,
) -> Result<AeadKeys, LoginError> {
    let transport = &who.config.transport;
    let always_tls = matches!(over, Protocol::Wss | Protocol::Quic);
    let offer = Offer::new(Bootstrap {
        transport: over.as_str().to_owned(),
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
        .accept(&hello, who.auth.token())
        .map_err(|err| match err {
            WireError::Hello(HelloError::Refused(why)) => LoginError::Refused(why),
            other => TransportError::from(other).into(),
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
