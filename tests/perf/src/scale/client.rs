//! A client without a program around it: thousands of them fit into this process.
//!
//! To the server it is an frpc with the default settings and one secret proxy, whose service is an
//! echo inside the client. It takes one socket; its users and its visits are streams on that.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use culvert_conf::{Strictness, parse_client};
use culvert_io::{Scope, Stream};
use culvert_kit::{Error, Result, within};
use culvert_transport::{BoxSession, Framed, Result as Spoken, TransportError, report};
use culvert_transports::ClientStack;
use culvert_wire::{
    Codec, ControlCipher, Message, RELEASE, Token,
    msg::{
        Login, LoginResp, NewProxy, NewVisitorConn, NewVisitorConnResp, NewWorkConn, StartWorkConn,
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a login or a visit may take: the server is busy with many of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Work connections that a client asks the server to keep ready: the default of frpc.
const POOL: i64 = 1;

/// How clients reach their server, and what they prove themselves with.
#[derive(Debug)]
pub(super) struct Door {
    stack: ClientStack,
    cipher: ControlCipher,
    scope: Scope,
}

/// A client that is logged in; its tasks live in the scope of its [`Door`].
#[derive(Clone, Debug)]
pub(super) struct Client {
    link: BoxSession,
    run_id: Arc<str>,
    /// Its proxy.
    pub(super) proxy: String,
}

impl Door {
    /// The door that frpc would go through with the configuration `toml`.
    ///
    /// # Errors
    /// When it is no configuration.
    pub(super) fn new(toml: &str, scope: Scope) -> Result<Self> {
        let read = parse_client(toml, "frpc.toml", Strictness::Strict);
        let config = read.map_err(|e| Error::wrong(e.to_string()))?.config;
        let token = Token::default();
        Ok(Self {
            stack: ClientStack::new(&config).map_err(failed)?,
            cipher: ControlCipher::Cfb(token.key()),
            scope,
        })
    }

    /// Logs in, publishes the proxy number `n`, and goes on answering the server.
    ///
    /// # Errors
    /// When the server does not take it in.
    pub(super) async fn login(&self, n: usize) -> Result<Client> {
        within(PATIENCE, "a login", async {
            let (client, control) = self.enter(n).await.map_err(failed)?;
            self.scope
                .spawn(client.clone().serve(control, self.scope.clone()));
            Ok(client)
        })
        .await
    }

    async fn enter(&self, n: usize) -> Spoken<(Client, Framed)> {
        let link = self.stack.connect(&self.scope).await?;
        let mut control = Framed::dialled(link.open().await?, Codec::V1);
        let timestamp = now();
        let ask = Login {
            version: RELEASE.to_owned(),
            hostname: "load".to_owned(),
            os: "linux".to_owned(),
            arch: "amd64".to_owned(),
            privilege_key: Token::default().privilege_key(timestamp),
            timestamp,
            pool_count: POOL,
            ..Login::default()
        };
        control.send(&ask.into()).await?;
        let answer: LoginResp = control.next_as("login response").await?;
        refused(answer.error)?;
        link.authenticate();
        let mut control = control.encrypt(&self.cipher)?;
        let client = Client {
            link,
            run_id: answer.run_id.into(),
            proxy: format!("load{n}"),
        };
        let ask = NewProxy {
            proxy_name: client.proxy.clone(),
            proxy_type: "stcp".to_owned(),
            allow_users: vec!["*".to_owned()],
            ..NewProxy::default()
        };
        control.send(&ask.into()).await?;
        loop {
            match control.next().await? {
                Some(Message::NewProxyResp(answer)) => {
                    refused(answer.error)?;
                    return Ok((client, control));
                }
                Some(message) => client.heard(&message, &self.scope),
                None => return Err(closed()),
            }
        }
    }
}

impl Client {
    /// Answers the server until it ends the session.
    async fn serve(self, mut control: Framed, scope: Scope) {
        while let Ok(Some(message)) = control.next().await {
            self.heard(&message, &scope);
        }
    }

    fn heard(&self, message: &Message, scope: &Scope) {
        if matches!(message, Message::ReqWorkConn(_)) {
            let client = self.clone();
            // Who misses it, a user, says so.
            scope.spawn(async move { drop(client.work().await) });
        }
    }

    /// Offers a work connection, and echoes to the user that it is used for.
    async fn work(self) -> Spoken<()> {
        let mut work = Framed::dialled(self.link.open().await?, Codec::V1);
        let hello = NewWorkConn {
            run_id: self.run_id.to_string(),
            ..NewWorkConn::default()
        };
        work.send(&hello.into()).await?;
        let start: StartWorkConn = work.next_as("StartWorkConn").await?;
        refused(start.error)?;
        let mut stream = work.into_stream();
        let mut piece = [0; 64];
        while let got @ 1.. = stream.read(&mut piece).await? {
            stream
                .write_all(piece.get(..got).unwrap_or_default())
                .await?;
        }
        Ok(())
    }

    /// A user connection to a secret proxy, as a visitor opens it.
    ///
    /// # Errors
    /// When the server does not let it through.
    pub(super) async fn visit(&self, proxy: &str) -> Result<Stream> {
        let visit = async {
            let timestamp = now();
            let ask = NewVisitorConn {
                run_id: self.run_id.to_string(),
                proxy_name: proxy.into(),
                sign_key: Token::default().sign_key(timestamp),
                timestamp,
                ..NewVisitorConn::default()
            };
            let mut visit = Framed::dialled(self.link.open().await?, Codec::V1);
            visit.send(&ask.into()).await?;
            let answer: NewVisitorConnResp = visit.next_as("the answer to a visitor").await?;
            refused(answer.error)?;
            Ok(visit.into_stream())
        };
        within(PATIENCE, "a visit", async { visit.await.map_err(failed) }).await
    }
}

fn refused(error: String) -> Spoken<()> {
    match error.is_empty() {
        true => Ok(()),
        false => Err(TransportError::Refused(error)),
    }
}

fn closed() -> TransportError {
    TransportError::Closed("the server ended the session".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: TransportError) -> Error {
    Error::wrong(report(&error))
}

/// Unix seconds.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or_default())
}
