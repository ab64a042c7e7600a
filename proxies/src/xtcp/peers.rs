//! What both ends of xtcp at the client share: how to get at the other peer.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use culvert_nathole::new_id;
use culvert_proxy::{ProxyError, Question};
use culvert_transport::{BoxSession, Hole, TransportError, report};
use culvert_wire::{Key, msg::NatHoleResp};
use tokio::{net::UdpSocket, time::timeout};

use super::{
    DiscoverError, Discovered, PeerCx,
    discover::prepare,
    orders::{Orders, OrdersError},
    punch::{PunchError, punch},
};
use crate::visiting::unix_now;

/// Two peers did not come together; the texts are upstream's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("nathole precheck error: {0}")]
    Check(#[source] ProxyError),
    #[error("nathole prepare error: {0}")]
    Discover(#[from] DiscoverError),
    #[error("nathole exchange info error: {0}")]
    Exchange(#[source] ProxyError),
    #[error("nathole exchange info error: {0}")]
    Orders(#[from] OrdersError),
    #[error("make hole error: {0}")]
    Punch(#[from] PunchError),
    #[error("init tunnel session error: {}", report(.0))]
    Tunnel(#[source] TransportError),
}

/// A socket that a STUN server has seen, and what others are told of it.
pub(crate) struct Prepared {
    pub(crate) socket: UdpSocket,
    pub(crate) mapped: Vec<String>,
    pub(crate) assisted: Vec<String>,
}

impl PeerCx {
    /// Finds out how others see us. Without `assisted` they are not told our own addresses.
    pub(crate) async fn prepare(&self, assisted: bool) -> Result<Prepared, DiscoverError> {
        tracing::debug!("nathole prepare start");
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let (socket, seen) = prepare(&self.stun_server, any).await?;
        let texts = |list: &[SocketAddr]| list.iter().map(ToString::to_string).collect();
        let Discovered {
            mapped, own, nat, ..
        } = &seen;
        let own = if assisted { own.as_slice() } else { &[] };
        tracing::info!(
            "nathole prepare success, nat type: {}, behavior: {}, addresses: {mapped:?}, \
             assistedAddresses: {own:?}",
            nat.kind(),
            nat.change,
        );
        Ok(Prepared {
            socket,
            mapped: texts(mapped),
            assisted: texts(own),
        })
    }

    /// Asks the server, which has `wait` to answer.
    pub(crate) async fn ask(
        &self,
        question: Question,
        wait: Duration,
    ) -> Result<NatHoleResp, ProxyError> {
        let silent = |_elapsed| ProxyError::Peer("the server does not answer".to_owned());
        let answer = timeout(wait, self.control.ask(question)).await;
        let answer = answer.map_err(silent)??;
        if answer.error.is_empty() {
            Ok(answer)
        } else {
            Err(ProxyError::Refused(answer.error))
        }
    }

    /// Meets the other peer as the server says.
    pub(crate) async fn meet(
        &self,
        socket: UdpSocket,
        told: &NatHoleResp,
        key: &Key,
    ) -> Result<Hole, PeerError> {
        tracing::debug!(
            "get natHoleRespMsg, sid [{}], protocol [{}], candidate address {:?}, assisted \
             address {:?}, detectBehavior: {:?}",
            told.sid,
            told.protocol,
            told.candidate_addrs,
            told.assisted_addrs,
            told.detect_behavior
        );
        let orders = Orders::read(told)?;
        let (socket, peer) = punch(socket, &orders, key).await?;
        tracing::info!(
            "establishing nat hole connection successful, sid [{}], remoteAddr [{peer}]",
            told.sid
        );
        Ok(Hole {
            socket,
            peer,
            protocol: told.protocol.clone(),
        })
    }

    /// Makes a session of a hole, as the one who opens streams or as the other.
    pub(crate) async fn tunnel(&self, hole: Hole, visitor: bool) -> Result<BoxSession, PeerError> {
        let session = if visitor {
            self.tunnels.dial(hole, &self.sessions).await
        } else {
            self.tunnels.accept(hole, &self.sessions).await
        };
        session.map_err(PeerError::Tunnel)
    }
}

/// The id of a question of ours.
pub(crate) fn transaction_id() -> Result<String, ProxyError> {
    new_id(unix_now()).map_err(|error| ProxyError::refused(error.to_string()))
}
