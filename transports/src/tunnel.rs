//! Sessions between two peers over a hole: QUIC, or yamux on KCP (protocol 6.5).

use std::sync::Arc;

use culvert_conf::ClientConfig;
use culvert_io::Scope;
use culvert_transport::{BoxFuture, BoxSession, Hole, Options, Result, Tunnels};

use crate::find::quic_table;

/// The conversation of every tunnel (protocol 6.5).
#[cfg(feature = "kcp")]
const CONVERSATION: u32 = 1;

/// Time between pings of the mux (protocol 6.5).
#[cfg(feature = "kcp")]
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(10);

/// The word on the wire that means KCP.
const KCP: &str = "kcp";

/// The tunnels of the stock client.
#[derive(Clone, Debug)]
pub struct PeerTunnels {
    #[cfg_attr(not(feature = "quic"), expect(dead_code, reason = "for QUIC"))]
    quic: Options,
}

#[derive(Clone, Copy)]
enum End {
    Dialling,
    Accepting,
}

impl PeerTunnels {
    /// Tunnels with what the client says under `transport.quic`.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        Self {
            quic: Options::default().with_table(quic_table(&config.transport.quic)),
        }
    }

    async fn start(&self, hole: Hole, end: End, scope: &Scope) -> Result<BoxSession> {
        let session: BoxSession = if hole.protocol == KCP {
            Arc::new(kcp(hole, end, scope)?)
        } else {
            self.quic(hole, end).await?
        };
        session.authenticate();
        Ok(session)
    }

    #[cfg(feature = "quic")]
    async fn quic(&self, hole: Hole, end: End) -> Result<BoxSession> {
        let Hole { socket, peer, .. } = hole;
        let session = match end {
            End::Dialling => culvert_quic::dial_hole(socket, peer, &self.quic).await?,
            End::Accepting => culvert_quic::accept_hole(socket, peer, &self.quic).await?,
        };
        Ok(Arc::new(session))
    }

    #[cfg(not(feature = "quic"))]
    #[expect(clippy::unused_async, reason = "the other one waits")]
    async fn quic(&self, _: Hole, _: End) -> Result<BoxSession> {
        Err(missing("quic"))
    }
}

#[cfg(feature = "kcp")]
fn kcp(hole: Hole, end: End, scope: &Scope) -> Result<crate::YamuxSession> {
    use culvert_kcp::Parameters;
    use culvert_transport::Mux;
    let socket = tokio::net::UdpSocket::from_std(hole.socket)?;
    let pipe = culvert_kcp::attach(socket, hole.peer, CONVERSATION, &Parameters::SERVER)?;
    let mux = crate::Yamux::new(KEEPALIVE);
    match end {
        End::Dialling => mux.client(pipe, scope),
        End::Accepting => mux.server(pipe, scope),
    }
}

#[cfg(not(feature = "kcp"))]
fn kcp(_: Hole, _: End, _: &Scope) -> Result<crate::YamuxSession> {
    Err(missing(KCP))
}

#[cfg(not(all(feature = "kcp", feature = "quic")))]
fn missing(protocol: &str) -> culvert_transport::TransportError {
    culvert_transport::TransportError::Refused(format!("{protocol} is not part of this build"))
}

impl Tunnels for PeerTunnels {
    fn dial<'a>(&'a self, hole: Hole, scope: &'a Scope) -> BoxFuture<'a, Result<BoxSession>> {
        Box::pin(self.start(hole, End::Dialling, scope))
    }

    fn accept<'a>(&'a self, hole: Hole, scope: &'a Scope) -> BoxFuture<'a, Result<BoxSession>> {
        Box::pin(self.start(hole, End::Accepting, scope))
    }
}

#[cfg(test)]
#[cfg(all(feature = "kcp", feature = "quic"))]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use culvert_conf::{Strictness, parse_client};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        runtime::Handle,
    };

    use super::*;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    #[tokio::test]
    async fn two_peers_speak_over_a_hole_in_spite_of_late_datagrams() {
        let text = "serverAddr = \"x\"\n";
        let config = parse_client(text, "test.toml", Strictness::Strict).unwrap();
        let tunnels = PeerTunnels::new(&config.config);
        for protocol in ["kcp", "quic", ""] {
            let scope = Scope::root(Handle::current());
            let (near, far) = (socket(), socket());
            let (here, there) = (near.local_addr().unwrap(), far.local_addr().unwrap());
            for _ in 0..3 {
                near.send_to(&[7; 90], there).unwrap();
                far.send_to(&[9; 90], here).unwrap();
            }
            let hole = |socket, peer| Hole {
                socket,
                peer,
                protocol: protocol.to_owned(),
            };
            let (near, far) = tokio::join!(
                tunnels.dial(hole(near, there), &scope),
                tunnels.accept(hole(far, here), &scope)
            );
            let (near, far) = (near.unwrap(), far.unwrap());
            let mut out = near.open().await.unwrap();
            out.write_all(b"over the hole").await.unwrap();
            out.shutdown().await.unwrap();
            let mut got = Vec::new();
            let mut stream = far.accept().await.unwrap();
            stream.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"over the hole");
            near.close("done").await;
        }
    }
}
