//! `socks5`: a SOCKS5 server (RFC 1928) with CONNECT, and logins of RFC 1929.

pub mod wire;

use std::{io, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use culvert_conf::{ForwardProxy, PluginLogin};
use culvert_io::{Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tracing::Instrument;

use self::wire::{Ask, Login, Methods, Parsed, Reply, Wrong};
use crate::targets::{Deny, dial};

/// How long a user may take for everything before the target is dialled. Upstream waits for ever;
/// a program says it at once, a person who is asked for a password answers in a minute.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// How long an answer may take to be taken.
const ANSWER: Duration = Duration::from_secs(60);

/// The plugin.
#[derive(Debug)]
pub(crate) struct Socks5 {
    login: Option<PluginLogin>,
    deny: Deny,
}

impl Socks5 {
    /// The plugin of a configuration.
    pub(crate) fn new(config: &ForwardProxy) -> Self {
        let login = &config.login;
        let asks = !login.user.is_empty() || !login.password.is_empty();
        Self {
            login: asks.then(|| login.clone()),
            deny: Deny::new(&config.deny_targets),
        }
    }

    /// What the user asks for, after methods and login; `None` when the user was sent away.
    async fn greet(&self, talk: &mut Talk) -> io::Result<Option<Ask>> {
        let Some(Methods(methods)) = talk.next(wire::methods).await? else {
            return Ok(None);
        };
        let method = if self.login.is_some() {
            wire::PASSWORD
        } else {
            wire::NOTHING
        };
        if !methods.contains(&method) {
            talk.say(&[wire::VERSION, wire::NO_METHOD]).await?;
            return Ok(None);
        }
        talk.say(&[wire::VERSION, method]).await?;
        if let Some(asked) = &self.login {
            let Some(given) = talk.next(wire::login).await? else {
                return Ok(None);
            };
            let right = admits(asked, &given);
            talk.say(&[wire::LOGIN_VERSION, u8::from(!right)]).await?;
            if !right {
                return Ok(None);
            }
        }
        talk.next(wire::ask).await
    }

    async fn serve(&self, stream: Stream) -> io::Result<()> {
        let mut talk = Talk {
            stream,
            seen: BytesMut::new(),
        };
        let Ok(greeted) = timeout(HANDSHAKE, Box::pin(self.greet(&mut talk))).await else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        let Some(ask) = greeted? else {
            return talk.stream.shutdown().await;
        };
        let dialled = match &ask {
            Ask::Connect(host, port) => dial(host, *port, &self.deny).await.map_err(|err| {
                tracing::warn!("socks5 connect [{host}:{port}] error: {err}");
                Reply::of(&err)
            }),
            Ask::Refused(reply) => Err(*reply),
        };
        let (reply, bound) = match &dialled {
            Ok(remote) => (Reply::Succeeded, remote.peer().local),
            Err(reply) => (*reply, SocketAddr::from(([0, 0, 0, 0], 0))),
        };
        timeout(ANSWER, talk.say(&wire::reply(reply, bound))).await??;
        match dialled {
            Ok(remote) => {
                let done = relay(talk.into_stream(), remote, &Relaying::default()).await;
                tracing::debug!("socks5 connection done: {:?}", done.end);
                Ok(())
            }
            Err(_) => talk.stream.shutdown().await,
        }
    }
}

/// Compared in time that does not depend on the contents.
fn admits(asked: &PluginLogin, given: &Login) -> bool {
    let user = given.user.as_slice().ct_eq(asked.user.as_bytes());
    let expected = asked.password.expose().as_bytes();
    let password = given.password.as_slice().ct_eq(expected);
    (user & password).into()
}

impl ClientProxy for Socks5 {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            if let Err(err) = Box::pin(self.serve(work.stream)).await {
                tracing::debug!("socks5 user ended: {err}");
            }
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}

/// A user who is talked to, and what came already.
struct Talk {
    stream: Stream,
    seen: BytesMut,
}

impl Talk {
    /// The next message; `None` when it is none or the user is gone.
    async fn next<T>(&mut self, parse: fn(&[u8]) -> Parsed<T>) -> io::Result<Option<T>> {
        loop {
            match parse(&self.seen) {
                Ok(Some((message, len))) => {
                    drop(self.seen.split_to(len.min(self.seen.len())));
                    return Ok(Some(message));
                }
                // No message is longer than `wire::LONGEST`.
                Ok(None) if self.seen.len() < wire::LONGEST => {}
                Ok(None) | Err(Wrong) => return Ok(None),
            }
            let mut piece = [0; wire::LONGEST];
            let n = self.stream.read(&mut piece).await?;
            if n == 0 {
                return Ok(None);
            }
            self.seen
                .extend_from_slice(piece.get(..n).unwrap_or_default());
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The bare stream; what the user said ahead is kept.
    fn into_stream(self) -> Stream {
        let ahead: Bytes = self.seen.freeze();
        self.stream.rewind(ahead)
    }
}
