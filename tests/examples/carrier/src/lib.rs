//! A toy transport: TCP whose bytes are masked with a repeating key, after a greeting that proves
//! that both ends have the same key. It hides nothing from anybody who looks twice.

mod masked;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{
    BoxHandshake, Common, Connector, Link, Listener, Options, Result, Target, Traits, Transport,
    TransportError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use masked::Masked;

/// What a client says first, masked.
const GREETING: &[u8; 8] = b"carrier1";

/// The transport, `transport.protocol = "carrier"`.
#[derive(Clone, Copy, Debug)]
pub struct Carrier;

/// The table `[transport.carrier]`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    key: String,
}

/// The mask; not shown.
#[derive(Clone)]
pub(crate) struct Key(Arc<str>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    fn of(opts: &Options) -> Result<Self> {
        let Settings { key } = opts.parse()?;
        if key.is_empty() {
            return Err(TransportError::Refused(
                "transport.carrier.key is empty".to_owned(),
            ));
        }
        Ok(Self(key.into()))
    }
}

impl Transport for Carrier {
    type Connector = Dial;
    type Listener = Accept;

    const NAME: &'static str = "carrier";
    const TRAITS: Traits = Traits::PIPE;

    fn connector(&self, opts: &Options) -> Result<Dial> {
        Ok(Dial {
            key: Key::of(opts)?,
            common: opts.common,
        })
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<Accept> {
        let key = Key::of(opts)?;
        let listener = socket::listen(at).map_err(|source| TransportError::Unreachable {
            what: format!("listen carrier {at}"),
            source,
        })?;
        Ok(Accept { key, listener })
    }
}

/// The dialling side.
#[derive(Debug)]
pub struct Dial {
    key: Key,
    common: Common,
}

impl Connector for Dial {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let dial = async {
            let socket = TcpStream::connect((to.host.as_str(), to.port)).await?;
            let mut stream = masked(socket, &self.key)?;
            stream.write_all(GREETING).await?;
            stream.flush().await?;
            Ok(Link::Pipe(stream))
        };
        let limit = self.common.dial_timeout;
        let done = timeout(limit, dial)
            .await
            .map_err(|_| TransportError::Timeout {
                what: format!("dial carrier {to}"),
                after: limit,
            })?;
        done.map_err(|source| TransportError::Unreachable {
            what: format!("dial carrier {to}"),
            source,
        })
    }
}

/// The accepting side.
#[derive(Debug)]
pub struct Accept {
    key: Key,
    listener: TcpListener,
}

impl Listener for Accept {
    type Handshake = BoxHandshake;

    /// Takes a socket and nothing else: the greeting is awaited in the handshake.
    async fn accept(&mut self) -> io::Result<(BoxHandshake, SocketAddr)> {
        let (socket, addr) = self.listener.accept().await?;
        let (socket, key) = (socket.into_std()?, self.key.clone());
        let handshake = async move {
            let mut stream = masked(TcpStream::from_std(socket)?, &key)?;
            let mut greeting = [0; GREETING.len()];
            stream.read_exact(&mut greeting).await?;
            if &greeting == GREETING {
                Ok(Link::Pipe(stream))
            } else {
                Err(TransportError::Refused(format!("[{addr}] has another key")))
            }
        };
        Ok((Box::pin(handshake), addr))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn masked(socket: TcpStream, key: &Key) -> io::Result<Stream> {
    socket.set_nodelay(true)?;
    let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, Carrier::NAME);
    Ok(Stream::new(Masked::new(socket, key), peer))
}
