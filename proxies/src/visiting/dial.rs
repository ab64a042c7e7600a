//! The client's half: where a visitor listens, and how it gets through to its service.

use std::{
    future::Future,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use culvert_conf::VisitorConfig;
use culvert_io::Stream;
use culvert_proxy::{LayerFlags, ProxyError, VisitorCx, VisitorStream, layers};
use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    Codec, Token,
    datagram::FORMAT,
    msg::{NewVisitorConn, NewVisitorConnResp},
};
use tokio::time::{sleep, timeout};

use crate::message::wire_name;

/// How long the server may take to take the visitor in, and to answer it (protocol 3.8).
const ANSWER: Duration = Duration::from_secs(10);

/// How long a visitor waits whose address is taken (protocol 5.9).
const LISTEN_AGAIN: Duration = Duration::from_secs(10);

/// A secret service somewhere, and what opens it.
#[derive(Debug)]
pub(crate) struct SecretService {
    user: String,
    name: String,
    secret: Token,
    flags: LayerFlags,
    /// Whether packets may travel as datagrams.
    datagrams: bool,
}

impl SecretService {
    /// The service that a visitor was configured for.
    pub(crate) fn new(config: &VisitorConfig) -> Self {
        let secret = Token::new(config.secret_key.expose());
        Self {
            user: config.server_user.clone(),
            name: config.server_name.clone(),
            flags: LayerFlags {
                encryption: config.use_encryption.then(|| secret.key()),
                compression: config.use_compression,
                limit: None,
            },
            secret,
            datagrams: false,
        }
    }

    /// The same service; its packets travel as datagrams if they can.
    pub(crate) fn of_datagrams(mut self) -> Self {
        self.datagrams = self.flags.is_plain();
        self
    }

    /// A stream to the service, layers put on, and how messages on it are written.
    ///
    /// *Cancel safety*: the stream is closed.
    ///
    /// # Errors
    /// There is no session, the server refuses, or it does not answer.
    pub(crate) async fn dial(&self, cx: &dyn VisitorCx) -> Result<(Stream, Codec), ProxyError> {
        let opened = timeout(ANSWER, cx.open()).await;
        let VisitorStream {
            mut stream,
            run_id,
            codec,
        } = opened.unwrap_or(Err(ProxyError::NoWorkConn("the server takes no stream")))?;
        let owner = match &*self.user {
            "" => cx.user(),
            other => other,
        };
        let proxy_name = wire_name(owner, &self.name).into();
        let timestamp = unix_now();
        let ask = NewVisitorConn {
            run_id,
            proxy_name,
            sign_key: self.secret.sign_key(timestamp),
            timestamp,
            use_encryption: self.flags.encryption.is_some(),
            use_compression: self.flags.compression,
            datagrams: if self.datagrams && stream.open_datagrams() {
                FORMAT
            } else {
                0
            },
        };
        let mut framed = Framed::dialled(stream, codec);
        let sent = timeout(ANSWER, framed.send(&ask.into())).await;
        sent.unwrap_or_else(|_elapsed| {
            Err(TransportError::Timeout {
                what: "asking for a visit".to_owned(),
                after: ANSWER,
            })
        })
        .map_err(failed)?;
        let answer: NewVisitorConnResp = framed
            .expect(ANSWER, "the answer to a visitor")
            .await
            .map_err(failed)?;
        if !answer.error.is_empty() {
            return Err(ProxyError::Refused(answer.error));
        }
        let mut stream = framed.into_stream();
        if answer.datagrams != FORMAT {
            stream.close_datagrams();
        }
        let stream = layers::client(stream, &self.flags)?;
        Ok((stream, codec))
    }
}

/// Opens a visitor's socket, however often that takes.
///
/// *Cancel safety*: safe.
pub(crate) async fn listen<T, F>(bind: impl Fn() -> F + Send) -> T
where
    F: Future<Output = io::Result<T>> + Send,
{
    loop {
        match bind().await {
            Ok(socket) => {
                tracing::info!("start visitor success");
                return socket;
            }
            Err(error) => tracing::warn!("start error: {error}"),
        }
        sleep(LISTEN_AGAIN).await;
    }
}

/// The time as messages have it, in unix seconds.
pub(crate) fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

fn failed(error: TransportError) -> ProxyError {
    match error {
        TransportError::Io(source) => ProxyError::io("visitor connection", source),
        other => ProxyError::Peer(report(&other)),
    }
}
